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

/** Limits as numbers, best class first; a class without a limit is left out. */
type Ladder = readonly { target: TargetClass; limit: Limit }[];

interface PreparedItem {
  river: Ladder;
  lake: Ladder;
  participates: boolean;
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
  const rung = itemsOf(standard)
    .get(parameter)
    ?.[waterBody].find((candidate) => candidate.target === target);
  return rung?.limit ?? null;
}

/**
 * The best class whose limit `value` (canonical unit, unrounded) meets; `worse` when it meets none; null when the
 * standard has no class limits for this parameter and water body. `value` must be finite.
 */
export function classOf(standard: Standard, parameter: string, waterBody: WaterBody, value: number): WaterClass | null {
  const ladder = itemsOf(standard).get(parameter)?.[waterBody];
  if (!ladder || ladder.length === 0) return null;
  return ladder.find(({ limit }) => meets(value, limit))?.target ?? 'worse';
}

/** Whether the parameter takes part in a section's class (the 21 indicators of 环办[2011]22号). */
export function participates(standard: Standard, parameter: string): boolean {
  return itemsOf(standard).get(parameter)?.participates ?? false;
}

/** The worst of several classes: one indicator decides (一票否决). Null for none. */
export function worstClass(classes: Iterable<WaterClass>): WaterClass | null {
  let worst = -1;
  for (const reached of classes) worst = Math.max(worst, CLASSES.indexOf(reached));
  return CLASSES[worst] ?? null;
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
  return { river: ladderOf(item.op, item.river), lake: ladderOf(item.op, item.lake), participates: item.participates };
}

function ladderOf(op: StandardItem['op'], limits: StandardItem['river']): Ladder {
  // A limit on a man-made change of temperature says nothing about a single reading.
  if (op === 'delta') return [];
  return TARGETS.flatMap((target) => {
    const text = limits[target];
    return text === null ? [] : [{ target, limit: toLimit(op, text) }];
  });
}

function toLimit(op: 'range' | '<=' | '>=', text: string): Limit {
  if (op !== 'range') return { op, value: Number(text) };
  const [low, high] = text.split('~').map(Number) as [number, number];
  return { op, value: [low, high] };
}
