/** The alarms about silence as pure steps: raised, more severe in time, told for themselves after all. */

import { alarmIdOfKey, happened, NEWBORN, NO_VALUE, namesIn, type Step } from '#alerts/life/lifecycle.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import { isMoreSevere } from '#alerts/rules/grades.ts';
import type { Alarm, Severity } from '#model/alarms/alarm.ts';
import { lasting, type Phrase, phrase, told } from '#model/alarms/phrases.ts';
import { durationMs } from '#model/duration.ts';
import type { MissingRule, Silence } from './silence.ts';
import type { UpClock } from './up-clock.ts';

interface Circumstances {
  body: MissingRule;
  /** What is missing. */
  what: Phrase;
  /** The alarm that this one is a consequence of. */
  parent: string | null;
  raisedAtMs: number;
  occasion: Occasion;
  clock: UpClock;
}

export function raiseSilence(
  key: string,
  silence: Silence,
  { body, what, parent, raisedAtMs, occasion, clock }: Circumstances,
): Step {
  const { since, isFromBirth, everyMs } = silence;
  const places = { what: [what], at: new Date(since.atMs).toISOString(), everyMs };
  const seen = told(phrase(isFromBirth ? 'silence.from-birth' : 'silence.since', places));
  const alarm: Alarm = {
    id: alarmIdOfKey(occasion.origin, key),
    key,
    ...namesIn(key),
    severity: silentSeverity(body, silence, clock).severity,
    state: 'raised',
    breachStartMs: since.atMs,
    raisedAtMs: Math.max(since.atMs, raisedAtMs),
    detectedAtMs: occasion.receivedMs,
    ...NEWBORN,
    ...NO_VALUE,
    suppressedBy: parent,
    ...seen,
  };
  return { alarm, happenings: [happened('raised', null, 'raised', seen.detail)] };
}

/** How severe a silence is by now, and when it is to be looked at again; null: never. */
export function silentSeverity(
  { severity, steps = [] }: MissingRule,
  { since }: Silence,
  { upMs }: UpClock,
): { severity: Severity; nextUpMs: number | null } {
  let severest = severity;
  let nextUpMs: number | null = null;
  for (const step of steps) {
    const fromUpMs = since.upMs + durationMs(step.after);
    if (upMs < fromUpMs) nextUpMs = Math.min(nextUpMs ?? fromUpMs, fromUpMs);
    else if (isMoreSevere(step.severity, severest)) severest = step.severity;
  }
  return { severity: severest, nextUpMs };
}

export function nowSilent(alarm: Alarm, severity: Severity, { since }: Silence, { upMs }: UpClock): Step {
  const cause = `silent for ${lasting('en', upMs - since.upMs)}: ${alarm.severity} becomes ${severity}`;
  return {
    alarm: { ...alarm, severity },
    happenings: [happened('severity-changed', alarm.state, alarm.state, cause)],
  };
}
