/**
 * Takes readings, corrections and second judgements to the lanes that they concern. Decides what is late, what is in
 * reach of a window and what is beyond it; what follows goes to the alarm log. Without a log it only brings the lanes
 * up to date, which is how they are restored.
 */
import type { Correction, JournaledReading, MessageEntry } from '#model/entry.ts';
import { GOOD, isUsable } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import type { Standard } from '#model/reference.ts';
import type { AlertStore } from '#store/alert-store.ts';
import type { Rejudged } from '#store/alert-tables.ts';
import { type AlarmLog, type Occasion, occasionOf } from './alarm-log.ts';
import { BREACH, type Condition, type Grade, judge } from './conditions.ts';
import type { Change } from './evaluate.ts';
import { conditionAt, has, insert, type Lane, readingsOf, remove, settle, trackedAt } from './lane.ts';
import { lateReading } from './late.ts';
import { alarmId, confirm, withdraw } from './lifecycle.ts';
import type { Watch, Watches } from './watches.ts';

/**
 * Windows reach this much further back than lateness: final flags come when an hour closes, which is up to an hour
 * and what it takes to notice after its readings were too old to page.
 */
const REACH_BEYOND_LATENESS_MS = 75 * 60_000;

interface Options {
  watches: Watches;
  store: AlertStore;
  standard: Standard;
  allowedLatenessMs: number;
}

export interface Evaluator {
  /** `log` null: nothing is told and nothing is written. */
  message(entry: MessageEntry, log: AlarmLog | null): void;
  correct(series: number, correction: Correction, actor: string, occasion: Occasion, log: AlarmLog): void;
  rejudged(reading: Rejudged, occasion: Occasion, log: AlarmLog): void;
  /** Lanes that changed since they were last taken. */
  takeDirty(): Lane[];
  /** The lane has ended: it isn't to be saved. */
  forget(lane: Lane): void;
}

const HINDSIGHT = 'on better knowledge it does not hold';

/** Not split: one closure over the lane and the occasion at hand, shared by short parts; readings pass here by the million. */
export function createEvaluator({ watches, store, standard, allowedLatenessMs }: Options): Evaluator {
  let dirty = new Set<Lane>();

  // The occasion, and how many alarms it has raised on each lane so far: together they name the next one.
  let occasion: Occasion = { origin: '', seq: 0, receivedMs: 0 };
  const raised = new Map<Lane, number>();
  let lane: Lane;

  function begin(next: Occasion): void {
    occasion = next;
    if (raised.size > 0) raised.clear();
  }

  function newAlarm(): string {
    const ordinal = raised.get(lane) ?? 0;
    raised.set(lane, ordinal + 1);
    return alarmId(occasion.origin, lane.rule, lane.series, ordinal);
  }

  function enter(entered: Lane): void {
    lane = entered;
    dirty.add(entered);
  }

  /** Whether a reading of this time may neither page nor enter the window: it is late, or imported. */
  function isOutOfReach(timeMs: number): boolean {
    return occasion.isRecordOnly === true || timeMs < occasion.receivedMs - allowedLatenessMs || timeMs <= lane.baseMs;
  }

  /** Puts a reading where it belongs in the window; one that speaks for nothing only takes an earlier one away. */
  function place(timeMs: number, value: number | null, grade: Grade | null, condition: Condition): readonly Change[] {
    if (grade === null || value === null) return remove(lane, timeMs, timeMs + 1, newAlarm);
    return insert(lane, { timeMs, value, grade, condition }, newAlarm);
  }

  function reading(watch: Watch, read: JournaledReading, log: AlarmLog | null): void {
    const { condition } = watch;
    const { timeMs } = read;
    const grade = judge(condition, read, standard);
    enter(watch.lane);
    if (isOutOfReach(timeMs) && (occasion.isRecordOnly || !has(lane, timeMs))) {
      late(condition, read, grade, read.verdict === 'correction', log);
      return;
    }
    const changes = place(timeMs, read.value, grade, condition);
    if (changes.length > 0) log?.evaluated(lane, changes, occasion, HINDSIGHT);
    settle(lane, occasion.receivedMs - allowedLatenessMs - REACH_BEYOND_LATENESS_MS);
  }

  /** A reading that no window can take: a breach goes to the record, its denial to what rests on it alone. */
  function late(
    condition: Condition,
    { timeMs, value }: Pick<Reading, 'timeMs' | 'value'>,
    grade: Grade | null,
    isChange: boolean,
    log: AlarmLog | null,
  ): void {
    if (grade !== null && value !== null) {
      const changes = lateReading(lane, { timeMs, value, grade, condition }, store, newAlarm);
      if (changes.length > 0) log?.foundLate(lane, changes, occasion);
    }
    if (isChange && (grade ?? 0) < BREACH && log) denied(timeMs, timeMs + 1, HINDSIGHT, log);
  }

  /** Withdraws what rests wholly on readings of [fromMs, toMs) that are beyond the window and don't hold any more. */
  function denied(fromMs: number, toMs: number, cause: string, log: AlarmLog): void {
    for (const { alarm } of store.restingOn(lane.key, fromMs, toMs)) {
      if (lane.tracked.some((tracked) => tracked.alarm === alarm.id)) continue;
      if (lane.late?.record === alarm.id) lane.late = null;
      const step = withdraw(alarm, cause);
      if (step) log.write(step, occasion);
    }
  }

  function correctLane(watch: Watch, correction: Correction, cause: string, log: AlarmLog): void {
    const { condition } = watch;
    const { action, fromMs, toMs, flag = GOOD } = correction;
    enter(watch.lane);
    // A bad flag set by hand is about this reading; it is no news of the sensor, so quality rules drop it, too.
    const isVoid = action === 'delete' || (action === 'flag' && !isUsable(flag));
    const gradeOf = (value: number | null) => judge(condition, { value, flag, deviceFlag: null }, standard);
    const told = (changes: readonly Change[]) => {
      if (changes.length > 0) log.evaluated(lane, changes, occasion, cause);
    };
    if (isVoid) {
      told(remove(lane, fromMs, toMs, newAlarm));
    } else {
      for (const old of [...readingsOf(lane)].filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)) {
        const value = action === 'set' ? (correction.value ?? null) : old.value;
        told(place(old.timeMs, value, gradeOf(value), condition));
      }
    }
    const isDenial = isVoid || (action === 'set' && (gradeOf(correction.value ?? null) ?? 0) < BREACH);
    if (isDenial) denied(fromMs, toMs, cause, log);
  }

  function rejudge(watch: Watch, read: Rejudged, log: AlarmLog): void {
    const { timeMs } = read;
    enter(watch.lane);
    // What was judged when it came keeps the condition of that time.
    const condition = conditionAt(lane, timeMs) ?? watch.condition;
    const grade = judge(condition, read, standard);
    if (isOutOfReach(timeMs) && !has(lane, timeMs)) {
      late(condition, read, grade, true, log);
      return;
    }
    const changes = place(timeMs, read.value, grade, condition);
    const cause = `flag ${read.flag} on a second look`;
    if (changes.length > 0) log.evaluated(lane, changes, occasion, `${cause}: ${HINDSIGHT}`);
    if (changes.length > 0 || grade === null || grade < BREACH) return;
    const tracked = trackedAt(lane, timeMs);
    const alarm = tracked && store.alarm(tracked.alarm)?.alarm;
    if (alarm && !store.happened(alarm.id, 'confirmed')) log.write(confirm(alarm, cause), occasion);
  }

  return {
    message(entry, log) {
      begin(occasionOf(entry));
      for (const read of entry.readings) {
        if (read.verdict === 'duplicate') continue;
        for (const watch of watches.of(read.series)) reading(watch, read, log);
      }
    },
    correct(series, correction, actor, next, log) {
      begin(next);
      const cause = `corrected by ${actor}: ${correction.reason}`;
      for (const watch of watches.of(series)) correctLane(watch, correction, cause, log);
    },
    rejudged(read, next, log) {
      begin(next);
      for (const watch of watches.of(read.series)) rejudge(watch, read, log);
    },
    takeDirty() {
      const taken = [...dirty];
      dirty = new Set();
      return taken;
    },
    forget(lane) {
      dirty.delete(lane);
    },
  };
}
