/**
 * Units of factors that are sent without one. Table B.1 of HJ 212-2017 is what its editions mean; surface-water stations
 * send mg/L, as a rule, and what a factor of a thousand hangs on is not guessed: their entry has to say it.
 */
import type { Hj212Dialect } from '#model/dialect.ts';
import type { Fault } from '#model/faults.ts';

/** Codes of table B.1, and those of the edition of 2005, whose unit there is not mg/L. */
const TRACES: Readonly<Record<string, 'ug/L' | 'ng/L'>> = {
  w20111: 'ug/L',
  w20142: 'ug/L',
  '020': 'ug/L',
  w20115: 'ug/L',
  w20143: 'ug/L',
  '022': 'ug/L',
  w20117: 'ug/L',
  '024': 'ug/L',
  w20119: 'ug/L',
  '026': 'ug/L',
  w20120: 'ug/L',
  '027': 'ug/L',
  w20127: 'ug/L',
  '034': 'ug/L',
  w20128: 'ug/L',
  '035': 'ug/L',
  w20089: 'ng/L',
  '041': 'ng/L',
};
const FLOWS = ['w00000', 'b01'];

/** The unit of a factor, undefined for its usual one; or the fault that asks for it. */
export function unitOf(
  code: string,
  isSurfaceWater: boolean,
  traceUnits: Hj212Dialect['traceUnits'],
): string | undefined | Fault {
  const name = code.toLowerCase();
  const trace = Object.hasOwn(TRACES, name) ? TRACES[name] : undefined;
  if (trace !== undefined) {
    if (traceUnits !== undefined) return traceUnits === 'B.1' ? trace : 'mg/L';
    return isSurfaceWater
      ? unstated(
          `${code} is in ${trace} by HJ 212-2017 and in mg/L at most surface-water stations: say which in \`dialect.hj212.traceUnits\``,
        )
      : trace;
  }
  if (!FLOWS.includes(name)) return undefined;
  return isSurfaceWater
    ? unstated(`${code} is in L/s by HJ 212-2017, and of a river hardly: say its unit in \`devices[].elements\``)
    : 'L/s';
}

function unstated(message: string): Fault {
  return { code: 'unit.unstated', message: `${message}.` };
}
