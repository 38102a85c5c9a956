/** Tests for trends: what they are asked and what they answer (contracts §4). */
import { z } from 'zod';
import { range } from '#api/schemas.ts';
import { TREND_METHODS } from '#assess/trend-test.ts';
import { id } from '#model/register.ts';

/** Thirty years of daily values. */
const VALUES_MAX = 12_000;

const method = z.enum(TREND_METHODS);
const alpha = z.number().min(0.0001).max(0.5);
const timeZone = z.string().max(64).optional().describe('IANA name or offset; WK_TIME_ZONE unless told');

const one = z.strictObject({
  value: z.number().nullable(),
  time: z.string().max(64).optional().describe('For the reader; the order of the list counts'),
  censored: z
    .union([z.boolean(), z.enum(['<', '>'])])
    .optional()
    .describe('`true` or `<`: below the detection limit `value`; `>`: above the end `value` of the range'),
});

const SERIAL = 'With `seasonal-kendall`: seasons are not taken for independent of each other (Hirsch & Slack 1984)';
const SERIAL_ELSEWHERE = { path: ['serial'], message: 'goes with the method seasonal-kendall' };
const isSerialPossible = ({ method, serial }: { method: string; serial: boolean }) =>
  !serial || method === 'seasonal-kendall';

export const trendTestBody = z
  .strictObject({
    values: z.array(z.union([z.number().nullable(), one])).max(VALUES_MAX),
    method: method.default('mann-kendall'),
    period: z.number().int().min(2).max(366).default(12).describe('Seasons in a cycle, for `seasonal-kendall`'),
    alpha: alpha.default(0.05),
    serial: z.boolean().default(false).describe(SERIAL),
  })
  .refine(isSerialPossible, SERIAL_ELSEWHERE)
  .meta({
    examples: [{ method: 'mann-kendall', values: [0.31, 0.29, null, 0.3, 0.27, { value: 0.025, censored: true }] }],
  });

const SEASONS = ['P1M', 'P3M', 'P1Y'] as const;

export const trendTestQuery = z
  .strictObject({
    station: id,
    parameter: id,
    ...range,
    tz: timeZone,
    method: method.default('mann-kendall'),
    season: z.enum(SEASONS).default('P1M').describe('The step that is tested: means of months, quarters or years'),
    alpha: z.coerce.number().pipe(alpha).default(0.05),
    serial: z
      .enum(['true', 'false'])
      .default('false')
      .transform((text) => text === 'true')
      .describe(SERIAL),
  })
  .refine(isSerialPossible, SERIAL_ELSEWHERE);

const number = z.number().nullable();
const trend = z.enum(['increasing', 'decreasing', 'no trend']);

export const trendTestAnswer = z
  .object({
    method,
    n: z.number().int().describe('Values that took part'),
    trend,
    p: number.describe('Two-sided, whatever the method'),
    z: number,
    s: number,
    varS: number,
    tau: number.describe('S/(n(n−1)/2), ties not corrected'),
    slope: number.describe(
      "Sen's, of censored values Akritas, Theil and Sen's: per step of the list, for seasonal-kendall per period; of stored readings per year",
    ),
    intercept: number.describe('Through the medians of value and place; null where that of censored values is open'),
    confidence: z.tuple([z.number(), z.number()]).nullable().describe('Of the slope, at 1 − alpha'),
    noSlope: z.string().optional().describe('Why there is a verdict and no slope'),
    rho: z.number().optional().describe("Spearman's coefficient, ties corrected"),
    evaluation: z
      .object({
        rule: z.literal('环办[2011]22号'),
        sides: z.literal(1),
        alpha: z.union([z.literal(0.05), z.literal(0.01)]),
        rs: z.number().describe('1 − 6Σd²/(N³ − N)'),
        critical: z.number().describe('What |rs| must exceed'),
        trend,
      })
      .optional()
      .describe("With spearman: what the evaluation rule's one-sided table says, at its levels 0.05 and 0.01"),
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
  from: z.string().describe('Of the first step; of the range where no step is whole'),
  to: z.string().describe('Of the last step'),
  steps: z
    .number()
    .int()
    .describe('Whole months, quarters or years within the range that are over, also those without a valid reading'),
});
