/** Student's t distribution, of a whole number of degrees of freedom: what Spearman's p-values are read from. */

/** P(|T| ≥ |t|) = I_x(degrees/2, 1/2) with x = degrees/(degrees + t²) (Abramowitz & Stegun 26.7.1). @param degrees ≥ 1. */
export function twoSidedStudentP(t: number, degrees: number): number {
  const x = degrees / (degrees + t * t);
  const [a, b] = [degrees / 2, 1 / 2];
  const front = (x ** a * Math.sqrt(1 - x)) / betaWithHalf(degrees);
  if (front === 0) return x > 0.5 ? 1 : 0;
  // The fraction converges fast on its own side of the mean (DLMF §8.17(v)).
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

/** B(degrees/2, 1/2), from B(1/2, 1/2) = π or B(1, 1/2) = 2 on. */
function betaWithHalf(degrees: number): number {
  let beta = degrees % 2 === 1 ? Math.PI : 2;
  for (let a = degrees % 2 === 1 ? 0.5 : 1; a < degrees / 2; a++) beta *= a / (a + 0.5);
  return beta;
}

/** DLMF 8.17.22 by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return value;
}
