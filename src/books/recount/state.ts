/** What is left to be counted by today's rules, as derived.db says it: kept by the recount, asked by queries. */

import { takeRecountedBooks } from '#books/changed.ts';
import { BEGINNING_OF_TIME_MS } from '#books/water/meter-hours.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import type { Database } from '#src/sqlite.ts';

/** A recount that is under way. */
export interface RecountProgress {
  fromRules: number;
  toRules: number;
  /** Hours of series and of meters, and how many of them have been counted anew. */
  total: number;
  done: number;
  /** Hours that stay as they are since WK_RAW_RETENTION has deleted their readings. */
  frozen: number;
  /** Series and meters that could not be counted anew; the log says why. */
  leftOut: number;
  /** What the steps of the upgrade have found (src/books/upgrade-steps.ts). */
  notes: string[];
}

/** The next thing to count anew: the hours of one series or meter from a time on. */
export interface RecountPart {
  n: number;
  kind: 'series' | 'meter';
  subject: string;
  nextMs: number;
}

/** What there is to count, in the order of its working off. */
export interface RecountPlan {
  parts: { kind: RecountPart['kind']; subject: string }[];
  notes: string[];
}

/** Where a series still stands by older rules. May be opened over a read-only connection. */
export interface RecountMarks {
  /** Hours of this series from then on may be by older rules; Infinity when none are. */
  olderFromMs(series: number): number;
}

export function openRecountMarks(derived: Database): RecountMarks {
  const select = derived.prepare("SELECT nextMs FROM recountPart WHERE kind = 'series' AND subject = ?");
  return {
    olderFromMs: (series) =>
      (select.get(String(series)) as { nextMs: number } | undefined)?.nextMs ?? Number.POSITIVE_INFINITY,
  };
}

/** What waits for today's rules, as what is dirty waits to be computed. */
export interface OlderBooks {
  /** Whether books of these series or meters before `toMs` may be by older rules. */
  has(kind: RecountPart['kind'], subjects: readonly (string | number)[], toMs: number): boolean;
  /** Another one whenever the answer may be another one. */
  place(): string;
}

export function openOlderBooks(derived: Database): OlderBooks {
  const find = derived.prepare(
    `SELECT 1 FROM recountPart WHERE kind = ? AND subject IN (SELECT value FROM json_each(?)) AND nextMs < ? LIMIT 1`,
  );
  const state = derived.prepare(
    `SELECT rules, (SELECT toRules FROM recount) AS toRules, (SELECT min(n) FROM recountPart) AS part FROM bookState`,
  );
  const now = () => state.get() as { rules: number; toRules: number | null; part: number | null };
  return {
    has(kind, subjects, toMs) {
      const { rules, toRules } = now();
      if (rules === COUNTING_RULES) return false;
      // One that has not begun has everything before it.
      return toRules !== COUNTING_RULES || find.get(kind, JSON.stringify(subjects.map(String)), toMs) !== undefined;
    },
    place: () => Object.values(now()).join(' '),
  };
}

export interface RecountState {
  /** Whether all books are known to be by the rules of this program. */
  isCurrent(): boolean;
  /** Of what all books are known to be by. */
  rules(): number;
  /** Null when none is under way: none is wanted, or it has not begun. */
  progress(): RecountProgress | null;
  /** The progress of one that has not begun. */
  wanted(): RecountProgress;
  next(): RecountPart | null;
  /** Hours of a series from `fromMs` on that have a row and aren't dirty, ascending. */
  hoursFrom(series: number, fromMs: number, limit: number): number[];
  /** In the caller's open transaction; an older recount that was under way is forgotten. */
  begin(plan: RecountPlan): void;
  /** In the caller's open transaction: so many hours of a part are done, and it goes on at `nextMs`; null = it is done. */
  advance(part: RecountPart, hours: number, nextMs: number | null, isLeftOut?: boolean): void;
  /** In the caller's open transaction: everything is by today's rules, and what changed may be judged. */
  finish(): void;
}

const INTEGER_MIN_MS = BEGINNING_OF_TIME_MS;

/** @param derived the followers' own connection. */
export function openRecountState(derived: Database): RecountState {
  const rules = derived.prepare('SELECT rules FROM bookState WHERE id = 1');
  const saveRules = derived.prepare('UPDATE bookState SET rules = ? WHERE id = 1');
  const progress = derived.prepare('SELECT fromRules, toRules, total, done, frozen, leftOut, notes FROM recount');
  const insert = derived.prepare(
    `INSERT INTO recount (id, fromRules, toRules, total, done, frozen, leftOut, notes) VALUES (1, ?, ?, ?, 0, ?, 0, ?)`,
  );
  const insertPart = derived.prepare('INSERT INTO recountPart (kind, subject, nextMs) VALUES (?, ?, ?)');
  const first = derived.prepare('SELECT n, kind, subject, nextMs FROM recountPart ORDER BY n LIMIT 1');
  const add = derived.prepare('UPDATE recount SET done = min(total, done + ?), leftOut = leftOut + ?');
  const move = derived.prepare('UPDATE recountPart SET nextMs = ? WHERE n = ?');
  const drop = derived.prepare('DELETE FROM recountPart WHERE n = ?');
  // What is dirty is computed by today's rules anyway, and told as what it is: a change of readings.
  const hours = derived.prepare(
    `SELECT hourMs FROM hourStat WHERE series = ? AND hourMs >= ? AND NOT EXISTS (SELECT 1 FROM dirtyHour
       WHERE dirtyHour.series = hourStat.series AND dirtyHour.hourMs = hourStat.hourMs) ORDER BY hourMs LIMIT ?`,
  );
  const count = (sql: string) => (derived.prepare(sql).get() as { n: number }).n;
  const storedRules = () => (rules.get() as { rules: number }).rules;

  function forget(): void {
    derived.exec('DELETE FROM recount; DELETE FROM recountPart');
  }

  return {
    isCurrent: () => storedRules() === COUNTING_RULES,
    progress() {
      const row = progress.get() as (Omit<RecountProgress, 'notes'> & { notes: string }) | undefined;
      if (!row || row.toRules !== COUNTING_RULES) return null;
      return { ...row, notes: JSON.parse(row.notes) as string[] };
    },
    rules: storedRules,
    wanted: () => ({
      fromRules: storedRules(),
      toRules: COUNTING_RULES,
      total: 0,
      done: 0,
      frozen: 0,
      leftOut: 0,
      notes: [],
    }),
    next: () => (first.get() as RecountPart | undefined) ?? null,
    hoursFrom: (series, fromMs, limit) =>
      (hours.all(series, fromMs, limit) as { hourMs: number }[]).map(({ hourMs }) => hourMs),
    begin({ parts, notes }) {
      const frozenHours = openFrozenHours(derived);
      forget();
      const frozen = count(
        'SELECT count(*) AS n FROM hourStat JOIN frozenHours USING (series) WHERE hourMs < frozenHours.beforeMs',
      );
      const all = count('SELECT (SELECT count(*) FROM hourStat) + (SELECT count(*) FROM volumeHour) AS n');
      insert.run(storedRules(), COUNTING_RULES, all - frozen, frozen, JSON.stringify(notes));
      for (const { kind, subject } of parts) {
        const fromMs = kind === 'series' ? frozenHours.beforeMs(Number(subject)) : INTEGER_MIN_MS;
        insertPart.run(kind, subject, Math.max(fromMs, INTEGER_MIN_MS));
      }
    },
    advance({ n }, done, nextMs, isLeftOut = false) {
      add.run(done, Number(isLeftOut));
      if (nextMs === null) drop.run(n);
      else move.run(nextMs, n);
    },
    finish() {
      takeRecountedBooks(derived);
      forget();
      saveRules.run(COUNTING_RULES);
    },
  };
}
