/** The stages that a transition passes first: whether anybody is told of it, and whom. */
import { isOver } from '#alerts/life/lifecycle.ts';
import { isHeldByMaintenance } from '#alerts/life/maintenance.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { type Alarm, GATEWAYS_STATION } from '#model/alarms/alarm.ts';
import { PLATFORM_STATION } from '#model/alarms/platform.ts';
import type { Station } from '#model/register.ts';
import type { AlarmStep, Desk, News } from './desk.ts';
import { EVENTS } from './events.ts';
import type { Bond } from './grouping.ts';
import { isAboutRoutes, whyNobody } from './reach.ts';
import { channelsFor, matching, toldAtOnce } from './route.ts';

/** What is shelved, suppressed, held by a maintenance window, or history is recorded and told to nobody. */
export function silenced(news: News): News | null {
  const { event, step, occasion } = news;
  const { before, now } = step;
  // An alarm that ends while it is shelved, or suppressed, ends in silence.
  const wasShelved = (before?.shelvedUntilMs ?? null) !== null;
  if (now.shelvedUntilMs !== null || (wasShelved && isOver(now.state)) || now.suppressedBy !== null) return null;
  // What was found in history, or by other rules of counting, and is over: it pages nobody.
  if (occasion.isRecordOnly !== true || event === 'counted') return news;
  return isOver(now.state) && (!before || isOver(before.state)) ? null : news;
}

/** One message may find a breach late and take it back: that is told in this order, and to those who heard of it. */
export function lateFinds(news: News, { late }: Pick<Desk, 'late'>): News {
  if (news.event !== 'late-found' && late.has(news.alarm.id)) late.tell(news.occasion);
  return news;
}

export function routes(news: News, { control }: Pick<Desk, 'control'>): News {
  const station = control.get('station', news.alarm.station);
  const all = control.list('routes').flatMap(({ body }) => body);
  return { ...news, station, routes: matching(all, news.alarm, station) };
}

/** Whom the routes name and nobody can reach, and whether that leaves nobody, is said in the history of what was raised. */
export function nobodyTold(news: News, { control, remark }: Pick<Desk, 'control' | 'remark'>): News {
  const { event, routes, station } = news;
  if (event !== 'raised') return news;
  const { absent } = toldAtOnce(routes, station);
  if (absent.length > 0) remark(`; not told: ${absent.join(', ')}`);
  remark(whyNobody(routes, station, control));
  return news;
}

/** Whom the event is for: those whom the routes name now, those who were told before, or those whom an escalation names. */
export function recipients(news: News, desk: Pick<Desk, 'store' | 'stationsBehind' | 'causeOf'>): News {
  const { event, alarm, only, routes, station, occasion } = news;
  // That somebody can be told again is no news to whoever was just routed.
  const now = isAboutRoutes(alarm) && EVENTS[event].ends ? [] : toldAtOnce(routes, station).channels;
  const channels = only?.channels ?? channelsFor(event, now, desk.store.told(alarm.id));
  // What is counted has no notices of its own, so there is nothing to name.
  if (event === 'counted') return { ...news, channels };
  const cause = desk.causeOf(occasion);
  const bond = bondOf(alarm, station, parentOf(news.step.before, desk.store));
  return { ...news, channels, cause, covers: desk.stationsBehind(alarm), bond };
}

/** The gateway that an alarm followed from until now. */
function parentOf(alarm: Alarm | undefined, store: Pick<AlertStore, 'alarm'>): string | null {
  const by = alarm?.suppressedBy ?? null;
  if (by === null || isHeldByMaintenance(by)) return null;
  return store.alarm(by)?.alarm.parameter ?? null;
}

/** What an alarm has in common with others of one flood. @param parent the gateway that it followed from, if any. */
function bondOf(
  alarm: Pick<Alarm, 'station' | 'parameter'>,
  station: Station | undefined,
  parent: string | null,
): Bond {
  if (parent !== null) return { kind: 'gateway', name: parent };
  if (alarm.station === GATEWAYS_STATION) return { kind: 'gateways', name: null };
  if (alarm.station === PLATFORM_STATION) return { kind: 'platform', name: alarm.parameter };
  if (station?.river) return { kind: 'river', name: station.river };
  return station?.area ? { kind: 'area', name: station.area } : { kind: 'rest', name: null };
}

/** What nobody has acknowledged waits for those further up: when that is due it comes in as `escalated`, at the top. */
export function escalation(
  { before, now, asksAnew, atMs }: AlarmStep,
  { escalations }: Pick<Desk, 'escalations'>,
): null {
  escalations.follow(before, now, asksAnew, atMs);
  return null;
}
