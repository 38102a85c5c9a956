/**
 * Quality flags: the five of the QARTOD manuals, and what device letters mean in them.
 * The precedence is QARTOD's: fail beats suspect beats good beats not-evaluated; missing only stands alone.
 */
import type { LetterMeaning, Letters } from './dialect.ts';

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
const LETTERS: Letters = {
  N: 'usual',
  S: 'usual',
  T: 'suspect',
  L: 'suspect',
  F: 'fail',
  M: 'maintenance',
  D: 'fail',
  C: 'maintenance',
  B: 'fail',
  P: 'fail',
  Z: 'fail',
  hd: 'fail',
};

// What QARTOD's own numbers demand at least, as devices send them; "missing" of a value that is there is a failure.
const NUMBERS: Record<string, { meaning: LetterMeaning; floor: Flag }> = {
  '1': { meaning: 'usual', floor: GOOD },
  '2': { meaning: 'usual', floor: NOT_EVALUATED },
  '3': { meaning: 'suspect', floor: SUSPECT },
  '4': { meaning: 'fail', floor: FAIL },
  '9': { meaning: 'fail', floor: FAIL },
};

const FLOORS: Record<LetterMeaning, Flag | null> = {
  usual: null,
  suspect: SUSPECT,
  fail: FAIL,
  maintenance: FAIL,
  'below-detection': null,
  'above-range': null,
};

/**
 * What a device's own flag means: by the dialect that counts at the station, else as a letter of HJ 212-2017 or a QARTOD
 * number, exactly as sent (`HD` and `z` are no letters); null for one that nobody has explained.
 */
export function meaningOf(deviceFlag: string, letters: Letters | undefined): LetterMeaning | null {
  if (letters !== undefined && Object.hasOwn(letters, deviceFlag)) return letters[deviceFlag]!;
  if (Object.hasOwn(LETTERS, deviceFlag)) return LETTERS[deviceFlag]!;
  return numberOf(deviceFlag)?.meaning ?? null;
}

/**
 * What a device's own flag demands at least: `null` = nothing (usual, absent), else a flag that may only worsen ours. What
 * nobody has explained is suspect: it may be a check sample, and counts for nothing until a dialect says otherwise.
 */
export function deviceFloor(deviceFlag: string | null, letters: Letters | undefined): Flag | null {
  if (deviceFlag === null) return null;
  const isExplained = letters !== undefined && Object.hasOwn(letters, deviceFlag);
  const number = isExplained ? undefined : numberOf(deviceFlag);
  if (number) return number.floor;
  const meaning = meaningOf(deviceFlag, letters);
  return meaning === null ? SUSPECT : FLOORS[meaning];
}

/** A number however it is spelled: `4`, `4.0`. */
function numberOf(deviceFlag: string): (typeof NUMBERS)[string] | undefined {
  const number = deviceFlag === '' ? Number.NaN : Number(deviceFlag);
  return isFlag(number) ? NUMBERS[String(number)] : undefined;
}

/** Letters under which a reading without a value is still a sign of life: somebody is at work there; contracts §6. */
export function isServiceLetter(deviceFlag: string | null, letters: Letters | undefined): boolean {
  return deviceFlag !== null && meaningOf(deviceFlag, letters) === 'maintenance';
}

/** Whether nobody has said what this device flag means: its value is kept, told (`flag.unknown`) and used for nothing. */
export function isUnexplained(deviceFlag: string | null, letters: Letters | undefined): boolean {
  return deviceFlag !== null && meaningOf(deviceFlag, letters) === null;
}
