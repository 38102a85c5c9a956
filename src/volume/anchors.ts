/** Where the chain of decisions can be taken up: a change further back or ahead can't reach across such a read. */
import { countsAsRate } from './flow.ts';
import type { MeterPoint } from './points.ts';
import { type MeterProfile, profileIn } from './profile.ts';
import { follows, isPlain } from './register-rules.ts';
import { toRead } from './segments.ts';

/**
 * Times of the reads that are accepted whatever came before the first of these points and comes after the last.
 *
 * A ruled read is accepted by the ruling, the first of a new register without comparison, a rate by itself. Of a
 * register's reads that follow each other for longer than `maxGap`, the first may belong to a level that a return
 * undoes; but the return comes within `maxGap` of it, so it is one of them, and from it on each is accepted.
 * @param all ascending.
 */
export function* anchors(profile: MeterProfile, all: readonly MeterPoint[]): Generator<number, void> {
  // Reads that are ruled a glitch stand between no others.
  const points = all.filter(({ ruling }) => ruling?.kind !== 'glitch');
  let sinceMs = points[0]?.timeMs ?? 0;
  for (let index = 1; index < points.length; index++) {
    const before = points[index - 1]!;
    const point = points[index]!;
    const own = profileIn(profile, point.era ?? 0);
    if (isCertain(own, before, point)) {
      sinceMs = -Infinity;
      yield point.timeMs;
    } else if (own.kind !== 'flow' && !point.said) {
      const pair = [toRead(before), toRead(point)] as const;
      if (!follows(own, ...pair)) sinceMs = point.timeMs;
      else if (isPlain(own, ...pair) && point.timeMs - sinceMs > own.maxGapMs) yield point.timeMs;
    }
  }
}

/** Whether the point is accepted without regard to any other read. */
function isCertain(profile: MeterProfile, before: MeterPoint, point: MeterPoint): boolean {
  if (profile.kind === 'flow') return point.said !== undefined || countsAsRate(profile, point);
  // Where nothing is known of how a register began, its first read is taken as it is.
  return point.ruling !== undefined || (before.era ?? 0) !== (point.era ?? 0) || before.value === null;
}
