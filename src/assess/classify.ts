/**
 * Single-factor classification by a class-ladder standard (GB 3838-2002 section 5.1): which class one value reaches,
 * what the limit of a class is, and the worst of several classes. Limits are inclusive (section 3, table 1).
 */
import {
  CLASSES,
  type Limit,
  meets,
  TARGETS,
  type TargetClass,
  type WaterBody,
  type WaterClass,
} from '#model/class.ts';
import type { Standard, StandardItem } from '#model/reference.ts';

/** Limits as numbers in the order of `TARGETS`; none at all where the standard has none (its file may leave no gap). */
export type Ladder = readonly Limit[];

export interface PreparedItem {
  item: StandardItem;
  river: Ladder;
  lake: Ladder;
}

// Standards are immutable values that live as long as the process: each is parsed once.
const prepared = new WeakMap<Standard, ReadonlyMap<string, PreparedItem>>();

/** The limit of class `target`; null when the standard has none (temperature, total nitrogen in rivers, unknown items). */
export function limitFor(
  standard: Standard,
  parameter: string,
  waterBody: WaterBody,
  target: TargetClass,
): Limit | null {
  return itemsOf(standard).get(parameter)?.[waterBody][TARGETS.indexOf(target)] ?? null;
}

/**
 * The best class whose limit `value` (canonical unit, unrounded) meets; `worse` when it meets none; null when the
 * standard has no class limits for this parameter and water body. `value` must be finite.
 */
export function classOf(standard: Standard, parameter: string, waterBody: WaterBody, value: number): WaterClass | null {
  return classOn(ladderFor(standard, parameter, waterBody), value);
}

/** Of a parameter; empty where the standard has none. */
export function ladderFor(standard: Standard, parameter: string, waterBody: WaterBody): Ladder {
  return itemsOf(standard).get(parameter)?.[waterBody] ?? [];
}

/** As `classOf`. */
export function classOn(ladder: Ladder, value: number): WaterClass | null {
  const rank = rankOn(ladder, value);
  return rank === null ? null : CLASSES[rank]!;
}

/** Place in `CLASSES` of the best class whose limit holds; null without a ladder. */
export function rankOn(ladder: Ladder, value: number): number | null {
  if (ladder.length === 0) return null;
  let rank = 0;
  while (rank < ladder.length && !meets(value, ladder[rank]!)) rank++;
  return rank;
}

/** Whether the parameter takes part in a section's class (the 21 indicators of 环办[2011]22号). */
export function participates(standard: Standard, parameter: string): boolean {
  return itemsOf(standard).get(parameter)?.item.participates ?? false;
}

/** The worst of several classes: one indicator decides (一票否决). Null for none. */
export function worstClass(classes: Iterable<WaterClass>): WaterClass | null {
  let worst = -1;
  for (const reached of classes) worst = Math.max(worst, CLASSES.indexOf(reached));
  return CLASSES[worst] ?? null;
}

/** The item of the class ladder with its limits as numbers; undefined when the standard has none for the parameter. */
export function itemOf(standard: Standard, parameter: string): PreparedItem | undefined {
  return itemsOf(standard).get(parameter);
}

/**
 * The best class that the item's alternative reaches (饱和率 90 % instead of 7.5 mg/L of dissolved oxygen), null for none.
 * @param value of the alternative's own parameter.
 */
export function alternativeClass({ alternative }: StandardItem, value: number): WaterClass | null {
  if (!alternative) return null;
  const reached = TARGETS.find((target) => {
    const least = alternative.least[target];
    return least !== null && value >= Number(least);
  });
  return reached ?? null;
}

/** How far man may warm or cool the water, K of the weekly mean (GB 3838-2002 table 1 no. 1); null for other items. */
export function changeLimit({ op, river }: StandardItem, target: TargetClass): { rise: number; drop: number } | null {
  if (op !== 'delta') return null;
  const [, rise, drop] = /^rise<=(.+);drop<=(.+)$/.exec(river[target]!)!;
  return { rise: Number(rise), drop: Number(drop) };
}

function itemsOf(standard: Standard): ReadonlyMap<string, PreparedItem> {
  let items = prepared.get(standard);
  if (!items) {
    items = new Map(standard.items.map((item) => [item.parameter, prepare(item)]));
    prepared.set(standard, items);
  }
  return items;
}

function prepare(item: StandardItem): PreparedItem {
  return { item, river: ladderOf(item.op, item.river), lake: ladderOf(item.op, item.lake) };
}

function ladderOf(op: StandardItem['op'], limits: StandardItem['river']): Ladder {
  // A limit on a man-made change of temperature says nothing about a single reading.
  if (op === 'delta') return [];
  return TARGETS.flatMap((target) => {
    const text = limits[target];
    return text === null ? [] : toLimit(op, text);
  });
}

function toLimit(op: 'range' | '<=' | '>=', text: string): Limit {
  if (op !== 'range') return { op, value: Number(text) };
  const [low, high] = text.split('~').map(Number) as [number, number];
  return { op, value: [low, high] };
}
