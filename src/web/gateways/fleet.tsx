/** Every gateway: when it was heard, how its clock runs, and what became of each value that it sent. */
import { useState } from 'preact/hooks';
import { type Answer, ask, askAll, type Item } from '../core/api.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { useEvery, useResource } from '../core/resource.ts';
import { hrefOf, query, setQuery } from '../core/route.ts';
import { stations } from '../core/watch.ts';
import { stationName } from '../station/names.ts';
import { More } from '../ui/more.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { HolesList, PossibleGaps } from './holes.tsx';

type Gateway = Item<'GET /gateways'>;
type Ledger = Answer<'GET /gateways/{id}/ledger'>;
interface Row extends Gateway {
  ledger: Ledger;
}

const REFRESH_MS = 10_000;
const SHOWN_STEP = 100;
const AT_ONCE = 6;
/** A gateway that has been heard within this is there. */
const PRESENT_MS = 15 * 60_000;
const CLOCK_MS_MAX = 10_000;

/** A few ledgers at a time: each is a question of its own, and they are counted. */
async function readFleet(most: number, signal: AbortSignal): Promise<{ rows: Row[]; all: number }> {
  const gateways = await askAll('GET /gateways', { signal });
  const shown = gateways.slice(0, most);
  const rows: Row[] = [];
  for (let start = 0; start < shown.length; start += AT_ONCE) {
    const some = shown.slice(start, start + AT_ONCE).map(async (gateway): Promise<Row> => {
      return { ...gateway, ledger: await ask('GET /gateways/{id}/ledger', { path: { id: gateway.id }, signal }) };
    });
    rows.push(...(await Promise.all(some)));
  }
  return { rows, all: gateways.length };
}

export function FleetSheet() {
  const [most, setMost] = useState(SHOWN_STEP);
  const fleet = useResource(`fleet ${most}`, (signal) => readFleet(most, signal));
  useEvery(REFRESH_MS, fleet.reload);
  const wanted = (query.value.get('q') ?? '').toLowerCase();
  const rows = (fleet.data?.rows ?? []).filter(({ id, name }) =>
    `${id} ${Object.values(gatewayNames(name)).join(' ')}`.toLowerCase().includes(wanted),
  );
  const columns = columnsOf();
  return (
    <Sheet
      title={t('gatewaysTitle')}
      name="fleet-sheet"
      note={fleet.data && `${t('gatewaysCount', { n: fleet.data.all })} · ${format.zone(nowMs.value)}`}
      tools={
        <>
          <input
            type="search"
            aria-label={t('findGateway')}
            placeholder={t('findGateway')}
            value={query.value.get('q') ?? ''}
            onInput={(event) => setQuery({ q: event.currentTarget.value }, { replace: true })}
          />
          <CsvButton file="gateways" text={() => csvOf(columns, rows)} disabled={rows.length === 0} />
        </>
      }
    >
      <Shown of={fleet} lines={10}>
        {({ all }) => (
          <>
            {rows.length === 0 ? (
              <Empty>{t('noGateways')}</Empty>
            ) : (
              <Table columns={columns} rows={rows} keyOf={({ id }) => id} caption={t('gatewaysTitle')} />
            )}
            <HolesList gateways={rows} closed={fleet.reload} />
            <PossibleGaps gateways={rows} />
            <p class="hint">{t('ledgerLaw')}</p>
            {all > most && <More show={() => setMost(most + SHOWN_STEP)} />}
          </>
        )}
      </Shown>
    </Sheet>
  );
}

/** One that was given a single name has it in both languages. */
function gatewayNames(name: Gateway['name'] = ''): { zh: string; en: string } {
  return typeof name === 'string' ? { zh: name, en: name } : name;
}

function clockWords(offsetMs: number | null): string {
  if (offsetMs === null) return '–';
  const size = format.lasting(Math.abs(offsetMs));
  if (Math.abs(offsetMs) < 2000) return t('clockRight');
  return t(offsetMs > 0 ? 'clockBehind' : 'clockAhead', { time: size });
}

const isBalanced = ({ received, stored, duplicate, quarantined, pending }: Ledger): boolean =>
  received === stored + duplicate + quarantined + pending;

function columnsOf(): Column<Row>[] {
  const count = (head: string, of: (ledger: Ledger) => number, csvHead: string, mark = ''): Column<Row> => ({
    head,
    align: 'end',
    cell: ({ ledger }) => <span class={of(ledger) > 0 ? mark : ''}>{format.whole(of(ledger))}</span>,
    csv: ({ ledger }) => of(ledger),
    csvHead,
  });
  return [
    {
      head: t('gateway'),
      isName: true,
      cell: ({ id, name, stations: own }) => (
        <span class="gateway-name" title={own.map((one) => stationName(one, stations.value)).join(', ')}>
          <code>{id}</code>{' '}
          {own.length === 1 ? (
            <a href={hrefOf('stations', own[0]!)}>{stationName(own[0]!, stations.value)}</a>
          ) : (
            nameOf(gatewayNames(name))
          )}
        </span>
      ),
      csv: ({ id }) => id,
    },
    {
      head: t('stations'),
      align: 'end',
      cell: ({ stations: own }) => own.length,
      csv: ({ stations: own }) => own.length,
    },
    {
      head: t('lastSeen'),
      align: 'end',
      cell: ({ lastSeen }) => <Seen at={lastSeen} />,
      csv: ({ lastSeen }) => lastSeen,
    },
    {
      head: t('clock'),
      cell: ({ clockOffsetMs }) => (
        <span class={Math.abs(clockOffsetMs ?? 0) > CLOCK_MS_MAX ? 'is-warning' : ''}>{clockWords(clockOffsetMs)}</span>
      ),
      csv: ({ clockOffsetMs }) => clockOffsetMs,
    },
    {
      head: t('missing'),
      align: 'end',
      cell: ({ sequence }) => (
        <span class={sequence.missing > 0 ? 'is-warning' : ''}>{format.whole(sequence.missing)}</span>
      ),
      csv: ({ sequence }) => sequence.missing,
    },
    count(t('received'), ({ received }) => received, 'received'),
    count(t('stored'), ({ stored }) => stored, 'stored'),
    count(t('duplicate'), ({ duplicate }) => duplicate, 'duplicate'),
    count(t('quarantined'), ({ quarantined }) => quarantined, 'quarantined', 'is-warning'),
    count(t('pending'), ({ pending }) => pending, 'pending'),
    {
      head: t('balanced'),
      cell: ({ ledger }) =>
        isBalanced(ledger) ? <span class="is-balanced">✓ {t('yes')}</span> : <b class="is-broken">✕ {t('no')}</b>,
      csv: ({ ledger }) => String(isBalanced(ledger)),
    },
  ];
}

function Seen({ at }: { at: string | null }) {
  if (at === null) return <span class="quiet-text">{t('neverHeard')}</span>;
  const isThere = nowMs.value - Date.parse(at) < PRESENT_MS;
  return (
    <time dateTime={at} title={format.second(at)} class={isThere ? '' : 'is-warning'}>
      {isThere ? '' : '! '}
      {format.ago(at, nowMs.value)}
    </time>
  );
}
