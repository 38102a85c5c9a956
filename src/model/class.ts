/** Water classes of GB 3838-2002, best first; `worse` is 劣Ⅴ, worse than class V. */
export const CLASSES = ['I', 'II', 'III', 'IV', 'V', 'worse'] as const;
export type WaterClass = (typeof CLASSES)[number];

/** A class that a water body may have to attain (GB 3838-2002 section 3); nothing aims at `worse`. */
export const TARGETS = ['I', 'II', 'III', 'IV', 'V'] as const;
export type TargetClass = (typeof TARGETS)[number];

/** River limits or lake and reservoir limits (GB 3838-2002 table 1 gives TP and TN apart). */
export type WaterBody = 'river' | 'lake';

/** One limit as it is compared: `range` is inclusive at both ends. */
export type Limit =
  | { op: '<='; value: number }
  | { op: '>='; value: number }
  | { op: 'range'; value: [number, number] };

/** Whether `value` meets the limit; limits are inclusive (GB 3838-2002 table 1 heading ≤, ≥). */
export function meets(value: number, limit: Limit): boolean {
  switch (limit.op) {
    case '<=':
      return value <= limit.value;
    case '>=':
      return value >= limit.value;
    case 'range':
      return value >= limit.value[0] && value <= limit.value[1];
  }
}
