/** Assessments of sections and areas over a period, from stored readings (contracts §4, `GET /assessments`). */
import { z } from 'zod';
import { waterClass } from '#api/readings/schemas/readings.ts';
import { instantQuery } from '#api/schemas.ts';
import { ROUNDINGS } from '#assess/judge.ts';
import { COVERAGE_MIN, INVALID } from '#assess/section.ts';
import { CLASSES, TARGETS } from '#model/class.ts';
import { id } from '#model/register.ts';
import { basis, breach, mainPollutants, notAssessed, status } from './assessments.ts';

const GOAL = 0.95;
const shareOf = (text: string, fallback: number) =>
  z
    .string()
    .regex(/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'a share from 0 to 1, with at most six decimals')
    .transform(Number)
    .default(fallback)
    .describe(`${text}; ${fallback} unless told`);

export const periodAssessmentQuery = z.strictObject({
  station: id.optional(),
  area: z.string().min(1).max(500).optional(),
  period: z.string().max(20).describe('`2026-11-22`, `2026-W47`, `2026-11`, `2026-Q4` or `2026`'),
  goal: shareOf('What share of sections is to be of Class III or better', GOAL),
  coverage: shareOf('From which share of the expected readings on a mean may stand for the period', COVERAGE_MIN),
  // A period's mean is no hourly value.
  rounding: z.enum(ROUNDINGS).exclude(['hourly']).default('evaluation'),
  detail: z
    .enum(['sections', 'indicators'])
    .default('sections')
    .describe('Of an area: whether its sections tell their indicators, too'),
  asOf: instantQuery('As it was known then'),
});

const share = z.number().nullable();
const mean = z.number().nullable();
const side = { op: z.enum(['<=', '>=']), limit: z.number() };

const indicator = z
  .object({
    parameter: z.string(),
    unit: z.string(),
    mean: mean.describe('Of valid readings, unrounded; of a year the mean of its monthly means'),
    value: mean.describe('The mean as compared, rounded as asked'),
    class: waterClass,
    participates: z.boolean().describe('One of the 21 that make the class; the others stand beside it'),
    min: mean,
    max: mean,
    count: z.number().int().describe('Readings whatever their flag, 9 excepted'),
    valid: z.number().int().describe('Readings of flags 1 and 2'),
    expected: z.number().int().nullable().describe('By the station’s interval, up to now; null without one'),
    months: z.number().int().nullable().describe('Months with a mean; of years only'),
    coverage: share.describe('valid / expected, at most 1'),
    invalid: z.enum(INVALID).nullable().describe('Why the mean may not stand for the period'),
    headroom: z
      .object({ ...side, amount: z.number().describe('What is left to the target’s limit'), share })
      .nullable(),
  })
  .meta({ id: 'AssessedIndicator' });

const trophic = z
  .object({
    index: z.number().nullable().describe('TLI(Σ)'),
    level: status.nullable(),
    indices: z.record(z.string(), z.number()),
    missing: z.array(z.string()),
  })
  .nullable();
const cwqi = z
  .object({
    index: z.number().nullable(),
    indices: z.record(z.string(), z.number()),
    missing: z.array(z.string()).describe('Only indices of the same indicators compare'),
  })
  .meta({ id: 'Cwqi' });
const cityCwqi = z
  .object({ index: z.number().nullable(), river: cwqi.nullable(), lake: cwqi.nullable() })
  .meta({ id: 'CityCwqi' });

const section = {
  station: z.string(),
  waterBody: z.enum(['river', 'lake']),
  target: z.enum(TARGETS).nullable(),
  basis,
  class: waterClass.describe('The worst of the indicators that take part; null when none could be assessed'),
  status: status.nullable(),
  rounding: z.enum(ROUNDINGS),
  limiting: z.array(z.string()),
  meetsTarget: z.boolean().nullable(),
  breaches: z.array(breach).describe('Of the target class by the period’s means: what reports tell'),
  instantaneousBreaches: z
    .array(z.object({ parameter: z.string(), value: z.number(), ...side }))
    .describe(
      'The least and greatest single readings that break the target’s limit, unrounded: what operators were told',
    ),
  mainPollutants,
  notAssessed,
  indicatorsAssessed: z.number().int(),
  missing: z.array(z.string()).describe('Those of the 21 that the class doesn’t rest on'),
  coverage: z
    .object({ valid: z.number().int(), expected: z.number().int(), share: z.number() })
    .nullable()
    .describe('Over the indicators of the class'),
  valid: z.boolean().nullable().describe('Whether every mean behind the class may stand for the period'),
  provisional: z.boolean().describe('The period isn’t over, or an hour of it is open'),
  beside: z.array(z.object({ parameter: z.string(), value: z.number(), class: waterClass })),
  implausible: z.array(
    z.object({ parameter: z.string(), value: z.number(), range: z.tuple([z.number(), z.number()]) }),
  ),
  trophic: trophic.describe('Lakes and reservoirs only'),
};
const detail = { indicators: z.array(indicator), cwqi };

const period = z.object({
  text: z.string(),
  kind: z.enum(['day', 'week', 'month', 'quarter', 'year']),
  start: z.string(),
  end: z.string(),
  timeZone: z.string(),
});
const head = {
  period,
  standard: z
    .object({ id: z.string(), edition: z.string(), effective: z.string() })
    .describe('The edition in force on the period’s last day; both sides of a change are judged by it'),
  coverageMin: z.number(),
};

const change = z.object({
  verdict: z.enum(['unchanged', 'better', 'much-better', 'worse', 'much-worse']),
  zh: z.string(),
});
const REASONS = ['no-such-period', 'nothing-in-common'] as const;
const against = {
  period: z.string().nullable(),
  reason: z.enum(REASONS).nullable().describe('Why nothing is compared'),
  change: change.nullable(),
};
const sectionChange = z
  .object({
    ...against,
    class: z
      .object({ before: z.enum(CLASSES), after: z.enum(CLASSES) })
      .nullable()
      .describe('By the indicators of both periods'),
    indicators: z.array(z.object({ parameter: z.string(), before: z.number(), after: z.number(), share })),
  })
  .meta({ id: 'SectionChange' });
export type SectionChangeView = z.infer<typeof sectionChange>;

export const stationAssessment = z.object({
  ...head,
  ...section,
  ...detail,
  changes: z.object({ previous: sectionChange, year: sectionChange }),
});
export type StationAssessment = z.infer<typeof stationAssessment>;

const count = z.object({ count: z.number().int(), share });
const compliance = z
  .object({
    sections: z.number().int().describe('With a target and a class that may stand'),
    met: z.number().int(),
    share,
    failing: z.array(z.string()),
  })
  .meta({ id: 'Compliance' });
const areaChange = z
  .object({
    ...against,
    sections: z.number().int().describe('Those with a class that may stand in both periods, by the same indicators'),
    mayNotStand: z.array(z.string()).describe('Left out: their class may not stand for one of the periods'),
    method: z.enum(['proportions', 'status']).nullable(),
    points: z.number().nullable().describe('ΔG − ΔD, percentage points'),
    status: z.object({ before: status.nullable(), after: status.nullable() }),
    compliance: z.object({
      before: compliance,
      after: compliance,
      points: z.number().nullable().describe('Percentage points'),
    }),
    cwqi: z.object({ before: cityCwqi, after: cityCwqi, share: share.describe('ΔCWQI; negative is better') }),
  })
  .meta({ id: 'AreaChange' });
export type AreaChangeView = z.infer<typeof areaChange>;

export const areaAssessment = z.object({
  ...head,
  area: z.string(),
  basis,
  provisional: z.boolean(),
  proportions: z.object({
    sections: z.number().int().describe('All of them'),
    assessed: z.number().int().describe('Those with a class that may stand for the period: what all shares are of'),
    byClass: z.record(z.enum(CLASSES), count),
    good: count.describe('Class III or better'),
    worse: count.describe('Worse than Class V'),
    goal: z.object({ share: z.number(), isMet: z.boolean().nullable() }),
  }),
  mayNotStand: z
    .array(z.string())
    .describe(
      'Sections whose class may not stand for the period (`valid` false): in no proportion, status, compliance, main pollutant or index here',
    ),
  basin: z.object({
    method: z.enum(['proportions', 'means']).nullable().describe('Fewer than five sections: means first'),
    status: status.nullable(),
    class: waterClass,
  }),
  mainPollutants: z
    .array(
      z.object({
        parameter: z.string(),
        sections: z.number().int(),
        rate: z.number(),
        multipleMax: z.number().nullable(),
      }),
    )
    .nullable()
    .describe('By the share of sections worse than Class III; null for fewer than five, which tell their own'),
  compliance,
  valid: z.number().int().describe('Sections whose means may stand for the period'),
  trophic: trophic.describe('Of the means over lake points'),
  cwqi: cityCwqi,
  sections: z.array(z.object({ ...section, ...z.object(detail).partial().shape })),
  leftOut: z.array(z.object({ station: z.string(), reason: z.enum(['outfall', 'no-indicator']) })),
  changes: z.object({ previous: areaChange, year: areaChange }),
});
export type AreaAssessment = z.infer<typeof areaAssessment>;
const sectionView = z.object({ ...section, ...detail });
export type SectionView = z.infer<typeof sectionView>;
