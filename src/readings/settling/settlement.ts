/** What a value is to its series, and what a correction makes of a reading: the pure half of the `readings` follower. */
import type { Correction, Verdict } from '#model/entry.ts';
import { MISSING, NOT_EVALUATED } from '#model/flag.ts';
import { isSame, type Measurement, type Reading } from '#model/reading.ts';

export type Decision = 'new' | 'duplicate' | 'correction';

/** True for verdicts that the door couldn't be sure of: it neither knows old times nor what engineers have changed. */
export function isOpen(verdict: Verdict): boolean {
  return verdict === 'unsettled' || verdict === 'correction';
}

/**
 * The verdict on a value (design §2), which only values decide: the same value with another flag is a duplicate, `<0.02`
 * after 0.02 isn't. `replaced` = what engineers took out of this reading: a gateway that sends one of them again, as every
 * backfill does, must not undo the engineer's work, so it is a duplicate; a value never seen is a correction.
 */
export function decide(
  measured: Measurement,
  known: Reading | undefined,
  replaced: () => readonly Measurement[],
): Decision {
  if (!known) return 'new';
  return isSame(measured, known) || replaced().some((one) => isSame(measured, one)) ? 'duplicate' : 'correction';
}

/**
 * Refuses a correction that says nothing definite: `set` needs a finite value, `flag` needs a flag, and 9 is no flag
 * for a value (a reading has no value exactly when its flag is 9; `delete` makes it so).
 * @throws RangeError; the API refuses these first.
 */
export function assertCorrection({ action, value, flag }: Correction): void {
  if (action === 'set' && !Number.isFinite(value)) throw new RangeError('a correction that sets needs a finite value');
  if (action === 'flag' && flag === undefined) throw new RangeError('a correction that flags needs a flag');
  if (action !== 'delete' && flag === MISSING) throw new RangeError('flag 9 is for readings without a value');
}

/**
 * What a correction makes of a stored reading; the same object when nothing changes. A value that is set has lost
 * its device flag, which spoke of the old one, and without a flag of its own it counts as not evaluated until the
 * quality tests have seen it. There is no flagging a reading that has no value.
 */
export function corrected(reading: Reading, { action, value, flag }: Correction): Reading {
  const { timeMs, deviceFlag, censored } = reading;
  switch (action) {
    case 'set':
      if (isSame({ value: value! }, reading) && (flag ?? reading.flag) === reading.flag) return reading;
      return { timeMs, value: value!, flag: flag ?? NOT_EVALUATED, deviceFlag: null };
    case 'delete':
      return reading.value === null ? reading : { timeMs, value: null, flag: MISSING, deviceFlag: null };
    case 'flag':
      if (reading.value === null || flag === reading.flag) return reading;
      return { timeMs, value: reading.value, flag: flag!, deviceFlag, censored };
  }
}

/** Whether the correction pins its flag to this reading: it then stands above the quality tests. */
export function pinsFlag(reading: Reading, { action, flag }: Correction): boolean {
  return flag !== undefined && (action === 'set' || (action === 'flag' && reading.value !== null));
}
