/** A meter as the arithmetic sees it: litres, litres per second and milliseconds, whatever its face says. */
import { durationMs } from '#model/duration.ts';
import { holdingsOf } from '#model/recipients.ts';
import type { Parameter } from '#model/reference.ts';
import { type GapMethod, MAX_ESTIMATE, type Meter } from '#model/register.ts';

/** What may change when a register is replaced. */
interface Face {
  /** The count at which the register is zero again; null = it never rolls over. */
  sizeLitres: number | null;
  /** How much two reads of a register may differ by rounding alone. */
  resolutionLitres: number;
  direction: 1 | -1;
  maxFlowLitresPerSecond: number;
  maxGapMs: number;
}

/** The register that counts from `atMs` on, and the last count of the one before. */
interface ReplacedFace extends Face {
  atMs: number;
  endLitres: number | null;
  startLitres: number | null;
}

export interface MeterProfile extends Face {
  kind: Meter['kind'];
  /** The meter measures in [fromMs, toMs); infinite where the register says nothing. */
  fromMs: number;
  toMs: number;
  /** When its water became somebody else's, ascending. */
  handOversMs?: readonly number[];
  /** How a gap between flow readings is estimated, `linear` unless told. */
  gap?: GapMethod;
  /** The longest gap between flow readings that `linear` and `held` estimate; infinite unless told. */
  maxEstimateMs?: number;
  /** Ascending by `atMs`; era n begins with `replacements[n - 1]`. */
  replacements?: readonly ReplacedFace[];
}

const LITRES_PER_CUBIC_METRE = 1000;

/**
 * @param register The parameter `register`, whose canonical unit is m³: it knows the units that a face may have.
 * @throws RangeError for a unit that isn't one of volume.
 */
export function meterProfile(meter: Meter, register: Parameter): MeterProfile {
  const litres = LITRES_PER_CUBIC_METRE * (meter.kind === 'flow' ? 1 : cubicMetresPer(meter.unit, register));
  const instantMs = (text: string | undefined, absent: number) =>
    text === undefined ? absent : Temporal.Instant.from(text).epochMilliseconds;
  const counted = (amount: number | undefined) => (amount === undefined ? null : Math.round(amount * litres));
  const face = (body: Pick<Meter, 'size' | 'resolution' | 'direction' | 'maxFlow' | 'maxGap'>): Face => ({
    sizeLitres: counted(body.size),
    resolutionLitres: Math.max(1, Math.round((body.resolution ?? 0) * litres)),
    direction: body.direction,
    maxFlowLitresPerSecond: body.maxFlow * LITRES_PER_CUBIC_METRE,
    maxGapMs: durationMs(body.maxGap),
  });
  let current: Meter = meter;
  const replacements = (meter.replacements ?? []).map(({ at, end, start, reason: _reason, ...changes }) => {
    current = { ...current, ...changes } as Meter;
    return { ...face(current), atMs: instantMs(at, 0), endLitres: counted(end), startLitres: counted(start) };
  });
  return {
    kind: meter.kind,
    ...face(meter),
    fromMs: instantMs(meter.from, -Infinity),
    toMs: instantMs(meter.to, Infinity),
    handOversMs: holdingsOf(meter)
      .slice(1)
      .map(({ fromMs }) => fromMs),
    gap: meter.gap ?? 'linear',
    maxEstimateMs: durationMs(meter.maxEstimate ?? MAX_ESTIMATE),
    replacements,
  };
}

/** How many replacements have happened by then. */
export function eraAt({ replacements = [] }: MeterProfile, timeMs: number): number {
  let era = 0;
  while (era < replacements.length && replacements[era]!.atMs <= timeMs) era++;
  return era;
}

/** The meter with the face that it has in this era. */
export function profileIn(profile: MeterProfile, era: number): MeterProfile {
  return era === 0 ? profile : { ...profile, ...profile.replacements![era - 1]! };
}

function cubicMetresPer(unit: string, register: Parameter): number {
  if (unit === register.unit) return 1;
  const conversion = register.units[unit];
  if (!conversion) throw new RangeError(`"${unit}" is no unit that a register may have`);
  return conversion.factor;
}
