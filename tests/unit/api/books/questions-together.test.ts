/** Questions as of a time that come side by side: each is answered as if it had come alone, from fewer computations. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { questionsTogether } from '#api/books/questions-together.ts';
import type { MeterVolumesAsOf } from '#books/questions/queries.ts';

/** A meter that has counted ⌊t² / 7⌋ litres by t and was decided about at every 10. */
function counted(meter: string, edgesMs: readonly number[]): MeterVolumesAsOf {
  const litresAt = (timeMs: number) => Math.floor((timeMs * timeMs) / 7);
  const buckets = edgesMs.slice(1).map((endMs, index) => {
    const startMs = edgesMs[index]!;
    const measuredLitres = litresAt(endMs) - litresAt(startMs);
    return { startMs, endMs, measuredLitres, estimatedLitres: endMs - startMs, unknownMs: 3 * (endMs - startMs) };
  });
  const decisions = Array.from(
    { length: 100 },
    (_, n) => ({ timeMs: 10 * n }) as MeterVolumesAsOf['decisions'][number],
  );
  const [fromMs, toMs] = [edgesMs[0]!, edgesMs.at(-1)!];
  return { meter, buckets, decisions: decisions.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs) };
}

const edges = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 2, maxLength: 8 }).map((list) => {
  return list.sort((a, b) => a - b);
});

describe('questions that come together', () => {
  it('get the answers that they would get alone', async () => {
    const question = fc.record({ meter: fc.constantFrom('a', 'b'), edgesMs: edges });
    await fc.assert(
      fc.asyncProperty(fc.array(question, { maxLength: 12 }), async (questions) => {
        const asked: string[] = [];
        const ask = questionsTogether(async (meter, edgesMs) => {
          asked.push(meter);
          return counted(meter, edgesMs);
        });
        const answers = await Promise.all(questions.map(({ meter, edgesMs }) => ask(meter, edgesMs)));
        expect(answers).toEqual(questions.map(({ meter, edgesMs }) => counted(meter, edgesMs)));
        expect(asked.length).toBeLessThanOrEqual(questions.length);
      }),
    );
  });

  it('are one computation a meter where they overlap or touch', async () => {
    const asked: [string, number[]][] = [];
    const ask = questionsTogether(async (meter, edgesMs) => {
      asked.push([meter, edgesMs]);
      return counted(meter, edgesMs);
    });
    await Promise.all([
      ask('a', [0, 5, 10]),
      ask('b', [0, 10]),
      ask('a', [50, 60]),
      ask('a', [10, 20]),
      ask('a', [3, 5]),
    ]);
    expect(asked).toEqual([
      ['a', [0, 3, 5, 10, 20]],
      ['a', [50, 60]],
      ['b', [0, 10]],
    ]);
    await ask('a', [0, 10]);
    expect(asked).toHaveLength(4);
  });

  it('about a meter that was not there get nothing, and a failure is told to those whom it concerns', async () => {
    const ask = questionsTogether(async (meter, edgesMs) => {
      if (meter === 'broken') throw new Error('away');
      return meter === 'none' ? undefined : counted(meter, edgesMs);
    });
    const answers = await Promise.allSettled([ask('broken', [0, 1]), ask('none', [0, 1]), ask('a', [0, 1])]);
    expect(answers).toEqual([
      { status: 'rejected', reason: new Error('away') },
      { status: 'fulfilled', value: undefined },
      { status: 'fulfilled', value: counted('a', [0, 1]) },
    ]);
  });
});
