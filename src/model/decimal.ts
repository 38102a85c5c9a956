/**
 * Comparing what is computed with a limit as people do, by decimals: 0.4 less 0.3 is 0.1, which is at a limit of 0.1,
 * although its double is 0.10000000000000003. A number means the shortest decimal that its double prints as, which is what
 * was sent. Floats decide wherever their noise can't; only what lies within it is worked out exactly.
 */

/** What a handful of operations on doubles may lose, as a share of the magnitudes that take part. */
const NOISE = 2 ** -49;

/**
 * The sign of |to − from| × times − limit × limitTimes. A few nanoseconds unless it is nearly a tie.
 * @param limit an infinite one is beyond everything that is finite.
 */
export function compareChange(from: number, to: number, limit: number, times = 1, limitTimes = 1): -1 | 0 | 1 {
  // No change at all is the most usual one, and exact.
  if (from === to) return limit > 0 ? -1 : limit < 0 ? 1 : 0;
  const over = Math.abs(to - from) * times - limit * limitTimes;
  const noise = NOISE * ((Math.abs(from) + Math.abs(to)) * times + Math.abs(limit * limitTimes));
  if (over > noise) return 1;
  if (over < -noise) return -1;
  if (!Number.isFinite(over)) return over > 0 ? 1 : -1;
  const [low, high] = from < to ? [from, to] : [to, from];
  return exactSign([
    [times, high],
    [-times, low],
    [-limitTimes, limit],
  ]);
}

/** The sign of the sum of products, of finite numbers. */
export function signOfSum(terms: readonly (readonly [number, number])[]): -1 | 0 | 1 {
  let sum = 0;
  let size = 0;
  for (const [factor, value] of terms) {
    sum += factor * value;
    size += Math.abs(factor * value);
  }
  if (Math.abs(sum) > NOISE * size || !Number.isFinite(sum)) return sum > 0 ? 1 : -1;
  return exactSign(terms);
}

/**
 * Twelve significant digits: what lies beyond them is the noise of adding and dividing doubles. For means, slopes and
 * quotients, which are no decimals.
 */
export function settled(value: number): number {
  return Number(value.toPrecision(12));
}

function exactSign(terms: readonly (readonly [number, number])[]): -1 | 0 | 1 {
  const products = terms.map(([factor, value]) => {
    const [a, b] = [decimalOf(factor), decimalOf(value)];
    return { digits: a.digits * b.digits, exponent: a.exponent + b.exponent };
  });
  const least = Math.min(...products.map(({ exponent }) => exponent));
  const sum = products.reduce((all, { digits, exponent }) => all + digits * 10n ** BigInt(exponent - least), 0n);
  return sum > 0n ? 1 : sum < 0n ? -1 : 0;
}

/** digits × 10^exponent, the shortest decimal of a finite number. */
function decimalOf(value: number): { digits: bigint; exponent: number } {
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  const [, fraction = ''] = mantissa.split('.');
  return { digits: BigInt(mantissa.replace('.', '')), exponent: Number(power) - fraction.length };
}
