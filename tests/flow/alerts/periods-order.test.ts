/** Alarms about closed periods whatever came first, in whatever batches, however often, and whenever the process died. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import type { Database } from '#src/sqlite.ts';
import { Crash, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import {
  type Batches,
  createPeriodRig,
  DAY,
  LATENESS,
  MIDNIGHT,
  type PeriodReading,
  type PeriodRig,
  type PeriodRigOptions,
} from '#tests/helpers/alerts/period-rig.ts';
import { HOUR } from '#tests/helpers/alerts/rig.ts';

const DAYS = 4;
const END = MIDNIGHT + DAYS * DAY;

/** A section and a canal with two meters, watched by a rule of every kind; one channel has quiet hours when days close. */
function createWatchedRig(options: PeriodRigOptions = {}): PeriodRig {
  return createPeriodRig(options)
    .put('station', 'weir', {
      parameters: [
        { id: 'nh3n', interval: 'PT6H' },
        { id: 'codmn', interval: 'PT6H' },
      ],
    })
    .put('station', 'head', { kind: 'canal-section', target: null, parameters: [] })
    .put('meter', 'in', { station: 'head', maxGap: 'PT6H' })
    .put('meter', 'out', { station: 'weir', measures: 'delivery', recipient: 'beijing', maxGap: 'PT6H' })
    .put('meter', 'check', { station: 'weir', measures: 'delivery', parameter: 'flow', kind: 'flow', maxGap: 'PT6H' })
    .put('rule', 'daily', { kind: 'assessed', period: 'day', severity: { III: 'minor', V: 'critical' }, latch: true })
    .put('rule', 'loss', { kind: 'volume-balance', period: 'day', maxLossShare: 0.3 })
    .put('rule', 'apart', { kind: 'meter-disagreement', period: 'day', maxShare: 0.3 })
    .put('channel', 'night', { kind: 'log' })
    .put('routes', 'routes', [
      { match: {}, channels: ['hook'] },
      { match: {}, channels: ['night'], quiet: { from: '00:00', to: '05:00', severities: ['minor', 'major'] } },
    ]);
}

/** What is measured every six hours, from the levels of each day. */
function measured(levels: readonly Level[]): PeriodReading[] {
  let [taken, given] = [0, 0];
  const first = [reading('head', 'register', MIDNIGHT, 0), reading('weir', 'register', MIDNIGHT, 0)];
  return [
    ...first,
    ...levels.flatMap(({ nh3n, codmn, intake, delivery, flow }, day) =>
      [0, 6, 12, 18].flatMap((hour) => {
        const timeMs = MIDNIGHT + day * DAY + hour * HOUR;
        taken += intake * 6;
        given += delivery * 6;
        return [
          reading('weir', 'nh3n', timeMs + 1, nh3n),
          reading('weir', 'codmn', timeMs + 1, codmn),
          reading('weir', 'flow', timeMs, flow / 3600),
          reading('weir', 'flow', timeMs + 6 * HOUR - 1, flow / 3600),
          reading('head', 'register', timeMs + 6 * HOUR, taken),
          reading('weir', 'register', timeMs + 6 * HOUR, given),
        ];
      }),
    ),
  ];
}

const reading = (station: string, parameter: string, timeMs: number, value: number) => ({
  station,
  parameter,
  timeMs,
  value,
});

interface Level {
  nh3n: number;
  codmn: number;
  intake: number;
  delivery: number;
  flow: number;
}
const level: fc.Arbitrary<Level> = fc.record({
  nh3n: fc.constantFrom(0.2, 0.3, 0.7, 1.8),
  codmn: fc.constantFrom(2, 3, 5),
  intake: fc.constantFrom(1000, 1100),
  delivery: fc.constantFrom(500, 900, 1000),
  flow: fc.constantFrom(500, 900, 1000),
});
const levels = fc.array(level, { minLength: DAYS, maxLength: DAYS });

const size = fc.integer({ min: 1, max: 40 });
const batches: fc.Arbitrary<Batches> = fc.record({ readings: size, books: size, alerts: size });

/** What must be the same: everything but when it was noticed and how it was named. */
const essence = (rig: PeriodRig) =>
  rig
    .alarms()
    .filter(({ state }) => state !== 'withdrawn')
    .map(({ id: _, detectedAtMs: _detected, ...alarm }) => alarm)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.breachStartMs - b.breachStartMs));

/** `event alarm` of each notice to a channel, by itself or in a summary, and of each transition: both hear of everything. */
const told = (derived: Database, channel: string) =>
  derived
    .prepare(
      `SELECT event || ' ' || (alarms ->> 0) AS line FROM notice
       WHERE channel = ? AND event <> 'summary' ORDER BY line`,
    )
    .all(channel);
const happened = (derived: Database) =>
  derived.prepare("SELECT event || ' ' || alarm AS line FROM transition ORDER BY line").all();

/** When a reading may arrive: within the allowed lateness. */
interface Delivery {
  delayMs: number;
  isTwice: boolean;
  batch: number;
}

/** The readings in the order of their arrival, some of them twice, some of them in one message. */
function deliver(rig: PeriodRig, readings: readonly PeriodReading[], how: (index: number) => Delivery): PeriodRig {
  const arrivals = readings.flatMap((one, index) => {
    const { delayMs, isTwice } = how(index);
    const atMs = one.timeMs + delayMs;
    return isTwice
      ? [
          { one, atMs },
          { one, atMs: Math.min(atMs + HOUR, one.timeMs + LATENESS - 1) },
        ]
      : [{ one, atMs }];
  });
  const inOrder = arrivals.toSorted((a, b) => a.atMs - b.atMs);
  for (let next = 0; next < inOrder.length; ) {
    const together = inOrder
      .slice(next, next + how(next).batch)
      .filter(({ atMs }) => atMs < inOrder[next]!.atMs + 60_000);
    rig.at(together.at(-1)!.atMs).message(together.map(({ one }) => one));
    next += together.length;
  }
  return rig.at(END + LATENESS).tick();
}

const PROMPT: Delivery = { delayMs: 1, isTwice: false, batch: 100 };

async function plain(days: readonly Level[]): Promise<ReturnType<typeof essence>> {
  const rig = createWatchedRig();
  await deliver(rig, measured(days), () => PROMPT).settle();
  return essence(rig);
}

describe('alarms about closed periods (invariant 3)', () => {
  it('are the same in any order within lateness, any batching and with any repetition', async () => {
    let raised = 0;
    const delivery = fc.record({
      delayMs: fc.integer({ min: 1, max: LATENESS - 1 }),
      isTwice: fc.boolean(),
      batch: fc.integer({ min: 1, max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(
        levels,
        fc.array(delivery, { minLength: 7, maxLength: 40 }),
        batches,
        async (days, how, sizes) => {
          const expected = await plain(days);
          const rig = createWatchedRig();
          await deliver(rig, measured(days), (index) => how[index % how.length]!).settle(sizes);
          expect(essence(rig)).toEqual(expected);
          expect(rig.waiting()).toBe(0);
          raised += expected.length;
        },
      ),
      { numRuns: 20 },
    );
    expect(raised).toBeGreaterThan(20);
  });

  it('are the same after crashes between any two steps, and each is told once', async () => {
    await fc.assert(
      fc.asyncProperty(
        levels,
        fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 6 }),
        batches,
        async (days, lives, sizes) => {
          const whole = createWatchedRig();
          await deliver(whole, measured(days), () => PROMPT).settle();
          const real = openDerived(':memory:');
          const life = mortal(real);
          const rig = deliver(createWatchedRig({ derived: life.database }), measured(days), () => PROMPT);
          for (const statements of [...lives, Number.POSITIVE_INFINITY]) {
            life.revive();
            life.dieAfter(statements);
            await Promise.resolve()
              .then(() => rig.restart().settle(sizes))
              .catch((error: unknown) => {
                if (!(error instanceof Crash) && !life.isDead()) throw error;
              });
          }
          life.revive();
          expect(essence(rig)).toEqual(essence(whole));
          for (const channel of ['hook', 'night']) expect(told(real, channel)).toEqual(happened(real));
          expect(rig.waiting()).toBe(0);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a rebuild of every book', () => {
  it('changes no alarm and tells nobody anything', async () => {
    const rig = createWatchedRig();
    const day = { nh3n: 0.7, codmn: 2, intake: 1000, delivery: 500, flow: 900 };
    await deliver(rig, measured([day, { ...day, nh3n: 0.2 }, day, day]), () => PROMPT).settle();
    // It has come when all these days had closed.
    await rig
      .at(END + LATENESS + HOUR)
      .put('rule', 'later', { kind: 'assessed', period: 'day' })
      .settle();
    const before = [essence(rig), rig.told()];
    expect(before[1]!.length).toBeGreaterThan(3);
    rig.derived.exec(`INSERT INTO dirtyHour (series, hourMs, firstSeq, lastSeq)
        SELECT series, hourMs, throughSeq, throughSeq FROM hourStat;
      DELETE FROM hourStat; DELETE FROM dayStat; DELETE FROM volumeHour; DELETE FROM volumeDay;
      INSERT INTO volumeDirty (meter, fromMs, toMs) VALUES ('in', -1e15, 1e15), ('out', -1e15, 1e15), ('check', -1e15, 1e15)`);
    await rig
      .restart()
      .at(END + 4 * HOUR)
      .tick()
      .settle();
    expect([essence(rig), rig.told()]).toEqual(before);
  });
});
