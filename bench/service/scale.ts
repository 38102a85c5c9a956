/**
 * What a reading costs the processor from the door to its alarms, without journal file and reading store, in messages of 20 values, every ring
 * full: with more series, with more rules of which one selects each reading, and with more that all do. It should be flat
 * in the first two, and rise little with the third.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AlertsFollower, createAlertsFollower } from '#alerts/follower.ts';
import { type Figure, figure } from '#bench/shared/figure.ts';
import { PARAMETERS, PERIOD, sectionStation, valueAt } from '#bench/shared/water.ts';
import { createGate } from '#ingest/gate.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import type { Command, Entry } from '#model/entry.ts';
import type { Series } from '#model/reading.ts';
import { rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { systemClock } from '#src/clock.ts';
import { MemoryJournal } from '#tests/helpers/journal/memory.ts';

const SIZES = [1000, 10_000, 100_000];
/** Those that the rules are tried with. */
const SERIES = 10_000;
const RULES = [1, 10, 50, 200];
const SELECTING = [1, 2, 4, 8, 16];
const AREAS = 200;
const INTERVAL_MS = 300_000;
/** As many as a ring holds. */
const WARM_UP_ROUNDS = 64;
const LEAST_ROUNDS = 3;
const READINGS = 300_000;
/** Entries that the follower is given at once. */
const BATCH = 250;

export async function run(): Promise<Figure[]> {
  // While code is compiled; it doesn't count.
  await microsPerReading(SIZES[0]!, partition(1));
  const bySize = new Map<number, number>();
  for (const size of SIZES) bySize.set(size, await microsPerReading(size, partition(1)));
  const byRules = new Map<number, number>();
  for (const count of RULES) byRules.set(count, await microsPerReading(SERIES, partition(count)));
  const bySelecting = new Map<number, number>();
  for (const count of SELECTING) bySelecting.set(count, await microsPerReading(SERIES, everywhere(count)));
  const [one, most] = [SELECTING[0]!, SELECTING.at(-1)!];
  return [
    ...figuresOf(bySize, (size) => `door to alarms, ${size} series, a rule`),
    ...figuresOf(byRules, (count) => `door to alarms, ${SERIES} series, ${count} rules of which one selects`),
    ...figuresOf(bySelecting, (count) => `door to alarms, ${SERIES} series, ${count} rules that all select`),
    figure(
      'each further selecting rule',
      (bySelecting.get(most)! - bySelecting.get(one)!) / (most - one),
      'µs/reading',
    ),
  ];
}

/** And each over the first. */
function figuresOf(micros: ReadonlyMap<number, number>, name: (count: number) => string): Figure[] {
  const [first] = micros.values();
  return [...micros].flatMap(([count, value]) => [
    figure(name(count), value, 'µs/reading'),
    ...(value === first ? [] : [figure(`${name(count)}: of the first`, value / first!, '')]),
  ]);
}

const LIMIT = {
  kind: 'threshold',
  parameters: PARAMETERS.map(({ id }) => id),
  op: '<=',
  limit: 1e6,
  severity: 'major',
};

/** So many rules that each reading is selected by exactly one of them. */
function partition(count: number): object[] {
  return Array.from({ length: count }, (_, n) => {
    const areas = Array.from({ length: AREAS / count }, (_area, k) => `area-${n + k * count}`);
    return { ...LIMIT, select: { areas } };
  });
}

function everywhere(count: number): object[] {
  return Array.from({ length: count }, () => LIMIT);
}

async function microsPerReading(size: number, rules: readonly object[]): Promise<number> {
  const stations = size / PARAMETERS.length;
  const { journal, gate, follower, close } = await open(stations, rules);
  const rounds = Math.max(LEAST_ROUNDS, READINGS / size);
  const startMs = systemClock.nowMs() - (WARM_UP_ROUNDS + rounds) * INTERVAL_MS;
  let micros = 0;
  // Of the processor, so that whatever else the machine does counts little.
  const timed = async (work: () => Promise<unknown>) => {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    micros += user + system;
  };
  let passed = follower.cursor();
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    const payloads = payloadsOf(stations, startMs + round * INTERVAL_MS, round);
    const measured = round < WARM_UP_ROUNDS ? (work: () => Promise<unknown>) => work() : timed;
    await measured(async () => {
      const receipts = payloads.map((payload) =>
        gate.accept({ source: 'g', stations: null, contentType: 'application/json', payload }),
      );
      await committed(journal, Promise.all(receipts));
    });
    // The journal in memory begins anew, so that it holds one round.
    const entries = journal.entries.splice(0).map((entry) => ({ ...entry, seq: passed + entry.seq }));
    await measured(() => apply(follower, entries));
    passed += entries.length;
  }
  close();
  return micros / (rounds * size);
}

/** The door lets in as much as fits, and the rest as that is committed. */
async function committed(journal: MemoryJournal, receipts: Promise<unknown>): Promise<void> {
  let isWaiting = true;
  const all = receipts.then(() => (isWaiting = false));
  while (isWaiting) {
    journal.commit();
    await nextTurn();
  }
  await all;
}

async function apply(follower: AlertsFollower, entries: readonly Entry[]): Promise<void> {
  for (let from = 0; from < entries.length; from += BATCH) await follower.apply(entries.slice(from, from + BATCH));
}

/** Everything is registered, and the follower has passed it. */
async function open(stations: number, rules: readonly object[]) {
  const journal = new MemoryJournal(systemClock, { manual: true });
  const reference = loadReference();
  const [standard] = reference.standards.values();
  const series = Array.from({ length: stations }, (_, n) =>
    PARAMETERS.map(({ id }): Series => journal.seriesFor(`s${n}`, id).series),
  ).flat();
  const commands: Command[] = [
    ...Array.from({ length: stations }, (_, n): Command => {
      const body = station.parse({ ...sectionStation('PT5M'), area: `area-${n % AREAS}` });
      return { verb: 'put', noun: 'station', id: `s${n}`, body };
    }),
    ...rules.map((body, n): Command => ({ verb: 'put', noun: 'rule', id: `rule-${n}`, body: rule.parse(body) })),
  ];
  const appended = commands.map((command) => journal.appendCommand('bench', command));
  journal.commit();
  await Promise.all(appended);
  const derived = openDerived(':memory:');
  const follower = createAlertsFollower({
    derived,
    reader: {
      read: () => [],
      seriesById: (id) => series[id - 1],
      seriesByName: (station, parameter) => journal.seriesFor(station, parameter).series,
    },
    control: new Control([]),
    reference,
    standard: standard!,
    allowedLatenessMs: Number.MAX_SAFE_INTEGER,
    publicUrl: null,
    timeZone: 'Asia/Shanghai',
    log: { info: () => {}, warn: () => {} },
    onAlarms: () => {},
  });
  await apply(follower, journal.entries.splice(0));
  const gate = createGate({
    journal,
    control: journal.control,
    reference,
    clock: systemClock,
    maxMessageBytes: 1 << 18,
  });
  return { journal, gate, follower, close: () => derived.close() };
}

function payloadsOf(stations: number, timeMs: number, round: number): Buffer[] {
  const time = new Date(timeMs).toISOString();
  const values = PARAMETERS.map(({ id }, place) => `"${id}":${valueAt(place, round % PERIOD)}`).join();
  return Array.from({ length: stations }, (_, n) =>
    Buffer.from(
      `{"seq":${round * stations + n},"samples":[{"station":"s${n}","time":"${time}","values":{${values}}}]}`,
    ),
  );
}
