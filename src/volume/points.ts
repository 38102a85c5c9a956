/** The usable reads of one meter in the order of time, with what engineers say of them. */
import type { RulingKind } from '#model/accounting.ts';
import { isUsable } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import { eraAt, type MeterProfile } from './profile.ts';

export interface Ruling {
  kind: RulingKind;
  reason: string;
}

/** Rulings of one meter by the time of the read that they are about. */
export type Rulings = ReadonlyMap<number, Ruling>;

/** A usable reading (flags 1 and 2): m³ for registers, m³/s for flow. */
export interface MeterPoint {
  timeMs: number;
  /** Null only where a replacement doesn't say with what the new register began. */
  value: number | null;
  /** How many replacements came before it; 0 unless told. */
  era?: number;
  /** Not read but said by whoever replaced the register: its last count, or the first one of its successor. */
  said?: 'end' | 'start';
  ruling?: Ruling;
}

/**
 * The points of [fromMs, toMs), ascending. Reads from before the meter measured, or after, are among them: what ran across
 * its edges is told from them.
 * @param readings all that are stored in that range, ascending.
 */
export function meterPoints(
  profile: MeterProfile,
  readings: readonly Reading[],
  rulings: Rulings,
  fromMs: number,
  toMs: number,
): MeterPoint[] {
  const points: MeterPoint[] = [];
  for (const { timeMs, value, flag } of readings) {
    if (value === null || !isUsable(flag)) continue;
    const ruling = rulings.get(timeMs);
    const era = profile.replacements?.length ? eraAt(profile, timeMs) : 0;
    points.push(ruling ? { timeMs, value, era, ruling } : { timeMs, value, era });
  }
  const said = saidPoints(profile, fromMs, toMs);
  if (said.length === 0) return points;
  // What is said stands before what was read at the same time.
  return [...said, ...points].sort((a, b) => a.timeMs - b.timeMs || (a.era ?? 0) - (b.era ?? 0));
}

function saidPoints({ replacements = [] }: MeterProfile, fromMs: number, toMs: number): MeterPoint[] {
  return replacements.flatMap(({ atMs, endLitres, startLitres }, index): MeterPoint[] => {
    if (atMs < fromMs || atMs >= toMs) return [];
    const start = { timeMs: atMs, value: cubicMetres(startLitres), era: index + 1, said: 'start' as const };
    if (endLitres === null) return [start];
    return [{ timeMs: atMs, value: cubicMetres(endLitres), era: index, said: 'end' }, start];
  });
}

function cubicMetres(litres: number | null): number | null {
  return litres === null ? null : litres / 1000;
}
