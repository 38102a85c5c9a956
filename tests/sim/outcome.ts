/** What a world at rest has come to, read from its files and its store, with series by their names so that two worlds compare. */
import { join } from 'node:path';
import type { Alarm } from '#model/alarm.ts';
import type { Reading, Series } from '#model/reading.ts';
import { openJournalReader } from '#store/journal-reader.ts';
import { openReadOnly } from '#store/sqlite.ts';
import type { World } from '#tests/helpers/sim-world.ts';
import { seriesKey } from './model.ts';

type Row = Record<string, unknown>;

export interface Outcome {
  /** Series key → everything that is stored, ascending. */
  readings: Map<string, Reading[]>;
  /** Rows of hours, days, volumes and their running totals, in an order that doesn't depend on series' numbers. */
  books: Record<'hours' | 'days' | 'volumes' | 'totals', Row[]>;
  /** Series of which any final flag differs from the one that the door gave. */
  reflagged: Set<string>;
  alarms: Alarm[];
  transitions: { alarm: string; event: string; fromState: string | null; toState: string; seq: number }[];
  notices: { id: string; channel: string; event: string; alarms: string[]; state: string; payload: string }[];
  settled: Map<string, { stored: number; duplicate: number }>;
  /** Rows that should all be worked off: parked entries, dirty hours, readings on their way. */
  leftovers: Record<string, number>;
}

const LEFTOVERS = ['parked', 'dirtyHour', 'unwritten', 'reflag', 'rejected', 'rejudged', 'volumeDirty'];

export async function outcomeOf(world: World): Promise<Outcome> {
  const reader = openJournalReader(join(world.directory(), 'journal.db'));
  const derived = openReadOnly(join(world.directory(), 'derived.db'));
  try {
    const series = new Map(reader.allSeries().map((one: Series) => [one.id, seriesKey(one)]));
    const all = (sql: string) => derived.prepare(sql).all() as Row[];
    const named = (sql: string) =>
      all(sql)
        .map(({ series: id, ...row }): Row => ({ series: series.get(id as number), ...row }))
        .sort((a, b) => (`${a.series}` < `${b.series}` ? -1 : `${a.series}` > `${b.series}` ? 1 : 0));
    const readings = new Map<string, Reading[]>();
    for (const [id, key] of series) readings.set(key, await world.kept.read(id, -8e15, 8e15, 1e9));
    const statistics = 'count, valid, sum, min, max';
    const litres = 'measuredLitres, estimatedLitres, knownMs';
    const reflagged = all("SELECT DISTINCT series FROM version WHERE cause = 'quality'");
    return {
      readings,
      books: {
        hours: named(`SELECT series, hourMs, ${statistics} FROM hourStat ORDER BY hourMs`),
        days: named(`SELECT series, dayMs, ${statistics} FROM dayStat ORDER BY dayMs`),
        volumes: plain(all(`SELECT meter, hourMs, ${litres} FROM volumeHour ORDER BY meter, hourMs`)),
        totals: plain(all(`SELECT meter, dayMs, ${litres} FROM volumeDay ORDER BY meter, dayMs`)),
      },
      reflagged: new Set(reflagged.map((row) => series.get(row.series as number)!)),
      alarms: all('SELECT body FROM alarm').map(({ body }) => JSON.parse(body as string) as Alarm),
      transitions: plain(
        all('SELECT alarm, event, fromState, toState, seq FROM transition ORDER BY n'),
      ) as Outcome['transitions'],
      notices: all('SELECT id, channel, event, alarms, state, payload FROM notice ORDER BY position').map((row) => ({
        ...(row as Omit<Outcome['notices'][number], 'alarms'>),
        alarms: JSON.parse(row.alarms as string) as string[],
      })),
      settled: new Map(
        all('SELECT name, stored, duplicate FROM source').map((row) => [
          row.name as string,
          { stored: row.stored as number, duplicate: row.duplicate as number },
        ]),
      ),
      leftovers: Object.fromEntries(
        LEFTOVERS.map((table) => [table, all(`SELECT count(*) AS n FROM ${table}`)[0]!.n as number]),
      ),
    };
  } finally {
    derived.close();
    reader.close();
  }
}

function plain(rows: Row[]): Row[] {
  return rows.map((row) => ({ ...row }));
}
