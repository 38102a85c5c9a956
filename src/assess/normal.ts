/** The standard normal distribution, to about 1e-15: what p-values and confidence limits of trend tests are read from. */

/**
 * P(Z ≤ z). Through the complementary error function by its continued fraction (Abramowitz & Stegun 26.2.14) in the
 * tails and by its series (26.2.10) near the middle, where each converges fast.
 */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  const size = Math.abs(z);
  const upper = size > 2.5 ? upperTail(size) : 0.5 - centre(size);
  return z > 0 ? 1 - upper : upper;
}

/** P(|Z| ≥ |z|), without the loss of digits that 1 − cdf has in the tails. */
export function twoSidedP(z: number): number {
  const size = Math.abs(z);
  return 2 * (size > 2.5 ? upperTail(size) : 0.5 - centre(size));
}

const density = (z: number) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** P(0 ≤ Z ≤ z) for small z ≥ 0. */
function centre(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (z * z) / (2 * n + 1);
    sum += term;
  }
  return density(z) * sum;
}

/** P(Z ≥ z) for z > 2.5. */
function upperTail(z: number): number {
  let fraction = z;
  for (let n = 200; n >= 1; n--) fraction = z + n / fraction;
  return density(z) / fraction;
}

/**
 * z with P(Z ≤ z) = p, for 0 < p < 1: a rational start (Abramowitz & Stegun 26.2.23, error below 4.5e-4), then Newton's
 * method, whose error squares with each step.
 */
export function normalQuantile(p: number): number {
  if (p <= 0 || p >= 1 || Number.isNaN(p)) throw new RangeError(`a probability between 0 and 1 is wanted, not ${p}`);
  const tail = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(tail));
  const top = 2.515517 + t * (0.802853 + t * 0.010328);
  const bottom = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  let z = t - top / bottom;
  for (let step = 0; step < 3; step++) z += ((z > 2.5 ? upperTail(z) : 0.5 - centre(z)) - tail) / density(z);
  return p < 0.5 ? -z : z;
}
