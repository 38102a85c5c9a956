/**
 * What may be asked about readings, away from the main thread (`src/api/queries.ts`). Everything is plain data that a structured clone carries. Times are epoch ms, ranges half-open.
 */
import type { Flag } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';

export interface ReadingRow {
  timeMs: number;
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
  censored?: Censored | undefined;
  /** True until the hour has closed: its flag may still change. */
  provisional: boolean;
}

export interface ReadingVersion {
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
  censored?: Censored | undefined;
  source: string;
  receivedMs: number | null;
  /** Who or what replaced it (`source` of the newer value, or the engineer); null for the current version. */
  by: string | null;
  reason: string | null;
  supersededAtMs: number | null;
}

export interface ReadingQueries {
  readings(query: {
    series: number;
    fromMs: number;
    toMs: number;
    limit: number;
    asOfMs: number | null;
    /** As of a time, but with the flags that today's rules of counting give. */
    todaysFlags?: boolean;
  }): Promise<ReadingRow[]>;
  history(query: { series: number; timeMs: number }): Promise<ReadingVersion[]>;
  /** Settled counts of a source; received and quarantined are the journal's. */
  settledCounts(query: { source: string }): Promise<{ stored: number; duplicate: number }>;
}
