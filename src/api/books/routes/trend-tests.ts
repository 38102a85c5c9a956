/** Tests for trends: of a list that is sent, and of a station's stored readings. */

import type { Api } from '#api/api.ts';
import { seriesTrendTest, trendTestAnswer, trendTestBody, trendTestQuery } from '#api/books/schemas/trend-tests.ts';
import type { ApiDeps } from '#api/deps.ts';
import { rangeOf, timeZoneOf, zonedTexts } from '#api/instants.ts';
import { documented } from '#api/schemas.ts';
import { seriesOf } from '#api/series.ts';
import type { TrendValue } from '#assess/ranks.ts';
import type { TrendTest } from '#assess/trend-test.ts';
import { type Bucket, wholeBucketEdges } from '#model/calendar.ts';

const BUCKETS_MAX = 10_000;
const TEN_YEARS_MS = 3652 * 86_400_000;

/** Per season: its calendar buckets and how many of them make a year. */
const STEPS = {
  P1M: { bucket: 'month', interval: 'P1M', perYear: 12 },
  P3M: { bucket: 'quarter', interval: 'P1M', perYear: 4 },
  P1Y: { bucket: 'year', interval: 'P1Y', perYear: 1 },
} as const satisfies Record<string, { bucket: Bucket; interval: 'P1M' | 'P1Y'; perYear: number }>;

export function trendTestRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  seriesRoute(api, deps);
}

function listRoute(api: Api, { queries }: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/trend-tests',
    config: { access: 'viewer', bodyValues: 40_000 },
    schema: {
      body: trendTestBody,
      ...documented({
        tag: 'statistics',
        summary: 'Test a list of values for a trend',
        description: 'A refusal for want of values is an answer, with `refused`.',
        answer: trendTestAnswer,
        faults: ['request.invalid', 'overloaded'],
      }),
    },
    async handler({ body: { values, ...options } }) {
      const series = values.map((one): TrendValue | null => {
        const { value, censored = false } = typeof one === 'object' && one !== null ? one : { value: one };
        return value === null ? null : { value, censored: censored === true ? '<' : censored || null };
      });
      return queries.trendTest({ values: series, ...options });
    },
  });
}

function seriesRoute(api: Api, deps: ApiDeps): void {
  const { config, clock, queries } = deps;
  api.route({
    method: 'GET',
    url: '/trends/test',
    config: { access: 'viewer' },
    schema: {
      querystring: trendTestQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Test stored readings for a trend',
        description:
          'Means of months (quarters, years) of valid readings, the last ten years unless told; only steps that lie whole in ' +
          'the range and are over: a December is no year. The slope is per year.',
        answer: seriesTrendTest,
        faults: ['range.invalid', 'range.too-many-buckets', 'range.too-long', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ query }) {
      const { series, station, parameter } = seriesOf(deps, query);
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const nowMs = clock.nowMs();
      const { fromMs, toMs } = rangeOf(query, { nowMs, timeZone, defaultMs: TEN_YEARS_MS });
      const { bucket, interval, perYear } = STEPS[query.season];
      const edgesMs = wholeBucketEdges(fromMs, Math.min(toMs, nowMs), bucket, timeZone, BUCKETS_MAX);
      await deps.caughtUp('books');
      const { mean } = parameter;
      const asked = { series, mean, edgesMs, interval, timeZone, asOfMs: null };
      const values = edgesMs.length === 0 ? [] : await queries.trendSteps(asked);
      const { method, season, alpha, serial } = query;
      const test = await queries.trendTest({ values, method, period: perYear, alpha, serial });
      const text = zonedTexts(timeZone);
      return {
        ...perYearOf(test, method === 'seasonal-kendall' ? 1 : perYear),
        station: station.id,
        parameter: parameter.id,
        unit: parameter.unit,
        season,
        from: text(edgesMs[0] ?? fromMs),
        to: text(edgesMs.at(-1) ?? toMs),
        steps: values.length,
      };
    },
  });
}

/** The slope of a list is per step; a year has so many. The seasonal slope is per year already. */
function perYearOf(test: TrendTest, stepsPerYear: number): TrendTest {
  const { slope, confidence } = test;
  return {
    ...test,
    slope: slope === null ? null : slope * stepsPerYear,
    confidence: confidence === null ? null : [confidence[0] * stepsPerYear, confidence[1] * stepsPerYear],
  };
}
