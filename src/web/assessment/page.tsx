/** Water quality by section and area over a month, a quarter or a year: the service's assessment, laid out to be read. */
import { ask } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import { type Station, stations } from '../core/watch.ts';
import { Choice } from '../ui/choice.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { AreaReport } from './area-report.tsx';
import { asKind, KINDS, kindOf, neighbour, periodAt } from './period.ts';
import { SectionReport } from './section-report.tsx';
import '../styles/assessment.css';

export default function AssessmentPage() {
  const asked = query.value.get('period') ?? '';
  const period = kindOf(asked) === null ? periodAt(nowMs.value, 'month') : asked;
  const areas = areasOf([...stations.value.values()]);
  const station = query.value.get('station');
  const area = query.value.get('area') ?? areas[0] ?? null;
  const about = station === null ? { area: area ?? '' } : { station };
  const report = useResource(station === null && area === null ? null : JSON.stringify([about, period]), (signal) =>
    ask('GET /assessments', { query: { ...about, period }, signal }),
  );
  return (
    <>
      <h1 class="unseen">{t('assessment')}</h1>
      <Controls period={period} area={area} station={station} areas={areas} />
      {areas.length === 0 && station === null ? (
        <Empty>{t('noSections')}</Empty>
      ) : (
        <Shown of={report} tall>
          {(found) => ('area' in found ? <AreaReport found={found} /> : <SectionReport found={found} />)}
        </Shown>
      )}
    </>
  );
}

/** Areas with sections that have a target; those with most rivers first, as assessments are mostly about rivers. */
function areasOf(all: readonly Station[]): string[] {
  const counts = new Map<string, number>();
  for (const { area, target, kind } of all) {
    if (area && target) counts.set(area, (counts.get(area) ?? 0) + (kind === 'river-section' ? 1 : 0));
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([area]) => area);
}

function Controls({
  period,
  area,
  station,
  areas,
}: {
  period: string;
  area: string | null;
  station: string | null;
  areas: readonly string[];
}) {
  const kind = kindOf(period) ?? 'month';
  const sections = [...stations.value.values()].filter(({ target }) => target);
  return (
    <div class="controls no-print">
      <label class="field">
        <span class="field-label">{t('about')}</span>
        <select
          value={station === null ? `area ${area}` : `station ${station}`}
          onChange={(event) => {
            const [what, id] = event.currentTarget.value.split(' ');
            setQuery({ area: undefined, station: undefined, [what!]: id });
          }}
        >
          <optgroup label={t('area')}>
            {areas.map((one) => (
              <option key={one} value={`area ${one}`}>
                {areaName(one)}
              </option>
            ))}
          </optgroup>
          <optgroup label={t('section')}>
            {sections.map(({ id, name }) => (
              <option key={id} value={`station ${id}`}>
                {nameOf(name)}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      <Choice
        label={t('period')}
        value={kind}
        choose={(next) => setQuery({ period: asKind(period, next) })}
        options={KINDS.map((one) => ({ value: one, label: t(`kind-${one}`) }))}
      />
      <span class="range-steps">
        <button
          type="button"
          aria-label={t('earlier')}
          title={t('earlier')}
          onClick={() => setQuery({ period: neighbour(period, -1) })}
        >
          ‹
        </button>
        <output class="period-name">{period}</output>
        <button
          type="button"
          aria-label={t('later')}
          title={t('later')}
          onClick={() => setQuery({ period: neighbour(period, 1) })}
        >
          ›
        </button>
      </span>
      <button type="button" class="print" onClick={() => print()}>
        {t('print')}
      </button>
    </div>
  );
}
