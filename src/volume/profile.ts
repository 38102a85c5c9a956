/** A meter as the arithmetic sees it: litres, litres per second and milliseconds, whatever its face says. */
import { durationMs } from '#model/duration.ts';
import type { Parameter } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';

export interface MeterProfile {
  kind: Meter['kind'];
  /** The count at which the register is zero again; null = it never rolls over. */
  sizeLitres: number | null;
  /** How much two reads of a register may differ by rounding alone. */
  resolutionLitres: number;
  direction: 1 | -1;
  maxFlowLitresPerSecond: number;
  maxGapMs: number;
  /** The meter measures in [fromMs, toMs); infinite where the register says nothing. */
  fromMs: number;
  toMs: number;
}

const LITRES_PER_CUBIC_METRE = 1000;

/**
 * @param register The parameter `register`, whose canonical unit is m³: it knows the units that a face may have.
 * @throws RangeError for a unit that isn't one of volume.
 */
export function meterProfile(meter: Meter, register: Parameter): MeterProfile {
  const litres = LITRES_PER_CUBIC_METRE * (meter.kind === 'flow' ? 1 : cubicMetresPer(meter.unit, register));
  return {
    kind: meter.kind,
    sizeLitres: meter.size === undefined ? null : Math.round(meter.size * litres),
    resolutionLitres: Math.max(1, Math.round((meter.resolution ?? 0) * litres)),
    direction: meter.direction,
    maxFlowLitresPerSecond: meter.maxFlow * LITRES_PER_CUBIC_METRE,
    maxGapMs: durationMs(meter.maxGap),
    fromMs: meter.from === undefined ? -Infinity : Temporal.Instant.from(meter.from).epochMilliseconds,
    toMs: meter.to === undefined ? Infinity : Temporal.Instant.from(meter.to).epochMilliseconds,
  };
}

function cubicMetresPer(unit: string, register: Parameter): number {
  if (unit === register.unit) return 1;
  const conversion = register.units[unit];
  if (!conversion) throw new RangeError(`"${unit}" is no unit that a register may have`);
  return conversion.factor;
}
