/**
 * The life of a platform alarm (contracts §3): the service found that something is wrong with itself, and later that
 * it no longer is. Pure steps of the same vocabulary as lifecycle.ts; what operators do to it is the same, too.
 */
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Said } from '#model/alarms/phrases.ts';
import { PLATFORM_CONDITIONS, PLATFORM_RULE, PLATFORM_STATION } from '#model/alarms/platform.ts';
import { platformDetail } from '#model/alarms/platform-says.ts';
import type { PlatformChange } from '#model/entry.ts';
import { alarmId, clear, comment, happened, keyOf, NEWBORN, NO_SERIES, NO_VALUE, type Step } from './lifecycle.ts';

/** The key that all alarms of a condition share; one that each gateway has for itself has a key for each. */
export function platformKey({ condition, about }: Pick<PlatformChange, 'condition' | 'about'>): string {
  return keyOf(PLATFORM_RULE, PLATFORM_STATION, about === undefined ? condition : `${condition}:${about.gateway}`);
}

/**
 * What a change of the platform does to the alarm of its condition; null for nothing.
 * @param standing the alarm of this condition that isn't over, if there is one.
 * @param entry the journal's entry of the change.
 */
export function platformStep(
  change: PlatformChange,
  standing: Alarm | undefined,
  entry: { seq: number; receivedMs: number; actor: string },
): Step | null {
  if (change.state === 'ended') return standing ? clear(standing, entry.receivedMs, change.detail) : null;
  return standing ? seenAgain(standing, change, entry.actor) : raisePlatform(change, entry);
}

function raisePlatform(change: PlatformChange, { seq, receivedMs }: { seq: number; receivedMs: number }): Step {
  const { condition, sinceMs, detail } = change;
  // A clock that was set back since may say that it began after it was journaled.
  const beganMs = Math.min(sinceMs, receivedMs);
  const alarm: Alarm = {
    id: alarmId(String(seq), PLATFORM_RULE, NO_SERIES, 0),
    key: platformKey(change),
    rule: PLATFORM_RULE,
    station: PLATFORM_STATION,
    parameter: condition,
    severity: PLATFORM_CONDITIONS[condition].severity,
    state: 'raised',
    breachStartMs: beganMs,
    raisedAtMs: beganMs,
    detectedAtMs: receivedMs,
    ...NEWBORN,
    ...NO_VALUE,
    detail: platformDetail(condition, detail),
    said: saidOf(change),
  };
  return { alarm, happenings: [happened('raised', null, 'raised', detail)] };
}

/** A second beginning without an end between: a process died in between. News is recorded, and nobody is told twice. */
function seenAgain(standing: Alarm, change: PlatformChange, actor: string): Step | null {
  const detail = platformDetail(change.condition, change.detail);
  const seen = { detail, said: saidOf(change) };
  return detail === standing.detail ? null : comment({ ...standing, ...seen }, actor, change.detail);
}

function saidOf({ detail, said }: PlatformChange): Said {
  return said ?? (detail === '' ? [] : [detail]);
}
