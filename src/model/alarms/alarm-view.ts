/** The alarm as the outside sees it (contracts §6): names without units, times in RFC 3339 UTC. */
import type { Alarm, Folded, Worst } from './alarm.ts';
import { saysOf, titleOf } from './platform-says.ts';

/** An instant as RFC 3339 in UTC with milliseconds; null stays null. */
function instant(timeMs: number): string;
function instant(timeMs: number | null): string | null;
function instant(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

/**
 * The alarm object of contracts §6, as the API, webhooks and retained topics send it. Times are event times except
 * `detectedAt`; limits and multiples are plain JSON numbers.
 */
export function alarmView(alarm: Alarm) {
  const [title, says] = [titleOf(alarm), saysOf(alarm)];
  return {
    id: alarm.id,
    key: alarm.key,
    rule: alarm.rule,
    station: alarm.station,
    parameter: alarm.parameter,
    severity: alarm.severity,
    state: alarm.state,
    breachStart: instant(alarm.breachStartMs),
    raisedAt: instant(alarm.raisedAtMs),
    detectedAt: instant(alarm.detectedAtMs),
    acknowledgedAt: instant(alarm.acknowledgedAtMs),
    acknowledgedBy: alarm.acknowledgedBy,
    clearedAt: instant(alarm.clearedAtMs),
    value: alarm.value,
    ...(alarm.censored && { censored: alarm.censored }),
    unit: alarm.unit,
    limit: alarm.limit,
    op: alarm.op,
    target: alarm.target,
    class: alarm.class,
    multiple: alarm.multiple,
    worst: alarm.worst ? worstView(alarm.worst) : null,
    basis: alarm.basis,
    late: alarm.late,
    occurrences: alarm.occurrences,
    // Alarms that an earlier version kept lack these.
    chattering: alarm.chattering ?? false,
    ...(alarm.folded ? { folded: foldedView(alarm.folded) } : {}),
    firstOut: alarm.firstOut ?? null,
    shelvedUntil: instant(alarm.shelvedUntilMs),
    suppressedBy: alarm.suppressedBy,
    latched: alarm.latched,
    detail: alarm.detail ?? null,
    ...(title && { title }),
    ...(says && { says }),
  };
}

function worstView({ value, censored, class: reached, severity, atMs }: Worst) {
  return { value, ...(censored && { censored }), class: reached, severity, at: instant(atMs) };
}

function foldedView({ sinceMs, untilMs, crossings, transitions }: Folded) {
  return { since: instant(sinceMs), until: instant(untilMs), crossings, transitions };
}
