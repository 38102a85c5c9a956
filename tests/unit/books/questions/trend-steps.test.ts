/** Steps for tests for trends: what nothing was found in is below its limit, not half of it. */
import { describe, expect, it } from 'vitest';
import type { TrendBucket } from '#books/questions/queries.ts';
import { createTrendSteps } from '#books/questions/trend-steps.ts';
import type { Flag } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { addReading, emptyStatistics, meanOf } from '#model/statistics.ts';
import type { ReadingRow } from '#readings/queries.ts';

const STEP = 1_000_000;

/** A step a list; `"<0.02"` is below a limit, `"!5"` is suspect. */
async function steps(lists: readonly (readonly (number | string)[])[]) {
  const rows = lists.flatMap((list, step) =>
    list.map((one, index): ReadingRow => {
      const sign = typeof one === 'string' ? one[0] : undefined;
      const value = typeof one === 'string' ? Number(one.slice(1)) : one;
      const flag: Flag = sign === '!' ? 3 : 1;
      const censored = sign === '<' || sign === '>' ? (sign as Censored) : undefined;
      return { timeMs: step * STEP + index, value, flag, deviceFlag: null, censored, provisional: false };
    }),
  );
  let read = 0;
  const { trendSteps } = createTrendSteps({
    async trends({ edgesMs }) {
      return edgesMs.slice(1).map((endMs, index): TrendBucket => {
        const startMs = edgesMs[index]!;
        const statistics = emptyStatistics();
        for (const { timeMs, value, flag, censored } of rows) {
          if (timeMs >= startMs && timeMs < endMs) addReading(statistics, value, flag, 'arithmetic', censored);
        }
        const { count, valid, min, max } = statistics;
        return { startMs, endMs, count, valid, min, max, mean: meanOf(statistics, 'arithmetic'), provisional: false };
      });
    },
    async readings({ fromMs, toMs, limit }) {
      const page = rows.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs).slice(0, limit);
      read += page.length;
      return page;
    },
  });
  const edgesMs = Array.from({ length: lists.length + 1 }, (_, index) => index * STEP);
  const query = { series: 1, mean: 'arithmetic', edgesMs, interval: 'P1M', timeZone: 'UTC', asOfMs: null } as const;
  return { values: await trendSteps({ ...query }), read: () => read };
}

describe('the steps of a test for trends', () => {
  it('are means where something was measured, with half of the limit for what was not found', async () => {
    const { values } = await steps([[0.1, 0.3], [], ['<0.02', '<0.02', 0.05]]);
    expect(values[0]).toEqual({ value: 0.2, censored: null });
    expect(values[1]).toBeNull();
    expect(values[2]!.value).toBeCloseTo(0.07 / 3, 12);
    expect(values[2]!.censored).toBeNull();
  });

  it('are below the greatest limit where nothing was found', async () => {
    const { values } = await steps([['<0.02', '<0.05', '<0.02'], ['<0.02'], ['<0.02', '!9'], ['>90', '>90']]);
    expect(values).toEqual([
      { value: 0.05, censored: '<' },
      { value: 0.02, censored: '<' },
      { value: 0.02, censored: '<' },
      { value: 90, censored: '>' },
    ]);
  });

  it('read no further than to the first value that was measured', async () => {
    const spiky = [0.1, ...Array.from({ length: 8000 }, () => 0.1), 90];
    const { values, read } = await steps([spiky, spiky]);
    expect(values.every((value) => value!.censored === null)).toBe(true);
    expect(read()).toBeLessThanOrEqual(100);
  });

  it('read all of a long step without a find', async () => {
    const { values } = await steps([Array.from({ length: 25_000 }, () => '<0.02')]);
    expect(values).toEqual([{ value: 0.02, censored: '<' }]);
  });
});
