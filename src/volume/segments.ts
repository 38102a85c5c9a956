/**
 * From a meter's good readings to segments of known volume, and the decisions taken on the way. Pure; the same points
 * give the same segments however they arrived.
 *
 * A register read is *plain* after another when it rose by no more than the largest plausible flow allows. Anything
 * else is decided by what follows it: a read that its successor contradicts is a glitch and is never booked; a new
 * level that its successor confirms is a rollover (if the register's size explains it) or a reset, across which the
 * volume is unknown. A drop or jump without a successor stays pending: nothing is booked on the word of one read.
 */
import type { MeterProfile } from './profile.ts';

/** A usable reading (flags 1 and 2): m³ for registers, m³/s for flow. */
export interface MeterPoint {
  timeMs: number;
  value: number;
}

/** Volume between two good reads, in litres, positive along the meter's direction. */
export interface Segment {
  fromMs: number;
  toMs: number;
  /** Registers: exact integer litres. Flow: float, from the two rates. */
  litres: number;
  /** Litres per second at both ends, for flow: inside, the rate is linear. Null for registers: inside, volume is linear. */
  rates: readonly [number, number] | null;
  /** `estimated`: the ends are further apart than `maxGap`, so that the timing (flow: also the amount) is a guess. */
  quality: 'measured' | 'estimated';
}

type DecisionKind = 'rollover' | 'reset' | 'glitch' | 'pending' | 'reverse';

/** Why a read was not simply subtracted from the one before. */
export interface Decision {
  timeMs: number;
  kind: DecisionKind;
  /** The read before, and this one, as integer litres on the register. */
  beforeLitres: number;
  litres: number;
}

interface Read {
  timeMs: number;
  litres: number;
}

/** @param points ascending by time, within the meter's validity. */
export function meterSegments(
  profile: MeterProfile,
  points: readonly MeterPoint[],
): { segments: Segment[]; decisions: Decision[] } {
  if (profile.kind === 'flow') return { segments: flowSegments(profile, points), decisions: [] };
  return registerSegments(
    profile,
    points.map(({ timeMs, value }) => ({ timeMs, litres: Math.round(value * 1000) })),
  );
}

/** The largest volume that can have passed in this time. */
function mostLitres(profile: MeterProfile, fromMs: number, toMs: number): number {
  return (profile.maxFlowLitresPerSecond * (toMs - fromMs)) / 1000 + profile.resolutionLitres;
}

/** Whether `after` can be subtracted from without a thought. Signed registers may fall as fast as they rise. */
function isPlain(profile: MeterProfile, before: Read, after: Read): boolean {
  const rise = after.litres - before.litres;
  if (profile.kind === 'signed-register') return Math.abs(rise) <= mostLitres(profile, before.timeMs, after.timeMs);
  return rise >= 0 && rise <= mostLitres(profile, before.timeMs, after.timeMs);
}

/**
 * Whether a read is accepted whatever came before the two: then the chain of decisions can be taken up from it, and
 * a change further back or ahead can't reach across it. (Either the predecessor is accepted and this one is plain
 * after it; or the predecessor is a glitch, which takes this one to be plain after the last accepted read.)
 */
export function isAnchor(profile: MeterProfile, before: MeterPoint, point: MeterPoint): boolean {
  if (profile.kind === 'flow') return true;
  const read = ({ timeMs, value }: MeterPoint): Read => ({ timeMs, litres: Math.round(value * 1000) });
  return isPlain(profile, read(before), read(point));
}

/** Volume across a drop that is no loss: over the register's end, or from zero after a scheduled reset; null = neither. */
function acrossDrop(
  profile: MeterProfile,
  before: Read,
  after: Read,
): { litres: number; kind: DecisionKind; quality?: 'estimated' } | null {
  if (after.litres >= before.litres) return null;
  const most = mostLitres(profile, before.timeMs, after.timeMs);
  if (profile.kind === 'scheduled-reset') {
    // What ran between the last read and the reset is not on the register any more.
    return after.litres >= 0 && after.litres <= most
      ? { litres: after.litres, kind: 'reset', quality: 'estimated' }
      : null;
  }
  if (profile.sizeLitres === null) return null;
  const litres = after.litres - before.litres + profile.sizeLitres;
  return litres >= 0 && litres <= most ? { litres, kind: 'rollover' } : null;
}

function registerSegments(
  profile: MeterProfile,
  reads: readonly Read[],
): { segments: Segment[]; decisions: Decision[] } {
  const segments: Segment[] = [];
  const decisions: Decision[] = [];
  let accepted = reads[0];
  const decide = (read: Read, kind: DecisionKind) =>
    decisions.push({ timeMs: read.timeMs, kind, beforeLitres: accepted!.litres, litres: read.litres });
  const book = (read: Read, litres: number, estimated = false) => {
    const isLong = read.timeMs - accepted!.timeMs > profile.maxGapMs;
    segments.push({
      fromMs: accepted!.timeMs,
      toMs: read.timeMs,
      litres: litres * profile.direction,
      rates: null,
      quality: isLong || estimated ? 'estimated' : 'measured',
    });
    accepted = read;
  };

  for (let index = 1; index < reads.length; index++) {
    const before = accepted!;
    const read = reads[index]!;
    const next = reads[index + 1];
    if (isPlain(profile, before, read)) {
      if (read.litres < before.litres) decide(read, 'reverse');
      book(read, read.litres - before.litres);
      continue;
    }
    const drop = acrossDrop(profile, before, read);
    // Also when a rollover would explain the drop: a whole turn of the register between two reads is the wilder tale.
    const isContradicted = next !== undefined && isPlain(profile, before, next);
    if (isContradicted) {
      decide(read, 'glitch');
    } else if (drop) {
      decide(read, drop.kind);
      book(read, drop.litres, drop.quality === 'estimated');
    } else if (next === undefined) {
      decide(read, 'pending');
    } else if (isPlain(profile, read, next)) {
      decide(read, 'reset');
      accepted = read;
    } else {
      decide(read, 'glitch');
    }
  }
  return { segments, decisions };
}

function flowSegments(profile: MeterProfile, points: readonly MeterPoint[]): Segment[] {
  const segments: Segment[] = [];
  let before: MeterPoint | undefined;
  for (const point of points) {
    // A rate that the channel can't carry is no measurement of it.
    if (Math.abs(point.value) * 1000 > profile.maxFlowLitresPerSecond) continue;
    if (before) {
      const rates = [before.value * 1000 * profile.direction, point.value * 1000 * profile.direction] as const;
      const elapsedMs = point.timeMs - before.timeMs;
      segments.push({
        fromMs: before.timeMs,
        toMs: point.timeMs,
        litres: ((rates[0] + rates[1]) / 2) * (elapsedMs / 1000),
        rates,
        quality: elapsedMs > profile.maxGapMs ? 'estimated' : 'measured',
      });
    }
    before = point;
  }
  return segments;
}
