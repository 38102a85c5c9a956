/**
 * Writes down what happens to alarms: the alarm, its transitions and the notices that the routes ask for, all in the
 * follower's open transaction, so that no transition is without its notices and no notice without its transition
 * (invariant 5). What is found late is gathered and told once per entry and channel.
 */
import type { Alarm, Transition } from '#model/alarm.ts';
import { type Entry, isImport } from '#model/entry.ts';
import type { AlertStore } from '#store/alert-store.ts';
import type { Control } from '#store/control.ts';
import type { Change, Episode } from './evaluate.ts';
import type { Lane } from './lane.ts';
import { type Birth, raise, record, revise, type Step, withdraw } from './lifecycle.ts';
import { noticeDraft, sampleAlarm } from './notice.ts';
import { recipients, routed } from './route.ts';

/** What is being worked on: an entry, or a reading judged anew. `origin` names it the same way at every replay. */
export interface Occasion {
  origin: string;
  seq: number;
  receivedMs: number;
  /** What is found is recorded and told to nobody: history that was imported. */
  isRecordOnly?: boolean;
}

export function occasionOf(entry: Entry): Occasion {
  const { seq, receivedMs } = entry;
  return { origin: String(seq), seq, receivedMs, isRecordOnly: entry.kind === 'message' && isImport(entry.source) };
}

export interface AlarmChange {
  alarm: Alarm;
  transition: Transition;
}

interface Options {
  store: AlertStore;
  control: Control;
  station: (series: number) => { station: string; parameter: string } | undefined;
  allowedLatenessMs: number;
  publicUrl: string | null;
}

export interface AlarmLog {
  /** What a lane's evaluation changed. `cause` says why an alarm is withdrawn. */
  evaluated(lane: Lane, changes: readonly Change[], occasion: Occasion, cause: string): void;
  /** What a run of late readings changed; written at the end of the occasion. */
  foundLate(lane: Lane, changes: readonly Change[], occasion: Occasion): void;
  /** One step of an alarm's life; `lastBreachMs` undefined = as it was. */
  write(step: Step, occasion: Occasion, lastBreachMs?: number | null): void;
  test(channel: string, occasion: Occasion): void;
  /** Ends an occasion: records and their digests are written. */
  end(occasion: Occasion): void;
  /** What happened since it was last asked, in order. */
  take(): AlarmChange[];
  /** The time at which the first shelved alarm comes back, or null; and those that are due. */
  nextShelfMs(): number | null;
  shelvesDue(receivedMs: number): string[];
}

/** Not split: one closure over what an occasion gathers, shared by short parts. */
export function createAlarmLog({ store, control, station, allowedLatenessMs, publicUrl }: Options): AlarmLog {
  let changes: AlarmChange[] = [];
  let counted = { origin: '', count: 0 };
  const late = new Map<string, { lane: Lane; isNew: boolean; episode: Episode }>();
  const digests = new Map<string, Alarm[]>();
  const shelves = new Map(store.shelved().map(({ id, untilMs }) => [id, untilMs]));

  /** A name for one happening of an occasion: the same at every replay, since the same things happen in it. */
  function ordinal(origin: string): number {
    counted = counted.origin === origin ? { origin, count: counted.count + 1 } : { origin, count: 0 };
    return counted.count;
  }

  function channelsNow(alarm: Alarm): string[] {
    const routes = control.list('routes').flatMap(({ body }) => body);
    return routed(routes, alarm, control.get('station', alarm.station)?.area ?? null);
  }

  function birthOf(id: string, lane: Lane, { receivedMs }: Occasion): Birth {
    const series = station(lane.series);
    if (!series) throw new Error(`series ${lane.series} has a lane but no name`);
    return { id, rule: lane.rule, station: series.station, parameter: series.parameter, detectedAtMs: receivedMs };
  }

  function write({ alarm, happenings }: Step, occasion: Occasion, lastBreachMs?: number | null): void {
    const { seq, receivedMs } = occasion;
    const before = store.alarm(alarm.id);
    store.put(alarm, lastBreachMs === undefined ? (before?.lastBreachMs ?? null) : lastBreachMs);
    if (alarm.shelvedUntilMs === null) shelves.delete(alarm.id);
    else shelves.set(alarm.id, alarm.shelvedUntilMs);
    for (const happening of happenings) {
      const transition: Transition = { alarm: alarm.id, seq, atMs: receivedMs, ...happening };
      store.transition(transition);
      // Of several happenings at once each tells of the alarm as it was right after it.
      const then: Alarm = { ...alarm, state: happening.to };
      changes.push({ alarm: then, transition });
      // An alarm that ends while it is shelved ends in silence.
      if ((before?.alarm.shelvedUntilMs ?? null) === null) tell(then, transition, occasion);
    }
  }

  function tell(alarm: Alarm, { event }: Transition, { origin, receivedMs, isRecordOnly }: Occasion): void {
    if (isRecordOnly && event === 'late-found') return;
    const channels = recipients(event, channelsNow(alarm), store.told(alarm.id));
    const cause = `${origin}/${ordinal(origin)}`;
    for (const channel of channels) {
      if (event === 'late-found') digests.set(channel, [...(digests.get(channel) ?? []), alarm]);
      else store.notify(noticeDraft({ cause, event, channel, alarms: [alarm], atMs: receivedMs }, publicUrl));
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
    evaluated(lane, laneChanges, occasion, cause) {
      for (const change of laneChanges) {
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
      store.notify(noticeDraft({ cause, event: 'test', channel, alarms, atMs: receivedMs }, publicUrl));
    },
    end(occasion) {
      for (const [id, { lane, isNew, episode }] of late) {
        const known = isNew ? undefined : store.alarm(id)?.alarm;
        const step = known ? revise(known, episode) : record(episode, birthOf(id, lane, occasion));
        write(step, occasion, episode.lastBreachMs);
      }
      late.clear();
      for (const [channel, alarms] of digests) {
        const cause = `${occasion.origin}/digest`;
        store.notify(
          noticeDraft({ cause, event: 'late-found', channel, alarms, atMs: occasion.receivedMs }, publicUrl),
        );
      }
      digests.clear();
    },
    take() {
      const taken = changes;
      changes = [];
      return taken;
    },
    nextShelfMs: () => (shelves.size === 0 ? null : Math.min(...shelves.values())),
    shelvesDue: (receivedMs) => [...shelves].filter(([, untilMs]) => untilMs <= receivedMs).map(([id]) => id),
  };
}
