/**
 * What a rule may say: one zod schema for each kind. Whether it makes sense against the registers is decided in
 * alerts/rules/rules.ts; what it means for readings in alerts/rules/conditions.ts.
 */
import { z } from 'zod';
import { TARGETS } from '#model/class.ts';
import { durationMs } from '#model/duration.ts';
import { duration, id, STATION_KINDS, text } from '#model/fields.ts';
import { SEVERITIES } from './alarm.ts';

const severity = z.enum(SEVERITIES);
const DAY_MS = 86_400_000;

/** A duration between two; a text that is none is refused elsewhere. */
function lasting(leastMs: number, mostMs: number, message: string) {
  return duration.refine((given) => {
    try {
      return durationMs(given) >= leastMs && durationMs(given) <= mostMs;
    } catch {
      return true;
    }
  }, message);
}

/** Every reading is compared with what lies so far behind it. */
const lookBack = lasting(60_000, DAY_MS, 'from PT1M to PT24H');

const select = z
  .strictObject({
    stations: z.array(id).optional(),
    areas: z.array(text).optional(),
    rivers: z.array(text).optional(),
    kinds: z.array(z.enum(STATION_KINDS)).optional(),
    targets: z.array(z.enum(TARGETS)).optional(),
    tags: z
      .record(z.string().max(64), z.array(z.string().max(200)))
      .optional()
      .describe('For each tag named the values of which a station must have one'),
  })
  .default({});
const parameters = z.array(id).min(1);
const lasted = duration.describe('How long the breach has to have lasted');
const STEPS_MAX = 10;
/** A more severe alarm once the breach has lasted. */
const timedSteps = z
  .array(z.strictObject({ after: lasted, severity }))
  .min(1)
  .max(STEPS_MAX)
  .optional();
/** What is beyond these breaks the rule; the numbers themselves don't. */
const breach = {
  above: z.number().optional().describe('Alarms on values greater than this'),
  below: z.number().optional().describe('Alarms on values less than this'),
  outside: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'the lower end first')
    .optional()
    .describe('Alarms on values less than the first or greater than the second'),
};
const stepLimit = z.number().optional().describe('Further out than the rule’s, in the unit of the rule');
/** More severe alarms further out, once the breach has lasted, or both. @param shape the ways to say how far. */
const stepsBy = <T extends z.ZodRawShape>(shape: T) =>
  z
    .array(
      z
        .strictObject({ ...shape, after: lasted.optional(), severity })
        .refine((step) => Object.values(step).filter((value) => value !== undefined).length > 1, {
          path: ['after'],
          message: 'say when the step is reached: a limit, a time, or both',
        }),
    )
    .min(1)
    .max(STEPS_MAX)
    .optional();
const limitSteps = stepsBy({ limit: stepLimit });

const hour = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a local time such as 22:00');
const calendar = z
  .strictObject({
    months: z.array(z.number().int().min(1).max(12)).min(1).optional(),
    weekdays: z.array(z.number().int().min(1).max(7)).min(1).optional().describe('1 = Monday'),
    hours: z
      .tuple([hour, hour])
      .refine(([from, to]) => from !== to && from !== '24:00', 'from one time of the day to another')
      .optional()
      .describe('[from, to); over midnight they belong to the day on which they begin'),
  })
  .optional()
  .describe('When the rule looks, in WK_TIME_ZONE; always unless given');

/** What every kind may say. */
const common = {
  select,
  reAlarmAfter: lasting(60_000, Number.POSITIVE_INFINITY, 'at least PT1M')
    .optional()
    .describe('An acknowledged alarm that still stands so long after its acknowledgement asks again'),
  enabled: z.boolean().default(true),
};
/** Of kinds that look at what comes, or doesn't, as time goes on. */
const looking = { ...common, calendar };
const latch = z.boolean().optional().describe('An alarm whose condition is over waits for an operator’s reset');
const conditional = {
  ...looking,
  for: duration.default('PT0S'),
  clear: z.strictObject({ margin: z.number().min(0).max(1).default(0.05), for: duration.default('PT0S') }).prefault({}),
  keepFiringFor: duration.optional().describe('An alarm stands at least so long after the last breach'),
  stepDownFor: duration.optional().describe('Severity falls only after so long of less severe readings'),
  latch,
};
const minBreaches = z.number().int().min(1).max(1000).optional().describe('Breaches in a row before it is raised');
const minReadings = z.number().int().min(2).max(1000).default(3).describe('Readings that `over` must hold');
const concerns = z.enum(['water', 'sensor']);
const severityByClass = z.strictObject({
  I: severity.optional(),
  II: severity.optional(),
  III: severity.optional(),
  IV: severity.optional(),
  V: severity.optional(),
  worse: severity.optional(),
});

const target = z.union([z.literal('station'), z.enum(TARGETS)]).default('station');
const share = z.number().min(-1).max(1);
const PERIODS = ['hour', 'day', 'month'] as const;
const period = z.enum(PERIODS).describe('A closed one, in WK_TIME_ZONE');
const periodsInARow = z.number().int().min(1).max(100).default(1).describe('Periods in a row before it is raised');

/** Rules about closed periods: what the books say once everything that isn't late has been received. */
const periodRules = [
  /** The mean of a closed day or month misses the class, judged as `GET /assessments` judges it. */
  z.strictObject({
    kind: z.literal('assessed'),
    ...common,
    latch,
    parameters: parameters.optional(),
    period: z.enum(['day', 'month']),
    target,
    severity: z.union([severity, severityByClass]),
  }),
  /** Of what came in too much, or too little, went out nowhere that is measured. */
  z.strictObject({
    kind: z.literal('volume-balance'),
    ...common,
    latch,
    select: select.describe('Stations whose meters are in the balance'),
    period,
    maxLossShare: share.describe('Of the intake'),
    minLossShare: share.optional(),
    minIntake: z.number().nonnegative().default(0).describe('m³ in the period; less says nothing'),
    shift: z.enum(['travel', 'none']).default('travel').describe('As of `GET /balances`'),
    periods: periodsInARow,
    severity,
    steps: z
      .array(z.strictObject({ limit: share.describe('A greater loss share'), severity }))
      .min(1)
      .max(STEPS_MAX)
      .optional(),
  }),
  /** Two meters of the same water, the pairs of `GET /balances`, counted otherwise. */
  z.strictObject({
    kind: z.literal('meter-disagreement'),
    ...common,
    latch,
    select: select.describe('Stations of the meters that are checked'),
    period,
    maxShare: z.number().positive().max(10).describe('Of what the other meter counted'),
    minDifference: z.number().nonnegative().default(0).describe('m³ in the period; less is no disagreement'),
    periods: periodsInARow,
    severity,
  }),
] as const;

export const rule = z.discriminatedUnion('kind', [
  /** The station's target class (or `target`) is broken by a single reading. */
  z.strictObject({
    kind: z.literal('class'),
    ...conditional,
    parameters: parameters.optional(),
    minSamples: minBreaches,
    target,
    severity: z.union([severity, severityByClass]),
    steps: timedSteps,
  }),
  /**
   * A reading is `above`, `below` or `outside`; or it is not `op limit`, which is what must hold. Exactly one of them
   * (threshold.ts); `unit` is converted to the parameter's canonical one.
   */
  z.strictObject({
    kind: z.literal('threshold'),
    ...conditional,
    parameters,
    minSamples: minBreaches,
    ...breach,
    op: z
      .enum(['<=', '>=', '<', '>'])
      .optional()
      .describe('With `limit` what must hold; `above` and `below` say the breach'),
    limit: z.number().optional(),
    unit: text.optional(),
    severity,
    steps: stepsBy({ limit: stepLimit, ...breach }),
  }),
  /** A sensor alarm: flags 3 and 4, save under maintenance and calibration letters (invariant 6). */
  z.strictObject({
    kind: z.literal('quality'),
    ...conditional,
    parameters: parameters.optional(),
    minSamples: minBreaches,
    severity,
    steps: timedSteps,
  }),
  /** The slope of the straight line through the readings of the last `over`, in `unit` an hour, is beyond `limit`. */
  z.strictObject({
    kind: z.literal('rate'),
    ...conditional,
    parameters,
    limit: z.number().positive(),
    unit: text.optional(),
    direction: z.enum(['rising', 'falling', 'either']).default('either'),
    over: lookBack.default('PT1H'),
    minSamples: minReadings,
    concerns: concerns.default('water'),
    severity,
    steps: limitSteps,
  }),
  /** The readings of the last `over` all lie within `tolerance` of each other. */
  z.strictObject({
    kind: z.literal('flat-line'),
    ...conditional,
    parameters,
    tolerance: z.number().nonnegative(),
    unit: text.optional(),
    over: lookBack,
    minSamples: minReadings,
    concerns: concerns.default('sensor'),
    severity,
    steps: timedSteps,
  }),
  /** What `when` says about the newest readings of one station is true (alerts/rules/expression.ts has the grammar). */
  z.strictObject({
    kind: z.literal('expression'),
    ...conditional,
    clear: z.strictObject({ when: z.string().min(1).max(1000).optional(), for: duration.default('PT0S') }).prefault({}),
    when: z.string().min(1).max(1000),
    minSamples: minBreaches,
    severity,
    steps: timedSteps,
  }),
  /** Nothing has come of what the register expects: parameters with an interval, of stations that a gateway owns. */
  z.strictObject({
    kind: z.literal('missing'),
    ...looking,
    parameters: parameters.optional(),
    for: duration.optional().describe('Three intervals, at least PT5M, unless it is given'),
    severity,
    steps: timedSteps,
  }),
  ...periodRules,
]);
export type Rule = z.infer<typeof rule>;
export type RuleCalendar = NonNullable<z.infer<typeof calendar>>;
export type PeriodRule = z.infer<(typeof periodRules)[number]>;

/** Whether a rule is about closed periods. */
export function isPeriodRule(given: Rule): given is PeriodRule {
  return 'period' in given;
}
