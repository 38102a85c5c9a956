/** How what happened to an alarm, and what was said about it, stands in answers (the alarm itself: model/alarms). */
import type { NoticeRow } from '#alerts/records/queries.ts';
import { isoText } from '#api/instants.ts';
import type { Transition } from '#model/alarms/alarm.ts';
import type { CountedLine } from '#model/alarms/counted.ts';

export function transitionView({ atMs, event, from, to, cause, actor, changed, limitVersion }: Transition) {
  const { shelvedUntilMs, ...rest } = changed ?? {};
  const shelvedUntil = shelvedUntilMs?.map((untilMs) => (untilMs === null ? null : isoText(untilMs)));
  return {
    at: isoText(atMs),
    event,
    from,
    to,
    cause,
    ...(actor === null ? {} : { actor }),
    ...(changed === null ? {} : { changed: { ...rest, ...(shelvedUntil ? { shelvedUntil } : {}) } }),
    ...(limitVersion === null ? {} : { limitVersion }),
  };
}

export function lineView({ crossing, atMs, event, timeMs, severity, value }: CountedLine) {
  return { crossing, at: isoText(atMs), event, time: isoText(timeMs), severity, value };
}

export function noticeView(row: NoticeRow) {
  const { createdAtMs, attempts, id, channel, event, alarms, state, summary, fallback, receipts = [] } = row;
  return {
    id,
    channel,
    event,
    alarms,
    createdAt: isoText(createdAtMs),
    state,
    attempts: attempts.map(({ atMs, status, outcome }) => ({ at: isoText(atMs), status, outcome })),
    ...(summary ? { summary } : {}),
    ...(fallback ? { fallback } : {}),
    ...(receipts.length > 0 ? { receipts: receipts.map(({ atMs, ...rest }) => ({ ...rest, at: isoText(atMs) })) } : {}),
  };
}
