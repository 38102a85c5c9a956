/**
 * What one read of a register turns out to be, and what each rule is entitled to assume. docs/numbers.md lists the rules
 * in the order in which they are asked; the first that holds decides.
 */
import { type DecisionKind, REASONS } from './decisions.ts';
import type { Ruling } from './points.ts';
import type { MeterProfile } from './profile.ts';

/** A count in integer litres. */
export interface Read {
  timeMs: number;
  litres: number;
  said?: 'end' | 'start' | undefined;
  ruling?: Ruling | undefined;
}

/** What one read turns out to be. `litres` null = a new level, across which nothing is known; absent = not accepted. */
export interface Verdict {
  kind: DecisionKind | 'plain';
  litres?: number | null;
  isEstimate?: boolean;
  reason: string;
}

/** The largest volume that can have passed in this time. */
function mostLitres(profile: MeterProfile, fromMs: number, toMs: number): number {
  return carriedLitres(profile, fromMs, toMs) + profile.resolutionLitres;
}

function carriedLitres(profile: MeterProfile, fromMs: number, toMs: number): number {
  return (profile.maxFlowLitresPerSecond * (toMs - fromMs)) / 1000;
}

/** Whether `after` can be subtracted from without a thought. Signed registers may fall as fast as they rise. */
export function isPlain(profile: MeterProfile, before: Read, after: Read): boolean {
  const rise = after.litres - before.litres;
  if (profile.kind === 'signed-register') return Math.abs(rise) <= mostLitres(profile, before.timeMs, after.timeMs);
  return rise >= 0 && rise <= mostLitres(profile, before.timeMs, after.timeMs);
}

/** What stands on the register can have run since it was zeroed by schedule, after the read before. */
function isZeroed(profile: MeterProfile, before: Read, after: Read): boolean {
  return (
    profile.kind === 'scheduled-reset' &&
    after.litres < before.litres &&
    after.litres >= 0 &&
    after.litres <= mostLitres(profile, before.timeMs, after.timeMs)
  );
}

/** Whether the register's usual course leads from one read to the other: it rose, or was zeroed as it is by schedule. */
export function follows(profile: MeterProfile, before: Read, after: Read): boolean {
  return isPlain(profile, before, after) || isZeroed(profile, before, after);
}

/**
 * @param before the last read that was accepted.
 * @param later the reads after this one that may speak about it, in the order of time; asked only where they decide.
 */
export function judge(profile: MeterProfile, before: Read, read: Read, later: () => Iterable<Read>): Verdict {
  if (isPlain(profile, before, read)) {
    const litres = read.litres - before.litres;
    return litres < 0 ? { kind: 'reverse', litres, reason: REASONS.reverse } : { kind: 'plain', litres, reason: '' };
  }
  const [witness] = later();
  const zeroed = isZeroed(profile, before, read);
  // That such a register is lower than before is its usual course: only a read that can't come of it speaks against it.
  const isContradicted = witness && isPlain(profile, before, witness) && !(zeroed && follows(profile, read, witness));
  if (isContradicted) return { kind: 'glitch', reason: REASONS.contradicted };
  // What ran between the last read and the reset is not on the register any more.
  if (zeroed) return { kind: 'reset', litres: read.litres, isEstimate: true, reason: REASONS.scheduledReset };
  // Also when a rollover would explain the fall: a whole turn of the register within `maxGap` is the wilder tale.
  if (returns(profile, before, read, later())) return { kind: 'glitch', reason: REASONS.undone };
  const turned = rolledOver(profile, before, read);
  if (turned !== null) return { kind: 'rollover', litres: turned, reason: REASONS.rollover };
  if (!witness) return { kind: 'pending', reason: REASONS.pending };
  if (isPlain(profile, read, witness)) return { kind: 'reset', litres: null, reason: REASONS.reset };
  return { kind: 'glitch', reason: REASONS.alone };
}

/** Litres across a fall over the register's end; null where that doesn't explain it. */
function rolledOver(profile: MeterProfile, before: Read, after: Read): number | null {
  if (profile.kind === 'scheduled-reset' || profile.sizeLitres === null || after.litres >= before.litres) return null;
  const litres = after.litres - before.litres + profile.sizeLitres;
  return litres >= 0 && litres <= mostLitres(profile, before.timeMs, after.timeMs) ? litres : null;
}

/**
 * Whether the course that this read broke off is taken up again within `maxGap` of it: a later read is plain after it and
 * lies on its side. A register that was truly zeroed needs longer to stand so high again, and one that leapt never falls.
 * Where the new level could come back by itself (it may fall) that read must break with the new level, too.
 */
function returns(profile: MeterProfile, before: Read, read: Read, later: Iterable<Read>): boolean {
  const towards = Math.sign(before.litres - read.litres);
  const mayFall = profile.kind === 'signed-register' || (profile.kind === 'scheduled-reset' && towards < 0);
  let previous = read;
  for (const next of later) {
    if (next.timeMs - read.timeMs > profile.maxGapMs) return false;
    const isBack = Math.sign(next.litres - read.litres) === towards && isPlain(profile, before, next);
    if (isBack && !(mayFall && isPlain(profile, previous, next))) return true;
    previous = next;
  }
  return false;
}

export function ruled(profile: MeterProfile, before: Read, read: Read, { kind, reason }: Ruling): Verdict {
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
 * What a time beyond `maxGap` may have hidden, so that the difference is only the least that ran: a whole turn of the
 * register, or a reset by schedule. Null: nothing can have, and the total is known.
 */
export function hiddenIn(profile: MeterProfile, before: Read, after: Read): 'turn' | 'zeroed' | null {
  const carried = carriedLitres(profile, before.timeMs, after.timeMs);
  if (profile.kind === 'scheduled-reset') return after.litres <= carried + profile.resolutionLitres ? 'zeroed' : null;
  return profile.sizeLitres !== null && carried >= profile.sizeLitres ? 'turn' : null;
}
