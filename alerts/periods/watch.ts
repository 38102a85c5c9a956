/**
 * Rules about closed periods (docs/decisions/0015). By the journal's clock periods close, and the books say what has changed
 * in those that have: both wait in one durable inbox until the books are whole there; then they are judged, and the alarms
 * follow. Nothing that decides is kept in memory alone.
 */

import type { AlarmLog } from '#alerts/life/alarm-log.ts';
import { withdraw } from '#alerts/life/lifecycle.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import { openPeriodVerdicts } from '#alerts/records/period-verdicts.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { selects, targetOf } from '#alerts/rules/conditions.ts';
import { BREACH, CLEAR } from '#alerts/rules/grades.ts';
import { type ChangedBook, openChangedBooks, type WaitingBook } from '#books/changed.ts';
import { openBookState } from '#books/clock.ts';
import { openOlderBooks } from '#books/recount/state.ts';
import { travelMs } from '#books/water/balance.ts';
import { type Alarm, CANAL_STATION } from '#model/alarms/alarm.ts';
import type { CommandEntry } from '#model/entry.ts';
import { isPeriodRule, type PeriodRule } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';
import { followVerdicts, type Touched } from './alarms.ts';
import { balancedMeters, closedThroughMs, closesMs, longestTravelMs, periodAt, type Span } from './closed-periods.ts';
import { type Books, checkedPairs, type Verdict, verdictsOf } from './verdicts.ts';

/** Periods after which a turn ends, so that alarms about readings don't wait for a correction over ten years. */
const TASKS_MAX = 100;

interface Options extends Books {
  derived: Database;
  store: AlertStore;
  allowedLatenessMs: number;
}

/** What has been read from the books and is to be written down. */
export interface Judgement {
  /** Rows of the inbox that it answers. */
  books: readonly WaitingBook[];
  judged: readonly { task: Task; verdicts: readonly Verdict[] }[];
  /** Whether there may be more to do at once. */
  isMore: boolean;
}

/** One rule's look at one subject over one closed period. */
interface Task {
  rule: string;
  body: PeriodRule;
  subject: string;
  period: Span;
  /** What is found is a record: it is found too late, in imported history, or in what closed before the rule was there. */
  isLate: boolean;
  isImported: boolean;
}

/** How far a rule has come: it judges no period that ended before `sinceMs`, unless its books change. */
interface Closing {
  basis: PeriodRule['period'];
  sinceMs: number;
  throughMs: number;
}

export interface PeriodWatch {
  /** Time passes: what closes by then is put into the inbox; in the open transaction. */
  advance(receivedMs: number): void;
  /** Judges what may be judged of the first `limit` rows of the inbox; null when that is nothing. Only reads. */
  judge(limit: number): Promise<Judgement | null>;
  /** Lets the alarms follow a judgement; in the open transaction. */
  write(judgement: Judgement, occasion: Omit<Occasion, 'origin'>, log: AlarmLog): void;
  /** Forgets the first row of the inbox, which can't be digested; in the open transaction. */
  leaveOut(): void;
  /** A rule, station or meter has changed, in the registers already. */
  changed(entry: CommandEntry, occasion: Occasion, log: AlarmLog, cause: string): void;
  /** The `receivedMs` at which the next period closes, or null. */
  nextMs(): number | null;
  /** To be called when a rule has changed otherwise. */
  forget(): void;
}

/** Not split: one closure over the rules and how far they have come, shared by short parts. */
export function createPeriodWatch(options: Options): PeriodWatch {
  const { derived, control, store, allowedLatenessMs, timeZone } = options;
  const clock = openBookState(derived);
  const inbox = openChangedBooks(derived);
  const verdicts = openPeriodVerdicts(derived, CLEAR);
  const dirtyHours = derived.prepare(
    `SELECT 1 FROM dirtyHour WHERE series IN (SELECT value FROM json_each(?)) AND hourMs >= ? AND hourMs < ? LIMIT 1`,
  );
  const dirtyVolumes = derived.prepare(
    `SELECT 1 FROM volumeDirty WHERE meter IN (SELECT value FROM json_each(?)) AND toMs >= ? AND fromMs < ? LIMIT 1`,
  );
  const older = openOlderBooks(derived);
  const booksCursor = derived.prepare("SELECT seq FROM cursor WHERE follower = 'books'");
  const closings = new Map(store.parts('closing').map(({ id, body }) => [id, JSON.parse(body) as Closing]));
  /** When the first period closes that is still open; null: to be worked out. */
  let nextCloseMs: number | null = null;
  let known: { id: string; body: PeriodRule }[] | null = null;
  /** How far the books were, and the inbox, when nothing in it could be judged: until then it isn't looked at again. */
  let waitingAt: string | null = null;

  function rules(): { id: string; body: PeriodRule }[] {
    known ??= control
      .list('rule')
      .flatMap(({ id, body }) => (isPeriodRule(body) && body.enabled ? [{ id, body }] : []));
    return known;
  }

  /** A rule that is new, or about other periods than before, begins with the next period that closes. */
  function closingOf(id: string, body: PeriodRule): Closing {
    const kept = closings.get(id);
    if (kept?.basis === body.period) return kept;
    const { atMs } = control.version('rule', id)!;
    const closedMs = closedThroughMs(atMs, allowedLatenessMs, longestTravelMs(body, control));
    const sinceMs = periodAt(body.period, closedMs, timeZone).startMs;
    return { basis: body.period, sinceMs, throughMs: sinceMs };
  }

  function save(id: string, closing: Closing): void {
    closings.set(id, closing);
    store.savePart('closing', id, JSON.stringify(closing));
  }

  function forget(): void {
    known = null;
    nextCloseMs = null;
  }

  function firstCloseMs(): number {
    const times = rules().map(({ id, body }) => {
      const next = periodAt(body.period, closingOf(id, body).throughMs, timeZone);
      return closesMs(next, allowedLatenessMs, longestTravelMs(body, control));
    });
    return Math.min(Number.POSITIVE_INFINITY, ...times);
  }

  /** One row a subject, however many periods have closed at once. */
  function close(rule: string, body: PeriodRule, clockMs: number): void {
    const closing = closingOf(rule, body);
    const closedMs = closedThroughMs(clockMs, allowedLatenessMs, longestTravelMs(body, control));
    const toMs = periodAt(body.period, closedMs, timeZone).startMs;
    if (toMs <= closing.throughMs) return;
    const row = { rule, fromMs: closing.throughMs, toMs, clockMs, arrived: true, imported: false };
    for (const subject of subjectsOf(body)) inbox.put({ ...row, ...subject });
    save(rule, { ...closing, throughMs: toMs });
  }

  function subjectsOf(body: PeriodRule): Pick<ChangedBook, 'kind' | 'subject'>[] {
    switch (body.kind) {
      case 'assessed':
        return control
          .list('station')
          .flatMap(({ id, body: station }) =>
            selects(body, id, station) && targetOf(body, station) !== null ? [{ kind: 'station', subject: id }] : [],
          );
      case 'volume-balance':
        return [{ kind: 'canal', subject: CANAL_STATION }];
      case 'meter-disagreement':
        return checkedPairs(body, control).map(({ checked }) => ({ kind: 'meter', subject: checked.id }));
    }
  }

  /** The subjects of a rule that a row is about, each with how much later its water is counted. */
  function concerned(body: PeriodRule, { rule, kind, subject }: WaitingBook): { subject: string; shiftMs: number }[] {
    if (rule !== '') return [{ subject, shiftMs: 0 }];
    if (body.kind === 'assessed') return kind === 'station' ? [{ subject, shiftMs: 0 }] : [];
    if (kind !== 'meter') return [];
    if (body.kind === 'volume-balance') {
      // A meter that is gone was in the balance, perhaps.
      const isGone = control.get('meter', subject) === undefined;
      const meter = balancedMeters(body, control).find(({ id }) => id === subject);
      if (!meter && !isGone) return [];
      return [{ subject: CANAL_STATION, shiftMs: meter && body.shift === 'travel' ? travelMs(meter) : 0 }];
    }
    const pairs = checkedPairs(body, control);
    return pairs.flatMap(({ checked, against }) =>
      checked.id === subject || against.id === subject ? [{ subject: checked.id, shiftMs: 0 }] : [],
    );
  }

  function tasksOf(row: WaitingBook): Task[] {
    return rules().flatMap(({ id, body }) => {
      if (row.rule !== '' && row.rule !== id) return [];
      const closing = closingOf(id, body);
      return concerned(body, row).flatMap(({ subject, shiftMs }) => {
        const tasks: Task[] = [];
        let timeMs = row.fromMs - shiftMs;
        while (timeMs < row.toMs - shiftMs) {
          const period = periodAt(body.period, timeMs, timeZone);
          timeMs = period.endMs;
          // What hasn't closed will be judged when it does.
          if (period.endMs > closing.throughMs) break;
          if (!row.arrived && period.endMs <= closing.sinceMs && !isJudged(id, body, subject, period)) continue;
          const lateMs = allowedLatenessMs + longestTravelMs(body, control) + period.endMs - period.startMs;
          const isLate = row.imported || period.endMs <= closing.sinceMs || row.clockMs - period.endMs > lateMs;
          tasks.push({ rule: id, body, subject, period, isLate, isImported: row.imported });
        }
        return tasks;
      });
    });
  }

  function isJudged(rule: string, { period: basis }: PeriodRule, subject: string, { endMs }: Span): boolean {
    return verdicts.ofSubject(rule, subject, basis, endMs).length > 0;
  }

  /** Whether the period has closed by the books' clock, and everything that they have of it by now is in them. */
  function isSettled({ body, subject, period: { startMs, endMs } }: Task): boolean {
    const shiftMs = longestTravelMs(body, control);
    if (closedThroughMs(clock.clockMs(), allowedLatenessMs, shiftMs) < endMs) return false;
    if (body.kind === 'assessed') {
      const series = options.reader.seriesOfStation(subject).map(({ id }) => id);
      if (older.has('series', series, endMs)) return false;
      return dirtyHours.get(JSON.stringify(series), startMs, endMs) === undefined;
    }
    const meters =
      body.kind === 'volume-balance'
        ? balancedMeters(body, control).map(({ id }) => id)
        : checkedPairs(body, control).flatMap(({ checked, against }) =>
            checked.id === subject ? [checked.id, against.id] : [],
          );
    if (older.has('meter', meters, endMs + shiftMs)) return false;
    return dirtyVolumes.get(JSON.stringify(meters), startMs, endMs + shiftMs) === undefined;
  }

  /** Writes a verdict down. @returns whether it is another one than before. */
  function keep(
    { key, subject, grade, value, note, condition }: Verdict,
    task: Task,
    before: PeriodVerdictRow,
  ): boolean {
    const { startMs, endMs } = task.period;
    const wasBreach = before !== undefined && before.grade >= BREACH;
    const late = grade >= BREACH && (wasBreach ? before.late : task.isLate);
    const text = condition && JSON.stringify(condition);
    const isSame =
      before !== undefined &&
      before.grade === grade &&
      before.value === value &&
      before.note === note &&
      before.condition === text;
    if (isSame) return false;
    const { rule, body } = task;
    const row = { key, basis: body.period, startMs, endMs, rule, subject, grade, late, value, note, condition: text };
    verdicts.put(row);
    return true;
  }

  function settle(task: Task, found: readonly Verdict[]): Touched[] {
    const { rule, body, subject, period } = task;
    const basis = body.period;
    const left = new Map(verdicts.ofSubject(rule, subject, basis, period.endMs).map((one) => [one.key, one]));
    const touched: Touched[] = [];
    for (const verdict of found) {
      const before = left.get(verdict.key);
      left.delete(verdict.key);
      if (keep(verdict, task, before)) touched.push({ key: verdict.key, basis, ...spanOf(period) });
    }
    // What was said before and can't be said any more.
    for (const key of left.keys()) {
      verdicts.remove({ key, basis }, period.endMs);
      touched.push({ key, basis, ...spanOf(period) });
    }
    return touched;
  }

  function follow(tasks: Judgement['judged'], occasion: Occasion, log: AlarmLog): void {
    if (tasks.length === 0) return;
    followVerdicts(
      tasks.flatMap(({ task, verdicts: found }) => settle(task, found)),
      { verdicts, store, log, occasion },
    );
    log.end(occasion);
  }

  /** Whether a standing alarm is still about something that its rule is about. */
  function fits({ key, rule, basis, station, parameter }: Alarm): boolean {
    const body = rules().find(({ id }) => id === rule)?.body;
    if (!body || body.period !== basis) return false;
    const subject = body.kind === 'meter-disagreement' ? key.split('/')[3] : station;
    if (body.kind === 'assessed' && body.parameters && !body.parameters.includes(parameter)) return false;
    return subjectsOf(body).some((one) => one.subject === subject);
  }

  return {
    advance(receivedMs) {
      nextCloseMs ??= firstCloseMs();
      if (receivedMs < nextCloseMs) return;
      for (const { id, body } of rules()) close(id, body, receivedMs);
      nextCloseMs = null;
    },

    async judge(limit) {
      const mark = `${(booksCursor.get() as { seq: number } | undefined)?.seq} ${inbox.newest()} ${older.place()}`;
      const rows = mark === waitingAt ? [] : inbox.list(limit);
      if (rows.length === 0) return null;
      const ready: WaitingBook[] = [];
      const tasks = new Map<string, Task>();
      let looked = 0;
      for (const row of rows) {
        if (tasks.size >= TASKS_MAX) break;
        looked++;
        const own = tasksOf(row);
        if (!own.every(isSettled)) continue;
        ready.push(row);
        for (const task of own) {
          const name = `${task.rule} ${task.subject} ${task.period.startMs}`;
          const other = tasks.get(name);
          // What is found in time on one account is no late find on another.
          tasks.set(name, other && !other.isLate ? other : task);
        }
      }
      if (ready.length === 0) {
        waitingAt = mark;
        return null;
      }
      const judged: { task: Task; verdicts: Verdict[] }[] = [];
      for (const [, group] of Map.groupBy(tasks.values(), ({ rule, period }) => `${rule} ${period.startMs}`)) {
        const { rule, body, period } = group[0]!;
        const subjects = group.map(({ subject }) => subject);
        const found = await verdictsOf({ rule, body, period, subjects }, options, clock.clockMs());
        for (const task of group) {
          judged.push({ task, verdicts: found.filter(({ subject }) => subject === task.subject) });
        }
      }
      return { books: ready, judged, isMore: rows.length === limit || looked < rows.length };
    },

    write({ books, judged }, { seq, receivedMs }, log) {
      // No other occasion has this name: rows are numbered once and for all.
      const name = `${seq}b${books.at(-1)!.n}.${books.at(-1)!.times}`;
      const [imported, received] = [true, false].map((is) => judged.filter(({ task }) => task.isImported === is));
      follow(received!, { origin: name, seq, receivedMs }, log);
      follow(imported!, { origin: `${name}i`, seq, receivedMs, isRecordOnly: true }, log);
      for (const book of books) inbox.done(book);
    },

    leaveOut() {
      for (const book of inbox.list(1)) inbox.done(book);
    },

    changed({ actor, command }, occasion, log, cause) {
      if (command.verb !== 'put' && command.verb !== 'delete') return;
      const { noun, id } = command;
      forget();
      if (noun === 'rule') {
        const body = rules().find((rule) => rule.id === id)?.body;
        if (body) save(id, closingOf(id, body));
        else if (closings.delete(id)) store.dropPart('closing', id);
      }
      const names = noun === 'rule' ? [id] : rules().map((rule) => rule.id);
      for (const alarm of names.flatMap((name) => store.openOf(name))) {
        if (alarm.basis === 'instantaneous' || alarm.clearedAtMs !== null || fits(alarm)) continue;
        const step = withdraw(alarm, cause, actor);
        if (step) log.write(step, occasion);
        verdicts.forgetStanding(alarm);
      }
    },

    nextMs() {
      nextCloseMs ??= firstCloseMs();
      return nextCloseMs === Number.POSITIVE_INFINITY ? null : nextCloseMs;
    },

    forget,
  };
}

type PeriodVerdictRow = ReturnType<ReturnType<typeof openPeriodVerdicts>['ofSubject']>[number] | undefined;

function spanOf({ startMs, endMs }: Span): Span {
  return { startMs, endMs };
}
