import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sent } from '#alerts/channels/channel.ts';
import { openDerived } from '#installation/derived.ts';
import { Crash, live, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import { createDispatchRig, type Got } from '#tests/helpers/alerts/dispatch-rig.ts';
import { createWeirRig, HOUR } from '#tests/helpers/alerts/rig.ts';

/** A story with every kind of notice: raised, severity-changed, returned, withdrawn, late-found, test. */
function story(rig: ReturnType<typeof createWeirRig>): void {
  const at = (
    minutes: number,
    ...values: { at?: number; parameter?: string; value: number; verdict?: 'correction' }[]
  ) => rig.at(minutes).message(...values.map((one) => ({ at: minutes, ...one })));
  at(200, { value: 0.8 }, { parameter: 'do', value: 4 });
  at(205, { value: 3 });
  at(210, { value: 0.1 }, { parameter: 'do', value: 9 }, { at: 0, value: 9 }, { at: 5, value: 9 });
  rig.command({ verb: 'test-channel', channel: 'hook' });
  at(215, { value: 8 });
  at(216, { at: 215, value: 0.08, verdict: 'correction' });
  at(220, { at: 10, value: 9 }, { parameter: 'ph', value: 10 });
  rig.at(225).tick();
}

const fingerprint = ({ event, alarm }: Got) => `${event} ${alarm}`;

async function undisturbed(): Promise<string[]> {
  const rig = createWeirRig();
  story(rig);
  await rig.apply(2);
  const dispatch = createDispatchRig(rig.derived);
  const dispatcher = dispatch.start();
  await dispatch.timers.advance(HOUR);
  await dispatcher.close();
  return dispatch.got.map(fingerprint).sort();
}

describe('a crash between any two steps (invariant 5)', () => {
  it('tells every transition exactly once by its key, and keeps alarms and transitions as they would have been', async () => {
    const expected = await undisturbed();
    expect(new Set(expected.map((line) => line.split(' ')[0]))).toEqual(
      new Set(['raised', 'severity-changed', 'returned', 'withdrawn', 'late-found', 'test']),
    );
    const flaky = fc.array(
      fc.constantFrom<Sent>({ outcome: 'sent', status: '200' }, { outcome: 'failed-for-now', status: '503' }),
      { maxLength: 20 },
    );
    const crashes = fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(crashes, flaky, fc.integer({ min: 1, max: 4 }), async (lives, answers, batch) => {
        const real = openDerived(':memory:');
        const life = mortal(real);
        const rig = createWeirRig({ derived: life.database });
        story(rig);
        const dispatch = createDispatchRig(life.database);
        const queue = [...answers];
        dispatch.answer = () => queue.shift() ?? { outcome: 'sent', status: '200' };
        for (const statements of [...lives, Infinity]) {
          life.revive();
          life.dieAfter(statements);
          await live(rig.restart(), dispatch, batch).catch((error: unknown) => {
            if (!(error instanceof Crash) && !life.isDead()) throw error;
          });
          dispatch.timers.clear();
        }
        life.revive();
        const byKey = new Map(dispatch.got.map((got) => [got.id, fingerprint(got)]));
        expect([...byKey.values()].sort()).toEqual(expected);
        expect(real.prepare("SELECT count(*) AS n FROM notice WHERE state <> 'sent'").get()).toEqual({ n: 0 });
        expect(
          rig
            .alarms()
            .map(({ state }) => state)
            .sort(),
        ).toEqual(['cleared', 'raised', 'returned', 'returned', 'withdrawn']);
      }),
      { numRuns: 150 },
    );
  });
});
