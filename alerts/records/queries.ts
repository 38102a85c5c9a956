/**
 * What may be asked about alarms and notices, away from the main thread (`src/api/queries.ts`). Everything is plain data that a structured clone carries. Times are epoch ms, ranges half-open.
 */
import type { Alarm, AlarmEvent, AlarmState, Severity, Transition } from '#model/alarms/alarm.ts';
import type { CountedLine } from '#model/alarms/counted.ts';
import type { AlarmFigures, FiguresQuery } from './figures.ts';

export interface AlarmFilter {
  state: AlarmState[] | null;
  station: string | null;
  severity: Severity[] | null;
  rule: string | null;
  chattering?: boolean;
  /** By `raisedAtMs`. */
  fromMs: number | null;
  toMs: number | null;
  limit: number;
  /** Newest first by (raisedAtMs, id); the last item's pair of the page before. */
  after: { raisedAtMs: number; id: string } | null;
}

export interface NoticeRow {
  id: string;
  channel: string;
  event: AlarmEvent;
  alarms: string[];
  createdAtMs: number;
  /** `held` = waits for its summary, `grouped` = told in one. */
  state: 'pending' | 'sent' | 'failed' | 'held' | 'grouped';
  attempts: { atMs: number; status: string; outcome: 'sent' | 'failed-for-now' | 'failed-for-good' }[];
  /** The notice that tells of this one together with others. */
  summary?: string | null;
  /** The channel that took over what this one could tell nobody. */
  fallback?: string | null;
  /** The newest attempt for each address behind the channel, where there are several. */
  receipts?: { to: string; atMs: number; status: string; outcome: NoticeRow['attempts'][number]['outcome'] }[];
}

/** `dead` = failed, and nobody took over: what nobody was told. */
export type NoticeFilter = NoticeRow['state'] | 'dead';

export interface AlertQueries {
  alarms(query: AlarmFilter): Promise<Alarm[]>;
  alarm(query: { id: string }): Promise<Alarm | null>;
  alarmFigures(query: FiguresQuery): Promise<AlarmFigures>;
  timeline(query: { id: string }): Promise<{ transitions: Transition[]; notices: NoticeRow[]; lines: CountedLine[] }>;
  notices(query: {
    state: NoticeFilter | null;
    limit: number;
    before: { createdAtMs: number; id: string } | null;
  }): Promise<NoticeRow[]>;
  notice(query: { id: string }): Promise<NoticeRow | null>;
  /** Transitions caused by entries with seq > after, for resuming the event stream. */
  transitionsAfter(query: { seq: number; limit: number }): Promise<{ transition: Transition; alarm: Alarm }[]>;
}
