/**
 * What the operators' figures are made of, and their shape: facts about alarms of a time, those that stood too long,
 * and what became of notices. By indexes alone; what the figures mean is in alerts/looking-back/figures.ts.
 */
import type { AlarmState, Severity } from '#model/alarms/alarm.ts';
import { DAY_MS } from '#model/calendar.ts';
import { type Database, StoreError } from '#src/sqlite.ts';

export interface FiguresQuery {
  /** By when alarms came (`detectedAtMs`) and notices were made. */
  fromMs: number;
  toMs: number;
  stations: readonly string[] | null;
  rule: string | null;
}

/** What counts of one alarm. */
export interface AlarmFact {
  key: string;
  rule: string;
  station: string;
  severity: Severity;
  state: AlarmState;
  /** A record of what was found late, or in imported history: nobody was paged. */
  isRecord: boolean;
  isSuppressed: boolean;
  detectedAtMs: number;
  /** When somebody first took it over. */
  takenMs: number | null;
}

export interface StandingAlarm {
  id: string;
  key: string;
  raisedAtMs: number;
  clearedAtMs: number | null;
}

export interface ChannelOutcomes {
  channel: string;
  sent: number;
  pending: number;
  /** Failed for good, and nobody took over. */
  failed: number;
  /** Failed, and another channel took over. */
  takenOver: number;
  /** Told in a summary, which is a notice of its own. */
  grouped: number;
}

export interface AlarmFigures {
  /** What people were told of; the other figures are about these. */
  count: number;
  withdrawn: number;
  suppressed: number;
  late: number;
  per10Min: { mean: number; max: number; shareAbove10: number };
  minutesInFlood: number;
  floods: { fromMs: number; toMs: number }[];
  chattering: { key: string; raises: number; sinceMs: number; count: number }[];
  stale: { count: number; longest: (StandingAlarm & { hours: number })[] };
  acknowledgement: { count: number; medianMinutes: number | null; p90Minutes: number | null; never: number };
  byRule: { rule: string; count: number }[];
  byStation: { station: string; count: number }[];
  bySeverity: Record<Severity, number>;
  notices: ChannelOutcomes[];
}

const ALARMS_MAX = 1_000_000;
/** What stands longer is stale (ISA-18.2). */
const STALE_MS = DAY_MS;

const DETECTED = "json_extract(body, '$.detectedAtMs')";
const SUPPRESSED = "json_extract(body, '$.suppressedBy')";
const TAKEN = `SELECT min(atMs) FROM transition
  WHERE transition.alarm = alarm.id AND (event = 'acknowledged' OR (event = 'cleared' AND actor IS NOT NULL))`;

type Values = (string | number)[];

/** What restricts the alarms, as SQL to be added to a WHERE. */
function restriction({ stations, rule }: FiguresQuery): { clause: string; values: Values } {
  const parts: string[] = [];
  const values: Values = [];
  if (stations !== null) {
    parts.push(`AND alarm.station IN (${stations.map(() => '?').join(', ')})`);
    values.push(...stations);
  }
  if (rule !== null) {
    parts.push('AND alarm.rule = ?');
    values.push(rule);
  }
  return { clause: parts.join(' '), values };
}

/**
 * In the order in which they came.
 * @throws StoreError `range.too-long` for more than a million.
 */
export function alarmFacts(derived: Database, query: FiguresQuery): AlarmFact[] {
  const { clause, values } = restriction(query);
  const rows = derived
    .prepare(
      `SELECT key, rule, station, severity, state, late, ${SUPPRESSED} IS NOT NULL AS suppressed,
         ${DETECTED} AS detectedAtMs, (${TAKEN}) AS takenMs
       FROM alarm WHERE ${DETECTED} >= ? AND ${DETECTED} < ? ${clause} ORDER BY ${DETECTED} LIMIT ?`,
    )
    .all(query.fromMs, query.toMs, ...values, ALARMS_MAX + 1);
  if (rows.length > ALARMS_MAX)
    throw new StoreError('range.too-long', 'There are more than a million alarms in the range.', false);
  return rows.map((row) => ({
    key: row.key as string,
    rule: row.rule as string,
    station: row.station as string,
    severity: row.severity as Severity,
    state: row.state as AlarmState,
    isRecord: row.late === 1,
    isSuppressed: row.suppressed === 1,
    detectedAtMs: row.detectedAtMs as number,
    takenMs: row.takenMs as number | null,
  }));
}

/** Alarms that people were told of and that were stale at some time of the range, longest first. */
export function staleAlarms(derived: Database, query: FiguresQuery): StandingAlarm[] {
  const { clause, values } = restriction(query);
  const { fromMs, toMs } = query;
  // The plus keeps the planner on the index of ends: nearly every alarm was raised before.
  const standing = (condition: string, ...given: number[]) =>
    derived
      .prepare(
        `SELECT id, key, raisedAtMs, clearedAtMs FROM alarm WHERE late = 0 AND state <> 'withdrawn' AND ${condition}
         AND +raisedAtMs < ? AND ${SUPPRESSED} IS NULL ${clause}`,
      )
      .all(...given, toMs - STALE_MS, ...values)
      .map((row) => ({ ...row }) as unknown as StandingAlarm);
  const endOf = ({ clearedAtMs }: StandingAlarm) => clearedAtMs ?? Number.POSITIVE_INFINITY;
  const ended = standing('clearedAtMs > ? AND clearedAtMs - raisedAtMs > ?', fromMs, STALE_MS);
  return [...standing('clearedAtMs IS NULL'), ...ended].sort(
    (a, b) => Math.min(endOf(b), toMs) - b.raisedAtMs - (Math.min(endOf(a), toMs) - a.raisedAtMs),
  );
}

/** What became of the notices about these alarms, a channel each; those of tests don't count. */
export function channelOutcomes(derived: Database, query: FiguresQuery): ChannelOutcomes[] {
  const { clause, values } = restriction(query);
  const about =
    clause === ''
      ? ''
      : `AND id IN (SELECT notice FROM noticeAlarm JOIN alarm ON alarm.id = noticeAlarm.alarm WHERE 1 ${clause})`;
  const sum = (condition: string) => `sum(${condition})`;
  const rows = derived
    .prepare(
      `SELECT channel, ${sum("state = 'sent'")} AS sent, ${sum("state = 'pending'")} AS pending,
         ${sum("state = 'failed' AND fallback IS NULL")} AS failed,
         ${sum("state = 'failed' AND fallback IS NOT NULL")} AS takenOver, ${sum("state = 'grouped'")} AS grouped
       FROM notice WHERE createdAtMs >= ? AND createdAtMs < ? AND event <> 'test' ${about} GROUP BY channel ORDER BY channel`,
    )
    .all(query.fromMs, query.toMs, ...values);
  return rows.map((row) => ({ ...row })) as unknown as ChannelOutcomes[];
}
