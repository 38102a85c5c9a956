/**
 * What the API may ask of the derived stores. Implemented in the query worker (`src/query-worker.ts`) from one
 * function per method; asked through a typed client, so that a query never blocks ingest (invariant 7).
 * Everything is plain data that a structured clone carries. Times are epoch ms, ranges half-open.
 */
import type { Alarm, AlarmEvent, AlarmState, Severity, Transition } from '#model/alarm.ts';
import type { Flag } from '#model/flag.ts';
import type { MeanKind } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';

export interface ReadingRow {
  timeMs: number;
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
  /** True until the hour has closed: its flag may still change. */
  provisional: boolean;
}

export interface ReadingVersion {
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
  source: string;
  receivedMs: number | null;
  /** Who or what replaced it (`source` of the newer value, or the engineer); null for the current version. */
  by: string | null;
  reason: string | null;
  supersededAtMs: number | null;
}

export type TrendInterval = 'PT1H' | 'P1D' | 'P1W' | 'P1M' | 'P1Y';

export interface TrendBucket {
  startMs: number;
  endMs: number;
  /** Readings whatever their flag, 9 excepted. */
  count: number;
  /** Readings with flags 1 and 2: those that mean, min and max come from. */
  valid: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  provisional: boolean;
}

export interface TrendQuery {
  /** Null when the series has never had a reading: every bucket is empty. */
  series: number | null;
  mean: MeanKind;
  /** Bucket edges, ascending; n + 1 edges make n buckets (src/model/calendar.ts computes them). */
  edgesMs: number[];
  interval: TrendInterval;
  timeZone: string;
  asOfMs: number | null;
}

/** Integer litres; `unknownMs` = time of the range for which nothing is known, summed over meters. */
export interface VolumeBucket {
  startMs: number;
  endMs: number;
  measuredLitres: number;
  estimatedLitres: number;
  unknownMs: number;
}

export interface VolumeQuery {
  meters: { id: string; meter: Meter }[];
  edgesMs: number[];
}

export interface AlarmFilter {
  state: AlarmState[] | null;
  station: string | null;
  severity: Severity[] | null;
  rule: string | null;
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
  state: 'pending' | 'sent' | 'failed';
  attempts: { atMs: number; status: string; outcome: 'sent' | 'failed-for-now' | 'failed-for-good' }[];
}

export interface Queries {
  readings(query: {
    series: number;
    fromMs: number;
    toMs: number;
    limit: number;
    asOfMs: number | null;
  }): Promise<ReadingRow[]>;
  history(query: { series: number; timeMs: number }): Promise<ReadingVersion[]>;
  trends(query: TrendQuery): Promise<TrendBucket[]>;
  volumes(query: VolumeQuery): Promise<VolumeBucket[]>;
  /** Settled counts of a source; received and quarantined are the journal's. */
  settledCounts(query: { source: string }): Promise<{ stored: number; duplicate: number }>;
  alarms(query: AlarmFilter): Promise<Alarm[]>;
  alarm(query: { id: string }): Promise<Alarm | null>;
  timeline(query: { id: string }): Promise<{ transitions: Transition[]; notices: NoticeRow[] }>;
  notices(query: {
    state: NoticeRow['state'] | null;
    limit: number;
    before: { createdAtMs: number; id: string } | null;
  }): Promise<NoticeRow[]>;
  notice(query: { id: string }): Promise<NoticeRow | null>;
  /** Transitions caused by entries with seq > after, for resuming the event stream. */
  transitionsAfter(query: { seq: number; limit: number }): Promise<{ transition: Transition; alarm: Alarm }[]>;
  parked(): Promise<{ follower: string; seq: number; atMs: number; error: string }[]>;
}
