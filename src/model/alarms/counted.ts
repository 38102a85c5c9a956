/** What an alarm that stands for a chattering series keeps of each transition that it counts instead of telling it. */
import type { Severity } from './alarm.ts';

export const COUNTED_EVENTS = ['raised', 'severity-changed', 'returned', 'withdrawn'] as const;
export type CountedEvent = (typeof COUNTED_EVENTS)[number];

export interface CountedLine {
  /** The id that the crossing would have had as an alarm of its own. */
  crossing: string;
  /** Seq and `receivedMs` of the entry that caused it. */
  seq: number;
  atMs: number;
  event: CountedEvent;
  /** Event time. */
  timeMs: number;
  severity: Severity;
  value: number;
}
