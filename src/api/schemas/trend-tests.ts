/** Tests for trends: what they are asked and what they answer (contracts §4). */
import { z } from 'zod';
import { TREND_METHODS } from '#assess/trend-test.ts';
import { id } from '#model/register.ts';
import { range } from './common.ts';

/** Thirty years of daily values; the test looks at every pair of them. */
const VALUES_MAX = 12_000;

const method = z.enum(TREND_METHODS);
const alpha = z.number().min(0.0001).max(0.5);
const timeZone = z.string().max(64).optional().describe('IANA name or offset; WK_TIME_ZONE unless told');

const one = z.strictObject({
  value: z.number().nullable(),
  time: z.string().max(64).optional().describe('For the reader; the order of the list counts'),
  censored: z.boolean().optional().describe('Below the detection limit `value`'),
});

export const trendTestBody = z
  .strictObject({
    values: z.array(z.union([z.number().nullable(), one])).max(VALUES_MAX),
    method: method.default('mann-kendall'),
    period: z.number().int().min(2).max(366).default(12).describe('Seasons in a cycle, for `seasonal-kendall`'),
    alpha: alpha.default(0.05),
  })
  .meta({
    examples: [{ method: 'mann-kendall', values: [0.31, 0.29, null, 0.3, 0.27, { value: 0.025, censored: true }] }],
  });

const SEASONS = ['P1M', 'P3M', 'P1Y'] as const;

export const trendTestQuery = z.strictObject({
  station: id,
  parameter: id,
  ...range,
  tz: timeZone,
  method: method.default('mann-kendall'),
  season: z.enum(SEASONS).default('P1M').describe('The step that is tested: means of months, quarters or years'),
  alpha: z.coerce.number().pipe(alpha).default(0.05),
});

const number = z.number().nullable();

export const trendTestAnswer = z
  .object({
    method,
    n: z.number().int().describe('Values that took part'),
    trend: z.enum(['increasing', 'decreasing', 'no trend']),
    p: number.describe('Two-sided; null for spearman, which reads a table'),
    z: number,
    s: number,
    varS: number,
    tau: number.describe('S/(n(n−1)/2), ties not corrected'),
    slope: number.describe("Sen's: per step of the list, for seasonal-kendall per period; of stored readings per year"),
    intercept: number,
    confidence: z.tuple([z.number(), z.number()]).nullable().describe('Of the slope, at 1 − alpha'),
    rho: z.number().optional().describe("Spearman's coefficient"),
    critical: z.number().optional().describe('What |rho| must exceed'),
    refused: z.string().optional().describe('Why there is no verdict'),
  })
  .meta({
    examples: [
      {
        method: 'mann-kendall',
        n: 12,
        trend: 'increasing',
        p: 0.00009281898133684615,
        z: 3.9086352435453273,
        s: 58,
        varS: 212.66666666666666,
        tau: 0.8787878787878788,
        slope: 1,
        intercept: 1,
        confidence: [0.8, 1.1767512788261465],
      },
    ],
  });

export const seriesTrendTest = trendTestAnswer.extend({
  station: z.string(),
  parameter: z.string(),
  unit: z.string(),
  season: z.enum(SEASONS),
  from: z.string(),
  to: z.string(),
  steps: z.number().int().describe('Months, quarters or years of the range, also those without a valid reading'),
});
