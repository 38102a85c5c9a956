/**
 * The alarm that stands for a series which chatters too much (chatter.ts): what happens to its crossings is counted, a line each,
 * and comes into the alarm once an occasion. While it counts it stands, as severe as the severest crossing so far; afterwards
 * it is what its newest crossing is.
 */

import type { Change, Episode } from '#alerts/readings/evaluate.ts';
import { type Lane, standing } from '#alerts/readings/lane.ts';
import type { Crossing, CrossingStore } from '#alerts/records/crossings.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { isMoreSevere, type Peak, peakOf, peakWith, worstOf } from '#alerts/rules/grades.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { CountedEvent } from '#model/alarms/counted.ts';
import { clear, follow, happened, raise, revise, type Step, withdraw } from './lifecycle.ts';
import type { Occasion } from './occasion.ts';

/** What an occasion adds to what one alarm counts. */
export interface Counted {
  raises: number;
  ends: number;
  transitions: number;
}

export interface Folding {
  /** A change of a crossing that the alarm `change.fold` counts. */
  count(lane: Lane, change: Change, occasion: Occasion, cause: string): void;
  /** Withdraws the crossings of a key that rest wholly on readings of [fromMs, toMs), but for those of which `isKept`. @returns whether there were any. */
  deny(
    key: string,
    span: { fromMs: number; toMs: number },
    isKept: (crossing: string) => boolean,
    occasion: Occasion,
    cause: string,
  ): boolean;
  /** The series is calm again: the alarm stands for itself. @param latches its rule waits for a reset. */
  calmed(lane: Lane, alarm: string, latches: boolean, occasion: Occasion): void;
  /** What was counted comes into its alarms. @returns each as it then is, with what was added. */
  end(occasion: Occasion): { alarm: Alarm; counted: Counted }[];
}

interface Hands {
  store: Pick<AlertStore, 'alarm'>;
  crossings: CrossingStore;
  write(step: Step, occasion: Occasion, lastBreachMs: number | null): void;
}

interface Pending extends Counted {
  /** It stands for the series, and its row says so. */
  isCounting: boolean;
  crossings: number;
  severest: Episode | null;
  peak: Peak | null;
  /** Of an alarm that no longer counts: the change of its newest crossing. */
  newest: { id: string; episode: Episode } | null;
  cause: string;
}

const NOTHING: Counted = { raises: 0, ends: 0, transitions: 0 };

/** Not split: one closure over what an occasion has counted so far, shared by short parts. */
export function createFolding({ store, crossings, write }: Hands): Folding {
  const pending = new Map<string, Pending>();

  function pendingOf(fold: string, cause: string): Pending {
    return pending.getOrInsertComputed(fold, () => {
      return { ...NOTHING, isCounting: false, crossings: 0, severest: null, peak: null, newest: null, cause };
    });
  }

  /** The alarm begins to count, or does so again. @returns whether the change raised it, and was told with it. */
  function begin(lane: Lane, { alarm: id, was, now }: Change, fold: string, occasion: Occasion): boolean {
    const known = store.alarm(fold)?.alarm;
    if (known?.folded?.untilMs === null) return false;
    const birth = { id, key: lane.key, detectedAtMs: occasion.receivedMs };
    const stands: Episode = { ...now!, clearedAtMs: null };
    let step: Step = known ? { alarm: known, happenings: [] } : raise(stands, birth);
    if (known && known.clearedAtMs !== null) step = revise(known, asOf(known, stands));
    const { sinceMs = occasion.receivedMs, crossings: count = 1, transitions = 0 } = step.alarm.folded ?? {};
    const alarm: Alarm = { ...step.alarm, folded: { sinceMs, untilMs: null, crossings: count, transitions } };
    const { state } = alarm;
    if (!known?.folded) crossings.put(crossingOf(id, fold, lane.key, was ?? now!));
    write(follow(step, { alarm, happenings: [happened('folded', state, state, FOLDED)] }), occasion, null);
    return !known;
  }

  function lines(fold: string, id: string, change: Change, events: readonly CountedEvent[], occasion: Occasion): void {
    const { seq, receivedMs: atMs } = occasion;
    const counted = pendingOf(fold, '');
    const { severity, finding } = (change.now ?? change.was)!;
    for (const event of events) {
      const timeMs = timeOf(event, change);
      crossings.line({ alarm: fold, crossing: id, seq, atMs, event, timeMs, severity, value: finding.value });
      counted.transitions++;
      if (event === 'raised') counted.raises++;
      if (event === 'returned' || event === 'withdrawn') counted.ends++;
    }
  }

  function settled(
    alarm: Alarm,
    { newest: changed, peak, cause }: Pending,
  ): { step: Step; lastBreachMs: number | null } {
    const newest = crossings.newest(alarm.id);
    const lastBreachMs = newest && newest.clearedAtMs !== null ? newest.lastBreachMs : null;
    if (alarm.state === 'withdrawn') return { step: { alarm, happenings: [] }, lastBreachMs };
    if (!newest) return { step: withdraw(alarm, cause) ?? { alarm, happenings: [] }, lastBreachMs };
    if (changed?.id === newest.id) return { step: revise(alarm, asOf(alarm, changed.episode, peak)), lastBreachMs };
    const isOver = alarm.clearedAtMs === null && newest.clearedAtMs !== null;
    const step = isOver
      ? clear(alarm, newest.clearedAtMs!, cause)
      : { alarm: { ...alarm, clearedAtMs: newest.clearedAtMs }, happenings: [] };
    return { step, lastBreachMs };
  }

  function counting(alarm: Alarm, { severest, peak }: Pending): Step {
    if (severest && isMoreSevere(severest.severity, alarm.severity)) {
      return revise(alarm, { ...asOf(alarm, severest, peak), clearedAtMs: null });
    }
    return { alarm: peak ? { ...alarm, worst: worstOf(worse(alarm, peak)) } : alarm, happenings: [] };
  }

  return {
    count(lane, change, occasion, cause) {
      const { alarm: id, was, now } = change;
      const fold = change.fold!;
      const counted = pendingOf(fold, cause);
      let isRaise = false;
      if (!counted.isCounting && lane.chatter.alarm === fold) {
        isRaise = begin(lane, change, fold, occasion);
        counted.isCounting = true;
      }
      const isOwn = id === fold;
      crossings.put({ ...crossingOf(id, fold, lane.key, (now ?? was)!), isWithdrawn: now === null });
      if (was === null && !isOwn) counted.crossings++;
      if (now === null) counted.crossings--;
      if (now && (counted.severest === null || isMoreSevere(now.severity, counted.severest.severity))) {
        counted.severest = now;
      }
      if (now)
        counted.peak = counted.peak ? peakWith(counted.peak, now.peak, now.peak.atMs, now.peak.severity) : now.peak;
      // Of what no longer counts, the newest crossing is the alarm's own affair.
      if (lane.chatter.alarm !== fold && now && crossings.newest(fold)?.id === id) {
        counted.newest = { id, episode: now };
        return;
      }
      lines(fold, id, change, eventsOf(change).slice(isRaise ? 1 : 0), occasion);
    },
    deny(key, { fromMs, toMs }, isKept, occasion, cause) {
      const { seq, receivedMs: atMs } = occasion;
      const gone = crossings.restingOn(key, fromMs, toMs).filter(({ id }) => !isKept(id));
      for (const crossing of gone) {
        const { id, alarm, raisedAtMs: timeMs, severity, value } = crossing;
        crossings.put({ ...crossing, isWithdrawn: true });
        crossings.line({ alarm, crossing: id, seq, atMs, event: 'withdrawn', timeMs, severity, value });
        const counted = pendingOf(alarm, cause);
        counted.crossings--;
        counted.transitions++;
        counted.ends++;
      }
      return gone.length > 0;
    },
    calmed(lane, id, latches, occasion) {
      const known = store.alarm(id)?.alarm;
      if (!known?.folded || known.state === 'withdrawn') return;
      const alarm: Alarm = { ...known, folded: { ...known.folded, untilMs: occasion.receivedMs } };
      const { state } = alarm;
      const step: Step = { alarm, happenings: [happened('unfolded', state, state, UNFOLDED)] };
      const newest = crossings.newest(id);
      const stands = newest?.clearedAtMs === null ? standing(lane)?.episode : undefined;
      if (stands) write(follow(step, revise(alarm, asOf(alarm, stands, stands.peak))), occasion, null);
      else if (newest && newest.clearedAtMs !== null) {
        const cause = `readings met the clearing condition at ${new Date(newest.clearedAtMs).toISOString()}`;
        write(follow(step, clear(alarm, newest.clearedAtMs, cause, latches)), occasion, newest.lastBreachMs);
      } else write(follow(step, withdraw(alarm, 'on better knowledge nothing that it counted holds')!), occasion, null);
    },
    end(occasion) {
      const ended = [...pending].flatMap(([id, added]) => {
        const known = store.alarm(id)!.alarm;
        const { folded } = known;
        if (!folded) return [];
        const { raises, ends, transitions } = added;
        const alarm: Alarm = {
          ...known,
          occurrences: known.occurrences + added.crossings,
          folded: {
            ...folded,
            crossings: folded.crossings + added.crossings,
            transitions: folded.transitions + transitions,
          },
        };
        const isCounting = folded.untilMs === null && known.state !== 'withdrawn';
        const { step, lastBreachMs } = isCounting
          ? { step: counting(alarm, added), lastBreachMs: null }
          : settled(alarm, added);
        write(step, occasion, lastBreachMs);
        return [{ alarm: step.alarm, counted: { raises, ends, transitions } }];
      });
      pending.clear();
      return ended;
    },
  };
}

const FOLDED = 'more than 100 transitions in 60 min: counted from now on';
const UNFOLDED = 'fewer than 10 transitions in 60 min: no longer counted';

/** An episode under the times at which the alarm that counts it began, with the worst that it knows of. */
function asOf(alarm: Alarm, episode: Episode, peak: Peak | null = episode.peak): Episode {
  const { breachStartMs, raisedAtMs } = alarm;
  return { ...episode, breachStartMs, raisedAtMs, peak: worse(alarm, peak ?? episode.peak) };
}

function worse({ worst }: Alarm, peak: Peak): Peak {
  return worst ? peakWith(peakOf(worst, peak.condition), peak, peak.atMs, peak.severity) : peak;
}

function crossingOf(id: string, alarm: string, key: string, episode: Episode): Crossing {
  const { breachStartMs, raisedAtMs, clearedAtMs, lastBreachMs, severity, finding } = episode;
  const times = { breachStartMs, raisedAtMs, clearedAtMs, lastBreachMs };
  return { id, alarm, key, ...times, severity, value: finding.value, isWithdrawn: false };
}

/** What a change tells of a crossing, in order. */
function eventsOf({ was, now }: Change): CountedEvent[] {
  if (now === null) return ['withdrawn'];
  if (was === null) return now.clearedAtMs === null ? ['raised'] : ['raised', 'returned'];
  const events: CountedEvent[] = was.severity === now.severity ? [] : ['severity-changed'];
  if ((was.clearedAtMs === null) !== (now.clearedAtMs === null)) {
    events.push(now.clearedAtMs === null ? 'raised' : 'returned');
  }
  return events;
}

function timeOf(event: CountedEvent, { was, now }: Change): number {
  const episode = (now ?? was)!;
  if (event === 'returned') return episode.clearedAtMs!;
  return event === 'severity-changed' ? episode.lastBreachMs : episode.raisedAtMs;
}
