/** What the API asks about alarms and notices, answered from derived.db; one function per method of `Queries`. */

import type { Alarm, Transition } from '#model/alarms/alarm.ts';
import type { CountedLine } from '#model/alarms/counted.ts';
import type { Database } from '#src/sqlite.ts';
import { countedLines } from './crossings.ts';
import type { AlarmFilter, NoticeFilter, NoticeRow } from './queries.ts';

/** Alarms newest first by (raisedAtMs, id). */
export function alarms(derived: Database, filter: AlarmFilter): Alarm[] {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  const where = (condition: string, ...given: (string | number)[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  const oneOf = (column: string, list: readonly string[]) =>
    where(`${column} IN (${list.map(() => '?').join(', ')})`, ...list);
  if (filter.state !== null) oneOf('state', filter.state);
  if (filter.severity !== null) oneOf('severity', filter.severity);
  if (filter.station !== null) where('station = ?', filter.station);
  if (filter.rule !== null) where('rule = ?', filter.rule);
  // In words that the index of those that chatter has, too.
  if (filter.chattering === true) where("json_extract(body, '$.chattering')");
  if (filter.chattering === false) where("coalesce(json_extract(body, '$.chattering'), 0) = 0");
  if (filter.fromMs !== null) where('raisedAtMs >= ?', filter.fromMs);
  if (filter.toMs !== null) where('raisedAtMs < ?', filter.toMs);
  if (filter.after !== null) where('(raisedAtMs, id) < (?, ?)', filter.after.raisedAtMs, filter.after.id);
  const clause = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const rows = derived
    .prepare(`SELECT body FROM alarm ${clause} ORDER BY raisedAtMs DESC, id DESC LIMIT ?`)
    .all(...values, filter.limit);
  return rows.map((row) => JSON.parse(row.body as string) as Alarm);
}

/** Alarms of a rule, not withdrawn, that stood at some time of [fromMs, toMs), in any order. */
export function alarmsStanding(derived: Database, rule: string, fromMs: number, toMs: number): Alarm[] {
  const rows = derived
    .prepare(
      `SELECT body FROM alarm WHERE rule = ?1 AND raisedAtMs < ?3 AND state <> 'withdrawn'
       AND (raisedAtMs >= ?2 OR clearedAtMs IS NULL OR clearedAtMs >= ?2)`,
    )
    .all(rule, fromMs, toMs);
  return rows.map((row) => JSON.parse(row.body as string) as Alarm);
}

/** One alarm, or null. */
export function alarm(derived: Database, { id }: { id: string }): Alarm | null {
  const row = derived.prepare('SELECT body FROM alarm WHERE id = ?').get(id);
  return row ? (JSON.parse(row.body as string) as Alarm) : null;
}

/** So many of the newest lines that an alarm has counted are in its timeline. */
const LINES_MAX = 500;

/**
 * Everything that happened to an alarm and everything that was said about it, oldest first; empty for no such alarm. Of
 * what it counted the newest lines.
 */
export function timeline(
  derived: Database,
  { id }: { id: string },
): { transitions: Transition[]; notices: NoticeRow[]; lines: CountedLine[] } {
  const transitions = derived.prepare('SELECT * FROM transition WHERE alarm = ? ORDER BY n').all(id);
  const notices = derived
    .prepare(
      `SELECT notice.* FROM noticeAlarm JOIN notice ON notice.id = noticeAlarm.notice
       WHERE noticeAlarm.alarm = ? ORDER BY notice.createdAtMs, notice.position`,
    )
    .all(id);
  return {
    transitions: transitions.map(toTransition),
    notices: notices.map((row) => toNotice(derived, row)),
    lines: countedLines(derived, id, LINES_MAX),
  };
}

/** Notices newest first by (createdAtMs, id); `before` = the last item's pair of the page before. */
export function notices(
  derived: Database,
  query: { state: NoticeFilter | null; limit: number; before: { createdAtMs: number; id: string } | null },
): NoticeRow[] {
  // In words that the index of dead letters has, too.
  const isDead = query.state === 'dead' ? "state = 'failed' AND fallback IS NULL" : '(?1 IS NULL OR state = ?1)';
  const rows = derived
    .prepare(
      `SELECT * FROM notice WHERE ${isDead} AND (?2 IS NULL OR (createdAtMs, id) < (?2, ?3))
       ORDER BY createdAtMs DESC, id DESC LIMIT ?4`,
    )
    .all(query.state, query.before?.createdAtMs ?? null, query.before?.id ?? null, query.limit);
  return rows.map((row) => toNotice(derived, row));
}

/** One notice with its attempts, or null. */
export function notice(derived: Database, { id }: { id: string }): NoticeRow | null {
  const row = derived.prepare('SELECT * FROM notice WHERE id = ?').get(id);
  return row ? toNotice(derived, row) : null;
}

/**
 * Transitions caused by entries with seq > after, in order, each with its alarm as it is now; at most `limit`, but
 * never a part of what one entry caused, so that the last seq is where to go on.
 */
export function transitionsAfter(
  derived: Database,
  { seq, limit }: { seq: number; limit: number },
): { transition: Transition; alarm: Alarm }[] {
  const rows = derived
    .prepare(
      `SELECT transition.*, alarm.body AS body FROM transition JOIN alarm ON alarm.id = transition.alarm
       WHERE transition.seq > ?1 AND transition.seq <= coalesce(
         (SELECT seq FROM transition WHERE seq > ?1 ORDER BY seq, n LIMIT 1 OFFSET ?2 - 1), 9007199254740991)
       ORDER BY transition.seq, transition.n`,
    )
    .all(seq, Math.max(1, limit));
  return rows.map((row) => ({ transition: toTransition(row), alarm: JSON.parse(row.body as string) as Alarm }));
}

type Row = Record<string, unknown>;

function toTransition(row: Row): Transition {
  return {
    alarm: row.alarm as string,
    seq: row.seq as number,
    atMs: row.atMs as number,
    event: row.event as Transition['event'],
    from: row.fromState as Transition['from'],
    to: row.toState as Transition['to'],
    cause: row.cause as string,
    actor: row.actor as string | null,
    changed: row.changed === null ? null : (JSON.parse(row.changed as string) as Transition['changed']),
    limitVersion:
      row.changed === null ? null : { rule: row.ruleSeq as number | null, standard: row.standard as string | null },
  };
}

function toNotice(derived: Database, row: Row): NoticeRow {
  const attempts = derived
    .prepare('SELECT atMs, status, outcome FROM attempt WHERE notice = ? ORDER BY n')
    .all(row.id as string);
  const receipts = derived
    .prepare('SELECT recipient AS "to", atMs, status, outcome FROM receipt WHERE notice = ? ORDER BY recipient')
    .all(row.id as string);
  return {
    id: row.id as string,
    channel: row.channel as string,
    event: row.event as NoticeRow['event'],
    alarms: JSON.parse(row.alarms as string) as string[],
    createdAtMs: row.createdAtMs as number,
    state: row.state as NoticeRow['state'],
    attempts: attempts.map((attempt) => ({ ...attempt })) as NoticeRow['attempts'],
    summary: row.summary as string | null,
    fallback: row.fallback as string | null,
    receipts: receipts.map((receipt) => ({ ...receipt })) as unknown as NonNullable<NoticeRow['receipts']>,
  };
}
