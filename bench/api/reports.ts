/**
 * Reports of the whole route, 150 meters with twelve years of hours: as the books are, and as somebody saw them who asked
 * at an earlier time, which is computed from the readings. Without HTTP and without the thread in between.
 */
import { join } from 'node:path';
import { bookView } from '#api/books/book-view.ts';
import type { Queries } from '#api/queries.ts';
import { reportOf } from '#api/reports/report.ts';
import { fillHours, meters, REGISTER, TO_MS } from '#bench/books/route-volumes.ts';
import { type Figure, figure, inDirectory, medianMs } from '#bench/shared/figure.ts';
import { openBookState } from '#books/clock.ts';
import { decisions } from '#books/questions/decisions.ts';
import { meterVolumes } from '#books/questions/volumes.ts';
import { createVolumesAsOf } from '#books/water/as-of.ts';
import { openDerived } from '#installation/derived.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Reference } from '#model/reference.ts';
import { createReadingQueries } from '#readings/answers.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { type Database, openDatabase } from '#src/sqlite.ts';

const TIME_ZONE = 'Asia/Shanghai';
const LATENESS_MS = 7_200_000;
/** So far back reports as of a time look at most: the transfer year before, as far as this one has got. */
const READ_FROM_MS = TO_MS - 760 * DAY_MS;
const PERIODS = { day: '2026-11-20', month: '2026-10', 'transfer year': '2025-26' };

export function run(): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const derived = openDerived(join(directory, 'derived.db'));
    const store = new SqliteReadings(join(directory, 'readings.db'));
    const journal = openDatabase(':memory:', ['CREATE TABLE control (seq INTEGER, atMs INTEGER)']);
    try {
      fillHours(derived);
      await fillReadings(store);
      return await reports(partsOf(derived, store, journal));
    } finally {
      await store.close();
      derived.close();
      journal.close();
    }
  });
}

/** A read an hour, with a hole now and then. */
async function fillReadings(store: SqliteReadings): Promise<void> {
  for (let series = 1; series <= meters.length; series++) {
    const rows = Array.from({ length: (TO_MS - READ_FROM_MS) / HOUR_MS }, (_, index) => {
      return {
        series,
        timeMs: READ_FROM_MS + index * HOUR_MS,
        value: index * 3600,
        flag: 1,
        deviceFlag: null,
      } as const;
    });
    await store.write(rows.filter((_, index) => index % 1009 > 3));
  }
}

function partsOf(derived: Database, store: SqliteReadings, journal: Database) {
  const versions = meters.map(({ id, meter: body }): ControlVersion => {
    return { noun: 'meter', id, seq: 1, atMs: READ_FROM_MS, actor: 'bench', body };
  });
  const series = new Map(
    meters.map(({ meter: { station, parameter } }, n) => [station, { id: n + 1, station, parameter }]),
  );
  const state = openBookState(derived);
  const { readings } = createReadingQueries({
    derived,
    store,
    booksClockMs: () => state.clockMs(),
    allowedLatenessMs: LATENESS_MS,
  });
  const asOf = createVolumesAsOf({
    journal,
    store,
    readings,
    reader: { control: () => versions, seriesByName: (station) => series.get(station) },
  });
  const queries: Pick<Queries, 'meterVolumes' | 'decisions' | 'volumesAsOf' | 'accountsAsOf'> = {
    ...asOf,
    meterVolumes: async (query) => meterVolumes(derived, query),
    decisions: async (query) => decisions(derived, query),
  };
  return {
    control: new Control(versions),
    queries: queries as Queries,
    reference: { parameters: new Map([['register', REGISTER]]) } as unknown as Reference,
    clock: { nowMs: () => TO_MS, monotonicMs: () => 0 },
  };
}

async function reports(parts: ReturnType<typeof partsOf>): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, asOfMs, rounds] of [
    ['', null, 9],
    [' as of a time', TO_MS, 1],
  ] as const) {
    for (const [kind, period] of Object.entries(PERIODS)) {
      const made = await medianMs(rounds, async () => {
        const report = await reportOf(await bookView(parts, asOfMs), {
          period,
          timeZone: TIME_ZONE,
          allowedLatenessMs: LATENESS_MS,
          unknownTolerance: 0.01,
          throughSeq: null,
          isRecounting: false,
        });
        if (report.total.cubicMetres === 0) throw new Error(`the report of ${period} is empty`);
      });
      figures.push(figure(`report of a ${kind}${name}, ${meters.length} meters`, made, 'ms'));
    }
  }
  return figures;
}
