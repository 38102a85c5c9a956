/** The fold over a flow meter's rates: trapezoids between neighbours, and a stated method where there are none for long. */
import { type Decision, REASONS } from './decisions.ts';
import type { Folded, Gap, Segment } from './model.ts';
import type { MeterPoint } from './points.ts';
import type { MeterProfile } from './profile.ts';

/**
 * Whether a rate counts: one that the channel can't carry (m³/h sent as m³/s) is no measurement of it, unless an engineer
 * says so.
 */
export function countsAsRate(profile: MeterProfile, { value, ruling }: MeterPoint): boolean {
  if (value === null || ruling?.kind === 'glitch') return false;
  return ruling !== undefined || Math.abs(value) * 1000 <= profile.maxFlowLitresPerSecond;
}

/** @param points ascending, of one era. */
export function foldFlow(profile: MeterProfile, points: readonly MeterPoint[]): Folded {
  const folded: Folded = { segments: [], decisions: [], gaps: [] };
  let before: MeterPoint | undefined;
  for (const point of points) {
    if (point.value === null) continue;
    const counts = countsAsRate(profile, point);
    if (!counts || point.ruling) folded.decisions.push(rateDecision(before, point));
    if (!counts) continue;
    if (before) span(folded, profile, before, point);
    before = point;
  }
  return folded;
}

function rateDecision(before: MeterPoint | undefined, { timeMs, value, ruling }: MeterPoint): Decision {
  return {
    timeMs,
    kind: ruling?.kind ?? 'glitch',
    fromMs: before?.timeMs ?? null,
    before: before ? before.value! * 1000 : null,
    after: value! * 1000,
    litres: null,
    reason: ruling?.reason ?? REASONS.beyondFlow,
    isRuled: ruling !== undefined,
  };
}

function span(folded: Folded, profile: MeterProfile, before: MeterPoint, point: MeterPoint): void {
  const { maxGapMs, direction } = profile;
  const fromMs = before.timeMs;
  const toMs = point.timeMs;
  const first = before.value! * 1000 * direction;
  const last = point.value! * 1000 * direction;
  const isGap = toMs - fromMs > maxGapMs;
  const method = methodFor(profile, toMs - fromMs);
  const ends = { before: before.value! * 1000, after: point.value! * 1000 };
  if (isGap && method !== 'linear' && method !== 'held') {
    folded.gaps.push({ fromMs, toMs, method, litres: null, ...ends } satisfies Gap);
    return;
  }
  const rates = [first, isGap && method === 'held' ? first : last] as const;
  const litres = ((rates[0] + rates[1]) / 2) * ((toMs - fromMs) / 1000);
  folded.segments.push({ fromMs, toMs, litres, rates, quality: isGap ? 'estimated' : 'measured' } satisfies Segment);
  if (isGap) folded.gaps.push({ fromMs, toMs, method, litres: Math.round(litres), ...ends });
}

/** What another meter measured is no guess, however long; a line drawn between two rates is one that needs an end. */
function methodFor({ gap = 'linear', maxEstimateMs = Infinity }: MeterProfile, lengthMs: number): Gap['method'] {
  return (gap === 'linear' || gap === 'held') && lengthMs > maxEstimateMs ? 'beyond' : gap;
}
