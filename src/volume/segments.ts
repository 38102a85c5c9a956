/**
 * From a meter's good readings to segments of known volume, and the decisions taken on the way. Pure; the same points
 * give the same segments however they arrived. A meter whose register was replaced is folded era by era: each register
 * has its own history, and what was said of its last and first count joins them.
 */

import { type Decision, REASONS } from './decisions.ts';
import { foldFlow } from './flow.ts';
import type { Folded } from './model.ts';
import type { MeterPoint } from './points.ts';
import { type MeterProfile, profileIn } from './profile.ts';
import type { Read } from './register-rules.ts';
import { foldRegister } from './registers.ts';

export type { MeterPoint } from './points.ts';

/** @param points ascending by time, within the meter's validity; those that are ruled a glitch among them. */
export function meterSegments(profile: MeterProfile, points: readonly MeterPoint[]): Folded {
  const whole: Folded = { segments: [], decisions: [], gaps: [] };
  let last: Read | undefined;
  for (let start = 0; start < points.length; ) {
    const era = points[start]!.era ?? 0;
    let end = start;
    while (end < points.length && (points[end]!.era ?? 0) === era) end++;
    const folded = foldEra(profileIn(profile, era), points.slice(start, end), last);
    whole.segments.push(...folded.segments);
    whole.decisions.push(...folded.decisions);
    whole.gaps.push(...folded.gaps);
    last = folded.last;
    start = end;
  }
  return whole;
}

function foldEra(
  profile: MeterProfile,
  points: readonly MeterPoint[],
  old: Read | undefined,
): Folded & { last?: Read } {
  const [first, ...rest] = points;
  const isReplaced = first?.said === 'start';
  const read = isReplaced ? rest : points;
  const start = isReplaced && first.value !== null ? toRead(first) : undefined;
  const folded = profile.kind === 'flow' ? foldFlow(profile, read) : foldRegister(profile, read.map(toRead), start);
  if (isReplaced) folded.decisions.unshift(replacementDecision(first.timeMs, old, start));
  return folded;
}

/** What ran until the old register's last count is booked with that count; the new register begins with its own. */
function replacementDecision(timeMs: number, old: Read | undefined, start: Read | undefined): Decision {
  return {
    timeMs,
    kind: 'replacement',
    fromMs: old?.timeMs ?? null,
    before: old?.litres ?? null,
    after: start?.litres ?? null,
    litres: null,
    reason: REASONS.replacement,
    isRuled: true,
  };
}

/** @param point with a value. */
export function toRead({ timeMs, value, said, ruling }: MeterPoint): Read {
  return { timeMs, litres: Math.round(value! * 1000), said, ruling };
}
