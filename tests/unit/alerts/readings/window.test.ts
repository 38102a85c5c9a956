import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Judged } from '#alerts/readings/evaluate.ts';
import { Window } from '#alerts/readings/window.ts';
import type { Condition } from '#alerts/rules/conditions.ts';

const CONDITIONS = [{ margin: 0 }, { margin: 0.05 }, { margin: 0.1 }] as Condition[];

interface Step {
  kind: 'push' | 'splice' | 'drop' | 'saved';
  place: number;
  gone: number;
  count: number;
  condition: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('push', 'push', 'push', 'push', 'splice', 'drop', 'saved'),
  place: fc.nat(1000),
  gone: fc.nat(3),
  count: fc.nat(40),
  condition: fc.nat(8),
});

describe('the window of a lane', () => {
  it('holds what a plain list of readings holds, whatever happens to it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, hasNotes) => {
        let window = new Window(hasNotes);
        let plain: Judged[] = [];
        let next = 0;
        // Times with room between them, so that others fit in; values that JSON keeps.
        const reading = (timeMs: number, condition: number): Judged => ({
          timeMs,
          value: next++ / 8,
          grade: (next % 9) - 1,
          condition: CONDITIONS[condition < 6 ? 0 : condition - 6]!,
          ...(hasNotes && next % 3 === 0 ? { note: `note ${next}` } : {}),
          ...(next % 11 === 0 ? { censored: next % 2 ? '<' : '>' } : {}),
        });
        for (const { kind, place, gone, count, condition } of steps) {
          const last = plain.at(-1)?.timeMs ?? -1000;
          if (kind === 'push') {
            for (let more = 0; more < count % 5; more++) {
              const one = reading(last + 1000 * (more + 1), condition);
              plain.push(one);
              window.push(one);
            }
          } else if (kind === 'splice') {
            const at = place % (plain.length + 1);
            const out = Math.min(gone, plain.length - at);
            const [before, after] = [plain[at - 1]?.timeMs ?? -1e6, plain[at + out]?.timeMs ?? last + 1000];
            const timeMs = Math.floor((before + after) / 2);
            const one = timeMs > before && timeMs < after ? [reading(timeMs, condition)] : [];
            plain.splice(at, out, ...one);
            window.splice(at, out, one);
          } else if (kind === 'drop') {
            const dropped = Math.min(count, plain.length);
            plain = plain.slice(dropped);
            window.dropFirst(dropped);
          } else window = Window.from(JSON.parse(JSON.stringify(window.toColumns())));
          if (kind === 'saved') plain = plain.map((one) => ({ ...one, condition: { ...one.condition } }));
          expect(window.size).toBe(plain.length);
          expect([...window]).toEqual(plain);
          const at = plain[place % Math.max(1, plain.length)]?.timeMs ?? 0;
          const first = plain.findIndex(({ timeMs }) => timeMs >= at);
          expect(window.placeFrom(at)).toBe(first < 0 ? plain.length : first);
          expect(window.placeOf(at) >= 0).toBe(plain.some(({ timeMs }) => timeMs === at));
          expect(window.placeOf(at + 0.5)).toBeLessThan(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});
