/** What main and the followers' worker say to each other; plain data only. */

import type { RecountProgress } from '#books/recount/state.ts';
import type { UntoldLoss } from '#installation/fit-store.ts';
import type { DamagedBatch } from '#journal/batch-reader.ts';
import type { Alarm, Transition } from '#model/alarms/alarm.ts';
import type { Config } from '#model/config.ts';
import type { Durations } from '#model/duration-histogram.ts';
import type { FollowerName } from '#model/entry.ts';
import type { Reading } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { Damage } from '#readings/damage.ts';
import type { StoreCapabilities, StoreTrouble } from '#readings/store.ts';
import type { StaleFile } from './stale-reads.ts';

/** A reading that the store refused for good, on its way into quarantine. `id` is the quarantined item's. */
export interface RejectedValue {
  id: string;
  source: string;
  /** Counted as received when its message came. */
  wasCounted: boolean;
  station: string;
  parameter: string;
  /** Canonical, of `value`; null for a parameter that the reference doesn't know any more. */
  unit: string | null;
  timeMs: number;
  value: number | null;
  deviceFlag: string | null;
  reason: string;
}

/** `reference` has been read and checked by main: no thread reads it again. */
export interface FollowersStart {
  config: Config;
  reference: Reference;
  /** The key under which acknowledgement links are signed. */
  linkSecret: string;
}

export type ToFollowers =
  /** Refused readings that are now in quarantine: the worker may forget them. */
  | { type: 'quarantined'; ids: string[] }
  | { type: 'committed'; headSeq: number }
  /** Somebody waits for a follower. */
  | { type: 'hurry' }
  /** The answer to `publish`: `error` null once the broker has it. */
  | { type: 'published'; id: number; error: string | null }
  /** This loss is in the journal's list: the worker may forget it. */
  | { type: 'loss-noted'; id: number }
  | { type: 'stop' };

export type FromFollowers =
  | { type: 'ready' }
  /**
   * Cursors after a batch, the earliest time for which a follower wants a tick, and the seq through which no follower
   * needs entries any more, not even to restore its memory after a crash.
   */
  | {
      type: 'progress';
      cursors: Record<FollowerName, number>;
      nextTimerMs: number | null;
      neededFromSeq: number;
    }
  /** Alarms that changed, after the commit that changed them: the event stream and the retained topics follow. */
  | { type: 'alarms'; changes: { alarm: Alarm; transition: Transition }[] }
  /** Every alarm that is not over, once at start and part by part: retained topics that no part names are emptied. */
  | { type: 'open-alarms'; alarms: Alarm[]; isFirst: boolean; isLast: boolean }
  /** Readings whose flag or value changed after the door saw them. */
  | { type: 'reflagged'; readings: (Reading & { series: number })[] }
  /** An MQTT channel's notice. */
  | { type: 'publish'; id: number; topic: string; payload: string; retain: boolean }
  /** What keeps the stores from being written or read for now; null: it works (again). Told when it changes. */
  | { type: 'store'; trouble: StoreTrouble | null }
  /** What the reading store was measured to do, whenever that changes; null: nobody knows at the moment. */
  | { type: 'capabilities'; capabilities: StoreCapabilities | null }
  /** Readings that the store refused for good, until `quarantined` answers; told again after a start. */
  | { type: 'rejected'; readings: RejectedValue[] }
  /** A batch of the journal isn't what was written; told whenever it is met. */
  | { type: 'damaged-batch'; damage: DamagedBatch }
  /** The reading store had lost what was written to it; told again until `loss-noted` answers. */
  | { type: 'store-losses'; losses: UntoldLoss[] }
  /** Connections that answer from an old snapshot: the worker ends itself, and is started again. */
  | { type: 'stale'; files: StaleFile[] }
  /** Rows that aren't what was written, as they are met. */
  | { type: 'damages'; damages: Damage[] }
  /** A follower has parked this entry (src/journal/parked.ts): the event stream tells. */
  | { type: 'parked'; follower: FollowerName; seq: number }
  | {
      type: 'metrics';
      counters: Record<string, number>;
      durations: Record<string, Durations>;
      /** Null: the books are by the rules of this program. */
      recount: RecountProgress | null;
    };
