/**
 * Assesses one sample (or one period's means) of a section by the single-factor rule: class, status, what breaks the
 * target, main pollutants, and why anything was left out. GB 3838-2002 section 5; 环办[2011]22号; 环办监测函〔2020〕82号.
 */
import { CLASSES, type Limit, TARGETS, type TargetClass, type WaterBody, type WaterClass } from '#model/class.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { classOf, itemOf, limitFor } from './classify.ts';
import {
  compared,
  counted,
  type Judged,
  judge,
  type Measured,
  type NotAssessed,
  type Rounding,
  type Sample,
  USUAL_TARGET,
} from './judge.ts';

export interface Breach {
  parameter: string;
  /** As compared, that is rounded when asked. */
  value: number;
  op: '<=' | '>=';
  limit: number;
  class: WaterClass;
  /** (value − limit) / limit; null for pH, DO and temperature. */
  multiple: number | null;
}

/** How much of the target's limit is left; negative where it is broken. */
export interface Headroom {
  parameter: string;
  value: number;
  op: '<=' | '>=';
  limit: number;
  /** In the parameter's unit; of pH to the nearer end. */
  amount: number;
  /** Of the limit; null where no multiple is stated (pH, DO, temperature). */
  share: number | null;
}

/** An indicator outside the 21, reported beside the class and never part of it. */
interface Beside {
  parameter: string;
  value: number;
  /** Null where the standard has no class for it: temperature, total nitrogen in rivers. */
  class: WaterClass | null;
}

export interface SampleAssessment {
  /** Null when nothing could be assessed. */
  class: WaterClass | null;
  status: Status | null;
  rounding: Rounding;
  /** The parameters of that class; none when everything is of class I. */
  limiting: string[];
  /** What doesn't meet the target class. */
  breaches: Breach[];
  /** Against Class III whatever the target: at most three, worst first. */
  mainPollutants: { parameter: string; multiple: number | null }[];
  notAssessed: { parameter: string; reason: NotAssessed }[];
  /** What the class is made of. */
  indicators: { parameter: string; value: number; class: WaterClass }[];
  /** Of everything with a limit of the target class; empty without a target. */
  headroom: Headroom[];
  beside: Beside[];
  /** Beyond the measuring range (a unit off by 1000, say). They count all the same: a breach must not be hidden. */
  implausible: { parameter: string; value: number; range: [number, number] }[];
}

export interface Status {
  zh: string;
  en: string;
}

/** 环办[2011]22号 table of section status. */
export const STATUS: Record<WaterClass, Status> = {
  I: { zh: '优', en: 'excellent' },
  II: { zh: '优', en: 'excellent' },
  III: { zh: '良好', en: 'good' },
  IV: { zh: '轻度污染', en: 'light pollution' },
  V: { zh: '中度污染', en: 'moderate pollution' },
  worse: { zh: '重度污染', en: 'heavy pollution' },
};

const MAIN_POLLUTANTS = 3;
export function assessSample(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  sample: Sample,
): SampleAssessment {
  const { waterBody, target, values, rounding } = sample;
  const judged: Judged[] = [];
  const notAssessed: SampleAssessment['notAssessed'] = [];
  const beside: Beside[] = [];
  const implausible: SampleAssessment['implausible'] = [];
  let worst = -1;
  for (const [parameter, measured] of values) {
    const known = parameters.get(parameter);
    const found = judge(standard, known, sample, measured);
    if (typeof found === 'object') {
      judged.push(found);
      if (found.rank > worst) worst = found.rank;
    } else {
      notAssessed.push({ parameter, reason: found });
      if (found === 'reference-indicator') beside.push(...besideOf(standard, sample, known!, measured));
    }
    const range = known?.qc.fail;
    if (typeof measured === 'number' && range && measured > range[1]) {
      implausible.push({ parameter, value: measured, range });
    }
  }
  const reached = CLASSES[worst] ?? null;
  return {
    class: reached,
    status: reached && STATUS[reached],
    rounding,
    limiting: worst <= 0 ? [] : judged.flatMap(({ rank, parameter }) => (rank === worst ? parameter.id : [])),
    breaches: target === null ? [] : breachesOf(judged, waterBody, target),
    mainPollutants: mainPollutants(judged, waterBody),
    notAssessed,
    indicators: judged.map(({ parameter, value, rank }) => ({ parameter: parameter.id, value, class: CLASSES[rank]! })),
    headroom: target === null ? [] : headroomOf(judged, waterBody, target),
    beside,
    implausible,
  };
}

function besideOf(standard: Standard, sample: Sample, { id: parameter, qc }: Parameter, measured: Measured): Beside[] {
  if (measured === null) return [];
  const given = counted(measured);
  // Temperature may be a little below 0, a concentration may not.
  if (!Number.isFinite(given) || given < (qc.fail?.[0] ?? 0)) return [];
  const value = compared(itemOf(standard, parameter)!, sample.rounding, given);
  return [{ parameter, value, class: classOf(standard, parameter, sample.waterBody, value) }];
}

function breachesOf(judged: readonly Judged[], waterBody: WaterBody, target: TargetClass): Breach[] {
  const wanted = TARGETS.indexOf(target);
  const breaches: Breach[] = [];
  for (const { prepared, parameter, value, rank } of judged) {
    // By rank: an alternative may serve where the value alone breaks the limit.
    if (rank <= wanted) continue;
    const side = sideOf(prepared[waterBody][wanted]!, value);
    const multiple = parameter.multiple ? (value - side.limit) / side.limit : null;
    breaches.push({ parameter: parameter.id, value, op: side.op, limit: side.limit, class: CLASSES[rank]!, multiple });
  }
  return breaches;
}

/** Which limit the value breaks; of a range the side (contracts §6); null when it meets it. */
export function brokenSide(limit: Limit, value: number): { op: '<=' | '>='; limit: number } | null {
  const nearest = sideOf(limit, value);
  const isMet = nearest.op === '<=' ? value <= nearest.limit : value >= nearest.limit;
  return isMet ? null : nearest;
}

/** Of a range the end that is nearer or broken. */
function sideOf(limit: Limit, value: number): { op: '<=' | '>='; limit: number } {
  if (limit.op !== 'range') return { op: limit.op, limit: limit.value };
  const [low, high] = limit.value;
  return high - value <= value - low ? { op: '<=', limit: high } : { op: '>=', limit: low };
}

function headroomOf(judged: readonly Judged[], waterBody: WaterBody, target: TargetClass): Headroom[] {
  const wanted = TARGETS.indexOf(target);
  return judged.map(({ prepared, parameter, value }) => {
    const { op, limit } = sideOf(prepared[waterBody][wanted]!, value);
    const amount = op === '<=' ? limit - value : value - limit;
    return { parameter: parameter.id, value, op, limit, amount, share: parameter.multiple ? amount / limit : null };
  });
}

/**
 * 环办[2011]22号: cyanide and heavy metals that exceed Class III first, then by class, worst first, then by multiple. A
 * section of status 优 or 良好 has none, since then nothing exceeds Class III.
 */
function mainPollutants(judged: readonly Judged[], waterBody: WaterBody): SampleAssessment['mainPollutants'] {
  const wanted = TARGETS.indexOf(USUAL_TARGET);
  const exceeding = judged.flatMap(({ prepared, parameter, value, rank }) => {
    if (rank <= wanted) return [];
    const { limit } = sideOf(prepared[waterBody][wanted]!, value);
    const multiple = parameter.multiple ? (value - limit) / limit : null;
    return [{ parameter: parameter.id, multiple, rank, isFirst: prepared.item.priority }];
  });
  return exceeding
    .sort(
      (a, b) =>
        Number(b.isFirst) - Number(a.isFirst) ||
        b.rank - a.rank ||
        (b.multiple ?? Number.NEGATIVE_INFINITY) - (a.multiple ?? Number.NEGATIVE_INFINITY) ||
        (a.parameter < b.parameter ? -1 : 1),
    )
    .slice(0, MAIN_POLLUTANTS)
    .map(({ parameter, multiple }) => ({ parameter, multiple }));
}

/** What breaks the target in a single reading, unrounded: what operators are alarmed by, never what reports are made of. */
export function instantaneousBreach(
  standard: Standard,
  waterBody: WaterBody,
  target: TargetClass,
  { parameter, min, max }: { parameter: string; min: number; max: number },
): { parameter: string; value: number; op: '<=' | '>='; limit: number }[] {
  const limit = limitFor(standard, parameter, waterBody, target);
  if (!limit) return [];
  return (min === max ? [min] : [min, max]).flatMap((value) => {
    const side = brokenSide(limit, value);
    return side ? [{ parameter, value, ...side }] : [];
  });
}
