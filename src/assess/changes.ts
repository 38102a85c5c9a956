/**
 * How one period compares with another: like with like, the same sections and the same indicators (环办[2011]22号, by
 * secondary sources; the limits of the middle band are own knowledge). Both periods are judged by one standard.
 */
import { CLASSES, type WaterBody, type WaterClass } from '#model/class.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { type AreaSection, basinStatus, type Compliance, type Counts, compliance, countsOf } from './area.ts';
import { type CityCwqi, cityCwqi, cwqiChange } from './cwqi.ts';
import { judge, type Rounding } from './judge.ts';
import { STATUS, type Status } from './sample.ts';

type Verdict = 'unchanged' | 'better' | 'much-better' | 'worse' | 'much-worse';

export interface Change {
  verdict: Verdict;
  zh: string;
}

const WORDS: Record<Verdict, string> = {
  unchanged: '无明显变化',
  better: '有所好转',
  'much-better': '明显好转',
  worse: '有所下降',
  'much-worse': '明显下降',
};

const change = (verdict: Verdict): Change => ({ verdict, zh: WORDS[verdict] });

/** Statuses, best first; classes I and II share one. */
const STATUSES = [...new Set(Object.values(STATUS).map(({ en }) => en))];

/** (a) One level of status is 有所变化, two and more 明显变化. */
export function statusChange(before: Status, after: Status): Change {
  const levels = STATUSES.indexOf(before.en) - STATUSES.indexOf(after.en);
  if (levels === 0) return change('unchanged');
  const isMuch = Math.abs(levels) >= 2;
  if (levels > 0) return change(isMuch ? 'much-better' : 'better');
  return change(isMuch ? 'much-worse' : 'worse');
}

/**
 * (b) Combined proportions: ΔG of Class III or better less ΔD of worse than V, percentage points. Up to 10 is unchanged, up
 * to 20 有所变化. Compared as whole numbers. Both with at least one section.
 */
export function proportionChange(before: Counts, after: Counts): Change & { points: number } {
  const both = before.assessed * after.assessed;
  const scaled = (after.good - after.worse) * before.assessed - (before.good - before.worse) * after.assessed;
  const points = (100 * scaled) / both;
  const size = Math.abs(100 * scaled);
  if (size <= 10 * both) return { ...change('unchanged'), points };
  const isMuch = size > 20 * both;
  if (scaled > 0) return { ...change(isMuch ? 'much-better' : 'better'), points };
  return { ...change(isMuch ? 'much-worse' : 'worse'), points };
}

interface IndicatorChange {
  parameter: string;
  before: number;
  after: number;
  /** (after − before) / before; null for pH, DO and temperature, and from zero. */
  share: number | null;
}

export interface SectionChange {
  /** By the indicators that both periods have; null when there are none. */
  class: { before: WaterClass; after: WaterClass } | null;
  change: Change | null;
  indicators: IndicatorChange[];
}

/** One indicator of one period; `class` null when it takes no part or couldn't be judged. */
export interface Comparable {
  parameter: string;
  class: WaterClass | null;
  mean: number | null;
}

/** As much of an assessment as a comparison needs. */
export function comparable(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  waterBody: WaterBody,
  means: ReadonlyMap<string, number | null>,
  rounding: Rounding,
): { class: WaterClass | null; indicators: Comparable[] } {
  const sample = { waterBody, target: null, values: means, rounding };
  let worst = -1;
  const indicators = [...means].map(([parameter, mean]): Comparable => {
    const found = judge(standard, parameters.get(parameter), sample, mean);
    if (typeof found === 'string') return { parameter, class: null, mean };
    worst = Math.max(worst, found.rank);
    return { parameter, class: CLASSES[found.rank]!, mean };
  });
  return { class: CLASSES[worst] ?? null, indicators };
}

export function sectionChange(
  parameters: ReadonlyMap<string, Parameter>,
  before: readonly Comparable[],
  after: readonly Comparable[],
): SectionChange {
  const pairs = pairsOf(before, after);
  const classes = classesOf(pairs);
  return {
    class: classes,
    change: classes && statusChange(STATUS[classes.before], STATUS[classes.after]),
    indicators: pairs.map(({ earlier, later }) => ({
      parameter: later.parameter,
      before: earlier.mean,
      after: later.mean,
      share:
        earlier.mean === 0 || !parameters.get(later.parameter)?.multiple
          ? null
          : (later.mean - earlier.mean) / earlier.mean,
    })),
  };
}

type Measured = Comparable & { mean: number };

const isMeasured = (one: Comparable): one is Measured => one.mean !== null;

/** What both periods have a mean of. */
function pairsOf(
  before: readonly Comparable[],
  after: readonly Comparable[],
): { earlier: Measured; later: Measured }[] {
  const known = new Map(before.map((one) => [one.parameter, one]));
  const pairs: { earlier: Measured; later: Measured }[] = [];
  for (const later of after) {
    const earlier = known.get(later.parameter);
    if (earlier && isMeasured(earlier) && isMeasured(later)) pairs.push({ earlier, later });
  }
  return pairs;
}

/** The classes that the common indicators decide; null for none. */
function classesOf(pairs: readonly { earlier: Comparable; later: Comparable }[]): SectionChange['class'] {
  let worst = { before: -1, after: -1 };
  for (const { earlier, later } of pairs) {
    if (earlier.class === null || later.class === null) continue;
    worst = {
      before: Math.max(worst.before, CLASSES.indexOf(earlier.class)),
      after: Math.max(worst.after, CLASSES.indexOf(later.class)),
    };
  }
  return worst.before < 0 ? null : { before: CLASSES[worst.before]!, after: CLASSES[worst.after]! };
}

/** A section of both periods. */
export interface AreaSectionPair {
  before: AreaSection & { indicators: readonly Comparable[] };
  after: AreaSection & { indicators: readonly Comparable[] };
}

export interface AreaChange {
  /** Sections with a class in both periods: those that are compared. */
  sections: number;
  /** By proportions from five sections on, else by the status of the means; null without a section. */
  method: 'proportions' | 'status' | null;
  change: Change | null;
  /** ΔG − ΔD; null by status. */
  points: number | null;
  status: { before: Status | null; after: Status | null };
  compliance: { before: Compliance; after: Compliance; points: number | null };
  cwqi: { before: CityCwqi; after: CityCwqi; share: number | null };
}

export function areaChange(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  pairs: readonly AreaSectionPair[],
  rounding: Rounding,
): AreaChange {
  const like = pairs.flatMap(likeWithLike);
  const [before, after] = [like.map((pair) => pair.before), like.map((pair) => pair.after)];
  const status = {
    before: basinStatus(standard, parameters, before, rounding),
    after: basinStatus(standard, parameters, after, rounding),
  };
  const byProportions = status.after.method === 'proportions';
  const proportional = byProportions ? proportionChange(countsOf(before), countsOf(after)) : null;
  const byStatus =
    status.before.status && status.after.status ? statusChange(status.before.status, status.after.status) : null;
  const met = { before: compliance(before), after: compliance(after) };
  const cities = { before: cityCwqi(standard, parameters, before), after: cityCwqi(standard, parameters, after) };
  return {
    sections: like.length,
    method: like.length === 0 ? null : byProportions ? 'proportions' : 'status',
    change: proportional ? { verdict: proportional.verdict, zh: proportional.zh } : byStatus,
    points: proportional?.points ?? null,
    status: { before: status.before.status, after: status.after.status },
    compliance: {
      ...met,
      points: met.before.share === null || met.after.share === null ? null : 100 * (met.after.share - met.before.share),
    },
    cwqi: { ...cities, share: cwqiChange(cities.before, cities.after) },
  };
}

/** The pair cut down to the indicators that both have; none when that leaves no class. */
function likeWithLike({ before, after }: AreaSectionPair): { before: AreaSection; after: AreaSection }[] {
  const pairs = pairsOf(before.indicators, after.indicators);
  const classes = classesOf(pairs);
  if (!classes) return [];
  if (pairs.length === before.indicators.length && pairs.length === after.indicators.length) return [{ before, after }];
  const common = new Set(pairs.map(({ later }) => later.parameter));
  const cut = (section: AreaSection, reached: WaterClass): AreaSection => ({
    ...section,
    class: reached,
    means: new Map([...section.means].filter(([parameter]) => common.has(parameter))),
  });
  return [{ before: cut(before, classes.before), after: cut(after, classes.after) }];
}
