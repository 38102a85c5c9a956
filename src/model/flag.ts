/**
 * Quality flags: the five of the QARTOD manuals, and what device letters mean in them.
 * The precedence is QARTOD's: fail beats suspect beats good beats not-evaluated; missing only stands alone.
 */

/** 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing. */
export type Flag = 1 | 2 | 3 | 4 | 9;

export const GOOD = 1;
export const NOT_EVALUATED = 2;
export const SUSPECT = 3;
export const FAIL = 4;
export const MISSING = 9;

// QARTOD's aggregation order, weakest first (ioos_qc `qartod_compare`: 9, 2, 1, 3, 4).
const RANK: Record<Flag, number> = { 9: 0, 2: 1, 1: 2, 3: 3, 4: 4 };

/** The stronger of two flags in QARTOD's order 9 < 2 < 1 < 3 < 4. */
export function worstFlag(a: Flag, b: Flag): Flag {
  return RANK[a] >= RANK[b] ? a : b;
}

/** Whether a reading of this flag enters statistics, volumes and water alarms. */
export function isUsable(flag: Flag): boolean {
  return flag === GOOD || flag === NOT_EVALUATED;
}

/** True for a number that is one of the five flags. */
export function isFlag(value: unknown): value is Flag {
  return value === 1 || value === 2 || value === 3 || value === 4 || value === 9;
}

// HJ 212-2017 table 8 letters and those of surface-water stations; contracts §3 "Flags".
const LETTERS: Record<string, Flag | null> = {
  N: null,
  S: null,
  T: SUSPECT,
  L: SUSPECT,
  F: FAIL,
  M: FAIL,
  D: FAIL,
  C: FAIL,
  B: FAIL,
  P: FAIL,
  Z: FAIL,
  hd: FAIL,
};

/**
 * What a device's own flag demands at least: `null` = nothing (N, S, absent), else a flag that may only worsen ours.
 * Numbers 1 to 4 and 9 are QARTOD's; an unknown letter is 2 with `known: false` (fault `flag.unknown`, value kept).
 */
export function deviceFloor(deviceFlag: string | null): { floor: Flag | null; known: boolean } {
  if (deviceFlag === null) return { floor: null, known: true };
  if (Object.hasOwn(LETTERS, deviceFlag)) return { floor: LETTERS[deviceFlag] ?? null, known: true };
  const number = Number(deviceFlag);
  if (deviceFlag !== '' && isFlag(number)) return { floor: number === MISSING ? FAIL : number, known: true };
  return { floor: NOT_EVALUATED, known: false };
}

/** Letters under which nobody is alarmed: maintenance (M) and calibration (C); contracts §6. */
export function isServiceLetter(deviceFlag: string | null): boolean {
  return deviceFlag === 'M' || deviceFlag === 'C';
}
