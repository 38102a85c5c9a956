/**
 * The two ways in which a rule of kind `threshold` says its limit: by the breach (`above`, `below`, `outside`), as
 * people speak and other tools do, or by what must hold (`op` and `limit`), as standards do. Pure.
 */
import type { Limit } from '#model/class.ts';

type Op = '<=' | '>=' | '<' | '>';
/** What a value must meet; the limits of `above`, `below` and `outside` themselves are no breach. */
export type Demand = Limit | { op: '<'; value: number } | { op: '>'; value: number };

/** The members that say a limit; of a step `op` is the rule's. */
export interface Threshold {
  above?: number | undefined;
  below?: number | undefined;
  outside?: [number, number] | undefined;
  op?: Op | undefined;
  limit?: number | undefined;
}

const BREACHES = ['above', 'below', 'outside'] as const;
/** The members of it that are given, in their order. */
export function limitsIn(given: Threshold): (keyof Threshold)[] {
  return ([...BREACHES, 'op', 'limit'] as const).filter((name) => given[name] !== undefined);
}

/** What must hold; null unless it is said in exactly one way. */
export function demandOf(given: Threshold): Demand | null {
  const { above, below, outside, op, limit } = given;
  const said = limitsIn(given);
  if (op !== undefined && limit !== undefined && said.length === 2) return { op, value: limit };
  if (said.length !== 1) return null;
  if (above !== undefined) return { op: '<=', value: above };
  if (below !== undefined) return { op: '>=', value: below };
  return outside === undefined ? null : { op: 'range', value: outside };
}

/** What a step further out demands: its own breach, or, by `limit`, the rule's with another number. */
export function stepDemandOf(rule: Threshold, { limit, ...breach }: Threshold): Demand | null {
  if (limit === undefined) return demandOf(breach);
  if (limitsIn(breach).length > 0) return null;
  const demand = demandOf(rule);
  return demand === null || demand.op === 'range' ? null : { ...demand, value: limit };
}

/** Whether whatever breaks `step` breaks `rule`, too. */
export function isFurtherOut(step: Demand, rule: Demand): boolean {
  const ends = ({ op, value }: Demand): [number, number] => {
    if (op === 'range') return value;
    return op === '<=' || op === '<' ? [Number.NEGATIVE_INFINITY, value] : [value, Number.POSITIVE_INFINITY];
  };
  const [[low, high], [from, to]] = [ends(step), ends(rule)];
  return low <= from && high >= to;
}

/** Why the limit isn't said in exactly one way, with the member that is to be mended; null when it is. */
export function faultOfThreshold(given: Threshold): { path: keyof Threshold; message: string } | null {
  const said = limitsIn(given);
  if (demandOf(given) !== null) return null;
  const breaches = said.filter((name) => name !== 'op' && name !== 'limit');
  if (said.length === 0) {
    return { path: 'above', message: 'say when it alarms: above, below or outside' };
  }
  if (breaches.length > 1) {
    return {
      path: breaches[1]!,
      message: `one of ${breaches.join(' and ')}; both sides of a range are outside: [low, high]`,
    };
  }
  if (breaches.length === 0) {
    const missing = given.op === undefined ? 'op' : 'limit';
    return { path: missing, message: 'op and limit belong together; above, below or outside say it in one' };
  }
  return {
    path: said.at(-1)!,
    message: `${breaches[0]} says when it alarms, op and limit what must hold: say one of them`,
  };
}
