/**
 * Assesses one sample (or one period's means) of a section by the single-factor rule: class, status, what breaks the
 * target, main pollutants, and why anything was left out. GB 3838-2002 section 5; 环办[2011]22号; 环办监测函〔2020〕82号.
 */
import { CLASSES, type Limit, type TargetClass, type WaterBody, type WaterClass } from '#model/class.ts';
import type { Parameter, Standard, StandardItem } from '#model/reference.ts';
import { classOf, limitFor, worstClass } from './classify.ts';
import { roundHalfEven } from './rounding.ts';

/** `evaluation`: to the decimals of the 2020 rules before anything is compared; `none`: as given. */
export const ROUNDINGS = ['evaluation', 'none'] as const;
export type Rounding = (typeof ROUNDINGS)[number];

export const NOT_ASSESSED = [
  'reference-indicator',
  'no-limit',
  'unknown-parameter',
  'not-measured',
  'negative',
  'impossible',
] as const;
type NotAssessed = (typeof NOT_ASSESSED)[number];

interface Breach {
  parameter: string;
  /** As compared, that is rounded when asked. */
  value: number;
  op: '<=' | '>=';
  limit: number;
  class: WaterClass;
  /** (value − limit) / limit; null for pH, DO and temperature. */
  multiple: number | null;
}

export interface SampleAssessment {
  /** Null when nothing could be assessed. */
  class: WaterClass | null;
  status: { zh: string; en: string } | null;
  rounding: Rounding;
  /** The parameters of that class; none when everything is of class I. */
  limiting: string[];
  /** What doesn't meet the target class. */
  breaches: Breach[];
  /** Against Class III whatever the target: at most three, worst first. */
  mainPollutants: { parameter: string; multiple: number | null }[];
  notAssessed: { parameter: string; reason: NotAssessed }[];
}

/** 环办[2011]22号 table of section status. */
const STATUS: Record<WaterClass, { zh: string; en: string }> = {
  I: { zh: '优', en: 'excellent' },
  II: { zh: '优', en: 'excellent' },
  III: { zh: '良好', en: 'good' },
  IV: { zh: '轻度污染', en: 'light pollution' },
  V: { zh: '中度污染', en: 'moderate pollution' },
  worse: { zh: '重度污染', en: 'heavy pollution' },
};

const MAIN_POLLUTANTS = 3;

interface Sample {
  waterBody: WaterBody;
  target: TargetClass | null;
  /** Parameter id → value in the canonical unit; null: not measured. */
  values: ReadonlyMap<string, number | null>;
  rounding: Rounding;
}

interface Judged {
  item: StandardItem;
  value: number;
  class: WaterClass;
}

export function assessSample(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  { waterBody, target, values, rounding }: Sample,
): SampleAssessment {
  const items = new Map(standard.items.map((item) => [item.parameter, item]));
  const judged: Judged[] = [];
  const notAssessed: SampleAssessment['notAssessed'] = [];
  for (const [parameter, value] of values) {
    const item = items.get(parameter);
    const found = judge(standard, parameters, item, { parameter, value, waterBody, rounding });
    if (typeof found === 'string') notAssessed.push({ parameter, reason: found });
    else judged.push(found);
  }
  const reached = worstClass(judged.map((one) => one.class));
  const against = (wanted: TargetClass) =>
    judged.flatMap((one) => breachOf(standard, parameters, waterBody, wanted, one));
  return {
    class: reached,
    status: reached && STATUS[reached],
    rounding,
    limiting:
      reached === null || reached === 'I'
        ? []
        : judged.filter((one) => one.class === reached).map(({ item }) => item.parameter),
    breaches: target === null ? [] : against(target),
    mainPollutants: mainPollutants(against('III'), items),
    notAssessed,
  };
}

function judge(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  item: StandardItem | undefined,
  {
    parameter,
    value,
    waterBody,
    rounding,
  }: Pick<Sample, 'waterBody' | 'rounding'> & { parameter: string; value: number | null },
): Judged | NotAssessed {
  if (!parameters.has(parameter)) return 'unknown-parameter';
  if (value === null) return 'not-measured';
  if (!item) return 'no-limit';
  if (!item.participates) return 'reference-indicator';
  if (value < 0) return 'negative';
  if (parameter === 'ph' && value > 14) return 'impossible';
  const compared = rounding === 'evaluation' && item.decimals !== null ? roundHalfEven(value, item.decimals) : value;
  const reached = classOf(standard, parameter, waterBody, compared);
  return reached === null ? 'no-limit' : { item, value: compared, class: reached };
}

function breachOf(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  waterBody: WaterBody,
  target: TargetClass,
  { item: { parameter }, value, class: reached }: Judged,
): Breach[] {
  const limit = limitFor(standard, parameter, waterBody, target);
  const side = limit && brokenSide(limit, value);
  if (!side) return [];
  const multiple = parameters.get(parameter)!.multiple ? (value - side.limit) / side.limit : null;
  return [{ parameter, value, ...side, class: reached, multiple }];
}

/** Which limit the value breaks; of a range the side (contracts §6); null when it meets it. */
function brokenSide(limit: Limit, value: number): { op: '<=' | '>='; limit: number } | null {
  if (limit.op === 'range') {
    const [low, high] = limit.value;
    if (value > high) return { op: '<=', limit: high };
    return value < low ? { op: '>=', limit: low } : null;
  }
  const isMet = limit.op === '<=' ? value <= limit.value : value >= limit.value;
  return isMet ? null : { op: limit.op, limit: limit.value };
}

/**
 * 环办[2011]22号: cyanide and heavy metals that exceed Class III first, then by class, worst first, then by multiple. A
 * section of status 优 or 良好 has none, since then nothing exceeds Class III.
 */
function mainPollutants(breaches: readonly Breach[], items: ReadonlyMap<string, StandardItem>) {
  const priority = ({ parameter }: Breach) => (items.get(parameter)!.priority ? 0 : 1);
  return breaches
    .toSorted(
      (a, b) =>
        priority(a) - priority(b) ||
        CLASSES.indexOf(b.class) - CLASSES.indexOf(a.class) ||
        (b.multiple ?? Number.NEGATIVE_INFINITY) - (a.multiple ?? Number.NEGATIVE_INFINITY) ||
        (a.parameter < b.parameter ? -1 : 1),
    )
    .slice(0, MAIN_POLLUTANTS)
    .map(({ parameter, multiple }) => ({ parameter, multiple }));
}
