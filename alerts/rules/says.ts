/**
 * What a rule does, in one sentence, in Chinese and English: whoever puts a rule reads it said back, so that one that
 * reads the other way round is seen before it alarms. Pure; the words of each kind stand together.
 */

import { type Demand, demandOf } from '#model/alarms/threshold.ts';
import type { TargetClass } from '#model/class.ts';
import { durationMs } from '#model/duration.ts';
import type { Reference } from '#model/reference.ts';
import type { Rule, Station } from '#model/register.ts';
import { parametersOf, targetOf } from './conditions.ts';
import { selectStations } from './rules.ts';

export interface Says {
  zh: string;
  en: string;
}

type Stations = readonly { id: string; body: Station }[];
type Of<K extends Rule['kind']> = Rule & { kind: K };
/** A part of the sentence in both languages. */
const both = (zh: string, en: string): Says => ({ zh, en });
const NOTHING = both('', '');

/**
 * @param stations the register as it is: how many of them the rule is about.
 * @param reference for the names and units of parameters.
 */
export function saysOf(rule: Rule, stations: Stations, reference: Pick<Reference, 'parameters'>): Says {
  const what = { ...namesIn(rule, reference), where: placesOf(rule, stations) };
  const condition = conditionOf(rule, what);
  const lasting = lastingOf(rule);
  const off = rule.enabled ? NOTHING : both('（已停用）', ' (disabled)');
  const when = 'calendar' in rule && rule.calendar ? both('（仅在规定时段）', ' (in its calendar only)') : NOTHING;
  return both(
    `${what.where.zh}${spaced(`${condition.zh}${lasting.zh}`)}时报警${when.zh}${off.zh}`,
    `alarms when ${condition.en}${lasting.en}${what.where.en}${when.en}${off.en}`,
  );
}

/** Between a figure or a unit and the word after it stands a space. */
const spaced = (text: string): string => (/[!-~]$/.test(text) ? `${text} ` : text);

interface What {
  /** Null: whatever such a rule looks at. */
  names: Says | null;
  /** The unit with a space before it; a parameter without one has none. */
  unit: string;
  where: Says;
}

function namesIn(rule: Rule, { parameters }: Pick<Reference, 'parameters'>): Pick<What, 'names' | 'unit'> {
  const ids = rule.kind === 'expression' ? [] : (parametersOf(rule) ?? []);
  const units = ids.map((id) => ('unit' in rule ? rule.unit : undefined) ?? parameters.get(id)?.unit ?? '');
  // One figure about several units is of each in its own: the unit stands at the name, or pH would be in °C.
  const isMixed = SAYING_UNITS.has(rule.kind) && new Set(units).size > 1;
  const found = ids.map((id, index) => {
    const { zh, en } = parameters.get(id)?.name ?? both(id, id);
    const unit = units[index]!;
    return isMixed && !UNSAID.has(unit)
      ? both(`${zh}（${unit}）`, `${uncapped(en)} (${unit})`)
      : both(zh, uncapped(en));
  });
  const names = both(
    joined(
      found.map(({ zh }) => zh),
      '、',
      '或',
    ),
    joined(
      found.map(({ en }) => en),
      ', ',
      ' or ',
    ),
  );
  const unit = units[0] ?? '';
  return { names: found.length === 0 ? null : names, unit: isMixed || UNSAID.has(unit) ? '' : ` ${unit}` };
}

/** Kinds whose sentence has a figure of the parameter itself. */
const SAYING_UNITS: ReadonlySet<Rule['kind']> = new Set(['threshold', 'rate', 'flat-line']);

/** Units that nobody says. */
const UNSAID = new Set(['', '1', 'pH']);

/** `Ammonia nitrogen` within a sentence; `pH` and `BOD5` stay. */
function uncapped(name: string): string {
  return /^[A-Z][a-z]/.test(name) ? name[0]!.toLowerCase() + name.slice(1) : name;
}

function joined(names: readonly string[], comma: string, last: string): string {
  const head = names.slice(0, -1).join(comma);
  return names.length > 1 ? `${head}${last}${names.at(-1)}` : (names[0] ?? '');
}

/** Stations that the rule selects and that register what it looks at; those that it selects where none does. */
function placesOf(rule: Rule, stations: Stations): Says {
  const selected = selectStations(rule, stations).filter(
    ({ body }) => (rule.kind !== 'class' && rule.kind !== 'assessed') || targetOf(rule, body) !== null,
  );
  const ids = new Set(parametersOf(rule));
  const measuring = selected.filter(({ body }) =>
    body.parameters.some(
      ({ id, interval }) => (ids.size === 0 || ids.has(id)) && (rule.kind !== 'missing' || interval !== undefined),
    ),
  );
  const count = (measuring.length > 0 ? measuring : selected).length;
  return both(`${count} 个站点的`, ` at ${count} ${count === 1 ? 'station' : 'stations'}`);
}

function lastingOf(rule: Rule): Says {
  const parts: Says[] = [];
  if ('for' in rule && rule.for !== undefined && durationMs(rule.for) > 0 && rule.kind !== 'missing') {
    const { zh, en } = lengthOf(rule.for);
    parts.push(both(`持续 ${zh}`, ` for ${en}`));
  }
  if ('minSamples' in rule && (rule.minSamples ?? 1) > 1 && rule.kind !== 'rate' && rule.kind !== 'flat-line') {
    parts.push(both(`连续 ${rule.minSamples} 次`, `, ${rule.minSamples} times in a row`));
  }
  if ('periods' in rule && rule.periods > 1) {
    parts.push(both(`连续 ${rule.periods} 次`, `, ${rule.periods} times in a row`));
  }
  return both(parts.map(({ zh }) => `，${zh}`).join(''), parts.map(({ en }) => en).join(''));
}

function conditionOf(rule: Rule, what: What): Says {
  switch (rule.kind) {
    case 'class':
      return classWords(rule, what);
    case 'threshold':
      return thresholdWords(rule, what);
    case 'quality':
      return both(
        `${what.names?.zh ?? '任一指标'}的数据可疑或不合格`,
        `a sensor's readings${what.names ? ` of ${what.names.en}` : ''} are suspect or bad`,
      );
    case 'rate':
      return rateWords(rule, what);
    case 'flat-line':
      return flatWords(rule, what);
    case 'expression':
      return both(`“${rule.when}”成立`, `"${rule.when}" is true`);
    case 'missing':
      return missingWords(rule, what);
    case 'assessed':
      return assessedWords(rule, what);
    case 'volume-balance':
      return balanceWords(rule);
    case 'meter-disagreement': {
      const { zh, en } = PERIODS[rule.period];
      const share = percent(rule.maxShare);
      return both(
        `同一水流的两个计量点${zh}水量相差超过 ${share}`,
        `two meters of the same water differ by more than ${share} over ${en}`,
      );
    }
  }
}

const NUMERALS: Record<TargetClass, string> = { I: 'Ⅰ', II: 'Ⅱ', III: 'Ⅲ', IV: 'Ⅳ', V: 'Ⅴ' };

function targetWords(target: Of<'class'>['target']): Says {
  if (target === 'station') return both('该站目标类别', "its station's target class");
  return both(`${NUMERALS[target]}类`, `Class ${target}`);
}

function classWords({ target }: Of<'class'>, { names }: What): Says {
  const { zh, en } = targetWords(target);
  return both(
    `${names?.zh ?? '任一评价指标'}劣于${zh}`,
    `${names?.en ?? 'an indicator of water class'} is worse than ${en}`,
  );
}

function thresholdWords(rule: Of<'threshold'>, { names, unit }: What): Says {
  const beyond = beyondWords(demandOf(rule), unit);
  return both(`${names?.zh ?? ''}${beyond.zh}`, `${names?.en ?? ''} is ${beyond.en}`);
}

/** What breaks a demand. */
function beyondWords(demand: Demand | null, unit: string): Says {
  switch (demand?.op) {
    case '<=':
      return both(`高于 ${demand.value}${unit}`, `above ${demand.value}${unit}`);
    case '>=':
      return both(`低于 ${demand.value}${unit}`, `below ${demand.value}${unit}`);
    case '<':
      return both(`达到或高于 ${demand.value}${unit}`, `at or above ${demand.value}${unit}`);
    case '>':
      return both(`达到或低于 ${demand.value}${unit}`, `at or below ${demand.value}${unit}`);
    case 'range': {
      const [low, high] = demand.value;
      return both(`低于 ${low} 或高于 ${high}${unit}`, `below ${low} or above ${high}${unit}`);
    }
    default:
      return NOTHING;
  }
}

const DIRECTIONS: Record<Of<'rate'>['direction'], Says> = {
  rising: both('上升', 'rises'),
  falling: both('下降', 'falls'),
  either: both('变化', 'changes'),
};

function rateWords({ direction, limit, over }: Of<'rate'>, { names, unit }: What): Says {
  const { zh, en } = DIRECTIONS[direction];
  const length = lengthOf(over);
  return both(
    `${names?.zh ?? ''}在 ${length.zh}内${zh}超过每小时 ${limit}${unit}`,
    `${names?.en ?? ''} ${en} by more than ${limit}${unit} an hour over ${length.en}`,
  );
}

function flatWords({ tolerance, over }: Of<'flat-line'>, { names, unit }: What): Says {
  const length = lengthOf(over);
  return both(
    `${names?.zh ?? ''}在 ${length.zh}内变化不超过 ${tolerance}${unit}`,
    `${names?.en ?? ''} stays within ${tolerance}${unit} over ${length.en}`,
  );
}

function missingWords({ for: lasting }: Of<'missing'>, { names }: What): Says {
  const length =
    lasting === undefined
      ? both('三个采样间隔（至少 5 分钟）', 'three intervals (at least 5 minutes)')
      : lengthOf(lasting);
  return both(
    `${length.zh}内没有收到${names?.zh ?? '应有的数据'}`,
    `nothing is heard of ${names?.en ?? 'what is expected'} for ${length.en}`,
  );
}

const PERIODS: Record<'hour' | 'day' | 'month', Says> = {
  hour: both('一小时', 'an hour'),
  day: both('一日', 'a day'),
  month: both('一月', 'a month'),
};

function assessedWords({ period, target }: Of<'assessed'>, { names }: What): Says {
  const [span, { zh, en }] = [PERIODS[period], targetWords(target)];
  return both(
    `${names?.zh ?? '任一评价指标'}${span.zh}的均值劣于${zh}`,
    `the mean of ${span.en} of ${names?.en ?? 'an indicator of water class'} is worse than ${en}`,
  );
}

function balanceWords({ period, maxLossShare, minLossShare }: Of<'volume-balance'>): Says {
  const span = PERIODS[period];
  const [most, least] = [percent(maxLossShare), minLossShare === undefined ? null : percent(minLossShare)];
  return both(
    `${span.zh}的水量损失率高于 ${most}${least === null ? '' : `或低于 ${least}`}`,
    `the share of the intake lost over ${span.en} is above ${most}${least === null ? '' : ` or below ${least}`}`,
  );
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(12))} %`;
}

const UNITS: readonly [ms: number, zh: string, en: string][] = [
  [86_400_000, '天', 'day'],
  [3_600_000, '小时', 'hour'],
  [60_000, '分钟', 'minute'],
  [1000, '秒', 'second'],
];

/** `1 hour 30 minutes`. */
function lengthOf(duration: string): Says {
  let left = durationMs(duration);
  const parts: Says[] = [];
  for (const [ms, zh, en] of UNITS) {
    const count = Math.floor(left / ms);
    left -= count * ms;
    if (count > 0) parts.push(both(`${count} ${zh}`, `${count} ${en}${count === 1 ? '' : 's'}`));
  }
  return both(parts.map(({ zh }) => zh).join(' '), parts.map(({ en }) => en).join(' '));
}
