/** What is asked of an assessment of a sample and how it is answered (contracts §4). */
import { z } from 'zod';
import { waterClass } from '#api/readings/schemas/readings.ts';
import { NOT_JUDGED } from '#assess/criteria.ts';
import { NOT_ASSESSED, ROUNDINGS } from '#assess/judge.ts';
import { TARGETS } from '#model/class.ts';
import { id } from '#model/register.ts';

const INDICATORS_MAX = 500;
const SAMPLES_MAX = 10_000;

const measured = z.union([
  z.number(),
  z.strictObject({ below: z.number().positive() }),
  z.strictObject({ above: z.number().positive() }),
  z.null(),
]);
// The list first: what no single value is would count as so many mistakes of a sound body.
const values = z
  .record(z.string().min(1).max(64), z.union([z.array(measured).max(1000), measured]))
  .refine((given) => Object.keys(given).length <= INDICATORS_MAX, `at most ${INDICATORS_MAX} values`)
  .refine((given) => Object.values(given).flat().length <= SAMPLES_MAX, `at most ${SAMPLES_MAX} samples`)
  .describe(
    'Parameter (or its alias) → value in its canonical unit; null: not measured; { below }: not found, with the ' +
      'detection limit; { above }: more than the method can tell; a list: samples of a period, averaged first',
  );

export const assessmentBody = z
  .strictObject({
    waterBody: z.enum(['river', 'lake']),
    target: z.enum(TARGETS).optional(),
    values,
    rounding: z
      .enum(ROUNDINGS)
      .default('evaluation')
      .describe(
        'To the decimals of the 2020 rules, half to even, before anything is compared: those of evaluation data, or of a station’s hourly values; or as given',
      ),
    alternatives: z
      .boolean()
      .default(false)
      .describe('Whether 90 % of saturation serves for Class I of dissolved oxygen; by `dosat`, or `do` and `temp`'),
    drinkingSource: z.boolean().default(false).describe('Also tables 2 and 3'),
    temperatureChange: z
      .number()
      .optional()
      .describe('Man-made change of the weekly mean temperature, K, a rise positive: table 1 no. 1'),
    date: z.iso.date().optional().describe('By the edition in force on that day; today unless told'),
  })
  .meta({
    examples: [{ waterBody: 'river', target: 'II', values: { ph: 7.9, do: 8.2, codmn: 4.6, nh3n: 0.83, tn: 1.4 } }],
  });

const multiple = z.number().nullable().describe('(value − limit) / limit; null for pH, DO and temperature');

export const status = z.object({ zh: z.string(), en: z.string() });
export const basis = z
  .literal('assessed')
  .describe('By the rules of evaluation, for reports; alarms are `instantaneous`, for operators');
const side = { op: z.enum(['<=', '>=']), limit: z.number() };
export const breach = z.object({
  parameter: z.string(),
  value: z.number().describe('As compared'),
  ...side,
  class: waterClass,
  multiple,
});
export const mainPollutants = z
  .array(z.object({ parameter: z.string(), multiple }))
  .describe('Against Class III whatever the target: at most three');
export const notAssessed = z.array(z.object({ parameter: z.string(), reason: z.enum(NOT_ASSESSED) }));

export const assessment = z
  .object({
    basis,
    standard: z.string(),
    class: waterClass.describe('The worst of the indicators; null when none could be assessed'),
    status: status.nullable(),
    rounding: z.enum(ROUNDINGS),
    limiting: z.array(z.string()).describe('The parameters of that class; none when all are of class I'),
    breaches: z.array(breach),
    mainPollutants,
    notAssessed,
    indicators: z.array(z.object({ parameter: z.string(), value: z.number(), class: waterClass })),
    headroom: z
      .array(
        z.object({
          parameter: z.string(),
          value: z.number(),
          ...side,
          amount: z.number().describe('What is left to the target’s limit, in its unit; negative beyond it'),
          share: z.number().nullable().describe('Of the limit; null for pH, DO and temperature'),
        }),
      )
      .describe('Empty without a target'),
    beside: z
      .array(z.object({ parameter: z.string(), value: z.number(), class: waterClass }))
      .describe('Temperature, total nitrogen, coliforms: never part of the class'),
    implausible: z
      .array(z.object({ parameter: z.string(), value: z.number(), range: z.tuple([z.number(), z.number()]) }))
      .describe('Beyond the measuring range, perhaps a wrong unit; they count all the same'),
    drinkingSource: z
      .object({
        assessed: z.number().int(),
        breaches: z.array(z.object({ parameter: z.string(), value: z.number(), ...side, multiple })),
        notAssessed,
      })
      .optional(),
    temperatureRule: z
      .object({ change: z.number(), rise: z.number(), drop: z.number(), isMet: z.boolean() })
      .optional(),
  })
  .meta({
    examples: [
      {
        basis: 'assessed',
        standard: 'gb3838-2002',
        class: 'III',
        status: { zh: '良好', en: 'good' },
        rounding: 'evaluation',
        limiting: ['nh3n'],
        breaches: [
          { parameter: 'nh3n', value: 0.83, op: '<=', limit: 0.5, class: 'III', multiple: 0.6599999999999999 },
        ],
        mainPollutants: [],
        notAssessed: [{ parameter: 'tn', reason: 'reference-indicator' }],
        indicators: [{ parameter: 'nh3n', value: 0.83, class: 'III' }],
        headroom: [
          {
            parameter: 'nh3n',
            value: 0.83,
            op: '<=',
            limit: 0.5,
            amount: -0.32999999999999996,
            share: -0.6599999999999999,
          },
        ],
        beside: [{ parameter: 'tn', value: 1.4, class: null }],
        implausible: [],
      },
    ],
  });

export const dischargeBody = z
  .strictObject({
    standard: id.describe('One with levels, such as `gb18918-2002`'),
    level: z.string().min(1).max(20),
    builtOn: z.iso.date().optional().describe('When the works were built, where limits go by that'),
    values,
    inflow: z
      .record(z.string().min(1).max(64), z.number().positive())
      .default({})
      .describe('Parameter → concentration flowing in, for rates of removal'),
  })
  .meta({
    examples: [
      { standard: 'gb18918-2002', level: '1A', builtOn: '2004-05-01', values: { nh3n: 6.2, tp: 0.7, temp: 11 } },
    ],
  });

export const dischargeAssessment = z
  .object({
    standard: z.string(),
    level: z.string(),
    verdicts: z.array(
      z.object({
        parameter: z.string(),
        clause: z.string(),
        value: z.number().nullable().describe('As compared; null where each sample is'),
        limit: z.string(),
        isMet: z.boolean(),
        multiple: z.number().nullable(),
        samples: z.object({ count: z.number().int(), failed: z.number().int(), allowed: z.number().int() }),
      }),
    ),
    notJudged: z.array(z.object({ parameter: z.string(), clause: z.string(), reason: z.enum(NOT_JUDGED) })),
  })
  .meta({
    examples: [
      {
        standard: 'gb18918-2002',
        level: '1A',
        verdicts: [
          {
            parameter: 'nh3n',
            clause: 'table 1 no. 8',
            value: 6.2,
            limit: '<= 8',
            isMet: true,
            multiple: null,
            samples: { count: 1, failed: 0, allowed: 0 },
          },
        ],
        notJudged: [{ parameter: 'cod', clause: 'table 1 no. 1', reason: 'not-measured' }],
      },
    ],
  });
