/**
 * A river's, a basin's or an area's assessment from its sections: proportions by class, status, main pollutants,
 * compliance. 环办[2011]22号 (secondary sources; "five sections and more" is own knowledge). Shares are compared as whole
 * numbers: 19 of 20 are 95 %, whatever a float says.
 */
import { CLASSES, type TargetClass, type WaterBody, type WaterClass } from '#model/class.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { limitFor, worstClass } from './classify.ts';
import { meansOver } from './cwqi.ts';
import type { Rounding } from './judge.ts';
import { assessSample, type Breach, STATUS, type Status } from './sample.ts';
import type { Indicator } from './section.ts';

/** What is asked of a section. */
export interface AreaSection {
  station: string;
  waterBody: WaterBody;
  target: TargetClass | null;
  class: WaterClass | null;
  means: ReadonlyMap<string, number | null>;
}

/** Fewer sections than this are averaged first. */
const PROPORTIONS_FROM = 5;
const MAIN_POLLUTANTS = 3;

interface Share {
  count: number;
  /** Of the sections with a class; null without any. */
  share: number | null;
}

export interface Proportions {
  sections: number;
  /** Sections with a class: what shares are of. */
  assessed: number;
  byClass: Record<WaterClass, Share>;
  /** Class III or better. */
  good: Share;
  /** Worse than Class V. */
  worse: Share;
  /** Whether the share of Class III or better is at least this. */
  goal: { share: number; isMet: boolean | null };
}

/** @param goal 0 to 1, at most six decimals. */
export function proportions(sections: readonly Pick<AreaSection, 'class'>[], goal: number): Proportions {
  const counts = countsOf(sections);
  const share = (count: number): Share => ({ count, share: counts.assessed === 0 ? null : count / counts.assessed });
  const needed = Math.round(goal * 1e6);
  return {
    sections: sections.length,
    assessed: counts.assessed,
    byClass: Object.fromEntries(CLASSES.map((one) => [one, share(counts.byClass[one])])) as Proportions['byClass'],
    good: share(counts.good),
    worse: share(counts.worse),
    goal: { share: goal, isMet: counts.assessed === 0 ? null : counts.good * 1e6 >= needed * counts.assessed },
  };
}

export interface Counts {
  assessed: number;
  good: number;
  worse: number;
  byClass: Record<WaterClass, number>;
}

export function countsOf(sections: readonly Pick<AreaSection, 'class'>[]): Counts {
  const byClass = Object.fromEntries(CLASSES.map((one) => [one, 0])) as Record<WaterClass, number>;
  for (const section of sections) if (section.class !== null) byClass[section.class]++;
  const good = byClass.I + byClass.II + byClass.III;
  return { assessed: good + byClass.IV + byClass.V + byClass.worse, good, worse: byClass.worse, byClass };
}

export interface BasinStatus {
  /** By proportions, or by the means over fewer than five sections; null when none has a class. */
  method: 'proportions' | 'means' | null;
  status: Status | null;
  /** Of the means; null by proportions. */
  class: WaterClass | null;
}

/** @param sections those without a class are left out. */
export function basinStatus(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  sections: readonly AreaSection[],
  rounding: Rounding,
): BasinStatus {
  const assessed = sections.filter((section) => section.class !== null);
  if (assessed.length === 0) return { method: null, status: null, class: null };
  if (assessed.length >= PROPORTIONS_FROM) {
    return { method: 'proportions', status: STATUS[statusClass(countsOf(assessed))], class: null };
  }
  // Rivers and lakes have limits of their own: each is averaged by itself, and the worse one counts (ours).
  const classes = (['river', 'lake'] as const).flatMap((waterBody) => {
    const own = assessed.filter((section) => section.waterBody === waterBody);
    const sample = { waterBody, target: null, values: meansOver(parameters, own), rounding };
    return own.length === 0 ? [] : (assessSample(standard, parameters, sample).class ?? []);
  });
  const reached = worstClass(classes);
  return { method: 'means', status: reached && STATUS[reached], class: reached };
}

/** The table of proportions, told as the class whose section status has the same name. */
function statusClass({ assessed, good, worse }: Counts): WaterClass {
  const isGood = (percent: number) => good * 100 >= percent * assessed;
  const isWorse = (percent: number) => worse * 100 >= percent * assessed;
  if (isGood(90)) return 'I';
  if (isGood(75)) return 'III';
  if (isWorse(40)) return 'worse';
  return isWorse(20) ? 'V' : 'IV';
}

export interface AreaPollutant {
  parameter: string;
  /** Sections worse than Class III in it. */
  sections: number;
  /** Of all sections with a class. */
  rate: number;
  /** The largest exceedance of Class III; null where no multiple is stated. */
  multipleMax: number | null;
}

/** A section's indicators that are worse than Class III, with their multiples of it. */
export function exceeding(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  waterBody: WaterBody,
  indicators: readonly Pick<Indicator, 'parameter' | 'participates' | 'class' | 'value'>[],
): Pick<Breach, 'parameter' | 'multiple'>[] {
  return indicators.flatMap(({ parameter, participates, class: reached, value }) => {
    if (!participates || reached === null || value === null) return [];
    if (CLASSES.indexOf(reached) <= CLASSES.indexOf('III')) return [];
    const limit = limitFor(standard, parameter, waterBody, 'III');
    const states = limit?.op === '<=' && parameters.get(parameter)?.multiple;
    return [{ parameter, multiple: states ? (value - limit.value) / limit.value : null }];
  });
}

/**
 * What exceeds Class III in most sections, at most three. Equal rates: the largest multiple first (ours). Null for fewer
 * than five sections, whose main pollutants are told by section.
 * @param breaches each section's, against Class III.
 */
export function areaPollutants(
  sections: readonly { class: WaterClass | null; exceeding: readonly Pick<Breach, 'parameter' | 'multiple'>[] }[],
): AreaPollutant[] | null {
  const assessed = sections.filter((section) => section.class !== null);
  if (assessed.length < PROPORTIONS_FROM) return null;
  const found = new Map<string, AreaPollutant>();
  for (const { exceeding } of assessed) {
    for (const { parameter, multiple } of exceeding) {
      const known = found.get(parameter) ?? { parameter, sections: 0, rate: 0, multipleMax: null };
      known.sections++;
      known.rate = known.sections / assessed.length;
      if (multiple !== null) known.multipleMax = Math.max(multiple, known.multipleMax ?? multiple);
      found.set(parameter, known);
    }
  }
  const size = ({ multipleMax }: AreaPollutant) => multipleMax ?? Number.NEGATIVE_INFINITY;
  return [...found.values()]
    .sort((a, b) => b.sections - a.sections || size(b) - size(a) || (a.parameter < b.parameter ? -1 : 1))
    .slice(0, MAIN_POLLUTANTS);
}

export interface Compliance {
  /** Sections with a target and a class. */
  sections: number;
  met: number;
  share: number | null;
  /** Those that miss their target. */
  failing: string[];
}

export function compliance(sections: readonly Pick<AreaSection, 'station' | 'target' | 'class'>[]): Compliance {
  const judged = sections.flatMap(({ station, target, class: reached }) =>
    target === null || reached === null ? [] : [{ station, isMet: worstClass([reached, target]) === target }],
  );
  const met = judged.filter(({ isMet }) => isMet).length;
  return {
    sections: judged.length,
    met,
    share: judged.length === 0 ? null : met / judged.length,
    failing: judged.flatMap(({ station, isMet }) => (isMet ? [] : station)),
  };
}
