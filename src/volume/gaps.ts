/** How time between two readings that are further apart than `maxGap` is accounted for. */

import { HOUR_MS } from '#model/calendar.ts';
import type { Decision } from './decisions.ts';
import type { Gap, HourVolume, Segment } from './model.ts';

const HOW: Record<Gap['method'], string> = {
  total: "the register's total is known, its timing is estimated as even",
  turn: 'the register can have turned over unseen, so the smallest total is estimated and the time stays unknown',
  zeroed: 'the register can have been zeroed unseen, so the smallest total is estimated and the time stays unknown',
  linear: 'estimated as a straight line between the two rates',
  held: 'estimated by holding the last rate',
  sister: 'estimated from the sister meter, where that measured whole hours',
  register: 'estimated from the register of the same place, where that measured whole hours',
  beyond: 'unknown: longer than `maxEstimate`',
  unknown: 'unknown: no method is set for this meter',
};

/** `5.5 h without a reading: …`. */
function gapReason({ fromMs, toMs, method }: Gap): string {
  const hours = Math.round(((toMs - fromMs) / HOUR_MS) * 100) / 100;
  return `${hours} h without a reading: ${HOW[method]}`;
}

export function gapDecision(gap: Gap): Decision {
  const { fromMs, toMs, before, after, litres } = gap;
  return { timeMs: toMs, kind: 'gap', fromMs, before, after, litres, reason: gapReason(gap), isRuled: false };
}

/**
 * What another meter measured in the gap, as estimated segments of this one. Only hours that it measured whole count:
 * what is itself an estimate or partly unknown proves nothing. Where it has none, the gap stays unknown.
 * @param hours of the other meter, ascending.
 */
export function fromOtherMeter(
  { fromMs, toMs }: Pick<Gap, 'fromMs' | 'toMs'>,
  hours: readonly HourVolume[],
): Segment[] {
  const segments: Segment[] = [];
  for (const { hourMs, measuredLitres, estimatedLitres, knownMs } of hours) {
    const startMs = Math.max(fromMs, hourMs);
    const endMs = Math.min(toMs, hourMs + HOUR_MS);
    if (startMs >= endMs || knownMs !== HOUR_MS || estimatedLitres !== 0) continue;
    const untilMs = (ms: number) => Math.floor((measuredLitres * (ms - hourMs)) / HOUR_MS);
    const litres = untilMs(endMs) - untilMs(startMs);
    segments.push({ fromMs: startMs, toMs: endMs, litres, rates: null, quality: 'estimated' });
  }
  return segments;
}
