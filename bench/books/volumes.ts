/**
 * Volumes at the size of the whole route: twelve years of hours of 150 meters. How fast is the total since the inauguration
 * for all recipients, does it grow with the range, and how long does a meter's year take that is built anew.
 */
import { join } from 'node:path';
import { atMost, type Figure, figure, inDirectory, median, quantile } from '#bench/shared/figure.ts';
import { volumes } from '#books/questions/volumes.ts';
import { createVolumeBooks } from '#books/water/volumes.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Entry } from '#model/entry.ts';
import type { Meter } from '#model/register.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { systemClock } from '#src/clock.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { INAUGURATION_MS } from '#volume/calendar-names.ts';
import { fillHours, meterOf, meters, RECIPIENTS, REGISTER, TO_MS } from './route-volumes.ts';

const YEAR_MS = 365 * DAY_MS;
const ROUNDS = 300;
const SERIES = { id: 1, station: 's0', parameter: 'register' };

export function run(): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const derived = openDerived(join(directory, 'derived.db'));
    const store = new SqliteReadings(join(directory, 'readings.db'));
    try {
      fillHours(derived);
      return [...totals(derived), ...(await rebuilds(derived, store))];
    } finally {
      await store.close();
      derived.close();
    }
  });
}

/** Each round asks for another instant, in the middle of an hour; the lengths take turns, so that load spoils all alike. */
function totals(derived: Database): Figure[] {
  const lengths = { inauguration: [] as number[], year: [] as number[], day: [] as number[] };
  const ask = (fromMs: number, toMs: number): number => {
    const beganMs = systemClock.monotonicMs();
    for (const recipient of RECIPIENTS) {
      const own = meters.filter(({ meter }) => meter.recipient === recipient);
      volumes(derived, { meters: own, edgesMs: [fromMs, toMs] });
    }
    return systemClock.monotonicMs() - beganMs;
  };
  for (let round = -10; round < ROUNDS; round++) {
    const toMs = TO_MS - (round + 10) * 7 * HOUR_MS - 1_234_567;
    const times = [ask(INAUGURATION_MS, toMs), ask(toMs - YEAR_MS, toMs), ask(toMs - DAY_MS, toMs)];
    if (round < 0) continue;
    lengths.inauguration.push(times[0]!);
    lengths.year.push(times[1]!);
    lengths.day.push(times[2]!);
  }
  return [
    atMost(
      10,
      'total since the inauguration, 4 recipients, 150 meters, p99',
      quantile(lengths.inauguration, 0.99),
      'ms',
    ),
    figure('the same, median', median(lengths.inauguration), 'ms'),
    figure('over a year, median', median(lengths.year), 'ms'),
    figure('over a day, median', median(lengths.day), 'ms'),
  ];
}

/** One meter with a read each hour of the last year. */
async function rebuilds(derived: Database, store: SqliteReadings): Promise<Figure[]> {
  const control = new Control([]);
  const books = createVolumeBooks({
    derived,
    store,
    control,
    register: REGISTER,
    reader: { seriesById: () => SERIES, seriesByName: (station) => (station === 's0' ? SERIES : undefined) },
  });
  const put = (body: Meter) =>
    control.apply({
      seq: 1,
      receivedMs: 1,
      kind: 'command',
      actor: 'bench',
      command: { verb: 'put', noun: 'meter', id: 'm0', body },
    } as Entry);
  const startMs = TO_MS - YEAR_MS;
  const read = (index: number, value: number) => ({
    series: SERIES.id,
    timeMs: startMs + index * HOUR_MS,
    value,
    flag: 1 as const,
    deviceFlag: null,
  });
  await store.write(Array.from({ length: YEAR_MS / HOUR_MS }, (_, index) => read(index, index * 3600)));
  const settle = async () => {
    const beganMs = systemClock.monotonicMs();
    while (await books.step());
    return systemClock.monotonicMs() - beganMs;
  };
  put(meterOf(0));
  await settle();
  const correction: number[] = [];
  const whole: number[] = [];
  for (let round = 0; round < 20; round++) {
    await store.write([read(5, 5 * 3600 + round + 1)]);
    transaction(derived, () => books.mark(SERIES.id, startMs + 5 * HOUR_MS, startMs + 5 * HOUR_MS));
    correction.push(await settle());
    // Another direction changes every hour of the year.
    put({ ...meterOf(0), direction: round % 2 === 0 ? -1 : 1 });
    whole.push(await settle());
  }
  return [
    atMost(
      100,
      "books right again after a correction at the start of a meter's year, p99",
      quantile(correction, 0.99),
      'ms',
    ),
    atMost(100, "a meter's whole year of hours built anew, median", quantile(whole, 0.5), 'ms'),
  ];
}
