/** Dissolved oxygen at saturation in fresh water at sea level. */

/**
 * What part of saturation a concentration is, %. DO_sat = 468 / (31.6 + T) mg/L (HJ/T 2.3-93, GB 3838's own time).
 * @param oxygen mg/L. @param temperature °C. @returns null outside 0 to 45 °C, where the formula wasn't meant to hold.
 */
export function doSaturationShare(oxygen: number, temperature: number): number | null {
  if (!(temperature >= 0 && temperature <= 45)) return null;
  return (100 * oxygen * (31.6 + temperature)) / 468;
}
