/** What alarms are among each other does not depend on the order of arrival within lateness (invariant 3). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alarm } from '#model/alarms/alarm.ts';
import { type AlertsRig, createWeirRig, MINUTE, type Sent, T0 } from '#tests/helpers/alerts/rig.ts';

/** T0 is 08:00 in Shanghai. */
const RULES = {
  ammonia: { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, latch: true },
  oxygen: { kind: 'threshold', parameters: ['do'], op: '>=', limit: 5, for: 'PT10M' },
  early: { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 0.5, calendar: { hours: ['07:00', '09:00'] } },
};

function createRig(): AlertsRig {
  const rig = createWeirRig({}, { enabled: false });
  for (const [id, body] of Object.entries(RULES)) rig.rule(id, { ...body, severity: 'minor' });
  return rig;
}

function placesOf(rig: AlertsRig) {
  const standing = rig.alarms().filter(({ state }) => state !== 'withdrawn');
  const named = ({ key, breachStartMs }: Alarm) => `${key} ${(breachStartMs - T0) / MINUTE}`;
  const names = new Map(standing.map((alarm) => [alarm.id, named(alarm)]));
  return standing
    .map((alarm) => ({
      name: named(alarm),
      state: alarm.state,
      raisedAtMs: alarm.raisedAtMs,
      clearedAtMs: alarm.clearedAtMs,
      latched: alarm.latched,
      occurrences: alarm.occurrences,
      chattering: alarm.chattering,
      // One that is withdrawn would have no name.
      firstOut: alarm.firstOut === null ? null : (names.get(alarm.firstOut) ?? 'nobody'),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Nothing but the event times of those that stand says how often, and who was first. */
function expectConsistent(rig: AlertsRig): void {
  const all = rig.alarms().filter(({ state, late }) => state !== 'withdrawn' && !late);
  for (const alarm of all) {
    const { raisedAtMs } = alarm;
    const same = all.filter(
      (other) =>
        other.key === alarm.key && other.raisedAtMs <= raisedAtMs && other.raisedAtMs > raisedAtMs - 60 * MINUTE,
    );
    expect(alarm.occurrences).toBe(same.length);
    expect(alarm.chattering).toBe(same.length >= 3);
    const near = all.filter(
      (other) =>
        other.raisedAtMs <= raisedAtMs && (other.clearedAtMs ?? Number.POSITIVE_INFINITY) >= raisedAtMs - 10 * MINUTE,
    );
    const earliestMs = Math.min(...near.map(({ breachStartMs }) => breachStartMs));
    const first = alarm.firstOut === null ? alarm : near.find(({ id }) => id === alarm.firstOut);
    expect(first?.breachStartMs).toBe(earliestMs);
    const { transitions } = rig.timeline(alarm.id);
    const flips = transitions.filter(({ event }) => event === 'chattering').length;
    expect(flips % 2 === 1).toBe(alarm.chattering);
    expect(transitions.slice(1).map(({ from }) => from)).toEqual(transitions.slice(0, -1).map(({ to }) => to));
  }
}

const reading = fc.record({
  ammonia: fc.constantFrom(0.1, 0.1, 0.7, 2),
  oxygen: fc.constantFrom(3, 3, 8),
  delay: fc.constantFrom(0, 0, 0, 5, 12, 40, 90),
  isCorrected: fc.constantFrom(false, false, false, true),
});

type Spoken = typeof reading extends fc.Arbitrary<infer T> ? T : never;

/** Readings each five minutes from 08:00 on; those with a delay arrive after others. */
async function played(list: readonly Spoken[], isDelayed: boolean, restarts: ReadonlySet<number>) {
  const arrivals = list.flatMap(({ ammonia, oxygen, delay, isCorrected }, n) => {
    const at = n * 5;
    const sent: Sent[] = [
      { at, value: ammonia },
      { at, parameter: 'do', value: oxygen },
    ];
    const first = { sent: [...sent], arrival: at + (isDelayed ? delay : 0) };
    if (!isCorrected) return [first];
    const other: Sent[] = [{ at, value: ammonia > 1 ? 0.1 : 2, verdict: 'correction' }];
    // Without delays the better value is the only one.
    if (!isDelayed) return [{ ...first, sent: [{ at, value: other[0]!.value }, sent[1]!] }];
    return [first, { sent: other, arrival: at + delay + 10 }];
  });
  const rig = createRig();
  for (const [n, { sent, arrival }] of arrivals.sort((a, b) => a.arrival - b.arrival).entries()) {
    rig.at(arrival).message(...sent);
    await rig.apply();
    if (restarts.has(n)) rig.restart();
  }
  return rig;
}

describe('occurrences, chattering and first-out', () => {
  it('are the same whatever came first, and what the event times say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(reading, { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(40), { maxLength: 5 }),
        async (list, restarts) => {
          const inOrder = await played(list, false, new Set());
          const delayed = await played(list, true, new Set(restarts));
          expect(placesOf(delayed)).toEqual(placesOf(inOrder));
          expectConsistent(inOrder);
          expectConsistent(delayed);
          expect(delayed.warnings).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
