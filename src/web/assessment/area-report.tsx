/** An area: proportions of classes against the goal, main pollutants, changes, and every section. */
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { query } from '../core/route.ts';
import { stations } from '../core/watch.ts';
import { CLASSES, NUMERALS } from '../core/water.ts';
import { parameterName } from '../station/names.ts';
import { KeyFigure } from '../ui/key-figure.tsx';
import { ClassMark, classWord } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import {
  type AreaFound,
  changeWords,
  coverageText,
  pollutantsText,
  ReportHead,
  type Section,
  statusWord,
} from './parts.tsx';

export function AreaReport({ found }: { found: AreaFound }) {
  const columns = sectionColumns(found.period.text);
  const rank = (one: Section) => (one.class === null ? -1 : CLASSES.indexOf(one.class));
  const sections = [...found.sections].sort((a, b) => rank(b) - rank(a));
  return (
    <article class="report">
      <Sheet title={areaName(found.area)} name="report-summary">
        <ReportHead name={areaName(found.area)} found={found} />
        <Summary found={found} />
        <Proportions found={found} />
      </Sheet>
      <Sheet
        title={t('bySection')}
        note={t('sectionsOf', { assessed: found.proportions.assessed, n: found.proportions.sections })}
        tools={
          <CsvButton file={`assessment-${found.area}-${found.period.text}`} text={() => csvOf(columns, sections)} />
        }
      >
        {sections.length === 0 ? (
          <Empty>{t('noSections')}</Empty>
        ) : (
          <Table columns={columns} rows={sections} keyOf={({ station }) => station} caption={t('bySection')} />
        )}
      </Sheet>
    </article>
  );
}

function Summary({ found }: { found: AreaFound }) {
  const { proportions, compliance, basin, mainPollutants, changes } = found;
  const { goal, good } = proportions;
  const isMet = goal.isMet === null ? '–' : goal.isMet ? t('goalMet') : t('goalMissed');
  return (
    <dl class="key-figures">
      <KeyFigure label={t('overall')} note={basin.class && classWord(basin.class)}>
        {statusWord(basin.status)}
      </KeyFigure>
      <KeyFigure
        label={t('goodShare')}
        note={
          <span class={goal.isMet === false ? 'is-broken' : ''}>
            {t('goalIs', { goal: format.share(goal.share) })} {isMet}
          </span>
        }
      >
        {good.share === null ? '–' : format.share(good.share, 1)}
      </KeyFigure>
      <KeyFigure label={t('compliance')} note={t('metOf', { met: compliance.met, n: compliance.sections })}>
        {compliance.share === null ? '–' : format.share(compliance.share, 1)}
      </KeyFigure>
      {proportions.sections > proportions.assessed && (
        <KeyFigure label={t('notCounted')} note={notCounted(found)}>
          <span class="unknown-part">
            {proportions.sections - proportions.assessed} / {proportions.sections}
          </span>
        </KeyFigure>
      )}
      <KeyFigure label={t('mainPollutants')}>
        {mainPollutants === null || mainPollutants.length === 0
          ? t('none')
          : mainPollutants.map(({ parameter, rate }) => `${parameterName(parameter)} ${format.share(rate)}`).join(', ')}
      </KeyFigure>
      <KeyFigure
        label={t('againstPrevious', { period: changes.previous.period ?? '–' })}
        note={points(changes.previous.points)}
      >
        {changeWords(changes.previous)} <LeftOut stations={changes.previous.mayNotStand} />
      </KeyFigure>
      <KeyFigure label={t('againstYear', { period: changes.year.period ?? '–' })} note={points(changes.year.points)}>
        {changeWords(changes.year)} <LeftOut stations={changes.year.mayNotStand} />
      </KeyFigure>
    </dl>
  );
}

/** Why sections are in no figure: those that measured nothing, and by name those that measured too little. */
function notCounted({ proportions: { sections, assessed }, mayNotStand }: AreaFound): string {
  const silent = sections - assessed - mayNotStand.length;
  const parts = [
    ...(silent > 0 ? [t('withoutClass', { n: silent })] : []),
    ...(mayNotStand.length > 0 ? [t('notCountedNote', { names: mayNotStand.map(stationName).join(', ') })] : []),
  ];
  return parts.join(' · ');
}

/** Beside a comparison and as large as it: how many sections it is without. */
function LeftOut({ stations: left }: { stations: readonly string[] }) {
  if (left.length === 0) return null;
  return <span class="unknown-part">{t('mayNotStand', { n: left.length })}</span>;
}

function stationName(id: string): string {
  const known = stations.value.get(id);
  return known ? nameOf(known.name) : id;
}

const points = (value: number | null): string | null =>
  value === null
    ? null
    : t('points', { n: `${value > 0 ? '+' : value < 0 ? '−' : ''}${format.value(Math.abs(value))}` });

function Proportions({ found: { proportions } }: { found: AreaFound }) {
  const counts = CLASSES.map((reached) => ({ reached, ...(proportions.byClass[reached] ?? { count: 0, share: 0 }) }));
  return (
    <div class="proportions">
      <div class="class-bar is-tall" aria-hidden="true">
        {counts
          .filter(({ count }) => count > 0)
          .map(({ reached, count }) => (
            <span key={reached} class={`class-fill class-${reached}`} style={{ flexGrow: String(count) }}>
              <b>{NUMERALS[reached]}</b>
            </span>
          ))}
      </div>
      <ul class="class-counts">
        {counts.map(({ reached, count, share }) => (
          <li key={reached} class={count === 0 ? 'is-zero' : ''}>
            <ClassMark of={reached} /> <b>{count}</b> {share !== null && format.share(share, 1)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function sectionColumns(period: string): Column<Section>[] {
  const hrefTo = (station: string) =>
    `?${new URLSearchParams({ station, period: query.value.get('period') ?? period })}`;
  return [
    {
      head: t('section'),
      isName: true,
      cell: ({ station }) => <a href={`/assessment${hrefTo(station)}`}>{stationName(station)}</a>,
      csv: ({ station }) => stationName(station),
    },
    { head: t('class'), cell: (row) => <ClassMark of={row.class} />, csv: (row) => row.class },
    { head: t('statusWord'), cell: ({ status }) => statusWord(status), csv: ({ status }) => statusWord(status) },
    { head: t('target'), cell: ({ target }) => (target ? NUMERALS[target] : '–'), csv: ({ target }) => target },
    {
      head: t('judgement'),
      cell: ({ meetsTarget }) =>
        meetsTarget === null ? '–' : meetsTarget ? t('targetMet') : <b class="is-broken">{t('targetMissed')}</b>,
      csv: ({ meetsTarget }) => (meetsTarget === null ? null : String(meetsTarget)),
    },
    {
      head: t('limitedBy'),
      cell: ({ limiting }) => limiting.map(parameterName).join(', '),
      csv: ({ limiting }) => limiting.join(' '),
    },
    {
      head: t('mainPollutants'),
      cell: ({ mainPollutants }) => pollutantsText(mainPollutants) || '–',
      csv: ({ mainPollutants }) => pollutantsText(mainPollutants),
    },
    {
      head: t('coverage'),
      align: 'end',
      cell: ({ coverage }) => coverageText(coverage),
      csv: ({ coverage }) => coverage?.share,
    },
    {
      head: t('validity'),
      cell: ({ valid }) => (valid === null ? '–' : valid ? '✓' : <b class="unknown-part">{t('tooFew')}</b>),
      csv: ({ valid }) => (valid === null ? null : String(valid)),
      csvHead: 'valid',
    },
  ];
}
