/**
 * The writing side of the alert tables: alarms, transitions, the outbox and the evaluation state. Every method runs
 * in the caller's open transaction; the followers' worker is the only writer.
 */
import type { Alarm, AlarmEvent, Transition } from '#model/alarms/alarm.ts';
import { type Database, eachRow } from '#src/sqlite.ts';

/** A notice as the outbox takes it; `payload` = the JSON body less the notice's id. */
export interface NoticeDraft {
  id: string;
  /** What makes this telling different from every other one, whatever the channel. */
  cause: string;
  channel: string;
  event: AlarmEvent;
  createdAtMs: number;
  alarms: readonly string[];
  payload: string;
}

/** When an alarm began, which is what two of one station are compared by. */
export type Beginning = Pick<Alarm, 'id' | 'key' | 'breachStartMs' | 'raisedAtMs'>;

/** Open alarms read at once. */
const OPEN_PAGE = 500;

/** An alarm with the time of the newest reading that speaks for it; null while it stands. */
interface AlarmWithEvidence {
  alarm: Alarm;
  lastBreachMs: number | null;
}

interface StoredLane {
  rule: string;
  series: number;
  body: string;
}

/** Evaluation state that is about no single series. */
type PartKind = 'lane' | 'site' | 'post' | 'clock' | 'closing' | 'recipient';

export interface AlertStore {
  alarm(id: string): AlarmWithEvidence | undefined;
  put(alarm: Alarm, lastBreachMs: number | null): void;
  transition(transition: Transition): void;
  /** Whether this alarm was ever confirmed. */
  isConfirmed(alarm: string): boolean;
  /** How many alarms of an alarm's key, neither withdrawn nor late, were raised after `afterMs` and before it. */
  countBefore(alarm: Pick<Alarm, 'key' | 'raisedAtMs' | 'id'>, afterMs: number): number;
  /** Alarms of this key, neither withdrawn nor late, raised in (afterMs, throughMs]; the oldest first. */
  raisedOf(key: string, afterMs: number, throughMs: number): Alarm[];
  /** Alarms of this station, neither withdrawn nor late, raised in [fromMs, toMs). */
  raisedAt(station: string, fromMs: number, toMs: number): Alarm[];
  /**
   * Of the alarms of this station, neither withdrawn nor late, raised by `timeMs` and not over before `overMs`, the one
   * whose breach began first; of two at once the one that was raised first, then the one of the lesser key.
   */
  firstAt(station: string, timeMs: number, overMs: number): Beginning | undefined;
  /** Alarms of this key, not withdrawn, whose breach starts at or before `timeMs`: the newest one, late or not. */
  covering(key: string, timeMs: number, late: boolean): AlarmWithEvidence | undefined;
  /** Alarms of this key, not withdrawn, all of whose evidence lies in [fromMs, toMs). */
  restingOn(key: string, fromMs: number, toMs: number): AlarmWithEvidence[];
  /** Alarms of this key, not withdrawn, whose worst was at a time of [fromMs, toMs). */
  worstIn(key: string, fromMs: number, toMs: number): Alarm[];
  /**
   * Alarms whose story goes on, by state: acknowledged, raised, returned. Read as they are asked for, some at a time: they
   * may be many.
   */
  open(): Iterable<Alarm>;
  /** Alarms of a rule that are raised or acknowledged. */
  openOf(rule: string): Alarm[];
  /** Alarms of a station that are raised and not acknowledged. */
  askingAt(station: string): Alarm[];
  /** Alarms that are raised or acknowledged and that nobody is told of by design. */
  suppressed(): { id: string; by: string }[];
  shelved(): { id: string; untilMs: number }[];
  /** Takes a notice into the outbox; one that is already there stays as it is. */
  notify(draft: NoticeDraft): void;
  /** Puts a notice that was sent or has failed at the end of the outbox again; false when there is no such notice. */
  resend(notice: string, atMs: number): boolean;
  /** Channels that were (or will be) told about this alarm. */
  told(alarm: string): string[];
  /** Visits them as they are read: they may be many. */
  lanes(visit: (lane: StoredLane) => void): void;
  saveLane(lane: StoredLane): void;
  dropLane(rule: string, series: number): void;
  parts(kind: PartKind): { id: string; body: string }[];
  savePart(kind: PartKind, id: string, body: string): void;
  dropPart(kind: PartKind, id: string): void;
  /** The entry through which the saved lanes are complete, and the `receivedMs` of the newest entry. */
  progress(): { seq: number; receivedMs: number };
  saveProgress(seq: number, receivedMs: number): void;
}

export function openAlertStore(derived: Database): AlertStore {
  return {
    ...alarmRows(derived),
    ...companyRows(derived),
    ...openNotices(derived),
    ...laneRows(derived),
    ...partRows(derived),
  };
}

function toAlarm(row: Record<string, unknown>): AlarmWithEvidence {
  return { alarm: JSON.parse(row.body as string) as Alarm, lastBreachMs: row.lastBreachMs as number | null };
}

function bodies(rows: Record<string, unknown>[]): Alarm[] {
  return rows.map((row) => JSON.parse(row.body as string) as Alarm);
}

function alarmRows(derived: Database) {
  const get = derived.prepare('SELECT body, lastBreachMs FROM alarm WHERE id = ?');
  const put = derived.prepare(
    `INSERT INTO alarm (id, key, rule, station, severity, state, late, breachStartMs, raisedAtMs, clearedAtMs,
       lastBreachMs, shelvedUntilMs, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, state = excluded.state, late = excluded.late,
       breachStartMs = excluded.breachStartMs, raisedAtMs = excluded.raisedAtMs, clearedAtMs = excluded.clearedAtMs,
       lastBreachMs = excluded.lastBreachMs, shelvedUntilMs = excluded.shelvedUntilMs, body = excluded.body`,
  );
  const transition = derived.prepare(
    `INSERT INTO transition (alarm, seq, atMs, event, fromState, toState, cause, actor, changed, ruleSeq, standard)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  // In the words of the partial index: an alarm's history may be long.
  const confirmed = derived.prepare("SELECT 1 FROM transition WHERE alarm = ? AND event = 'confirmed' LIMIT 1");
  const covering = derived.prepare(
    `SELECT body, lastBreachMs FROM alarm WHERE key = ? AND breachStartMs <= ? AND late = ? AND state <> 'withdrawn'
     ORDER BY breachStartMs DESC LIMIT 1`,
  );
  const restingOn = derived.prepare(
    `SELECT body, lastBreachMs FROM alarm WHERE key = ?1 AND breachStartMs >= ?2 AND breachStartMs < ?3 AND lastBreachMs < ?3
     AND state <> 'withdrawn'`,
  );
  // In the order of alarmByState: a hundred thousand bodies aren't to be sorted.
  const open = derived.prepare(
    `SELECT body FROM alarm WHERE state = ? AND (raisedAtMs, id) > (?, ?) ORDER BY raisedAtMs, id LIMIT ${OPEN_PAGE}`,
  );
  const openOf = derived.prepare(
    "SELECT body FROM alarm WHERE rule = ? AND state IN ('raised', 'acknowledged') ORDER BY id",
  );
  const askingAt = derived.prepare("SELECT body FROM alarm WHERE station = ? AND state = 'raised' ORDER BY id");
  // Left alone, SQLite takes alarmByState and parses the body of each alarm that stands.
  const suppressed = derived.prepare(
    `SELECT id, json_extract(body, '$.suppressedBy') AS "by" FROM alarm INDEXED BY alarmSuppressed
     WHERE state IN ('raised', 'acknowledged') AND json_extract(body, '$.suppressedBy') IS NOT NULL ORDER BY id`,
  );
  const shelved = derived.prepare('SELECT id, shelvedUntilMs AS untilMs FROM alarm WHERE shelvedUntilMs IS NOT NULL');
  const oneOrNone = (row: Record<string, unknown> | undefined) => (row ? toAlarm(row) : undefined);
  return {
    alarm: (id: string) => oneOrNone(get.get(id)),
    put(alarm: Alarm, lastBreachMs: number | null) {
      const { id, key, rule, station, severity, state, breachStartMs, raisedAtMs, clearedAtMs, shelvedUntilMs } = alarm;
      const late = alarm.late ? 1 : 0;
      const times = [breachStartMs, raisedAtMs, clearedAtMs, lastBreachMs, shelvedUntilMs];
      put.run(id, key, rule, station, severity, state, late, ...times, JSON.stringify(alarm));
    },
    transition({ alarm, seq, atMs, event, from, to, cause, actor, changed, limitVersion }: Transition) {
      const limit = [limitVersion?.rule ?? null, limitVersion?.standard ?? null];
      transition.run(alarm, seq, atMs, event, from, to, cause, actor, changed && JSON.stringify(changed), ...limit);
    },
    isConfirmed: (alarm: string) => confirmed.get(alarm) !== undefined,
    covering: (key: string, timeMs: number, late: boolean) => oneOrNone(covering.get(key, timeMs, late ? 1 : 0)),
    restingOn: (key: string, fromMs: number, toMs: number) => restingOn.all(key, fromMs, toMs).map(toAlarm),
    *open() {
      for (const state of ['acknowledged', 'raised', 'returned']) {
        for (let after: [number, string] | null = [Number.MIN_SAFE_INTEGER, '']; after; ) {
          const page = bodies(open.all(state, ...after));
          yield* page;
          const last = page.length === OPEN_PAGE ? page.at(-1)! : null;
          after = last && [last.raisedAtMs, last.id];
        }
      }
    },
    openOf: (rule: string) => bodies(openOf.all(rule)),
    askingAt: (station: string) => bodies(askingAt.all(station)),
    suppressed: () => suppressed.all().map((row) => ({ ...row })) as { id: string; by: string }[],
    shelved: () => shelved.all().map((row) => ({ ...row })) as { id: string; untilMs: number }[],
  };
}

/** What an alarm is among others. */
function companyRows(derived: Database) {
  // In the words of the partial indexes.
  const counts = "state <> 'withdrawn' AND late = 0";
  const raisedOf = derived.prepare(
    `SELECT body FROM alarm WHERE key = ? AND raisedAtMs > ? AND raisedAtMs <= ? AND ${counts} ORDER BY raisedAtMs, id`,
  );
  const countBefore = derived.prepare(
    `SELECT count(*) AS n FROM alarm WHERE key = ? AND raisedAtMs > ? AND (raisedAtMs, id) < (?, ?) AND ${counts}`,
  );
  const raisedAt = derived.prepare(
    `SELECT body FROM alarm WHERE station = ? AND raisedAtMs >= ? AND raisedAtMs < ? AND ${counts} ORDER BY raisedAtMs, id`,
  );
  // Without the bodies: a hundred alarms of a station would be parsed for each of them.
  const firstAt = derived.prepare(
    `SELECT id, key, breachStartMs, raisedAtMs FROM alarm WHERE station = ? AND raisedAtMs <= ? AND coalesce(clearedAtMs, 9007199254740991) >= ?
     AND ${counts} ORDER BY breachStartMs, raisedAtMs, key LIMIT 1`,
  );
  const worstIn = derived.prepare(
    `SELECT body FROM alarm WHERE key = ?1 AND breachStartMs < ?3 AND state <> 'withdrawn'
     AND json_extract(body, '$.worst.atMs') >= ?2 AND json_extract(body, '$.worst.atMs') < ?3`,
  );
  return {
    worstIn: (key: string, fromMs: number, toMs: number) => bodies(worstIn.all(key, fromMs, toMs)),
    countBefore: ({ key, raisedAtMs, id }: Pick<Alarm, 'key' | 'raisedAtMs' | 'id'>, afterMs: number) =>
      (countBefore.get(key, afterMs, raisedAtMs, id) as { n: number }).n,
    raisedOf: (key: string, afterMs: number, throughMs: number) => bodies(raisedOf.all(key, afterMs, throughMs)),
    raisedAt: (station: string, fromMs: number, toMs: number) => bodies(raisedAt.all(station, fromMs, toMs)),
    firstAt: (station: string, timeMs: number, overMs: number) =>
      firstAt.get(station, timeMs, overMs) as unknown as Beginning | undefined,
  };
}

/** The notices alone: the outbox adds some of its own. */
export function openNotices(derived: Database) {
  const next = derived.prepare('SELECT coalesce(max(position), 0) + 1 AS position FROM notice');
  const insert = derived.prepare(
    `INSERT INTO notice (id, position, channel, event, createdAtMs, state, nextAtMs, tries, alarms, payload, cause, begun)
     VALUES (?, ?, ?, ?, ?, 'pending', 0, 0, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING`,
  );
  const link = derived.prepare('INSERT INTO noticeAlarm (alarm, notice) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const again = derived.prepare(
    `UPDATE notice SET state = 'pending', position = ?, tries = 0, nextAtMs = ?, fallback = NULL
     WHERE id = ? AND state IN ('sent', 'failed')`,
  );
  // What was sent goes to everybody again; what has failed only to those whom it hasn't reached.
  const forget = derived.prepare(
    `DELETE FROM receipt WHERE notice = ?1
     AND (outcome <> 'sent' OR EXISTS (SELECT 1 FROM notice WHERE id = ?1 AND state = 'sent'))`,
  );
  // Not from the notices themselves: an alarm that has stood for long may have many.
  const tell = derived.prepare('INSERT INTO told (alarm, channel) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const told = derived.prepare('SELECT channel FROM told WHERE alarm = ? ORDER BY channel');
  const position = () => (next.get() as { position: number }).position;
  return {
    notify({ id, channel, event, createdAtMs, alarms, payload, cause }: NoticeDraft) {
      insert.run(id, position(), channel, event, createdAtMs, JSON.stringify(alarms), payload, cause);
      for (const alarm of alarms) {
        link.run(alarm, id);
        tell.run(alarm, channel);
      }
    },
    resend(notice: string, atMs: number) {
      forget.run(notice);
      return again.run(position(), atMs, notice).changes > 0;
    },
    told: (alarm: string) => told.all(alarm).map((row) => row.channel as string),
  };
}

function laneRows(derived: Database) {
  const lanes = derived.prepare('SELECT rule, series, body FROM alertLane');
  const saveLane = derived.prepare(
    `INSERT INTO alertLane (rule, series, body) VALUES (?, ?, ?)
     ON CONFLICT (rule, series) DO UPDATE SET body = excluded.body`,
  );
  const dropLane = derived.prepare('DELETE FROM alertLane WHERE rule = ? AND series = ?');
  const progress = derived.prepare('SELECT seq, receivedMs FROM alertState');
  const saveProgress = derived.prepare(
    `INSERT INTO alertState (one, seq, receivedMs) VALUES (1, ?, ?)
     ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, receivedMs = excluded.receivedMs`,
  );
  return {
    lanes(visit: (lane: StoredLane) => void) {
      eachRow(lanes, [], (row) => {
        visit(row as unknown as StoredLane);
      });
    },
    saveLane({ rule, series, body }: StoredLane) {
      saveLane.run(rule, series, body);
    },
    dropLane(rule: string, series: number) {
      dropLane.run(rule, series);
    },
    progress: () => (progress.get() as { seq: number; receivedMs: number } | undefined) ?? { seq: 0, receivedMs: 0 },
    saveProgress(seq: number, receivedMs: number) {
      saveProgress.run(seq, receivedMs);
    },
  };
}

function partRows(derived: Database) {
  const parts = derived.prepare('SELECT id, body FROM alertPart WHERE kind = ? ORDER BY id');
  const savePart = derived.prepare(
    `INSERT INTO alertPart (kind, id, body) VALUES (?, ?, ?)
     ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`,
  );
  const dropPart = derived.prepare('DELETE FROM alertPart WHERE kind = ? AND id = ?');
  return {
    parts: (kind: PartKind) => parts.all(kind).map((row) => ({ ...row })) as { id: string; body: string }[],
    savePart(kind: PartKind, id: string, body: string) {
      savePart.run(kind, id, body);
    },
    dropPart(kind: PartKind, id: string) {
      dropPart.run(kind, id);
    },
  };
}
