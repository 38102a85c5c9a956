/**
 * A section's assessment over a period: from means of valid readings, mean first and class afterwards. Validity is told
 * beside the class and never hides one: an indicator of few readings that breaks its limit is still a breach.
 */
import type { TargetClass, WaterBody, WaterClass } from '#model/class.ts';
import { signOfSum } from '#model/decimal.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { participates, worstClass } from './classify.ts';
import { type Cwqi, cwqi } from './cwqi.ts';
import type { Rounding } from './judge.ts';
import type { PeriodKind } from './periods.ts';
import { assessSample, type Headroom, instantaneousBreach, type SampleAssessment } from './sample.ts';
import { type TrophicState, trophicState } from './trophic.ts';

/** What the books know of one parameter over the period, canonical unit. */
export interface PeriodStatistic {
  parameter: string;
  /** Readings whatever their flag, 9 excepted; those of flags 1 and 2, from which the mean comes. */
  count: number;
  valid: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  /** Valid readings there ought to be by the station's interval; null without one. */
  expected: number | null;
  /** Months with a mean; null unless the period is a year, whose mean is that of its monthly means. */
  months: number | null;
}

/** Ours unless told: 75 % of what is expected. The state's rules ask for two samples a quarter, eight months a year. */
interface ValidityRules {
  coverageMin: number;
}
export const COVERAGE_MIN = 0.75;
const QUARTER_SAMPLES_MIN = 2;
const YEAR_MONTHS_MIN = 8;

export const INVALID = ['coverage', 'too-few-samples', 'too-few-months'] as const;
type Invalid = (typeof INVALID)[number];

export interface Indicator extends PeriodStatistic {
  /** The mean as it was compared; null when it wasn't. */
  value: number | null;
  /** Of the mean, rounded as evaluation data are; null where the standard has no class. */
  class: WaterClass | null;
  /** Whether it is one of the 21. */
  participates: boolean;
  /** valid / expected, at most 1; null without an interval. */
  coverage: number | null;
  /** Why the mean may not stand for the period; null when it may. */
  invalid: Invalid | null;
  headroom: Headroom | null;
}

export interface SectionAssessment extends Omit<SampleAssessment, 'headroom' | 'indicators'> {
  basis: 'assessed';
  /** Whether the class is the target or better; null without either. */
  meetsTarget: boolean | null;
  indicators: Indicator[];
  /** How many of the 21 the class rests on, and which it lacks. */
  indicatorsAssessed: number;
  missing: string[];
  /** Over the indicators of the class that have an interval; null when none has. */
  coverage: { valid: number; expected: number; share: number } | null;
  /** Whether every mean behind the class may stand for the period; null without a class. */
  valid: boolean | null;
  /** Single readings beyond the target's limit, unrounded: kept apart from `breaches`. */
  instantaneousBreaches: { parameter: string; value: number; op: '<=' | '>='; limit: number }[];
  /** Lakes and reservoirs only. */
  trophic: TrophicState | null;
  cwqi: Cwqi;
}

export interface Section {
  waterBody: WaterBody;
  target: TargetClass | null;
  /** Every parameter that the station lists or has readings of; one without readings has a count of 0. */
  statistics: readonly PeriodStatistic[];
}

export interface SectionRules extends ValidityRules {
  kind: PeriodKind;
  rounding: Rounding;
}

export function assessSection(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  { waterBody, target, statistics }: Section,
  rules: SectionRules,
): SectionAssessment {
  const means = new Map(statistics.map(({ parameter, mean }) => [parameter, mean]));
  const sample = { waterBody, target, values: means, rounding: rules.rounding };
  const { headroom, indicators: judged, ...assessed } = assessSample(standard, parameters, sample);
  const classed = [...judged, ...assessed.beside];
  const indicators = statistics.map((statistic): Indicator => {
    const { parameter, valid, expected } = statistic;
    const found = classed.find((one) => one.parameter === parameter);
    return {
      ...statistic,
      value: found?.value ?? null,
      class: found?.class ?? null,
      participates: participates(standard, parameter),
      coverage: expected === null || expected === 0 ? null : Math.min(1, valid / expected),
      invalid: valid === 0 ? null : invalidity(statistic, rules),
      headroom: headroom.find((one) => one.parameter === parameter) ?? null,
    };
  });
  const behind = indicators.filter((one) => one.participates && one.class !== null);
  const present = new Set(behind.map(({ parameter }) => parameter));
  return {
    basis: 'assessed',
    ...assessed,
    meetsTarget: target === null || assessed.class === null ? null : worstClass([assessed.class, target]) === target,
    indicators,
    indicatorsAssessed: behind.length,
    missing: standard.items.flatMap(({ parameter, participates }) =>
      participates && !present.has(parameter) ? [parameter] : [],
    ),
    coverage: coverageOf(indicators),
    valid: assessed.class === null ? null : behind.every(({ invalid }) => invalid === null),
    instantaneousBreaches: target === null ? [] : statistics.flatMap((one) => beyond(standard, waterBody, target, one)),
    trophic: waterBody === 'lake' ? trophicState(means) : null,
    cwqi: cwqi(standard, waterBody, means),
  };
}

/**
 * Whether a section's class may stand for the period as far as a comparison needs to know: by the same rules as `valid`.
 * @param classed the indicators that its class is made of.
 */
export function mayStand(
  statistics: readonly PeriodStatistic[],
  classed: ReadonlySet<string>,
  rules: Pick<SectionRules, 'kind' | 'coverageMin'>,
): boolean {
  return statistics.every((one) => !classed.has(one.parameter) || invalidity(one, rules) === null);
}

function invalidity(
  { valid, expected, months }: PeriodStatistic,
  rules: Pick<SectionRules, 'kind' | 'coverageMin'>,
): Invalid | null {
  if (rules.kind === 'year' && months !== null && months < YEAR_MONTHS_MIN) return 'too-few-months';
  if (rules.kind === 'quarter' && valid < QUARTER_SAMPLES_MIN) return 'too-few-samples';
  if (expected !== null && isTooLittle(valid, rules.coverageMin, expected)) return 'coverage';
  return null;
}

/** Crosswise and by decimals: 7 of 100 are 0.07, though 0.07 × 100 is a little more than 7. */
function isTooLittle(valid: number, share: number, expected: number): boolean {
  const terms = [
    [1, valid],
    [-share, expected],
  ] as const;
  return signOfSum(terms) < 0;
}

/** Over what the station is expected to measure, whether anything came or not. */
function coverageOf(indicators: readonly Indicator[]): SectionAssessment['coverage'] {
  let valid = 0;
  let expected = 0;
  for (const one of indicators) {
    if (!one.participates || one.expected === null) continue;
    valid += Math.min(one.valid, one.expected);
    expected += one.expected;
  }
  return expected === 0 ? null : { valid, expected, share: valid / expected };
}

function beyond(
  standard: Standard,
  waterBody: WaterBody,
  target: TargetClass,
  { parameter, min, max }: PeriodStatistic,
): SectionAssessment['instantaneousBreaches'] {
  if (min === null || max === null) return [];
  return participates(standard, parameter)
    ? instantaneousBreach(standard, waterBody, target, { parameter, min, max })
    : [];
}
