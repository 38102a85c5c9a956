/**
 * The shortest decimal number that a 32-bit float is written for: 7.9, not the 7.900000095367432 that it is as a double. What
 * a sensor measured has a few digits; the others come from the format, and make 0.2 exceed a limit of 0.2.
 */
export function shortest(single: number): number {
  if (Number.isInteger(single) || !Number.isFinite(single)) return single;
  // Below 1,000 floats stand closer than 0.0001 to each other: one with four decimals is then the only one.
  const rounded = Math.round(single * 10_000) / 10_000;
  if (Math.abs(single) < 1_000 && Math.abs(single) >= 1 && Math.fround(rounded) === single) return rounded;
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(single.toPrecision(digits));
    if (Math.fround(shorter) === single) return shorter;
  }
  return Number(single.toPrecision(9));
}
