/** What a world at rest has come to, read from its files and its store, with series by their names so that two worlds compare. */
import { join } from 'node:path';
import { openJournalReader } from '#journal/reader.ts';
import type { Alarm, AlarmEvent, Transition } from '#model/alarms/alarm.ts';
import type { Reading, Series } from '#model/reading.ts';
import { type Database, openReadOnly } from '#src/sqlite.ts';
import { type TakenReading, takenReadings } from '#tests/sim/world/taken.ts';
import type { World } from '#tests/sim/world/world.ts';
import { seriesKey } from './model.ts';

type Row = Record<string, unknown>;

interface NoticeRow {
  id: string;
  channel: string;
  event: AlarmEvent;
  cause: string;
  createdAtMs: number;
  alarms: string[];
  state: 'pending' | 'held' | 'sent' | 'grouped' | 'failed';
  payload: string;
  /** The notice that tells of it. */
  summary: string | null;
}

export interface Outcome {
  /** Series key → everything that is stored, ascending. */
  readings: Map<string, Reading[]>;
  /** Rows of hours, days, volumes and their running totals, in an order that doesn't depend on series' numbers. */
  books: Record<'hours' | 'days' | 'volumes' | 'totals', Row[]>;
  /** Series of which any final flag differs from the one that the door gave. */
  reflagged: Set<string>;
  alarms: Alarm[];
  /** In the order in which they happened. */
  transitions: Transition[];
  /** In the order in which they were made. */
  notices: NoticeRow[];
  /** Readings that alerts judged anew, each with the entry after which they did. */
  rejudged: TakenReading[];
  /** The entry through which alerts had come. */
  alertsSeq: number;
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
      ...alertOutcome(derived),
      rejudged: takenReadings(derived),
      alertsSeq: world.process()!.worker().cursors.alerts,
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

/** What alerts have come to in a derived.db. */
export function alertOutcome(derived: Database): Pick<Outcome, 'alarms' | 'transitions' | 'notices'> {
  const all = (sql: string) => derived.prepare(sql).all() as Row[];
  const notices = 'id, channel, event, cause, createdAtMs, alarms, state, payload, summary';
  return {
    alarms: all('SELECT body FROM alarm ORDER BY id').map(({ body }) => JSON.parse(body as string) as Alarm),
    transitions: plain(
      all(
        'SELECT alarm, seq, atMs, event, fromState AS "from", toState AS "to", cause, actor FROM transition ORDER BY n',
      ),
    ) as unknown as Transition[],
    notices: all(`SELECT ${notices} FROM notice ORDER BY rowid`).map((row) => ({
      ...(row as unknown as NoticeRow),
      alarms: JSON.parse(row.alarms as string) as string[],
    })),
  };
}

function plain(rows: Row[]): Row[] {
  return rows.map((row) => ({ ...row }));
}
