/**
 * Takes readings, corrections and second judgements to the lanes that they concern. Decides what is late, what is in
 * reach of a window and what is beyond it; what follows goes to the alarm log. Without a log it only brings the lanes
 * up to date, which is how they are restored.
 */

import type { AlarmLog } from '#alerts/life/alarm-log.ts';
import type { Chattering } from '#alerts/life/chatter.ts';
import { alarmId, alarmIdOfKey, confirm, NO_SERIES } from '#alerts/life/lifecycle.ts';
import { type Occasion, occasionOf } from '#alerts/life/occasion.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { Condition } from '#alerts/rules/conditions.ts';
import {
  atTime,
  BREACH,
  CLEAR,
  type Grade,
  isCalm,
  isEvidence,
  judge,
  OUTSIDE,
  type Read as Seen,
} from '#alerts/rules/grades.ts';
import type { Watch, Watches } from '#alerts/rules/watches.ts';
import type { Correction, JournaledReading, MessageEntry } from '#model/entry.ts';
import { GOOD, isUsable } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import type { Standard } from '#model/reference.ts';
import type { Amended } from '#readings/amended.ts';
import type { Rejudged } from '#readings/rejudged.ts';
import { denied, lowerWorst } from './denial.ts';
import type { Change, Judged } from './evaluate.ts';
import { conditionAt, forgetPeak, has, insert, type Lane, remove, replace, settle, trackedAt } from './lane.ts';
import { lateReading } from './late.ts';
import {
  type Deriving,
  derivedIn,
  forgetBefore,
  isDeriving,
  isIn,
  putIn,
  reachMs,
  readingsIn,
  type Source,
  takeFrom,
} from './source.ts';

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
  /** What was changed since it came: what comes for it again is left to settling. */
  amended: Amended;
  chattering: Chattering;
  /** Told of every value that is held against a rule in its time. */
  onJudged?: (timeMs: number, isBreach: boolean) => void;
}

export interface Evaluator {
  /** `log` null: nothing is told and nothing is written. */
  message(entry: MessageEntry, log: AlarmLog | null): void;
  /** @param series null: nothing has come for it yet. */
  correct(series: number | null, correction: Correction, actor: string, occasion: Occasion, log: AlarmLog): void;
  rejudged(reading: Rejudged, occasion: Occasion, log: AlarmLog): void;
  /**
   * Whether what is known of late readings has been judged against the alarms of derived.db since it was last asked.
   * Those go on, so the same entry read again would be judged otherwise: lanes have to be saved with it.
   */
  takeHindsight(): boolean;
  /** Lanes that changed since they were last taken. */
  takeDirty(): Lane[];
  /** The lane has changed by itself. */
  touch(lane: Lane): void;
  /** The lane has ended: it isn't to be saved. */
  forget(lane: Lane): void;
}

const NO_CONDITION = {} as Condition;

interface Touched {
  fromMs: number;
  toMs: number;
  lateMs: Set<number>;
}

type Measured = Pick<Reading, 'timeMs' | 'value' | 'censored'>;
type Read = Seen & Pick<JournaledReading, 'timeMs'>;

function widen(touched: Touched, fromMs: number, toMs: number): void {
  touched.fromMs = Math.min(touched.fromMs, fromMs);
  touched.toMs = Math.max(touched.toMs, toMs);
}

const HINDSIGHT = 'on better knowledge it does not hold';

/** Not split: one closure over the lane and the occasion at hand, shared by short parts; readings pass here by the million. */
export function createEvaluator({
  watches,
  store,
  standard,
  allowedLatenessMs,
  amended,
  chattering,
  onJudged,
}: Options): Evaluator {
  let dirty: Lane[] = [];
  let usedHindsight = false;

  // The occasion, and how many alarms it has raised on each lane so far: together they name the next one.
  let occasion: Occasion = { origin: '', seq: 0, receivedMs: 0 };
  /** Readings before this are late. */
  let lateBeforeMs = 0;
  /** What is older than this no reading can reach any more. */
  let horizonMs = 0;
  const raised = new Map<Lane, number>();
  let lane: Lane;
  /** One for all readings: nobody keeps it, and they pass by the million. */
  const judged: Judged = { timeMs: 0, value: 0, grade: 0, condition: NO_CONDITION, censored: undefined };
  /** Derived lanes of the occasion: the span that is to be derived anew, and the times of late readings. */
  const gathered = new Map<Lane, Touched>();

  function begin(next: Occasion): void {
    occasion = next;
    const lateMs = next.receivedMs - allowedLatenessMs;
    lateBeforeMs = next.isRecordOnly ? Number.POSITIVE_INFINITY : lateMs;
    horizonMs = lateMs - REACH_BEYOND_LATENESS_MS;
    if (raised.size > 0) raised.clear();
    if (gathered.size > 0) gathered.clear();
  }

  function newAlarm(): string {
    const ordinal = raised.get(lane) ?? 0;
    raised.set(lane, ordinal + 1);
    const { origin } = occasion;
    return lane.series === NO_SERIES
      ? alarmIdOfKey(origin, lane.key, ordinal)
      : alarmId(origin, lane.rule, lane.series, ordinal);
  }

  function enter(entered: Lane): void {
    lane = entered;
    if (entered.isDirty) return;
    entered.isDirty = true;
    dirty.push(entered);
  }

  /** Whether a reading of this time may neither page nor enter the window: it is late, or imported. */
  function isOutOfReach(timeMs: number): boolean {
    return timeMs < lateBeforeMs || timeMs <= lane.baseMs;
  }

  /** Puts a reading where it belongs in the window; one that speaks for nothing only takes an earlier one away. */
  function place({ timeMs, value, censored }: Measured, grade: Grade | null, condition: Condition): readonly Change[] {
    if (grade === null || value === null) return remove(lane, timeMs, timeMs + 1, newAlarm);
    judged.timeMs = timeMs;
    judged.value = value;
    judged.grade = grade;
    judged.condition = condition;
    judged.censored = censored;
    return insert(lane, judged, newAlarm);
  }

  function gradeOf(condition: Condition, read: Read, letters: Watch['letters']): Grade | null {
    const grade = judge(condition, read, standard, letters);
    return grade === null ? null : atTime(condition, read.timeMs, grade);
  }

  function tell(changes: readonly Change[], cause: string, log: AlarmLog | null): void {
    if (changes.length === 0) return;
    const counted = chattering.counted(lane, changes, occasion.receivedMs);
    log?.evaluated(lane, counted, occasion, cause);
  }

  function reading(watch: Watch, read: JournaledReading, log: AlarmLog | null): void {
    const { condition } = watch;
    const { timeMs } = read;
    enter(watch.lane);
    if (lane.sources && isDeriving(condition)) {
      gather(lane.sources, watch, condition, read);
      return;
    }
    const grade = isCalm(watch.calm, read) ? CLEAR : gradeOf(condition, read, watch.letters);
    if (onJudged && grade !== null && grade !== OUTSIDE) onJudged(timeMs, grade >= BREACH);
    if (isOutOfReach(timeMs) && (occasion.isRecordOnly || !has(lane, timeMs))) {
      late(condition, read, grade, read.verdict === 'correction', log);
      return;
    }
    const changes = place(read, grade, condition);
    tell(changes, HINDSIGHT, log);
    settle(lane, horizonMs);
  }

  /**
   * Readings that something is derived from are gathered first and looked at once the message is through, so that of
   * values that came together none is held against the one before of another.
   */
  function gather(sources: NonNullable<Lane['sources']>, watch: Watch, condition: Deriving, read: Read): void {
    const [{ timeMs, value }, { parameter, letters }] = [read, watch];
    const isLate = isOutOfReach(timeMs) && (occasion.isRecordOnly || !isIn(sources.timely, timeMs, parameter));
    const source = isLate ? sources.late : sources.timely;
    const isChanged =
      value !== null && isEvidence(condition, read, letters)
        ? putIn(source, timeMs, parameter, value, condition)
        : takeFrom(source, parameter, timeMs, timeMs + 1);
    if (!isChanged) return;
    const touched = gathered.getOrInsertComputed(lane, () => ({
      fromMs: Infinity,
      toMs: -Infinity,
      lateMs: new Set(),
    }));
    if (isLate) touched.lateMs.add(timeMs);
    else widen(touched, timeMs, timeMs + reachMs(condition));
  }

  /** Derives anew what the gathered readings have touched. */
  function derive(cause: string, log: AlarmLog | null): void {
    for (const [touchedLane, { fromMs, toMs, lateMs }] of gathered) {
      enter(touchedLane);
      const { timely, late: lateSource } = lane.sources!;
      if (fromMs <= toMs) {
        const firstMs = Math.max(fromMs, lane.baseMs + 1);
        const derived = derivedIn(timely, firstMs, toMs);
        if (onJudged) for (const { timeMs, grade } of derived) if (grade !== OUTSIDE) onJudged(timeMs, grade >= BREACH);
        const changes = replace(lane, firstMs, toMs, derived, newAlarm);
        tell(changes, cause, log);
        settle(lane, horizonMs);
        const newest = timely.conditions.at(-1);
        if (newest && isDeriving(newest)) forgetBefore(timely, horizonMs - reachMs(newest));
      }
      for (const timeMs of [...lateMs].sort((a, b) => a - b)) lateDerived(lateSource, timeMs, log);
    }
    gathered.clear();
  }

  function lateDerived(source: Source, timeMs: number, log: AlarmLog | null): void {
    for (const judged of derivedIn(source, timeMs, timeMs)) {
      if (judged.grade >= BREACH) usedHindsight = true;
      const changes = lateReading(lane, judged, store, newAlarm);
      if (changes.length > 0) log?.foundLate(lane, changes, occasion);
      if (isDeriving(judged.condition)) forgetBefore(source, timeMs - reachMs(judged.condition));
    }
    forgetBefore(source, -Infinity);
  }

  /** A reading that no window can take: a breach goes to the record, its denial to what rests on it alone. */
  function late(
    condition: Condition,
    { timeMs, value, censored }: Measured,
    grade: Grade | null,
    isChange: boolean,
    log: AlarmLog | null,
  ): void {
    if (grade !== null && value !== null) {
      if (grade >= BREACH) usedHindsight = true;
      const changes = lateReading(lane, { timeMs, value, grade, condition, censored }, store, newAlarm);
      if (changes.length > 0) log?.foundLate(lane, changes, occasion);
    }
    if (isChange && (grade ?? 0) < BREACH && log) deny(timeMs, timeMs + 1, HINDSIGHT, log);
  }

  function deny(fromMs: number, toMs: number, cause: string, log: AlarmLog): void {
    if (denied(lane, fromMs, toMs, cause, { store, log, occasion })) usedHindsight = true;
  }

  function correctLane(watch: Watch, correction: Correction, cause: string, log: AlarmLog): void {
    const { condition } = watch;
    const { action, fromMs, toMs, flag = GOOD } = correction;
    enter(watch.lane);
    // A bad flag set by hand is about this reading; it is no news of the sensor, so quality rules drop it, too.
    const isVoid = action === 'delete' || (action === 'flag' && !isUsable(flag));
    const told = (changes: readonly Change[]) => tell(changes, cause, log);
    if (isVoid || action === 'set') {
      const reach = isDeriving(condition) ? reachMs(condition) : 0;
      told(forgetPeak(lane, fromMs, toMs + reach, newAlarm));
      if (lowerWorst(lane, fromMs, toMs + reach, { store, log, occasion })) usedHindsight = true;
    }
    if (lane.sources && isDeriving(condition)) {
      correctSources(lane.sources, watch.parameter, condition, correction, isVoid);
      derive(cause, log);
      if (isVoid && condition.derive.kind !== 'expression') deny(fromMs, toMs, cause, log);
      return;
    }
    const corrected = (read: Measured) => gradeOf(condition, { ...read, flag, deviceFlag: null }, watch.letters);
    if (isVoid) {
      told(remove(lane, fromMs, toMs, newAlarm));
    } else {
      for (const old of [...lane.window].filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)) {
        const { timeMs } = old;
        const read = action === 'set' ? { timeMs, value: correction.value ?? null } : old;
        told(place(read, corrected(read), condition));
      }
    }
    const set = { value: correction.value ?? null, flag, deviceFlag: null };
    const isDenial = isVoid || (action === 'set' && (judge(condition, set, standard, watch.letters) ?? 0) < BREACH);
    if (isDenial) deny(fromMs, toMs, cause, log);
  }

  function correctSources(
    sources: NonNullable<Lane['sources']>,
    parameter: string,
    condition: Deriving,
    { fromMs, toMs, action, value }: Correction,
    isVoid: boolean,
  ): void {
    const known = readingsIn(sources.timely, parameter, fromMs, toMs);
    if (isVoid) {
      takeFrom(sources.timely, parameter, fromMs, toMs);
      takeFrom(sources.late, parameter, fromMs, toMs);
    } else if (action === 'set' && value !== undefined) {
      for (const { timeMs } of known) putIn(sources.timely, timeMs, parameter, value, condition);
      for (const { timeMs } of readingsIn(sources.late, parameter, fromMs, toMs)) {
        putIn(sources.late, timeMs, parameter, value, condition);
      }
    }
    const [first, last] = [known[0], known.at(-1)];
    if (!first || !last) return;
    const touched = { fromMs: first.timeMs, toMs: last.timeMs + reachMs(condition), lateMs: new Set<number>() };
    gathered.set(lane, touched);
  }

  function rejudge(watch: Watch, read: Rejudged, log: AlarmLog): void {
    const { timeMs } = read;
    enter(watch.lane);
    const cause = `flag ${read.flag} on a second look`;
    if (lane.sources && isDeriving(watch.condition)) {
      const before = lane.tracked.length;
      gather(lane.sources, watch, watch.condition, read);
      const isNews = gathered.size > 0;
      derive(`${cause}: ${HINDSIGHT}`, log);
      if (!isNews && before > 0 && isEvidence(watch.condition, read, watch.letters)) borneOut(timeMs, cause, log);
      return;
    }
    // What was judged when it came keeps the condition of that time.
    const condition = conditionAt(lane, timeMs) ?? watch.condition;
    const grade = gradeOf(condition, read, watch.letters);
    if (isOutOfReach(timeMs) && (occasion.isRecordOnly || !has(lane, timeMs))) {
      late(condition, read, grade, true, log);
      return;
    }
    const changes = place(read, grade, condition);
    tell(changes, `${cause}: ${HINDSIGHT}`, log);
    if (changes.length > 0 || grade === null || grade < BREACH) return;
    borneOut(timeMs, cause, log);
  }

  /** A second look has found what an alarm rests on to be so: told once. */
  function borneOut(timeMs: number, cause: string, log: AlarmLog): void {
    const tracked = trackedAt(lane, timeMs);
    const alarm = tracked && store.alarm(tracked.fold ?? tracked.alarm)?.alarm;
    if (alarm && !store.isConfirmed(alarm.id)) log.write(confirm(alarm, cause), occasion);
  }

  return {
    message(entry, log) {
      begin(occasionOf(entry));
      for (const read of entry.readings) {
        if (read.verdict === 'duplicate' || amended.concerns(read, entry.seq)) continue;
        const watching = watches.of(read.series);
        for (let n = 0; n < watching.length; n++) reading(watching[n]!, read, log);
      }
      if (gathered.size > 0) derive(HINDSIGHT, log);
    },
    correct(series, correction, actor, next, log) {
      begin(next);
      amended.correct({ seq: next.seq, command: correction });
      if (series === null) return;
      const cause = `corrected by ${actor}: ${correction.reason}`;
      for (const watch of watches.of(series)) correctLane(watch, correction, cause, log);
    },
    rejudged(read, next, log) {
      begin(next);
      amended.put(read.series, read.timeMs, read.timeMs + 1, next.seq);
      for (const watch of watches.of(read.series)) rejudge(watch, read, log);
    },
    takeHindsight() {
      const used = usedHindsight;
      usedHindsight = false;
      return used;
    },
    takeDirty() {
      const taken = dirty.filter(({ isDirty }) => isDirty);
      for (const one of taken) one.isDirty = false;
      dirty = [];
      return taken;
    },
    touch: enter,
    forget(lane) {
      lane.isDirty = false;
    },
  };
}
