/**
 * Verdicts on closed periods and the alarms that rest on them. A run is what belongs together: the verdicts after one that
 * met the limit, through the next one that does. Every method runs in the caller's open transaction.
 */
import type { Alarm, AlarmBasis } from '#model/alarms/alarm.ts';
import type { Database } from '#src/sqlite.ts';

/**
 * Grades as of alerts/rules/grades.ts, null values and conditions where the limit is met; `late` = a breach
 * that was found late. Kept like days: a year of them is a year of days.
 */
export const periodVerdictsDdl = `
  CREATE TABLE periodVerdict (key TEXT NOT NULL, basis TEXT NOT NULL, endMs INTEGER NOT NULL, startMs INTEGER NOT NULL,
    rule TEXT NOT NULL, subject TEXT NOT NULL, grade INTEGER NOT NULL, late INTEGER NOT NULL, value REAL NOT NULL,
    note TEXT, condition TEXT, PRIMARY KEY (key, basis, endMs)) STRICT, WITHOUT ROWID;
  CREATE INDEX periodVerdictBySubject ON periodVerdict (rule, subject, basis, endMs);
`;

/** What was judged of one period; `key` and `basis` name the alarm that a breach would be. */
export interface PeriodVerdict {
  key: string;
  basis: AlarmBasis;
  startMs: number;
  endMs: number;
  rule: string;
  /** The station or meter whose books were judged, or the canal. */
  subject: string;
  grade: number;
  late: boolean;
  value: number;
  note: string | null;
  /** The condition that was broken, as JSON; null where none was. */
  condition: string | null;
}

type Name = Pick<PeriodVerdict, 'key' | 'basis'>;

export interface PeriodVerdicts {
  put(verdict: PeriodVerdict): void;
  remove(name: Name, endMs: number): void;
  /** What a rule said of a subject's period. */
  ofSubject(rule: string, subject: string, basis: AlarmBasis, endMs: number): PeriodVerdict[];
  /** The run that holds `timeMs`, or into which a verdict of that end would fall; ascending. */
  run(name: Name, timeMs: number): PeriodVerdict[];
  /** Forgets the breaches after the last verdict that met the limit: the alarm that rests on them has ended. */
  forgetStanding(name: Name): void;
  /** Alarms, not withdrawn, that rest on verdicts of this name between two times, late records or the others. */
  alarms(name: Name, late: boolean, fromMs: number, toMs: number): Alarm[];
}

/** @param clear the grade of a verdict that met the limit. */
export function openPeriodVerdicts(derived: Database, clear: number): PeriodVerdicts {
  const columns = 'key, basis, startMs, endMs, rule, subject, grade, late, value, note, condition';
  const insert = derived.prepare(
    `INSERT OR REPLACE INTO periodVerdict (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = derived.prepare('DELETE FROM periodVerdict WHERE key = ? AND basis = ? AND endMs = ?');
  const ofSubject = derived.prepare(
    `SELECT ${columns} FROM periodVerdict WHERE rule = ? AND subject = ? AND basis = ? AND endMs = ? ORDER BY key`,
  );
  const clearBefore = derived.prepare(
    `SELECT endMs FROM periodVerdict WHERE key = ? AND basis = ? AND endMs < ? AND grade = ${clear}
     ORDER BY endMs DESC LIMIT 1`,
  );
  const clearFrom = derived.prepare(
    `SELECT endMs FROM periodVerdict WHERE key = ? AND basis = ? AND endMs >= ? AND grade = ${clear}
     ORDER BY endMs LIMIT 1`,
  );
  const between = derived.prepare(
    `SELECT ${columns} FROM periodVerdict WHERE key = ? AND basis = ? AND endMs > ? AND endMs <= ? ORDER BY endMs`,
  );
  const after = derived.prepare('DELETE FROM periodVerdict WHERE key = ? AND basis = ? AND endMs > ? AND late = 0');
  const alarms = derived.prepare(
    `SELECT body FROM alarm WHERE key = ? AND late = ? AND state <> 'withdrawn' AND breachStartMs < ?
     AND coalesce(clearedAtMs, ${Number.MAX_SAFE_INTEGER}) > ? AND json_extract(body, '$.basis') = ?
     ORDER BY breachStartMs, id`,
  );
  const endOf = (row: Record<string, unknown> | undefined, none: number) => (row?.endMs as number | undefined) ?? none;
  const toVerdict = (row: Record<string, unknown>) => ({ ...row, late: row.late === 1 }) as unknown as PeriodVerdict;

  return {
    put({ key, basis, startMs, endMs, rule, subject, grade, late, value, note, condition }) {
      insert.run(key, basis, startMs, endMs, rule, subject, grade, Number(late), value, note, condition);
    },
    remove({ key, basis }, endMs) {
      remove.run(key, basis, endMs);
    },
    ofSubject: (rule, subject, basis, endMs) => ofSubject.all(rule, subject, basis, endMs).map(toVerdict),
    run({ key, basis }, timeMs) {
      const afterMs = endOf(clearBefore.get(key, basis, timeMs), Number.MIN_SAFE_INTEGER);
      const throughMs = endOf(clearFrom.get(key, basis, timeMs), Number.MAX_SAFE_INTEGER);
      return between.all(key, basis, afterMs, throughMs).map(toVerdict);
    },
    forgetStanding({ key, basis }) {
      const lastMs = endOf(clearBefore.get(key, basis, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
      after.run(key, basis, lastMs);
    },
    alarms: ({ key, basis }, late, fromMs, toMs) =>
      alarms.all(key, Number(late), toMs, fromMs, basis).map((row) => JSON.parse(row.body as string) as Alarm),
  };
}
