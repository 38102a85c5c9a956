import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLATFORM_CONDITIONS, type PlatformCondition } from '#model/alarms/platform.ts';
import type { CommandEntry } from '#model/entry.ts';
import { standingConditions } from '#platform/watch.ts';
import { createRig, left, SECOND, seen, settled, T0 } from '#tests/helpers/platform/watch-rig.ts';

describe('a condition', () => {
  it('is begun at once, once, with when it began, and ended when it has stayed away for a minute', async () => {
    const rig = createRig();
    for (let n = 0; n < 10; n++) {
      rig.watch.set('clock.behind', seen('by 2 min', T0 - 5));
      await rig.pass(1);
    }
    expect(rig.journal).toEqual([
      { verb: 'platform', condition: 'clock.behind', state: 'begun', sinceMs: T0 - 5, detail: 'by 2 min' },
    ]);
    const awayMs = rig.clock.nowMs();
    for (let n = 0; n < 59; n++) {
      rig.watch.set('clock.behind', null);
      await rig.pass(1);
    }
    expect(rig.journal).toHaveLength(1);
    await rig.pass(1);
    expect(rig.journal[1]).toMatchObject({ state: 'ended', sinceMs: awayMs });
    expect(rig.journal[1]!.detail).toContain(new Date(awayMs).toISOString());
    await rig.pass(120);
    expect(rig.journal).toHaveLength(2);
    rig.watch.set('clock.behind', seen());
    await settled();
    expect(rig.told().at(-1)).toBe('begun clock.behind');
    expect(rig.logged).toEqual(['platform.begun', 'platform.ended', 'platform.begun']);
  });

  it('that flaps stands through it', async () => {
    const rig = createRig();
    for (let n = 0; n < 20; n++) {
      rig.watch.set('follower.behind', n % 2 === 0 ? seen() : null);
      await rig.pass(40);
    }
    expect(rig.told()).toEqual(['begun follower.behind']);
    await rig.pass(20);
    expect(rig.told()).toEqual(['begun follower.behind', 'ended follower.behind']);
  });

  it.each<PlatformCondition>(['store.unreachable', 'store.overloaded', 'broker.unreachable'])(
    '%s is told only when it lasts five seconds',
    async (condition) => {
      const rig = createRig();
      rig.watch.set(condition, seen('first', T0));
      await rig.pass(4);
      rig.watch.set(condition, null);
      await rig.pass(10);
      expect(rig.tries).toBe(0);
      const sinceMs = rig.clock.nowMs();
      rig.watch.set(condition, seen('second', sinceMs));
      await rig.pass(4);
      rig.watch.set(condition, seen('third', sinceMs + 4 * SECOND));
      expect(rig.tries).toBe(0);
      await rig.pass(1);
      expect(rig.journal).toMatchObject([{ state: 'begun', condition, sinceMs, detail: 'third' }]);
    },
  );

  it('keeps what was seen short, and whole characters', async () => {
    const rig = createRig();
    rig.watch.set('store.unauthorized', seen(`${'x'.repeat(499)}🌊`));
    await settled();
    expect(rig.journal[0]!.detail).toHaveLength(500);
    expect(rig.journal[0]!.detail.isWellFormed()).toBe(true);
  });

  it('that never was is never ended', async () => {
    const rig = createRig();
    rig.watch.set('journal.filling', null);
    await rig.pass(200);
    expect(rig.tries).toBe(0);
  });
});

describe('the stores', () => {
  it('have one trouble at a time: a new one ends the old', async () => {
    const rig = createRig();
    rig.watch.set('store.unauthorized', seen('401'));
    await rig.pass(2);
    rig.watch.set('store.bucket-missing', seen('404'));
    await settled();
    expect(rig.told()).toEqual(['begun store.unauthorized', 'ended store.unauthorized', 'begun store.bucket-missing']);
    rig.watch.set('store.bucket-missing', null);
    await rig.pass(60);
    expect(rig.told().slice(3)).toEqual(['ended store.bucket-missing']);
  });

  it('that are away in changing ways are away: the delay runs on, and they do not page by turns', async () => {
    const rig = createRig();
    for (let n = 0; n < 40; n++) {
      const turn = ['store.unreachable', 'store.overloaded'] as const;
      rig.watch.set(turn[(n + 1) % 2]!, null);
      rig.watch.set(turn[n % 2]!, seen());
      await rig.pass(3);
    }
    // Two minutes of it: one stands, and gives way no oftener than once a minute.
    expect(rig.told()[0]).toMatch(/^begun/);
    expect(rig.told().filter((line) => line.startsWith('begun')).length).toBeLessThanOrEqual(5);
    expect(rig.journal[0]!.sinceMs).toBe(T0);
  });
});

describe('an event', () => {
  it('begins and ends at once; more of them within a minute are only logged', async () => {
    const rig = createRig();
    rig.watch.event('broker.session-lost', T0 - 30, 'session present: no');
    await settled();
    expect(rig.journal).toMatchObject([
      { state: 'begun', condition: 'broker.session-lost', sinceMs: T0 - 30, detail: 'session present: no' },
      { state: 'ended', condition: 'broker.session-lost' },
    ]);
    for (let n = 0; n < 5; n++) {
      await rig.pass(30);
      rig.watch.event('broker.session-lost', rig.clock.nowMs(), 'again');
    }
    expect(rig.journal).toHaveLength(2);
    expect(rig.logged.filter((event) => event === 'platform.repeated')).toHaveLength(5);
    await rig.pass(60);
    rig.watch.event('broker.session-lost', rig.clock.nowMs(), 'another');
    await settled();
    expect(rig.journal).toHaveLength(4);
  });
});

describe('what earlier processes left', () => {
  it('is ended once its source has said that it is over, and not begun again while it goes on', async () => {
    const rig = createRig();
    rig.watch.standing(left('store.unreachable', 'journal.filling'));
    await rig.pass(300);
    expect(rig.tries).toBe(0);
    rig.watch.set('store.unreachable', seen());
    rig.watch.set('journal.filling', null);
    await rig.pass(60);
    expect(rig.told()).toEqual(['ended journal.filling']);
    rig.watch.set('store.unreachable', null);
    await rig.pass(60);
    expect(rig.told()).toEqual(['ended journal.filling', 'ended store.unreachable']);
  });

  it('of a store, another trouble of the store ends it', async () => {
    const rig = createRig();
    rig.watch.standing(left('store.unreachable'));
    rig.watch.set('store.unauthorized', seen());
    await settled();
    expect(rig.told()).toEqual(['ended store.unreachable', 'begun store.unauthorized']);
  });

  it('of an event whose end was not told, is ended at once', async () => {
    const rig = createRig();
    rig.watch.standing(left('followers.restarting'));
    await settled();
    expect(rig.told()).toEqual(['ended followers.restarting']);
    rig.watch.event('followers.restarting', T0, 'heap');
    await settled();
    expect(rig.told().slice(1)).toEqual(['begun followers.restarting', 'ended followers.restarting']);
  });

  it('is read from the commands of the journal, page by page', () => {
    const entry = (seq: number, command: CommandEntry['command']): CommandEntry => ({
      kind: 'command',
      seq,
      receivedMs: T0,
      actor: 'system',
      command,
    });
    const change = (condition: PlatformCondition, state: 'begun' | 'ended') =>
      ({ verb: 'platform', condition, state, sinceMs: T0, detail: '' }) as const;
    const entries = [
      entry(1, change('store.unreachable', 'begun')),
      entry(2, change('clock.behind', 'begun')),
      entry(3, change('clock.behind', 'ended')),
      entry(4, change('journal.filling', 'begun')),
      entry(5, change('journal.filling', 'ended')),
      entry(6, change('journal.filling', 'begun')),
      ...Array.from({ length: 2500 }, (_, n) => entry(7 + n, { verb: 'unshelve', alarm: 'x' })),
    ];
    const commands = (before: number | null, limit: number) =>
      entries
        .filter(({ seq }) => seq < (before ?? Number.POSITIVE_INFINITY))
        .reverse()
        .slice(0, limit);
    expect(standingConditions({ commands }).map(({ condition }) => condition)).toEqual([
      'journal.filling',
      'store.unreachable',
    ]);
    expect(standingConditions({ commands: () => [] })).toEqual([]);
  });
});

describe('while the journal refuses', () => {
  it('what began and ended is kept with its times, tried each second, and told in order when it goes again', async () => {
    const rig = createRig();
    rig.isRefusing = true;
    rig.watch.set('journal.unwritable', seen('ENOSPC', T0));
    rig.watch.set('clock.behind', seen('late'));
    await rig.pass(10);
    expect(rig.journal).toEqual([]);
    expect(rig.tries).toBeGreaterThanOrEqual(10);
    expect(rig.logged.filter((event) => event === 'platform.untold')).toHaveLength(1);
    rig.watch.set('journal.unwritable', null);
    await rig.pass(60);
    rig.isRefusing = false;
    await rig.pass(1);
    expect(rig.told()).toEqual(['begun journal.unwritable', 'begun clock.behind', 'ended journal.unwritable']);
    expect(rig.journal[0]!.sinceMs).toBe(T0);
  });

  it('a trouble of the store that comes back before its end could be told has never been away', async () => {
    const rig = createRig();
    rig.watch.set('store.unauthorized', seen());
    await settled();
    rig.isRefusing = true;
    rig.watch.set('store.read-only', seen());
    await rig.pass(61);
    rig.watch.set('store.unauthorized', seen());
    rig.isRefusing = false;
    await rig.pass(2);
    expect(rig.told()).toEqual(['begun store.unauthorized']);
    rig.watch.set('store.unauthorized', null);
    await rig.pass(61);
    expect(rig.told()).toEqual(['begun store.unauthorized', 'ended store.unauthorized']);
  });

  it('a thousand beginnings and ends come to a few', async () => {
    const rig = createRig();
    rig.isRefusing = true;
    for (let n = 0; n < 1000; n++) {
      rig.watch.set('follower.parked', seen());
      rig.watch.event('followers.restarting', rig.clock.nowMs(), 'again');
      rig.watch.set(n % 2 ? 'store.unauthorized' : 'store.bucket-missing', seen());
      rig.clock.advance(61 * SECOND);
      rig.watch.set('follower.parked', null);
      rig.clock.advance(61 * SECOND);
      rig.watch.tick();
    }
    await settled();
    rig.isRefusing = false;
    await rig.pass(1);
    expect(rig.journal.length).toBeLessThanOrEqual(10);
    expect(rig.told()[0]).toBe('begun follower.parked');
    expect(rig.journal[0]!.sinceMs).toBe(T0);
  });

  it('an orderly end tries once more, waits for what is under way, and appends nothing afterwards', async () => {
    const rig = createRig();
    const gate = Promise.withResolvers<void>();
    rig.gate = gate.promise;
    rig.watch.set('clock.behind', seen());
    rig.watch.set('journal.filling', seen());
    const closed = rig.watch.close();
    gate.resolve();
    await closed;
    expect(rig.told()).toEqual(['begun clock.behind', 'begun journal.filling']);
    rig.watch.set('follower.parked', seen());
    rig.watch.event('followers.restarting', T0, 'x');
    await rig.pass(100);
    expect(rig.tries).toBe(2);
    const refused = createRig();
    refused.isRefusing = true;
    refused.watch.set('clock.behind', seen());
    await refused.watch.close();
    expect(refused.journal).toEqual([]);
  });
});

describe('any order of what is seen', () => {
  const names = Object.keys(PLATFORM_CONDITIONS) as PlatformCondition[];
  const moments: PlatformCondition[] = [
    'broker.session-lost',
    'broker.messages-dropped',
    'device.contested',
    'followers.restarting',
    'reads.stale',
    'journal.lost',
    'journal.damaged',
    'readings.lost',
    'derived.lost',
  ];
  const lasting = names.filter((name) => !moments.includes(name));
  const condition = fc.constantFrom(...lasting);
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('see' as const), condition }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('miss' as const), condition }) },
    fc.record({
      do: fc.constant('event' as const),
      condition: fc.constantFrom(...moments),
    }),
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 90 }) }) },
    fc.record({ do: fc.constant('refuse' as const), isRefusing: fc.boolean() }),
    fc.record({ do: fc.constant('set the clock' as const), byMs: fc.integer({ min: -4_000_000, max: 4_000_000 }) }),
    fc.record({ do: fc.constant('settle' as const) }),
  );

  it('leaves begun and ended in turns for each condition, one trouble of the stores at a time, and the truth at the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 80 }),
        fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 }),
        async (actions, left) => {
          const rig = createRig();
          const before = new Set(left.filter((name, n) => !isStore(name) || left.findIndex(isStore) === n));
          rig.watch.standing([...before].map((condition) => ({ condition, detail: 'x' })));
          for (const one of actions) {
            if (one.do === 'see') rig.watch.set(one.condition, seen('x', rig.clock.nowMs()));
            else if (one.do === 'miss') rig.watch.set(one.condition, null);
            else if (one.do === 'event') rig.watch.event(one.condition, rig.clock.nowMs(), 'x');
            else if (one.do === 'refuse') rig.isRefusing = one.isRefusing;
            else if (one.do === 'set the clock') rig.clock.set(rig.clock.nowMs() + one.byMs);
            else if (one.do === 'settle') await settled();
            else {
              rig.clock.advance(one.seconds * SECOND);
              rig.watch.tick();
            }
          }
          rig.isRefusing = false;
          const last = lasting.find((name) => !isStore(name))!;
          for (const name of lasting) rig.watch.set(name, name === last ? seen('x', rig.clock.nowMs()) : null);
          rig.clock.advance(120 * SECOND);
          await rig.pass(2);
          const standing = new Set(before);
          for (const { condition: name, state } of rig.journal) {
            expect([name, state, standing.has(name)]).toEqual([name, state, state === 'ended']);
            if (state === 'begun') standing.add(name);
            else standing.delete(name);
            expect([...standing].filter(isStore).length).toBeLessThanOrEqual(1);
          }
          expect([...standing]).toEqual([last]);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function isStore(name: PlatformCondition): boolean {
  return name.startsWith('store.');
}
