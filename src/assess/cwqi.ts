/**
 * The city water quality index, CWQI: 城市地表水环境质量排名技术规定（试行） 2017. Formulas from two public implementations and
 * news of the rule (secondary; how rivers and lakes are weighed is own knowledge). Smaller is better.
 */
import type { WaterBody } from '#model/class.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { limitFor } from './classify.ts';
import { meanOf } from './period-mean.ts';

export interface Cwqi {
  /** The sum over the indicators that were measured; null for none. */
  index: number | null;
  indices: Record<string, number>;
  /** Of the 21 those without a mean. Only indices of the same indicators compare. */
  missing: string[];
}

/** One section's period means (unrounded), or the means of several sections of one kind of water body. */
export function cwqi(standard: Standard, waterBody: WaterBody, means: ReadonlyMap<string, number | null>): Cwqi {
  const indices: Record<string, number> = {};
  const missing: string[] = [];
  let sum: number | null = null;
  for (const { parameter, participates } of standard.items) {
    if (!participates) continue;
    const value = means.get(parameter) ?? null;
    const index = value === null ? null : indexOf(standard, waterBody, parameter, value);
    if (index === null || !Number.isFinite(index) || index < 0) {
      missing.push(parameter);
      continue;
    }
    indices[parameter] = index;
    sum = (sum ?? 0) + index;
  }
  return { index: sum, indices, missing };
}

/** C / C_III; of dissolved oxygen the reverse; of pH its distance from 7, as a share of the room on that side. */
function indexOf(standard: Standard, waterBody: WaterBody, parameter: string, value: number): number | null {
  const limit = limitFor(standard, parameter, waterBody, 'III');
  if (!limit) return null;
  switch (limit.op) {
    case '<=':
      return value / limit.value;
    case '>=':
      return limit.value / value;
    case 'range':
      return value <= 7 ? (7 - value) / (7 - limit.value[0]) : (value - 7) / (limit.value[1] - 7);
  }
}

export interface CityCwqi {
  index: number | null;
  river: Cwqi | null;
  lake: Cwqi | null;
}

/**
 * Of a city's sections: means over its river sections, over its lake points, an index of each, weighed by their numbers:
 * (CWQI_river × M + CWQI_lake × N) / (M + N).
 */
export function cityCwqi(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  sections: readonly { waterBody: WaterBody; means: ReadonlyMap<string, number | null> }[],
): CityCwqi {
  const of = (waterBody: WaterBody) => {
    const own = sections.filter((section) => section.waterBody === waterBody);
    if (own.length === 0) return null;
    return { count: own.length, index: cwqi(standard, waterBody, meansOver(parameters, own)) };
  };
  const [river, lake] = [of('river'), of('lake')];
  const parts = [river, lake].flatMap((one) => (one?.index.index == null ? [] : { ...one, value: one.index.index }));
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const index = count === 0 ? null : parts.reduce((sum, part) => sum + part.value * part.count, 0) / count;
  return { index, river: river?.index ?? null, lake: lake?.index ?? null };
}

/** Each indicator's mean over those sections that have one. */
export function meansOver(
  parameters: ReadonlyMap<string, Parameter>,
  sections: readonly { means: ReadonlyMap<string, number | null> }[],
): Map<string, number | null> {
  const lists = new Map<string, number[]>();
  for (const { means } of sections) {
    for (const [parameter, value] of means) {
      if (value === null) continue;
      const list = lists.get(parameter);
      if (list) list.push(value);
      else lists.set(parameter, [value]);
    }
  }
  return new Map([...lists].map(([id, values]) => [id, meanOf(values, parameters.get(id)?.mean ?? 'arithmetic')]));
}

/** ΔCWQI = (after − before) / before; negative is better. Null unless both are of the same indicators. */
export function cwqiChange(before: CityCwqi, after: CityCwqi): number | null {
  const same = (a: Cwqi | null, b: Cwqi | null) => a?.missing.join() === b?.missing.join();
  if (!before.index || after.index === null) return null;
  if (!same(before.river, after.river) || !same(before.lake, after.lake)) return null;
  return (after.index - before.index) / before.index;
}
