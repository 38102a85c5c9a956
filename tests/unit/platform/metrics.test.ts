/** What Prometheus is given: the text format, labels, and histograms that somebody else has counted. */
import { describe, expect, it } from 'vitest';
import { addDuration, noDurations } from '#model/duration-histogram.ts';
import { createMetrics, type MetricSource } from '#platform/metrics.ts';

async function textOf(source: MetricSource): Promise<string[]> {
  const text = await createMetrics([source])();
  return text.split('\n').filter((line) => line.startsWith('wk_'));
}

describe('metrics', () => {
  it('reads values when asked, not before', async () => {
    let value = 1;
    const metrics = createMetrics([{ name: 'wk_x', help: 'x', type: 'counter', read: () => value }]);
    expect(await metrics()).toMatch(/^wk_x 1$/m);
    value = 3;
    expect(await metrics()).toMatch(/^wk_x 3$/m);
  });

  it('gives a line for each label and escapes what stands in it', async () => {
    const read = () => ({ plain: 1, 'with "quotes" and \\': 2 });
    expect(await textOf({ name: 'wk_x', help: 'x', type: 'gauge', label: 'code', read })).toEqual([
      'wk_x{code="plain"} 1',
      'wk_x{code="with \\"quotes\\" and \\\\"} 2',
    ]);
  });

  it('forgets a label that is no longer there', async () => {
    let values: Record<string, number> = { a: 1, b: 1 };
    const metrics = createMetrics([{ name: 'wk_x', help: 'x', type: 'gauge', label: 'what', read: () => values }]);
    await metrics();
    values = { a: 2 };
    expect((await metrics()).split('\n').filter((line) => line.startsWith('wk_x{'))).toEqual(['wk_x{what="a"} 2']);
  });

  it('gives histograms cumulative buckets, a sum and a count', async () => {
    const durations = noDurations();
    for (const ms of [0.4, 1, 3, 3, 20_000]) addDuration(durations, ms);
    const lines = await textOf({ name: 'wk_s', help: 's', type: 'histogram', read: () => durations });
    const buckets = lines.filter((line) => line.includes('_bucket'));
    expect(buckets.map((line) => Number(line.split(' ')[1]))).toEqual([1, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
    expect(buckets[0]).toBe('wk_s_bucket{le="0.0005"} 1');
    expect(buckets.at(-1)).toBe('wk_s_bucket{le="+Inf"} 5');
    expect(lines).toContain('wk_s_count 5');
    expect(lines.find((line) => line.startsWith('wk_s_sum'))).toMatch(/ 20\.0074/);
    const labelled = await textOf({
      name: 'wk_s',
      help: 's',
      type: 'histogram',
      label: 'follower',
      read: () => ({ alerts: durations }),
    });
    expect(labelled).toContain('wk_s_count{follower="alerts"} 5');
  });
});
