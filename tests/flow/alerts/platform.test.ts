import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sent } from '#alerts/channels/channel.ts';
import { createAlarmTopics } from '#api/streams/alarm-topics.ts';
import { openDerived } from '#installation/derived.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { PLATFORM_CONDITIONS, type PlatformCondition } from '#model/alarms/platform.ts';
import { PLATFORM_ZH } from '#model/alarms/platform-zh.ts';
import type { Command } from '#model/entry.ts';
import { createPlatformWatch } from '#platform/watch.ts';
import { Crash, live, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import { createDispatchRig, type Got } from '#tests/helpers/alerts/dispatch-rig.ts';
import { type AlertsRig, createAlertsRig, createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';

const KEY = 'platform/_platform/store.unreachable';

function change(
  state: 'begun' | 'ended',
  { condition = 'store.unreachable' as PlatformCondition, since = 0, detail = 'ECONNREFUSED 127.0.0.1:8086' } = {},
): Command {
  return { verb: 'platform', condition, state, sinceMs: T0 + since * MINUTE, detail };
}

const system = (rig: AlertsRig, ...commands: Command[]) => {
  for (const command of commands) rig.command(command, 'system');
  return rig.apply();
};

async function raised(): Promise<{ rig: AlertsRig; id: string }> {
  const rig = createWeirRig();
  await system(rig.at(1), change('begun'));
  return { rig, id: rig.alarms()[0]!.id };
}

describe('a platform alarm', () => {
  it('has the shape of every alarm, with when it began, what was seen and what to do', async () => {
    const { rig } = await raised();
    const { meaning, remedy } = PLATFORM_CONDITIONS['store.unreachable'];
    expect(rig.alarms().map(alarmView)).toEqual([
      {
        id: expect.stringMatching(/^5-0-[0-9a-f]{10}$/),
        key: KEY,
        rule: 'platform',
        station: '_platform',
        parameter: 'store.unreachable',
        severity: 'major',
        state: 'raised',
        breachStart: new Date(T0).toISOString(),
        raisedAt: new Date(T0).toISOString(),
        detectedAt: new Date(T0 + MINUTE).toISOString(),
        acknowledgedAt: null,
        acknowledgedBy: null,
        clearedAt: null,
        value: null,
        unit: '1',
        limit: null,
        op: null,
        target: null,
        class: null,
        multiple: null,
        worst: null,
        basis: 'instantaneous',
        late: false,
        occurrences: 1,
        chattering: false,
        firstOut: null,
        shelvedUntil: null,
        suppressedBy: null,
        latched: false,
        detail: `${meaning} Seen: ECONNREFUSED 127.0.0.1:8086. What to do: ${remedy}`,
        title: { zh: 'InfluxDB 无应答', en: 'InfluxDB does not answer' },
        says: {
          zh: `${PLATFORM_ZH['store.unreachable'].meaning}具体情况：ECONNREFUSED 127.0.0.1:8086。处理办法：${PLATFORM_ZH['store.unreachable'].remedy}`,
          en: `${meaning} Seen: ECONNREFUSED 127.0.0.1:8086. What to do: ${remedy}`,
        },
      },
    ]);
    expect(rig.notices()).toMatchObject([
      {
        channel: 'hook',
        event: 'raised',
        payload: { alarm: { key: KEY, value: null, detail: rig.alarms()[0]!.detail } },
      },
    ]);
    expect(rig.changes[0]!.transition).toMatchObject({
      cause: 'ECONNREFUSED 127.0.0.1:8086',
      from: null,
      to: 'raised',
    });
  });

  it('never began after it was told, whatever the clock said', async () => {
    const rig = createAlertsRig().at(1);
    await system(rig, change('begun', { since: 90 }));
    expect(rig.alarms()).toMatchObject([
      { breachStartMs: T0 + MINUTE, raisedAtMs: T0 + MINUTE, detectedAtMs: T0 + MINUTE },
    ]);
  });

  it('returns when it ends, and is cleared by whoever acknowledges it', async () => {
    const { rig, id } = await raised();
    await system(rig.at(10), change('ended', { since: 9, detail: 'not seen since …' }));
    expect(rig.alarms()).toMatchObject([{ id, state: 'returned', clearedAtMs: T0 + 10 * MINUTE }]);
    await rig.at(11).command({ verb: 'acknowledge', alarm: id }).apply();
    expect(rig.alarms()).toMatchObject([{ state: 'cleared', acknowledgedBy: 'wang' }]);
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'returned', 'cleared']);
    expect(rig.changes[1]!.transition.cause).toBe('not seen since …');
  });

  it('is cleared when it ends after somebody has acknowledged it, and takes shelving and comments like every other', async () => {
    const { rig, id } = await raised();
    await rig.command({ verb: 'acknowledge', alarm: id, comment: 'restarting it' }, 'li').apply();
    await rig.command({ verb: 'comment', alarm: id, comment: 'disk was full' }, 'li').apply();
    await system(rig.at(10), change('ended'));
    expect(rig.story()).toEqual([
      'raised raised',
      'acknowledged acknowledged',
      'commented acknowledged',
      'cleared cleared',
    ]);
    await system(rig.at(20), change('begun', { since: 20 }));
    const second = rig.alarms()[1]!;
    expect(second.id).not.toBe(id);
    await rig.command({ verb: 'shelve', alarm: second.id, untilMs: T0 + HOUR, reason: 'planned' }).apply();
    await system(rig.at(30), change('ended'));
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'acknowledged', 'cleared', 'raised']);
  });

  it('that began twice without an end is one; what is new is recorded and nobody is told', async () => {
    const { rig, id } = await raised();
    await system(rig.at(2), change('begun', { since: 2 }));
    expect(rig.story()).toEqual(['raised raised']);
    await system(rig.at(3), change('begun', { since: 3, detail: 'ETIMEDOUT' }));
    expect(rig.story()).toEqual(['raised raised', 'commented raised']);
    expect(rig.changes[1]!.transition).toMatchObject({ cause: 'ETIMEDOUT', actor: 'system' });
    expect(rig.alarms()).toMatchObject([{ id, raisedAtMs: T0, detail: expect.stringContaining('ETIMEDOUT') }]);
    expect(rig.notices()).toHaveLength(1);
  });

  it('ends only what stands: another condition, and an end without a beginning, touch nothing', async () => {
    const { rig } = await raised();
    await system(
      rig,
      change('ended', { condition: 'clock.behind' }),
      change('ended', { condition: 'journal.filling' }),
    );
    expect(rig.story()).toEqual(['raised raised']);
    await system(rig, change('ended'), change('ended'));
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });

  it('that began before the last one by a clock set back still ends', async () => {
    const rig = createAlertsRig().at(100);
    await system(rig, change('begun', { since: 100 }), change('ended'), change('begun', { since: 5 }), change('ended'));
    expect(rig.alarms().map(({ state }) => state)).toEqual(['returned', 'returned']);
  });

  it('outlives corrections and edits of rules and stations', async () => {
    const { rig } = await raised();
    await rig.send({ at: 2, value: 0.8 });
    rig.command({ verb: 'delete', noun: 'rule', id: 'class-target' });
    rig.command({ verb: 'delete', noun: 'station', id: 'weir' });
    for (const station of ['weir', '_platform']) {
      rig.command({
        verb: 'correct',
        station,
        parameter: 'nh3n',
        fromMs: 0,
        toMs: T0 + HOUR,
        action: 'delete',
        reason: 'x',
      });
    }
    await rig.restart().apply();
    expect(rig.alarms().map(({ key, state }) => [key, state])).toEqual([
      [KEY, 'raised'],
      ['class-target/weir/nh3n', 'withdrawn'],
    ]);
  });

  it('is routed by severity, station and rule; a route for an area is not for it', async () => {
    const rig = createWeirRig().routes(
      { match: { area: ['shiyan'] }, channels: ['area'] },
      { match: { station: ['_platform'] }, channels: ['station'] },
      { match: { rule: ['platform'] }, channels: ['rule'] },
      { match: { severity: ['critical'] }, channels: ['pager'] },
      { match: { station: ['weir'] }, channels: ['weir'] },
      { match: { station: ['_platform'], severity: ['critical'] }, channels: ['both'] },
    );
    await system(rig, change('begun'));
    expect(rig.notices().map(({ channel }) => channel)).toEqual(['station', 'rule']);
    await system(rig, change('begun', { condition: 'journal.unwritable' }));
    expect(
      rig
        .notices()
        .slice(2)
        .map(({ channel }) => channel),
    ).toEqual(['station', 'rule', 'pager', 'both']);
  });

  it('stands retained on its topic until it is cleared', async () => {
    const { rig, id } = await raised();
    const sent: [string, string | null, boolean][] = [];
    const topics = createAlarmTopics({
      publish: async (topic, payload, options) => void sent.push([topic, payload, options?.retain === true]),
      clearRetained: async (topic) => void sent.push([topic, null, true]),
      retainedTopics: async () => [],
    });
    await topics.changed(rig.changes[0]!.alarm);
    await rig.command({ verb: 'acknowledge', alarm: id }).apply();
    await system(rig, change('ended'));
    await topics.changed(rig.changes.at(-1)!.alarm);
    const topic = `wk/alarms/v1/_platform/${id}`;
    expect(sent.map(([name, payload, isRetained]) => [name, payload && JSON.parse(payload).state, isRetained])).toEqual(
      [
        [topic, 'raised', true],
        [topic, 'cleared', false],
        [topic, null, true],
      ],
    );
    expect(JSON.parse(sent[0]![1]!).detail).toContain('What to do:');
  });
});

describe('all that happens to the platform', () => {
  const names = Object.keys(PLATFORM_CONDITIONS) as PlatformCondition[];

  /** Every condition through every end, among readings and operators. */
  function story(rig: AlertsRig): void {
    const now = (command: Command, actor = 'system') => rig.command(command, actor);
    rig.at(1);
    for (const condition of names) now(change('begun', { condition, since: 1 }));
    rig.message({ at: 1, value: 0.8 });
    const first = rig.entries.findIndex((entry) => entry.kind === 'command' && entry.command.verb === 'platform') + 1;
    rig.at(2);
    now({ verb: 'acknowledge', alarm: idOf(first) }, 'li');
    now(change('begun', { condition: names[1]!, detail: 'once more' }));
    for (const condition of names.slice(0, -1)) now(change('ended', { condition }));
    rig.at(3).tick();
    now({ verb: 'acknowledge', alarm: idOf(first + 2) }, 'li');
    now(change('begun', { condition: names[0]!, since: 3 }));
    // The flood is over by then.
    rig.at((rig.nowMs() - T0) / 60_000 + 30).tick();
  }

  const ids = new Map<number, string>();
  const idOf = (seq: number) => ids.get(seq) ?? 'nobody';
  const told = (got: readonly Got[]) => got.flatMap(({ lines }) => lines).sort();

  async function learnIds(): Promise<void> {
    const rig = createWeirRig();
    story(rig);
    await rig.apply();
    for (const { alarm, transition } of rig.changes) {
      if (transition.event === 'raised') ids.set(transition.seq, alarm.id);
    }
  }

  function history(rig: AlertsRig) {
    return rig.alarms().map((alarm) => ({ alarm, timeline: rig.timeline(alarm.id).transitions }));
  }

  it('is the same at every replay, in batches of any size', async () => {
    await learnIds();
    const whole = createWeirRig();
    story(whole);
    await whole.apply();
    expect(new Set(whole.story()).size).toBe(5);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), async (size) => {
        const other = createWeirRig();
        story(other);
        await other.apply(size);
        expect(history(other)).toEqual(history(whole));
        expect(other.notices()).toEqual(whole.notices());
      }),
      { numRuns: 10 },
    );
  });

  it('is told exactly once, although the process dies between any two steps (invariant 5)', async () => {
    await learnIds();
    const undisturbed = createWeirRig();
    story(undisturbed);
    await undisturbed.apply();
    const quiet = createDispatchRig(undisturbed.derived);
    const dispatcher = quiet.start();
    await quiet.timers.advance(HOUR);
    await dispatcher.close();
    // So much goes wrong at once that most of it comes in summaries.
    const expected = told(quiet.got);
    expect(new Set(expected).size).toBe(expected.length);
    expect(new Set(expected.map((line) => line.split(' ')[0]))).toEqual(
      new Set(['raised', 'acknowledged', 'returned', 'cleared']),
    );
    const answers = fc.array(
      fc.constantFrom<Sent>({ outcome: 'sent', status: '200' }, { outcome: 'failed-for-now', status: '503' }),
      { maxLength: 20 },
    );
    const lives = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(lives, answers, fc.integer({ min: 1, max: 8 }), async (deaths, given, batch) => {
        const real = openDerived(':memory:');
        const life = mortal(real);
        const rig = createWeirRig({ derived: life.database });
        story(rig);
        const dispatch = createDispatchRig(life.database);
        const queue = [...given];
        dispatch.answer = () => queue.shift() ?? { outcome: 'sent', status: '200' };
        for (const statements of [...deaths, Number.POSITIVE_INFINITY]) {
          life.revive();
          life.dieAfter(statements);
          await live(rig.restart(), dispatch, batch).catch((error: unknown) => {
            if (!(error instanceof Crash) && !life.isDead()) throw error;
          });
          dispatch.timers.clear();
        }
        life.revive();
        const byKey = new Map(dispatch.got.map((got) => [got.id, got]));
        expect(told([...byKey.values()])).toEqual(expected);
        expect(history(rig)).toEqual(history(undisturbed));
        real.close();
      }),
      { numRuns: 60 },
    );
  });
});

describe('what main sees, as operators hear it', () => {
  /** A watch whose journal is the rig's. */
  function createPlatform() {
    const rig = createWeirRig();
    const clock = handClock(T0);
    const journal = { isRefusing: false };
    const silent = () => {};
    const watch = createPlatformWatch({
      clock,
      log: { info: silent, warn: silent },
      async append(command) {
        if (journal.isRefusing) throw new Error('the disk is full');
        rig.at((clock.nowMs() - T0) / MINUTE).command(command, 'system');
      },
    });
    return {
      rig,
      watch,
      clock,
      journal,
      async pass(seconds: number) {
        for (let n = 0; n < seconds; n++) {
          clock.advance(1000);
          watch.tick();
          for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        }
        await rig.apply();
      },
    };
  }

  it('a store that comes and goes is one alarm and one page, over when it has stayed for a minute', async () => {
    const { rig, watch, clock, pass } = createPlatform();
    for (let n = 0; n < 10; n++) {
      watch.set('store.unreachable', { sinceMs: clock.nowMs(), detail: 'ECONNREFUSED' });
      await pass(20);
      watch.set('store.unreachable', null);
      await pass(30);
    }
    expect(rig.story()).toEqual(['raised raised']);
    expect(rig.alarms()).toMatchObject([{ raisedAtMs: T0, detectedAtMs: T0 + 5000 }]);
    await pass(60);
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
    expect(rig.notices()).toHaveLength(2);
  });

  it('a disk that refused the journal is told when it takes entries again, with when it began', async () => {
    const { rig, watch, clock, journal, pass } = createPlatform();
    journal.isRefusing = true;
    watch.set('journal.unwritable', { sinceMs: clock.nowMs(), detail: 'ENOSPC' });
    await pass(600);
    expect(rig.alarms()).toEqual([]);
    journal.isRefusing = false;
    await pass(1);
    expect(rig.alarms()).toMatchObject([{ raisedAtMs: T0, detectedAtMs: T0 + 601_000, severity: 'critical' }]);
    watch.set('journal.unwritable', null);
    await pass(61);
    expect(rig.alarms()).toMatchObject([{ state: 'returned' }]);
  });

  it('a lost session waits for somebody although it is over', async () => {
    const { rig, watch, pass } = createPlatform();
    watch.event('broker.session-lost', T0 - MINUTE, 'the broker had no session of wellkeeper');
    await pass(1);
    expect(rig.alarms()).toMatchObject([
      { state: 'returned', parameter: 'broker.session-lost', raisedAtMs: T0 - MINUTE },
    ]);
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'returned']);
  });
});
