/** Parameters and standards as they are answered. */
import { z } from 'zod';
import { TARGETS } from '#model/class.ts';

const names = z.object({ zh: z.string(), en: z.string() });
const pair = z.tuple([z.number(), z.number()]).nullable();

export const parameterView = z
  .object({
    id: z.string(),
    name: names,
    unit: z.string(),
    units: z
      .record(z.string(), z.object({ factor: z.number(), offset: z.number(), divisor: z.number().optional() }))
      .describe(
        'canonical = sent × factor + offset; where there is a `divisor`, sent / divisor + offset is the same exactly',
      ),
    as: z
      .record(z.string(), z.number())
      .optional()
      .describe(
        'Substances that amounts may be stated as (`mg/L as N`), with the factor to what the canonical unit counts',
      ),
    aliases: z.array(z.string()),
    mean: z.enum(['arithmetic', 'ph', 'geometric']),
    detectionLimit: z.number().optional().describe('What is below it is censored; none is shipped'),
    qc: z.object({
      fail: pair,
      suspect: pair,
      ratePerHour: pair,
      spike: pair,
      flat: z
        .object({
          tolerance: z.number(),
          suspectMs: z.number(),
          failMs: z.number(),
          still: z.tuple([z.number(), z.number()]).optional().describe('Values that may truly stand still for days'),
          afterJump: z.boolean().optional().describe('Whether a leap that then stands still is suspect at once'),
        })
        .nullable(),
    }),
    multiple: z.boolean().describe('Whether an exceedance multiple may be stated'),
  })
  .meta({
    examples: [
      {
        id: 'nh3n',
        name: { zh: '氨氮', en: 'Ammonia nitrogen' },
        unit: 'mg/L',
        units: { 'ug/L': { factor: 0.001, offset: 0, divisor: 1000 } },
        aliases: ['w21003'],
        mean: 'arithmetic',
        qc: { fail: [0, 300], suspect: null, ratePerHour: [0.5, 2], spike: [0.5, 2], flat: null },
        multiple: true,
      },
    ],
  });

export const standardHead = z
  .object({
    id: z.string(),
    series: z.string().describe('The standard of which it is an edition'),
    title: names,
    edition: z.string(),
    effective: z.string(),
    superseded: z.string().nullable().describe('From when the next edition is in force'),
  })
  .meta({
    examples: [
      {
        id: 'gb3838-2002',
        series: 'gb3838',
        title: { zh: '地表水环境质量标准', en: 'Environmental quality standards for surface water' },
        edition: 'GB 3838-2002',
        effective: '2002-06-01',
        superseded: null,
      },
    ],
  });

const limits = z.record(z.enum(TARGETS), z.string().nullable());
const least = z.record(z.enum(TARGETS), z.string().nullable());
const compared = z.enum(['<=', '>=', '<', '>']);
const bounds = z
  .record(
    z.string(),
    z
      .union([
        z.object({ op: compared, value: z.string() }),
        z.object({ op: z.literal('range'), low: z.string(), high: z.string() }),
        z.object({ op: z.literal('change'), rise: z.string(), drop: z.string() }),
        z.object({ op: z.literal('not-detected') }),
        z.object({
          op: z.enum(['<=', '>=']),
          formula: z.object({ variable: z.string(), slope: z.string(), intercept: z.string(), factor: z.string() }),
        }),
      ])
      .nullable(),
  )
  .describe('By level; null: no limit');
const criterion = z.object({
  parameter: z.string().nullable(),
  ratios: z.array(z.object({ parameter: z.string(), limit: z.string() })),
  clause: z.string(),
  unit: z.string(),
  limits: bounds,
  when: z
    .array(
      z.union([
        z.object({
          kind: z.literal('measured'),
          parameter: z.string(),
          op: compared,
          value: z.string(),
          limits: bounds,
        }),
        z.object({ kind: z.literal('removal'), level: z.string(), value: z.string(), removal: z.string() }),
      ]),
    )
    .describe('What holds instead under a condition'),
  where: z.object({
    waterBody: z.enum(['river', 'lake']).optional(),
    use: z.string().optional(),
    scale: z.string().optional(),
    builtFrom: z.string().optional(),
    builtBefore: z.string().optional(),
  }),
  statistic: z.object({
    kind: z.enum(['each', 'mean', 'geometric-mean', 'max', 'min', 'percentile']),
    window: z.string().nullable(),
    percentile: z.number().nullable(),
    method: z.enum(['rank', 'lognormal']),
    samplesMin: z.number().int(),
  }),
  allowance: z
    .object({
      table: z.array(z.tuple([z.number(), z.number(), z.number()])),
      share: z.number().nullable(),
      count: z.number().nullable(),
      worstFactor: z.number().nullable(),
    })
    .nullable(),
  belowDetection: z.enum(['half', 'zero', 'limit', 'ignore']),
  excludableShare: z.number(),
  decimals: z.number().int().nullable(),
});

export const standardView = standardHead
  .extend({
    source: z.string(),
    levels: z.array(z.string()),
    items: z.array(
      z.object({
        parameter: z.string(),
        op: z.enum(['<=', '>=', 'range', 'delta']),
        river: limits,
        lake: limits,
        alternative: z
          .object({ parameter: z.string(), least })
          .nullable()
          .describe('What serves instead: 90 % of saturation for Class I of dissolved oxygen'),
        clause: z.string(),
        participates: z.boolean(),
        decimals: z.number().int().nullable().describe('Decimals of evaluation data'),
        hourlyDecimals: z.number().int().nullable().describe('Decimals of hourly values of automatic stations'),
        priority: z.boolean().describe('Comes first among main pollutants'),
      }),
    ),
    singles: z.array(
      z.object({
        parameter: z.string(),
        name: names,
        op: z.enum(['<=', '>=', 'range']),
        limit: z.string(),
        unit: z.string(),
        clause: z.string(),
      }),
    ),
    criteria: z.array(criterion).describe('Rules with levels, conditions and statistics'),
  })
  .meta({
    examples: [
      {
        id: 'gb3838-2002',
        series: 'gb3838',
        title: { zh: '地表水环境质量标准', en: 'Environmental quality standards for surface water' },
        edition: 'GB 3838-2002',
        effective: '2002-06-01',
        superseded: null,
        source: 'official scan',
        levels: ['I', 'II', 'III', 'IV', 'V'],
        items: [
          {
            parameter: 'nh3n',
            op: '<=',
            river: { I: '0.15', II: '0.5', III: '1.0', IV: '1.5', V: '2.0' },
            lake: { I: '0.15', II: '0.5', III: '1.0', IV: '1.5', V: '2.0' },
            alternative: null,
            clause: 'table 1 no. 7',
            participates: true,
            decimals: 2,
            hourlyDecimals: 3,
            priority: false,
          },
        ],
        singles: [],
        criteria: [],
      },
    ],
  });
