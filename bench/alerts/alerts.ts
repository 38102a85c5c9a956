/**
 * What rules cost: 1,000 stations with ten parameters each, and 50 rules of every kind. `step` is the evaluation alone;
 * the follower's figure has alarms, notices, the cursor and the saving of lanes in it; a bad hour is in storm.ts.
 */

import { createAlertsFollower } from '#alerts/follower.ts';
import { createChattering } from '#alerts/life/chatter.ts';
import { createEvaluator } from '#alerts/readings/evaluator.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import { createWatches } from '#alerts/rules/watches.ts';
import { createMissing } from '#alerts/silence/missing.ts';
import { atLeast, type Figure, figure, median, stopwatch } from '#bench/shared/figure.ts';
import { openDerived } from '#installation/derived.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import type { Entry, MessageEntry } from '#model/entry.ts';
import type { Series } from '#model/reading.ts';
import { rule, station } from '#model/register.ts';
import { openAmended } from '#readings/amended.ts';
import { loadReference } from '#seeds/reference.ts';
import { readerOf } from '#src/rule-tests/play.ts';
import { chatter } from './chatter.ts';
import { storm } from './storm.ts';

const STATIONS = 1000;
const AREAS = 10;
const PARAMETERS = ['nh3n', 'codmn', 'do', 'ph', 'temp', 'turbidity', 'ec', 'tp', 'tn', 'chla'];
const USUAL = [0.2, 1.5, 8, 7.6, 18, 12, 310, 0.03, 0.9, 4];
const STEP_MS = 300_000;
const LATENESS_MS = 7_200_000;
const T0 = Date.UTC(2026, 10, 22);
/** Five-minute steps before the measuring, so that windows are as full as they get, and measured ones. */
const WARM_UP = 45;
const STEPS = 24;
const ROUNDS = 3;
const ZONE = 'Asia/Shanghai';

export async function run(): Promise<Figure[]> {
  const alone: number[] = [];
  const followed: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await stepped());
    followed.push(await applied());
  }
  return [
    atLeast(500_000, `step(), ${STATIONS} stations, ${rules().length} rules`, median(alone), 'readings/s'),
    figure('the same with alarms and their store', median(followed), 'readings/s'),
    ...(await storm()),
    ...(await chatter()),
  ];
}

async function stepped(): Promise<number> {
  const { control, reader, reference, standard, messages } = world();
  const derived = openDerived(':memory:');
  const store = openAlertStore(derived);
  const watches = createWatches({ control, reader, reference, standard, timeZone: ZONE });
  const evaluator = createEvaluator({
    watches,
    store,
    standard,
    allowedLatenessMs: LATENESS_MS,
    chattering: createChattering(),
    amended: openAmended(derived, reader),
  });
  const missing = createMissing({ store, control, reader, timeZone: ZONE });
  const timer = stopwatch();
  const play = (entry: MessageEntry) => {
    const occasion = { origin: String(entry.seq), seq: entry.seq, receivedMs: entry.receivedMs };
    missing.advance(entry, occasion, null);
    evaluator.message(entry, null);
    missing.message(entry, occasion, null);
  };
  for (const entry of messages(0, WARM_UP)) play(entry);
  const measured = messages(WARM_UP, STEPS);
  await timer.time(() => {
    for (const entry of measured) play(entry);
  });
  derived.close();
  return timer.perSecond(STATIONS * PARAMETERS.length * STEPS);
}

async function applied(): Promise<number> {
  const { versions, reader, reference, standard, messages } = world();
  const derived = openDerived(':memory:');
  const follower = createAlertsFollower({
    derived,
    reader,
    control: new Control(versions),
    reference,
    standard,
    allowedLatenessMs: LATENESS_MS,
    publicUrl: null,
    timeZone: ZONE,
    log: { info: () => {}, warn: () => {} },
    onAlarms: () => {},
  });
  const batches = (entries: readonly Entry[]) =>
    Array.from({ length: Math.ceil(entries.length / 200) }, (_, n) => entries.slice(n * 200, (n + 1) * 200));
  for (const batch of batches(messages(0, WARM_UP))) await follower.apply(batch);
  const measured = batches(messages(WARM_UP, STEPS));
  const timer = stopwatch();
  await timer.time(async () => {
    for (const batch of measured) await follower.apply(batch);
  });
  derived.close();
  return timer.perSecond(STATIONS * PARAMETERS.length * STEPS);
}

function world() {
  const reference = loadReference();
  const [standard] = reference.standards.values();
  if (!standard) throw new Error('the reference data has no standard');
  const versions = registers();
  const series = seriesOf();
  const reader = readerOf([], series);
  const messages = (from: number, steps: number) => messagesOf(from, steps);
  return { reference, standard, versions, control: new Control(versions), reader, messages };
}

const stationId = (n: number) => `s${String(n).padStart(4, '0')}`;
const areaOf = (n: number) => `area-${n % AREAS}`;

function registers(): ControlVersion[] {
  const version = (noun: ControlVersion['noun'], id: string, body: unknown): ControlVersion => ({
    noun,
    id,
    seq: 1,
    atMs: T0,
    actor: 'bench',
    body,
  });
  const stations = Array.from({ length: STATIONS }, (_, n) =>
    version(
      'station',
      stationId(n),
      station.parse({
        name: { zh: '站', en: 'Station' },
        kind: 'river-section',
        waterBody: 'river',
        target: 'III',
        area: areaOf(n),
        parameters: PARAMETERS.map((id) => ({ id, interval: 'PT5M' })),
      }),
    ),
  );
  const gateways = Array.from({ length: STATIONS / 20 }, (_, n) => {
    const owned = Array.from({ length: 20 }, (_one, k) => stationId(n * 20 + k));
    return version('gateway', `gw-${n}`, { stations: owned, passwordHash: '' });
  });
  return [...stations, ...gateways, ...rules().map((body, n) => version('rule', `rule-${n}`, rule.parse(body)))];
}

/** Two for all stations, two of silence, and 46 of an area each. */
function rules(): object[] {
  const area = (n: number) => ({ areas: [areaOf(n)] });
  const times = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n));
  return [
    { kind: 'class', severity: { IV: 'minor', V: 'major', worse: 'critical' }, for: 'PT10M' },
    { kind: 'quality', severity: 'minor' },
    { kind: 'missing', severity: 'minor' },
    { kind: 'missing', severity: 'major', for: 'PT6H' },
    ...times(20, (n) => ({
      kind: 'threshold',
      select: area(n),
      parameters: [PARAMETERS[n % 10]],
      op: '<=',
      limit: USUAL[n % 10]! * 2,
      severity: 'major',
    })),
    ...times(10, (n) => ({ kind: 'rate', select: area(n), parameters: ['nh3n'], limit: 1, severity: 'major' })),
    ...times(10, (n) => ({
      kind: 'flat-line',
      select: area(n),
      parameters: ['ph'],
      tolerance: 0.001,
      over: 'PT1H',
      severity: 'minor',
    })),
    ...times(6, (n) => ({
      kind: 'expression',
      select: area(n),
      when: 'nh3n > 0.9 and do < 5 or codmn / max(do, 0.1) > 2',
      severity: 'critical',
    })),
  ];
}

function seriesOf(): Series[] {
  return Array.from({ length: STATIONS * PARAMETERS.length }, (_, n) => ({
    id: n + 1,
    station: stationId(Math.floor(n / PARAMETERS.length)),
    parameter: PARAMETERS[n % PARAMETERS.length]!,
  }));
}

/** One message a station and step, with all its parameters; one value in five hundred is three times the usual. */
function messagesOf(from: number, steps: number): MessageEntry[] {
  const entries: MessageEntry[] = [];
  for (let step = from; step < from + steps; step++) {
    for (let n = 0; n < STATIONS; n++) {
      const timeMs = T0 + step * STEP_MS + n * 290;
      const readings = PARAMETERS.map((_, k) => {
        const noise = ((n * 31 + step * 7919 + k * 101) % 97) / 970;
        const isHigh = (n * 7 + step * 13 + k) % 500 === 0;
        const value = USUAL[k]! * (isHigh ? 3 : 0.95 + noise);
        return {
          series: n * PARAMETERS.length + k + 1,
          timeMs,
          value,
          flag: 1,
          deviceFlag: null,
          verdict: 'new',
        } as const;
      });
      const seq = step * STATIONS + n + 1;
      const source = `gw-${Math.floor(n / 20)}`;
      entries.push({ kind: 'message', seq, receivedMs: timeMs + 800, source, gatewaySeq: null, readings });
    }
  }
  return entries;
}
