/** The followers `readings` and `books` over a memory store and a derived.db in memory, driven entry by entry. */

import { type BooksFollowerParts, createBooksFollower } from '#books/follower.ts';
import { createTrendQueries } from '#books/questions/trends.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import type { Entry, JournaledReading } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import type { MeanKind, Parameter, Reference } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import { createReadingQueries } from '#readings/answers.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import type { ReadingToStore, TracedReading } from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';
import { rowsOf } from '#tests/helpers/rows.ts';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;
export const QUARTER = 15 * MINUTE;
export const LATENESS = 2 * HOUR;

const QC: Parameter['qc'] = {
  fail: [0, 25],
  suspect: [1, 20],
  ratePerHour: [10, 40],
  spike: [2, 6],
  flat: { tolerance: 0.01, suspectMs: 2 * HOUR, failMs: 4 * HOUR },
};

function parameter(id: string, mean: MeanKind, qc: Partial<Parameter['qc']> = {}): Parameter {
  const none = { fail: null, suspect: null, ratePerHour: null, spike: null, flat: null };
  return {
    id,
    name: { zh: id, en: id },
    unit: '1',
    units: {},
    aliases: [],
    mean,
    qc: { ...none, ...qc },
    multiple: true,
  };
}

const PARAMETERS = [
  parameter('do', 'arithmetic', QC),
  parameter('ph', 'ph'),
  parameter('fcoli', 'geometric'),
  parameter('register', 'arithmetic', { fail: [0, 1e9] }),
  parameter('tn', 'arithmetic'),
];
export const reference: Reference = {
  parameters: new Map(PARAMETERS.map((p) => [p.id, p])),
  aliases: new Map(),
  standards: new Map(),
};

/** Series 1 to 5: the parameters in their order, at one station that reports every 15 minutes; 6: `do` upstream of it. */
const SERIES = [
  ...PARAMETERS.map((p, i) => ({ id: i + 1, station: 'taocha', parameter: p.id })),
  { id: 6, station: 'upstream', parameter: 'do' },
];
export const STATION = {
  name: { zh: '陶岔', en: 'Taocha' },
  kind: 'canal-section' as const,
  waterBody: 'river' as const,
  parameters: PARAMETERS.map(({ id }) => ({ id, interval: 'PT15M' })),
};

const reader = {
  seriesById: (id: number) => SERIES.find((series) => series.id === id),
  seriesByName: (station: string, name: string) =>
    SERIES.find((series) => series.station === station && series.parameter === name),
};

/** A store that can be told to fail before or after the next writes, or to let something happen after the next read. */
class FailingReadings extends MemoryReadings {
  failures: ('before' | 'after')[] = [];
  afterRead: (() => Promise<void>) | null = null;
  override async traced(series: number, fromMs: number, toMs: number, limit: number): Promise<TracedReading[]> {
    const found = await super.traced(series, fromMs, toMs, limit);
    const happens = this.afterRead;
    this.afterRead = null;
    await happens?.();
    return found;
  }
  override async write(readings: readonly ReadingToStore[]) {
    const failure = this.failures.shift();
    if (failure !== 'before') await super.write(readings);
    if (failure) throw new StoreError('journal.unwritable', `the store failed ${failure} the write`, true);
    return [];
  }
}

export interface RigOptions {
  timeZone?: string;
  volumes?: BooksFollowerParts['volumes'];
  /** The entry of `taocha`. */
  station?: Station;
}

export function booksRig({ timeZone = 'Asia/Shanghai', volumes, station = STATION }: RigOptions = {}) {
  const derived = openDerived(':memory:');
  const store = new FailingReadings();
  const reflagged: SeriesReading[] = [];
  const journal: Entry[] = [];

  function start(zone = timeZone) {
    const readings = createReadingsFollower({ derived, store, reader, onReflagged: () => {} });
    const control = new Control([{ noun: 'station', id: 'taocha', seq: 0, atMs: 0, actor: 'test', body: station }]);
    const books = createBooksFollower({
      derived,
      store,
      reader,
      control,
      reference,
      allowedLatenessMs: LATENESS,
      timeZone: zone,
      writtenCursor: () => readings.cursor(),
      onReflagged: (more) => void reflagged.push(...more),
      ...(volumes && { volumes }),
    });
    return { readings, books };
  }

  let followers = start();
  const append = (entry: Omit<Entry, 'seq'>) => journal.push({ ...entry, seq: journal.length + 1 } as Entry);
  const after = (cursor: number, limit = Number.POSITIVE_INFINITY) => journal.slice(cursor, cursor + limit);

  const rig = {
    derived,
    store,
    reflagged,
    journal,
    followers: () => followers,
    restart: (zone?: string) => {
      followers = start(zone);
    },
    message(receivedMs: number, readings: readonly Partial<JournaledReading>[]) {
      const complete = readings.map(
        (reading): JournaledReading => ({
          series: 1,
          timeMs: 0,
          value: 5,
          flag: reading.value === null ? 9 : 1,
          deviceFlag: null,
          verdict: 'unsettled',
          ...reading,
        }),
      );
      append({ kind: 'message', receivedMs, source: 'gw', gatewaySeq: null, readings: complete } as Omit<Entry, 'seq'>);
    },
    tick: (receivedMs: number) => append({ kind: 'tick', receivedMs }),
    command: (receivedMs: number, command: object) =>
      append({ kind: 'command', receivedMs, actor: 'engineer', command } as unknown as Omit<Entry, 'seq'>),
    async stepReadings(limit?: number) {
      const entries = after(followers.readings.cursor(), limit);
      if (entries.length > 0) await followers.readings.apply(entries);
    },
    /** Hands entries in until they are passed, as the pump does. @returns how often. */
    async stepBooks(limit?: number) {
      const throughSeq = after(followers.books.cursor(), limit).at(-1)?.seq ?? 0;
      let times = 0;
      for (; followers.books.cursor() < throughSeq; times++) {
        if (times > 10_000) throw new Error('the books are never done');
        await followers.books.apply(after(followers.books.cursor(), limit));
      }
      return times;
    },
    async settle() {
      await rig.stepReadings();
      await rig.stepBooks();
    },
    hours: (series = 1) =>
      rowsOf(
        derived,
        'SELECT hourMs, count, valid, sum, min, max FROM hourStat WHERE series = ? ORDER BY hourMs',
        series,
      ),
    days: (series = 1) =>
      rowsOf(derived, 'SELECT dayMs, count, valid, sum, min, max FROM dayStat WHERE series = ? ORDER BY dayMs', series),
    dirty: () => (derived.prepare('SELECT count(*) AS n FROM dirtyHour').get() as { n: number }).n,
    flags: async (series = 1) => (await store.read(series, -1e15, 1e15, 1e9)).map((reading) => reading.flag),
    trends: () => {
      const booksClockMs = () =>
        (derived.prepare('SELECT clockMs FROM bookState').get() as { clockMs: number }).clockMs;
      const { readings } = createReadingQueries({ derived, store, booksClockMs, allowedLatenessMs: LATENESS });
      return createTrendQueries({ derived, readings, allowedLatenessMs: LATENESS }).trends;
    },
  };
  return rig;
}
