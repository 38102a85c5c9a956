/** A quality control as it is shown. */
import { isoText } from '#api/instants.ts';
import type { QcResult } from '#model/entry.ts';
import type { Reference } from '#model/reference.ts';

export function qcView(reference: Reference, result: QcResult) {
  const { station, parameter, timeMs, kind, value, standard, water, waterMs, deviceFlag } = result;
  return {
    station,
    parameter,
    time: isoText(timeMs),
    kind,
    unit: reference.parameters.get(parameter)?.unit ?? '',
    value,
    standard,
    water,
    waterTime: isoText(waterMs),
    deviation: deviationOf(result),
    deviceFlag,
  };
}

/** A share of the standard; a spiked or a parallel sample is not measured against it. */
function deviationOf({ kind, value, standard }: QcResult): number | null {
  const isAgainst = kind === 'standard' || kind === 'span' || kind === 'calibration';
  if (!isAgainst || value === null || standard === null || standard === 0) return null;
  return (value - standard) / standard;
}
