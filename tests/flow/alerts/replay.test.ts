/**
 * Properties of rules of every kind together with silence, outages, maintenance, operators and everything that decides who is
 * told: neither batches nor restarts nor crashes change the history, what happened is told exactly once, order of arrival doesn't
 * change what was, and our own absence is never a silence.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import type { AlarmEvent } from '#model/alarms/alarm.ts';
import type { Entry } from '#model/entry.ts';
import type { Database } from '#src/sqlite.ts';
import { Crash, live, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import { createDispatchRig, type Got } from '#tests/helpers/alerts/dispatch-rig.ts';
import type { AlertsRig, Sent } from '#tests/helpers/alerts/rig.ts';
import {
  CHANNELS,
  createStoryRig,
  happen,
  history,
  isAboutSilence,
  lived,
  oxygen,
  registers,
  STATIONS,
  story,
  value,
} from '#tests/helpers/alerts/story.ts';

/** Events that nobody is told of by the routes; steps of an escalation go to those whom they name. */
const ONLY_RECORDED: ReadonlySet<AlarmEvent> = new Set<AlarmEvent>([
  'shelved',
  'unshelved',
  'commented',
  'chattering',
  'folded',
  'unfolded',
  'counted',
  'escalated',
]);

/** Every notice tells of transitions that happened when it was made; a summary of what its members tell of. */
function told(rig: AlertsRig): void {
  const happened = new Set(rig.changes.map(({ transition: { alarm, event, atMs } }) => `${alarm} ${event} ${atMs}`));
  const notices = rig.derived
    .prepare(
      "SELECT id, event, createdAtMs, alarms, summary, json_extract(payload, '$.group.counted') AS counted FROM notice",
    )
    .all()
    .map((row) => ({ ...row, alarms: JSON.parse(row.alarms as string) as string[] }) as Row);
  for (const { id, event, createdAtMs, alarms, counted } of notices) {
    if (counted !== null) expect(notices.filter(({ summary }) => summary === id)).toEqual([]);
    else if (event === 'summary') {
      const members = notices.filter(({ summary }) => summary === id);
      expect(members.length).toBeGreaterThan(0);
      expect(new Set(alarms)).toEqual(new Set(members.flatMap((member) => member.alarms)));
    } else {
      for (const alarm of alarms) expect(happened).toContain(`${alarm} ${event} ${createdAtMs}`);
    }
  }
}

interface Row {
  id: string;
  event: string;
  createdAtMs: number;
  alarms: string[];
  summary: string | null;
  /** Of the summary of an alarm that counts. */
  counted: number | null;
}

/** Of each alarm what a channel of a route that matches everything has to be told, in order; from the history alone. */
function toBeTold({ changes }: AlertsRig): Map<string, string[]> {
  const due = new Map<string, string[]>();
  const shelved = new Set<string>();
  for (const { alarm, transition } of changes) {
    const { event, to } = transition;
    const isOver = to === 'cleared' || to === 'withdrawn';
    // What ends while it is shelved, or suppressed, ends in silence.
    const isSilent = alarm.suppressedBy !== null || alarm.shelvedUntilMs !== null || (shelved.has(alarm.id) && isOver);
    if (alarm.shelvedUntilMs === null) shelved.delete(alarm.id);
    else shelved.add(alarm.id);
    if (isSilent || ONLY_RECORDED.has(event)) continue;
    const told = due.getOrInsertComputed(alarm.id, () => []);
    if (event !== 'withdrawn' || told.length > 0) told.push(event);
  }
  return new Map([...due].filter(([, events]) => events.length > 0));
}

/** Of each alarm what a channel was told, in order, and then what is still held for it. */
function wasTold(channel: string, got: readonly Got[], derived: Database): Map<string, string[]> {
  const once = new Map(got.filter((one) => one.channel === channel).map((one) => [one.id, one]));
  const held = derived
    .prepare("SELECT event, alarms FROM notice WHERE state = 'held' AND channel = ? ORDER BY position")
    .all(channel)
    .flatMap(({ event, alarms }) => (JSON.parse(alarms as string) as string[]).map((id) => `${event} ${id}`));
  const told = new Map<string, string[]>();
  for (const line of [...[...once.values()].flatMap(({ lines }) => lines), ...held]) {
    const [event, alarm] = line.split(' ') as [string, string];
    told.getOrInsertComputed(alarm, () => []).push(event);
  }
  return told;
}

/** Every transition was told once to each recipient that a route selects, in order, and nothing else was. */
function expectTold(live: AlertsRig, got: readonly Got[], derived: Database): void {
  const due = toBeTold(live);
  for (const channel of ['hook', 'night']) expect([channel, wasTold(channel, got, derived)]).toEqual([channel, due]);
  for (const [channel, who] of [
    ['chief', 'channel chief'],
    ['owner', 'owner Wang'],
  ] as const) {
    const steps = live.changes.filter(
      ({ transition: { event, cause } }) => event === 'escalated' && cause.includes(who),
    );
    const told = wasTold(channel, got, derived);
    const escalated = [...told].flatMap(([id, events]) => events.filter((one) => one === 'escalated').map(() => id));
    expect(escalated.sort()).toEqual(steps.map(({ alarm }) => alarm.id).sort());
    // Whoever was told hears how it goes on.
    for (const [id, events] of told) {
      const after = (due.get(id) ?? []).filter((event) => event === 'cleared' || event === 'withdrawn').at(-1);
      if (after !== undefined && live.alarms().find((one) => one.id === id)!.state === after)
        expect(events).toContain(after);
    }
  }
}

async function replayed(entries: readonly Entry[], sizes: readonly number[], restartsAfter: ReadonlySet<number>) {
  const rig = createStoryRig();
  rig.append(...entries);
  for (let n = 0; rig.follower().cursor() < entries.length; n++) {
    const { follower } = rig;
    const from = follower().cursor();
    await follower().apply(entries.slice(from, from + sizes[n % sizes.length]!));
    if (restartsAfter.has(n)) {
      if (n % 2 === 0) follower().checkpoint();
      rig.restart();
    }
  }
  expect(rig.warnings).toEqual([]);
  return rig;
}

describe('the same journal', () => {
  it('gives the same history in batches of any size, with restarts anywhere', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
    const met = new Set<string>();
    await fc.assert(
      fc.asyncProperty(story, sizes, fc.array(fc.nat(40), { maxLength: 10 }), async (steps, batches, restarts) => {
        const live = await lived(steps);
        told(live);
        for (const { event, payload } of live.notices()) {
          const { group, again } = payload as { group?: { reason: string; counted?: number }; again?: string };
          met.add(group?.counted ? 'counted' : (group?.reason ?? again ?? event));
        }
        const again = await replayed(live.entries, batches, new Set(restarts));
        expect(history(again.derived)).toEqual(history(live.derived));
        expect(again.follower().nextTimerMs()).toBe(live.follower().nextTimerMs());
      }),
      { numRuns: 150 },
    );
    // Stories that never got there would prove nothing.
    expect([...met]).toEqual(
      expect.arrayContaining(['flood', 'chattering', 'counted', 'quiet', 'escalated', 'still-standing']),
    );
  });

  it('gives the same history, told exactly once, when the process dies between any two steps (invariant 5)', async () => {
    const lives = fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(story, lives, fc.integer({ min: 1, max: 7 }), async (steps, statements, size) => {
        const undisturbed = await lived(steps);
        const real = openDerived(':memory:');
        const life = mortal(real);
        const rig = createStoryRig(life.database);
        rig.append(...undisturbed.entries);
        const dispatch = createDispatchRig(life.database, { channels: CHANNELS });
        for (const left of [...statements, Number.POSITIVE_INFINITY]) {
          life.revive();
          life.dieAfter(left);
          await live(rig.restart(), dispatch, size).catch((error: unknown) => {
            if (!(error instanceof Crash) && !life.isDead()) throw error;
          });
          dispatch.timers.clear();
        }
        life.revive();
        expect(history(real)).toEqual(history(undisturbed.derived));
        expectTold(undisturbed, dispatch.got, real);
      }),
      { numRuns: 60 },
    );
  });
});

describe('order of arrival (invariant 3)', () => {
  it('does not change what rules that derive something find, nor do batches and restarts', async () => {
    const readings = fc.array(fc.record({ value, oxygen, isThere: fc.constantFrom(true, true, true, false) }), {
      minLength: 1,
      maxLength: 18,
    });
    const found = async (messages: Sent[][], restarts: ReadonlySet<number>) => {
      const rig = registers(createStoryRig());
      for (const [n, sent] of messages.entries()) {
        await rig.at(90).message(...sent);
        await rig.apply();
        if (restarts.has(n)) rig.restart();
      }
      return rig
        .alarms()
        .filter((alarm) => alarm.state !== 'withdrawn' && !isAboutSilence(alarm))
        .map(({ key, breachStartMs, raisedAtMs, clearedAtMs, severity, value: found, detail }) => ({
          key,
          breachStartMs,
          raisedAtMs,
          clearedAtMs,
          severity,
          value: found,
          detail,
        }))
        .sort((a, b) => a.key.localeCompare(b.key) || a.breachStartMs - b.breachStartMs);
    };
    await fc.assert(
      fc.asyncProperty(
        readings,
        fc.infiniteStream(fc.nat(1000)),
        fc.array(fc.nat(30), { maxLength: 4 }),
        async (list, order, restarts) => {
          const all = list.flatMap(({ isThere, value: nh3n, oxygen: dissolved }, n): Sent[] =>
            isThere
              ? [
                  { station: 'a', at: n * 5, value: nh3n },
                  { station: 'a', at: n * 5, parameter: 'do', value: dissolved },
                ]
              : [],
          );
          const keyed = all.map((one) => ({ one, key: order.next().value }));
          const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => [one]);
          expect(await found(shuffled, new Set(restarts))).toEqual(await found([all], new Set()));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('our own absence (invariant 10)', () => {
  it('is never a silence, when we or the broker were away for however long and whoever can speak speaks', async () => {
    const absences = fc.array(
      fc.record({
        kind: fc.constantFrom('down' as const, 'deaf' as const, 'asleep' as const),
        minutes: fc.integer({ min: 1, max: 300 }),
        after: fc.integer({ min: 1, max: 60 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(absences, async (list) => {
        const rig = registers(createStoryRig());
        let minutes = 0;
        const speak = async () => {
          for (const station of STATIONS)
            happen(rig, { kind: 'message', readings: [{ station, value: 0.1, oxygen: 7, behind: 0 }] });
          await rig.apply();
        };
        await speak();
        for (const { kind, minutes: away, after } of list) {
          if (kind === 'deaf') happen(rig, { kind: 'begun', ago: 0 });
          minutes += away;
          rig.at(minutes);
          if (kind === 'down') {
            rig.restart();
            happen(rig, { kind: 'start' });
          }
          if (kind === 'asleep') rig.tick();
          if (kind === 'deaf') happen(rig, { kind: 'ended' });
          await rig.apply();
          // They speak each five minutes, beginning at most five minutes after they can.
          for (let left = after; left > 0; left -= 5) {
            minutes += Math.min(5, left);
            rig.at(minutes);
            await speak();
          }
        }
        expect(rig.alarms().filter(isAboutSilence)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
