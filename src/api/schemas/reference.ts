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
    units: z.record(z.string(), z.object({ factor: z.number(), offset: z.number() })),
    aliases: z.array(z.string()),
    mean: z.enum(['arithmetic', 'ph', 'geometric']),
    qc: z.object({
      fail: pair,
      suspect: pair,
      ratePerHour: pair,
      spike: pair,
      flat: z.object({ tolerance: z.number(), suspectMs: z.number(), failMs: z.number() }).nullable(),
    }),
    multiple: z.boolean().describe('Whether an exceedance multiple may be stated'),
  })
  .meta({
    examples: [
      {
        id: 'nh3n',
        name: { zh: '氨氮', en: 'Ammonia nitrogen' },
        unit: 'mg/L',
        units: { 'ug/L': { factor: 0.001, offset: 0 } },
        aliases: ['w21003'],
        mean: 'arithmetic',
        qc: { fail: [0, 300], suspect: null, ratePerHour: [0.5, 2], spike: [0.5, 2], flat: null },
        multiple: true,
      },
    ],
  });

export const standardHead = z
  .object({ id: z.string(), title: names, edition: z.string(), effective: z.string() })
  .meta({
    examples: [
      {
        id: 'gb3838-2002',
        title: { zh: '地表水环境质量标准', en: 'Environmental quality standards for surface water' },
        edition: 'GB 3838-2002',
        effective: '2002-06-01',
      },
    ],
  });

const limits = z.record(z.enum(TARGETS), z.string().nullable());
export const standardView = standardHead
  .extend({
    items: z.array(
      z.object({
        parameter: z.string(),
        op: z.enum(['<=', '>=', 'range', 'delta']),
        river: limits,
        lake: limits,
        clause: z.string(),
        participates: z.boolean(),
        decimals: z.number().int().nullable().describe('Decimals of evaluation data'),
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
  })
  .meta({
    examples: [
      {
        id: 'gb3838-2002',
        title: { zh: '地表水环境质量标准', en: 'Environmental quality standards for surface water' },
        edition: 'GB 3838-2002',
        effective: '2002-06-01',
        items: [
          {
            parameter: 'nh3n',
            op: '<=',
            river: { I: '0.15', II: '0.5', III: '1.0', IV: '1.5', V: '2.0' },
            lake: { I: '0.15', II: '0.5', III: '1.0', IV: '1.5', V: '2.0' },
            clause: 'table 1 no. 7',
            participates: true,
            decimals: 2,
            priority: false,
          },
        ],
        singles: [],
      },
    ],
  });
