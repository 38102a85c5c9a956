/**
 * Rehearsing rules over stored readings: a month of 30 stations with 10 parameters every five minutes in the embedded
 * store, and a year of one series. In this thread; the service gives each rehearsal one of its own.
 */

import { join } from 'node:path';
import { type RehearsableRule, rehearse } from '#alerts/looking-back/rehearse.ts';
import { type Figure, figure, inDirectory, stopwatch } from '#bench/shared/figure.ts';
import { openDerived } from '#installation/derived.ts';
import type { ControlVersion } from '#journal/registers.ts';
import { DAY_MS } from '#model/calendar.ts';
import type { Series, SeriesReading } from '#model/reading.ts';
import { rule, station } from '#model/register.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { loadReference } from '#seeds/reference.ts';

const STATIONS = 30;
const PARAMETERS = ['nh3n', 'codmn', 'do', 'ph', 'temp', 'turbidity', 'ec', 'tp', 'tn', 'chla'];
const USUAL = [0.2, 1.5, 8, 7.6, 18, 12, 310, 0.03, 0.9, 4];
const STEP_MS = 300_000;
const T0 = Date.UTC(2026, 9, 1);
const MONTH_MS = 30 * DAY_MS;
const YEAR_MS = 365 * DAY_MS;
/** The series that has a year. */
const LONG = STATIONS * PARAMETERS.length;
const STEPS_A_WRITE = 288;

const RULES: [string, object][] = [
  ['class', { kind: 'class', severity: 'minor', for: 'PT10M' }],
  ['rate over 3 h', { kind: 'rate', parameters: PARAMETERS, limit: 1000, over: 'PT3H', severity: 'minor' }],
];

export async function run(): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const store = new SqliteReadings(join(directory, 'readings.db'));
    await fill(store);
    const figures: Figure[] = [];
    for (const [name, body] of RULES) {
      const { seconds, readings } = await rehearsed(store, body, MONTH_MS);
      const what = `a month of ${STATIONS} stations x ${PARAMETERS.length} parameters x 5 min, ${name}`;
      figures.push(figure(what, seconds, 's'), figure(`… (${readings} readings)`, readings / seconds, 'readings/s'));
    }
    const body = { kind: 'threshold', select: { stations: [stationId(STATIONS - 1)] }, parameters: ['chla'] };
    const limit = { op: '<=', limit: 10, severity: 'minor' };
    const { seconds } = await rehearsed(store, { ...body, ...limit }, YEAR_MS);
    figures.push(figure('a year of one series, threshold', seconds, 's'));
    await store.close();
    return figures;
  });
}

async function rehearsed(store: SqliteReadings, body: object, lengthMs: number) {
  const reference = loadReference();
  const timer = stopwatch();
  let readings = 0;
  await timer.time(async () => {
    const outcome = await rehearse(
      { rule: rule.parse(body) as RehearsableRule, replaces: null, fromMs: T0 - lengthMs, toMs: T0 },
      {
        openDerived: () => openDerived(':memory:'),
        registers: registers(),
        series: series(),
        store,
        reference,
        standard: reference.standards.get('gb3838-2002')!,
        allowedLatenessMs: 7_200_000,
        timeZone: 'Asia/Shanghai',
        alarmsOf: () => [],
      },
    );
    readings = outcome.readings;
  });
  return { seconds: timer.elapsedMs() / 1000, readings };
}

const stationId = (n: number) => `s${String(n).padStart(3, '0')}`;

function registers(): ControlVersion[] {
  return Array.from({ length: STATIONS }, (_, n) => ({
    noun: 'station',
    id: stationId(n),
    seq: 1,
    atMs: T0,
    actor: 'bench',
    body: station.parse({
      name: { zh: '站', en: 'Station' },
      kind: 'river-section',
      waterBody: 'river',
      target: 'III',
      parameters: PARAMETERS.map((id) => ({ id, interval: 'PT5M' })),
    }),
  }));
}

function series(): Series[] {
  return Array.from({ length: LONG }, (_, n) => ({
    id: n + 1,
    station: stationId(Math.floor(n / PARAMETERS.length)),
    parameter: PARAMETERS[n % PARAMETERS.length]!,
  }));
}

/** One value in five hundred is three times the usual. */
async function fill(store: SqliteReadings): Promise<void> {
  for (let stepsAgo = Math.ceil((YEAR_MS + 2 * DAY_MS) / STEP_MS); stepsAgo > 0; stepsAgo -= STEPS_A_WRITE) {
    const readings: SeriesReading[] = [];
    for (let step = stepsAgo; step > Math.max(0, stepsAgo - STEPS_A_WRITE); step--) {
      const isMonth = step * STEP_MS <= MONTH_MS + 2 * DAY_MS;
      for (let id = isMonth ? 1 : LONG; id <= LONG; id++) {
        const isHigh = (id * 7 + step * 13) % 500 === 0;
        const value = USUAL[(id - 1) % USUAL.length]! * (isHigh ? 3 : 0.95 + ((id * 31 + step * 7919) % 97) / 970);
        readings.push({ series: id, timeMs: T0 - step * STEP_MS, value, flag: 1, deviceFlag: null });
      }
    }
    await store.write(readings);
  }
}
