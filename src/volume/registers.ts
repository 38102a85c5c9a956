/**
 * The fold over a register's reads. A read is *plain* after another when it rose by no more than the largest plausible
 * flow allows. Anything else is decided by what follows it: a read that its successor contradicts is a glitch and is
 * never booked; a new level that its successor confirms is a rollover (if the register's size explains it) or a reset,
 * across which the volume is unknown. A drop or jump without a successor stays pending: nothing is booked on the word
 * of one read. What an engineer has ruled stands above all of this.
 */
import { type Decision, type DecisionKind, REASONS } from './decisions.ts';
import type { Gap } from './gaps.ts';
import type { Ruling } from './points.ts';
import type { MeterProfile } from './profile.ts';
import type { Segment } from './segments.ts';

/** A count in integer litres. */
export interface Read {
  timeMs: number;
  litres: number;
  said?: 'end' | 'start' | undefined;
  ruling?: Ruling | undefined;
}

export interface Folded {
  segments: Segment[];
  decisions: Decision[];
  gaps: Gap[];
}

/** The largest volume that can have passed in this time. */
function mostLitres(profile: MeterProfile, fromMs: number, toMs: number): number {
  return (profile.maxFlowLitresPerSecond * (toMs - fromMs)) / 1000 + profile.resolutionLitres;
}

/** Whether `after` can be subtracted from without a thought. Signed registers may fall as fast as they rise. */
export function isPlain(profile: MeterProfile, before: Read, after: Read): boolean {
  const rise = after.litres - before.litres;
  if (profile.kind === 'signed-register') return Math.abs(rise) <= mostLitres(profile, before.timeMs, after.timeMs);
  return rise >= 0 && rise <= mostLitres(profile, before.timeMs, after.timeMs);
}

/** What one read turns out to be. `litres` null = a new level, across which nothing is known; absent = not accepted. */
interface Verdict {
  kind: DecisionKind | 'plain';
  litres?: number | null;
  isEstimate?: boolean;
  reason: string;
}

/** Volume across a drop that is no loss: over the register's end, or from zero after a scheduled reset; null = neither. */
function acrossDrop(profile: MeterProfile, before: Read, after: Read): Verdict | null {
  if (after.litres >= before.litres) return null;
  const most = mostLitres(profile, before.timeMs, after.timeMs);
  if (profile.kind === 'scheduled-reset') {
    // What ran between the last read and the reset is not on the register any more.
    return after.litres >= 0 && after.litres <= most
      ? { kind: 'reset', litres: after.litres, isEstimate: true, reason: REASONS.scheduledReset }
      : null;
  }
  if (profile.sizeLitres === null) return null;
  const litres = after.litres - before.litres + profile.sizeLitres;
  return litres >= 0 && litres <= most ? { kind: 'rollover', litres, reason: REASONS.rollover } : null;
}

/** @param witness the next read, if it may speak about this one. */
function judge(profile: MeterProfile, before: Read, read: Read, witness: Read | undefined): Verdict {
  if (isPlain(profile, before, read)) {
    const litres = read.litres - before.litres;
    return litres < 0 ? { kind: 'reverse', litres, reason: REASONS.reverse } : { kind: 'plain', litres, reason: '' };
  }
  // Also when a rollover would explain the drop: a whole turn of the register between two reads is the wilder tale.
  if (witness && isPlain(profile, before, witness)) return { kind: 'glitch', reason: REASONS.contradicted };
  const drop = acrossDrop(profile, before, read);
  if (drop) return drop;
  if (!witness) return { kind: 'pending', reason: REASONS.pending };
  if (isPlain(profile, read, witness)) return { kind: 'reset', litres: null, reason: REASONS.reset };
  return { kind: 'glitch', reason: REASONS.alone };
}

function ruled(profile: MeterProfile, before: Read, read: Read, { kind, reason }: Ruling): Verdict {
  const rise = read.litres - before.litres;
  switch (kind) {
    case 'glitch':
      return { kind, reason };
    case 'accepted':
    case 'reverse':
      return { kind, litres: rise, reason };
    case 'rollover':
      return { kind, litres: profile.sizeLitres === null ? null : rise + profile.sizeLitres, reason };
    case 'reset':
      if (profile.kind === 'scheduled-reset') return { kind, litres: read.litres, isEstimate: true, reason };
      return { kind, litres: null, reason };
    case 'replacement':
      return { kind, litres: null, reason };
    default:
      return kind satisfies never;
  }
}

/**
 * One register from its first read on.
 * @param reads ascending; those that are ruled a glitch among them.
 * @param accepted what the first read is compared with, if it was said how the register began.
 * @returns the folded reads, and the last one that was accepted.
 */
export function foldRegister(profile: MeterProfile, reads: readonly Read[], accepted?: Read): Folded & { last?: Read } {
  const folded: Folded = { segments: [], decisions: [], gaps: [] };
  let last = accepted;
  for (const [index, read] of reads.entries()) {
    const isOut = read.ruling?.kind === 'glitch';
    if (!last && !isOut) {
      last = read;
      continue;
    }
    const verdict = read.ruling
      ? ruled(profile, last ?? read, read, read.ruling)
      : judge(profile, last!, read, witnessOf(reads, index));
    note(folded, profile, last, read, verdict);
    if (verdict.litres !== undefined) last = read;
  }
  return last ? { ...folded, last } : folded;
}

/** A read that an engineer has ruled about, or that was only said, says nothing about the one before it. */
function witnessOf(reads: readonly Read[], index: number): Read | undefined {
  let next = index + 1;
  while (reads[next]?.ruling?.kind === 'glitch') next++;
  const read = reads[next];
  return read && !read.ruling && !read.said ? read : undefined;
}

function note(folded: Folded, profile: MeterProfile, last: Read | undefined, read: Read, verdict: Verdict): void {
  const { kind, litres, isEstimate = false, reason } = verdict;
  const booked = typeof litres === 'number' ? litres * profile.direction + 0 : null;
  if (kind !== 'plain') {
    folded.decisions.push({
      timeMs: read.timeMs,
      kind,
      fromMs: last?.timeMs ?? null,
      before: last?.litres ?? null,
      after: read.litres,
      litres: booked,
      reason,
      isRuled: read.ruling !== undefined,
    });
  }
  // Read at the very time at which the register was said to begin: nothing has passed.
  if (booked === null || !last || read.timeMs === last.timeMs) return;
  const isLong = read.timeMs - last.timeMs > profile.maxGapMs;
  const span = { fromMs: last.timeMs, toMs: read.timeMs, litres: booked };
  folded.segments.push({ ...span, rates: null, quality: isLong || isEstimate ? 'estimated' : 'measured' });
  if (isLong) folded.gaps.push({ ...span, method: 'total', before: last.litres, after: read.litres });
}
