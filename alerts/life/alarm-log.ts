/**
 * Writes down what happens to alarms: the alarm, its transitions and their notices (alerts/telling/announcer.ts), all in the
 * follower's open transaction, so that no transition is without its notices and no notice without its transition
 * (invariant 5). What is found late is gathered and written once per entry.
 */

import type { Change, Episode } from '#alerts/readings/evaluate.ts';
import type { Lane } from '#alerts/readings/lane.ts';
import { openCrossings } from '#alerts/records/crossings.ts';
import { type AnnouncerOptions, createAnnouncer } from '#alerts/telling/announcer.ts';
import type { Escalation } from '#alerts/telling/escalation.ts';
import { EVENTS } from '#alerts/telling/events.ts';
import type { Alarm, LimitVersion, Transition } from '#model/alarms/alarm.ts';
import type { Standard } from '#model/reference.ts';
import { chatters, createCompany } from './company.ts';
import { createDeadlines } from './deadlines.ts';
import { type Counted, createFolding, type Folding } from './folding.ts';
import { changedBy } from './history.ts';
import { type Birth, happened, raise, record, resuppress, revise, type Step, withdraw } from './lifecycle.ts';
import { createMaintenance } from './maintenance.ts';
import type { Occasion } from './occasion.ts';

export interface AlarmChange {
  alarm: Alarm;
  transition: Transition;
}

interface Options extends AnnouncerOptions {
  standard: Standard;
  allowedLatenessMs: number;
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

/** Not split: one closure over what an occasion gathers, shared by short parts. */
export function createAlarmLog(options: Options): AlarmLog {
  const { store, control, standard, allowedLatenessMs, derived } = options;
  const announcer = createAnnouncer(options);
  let changes: AlarmChange[] = [];
  const late = new Map<string, { lane: Lane; isNew: boolean; episode: Episode }>();
  const maintenance = createMaintenance(store, control);
  const deadlines = createDeadlines(store, control);
  const company = createCompany(store);
  const folding = createFolding({ store, crossings: openCrossings(derived), write });

  function birthOf(id: string, lane: Lane, { receivedMs }: Occasion): Birth {
    return { id, key: lane.key, detectedAtMs: receivedMs };
  }

  function write(given: Step, occasion: Occasion, lastBreachMs?: number | null, only?: Escalation): void {
    const { seq, receivedMs } = occasion;
    const known = store.alarm(given.alarm.id);
    const before = known?.alarm;
    const step = maintenance.held(given, receivedMs);
    const { alarm, happenings } = known ? step : begun(step);
    store.put(alarm, lastBreachMs === undefined ? (known?.lastBreachMs ?? null) : lastBreachMs);
    maintenance.put(alarm);
    deadlines.set(alarm);
    company.put(before, alarm);
    const changed = changedBy(happenings, before, alarm);
    const limitVersion = limitVersionOf(alarm);
    for (const [n, { again, ...happening }] of happenings.entries()) {
      // Of several happenings at once each tells of the alarm as it was right after it.
      const then: Alarm = { ...alarm, state: happening.to };
      const { event } = happening;
      const remark = announcer.announce({ event, alarm: then, step: { before, now: alarm }, occasion, again, only });
      const cause = `${happening.cause}${remark}`;
      const history = { changed: changed[n]!, limitVersion };
      const transition: Transition = { alarm: alarm.id, seq, atMs: receivedMs, ...happening, cause, ...history };
      store.transition(transition);
      changes.push({ alarm: then, transition });
    }
    const asksAnew = happenings.some(({ event, to }) => to === 'raised' && EVENTS[event].asks === 'anew');
    announcer.follow({ before, now: alarm, asksAnew, atMs: receivedMs });
  }

  function begun({ alarm: newborn, happenings }: Step): Step {
    const alarm = company.placed(newborn);
    return { alarm, happenings: [...happenings, ...chatters(false, alarm)] };
  }

  function limitVersionOf({ rule, ruleSeq, target }: Alarm): LimitVersion {
    const seq = ruleSeq ?? control.version('rule', rule)?.seq ?? null;
    return { rule: seq, standard: target === null ? null : standard.id };
  }

  /** What an alarm has counted goes on its way: to the stream, and to whoever hears of it. */
  function tellCounted(alarm: Alarm, counted: Counted, occasion: Occasion): void {
    const { seq, receivedMs } = occasion;
    const { id, state } = alarm;
    if (counted.transitions === 0) return;
    const cause = `raised ${counted.raises} times, ended ${counted.ends} times`;
    const happening = { event: 'counted', from: state, to: state, cause, actor: null } as const;
    const transition = { alarm: id, seq, atMs: receivedMs, ...happening, changed: null, limitVersion: null };
    changes.push({ alarm, transition });
    announcer.count(alarm, counted, occasion);
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
    test: announcer.test,
    pass: ({ receivedMs }) => announcer.pass(receivedMs),
    escalate(occasion) {
      for (const due of announcer.escalated(occasion.receivedMs)) {
        const { alarm, cause } = due;
        const happenings = [happened('escalated', alarm.state, alarm.state, cause)];
        write({ alarm, happenings }, occasion, undefined, due);
      }
    },
    end(occasion) {
      for (const [id, { lane, isNew, episode }] of late) {
        const known = isNew ? undefined : store.alarm(id)?.alarm;
        const step = known ? revise(known, episode) : record(episode, birthOf(id, lane, occasion));
        write(step, occasion, episode.lastBreachMs);
      }
      late.clear();
      announcer.tellLate(occasion);
      const counted = folding.end(occasion);
      for (const step of company.revised()) write(step, occasion);
      // The last of an entry in the stream: they aren't among the transitions that a reader comes back for.
      for (const one of counted) tellCounted(store.alarm(one.alarm.id)!.alarm, one.counted, occasion);
      announcer.pass(occasion.receivedMs);
    },
    save: announcer.save,
    routesChanged: () => announcer.changed(),
    stationChanged: (id) => announcer.changed(id),
    take() {
      const taken = changes;
      changes = [];
      return taken;
    },
    nextMs() {
      const times = [deadlines.nextMs(), maintenance.nextMs(), announcer.nextMs()].filter((at) => at !== null);
      return times.length === 0 ? null : Math.min(...times);
    },
    shelvesDue: deadlines.shelvesDue,
    reAlarmsDue: deadlines.reAlarmsDue,
    ruleChanged: deadlines.ruleChanged,
    windowsChanged: maintenance.windowsChanged,
    releaseHeld(occasion, parentOf) {
      for (const { id, by, was } of maintenance.released(occasion.receivedMs)) {
        const { alarm } = store.alarm(id)!;
        const next = by ?? parentOf(alarm);
        write(resuppress(alarm, next, `${was} is over${next === null ? ', and it still holds' : ''}`), occasion);
      }
    },
    isHeldOver: maintenance.isOver,
  };
}
