/**
 * A series that chatters beyond a hundred transitions in an hour of arrival: one alarm stands for it and counts, whatever one
 * does to it, and nothing that is done for one transition grows with those before it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countedLines } from '#alerts/records/crossings.ts';
import { composeMessage, type Payload } from '#alerts/templates/message.ts';
import { openDerived } from '#installation/derived.ts';
import type { Database } from '#src/sqlite.ts';
import { Crash, live, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import { createDispatchRig } from '#tests/helpers/alerts/dispatch-rig.ts';
import { type AlertsRig, createWeirRig, HOUR, MINUTE, type Sent, T0 } from '#tests/helpers/alerts/rig.ts';
import { guarded } from '#tests/helpers/mortal-database.ts';
import { rowsOf } from '#tests/helpers/rows.ts';

const HIGH = 0.8;
const AWFUL = 9;
const GOOD = 0.1;

/** `count` samples a second apart, by turns above and below the limit, from so many minutes after T0 on. */
function alternating(count: number, fromMinutes = 0, high = HIGH): Sent[] {
  return Array.from({ length: count }, (_, n) => ({ at: fromMinutes + n / 60, value: n % 2 ? GOOD : high }));
}

const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1);
  return list[0]!;
};
const folded = (rig: AlertsRig) => only(rig.alarms().filter((alarm) => alarm.folded !== undefined));
const linesOf = (derived: Database) =>
  derived
    .prepare('SELECT alarm, crossing, event, timeMs, atMs, seq, severity, value FROM countedLine ORDER BY n')
    .all();
const summaries = (rig: AlertsRig) =>
  rig
    .notices()
    .filter(({ event }) => event === 'summary')
    .map(({ payload }) => payload as unknown as Payload);
const counted = (rig: AlertsRig) => summaries(rig).reduce((sum, { group }) => sum + (group?.counted ?? 0), 0);

/** How often a database is asked, and how many rows it answers. */
function metered(real: Database) {
  const spent = { statements: 0, rows: 0 };
  const act = <T>(work: () => T): T => {
    spent.statements++;
    const answer = work();
    spent.rows += Array.isArray(answer) ? answer.length : Number(typeof answer === 'object' && answer !== null);
    return answer;
  };
  return { database: guarded(real, act, () => true), spent };
}

describe('6,800 samples about the limit in 17 messages', () => {
  it("cost the same for each transition, stand as one alarm, and leave another station's alarm alone", async () => {
    const { database, spent } = metered(openDerived(':memory:'));
    const rig = createWeirRig({ derived: database }).station('lock', { area: 'shiyan' });
    rig.at(6800 / 60);
    const costs: { statements: number; rows: number }[] = [];
    const all = alternating(6800);
    for (let n = 0; n < 17; n++) {
      const before = { ...spent };
      await rig.message(...all.slice(n * 400, (n + 1) * 400));
      await rig.apply();
      costs.push({ statements: spent.statements - before.statements, rows: spent.rows - before.rows });
    }
    await rig.send({ station: 'lock', at: 6800 / 60, value: HIGH });
    // Once it is folded, each message costs what the one before did: a line and a crossing for each transition.
    for (const cost of costs.slice(2)) expect(cost).toEqual(costs[1]);
    expect(costs[1]!.statements).toBeLessThan(400 * 3);
    expect(costs[1]!.rows).toBeLessThan(400 * 3);

    const alarm = folded(rig);
    expect(alarm).toMatchObject({ state: 'raised', chattering: true, occurrences: 3400, severity: 'minor' });
    expect(alarm.folded).toMatchObject({ sinceMs: rig.nowMs(), untilMs: null, crossings: 3350 });
    expect(rig.alarms().filter(({ station, state }) => station === 'weir' && state === 'raised')).toEqual([alarm]);
    // A hundred transitions were told by themselves, and the alarm's own beginning; every other one is a line.
    expect(linesOf(rig.derived)).toHaveLength(6800 - 101);
    expect(alarm.folded!.transitions).toBe(6800 - 101);
    expect(countedLines(rig.derived, alarm.id, 2)).toMatchObject([
      { event: 'raised', timeMs: T0 + 6798_000, value: HIGH },
      { event: 'returned', timeMs: T0 + 6799_000, value: HIGH },
    ]);
    expect(rig.timeline(alarm.id).transitions.map(({ event }) => event)).toEqual(['raised', 'folded', 'chattering']);

    const others = rig.notices().filter(({ payload }) => (payload as unknown as Payload).alarm.station === 'lock');
    expect(others).toMatchObject([{ event: 'raised', state: 'pending' }]);
    await rig.pass(6800 / 60 + 31);
    expect(counted(rig)).toBe(6800 - 101);
  });

  it('are told in the rolling summary: how often it was raised and ended since it began', async () => {
    const rig = createWeirRig();
    for (let n = 0; n < 10; n++) await rig.at(5 * n).send(...alternating(200, 5 * n));
    await rig.pass(46);
    const chatter = summaries(rig).filter(({ group }) => group!.counted !== undefined);
    // The first at once, then after half an hour.
    expect(chatter).toHaveLength(2);
    const { group, alarm, alarms, told } = chatter[1]!;
    expect(group).toMatchObject({ kind: 'alarm', name: 'class-target/weir/nh3n', over: false });
    expect(alarm).toMatchObject({ id: folded(rig).id, chattering: true, state: 'raised' });
    expect([alarms!.length, told]).toEqual([1, []]);
    const notice = { payload: JSON.stringify(chatter[1]) };
    expect(composeMessage(notice, 'en')).toMatchObject({
      title: `【Wellkeeper】summary: chattering weir nh3n: ${group!.raises} raises, ${group!.ends} clears`,
      items: [expect.stringContaining('Minor counted: weir nh3n 0.8 mg/L')],
    });
    expect(composeMessage(notice, 'zh').short).toContain('抖动报警 weir nh3n');
  });
});

describe('an alarm that counts', () => {
  async function chattered(count = 400): Promise<AlertsRig> {
    const rig = createWeirRig();
    await rig.send(...alternating(count));
    return rig;
  }

  it('is over when an hour had fewer than ten transitions, at the end of its last crossing', async () => {
    const rig = await chattered();
    const began = rig.nowMs();
    await rig.pass(65);
    expect(folded(rig)).toMatchObject({ state: 'raised', clearedAtMs: null });
    await rig.pass(200);
    const alarm = folded(rig);
    expect(alarm).toMatchObject({ state: 'returned', clearedAtMs: T0 + 399_000, chattering: true });
    expect(alarm.folded!.untilMs).toBe(began + HOUR);
    expect(rig.timeline(alarm.id).transitions.map(({ event }) => event)).toEqual([
      'raised',
      'folded',
      'chattering',
      'unfolded',
      'returned',
    ]);
    // What comes then is an alarm of its own.
    await rig.send({ at: 300, value: HIGH });
    expect(rig.alarms().at(-1)).toMatchObject({ state: 'raised', occurrences: 1, chattering: false });
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('goes on counting after an orderly end, and is over at the same time', async () => {
    const rig = await chattered();
    const dueMs = rig.follower().nextTimerMs();
    rig.follower().checkpoint();
    rig.restart();
    expect(rig.follower().nextTimerMs()).toBe(dueMs);
    await rig.send(...alternating(50, 10));
    expect(folded(rig).folded).toMatchObject({ untilMs: null, transitions: 400 - 101 + 50 });
    const lastMs = rig.nowMs();
    rig.follower().checkpoint();
    rig.restart();
    await rig.pass(200);
    expect(folded(rig)).toMatchObject({ state: 'returned', folded: { untilMs: lastMs + HOUR } });
  });

  it('goes on for as long as ten transitions come in an hour, and then stands for what stands', async () => {
    const rig = await chattered();
    // Twelve an hour, for two hours and a half.
    for (let n = 1; n <= 31; n++) await rig.send({ at: 5 + n * 5, value: n % 2 ? HIGH : GOOD });
    expect(folded(rig).folded).toMatchObject({ untilMs: null, transitions: 400 - 101 + 31 });
    await rig.pass(209);
    // Calm since the tenth last was an hour ago.
    expect(folded(rig)).toMatchObject({ state: 'raised', clearedAtMs: null });
    expect(folded(rig).folded!.untilMs).toBe(T0 + (5 + 22 * 5 + 60) * MINUTE);
    const before = rig.changes.length;
    await rig.send({ at: 210, value: GOOD });
    expect(folded(rig)).toMatchObject({ state: 'returned', clearedAtMs: T0 + 210 * MINUTE });
    expect(rig.changes.slice(before)).toMatchObject([{ transition: { event: 'returned', alarm: folded(rig).id } }]);
  });

  it('counts again when it chatters again while it still stands; after its end another one does', async () => {
    const rig = await chattered(401);
    await rig.pass(90);
    const { id } = folded(rig);
    expect(folded(rig)).toMatchObject({ state: 'raised', folded: { crossings: 151 } });
    expect(folded(rig).folded!.untilMs).not.toBeNull();
    await rig.send(...Array.from({ length: 200 }, (_, n) => ({ at: 91 + n / 60, value: n % 2 ? HIGH : AWFUL })));
    expect(folded(rig)).toMatchObject({ id, state: 'raised', severity: 'critical', folded: { untilMs: null } });
    await rig.pass(200);
    await rig.send(...alternating(300, 201).slice(1));
    expect(rig.alarms().filter(({ folded: fold }) => fold)).toMatchObject([
      { id, state: 'returned' },
      { state: 'raised', folded: { untilMs: null } },
    ]);
  });

  it('rises with its severest crossing, which is told by itself, and never falls while it counts', async () => {
    const rig = await chattered();
    const before = rig.notices().length;
    await rig.send(...alternating(20, 10, AWFUL), ...alternating(20, 11));
    expect(folded(rig)).toMatchObject({ severity: 'critical', value: AWFUL, state: 'raised' });
    expect(folded(rig).worst).toMatchObject({ value: AWFUL, severity: 'critical' });
    const told = rig.notices().slice(before);
    expect(told.filter(({ event }) => event !== 'summary')).toMatchObject([
      { event: 'severity-changed', state: 'pending' },
    ]);
  });

  it('stays with whoever took it over, and is cleared when it is calm', async () => {
    const rig = await chattered();
    const { id } = folded(rig);
    await rig.command({ verb: 'acknowledge', alarm: id }).apply();
    await rig.send(...alternating(100, 10));
    expect(folded(rig)).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'wang' });
    await rig.pass(200);
    expect(folded(rig)).toMatchObject({ id, state: 'cleared' });
  });

  it('counts in silence while it is shelved', async () => {
    const rig = await chattered();
    await rig.pass(40);
    const before = counted(rig);
    const until = T0 + 300 * MINUTE;
    await rig
      .command({ verb: 'shelve', alarm: folded(rig).id, untilMs: until, reason: 'the probe is cleaned' })
      .apply();
    for (const at of [45, 80, 115]) await rig.send(...alternating(100, at));
    await rig.pass(150);
    expect(counted(rig)).toBe(before);
    expect(folded(rig).folded!.transitions).toBe(400 - 101 + 300);
  });

  it('is withdrawn, once it is calm, when nothing that it counted held', async () => {
    const rig = await chattered(2000);
    const range = { fromMs: T0, toMs: T0 + 2000_000 };
    const where = { station: 'weir', parameter: 'nh3n' };
    await rig.command({ verb: 'correct', ...where, ...range, action: 'delete', reason: 'the probe was loose' }).apply();
    expect(folded(rig).folded!.crossings).toBe(0);
    const lines = linesOf(rig.derived);
    expect(lines.filter(({ event }) => event === 'withdrawn')).toHaveLength(950);
    await rig.pass(200);
    expect(rig.alarms().map(({ state }) => state)).toEqual(rig.alarms().map(() => 'withdrawn'));
  });

  it('is withdrawn when its rule no longer applies', async () => {
    const rig = await chattered();
    await rig.rule('class-target', { kind: 'class', severity: 'minor', enabled: false }).apply();
    expect(folded(rig).state).toBe('withdrawn');
    await rig.pass(200);
    expect(rig.timeline(folded(rig).id).transitions.at(-1)!.event).toBe('withdrawn');
  });

  it('is one per rule and series: another parameter of the station is told by itself', async () => {
    const rig = await chattered();
    await rig.send({ at: 7, parameter: 'do', value: 4 });
    expect(rig.notices().at(-1)).toMatchObject({ event: 'raised', state: 'pending' });
    expect(rig.alarms().at(-1)).toMatchObject({ parameter: 'do', occurrences: 1 });
  });

  it('folds a severity that goes to and fro without an end', async () => {
    const rig = createWeirRig();
    const values = Array.from({ length: 300 }, (_, n) => ({ at: n / 60, value: n % 2 ? HIGH : AWFUL }));
    await rig.send(...values);
    const alarm = only(rig.alarms());
    expect(alarm).toMatchObject({ state: 'raised', severity: 'critical', occurrences: 1, chattering: true });
    expect(linesOf(rig.derived)).toHaveLength(300 - 100);
  });
});

/** A burst about the limit, or a single reading, so many minutes after the one before. */
const burst = fc.record({
  after: fc.constantFrom(0, 1, 5, 20, 45),
  count: fc.constantFrom(1, 2, 15, 60, 130),
  high: fc.constantFrom(HIGH, HIGH, AWFUL),
  station: fc.constantFrom('weir', 'weir', 'lock'),
});
const bursts = fc.array(burst, { minLength: 3, maxLength: 9 });
type Burst = typeof burst extends fc.Arbitrary<infer T> ? T : never;

function journaled(rig: AlertsRig, all: readonly Burst[]): AlertsRig {
  rig.station('lock', { area: 'shiyan' });
  let minutes = 0;
  for (const { after, count, high, station } of all) {
    minutes += after + 3;
    rig.at(minutes).message(...alternating(count, minutes - 2.5, high).map((one) => ({ ...one, station })));
  }
  for (let n = 1; n <= 10; n++) rig.at(minutes + 20 * n).tick();
  return rig;
}

describe('whatever happens to the process (invariant 5)', () => {
  it('every transition is told once, by itself, in a summary or counted in one; and a replay gives the same', async () => {
    const deaths = fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(bursts, deaths, fc.integer({ min: 1, max: 7 }), async (all, lives, batch) => {
        const whole = journaled(createWeirRig(), all);
        await whole.apply();
        const real = openDerived(':memory:');
        const life = mortal(real);
        const rig = journaled(createWeirRig({ derived: life.database }), all);
        const dispatch = createDispatchRig(life.database);
        for (const statements of [...lives, Number.POSITIVE_INFINITY]) {
          life.revive();
          life.dieAfter(statements);
          await live(rig.restart(), dispatch, batch).catch((error: unknown) => {
            if (!(error instanceof Crash) && !life.isDead()) throw error;
          });
          dispatch.timers.clear();
        }
        life.revive();
        for (const sql of [
          'SELECT body FROM alarm ORDER BY id',
          'SELECT * FROM transition ORDER BY n',
          'SELECT * FROM crossing ORDER BY id',
          'SELECT * FROM countedLine ORDER BY n',
          'SELECT id, event, channel, summary, payload FROM notice ORDER BY id',
        ]) {
          expect(rowsOf(real, sql)).toEqual(rowsOf(whole.derived, sql));
        }
        const told = rig.notices().filter(({ event }) => event !== 'summary');
        const recorded = ['chattering', 'folded', 'unfolded'];
        const expected = rig
          .alarms()
          .flatMap(({ id }) => rig.timeline(id).transitions)
          .filter(({ event }) => !recorded.includes(event))
          .map(({ event, alarm }) => `${event} ${alarm}`);
        expect(told.map(({ event, alarms }) => `${event} ${alarms[0]}`).sort()).toEqual(expected.sort());
        expect(counted(rig)).toBe(linesOf(real).length);
        real.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('order of arrival (invariant 3)', () => {
  /** Each breach that wasn't withdrawn: alarms of their own, and crossings that one alarm counts. */
  function breaches({ derived }: AlertsRig) {
    return derived
      .prepare(
        `SELECT key, breachStartMs, raisedAtMs, clearedAtMs, severity FROM alarm
         WHERE state <> 'withdrawn' AND json_extract(body, '$.folded') IS NULL
         UNION ALL SELECT key, breachStartMs, raisedAtMs, clearedAtMs, severity FROM crossing WHERE withdrawn = 0
         ORDER BY key, breachStartMs`,
      )
      .all();
  }

  it('changes neither the breaches nor their event times, whichever of them are folded', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(GOOD, GOOD, 0.5, HIGH, AWFUL), { minLength: 150, maxLength: 400 }),
        fc.array(fc.nat(400), { minLength: 400, maxLength: 400 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat(100), { maxLength: 3 }),
        async (values, delays, perMessage, restarts) => {
          const run = async (isShuffled: boolean) => {
            const rig = createWeirRig();
            const order = values.map((value, n) => ({ at: n / 10, value, place: n + (isShuffled ? delays[n]! : 0) }));
            order.sort((a, b) => a.place - b.place);
            for (let n = 0; n * perMessage < order.length; n++) {
              rig.at(40).message(...order.slice(n * perMessage, (n + 1) * perMessage));
              await rig.apply();
              if (isShuffled && restarts.includes(n)) rig.restart();
            }
            await rig.pass(180);
            return rig;
          };
          const [inOrder, shuffled] = [await run(false), await run(true)];
          expect(breaches(shuffled)).toEqual(breaches(inOrder));
          for (const rig of [inOrder, shuffled]) {
            expect(rig.warnings).toEqual([]);
            for (const { id, folded: fold, clearedAtMs, state } of rig.alarms()) {
              const { transitions } = rig.timeline(id);
              expect(transitions.slice(1).map(({ from }) => from)).toEqual(
                transitions.slice(0, -1).map(({ to }) => to),
              );
              if (!fold) continue;
              const own =
                'SELECT max(clearedAtMs) AS last, count(*) AS n FROM crossing WHERE alarm = ? AND withdrawn = 0';
              const row = rig.derived.prepare(own).get(id)!;
              expect(fold.crossings).toBe(row.n);
              if (state === 'returned') expect(clearedAtMs).toBe(row.last);
              expect(state === 'withdrawn').toBe(row.n === 0);
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
