/** What is asked of an assessment and how it is answered (contracts §4). */
import { z } from 'zod';
import { NOT_ASSESSED, ROUNDINGS } from '#assess/sample.ts';
import { TARGETS } from '#model/class.ts';
import { waterClass } from './readings.ts';

const INDICATORS_MAX = 500;

export const assessmentBody = z
  .strictObject({
    waterBody: z.enum(['river', 'lake']),
    target: z.enum(TARGETS).optional(),
    values: z
      .record(z.string().min(1).max(64), z.number().nullable())
      .refine((values) => Object.keys(values).length <= INDICATORS_MAX, `at most ${INDICATORS_MAX} values`)
      .describe('Parameter (or its alias) → value in its canonical unit; null: not measured'),
    rounding: z
      .enum(ROUNDINGS)
      .default('evaluation')
      .describe('To the decimals of the 2020 rules, half to even, before anything is compared; or as given'),
  })
  .meta({
    examples: [{ waterBody: 'river', target: 'II', values: { ph: 7.9, do: 8.2, codmn: 4.6, nh3n: 0.83, tn: 1.4 } }],
  });

const multiple = z.number().nullable().describe('(value − limit) / limit; null for pH, DO and temperature');

export const assessment = z
  .object({
    class: waterClass.describe('The worst of the indicators; null when none could be assessed'),
    status: z.object({ zh: z.string(), en: z.string() }).nullable(),
    rounding: z.enum(ROUNDINGS),
    limiting: z.array(z.string()).describe('The parameters of that class; none when all are of class I'),
    breaches: z.array(
      z.object({
        parameter: z.string(),
        value: z.number().describe('As compared'),
        limit: z.number(),
        op: z.enum(['<=', '>=']),
        class: waterClass,
        multiple,
      }),
    ),
    mainPollutants: z
      .array(z.object({ parameter: z.string(), multiple }))
      .describe('Against Class III whatever the target: at most three'),
    notAssessed: z.array(z.object({ parameter: z.string(), reason: z.enum(NOT_ASSESSED) })),
  })
  .meta({
    examples: [
      {
        class: 'III',
        status: { zh: '良好', en: 'good' },
        rounding: 'evaluation',
        limiting: ['codmn', 'nh3n'],
        breaches: [
          { parameter: 'codmn', value: 4.6, op: '<=', limit: 4, class: 'III', multiple: 0.1499999999999999 },
          { parameter: 'nh3n', value: 0.83, op: '<=', limit: 0.5, class: 'III', multiple: 0.6599999999999999 },
        ],
        mainPollutants: [],
        notAssessed: [{ parameter: 'tn', reason: 'reference-indicator' }],
      },
    ],
  });
