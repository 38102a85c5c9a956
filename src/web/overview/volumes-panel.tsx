/** What each recipient was given today and in this transfer year, beside what Taocha took in. */
import { type Answer, ask, askAll } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { nowMs, serviceNowMs } from '../core/now.ts';
import { useEvery, useResource } from '../core/resource.ts';
import { hrefOf } from '../core/route.ts';
import { dateOf, transferYearName, transferYearOf, transferYearStart } from '../core/zone.ts';
import { Sheet } from '../ui/sheet.tsx';
import { Shown } from '../ui/states.tsx';
import { Unknown } from '../ui/unknown.tsx';
import { recipientsOf } from '../volumes/books.ts';

type Volumes = Answer<'GET /volumes'>;

interface Line {
  key: string;
  name: string;
  today: Volumes['total'] | undefined;
  year: Volumes['total'];
  plan: number | undefined;
}

const REFRESH_MS = 60_000;

async function readLines(startYear: number, signal: AbortSignal): Promise<Line[]> {
  const transferYear = transferYearName(startYear);
  const [meters, plans] = await Promise.all([
    askAll('GET /meters', { signal }),
    ask('GET /plans', { query: { transferYear }, signal }),
  ]);
  const from = transferYearStart(startYear);
  const recipients = [...new Set(meters.flatMap(recipientsOf))];
  const intakes = meters.filter(({ measures }) => measures === 'intake');
  const read = async (key: string, name: string, query: { recipient?: string; meter?: string }): Promise<Line> => {
    const { items, total } = await ask('GET /volumes', { query: { ...query, from, by: 'day' }, signal });
    const plan = plans.items.find(({ recipient }) => recipient === query.recipient)?.cubicMetres;
    return { key, name, today: items.at(-1), year: total, plan };
  };
  return Promise.all([
    ...intakes.map(({ id, station }) => read(id, station, { meter: id })),
    ...recipients.map((recipient) => read(recipient, recipient, { recipient })),
  ]);
}

export function VolumesPanel() {
  const startYear = transferYearOf(nowMs.value);
  const lines = useResource(`${startYear} ${dateOf(nowMs.value)}`, (signal) => readLines(startYear, signal));
  useEvery(REFRESH_MS, lines.reload);
  return (
    <Sheet
      title={t('volumes')}
      name="volumes-panel"
      note={t('transferYearIs', { from: startYear, to: startYear + 1 })}
      tools={<a href={hrefOf('volumes')}>{t('allVolumes')}</a>}
    >
      <Shown of={lines} lines={5}>
        {(found) => {
          const most = Math.max(1, ...found.map(({ year }) => year.cubicMetres));
          return (
            <ul class="volume-lines">
              {found.map((line) => (
                <VolumeLine key={line.key} line={line} most={most} />
              ))}
            </ul>
          );
        }}
      </Shown>
      <p class="hint">
        {t('asOf', { time: format.clock(serviceNowMs()).slice(0, 5) })}{' '}
        {lines.data?.every(({ plan }) => plan === undefined) && t('planUnknown')}
      </p>
    </Sheet>
  );
}

function VolumeLine({ line: { key, name, today, year, plan }, most }: { line: Line; most: number }) {
  const now = format.volume(today?.cubicMetres ?? 0);
  const sum = format.volume(year.cubicMetres, most);
  const isIntake = name === 'taocha';
  const notes: string[] = [];
  if (plan !== undefined) {
    notes.push(t('planIs', { plan: format.volumeText(plan), share: format.share(year.cubicMetres / plan, 1) }));
  }
  if (year.estimated > 0) notes.push(t('estimatedVolume', { volume: format.volumeText(year.estimated) }));
  return (
    <li>
      <span class="volume-name">{isIntake ? t('taochaIntake') : areaName(key)}</span>
      <span class="volume-today">
        <span class="volume-label">{t('today')}</span> <b>{now.number}</b> <span class="unit">{now.unit}</span>{' '}
        <Unknown hours={today?.unknownHours ?? 0} />
      </span>
      <span class="volume-year">
        <span class="volume-label">{t('transferYear')}</span> <b>{sum.number}</b> <span class="unit">{sum.unit}</span>{' '}
        <Unknown hours={year.unknownHours} />
      </span>
      <svg class="volume-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="6" class="bar-track" />
        <rect width={(100 * year.measured) / most} height="6" class="bar-measured" />
        <rect x={(100 * year.measured) / most} width={(100 * year.estimated) / most} height="6" class="bar-estimated" />
      </svg>
      <span class="volume-note">{notes.join(' · ')}</span>
    </li>
  );
}
