import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWeirRig, HOUR, type Sent } from '#tests/helpers/alerts/rig.ts';

const RULES = [
  { for: 'PT0S' },
  { for: 'PT10M', clear: { margin: 0.05, for: 'PT10M' } },
  { for: 'PT20M', clear: { margin: 0 } },
];

/** Readings five minutes apart over at most an hour and a half, some missing, some suspect. */
const series = fc
  .array(
    fc.record({
      value: fc.constantFrom(0.1, 0.45, 0.49, 0.5, 0.51, 0.8, 1.2, 1.7, 3),
      flag: fc.constantFrom(1, 1, 1, 1, 2, 3, 4) as fc.Arbitrary<Sent['flag']>,
      isThere: fc.constantFrom(true, true, true, false),
    }),
    { minLength: 1, maxLength: 18 },
  )
  .map((list) =>
    list.map(({ isThere, ...rest }, n) => ({ at: n * 5, isThere, ...rest })).filter(({ isThere }) => isThere),
  );

async function played(rule: Record<string, unknown>, messages: Sent[][], restarts: ReadonlySet<number> = new Set()) {
  const rig = createWeirRig({ allowedLatenessMs: 2 * HOUR }, rule);
  // Everything arrives in the hour and a half of its measuring: nothing is late.
  for (const [n, sent] of messages.entries()) {
    if (sent.length === 0) continue;
    rig.at(90).message(...sent);
    await rig.apply();
    if (restarts.has(n)) rig.restart();
  }
  const alarms = rig
    .alarms()
    .filter(({ state }) => state !== 'withdrawn')
    .map(({ key, breachStartMs, raisedAtMs, clearedAtMs, severity, value }) => ({
      key,
      breachStartMs,
      raisedAtMs,
      clearedAtMs,
      severity,
      value,
    }));
  return { rig, alarms: alarms.sort((a, b) => a.breachStartMs - b.breachStartMs) };
}

describe('order of arrival (invariant 3)', () => {
  it('does not change which alarms stand in the end, nor their event times, nor do duplicates and restarts', async () => {
    const arrivals = fc.record({
      rule: fc.constantFrom(...RULES),
      readings: series,
      order: fc.infiniteStream(fc.nat(1000)),
      perMessage: fc.integer({ min: 1, max: 5 }),
      repeats: fc.array(fc.nat(20), { maxLength: 5 }),
      restarts: fc.array(fc.nat(20), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ rule, readings, order, perMessage, repeats, restarts }) => {
        const expected = await played(rule, [readings]);
        const keyed = [...readings, ...repeats.flatMap((n) => readings[n] ?? [])].map((reading) => ({
          reading,
          key: order.next().value,
        }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ reading }) => reading);
        const messages = Array.from({ length: Math.ceil(shuffled.length / perMessage) }, (_, n) =>
          shuffled.slice(n * perMessage, (n + 1) * perMessage),
        );
        const got = await played(rule, messages, new Set(restarts));
        expect(got.alarms).toEqual(expected.alarms);
        consistent(got.rig);
      }),
      { numRuns: 200 },
    );
  });

  it('lets the value received later win, whatever came between', async () => {
    const values = fc.array(fc.record({ n: fc.nat(7), value: fc.constantFrom(0.1, 0.49, 0.8, 1.7) }), {
      minLength: 1,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(values, fc.constantFrom(...RULES), async (arrivals, rule) => {
        const last = new Map(arrivals.map(({ n, value }) => [n, value]));
        const sorted = [...last].sort(([a], [b]) => a - b).map(([n, value]) => ({ at: n * 5, value }));
        const expected = await played(rule, [sorted]);
        const seen = new Set<number>();
        const got = await played(
          rule,
          arrivals.map(({ n, value }) => {
            const verdict = seen.has(n) ? ('correction' as const) : ('new' as const);
            seen.add(n);
            return [{ at: n * 5, value, verdict }];
          }),
        );
        expect(got.alarms).toEqual(expected.alarms);
        consistent(got.rig);
      }),
      { numRuns: 150 },
    );
  });

  it('stays exact when windows settle: a day in order, shuffled within lateness, with restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0.1, 0.49, 0.6, 1.2), { minLength: 288, maxLength: 288 }),
        fc.array(fc.nat(95), { minLength: 288, maxLength: 288 }),
        async (values, delays) => {
          const run = async (late: boolean) => {
            const rig = createWeirRig({}, { for: 'PT10M', clear: { for: 'PT5M' } });
            const arrivals = values.map((value, n) => ({ at: n * 5, value, arrival: n * 5 + (late ? delays[n]! : 0) }));
            for (const [n, { at, value, arrival }] of arrivals.sort((a, b) => a.arrival - b.arrival).entries()) {
              rig.at(arrival).message({ at, value });
              if (n % 40 === 39) {
                await rig.apply(7);
                if (late) rig.restart();
              }
            }
            await rig.apply(7);
            return rig
              .alarms()
              .filter(({ state }) => state !== 'withdrawn')
              .map(({ breachStartMs, raisedAtMs, clearedAtMs, severity }) => ({
                breachStartMs,
                raisedAtMs,
                clearedAtMs,
                severity,
              }))
              .sort((a, b) => a.breachStartMs - b.breachStartMs);
          };
          expect(await run(true)).toEqual(await run(false));
        },
      ),
      { numRuns: 15 },
    );
  });
});

/** The stories hang together: each transition begins where the one before it ended, and notices follow transitions. */
function consistent(rig: ReturnType<typeof createWeirRig>): void {
  for (const alarm of rig.alarms()) {
    const { transitions } = rig.timeline(alarm.id);
    expect(transitions[0]!.from).toBeNull();
    expect(transitions.slice(1).map(({ from }) => from)).toEqual(transitions.slice(0, -1).map(({ to }) => to));
    expect(transitions.at(-1)!.to).toBe(alarm.state);
  }
  // A summary tells nothing of its own: its members are notices, too.
  const told = rig.notices().flatMap(({ event, alarms }) => (event === 'summary' ? [] : [`${event} ${alarms[0]}`]));
  const happened = rig.changes.filter(({ transition }) => transition.event !== 'chattering');
  expect(told.sort()).toEqual(happened.map(({ transition }) => `${transition.event} ${transition.alarm}`).sort());
  expect(rig.warnings).toEqual([]);
}
