/**
 * When a (rule, series) chatters so much that its alarms are folded: beyond a hundred transitions in an hour of arrival one
 * alarm stands for the series and counts what happens, until an hour has fewer than ten. Decided where the lane is judged,
 * by `received` alone, so that a replay folds the same; what becomes of the alarm is in folding.ts.
 */
import type { Change } from '#alerts/readings/evaluate.ts';
import type { Lane } from '#alerts/readings/lane.ts';
import { advanced, type FloodState, floodEndMs, type Gauge, raised } from '#alerts/telling/flood.ts';
import { createTimers } from './timers.ts';

const TRANSITIONS: Gauge = { windowMs: 3_600_000, above: 100, below: 10 };

export interface Chattering {
  /** Counts what a lane's evaluation changed. @returns the changes, each with the alarm that counts it if it is folded. */
  counted(lane: Lane, changes: readonly Change[], receivedMs: number): readonly Change[];
  /** A lane was loaded. */
  restored(lane: Lane): void;
  /** Lanes whose hour was calm by then, with the alarm that stood for them: what comes is no longer folded. */
  calmed(receivedMs: number): { lane: Lane; alarm: string }[];
  /** The lane has ended. */
  forget(lane: Lane): void;
  nextMs(): number | null;
}

export function createChattering(): Chattering {
  const folded = new Map<string, Lane>();
  /** When a lane may have calmed down: not put off with each transition, but looked at then. */
  const timers = createTimers();

  function restored(lane: Lane): void {
    if (lane.chatter.alarm === null) return;
    folded.set(lane.key, lane);
    timers.set(lane.key, floodEndMs(lane.chatter, TRANSITIONS));
  }

  return {
    counted(lane, changes, receivedMs) {
      return changes.map((change) => {
        const count = transitionsIn(change);
        if (count === 0) return change;
        let gauge: FloodState = lane.chatter;
        for (let n = 0; n < count; n++) gauge = raised(gauge, receivedMs, TRANSITIONS);
        lane.chatter = { ...gauge, alarm: lane.chatter.alarm };
        const fold = foldOf(lane, change);
        if (lane.chatter.alarm !== null && !folded.has(lane.key)) restored(lane);
        return fold === undefined ? change : { ...change, fold };
      });
    },
    restored,
    calmed(receivedMs) {
      const calm: { lane: Lane; alarm: string }[] = [];
      for (const key of timers.take(receivedMs).sort()) {
        const lane = folded.get(key)!;
        const endMs = floodEndMs(lane.chatter, TRANSITIONS)!;
        if (endMs > receivedMs) timers.set(key, endMs);
        else {
          calm.push({ lane, alarm: lane.chatter.alarm! });
          lane.chatter = { ...advanced(lane.chatter, receivedMs, TRANSITIONS), alarm: null };
          folded.delete(key);
        }
      }
      return calm;
    },
    forget({ key }) {
      folded.delete(key);
      timers.set(key, null);
    },
    nextMs() {
      for (let first = timers.first(); first; first = timers.first()) {
        const endMs = floodEndMs(folded.get(first.name)!.chatter, TRANSITIONS)!;
        if (endMs === first.dueMs) return endMs;
        timers.set(first.name, endMs);
      }
      return null;
    },
  };
}

/**
 * The alarm that counts a change, if there is one: that of the fold in which its episode began. The newest episode's alarm is
 * the one that stands for what follows; a change of an older one waits for its successor.
 */
function foldOf(lane: Lane, { alarm, was, now, fold }: Change): string | undefined {
  const tracked = now === null ? undefined : lane.tracked.findLast((one) => one.alarm === alarm);
  if (!tracked) return fold;
  const { chatter } = lane;
  if (chatter.alarm === null && chatter.sinceMs !== null && tracked === lane.tracked.at(-1)) {
    tracked.fold ??= alarm;
    chatter.alarm = tracked.fold;
  } else if (chatter.alarm !== null && was === null) tracked.fold = chatter.alarm;
  return tracked.fold;
}

/** How many transitions a change is: an episode that begins and is over already is two. */
function transitionsIn({ was, now }: Change): number {
  if (was === null || now === null) return now === null || now.clearedAtMs === null ? 1 : 2;
  return Number(was.severity !== now.severity) + Number((was.clearedAtMs === null) !== (now.clearedAtMs === null));
}
