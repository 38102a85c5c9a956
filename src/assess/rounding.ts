/** Rounding by GB/T 8170: half to even, in one step, on the decimal digits that a number prints as and not on its bits. */

/**
 * `value` to so many decimals. Digits are those of the shortest decimal that means this double, which is what was sent and
 * what people read: 4.05 is a tie, though the double is a little more. What would become 0 without being 0 keeps one
 * significant figure, rounded by the same rule: 0.0025 is 0.002 (the 2020 rules for evaluation data).
 * @param value finite. @param decimals 0 to 9.
 */
export function roundHalfEven(value: number, decimals: number): number {
  const scaled = Math.abs(value) * 10 ** decimals;
  // Far from a tie the bits can't mislead: the nearest integer over a power of ten is the nearest double to that decimal.
  if (scaled >= 1 && scaled < SURE_MAX && Math.abs(scaled - Math.floor(scaled) - 0.5) > SURE_DISTANCE) {
    const magnitude = Math.round(scaled) / 10 ** decimals;
    return value < 0 ? -magnitude : magnitude;
  }
  return roundDigits(value, decimals);
}

/** Multiplying errs by less than 2⁻⁵² of a product up to 2³⁰, some thousandfold less than this distance. */
const SURE_MAX = 2 ** 30;
const SURE_DISTANCE = 1e-3;

function roundDigits(value: number, decimals: number): number {
  const { negative, digits, exponent } = decimalOf(value);
  // value = 0.d₁d₂d₃… × 10^exponent; so many of its digits stand before the cut.
  const kept = exponent + decimals;
  if (kept >= digits.length) return value;
  const rounded = kept < 0 ? '' : cut(digits, kept);
  const magnitude =
    Number(rounded) === 0 ? Number(`${cut(digits, 1)}e${exponent - 1}`) : Number(`${rounded}e${-decimals}`);
  return negative ? -magnitude : magnitude;
}

/** The first `kept` digits as an integer, rounded by those that follow. */
function cut(digits: string, kept: number): string {
  const head = BigInt(digits.slice(0, kept) || '0');
  const next = digits.charCodeAt(kept) - 48;
  const isTie = next === 5 && /^0*$/.test(digits.slice(kept + 1));
  const goesUp = isTie ? head % 2n === 1n : next >= 5;
  return String(goesUp ? head + 1n : head);
}

/** 0.DIGITS × 10^exponent, without leading zeros in DIGITS. */
function decimalOf(value: number): { negative: boolean; digits: string; exponent: number } {
  const [mantissa, power] = Math.abs(value).toExponential().split('e') as [string, string];
  return { negative: value < 0, digits: mantissa.replace('.', ''), exponent: Number(power) + 1 };
}
