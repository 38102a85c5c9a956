/** What stands behind the sums: the balance, decisions about single reads, closed periods, published figures. */
import { type Answer, ask, askAll, type Item } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { WORDS, type Word } from '../core/words.ts';
import { instantOf } from '../core/zone.ts';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import type { Stretch } from './books.ts';

const DECISIONS_MAX = 200;

function until({ to }: Stretch, nowMs: number): string {
  return instantOf(to) > nowMs ? new Date(nowMs).toISOString() : to;
}

export function BalanceSheet({ stretch, untilMs }: { stretch: Stretch; untilMs: number }) {
  const query = { from: stretch.from, to: until(stretch, untilMs), by: 'total' } as const;
  const balance = useResource(JSON.stringify(query), (signal) => ask('GET /balances', { query, signal }));
  return (
    <Sheet title={t('balance')}>
      <Shown of={balance} lines={5}>
        {({ total, divergences }) => (
          <>
            <BalanceTable total={total} />
            {divergences.map((one) => (
              <p key={`${one.meter} ${one.against}`} class="hint">
                {t('divergence', {
                  meter: one.meter,
                  against: one.against,
                  difference: format.volumeText(one.difference),
                  share: one.share === null ? '–' : format.share(one.share, 2),
                })}
              </p>
            ))}
          </>
        )}
      </Shown>
    </Sheet>
  );
}

function BalanceTable({ total }: { total: Answer<'GET /balances'>['total'] }) {
  const rows = (['intake', 'delivery', 'release', 'ecological'] as const)
    .map((kind) => ({ kind, ...total[kind] }))
    .filter(
      ({ kind, cubicMetres, unknownHours }) =>
        kind === 'intake' || kind === 'delivery' || cubicMetres !== 0 || unknownHours > 0,
    );
  return (
    <div class="table-frame">
      <table>
        <caption class="unseen">{t('balance')}</caption>
        <tbody>
          {rows.map(({ kind, cubicMetres }) => (
            <tr key={kind}>
              <th scope="row">
                {kind === 'intake' ? '' : '− '}
                {t(`balance-${kind}`)}
              </th>
              <td class="end">{format.litres(cubicMetres)} m³</td>
            </tr>
          ))}
          <tr class="is-sum">
            <th scope="row">= {t('loss')}</th>
            <td class="end">
              <b>{format.litres(total.loss)} m³</b>
              {total.lossShare !== null && ` (${format.share(total.lossShare, 2)})`}
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

type Decision = Item<'GET /volumes/decisions'>;

const decisionWord = (kind: string): string => {
  const word = `decision-${kind}`;
  return word in WORDS ? t(word as Word) : kind;
};

export function DecisionSheet({ stretch }: { stretch: Stretch }) {
  const { from, to } = stretch;
  const decisions = useResource(`${from} ${to}`, (signal) =>
    ask('GET /volumes/decisions', { query: { from, to, limit: String(DECISIONS_MAX) }, signal }),
  );
  const columns: Column<Decision>[] = [
    { head: t('time'), isName: true, cell: ({ time }) => format.minute(time), csv: ({ time }) => time },
    { head: t('meter'), cell: ({ meter }) => <code>{meter}</code>, csv: ({ meter }) => meter },
    { head: t('decision'), cell: ({ kind }) => decisionWord(kind), csv: ({ kind }) => kind },
    { head: t('before'), align: 'end', cell: ({ before }) => format.value(before), csv: ({ before }) => before },
    { head: t('after'), align: 'end', cell: ({ after }) => format.value(after), csv: ({ after }) => after },
    { head: t('booked'), align: 'end', cell: ({ booked }) => format.value(booked), csv: ({ booked }) => booked },
    {
      head: t('reason'),
      cell: ({ reason, ruledBy }) => (ruledBy === null ? reason : `${reason} (${ruledBy})`),
      csv: ({ reason }) => reason,
    },
  ];
  return (
    <Sheet
      title={t('decisions')}
      tools={
        <CsvButton
          file="volume-decisions"
          text={() => csvOf(columns, decisions.data?.items ?? [])}
          disabled={!decisions.data}
        />
      }
    >
      <Shown of={decisions} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('noDecisions')}</Empty>
          ) : (
            <Table columns={columns} rows={items} keyOf={({ id, kind }) => `${id} ${kind}`} caption={t('decisions')} />
          )
        }
      </Shown>
    </Sheet>
  );
}

type Period = Answer<'GET /periods'>['items'][number];

export function PeriodSheet() {
  const periods = useResource('periods', (signal) => ask('GET /periods', { signal }));
  const columns: Column<Period>[] = [
    { head: t('period'), isName: true, cell: ({ period }) => period, csv: ({ period }) => period },
    { head: t('closedAt'), cell: ({ closedAt }) => format.minute(closedAt), csv: ({ closedAt }) => closedAt },
    { head: t('closedBy'), cell: ({ by }) => by, csv: ({ by }) => by },
    {
      head: t('restatements'),
      align: 'end',
      cell: ({ restatements }) => restatements,
      csv: ({ restatements }) => restatements,
    },
    {
      head: 'SHA-256',
      cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 12)}…</code>,
      csv: ({ sha256 }) => sha256,
    },
  ];
  return (
    <Sheet title={t('closedPeriods')}>
      <Shown of={periods} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('noPeriods')}</Empty>
          ) : (
            <Table columns={columns} rows={items} keyOf={({ period }) => period} caption={t('closedPeriods')} />
          )
        }
      </Shown>
    </Sheet>
  );
}

type Statement = Item<'GET /statements'>;

/** Shown beside what was metered and never mixed in: they count other things, and were counted by others. */
export function StatementSheet() {
  const statements = useResource('statements', (signal) => askAll('GET /statements', { signal }));
  const columns: Column<Statement>[] = [
    {
      head: t('period'),
      isName: true,
      cell: ({ at, from }) => (from ? `${from} – ${at.slice(0, 10)}` : at.slice(0, 10)),
      csv: ({ at }) => at,
    },
    {
      head: t('published'),
      align: 'end',
      cell: ({ volume1e8m3, comparison }) =>
        `${comparison === '=' ? '' : comparison} ${format.volumeText(volume1e8m3 * 1e8)}`,
      csv: ({ volume1e8m3 }) => volume1e8m3,
      csvHead: '1e8 m3',
    },
    { head: t('counts'), cell: ({ counts }) => t(`counts-${counts}`), csv: ({ counts }) => counts },
    {
      head: t('recipient'),
      cell: ({ recipient, route }) =>
        recipient ? areaName(recipient) : route === 'middle' ? t('middleRoute') : t('bothRoutes'),
      csv: ({ recipient, route }) => recipient ?? route,
    },
    {
      head: t('confidence'),
      cell: ({ confidence }) => t(`confidence-${confidence}`),
      csv: ({ confidence }) => confidence,
    },
    { head: t('source'), cell: ({ source, note }) => <span title={note}>{source}</span>, csv: ({ source }) => source },
  ];
  return (
    <Sheet
      title={t('statements')}
      note={t('statementsNote')}
      tools={
        <CsvButton
          file="published-volumes"
          text={() => csvOf(columns, statements.data ?? [])}
          disabled={!statements.data}
        />
      }
    >
      <Shown of={statements} lines={4}>
        {(items) => <Table columns={columns} rows={items} keyOf={({ id }) => id} caption={t('statements')} />}
      </Shown>
    </Sheet>
  );
}
