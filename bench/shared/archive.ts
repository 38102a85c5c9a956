/**
 * Fills a data directory as ten years leave it, without living through them: a thousand series in journal.db, ten years
 * of 5-minute readings of one of them and a week of the others in the reading store, a meter's hourly register since the water
 * first flowed. The one series' books and the volumes are left to the service; the other series' rows are made by SQL.
 */
import { join } from 'node:path';
import { openBookState } from '#books/clock.ts';
import { openDerived } from '#installation/derived.ts';
import { openJournalReader } from '#journal/reader.ts';
import { type JournalWriter, openJournal } from '#journal/writer.ts';
import { DAY_MS, floorHour, HOUR_MS } from '#model/calendar.ts';
import type { JournaledReading } from '#model/entry.ts';
import type { Meter } from '#model/register.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import type { ReadingStore, SeriesName } from '#readings/store.ts';
import { systemClock } from '#src/clock.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { PARAMETERS, sectionStation, valueAt } from './water.ts';

export const ZONE = 'Asia/Shanghai';
export const STATION = 's25';
export const PARAMETER = 'do';
export const METER = 'taocha';
export const TEN_YEARS_MS = 3652 * DAY_MS;
/** The Middle Route's first day. */
export const FIRST_WATER = '2014-12-12T00:00:00+08:00';

const STATIONS = 50;
const STEP_MS = 300_000;
const BATCH = 20_000;
const FLOW_M3_PER_HOUR = 720_000;
const JOURNAL_BYTES = 2 ** 30;

const meter: Meter = {
  station: METER,
  parameter: 'register',
  kind: 'register',
  size: 1e12,
  unit: 'm3',
  direction: 1,
  maxFlow: 420,
  maxGap: 'PT1H',
  measures: 'intake',
};

export interface Archive {
  /** Series id of `PARAMETER` at `STATION`, and of the register. */
  series: number;
  register: number;
  /** Of the newest readings: the 5 minutes and the hour before now. */
  newestMs: number;
}

/** @param openStore where readings shall rest; names of series are asked of the journal. */
export async function fillArchive(
  dataDir: string,
  openStore: (name: SeriesName) => ReadingStore = () => new SqliteReadings(join(dataDir, 'readings.db')),
): Promise<Archive> {
  const newestMs = Math.floor(systemClock.nowMs() / STEP_MS) * STEP_MS - STEP_MS;
  const journal = openJournal({
    path: join(dataDir, 'journal.db'),
    clock: systemClock,
    maxBytes: JOURNAL_BYTES,
    ackMaxDelayMs: 20,
  });
  const archive = await fillJournal(journal, newestMs);
  await journal.close();
  const derived = openDerived(join(dataDir, 'derived.db'));
  const reader = openJournalReader(join(dataDir, 'journal.db'));
  const store = openStore((id) => reader.seriesById(id));
  try {
    await fillReadings(store, archive);
    fillBooks(derived, archive);
  } finally {
    await store.close();
    reader.close();
    derived.close();
  }
  return archive;
}

/** Stations, the meter, and the newest message of each: that is what gives series their ids. */
async function fillJournal(journal: JournalWriter, newestMs: number): Promise<Archive> {
  const put = (noun: 'station' | 'meter', id: string, body: unknown) =>
    journal.appendCommand('bench', { verb: 'put', noun, id, body });
  const station = sectionStation('PT5M');
  await put('station', METER, {
    ...station,
    kind: 'canal-section',
    parameters: [{ id: 'register', interval: 'PT1H' }],
  });
  await put('meter', METER, meter);
  const newest = async (id: string, timeMs: number, values: ReadonlyMap<string, number>) => {
    const readings = [...values].map(([parameter, value]): JournaledReading => {
      const { series } = journal.seriesFor(id, parameter);
      return { series: series.id, timeMs, value, flag: 1, deviceFlag: null, verdict: 'new' };
    });
    const raw = new Uint8Array(0);
    const draft = { source: 'bench', gatewaySeq: null, readings, raw, quarantine: [], received: readings.length };
    await journal.appendMessage(draft);
  };
  for (let index = 0; index < STATIONS; index++) {
    await put('station', `s${index}`, station);
    const values = PARAMETERS.map(({ id }, place) => [id, valueAt(place, newestMs / STEP_MS)] as const);
    await newest(`s${index}`, newestMs, new Map(values));
  }
  await newest(METER, floorHour(newestMs), new Map([['register', registerAt(floorHour(newestMs))]]));
  return {
    series: journal.seriesFor(STATION, PARAMETER).series.id,
    register: journal.seriesFor(METER, 'register').series.id,
    newestMs,
  };
}

function registerAt(timeMs: number): number {
  return ((timeMs - Date.parse(FIRST_WATER)) / HOUR_MS) * FLOW_M3_PER_HOUR;
}

async function fillReadings(store: ReadingStore, { series, register, newestMs }: Archive): Promise<void> {
  const place = PARAMETERS.findIndex(({ id }) => id === PARAMETER);
  const value = (timeMs: number) => valueAt(place, timeMs / STEP_MS);
  await fillSeries(store, series, newestMs - TEN_YEARS_MS, newestMs, STEP_MS, value);
  await fillSeries(store, register, Date.parse(FIRST_WATER), newestMs, HOUR_MS, registerAt);
  const others = STATIONS * PARAMETERS.length;
  for (let other = 1; other <= others; other++) {
    if (other !== series) await fillSeries(store, other, newestMs - 7 * DAY_MS, newestMs, STEP_MS, value);
  }
}

async function fillSeries(
  store: ReadingStore,
  series: number,
  fromMs: number,
  toMs: number,
  stepMs: number,
  readingAt: (timeMs: number) => number,
): Promise<void> {
  const total = Math.floor((toMs - fromMs) / stepMs) + 1;
  for (let first = 0; first < total; first += BATCH) {
    await store.write(
      Array.from({ length: Math.min(BATCH, total - first) }, (_, index) => {
        const timeMs = fromMs + (first + index) * stepMs;
        return { series, timeMs, value: readingAt(timeMs), flag: 1 as const, deviceFlag: null, seq: 1 };
      }),
    );
  }
}

/** Marks the one series' hours for the follower `books`; days of ten years and hours of 90 days for all others. */
function fillBooks(derived: Database, { series, newestMs }: Archive): void {
  const hourMs = floorHour(newestMs);
  // Local midnight at UTC+8.
  const dayMs = Math.floor((newestMs + 8 * HOUR_MS) / DAY_MS) * DAY_MS - 8 * HOUR_MS;
  derived.exec(`CREATE TEMP TABLE n AS
    WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < 4000) SELECT value FROM n`);
  const columns = 'count, valid, sum, min, max';
  const rows = (table: string, untilMs: number, stepMs: number, count: number, more: string) => `
    INSERT INTO ${table} SELECT s.value, ${untilMs} - n.value * ${stepMs}, 12, 12, 108.5, 8.5, 9.5${more}
    FROM n AS s, n WHERE s.value <= ${STATIONS * PARAMETERS.length} AND s.value <> ${series} AND n.value <= ${count}
    ORDER BY s.value, n.value DESC`;
  transaction(derived, () => {
    derived.exec(rows(`dayStat (series, dayMs, ${columns})`, dayMs, DAY_MS, TEN_YEARS_MS / DAY_MS, ''));
    derived.exec(rows(`hourStat (series, hourMs, ${columns}, throughSeq)`, hourMs, HOUR_MS, 90 * 24, ', 1'));
    openBookState(derived).saveDayZone(ZONE);
    const dirty = openDirtyHours(derived);
    for (let ms = floorHour(newestMs - TEN_YEARS_MS); ms <= hourMs; ms += HOUR_MS) dirty.mark(series, ms, 1);
  });
}
