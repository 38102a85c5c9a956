/**
 * What a sent name, unit, value or flag means here. Pure; the same for every codec. Every refusal is a value (a Fault),
 * and every number that comes out is finite and in the parameter's canonical unit.
 */
import type { Fault } from '#model/faults.ts';
import { meaningOf } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { converted, type Parameter, type Reference } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import { conversionOf } from '#model/units.ts';
import { detectionLimitOf, type Thresholds } from '#quality/thresholds.ts';
import { NOT_FINITE, NUMBER, shortened } from './codecs/codec.ts';
import { laboratoryResult } from './codecs/result.ts';

/** Larger magnitudes are refused: sums over ten years of them would no longer be finite. */
const VALUE_MAX = 1e300;

/** Device flags are a letter or two; what is longer is cut, so that one can't fill the journal. */
const DEVICE_FLAG_LENGTH = 16;

/** A value as it will be journaled; an object that is filled again and again, because this is the hot path. */
export interface Quantity {
  /** Canonical unit; null = measured nothing. */
  value: number | null;
  deviceFlag: string | null;
  /** Whether the value is a limit, beyond which the true one lies: as sent, then as `censor` finds. */
  censored: Censored | undefined;
}

/**
 * The parameter that a gateway means: by id, else by alias or HJ code whatever its case.
 * @returns undefined for `parameter.unknown`.
 */
export function parameterOf(reference: Reference, name: string): Parameter | undefined {
  const exact = reference.parameters.get(name);
  if (exact) return exact;
  const id = reference.aliases.get(name) ?? reference.aliases.get(name.toLowerCase());
  return id === undefined ? undefined : reference.parameters.get(id);
}

/**
 * Reads one value as sent (a number, null or `{ value, unit?, flag?, censored? }`) into `quantity`.
 * @param unstated the unit of a value that is sent without one; by default the canonical one.
 * @param isTextNumber whether this gateway may send numbers in quotation marks (`numbersAsText`).
 * @param station whose detection limits `ND` and `未检出` are below.
 * @returns null, or the fault for which this value is quarantined; `quantity` is then meaningless.
 */
export function quantityOf(
  sent: unknown,
  parameter: Parameter,
  quantity: Quantity,
  unstated: string | undefined = undefined,
  isTextNumber = false,
  station: Station | undefined = undefined,
): Fault | null {
  quantity.deviceFlag = null;
  quantity.censored = undefined;
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    return readValue(sent, unstated, parameter, quantity, isTextNumber, station);
  }
  const { value, unit, flag, censored } = sent as Record<'value' | 'unit' | 'flag' | 'censored', unknown>;
  if (flag !== undefined && flag !== null) readFlag(flag, quantity);
  if (censored === '<' || censored === '>') quantity.censored = censored;
  else if (censored !== undefined && censored !== null && censored !== '') {
    return { code: 'sample.malformed', message: `censored is "<" or ">", not ${shown(censored)}.` };
  }
  return readValue(value, unit ?? unstated, parameter, quantity, isTextNumber, station);
}

function readValue(
  value: unknown,
  unit: unknown,
  parameter: Parameter,
  quantity: Quantity,
  isTextNumber: boolean,
  station: Station | undefined,
): Fault | null {
  if (value === null) {
    quantity.value = null;
    quantity.censored = undefined;
    return null;
  }
  const number = typeof value === 'string' ? (numberIn(value, isTextNumber) ?? limitIn(value, quantity)) : value;
  if (typeof number !== 'number') {
    const fault = notFound(value, parameter, station, quantity);
    return fault === undefined ? notANumber(value) : fault;
  }
  if (!isTakable(number)) return notFinite(number);
  let canonical = number;
  if (unit !== undefined && unit !== null && unit !== '' && unit !== parameter.unit) {
    const conversion = typeof unit === 'string' ? conversionOf(parameter, unit) : undefined;
    if (conversion === undefined) {
      return { code: 'unit.unknown', message: `${parameter.id} can't be converted from ${shown(unit)}.` };
    }
    // × 1 and + 0 leave a double as it is.
    canonical = converted(number, conversion);
    if (!isTakable(canonical)) return notFinite(number);
  }
  // A negative zero is zero: no store keeps the difference, and no sensor means one.
  quantity.value = canonical + 0;
  return null;
}

/** The number that a text holds; NaN for `NAN` and the like; null = none, or one that this gateway may not send as text. */
function numberIn(text: string, isTextNumber: boolean): number | null {
  const trimmed = text.trim();
  if (NOT_FINITE.test(trimmed)) return Number.NaN;
  return isTextNumber && NUMBER.test(trimmed) ? Number(trimmed) : null;
}

/** The limit that a text such as `<0.02`, `0.025L` or `>24000` states, and in `quantity` on which side of it the value lies. */
function limitIn(text: string, quantity: Quantity): number | null {
  const result = laboratoryResult(text);
  if (result === null || 'value' in result || 'notFound' in result) return null;
  quantity.censored = 'below' in result ? '<' : '>';
  return 'below' in result ? result.below : result.above;
}

/**
 * A text that says that nothing was found (`ND`, `未检出`) is below the detection limit that is known, else it says too little.
 * @returns undefined for any other text.
 */
function notFound(
  value: unknown,
  parameter: Parameter,
  station: Station | undefined,
  quantity: Quantity,
): Fault | null | undefined {
  const result = typeof value === 'string' ? laboratoryResult(value) : null;
  if (result === null || !('notFound' in result)) return undefined;
  const limit = detectionLimitOf(parameter, station);
  if (limit === undefined) {
    const remedy = `send the limit with it, as "<0.02", or set the detectionLimit of ${parameter.id} at the station`;
    return { code: 'value.not-a-number', message: `${shown(value)} does not say below what: ${remedy}.` };
  }
  quantity.value = limit;
  quantity.censored = '<';
  return null;
}

function notANumber(value: unknown): Fault {
  const isNumber = typeof value === 'string' && NUMBER.test(value.trim());
  const remedy = isNumber ? ': send numbers without quotation marks, or set `numbersAsText` for the gateway' : '';
  return { code: 'value.not-a-number', message: `${shown(value)} is not a number${remedy}.` };
}

function isTakable(value: number): boolean {
  return value >= -VALUE_MAX && value <= VALUE_MAX;
}

function notFinite(value: number): Fault {
  const reason = Number.isFinite(value) ? `${value} is beyond ±${VALUE_MAX}` : 'The value is not finite';
  return { code: 'value.not-finite', message: `${reason}.` };
}

/** An empty flag says nothing; one that is neither text nor a number is shown as its kind, which nobody explains. */
function readFlag(flag: unknown, quantity: Quantity): void {
  const isPlain = typeof flag === 'string' || typeof flag === 'number';
  const text = (isPlain ? String(flag) : `(${typeof flag})`).trim();
  if (text === '') return;
  quantity.deviceFlag = shortened(text, DEVICE_FLAG_LENGTH);
}

/**
 * Makes a limit of what the instrument couldn't tell (contracts §3 "Flags"): a value under a letter that means so here, and
 * one below the detection limit that its device says nothing against. A limit of the register goes before the value sent
 * (which is the instrument's limit, as a rule), and a limit that was sent as one before everything. What is below the
 * physical range is no trace of anything, and stays as it is to be flagged.
 */
export function censor(quantity: Quantity, { letters, detectionLimit, fail }: Thresholds): void {
  const { value, deviceFlag } = quantity;
  if (value === null || quantity.censored !== undefined) return;
  if (deviceFlag === null && detectionLimit === undefined) return;
  const meaning = deviceFlag === null ? 'usual' : meaningOf(deviceFlag, letters);
  if (meaning === 'above-range') quantity.censored = '>';
  if (meaning === 'below-detection') {
    quantity.censored = '<';
    quantity.value = detectionLimit ?? value;
  }
  if (meaning !== 'usual' || detectionLimit === undefined) return;
  if (value >= detectionLimit || (fail !== null && value < fail[0])) return;
  quantity.censored = '<';
  quantity.value = detectionLimit;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `"${shortened(value)}"`;
  if (value === undefined) return 'Nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'A list' : 'An object';
  return String(value);
}
