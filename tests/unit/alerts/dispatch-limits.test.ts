/** The limit per minute, and the summaries that tell of what it holds back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Payload } from '#alerts/templates/message.ts';
import { openDerived } from '#installation/derived.ts';
import type { AlarmEvent } from '#model/alarms/alarm.ts';
import { Crash, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import { BUSY, createOutboxRig, hook, type OutboxRig, SENT } from '#tests/helpers/alerts/outbox-rig.ts';

const MINUTE = 60_000;

/** The largest number of sends that any 60 s hold. */
function mostInAMinute(rig: OutboxRig, channel = 'hook'): number {
  const times = rig.deliveries.filter((one) => one.channel === channel).map(({ atMs }) => atMs);
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + MINUTE).length));
}

describe('the limit per minute', () => {
  it('tells up to the limit one by one', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 5 }) });
    const ids = ['a', 'b', 'c', 'd', 'e'].map((alarm) => rig.add(alarm));
    rig.start();
    await rig.advance(1000);
    expect(rig.deliveries.map(({ id }) => id)).toEqual(ids);
    await rig.close();
  });

  it('tells what goes beyond it in one summary at once, with its members on record', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 3 }) });
    const ids = Array.from({ length: 12 }, (_, n) =>
      rig.add(`a${n}`, 'raised', 'hook', n === 7 ? 'critical' : 'minor'),
    );
    rig.start();
    await rig.advance(1000);
    const [only, ...more] = rig.deliveries;
    expect(more).toEqual([]);
    expect(only!.payload).toMatchObject({
      event: 'summary',
      alarm: { id: 'a7' },
      url: 'https://wells.example/#/alarms',
    });
    expect(only!.payload.told!.map(({ notice, event, alarms }) => [notice, event, alarms])).toEqual(
      ids.map((id, n) => [id, 'raised', [`a${n}`]]),
    );
    expect(only!.payload.alarms!.map(({ id }) => id)).toEqual(ids.map((_, n) => `a${n}`));
    for (const id of ids) expect(rig.row(id)).toMatchObject({ state: 'grouped', summary: only!.id, attempts: [] });
    expect(rig.row(only!.id)).toMatchObject({ state: 'sent', event: 'summary' });
    // Both are to be seen at the alarm: the notice, and the summary with its attempts.
    expect(
      rig
        .timeline('a3')
        .map(({ id }) => id)
        .sort(),
    ).toEqual([ids[3]!, only!.id].sort());
    await rig.close();
  });

  it('keeps the last of a minute for everything that comes after', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 4 }) });
    rig.start();
    for (let n = 0; n < 20; n++) {
      rig.add(`a${n}`);
      rig.wake();
      await rig.advance(1000);
    }
    expect(rig.deliveries.map(({ payload }) => payload.event)).toEqual(Array(4).fill('raised'));
    await rig.advance(MINUTE);
    const [summary, ...rest] = rig.deliveries.slice(4);
    expect(summary!.payload.told).toHaveLength(16);
    expect(rest).toEqual([]);
    expect(mostInAMinute(rig)).toBeLessThanOrEqual(4);
    await rig.close();
  });

  it('makes fewer than 100 notices of 10,000 alarms in a minute, and all are on record', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 20 }) });
    const ids = Array.from({ length: 10_000 }, (_, n) => rig.add(`a${n}`));
    rig.start();
    await rig.advance(5 * MINUTE);
    expect(rig.deliveries.length).toBeLessThan(100);
    expect(mostInAMinute(rig)).toBeLessThanOrEqual(20);
    expect(rig.told().sort()).toEqual(ids.sort());
    expect([rig.pending(), rig.list('pending')]).toEqual([0, []]);
    await rig.close();
  });

  it('never puts into a summary what may have been seen already, nor a test', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 2 }) }, { answer: (_, n) => (n <= 2 ? BUSY : SENT) });
    const tried = [rig.add('a'), rig.add('b')];
    rig.start();
    await rig.advance(100);
    const test = rig.add('t', 'test');
    const held = [rig.add('c'), rig.add('d'), rig.add('e')];
    rig.wake();
    await rig.advance(10 * MINUTE);
    const summaries = rig.deliveries.filter(({ payload }) => payload.event === 'summary');
    expect(summaries.map(({ payload }) => payload.told!.map(({ notice }) => notice))).toEqual([held]);
    for (const id of [...tried, test]) expect(rig.row(id).state).toBe('sent');
    await rig.close();
  });

  it('keeps the order of what is said about one alarm across a summary', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 1 }) });
    rig.start();
    const said: AlarmEvent[] = ['raised', 'severity-changed', 'acknowledged', 'cleared'];
    for (const event of said) {
      rig.add(['x'], event);
      rig.add(['y'], event);
      rig.wake();
      await rig.advance(20_000);
    }
    await rig.advance(5 * MINUTE);
    const events = (alarm: string) =>
      rig.deliveries.flatMap(({ payload }) =>
        (payload.told ?? [{ event: payload.event, alarms: [payload.alarm.id] }])
          .filter(({ alarms }) => alarms.includes(alarm))
          .map(({ event }) => event),
      );
    expect([events('x'), events('y')]).toEqual([said, said]);
    await rig.close();
  });

  it('counts across a restart, and is neither opened nor shut by a clock that is set by an hour', async () => {
    const rig = createOutboxRig({ hook: hook('hook', { perMinute: 2 }) });
    rig.add('a');
    rig.add('b');
    rig.start();
    await rig.advance(10_000);
    await rig.close();
    rig.add('c');
    rig.start();
    rig.clock.set(rig.clock.nowMs() + 3_600_000);
    await rig.advance(45_000);
    expect(rig.deliveries).toHaveLength(2);
    rig.clock.set(rig.clock.nowMs() - 7_200_000);
    await rig.advance(10_000);
    expect(rig.deliveries.map(({ payload }) => payload.alarm.id)).toEqual(['a', 'b', 'c']);
    await rig.close();
  });

  it('keeps silence as long as the platform wants it, then tells everything together', async () => {
    const limit = {
      outcome: 'failed-for-now',
      status: 'errcode 130101',
      retryAfterMs: 600_000,
      holdMs: 600_000,
    } as const;
    const rig = createOutboxRig(
      { hook: hook('hook', { perMinute: 3 }) },
      { answer: (_, n) => (n === 1 ? limit : SENT) },
    );
    rig.add('a');
    rig.start();
    await rig.advance(1000);
    for (const alarm of ['b', 'c', 'd', 'e']) rig.add(alarm);
    rig.wake();
    await rig.advance(9 * MINUTE);
    expect(rig.deliveries).toHaveLength(1);
    await rig.advance(2 * MINUTE);
    expect(rig.told()).toHaveLength(5);
    expect(rig.deliveries).toHaveLength(3);
    await rig.close();
  });

  it('lets retries and newcomers go by turns', async () => {
    const rig = createOutboxRig(
      { hook: hook('hook', { perMinute: 2 }) },
      { answer: ({ payload }) => (payload.alarm.id.startsWith('bad') ? BUSY : SENT) },
    );
    for (let n = 0; n < 2; n++) rig.add(`bad${n}`);
    rig.start();
    for (let n = 0; n < 30; n++) {
      await rig.advance(30_000);
      rig.add(`good${n}`);
      rig.wake();
    }
    await rig.advance(2 * MINUTE);
    const good = rig.told().length;
    expect(good).toBe(30);
    expect(rig.deliveries.filter(({ sent }) => sent.outcome !== 'sent').length).toBeGreaterThan(5);
    expect(mostInAMinute(rig)).toBeLessThanOrEqual(2);
    await rig.close();
  });
});

describe('invariant 5 under limits', () => {
  const event = fc.constantFrom<AlarmEvent>('raised', 'severity-changed', 'acknowledged', 'cleared');
  const step = fc.record({
    alarms: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 2 }),
    event,
    pauseMs: fc.constantFrom(0, 0, 0, 500, 5000, 40_000),
  });

  it('tells each notice once by its key, in the order of its alarm, within the limit, whenever the process dies', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.integer({ min: 0, max: 80 }), { maxLength: 5 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        async (steps, perMinute, lives, answers) => {
          const real = openDerived(':memory:');
          const life = mortal(real);
          const rig = createOutboxRig({ hook: hook('hook', { perMinute }) }, { derived: real });
          rig.answer = () => (answers.shift() === false ? BUSY : SENT);
          const ids: string[] = [];
          const queue = [...steps];
          for (const statements of [...lives, Number.POSITIVE_INFINITY]) {
            life.revive();
            life.dieAfter(statements);
            try {
              rig.start(life.database);
              while (queue.length > 0) {
                const { alarms, event: what, pauseMs } = queue.shift()!;
                ids.push(rig.add(alarms, what));
                rig.wake();
                await rig.advance(pauseMs);
              }
              await rig.advance(20 * 3_600_000);
            } catch (error) {
              if (!(error instanceof Crash) && !life.isDead()) throw error;
            }
            await rig.close().catch(() => {});
            rig.forgetTimers();
          }
          // A recipient knows a notice that comes again by its key.
          const byKey = new Map<string, Payload>();
          for (const { id, payload, sent } of rig.deliveries) if (sent.outcome === 'sent') byKey.set(id, payload);
          const told = [...byKey].flatMap(([id, payload]) => payload.told?.map(({ notice }) => notice) ?? [id]);
          expect(told.toSorted()).toEqual(ids.toSorted());
          const orderOf = new Map(ids.map((id, n) => [id, n]));
          for (const alarm of ['a', 'b', 'c', 'd', 'e', 'f']) {
            const about = told.filter((id) => rig.row(id).alarms.includes(alarm)).map((id) => orderOf.get(id)!);
            expect(about).toEqual(about.toSorted((a, b) => a - b));
          }
          if (lives.length === 0) expect(mostInAMinute(rig)).toBeLessThanOrEqual(perMinute);
          expect(rig.list('pending')).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
