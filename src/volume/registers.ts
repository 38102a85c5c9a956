/**
 * The fold over a register's reads. A read is *plain* after another when it rose by no more than the largest plausible
 * flow allows. Anything else is decided by what follows it: a read that its successor contradicts is a glitch and is
 * never booked, and so is every read of a level from which the old course is back within `maxGap`; a new level that
 * lasts is a rollover (if the register's size explains it) or a reset, across which the volume is unknown. A drop or jump
 * without a successor stays pending: nothing is booked on the word of one read. What an engineer has ruled stands above
 * all of this.
 */

import type { Folded } from './model.ts';
import type { MeterProfile } from './profile.ts';
import { hiddenIn, judge, type Read, ruled, type Verdict } from './register-rules.ts';

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
      : judge(profile, last!, read, () => witnesses(profile, reads, index));
    note(folded, profile, last, read, verdict);
    if (verdict.litres !== undefined) last = read;
  }
  return last ? { ...folded, last } : folded;
}

/**
 * The next read, and all others within `maxGap`. A read that an engineer has ruled about, or that was only said, says
 * nothing about those before it, nor does what comes after.
 */
function* witnesses(profile: MeterProfile, reads: readonly Read[], index: number): Generator<Read, void> {
  const untilMs = reads[index]!.timeMs + profile.maxGapMs;
  let isNext = true;
  for (let next = index + 1; next < reads.length; next++) {
    const read = reads[next]!;
    if (read.ruling?.kind === 'glitch') continue;
    if (read.ruling || read.said || !(isNext || read.timeMs <= untilMs)) return;
    yield read;
    isNext = false;
  }
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
  const hidden = isLong && !read.ruling ? hiddenIn(profile, last, read) : null;
  const span = { fromMs: last.timeMs, toMs: read.timeMs, litres: booked };
  const quality = hidden ? 'least' : isLong || isEstimate ? 'estimated' : 'measured';
  folded.segments.push({ ...span, rates: null, quality });
  if (isLong) folded.gaps.push({ ...span, method: hidden ?? 'total', before: last.litres, after: read.litres });
}
