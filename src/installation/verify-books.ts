/** What `npm run verify` asks of derived.db beyond its pages: the checksums of the books, sums that have to agree, ledgers. */

import { knotsOf } from '#books/water/rows.ts';
import {
  isSoundFields,
  isSoundStatistics,
  isSoundVolume,
  STATISTICS_COLUMNS,
  type StatisticsCells,
} from '#readings/checksums.ts';
import { type Database, eachRow } from '#src/sqlite.ts';
import type { Tell } from './verify-codes.ts';

type Check = (derived: Database, seen: Record<string, number>, tell: Tell) => void;

const FILE = 'derived.db';
const DAY_MS = 86_400_000;

const instant = (timeMs: number) => (Math.abs(timeMs) < 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`);

/** Rows with a bit that made a number of 64 bits of them are told, and the rest is still read. */
function statisticsOf(table: 'hourStat' | 'dayStat', at: 'hourMs' | 'dayMs'): Check {
  return (derived, seen, tell) => {
    const all = derived.prepare(`SELECT ${at}, ${STATISTICS_COLUMNS}, series FROM ${table}`);
    all.setReturnArrays(true);
    all.setReadBigInts(true);
    let rows = 0;
    let unchecked = 0;
    eachRow(all, [], (row) => {
      const cells = (row as unknown as (bigint | number | null)[]).map((cell) => (cell === null ? null : Number(cell)));
      const series = cells[7]!;
      rows++;
      if (cells[6] === null) unchecked++;
      if (!isSoundStatistics(series, cells as unknown as StatisticsCells))
        tell('books.damaged', FILE, `${table} of series ${series} at ${instant(cells[0]!)}`);
      return true;
    });
    seen[table] = rows;
    seen[`${table} without a checksum`] = unchecked;
  };
}

function volumesOf(table: 'volumeHour' | 'volumeDay', at: 'hourMs' | 'dayMs'): Check {
  return (derived, seen, tell) => {
    const damaged = derived.prepare(
      `SELECT meter, CASE WHEN abs(${at}) < 8640000000000000 THEN ${at} ELSE 0 END AS atMs FROM ${table} WHERE NOT (${isSoundVolume(at)})`,
    );
    eachRow(damaged, [], (row) => {
      tell('books.damaged', FILE, `${table} of ${row.meter} at ${instant(row.atMs as number)}`);
      return true;
    });
    const { rows, unchecked } = derived
      .prepare(`SELECT count(*) AS rows, count(*) - count(checksum) AS unchecked FROM ${table}`)
      .get() as { rows: number; unchecked: number };
    seen[table] = rows;
    seen[`${table} without a checksum`] = unchecked;
  };
}

const knots: Check = (derived, _, tell) => {
  eachRow(derived.prepare('SELECT meter, hourMs, knots FROM volumeHour WHERE knots IS NOT NULL'), [], (row) => {
    if (knotsOf(row.knots as string) === null)
      tell('books.damaged', FILE, `volumeHour of ${row.meter} at ${instant(row.hourMs as number)} (knots)`);
    return true;
  });
};

const decisions: Check = (derived, seen, tell) => {
  const all = derived.prepare(
    'SELECT meter, timeMs, kind, fromMs, before, after, litres, reason, isRuled, checksum FROM volumeDecision',
  );
  all.setReadBigInts(true);
  let rows = 0;
  eachRow(all, [], (row) => {
    const cells = Object.values(row).map((cell) => (typeof cell === 'bigint' ? Number(cell) : cell));
    const checksum = cells.pop() as number | null;
    rows++;
    if (!isSoundFields(cells as (string | number | null)[], checksum))
      tell('books.damaged', FILE, `volumeDecision of ${row.meter} at ${instant(Number(row.timeMs))}`);
    return true;
  });
  seen.volumeDecision = rows;
};

/** Invariant 4: a running total is that of the day before and the hours of the day, save where hours wait to be rebuilt. */
const runningTotals: Check = (derived, _, tell) => {
  const columns = ['measuredLitres', 'estimatedLitres', 'knownMs'];
  const sums = columns.map((column) => `total(${column}) AS ${column}`).join(', ');
  const steps = columns.map((column) => `${column} - coalesce(lag(${column}) OVER day, 0) AS ${column}`).join(', ');
  const differ = columns.map((column) => `coalesce(step.${column}, 0) <> coalesce(hours.${column}, 0)`).join(' OR ');
  const wrong = derived.prepare(`
    WITH hours AS (SELECT meter, hourMs - (hourMs % ${DAY_MS} + ${DAY_MS}) % ${DAY_MS} AS dayMs, ${sums} FROM volumeHour GROUP BY 1, 2),
      step AS (SELECT meter, dayMs, ${steps} FROM volumeDay WINDOW day AS (PARTITION BY meter ORDER BY dayMs))
    SELECT meter, dayMs FROM hours FULL JOIN step USING (meter, dayMs) WHERE ${differ}`);
  eachRow(wrong, [], (row) => {
    const at = instant(Number(row.dayMs));
    tell('books.unequal', FILE, `volumes of ${row.meter}: the running total at ${at} is not the sum of its hours`);
    return true;
  });
};

/** Invariant 1: what was received is stored, duplicate, quarantined or pending; and an entry's values are counted once it is written. */
export function checkLedgers(journal: Database, derived: Database, tell: Tell): void {
  const settled = derived.prepare(
    `SELECT source.stored, source.duplicate, (SELECT coalesce(sum(origin.stored), 0) FROM origin WHERE origin.source = source.id
       AND seq <= (SELECT coalesce(max(seq), 0) FROM cursor WHERE follower = 'readings')) AS written
     FROM source WHERE name = ?`,
  );
  for (const row of journal.prepare('SELECT source, received, quarantined FROM intake').all()) {
    const { source, received, quarantined } = row as { source: string; received: number; quarantined: number };
    const found = settled.get(source) as { stored: number; duplicate: number; written: number } | undefined;
    const { stored, duplicate, written } = found ?? { stored: 0, duplicate: 0, written: 0 };
    const isNegative = Math.min(quarantined, stored, duplicate, received - quarantined - stored - duplicate) < 0;
    if (!isNegative && written <= stored) continue;
    const counts = `received ${received}, stored ${stored}, duplicate ${duplicate}, quarantined ${quarantined}`;
    tell('ledger.unequal', FILE, `${source}: ${counts}; entries of it have stored ${written}`);
  }
}

export const bookChecks: readonly Check[] = [
  statisticsOf('hourStat', 'hourMs'),
  statisticsOf('dayStat', 'dayMs'),
  volumesOf('volumeHour', 'hourMs'),
  volumesOf('volumeDay', 'dayMs'),
  knots,
  decisions,
  runningTotals,
];
