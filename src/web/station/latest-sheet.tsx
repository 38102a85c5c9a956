/** The newest value of each parameter: its class, the room to the target's limit, its flag, and how old it is. */
import type { Latest } from '../api-types.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { type Station, standard } from '../core/watch.ts';
import { headroom, type Limit, limitsOf, limitText } from '../core/water.ts';
import { ClassMark, classWord, FlagMark, flagWord } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { parameterName } from './names.ts';

type Item = Latest['items'][number];

export function LatestSheet({
  station,
  latest,
  plotted,
  plot,
}: {
  station: Station;
  latest: Latest | undefined;
  plotted: readonly string[];
  plot: (parameter: string) => void;
}) {
  const items = latest?.items ?? [];
  const stale = new Set(latest?.stale ?? []);
  const limitOf = (parameter: string): Limit | null =>
    limitsOf(standard.value, parameter, station.waterBody).find(({ target }) => target === station.target)?.limit ??
    null;
  const columns = columnsOf(limitOf, stale, new Set(latest?.limiting ?? []), plotted, plot);
  return (
    <Sheet
      title={t('latestValues')}
      name="latest-sheet"
      tools={
        <CsvButton file={`${station.id}-latest`} text={() => csvOf(columns, items)} disabled={items.length === 0} />
      }
    >
      {items.length === 0 ? (
        <Empty>{t('neverHeard')}</Empty>
      ) : (
        <Table
          columns={columns}
          rows={items}
          keyOf={({ parameter }) => parameter}
          caption={t('latestValues')}
          rowClass={({ parameter }) => (stale.has(parameter) ? 'is-stale' : '')}
        />
      )}
    </Sheet>
  );
}

function columnsOf(
  limitOf: (parameter: string) => Limit | null,
  stale: ReadonlySet<string>,
  limiting: ReadonlySet<string>,
  plotted: readonly string[],
  plot: (parameter: string) => void,
): Column<Item>[] {
  return [
    {
      head: t('parameter'),
      isName: true,
      cell: ({ parameter }) => (
        <button
          type="button"
          class="plot-toggle"
          aria-pressed={plotted.includes(parameter)}
          title={t('plotThis')}
          onClick={() => plot(parameter)}
        >
          {parameterName(parameter)}
          {limiting.has(parameter) && (
            <span class="limiting-dot" title={t('limiting')}>
              <span class="unseen">{t('limiting')}</span>
            </span>
          )}
        </button>
      ),
      csv: ({ parameter }) => parameter,
    },
    {
      head: t('value'),
      align: 'end',
      cell: ({ value, censored, unit }) => (
        <>
          <b>{format.measured(value, censored)}</b> <span class="unit">{format.unit(unit)}</span>
        </>
      ),
      csv: ({ value, censored }) => (censored && value !== null ? `${censored}${value}` : value),
    },
    {
      head: t('class'),
      cell: (item) => <ClassMark of={item.class} />,
      csv: (item) => item.class && classWord(item.class),
    },
    {
      head: t('headroom'),
      cell: (item) => <Headroom value={item.value} limit={limitOf(item.parameter)} />,
      csv: ({ parameter }) => {
        const limit = limitOf(parameter);
        return limit && limitText(limit);
      },
      csvHead: t('limit'),
    },
    {
      head: t('quality'),
      cell: ({ flag, deviceFlag }) => <FlagMark flag={flag} deviceFlag={deviceFlag} />,
      csv: ({ flag }) => flagWord(flag),
    },
    {
      head: t('measured'),
      align: 'end',
      cell: ({ parameter, time }) => (
        <time dateTime={time} title={format.second(time)}>
          {stale.has(parameter) && <span class="tag is-warning">{t('stale')}</span>} {format.ago(time, nowMs.value)}
        </time>
      ),
      csv: ({ time }) => time,
    },
  ];
}

function Headroom({ value, limit }: { value: number | null; limit: Limit | null }) {
  if (limit === null || value === null) return <span class="quiet-text">–</span>;
  const room = headroom(value, limit);
  const used = Math.min(1, Math.max(0, 1 - room));
  return (
    <span class={`headroom${room < 0 ? ' is-broken' : room < 0.15 ? ' is-close' : ''}`}>
      <svg viewBox="0 0 60 8" aria-hidden="true" preserveAspectRatio="none">
        <rect width="60" height="8" class="headroom-track" />
        <rect width={60 * used} height="8" class="headroom-used" />
      </svg>
      <span>
        {room < 0 ? t('overBy', { share: format.share(-room) }) : t('roomLeft', { share: format.share(room) })}
        <span class="unit"> {limitText(limit)}</span>
      </span>
    </span>
  );
}
