/**
 * Writes down what happens to alarms: the alarm, its transitions and the notices that the routes ask for, all in the
 * follower's open transaction, so that no transition is without its notices and no notice without its transition
 * (invariant 5). What is found late is gathered and told once per entry and channel.
 */

import type { Change, Episode } from '#alerts/readings/evaluate.ts';
import type { Lane } from '#alerts/readings/lane.ts';
import { openCrossings } from '#alerts/records/crossings.ts';
import { openEscalations } from '#alerts/records/escalations.ts';
import { openHeldNotices } from '#alerts/records/held-notices.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { createEscalations, type Escalation } from '#alerts/telling/escalation.ts';
import { EVENTS } from '#alerts/telling/events.ts';
import { sampleAlarm } from '#alerts/telling/notice.ts';
import { quietUntilMs } from '#alerts/telling/quiet.ts';
import { isAboutRoutes, nobodyTold } from '#alerts/telling/reach.ts';
import { matching, named, recipients, toldAtOnce } from '#alerts/telling/route.ts';
import { bondOf, createTelling } from '#alerts/telling/telling.ts';
import type { Control } from '#journal/registers.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Again, Alarm, LimitVersion, Transition } from '#model/alarms/alarm.ts';
import type { Standard } from '#model/reference.ts';
import type { Routes, Station } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';
import { chatters, createCompany } from './company.ts';
import { createDeadlines } from './deadlines.ts';
import { type Counted, createFolding, type Folding } from './folding.ts';
import { changedBy } from './history.ts';
import {
  type Birth,
  happened,
  isOver,
  raise,
  record,
  resuppress,
  revise,
  type Step,
  suppress,
  withdraw,
} from './lifecycle.ts';
import { createMaintenanceWindows, isHeldByMaintenance } from './maintenance.ts';
import type { Occasion } from './occasion.ts';

export interface AlarmChange {
  alarm: Alarm;
  transition: Transition;
}

interface Options {
  store: AlertStore;
  control: Control;
  standard: Standard;
  allowedLatenessMs: number;
  publicUrl: string | null;
  linkSigner?: LinkSigner;
  timeZone: string;
  derived: Database;
  /** The stations behind a gateway whose silence is told with it. */
  stationsBehind: (alarm: Alarm) => string[];
}

export interface AlarmLog extends Pick<Folding, 'deny' | 'calmed'> {
  /** What a lane's evaluation changed. `cause` says why an alarm is withdrawn. */
  evaluated(lane: Lane, changes: readonly Change[], occasion: Occasion, cause: string): void;
  /** What a run of late readings changed; written at the end of the occasion. */
  foundLate(lane: Lane, changes: readonly Change[], occasion: Occasion): void;
  /** One step of an alarm's life; `lastBreachMs` undefined = as it was. */
  write(step: Step, occasion: Occasion, lastBreachMs?: number | null): void;
  test(channel: string, occasion: Occasion): void;
  /** Ends an occasion: records and their digests are written, and what has changed for other alarms. */
  end(occasion: Occasion): void;
  /** What happened since it was last asked, in order. */
  take(): AlarmChange[];
  /**
   * When something is due though nothing arrives: a summary, a step of an escalation, the end of a shelf, of an
   * acknowledgement, or of a maintenance window that holds alarms; or null.
   */
  nextMs(): number | null;
  /** Time passes: summaries that are due by then are told. */
  pass(occasion: Occasion): void;
  /** Tells those further up of what nobody has acknowledged. */
  escalate(occasion: Occasion): void;
  routesChanged(): void;
  stationChanged(id: string): void;
  /** Keeps what it has in memory, in the transaction of what it has written. */
  save(): void;
  shelvesDue(receivedMs: number): string[];
  reAlarmsDue(receivedMs: number): string[];
  /** Whether a window that holds alarms is over. */
  isHeldOver(receivedMs: number): boolean;
  /** Lets go of alarms that no window holds any more: they are told, unless `parentOf` names a reason of its own. */
  releaseHeld(occasion: Occasion, parentOf: (alarm: Alarm) => string | null): void;
  windowsChanged(): void;
  ruleChanged(rule: string): void;
}

/** Those whom a step of an escalation names, and nobody else. */
type Only = Pick<Escalation, 'channels' | 'after'>;

/** Not split: one closure over what an occasion gathers, shared by short parts. */
export function createAlarmLog(options: Options): AlarmLog {
  const { store, control, standard, allowedLatenessMs, timeZone, derived } = options;
  const telling = createTelling({ ...options, held: openHeldNotices(derived) });
  const escalations = createEscalations({ store, control, escalations: openEscalations(derived) });
  let changes: AlarmChange[] = [];
  let counted = { origin: '', count: 0 };
  const late = new Map<string, { lane: Lane; isNew: boolean; episode: Episode }>();
  /** By channel; the alarms of each by their ids, in order. */
  const digests = new Map<string, { alarms: Map<string, Alarm>; quietUntilMs: number | null }>();
  const windows = createMaintenanceWindows(control);
  /** Alarms that stand and are held by a window. */
  const maintained = new Map(store.suppressed().flatMap(({ id, by }) => (isHeldByMaintenance(by) ? [[id, by]] : [])));
  /** How many of them each window holds: asked with every entry. */
  const holding = new Map<string, number>();
  for (const by of maintained.values()) holding.set(by, (holding.get(by) ?? 0) + 1);
  const deadlines = createDeadlines(store, control);
  const company = createCompany(store);
  const folding = createFolding({ store, crossings: openCrossings(derived), write });

  /** A name for one happening of an occasion: the same at every replay, since the same things happen in it. */
  function ordinal(origin: string): number {
    counted = counted.origin === origin ? { origin, count: counted.count + 1 } : { origin, count: 0 };
    return counted.count;
  }

  /** The routes that match an alarm now. */
  function routesOf(alarm: Alarm): { routes: Routes; station: Station | undefined } {
    const station = control.get('station', alarm.station);
    const routes = control.list('routes').flatMap(({ body }) => body);
    return { routes: matching(routes, alarm, station), station };
  }

  function birthOf(id: string, lane: Lane, { receivedMs }: Occasion): Birth {
    return { id, key: lane.key, detectedAtMs: receivedMs };
  }

  /** What is raised in a maintenance window is held by it. */
  function held(step: Step, { receivedMs }: Occasion): Step {
    if (!step.happenings.some(({ event }) => event === 'raised' || event === 'late-found')) return step;
    const by = windows.covering(step.alarm, receivedMs);
    if (by !== null) return suppress(step, by);
    if (!isHeldByMaintenance(step.alarm.suppressedBy)) return step;
    return { ...step, alarm: { ...step.alarm, suppressedBy: null } };
  }

  function hold({ id, state, suppressedBy }: Alarm): void {
    const stands = state === 'raised' || state === 'acknowledged';
    const was = maintained.get(id);
    const by = stands && isHeldByMaintenance(suppressedBy) ? suppressedBy! : undefined;
    if (by === was) return;
    if (by === undefined) maintained.delete(id);
    else maintained.set(id, by);
    for (const [window, change] of [
      [was, -1],
      [by, 1],
    ] as const) {
      if (window === undefined) continue;
      const count = (holding.get(window) ?? 0) + change;
      if (count === 0) holding.delete(window);
      else holding.set(window, count);
    }
  }

  function write(given: Step, occasion: Occasion, lastBreachMs?: number | null, only?: Only): void {
    const { seq, receivedMs } = occasion;
    const before = store.alarm(given.alarm.id);
    const { alarm, happenings } = before ? held(given, occasion) : begun(held(given, occasion));
    hold(alarm);
    store.put(alarm, lastBreachMs === undefined ? (before?.lastBreachMs ?? null) : lastBreachMs);
    deadlines.set(alarm);
    company.put(before?.alarm, alarm);
    const asksAnew = happenings.some(({ event, to }) => to === 'raised' && EVENTS[event].asks === 'anew');
    escalations.follow(before?.alarm, alarm, asksAnew, receivedMs);
    const changed = changedBy(happenings, before?.alarm, alarm);
    const limitVersion = limitVersionOf(alarm);
    // An alarm that ends while it is shelved, or suppressed, ends in silence.
    const wasShelved = (before?.alarm.shelvedUntilMs ?? null) !== null;
    const isShelved = alarm.shelvedUntilMs !== null || (wasShelved && isOver(alarm.state));
    // What was found in history, or by other rules of counting, and is over: it pages nobody.
    const isRecord = occasion.isRecordOnly === true && isOver(alarm.state) && (!before || isOver(before.alarm.state));
    const isSilent = isShelved || isRecord || alarm.suppressedBy !== null;
    for (const [n, { again, ...happening }] of happenings.entries()) {
      const unreached = happening.event === 'raised' && !isSilent ? unreachedBy(alarm) : '';
      const cause = `${happening.cause}${unreached}`;
      const history = { changed: changed[n]!, limitVersion };
      const transition: Transition = { alarm: alarm.id, seq, atMs: receivedMs, ...happening, cause, ...history };
      store.transition(transition);
      // Of several happenings at once each tells of the alarm as it was right after it.
      const then: Alarm = { ...alarm, state: happening.to };
      changes.push({ alarm: then, transition });
      if (!isSilent) tell(then, transition, occasion, { only, parent: parentBefore(before?.alarm), again });
    }
  }

  function begun({ alarm: newborn, happenings }: Step): Step {
    const alarm = company.placed(newborn);
    return { alarm, happenings: [...happenings, ...chatters(false, alarm)] };
  }

  function limitVersionOf({ rule, ruleSeq, target }: Alarm): LimitVersion {
    const seq = ruleSeq ?? control.version('rule', rule)?.seq ?? null;
    return { rule: seq, standard: target === null ? null : standard.id };
  }

  /** In words, whom the routes name and nobody can reach, and whether that leaves nobody. */
  function unreachedBy(alarm: Alarm): string {
    const { routes, station } = routesOf(alarm);
    const { absent } = toldAtOnce(routes, station);
    return `${absent.length === 0 ? '' : `; not told: ${absent.join(', ')}`}${nobodyTold(routes, station, control)}`;
  }

  /** The gateway that an alarm followed from until now. */
  function parentBefore(alarm: Alarm | undefined): string | null {
    const by = alarm?.suppressedBy ?? null;
    if (by === null || isHeldByMaintenance(by)) return null;
    return store.alarm(by)?.alarm.parameter ?? null;
  }

  /** Writes the digests of what was found late so far; whoever they are for counts as told. */
  function tellLate({ origin, receivedMs }: Occasion): void {
    for (const [channel, { alarms, quietUntilMs: quietMs }] of digests) {
      const cause = `${origin}/digest`;
      const bond = { kind: 'late', name: null } as const;
      const told = { cause, event: 'late-found', channel, alarms: [...alarms.values()], atMs: receivedMs } as const;
      telling.tell(told, bond, quietMs);
    }
    digests.clear();
  }

  function tell(
    alarm: Alarm,
    { event }: Transition,
    occasion: Occasion,
    { only, parent, again }: { only: Only | undefined; parent: string | null; again: Again | undefined },
  ): void {
    const { origin, receivedMs, isRecordOnly } = occasion;
    // One message may find a breach late and take it back: that is told in this order, and to those who heard of it.
    if (event !== 'late-found' && [...digests.values()].some(({ alarms }) => alarms.has(alarm.id))) {
      tellLate(occasion);
    }
    if (isRecordOnly && event === 'late-found') return;
    const { routes, station } = routesOf(alarm);
    // That somebody can be told again is no news to whoever was just routed.
    const now = isAboutRoutes(alarm) && EVENTS[event].ends ? [] : toldAtOnce(routes, station).channels;
    const channels = only?.channels ?? recipients(event, now, store.told(alarm.id));
    const cause = `${origin}/${ordinal(origin)}`;
    const covers = options.stationsBehind(alarm);
    for (const channel of channels) {
      const naming = routes.filter((route) => named(route, station).channels.includes(channel));
      const quietMs = quietUntilMs(naming, alarm.severity, receivedMs, timeZone);
      if (event === 'late-found') {
        const others = digests.get(channel);
        // As soon as one of them may be told, all are.
        const isQuiet = quietMs !== null && (!others || others.quietUntilMs !== null);
        const alarms = others?.alarms ?? new Map<string, Alarm>();
        digests.set(channel, { alarms: alarms.set(alarm.id, alarm), quietUntilMs: isQuiet ? quietMs : null });
      } else {
        const told = { cause, event, channel, alarms: [alarm], atMs: receivedMs };
        const announcement = { ...told, covers, again, after: only?.after };
        telling.tell(announcement, bondOf(alarm, station, parent), quietMs);
      }
    }
  }

  /** What an alarm has counted goes on its way: to the rolling summary of each channel that hears of it, and to the stream. */
  function tellCounted(alarm: Alarm, counted: Counted, { seq, receivedMs }: Occasion): void {
    const { id, state, severity, shelvedUntilMs, suppressedBy } = alarm;
    if (counted.transitions === 0) return;
    const cause = `raised ${counted.raises} times, ended ${counted.ends} times`;
    const happening = { event: 'counted', from: state, to: state, cause, actor: null } as const;
    const transition = { alarm: id, seq, atMs: receivedMs, ...happening, changed: null, limitVersion: null };
    changes.push({ alarm, transition });
    if (shelvedUntilMs !== null || suppressedBy !== null) return;
    const { routes, station } = routesOf(alarm);
    for (const channel of recipients('counted', toldAtOnce(routes, station).channels, store.told(id))) {
      const naming = routes.filter((route) => named(route, station).channels.includes(channel));
      const quietMs = quietUntilMs(naming, severity, receivedMs, timeZone);
      telling.count({ channel, alarm, counted, atMs: receivedMs }, quietMs);
    }
  }

  function toStep({ alarm: id, was, now }: Change, lane: Lane, occasion: Occasion, cause: string): Step | null {
    if (was === null && now !== null) {
      // What is over, and was late when it was raised, is a record like any other late find.
      const isLate = now.clearedAtMs !== null && occasion.receivedMs - now.raisedAtMs > allowedLatenessMs;
      return isLate ? record(now, birthOf(id, lane, occasion)) : raise(now, birthOf(id, lane, occasion));
    }
    const known = store.alarm(id)?.alarm;
    if (!known) throw new Error(`alarm ${id} is tracked but not kept`);
    return now === null ? withdraw(known, cause) : revise(known, now);
  }

  return {
    write,
    deny: folding.deny,
    calmed: folding.calmed,
    evaluated(lane, laneChanges, occasion, cause) {
      for (const change of laneChanges) {
        if (change.fold !== undefined) {
          folding.count(lane, change, occasion, cause);
          continue;
        }
        const step = toStep(change, lane, occasion, cause);
        const { now } = change;
        if (step) write(step, occasion, now ? (now.clearedAtMs === null ? null : now.lastBreachMs) : undefined);
      }
    },
    foundLate(lane, laneChanges) {
      for (const { alarm, was, now } of laneChanges) {
        if (now) late.set(alarm, { lane, isNew: was === null || late.get(alarm)?.isNew === true, episode: now });
      }
    },
    test(channel, { origin, receivedMs }) {
      const alarms = [sampleAlarm(receivedMs)];
      const cause = `${origin}/${ordinal(origin)}`;
      telling.test({ cause, event: 'test', channel, alarms, atMs: receivedMs });
    },
    pass: ({ receivedMs }) => telling.pass(receivedMs),
    escalate(occasion) {
      for (const { alarm, cause, ...only } of escalations.due(occasion.receivedMs)) {
        const happenings = [happened('escalated', alarm.state, alarm.state, cause)];
        write({ alarm, happenings }, occasion, undefined, only);
      }
    },
    end(occasion) {
      for (const [id, { lane, isNew, episode }] of late) {
        const known = isNew ? undefined : store.alarm(id)?.alarm;
        const step = known ? revise(known, episode) : record(episode, birthOf(id, lane, occasion));
        write(step, occasion, episode.lastBreachMs);
      }
      late.clear();
      tellLate(occasion);
      const counted = folding.end(occasion);
      for (const step of company.revised()) write(step, occasion);
      // The last of an entry in the stream: they aren't among the transitions that a reader comes back for.
      for (const one of counted) tellCounted(store.alarm(one.alarm.id)!.alarm, one.counted, occasion);
      telling.pass(occasion.receivedMs);
    },
    save: () => telling.save(),
    routesChanged: () => escalations.changed(),
    stationChanged: (id) => escalations.changed(id),
    take() {
      const taken = changes;
      changes = [];
      return taken;
    },
    nextMs() {
      const ends = [...holding.keys()].flatMap((name) => windows.endMs(name) ?? []);
      const times = [deadlines.nextMs(), ...ends, telling.nextMs(), escalations.nextMs()].filter((at) => at !== null);
      return times.length === 0 ? null : Math.min(...times);
    },
    shelvesDue: deadlines.shelvesDue,
    reAlarmsDue: deadlines.reAlarmsDue,
    ruleChanged: deadlines.ruleChanged,
    windowsChanged: () => windows.forget(),
    releaseHeld(occasion, parentOf) {
      const { receivedMs } = occasion;
      for (const [id, name] of [...maintained].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const alarm = store.alarm(id)!.alarm;
        const by = windows.covering(alarm, receivedMs);
        if (by === name) continue;
        const next = by ?? parentOf(alarm);
        write(resuppress(alarm, next, `${name} is over${next === null ? ', and it still holds' : ''}`), occasion);
      }
    },
    isHeldOver: (receivedMs) => [...holding.keys()].some((name) => (windows.endMs(name) ?? 0) <= receivedMs),
  };
}
