/**
 * The door as transports and the API see it: bytes in, a receipt out, and the receipt means durable.
 * `gate.ts` implements it: decode → resolve → flag → journal.
 */

import type { QuarantineItem } from '#journal/port.ts';
import type { QcResult } from '#model/entry.ts';
import type { Fault } from '#model/faults.ts';
import type { Flag } from '#model/flag.ts';
import type { Censored, Reading } from '#model/reading.ts';
import type { ContentType } from './codecs/index.ts';
import type { Births } from './codecs/sparkplug-b/births.ts';

export type { ContentType } from './codecs/index.ts';

/** One payload and who sent it. */
export interface Delivery {
  /** Gateway id, or `user:NAME`. */
  source: string;
  /** Stations that the source may write; null = any (an engineer over HTTP). */
  stations: ReadonlySet<string> | null;
  contentType: ContentType;
  payload: Uint8Array;
  /** MQTT: the topic that it was published to. */
  topic?: string;
  /** When it first came, epoch ms, if that isn't now: a quarantined payload on its way through the door again. */
  cameMs?: number;
  /** Sparkplug B: what its sender has said before. */
  births?: Births | undefined;
}

/** A fault with the quarantined item that keeps what it is about; `flag.unknown` keeps nothing and is no refusal. */
export interface Refusal extends Fault {
  quarantineId: string;
  /** Values that the item stands for, when more than one: the rest of a message with more than a hundred. */
  count?: number;
}

/**
 * What became of a delivery; counted in values. `pending` = journaled but not yet known to be new or duplicate.
 * Values received = accepted + duplicates + corrections + pending + quarantined (each item by its `count`).
 */
export interface Receipt {
  seq: number;
  receivedMs: number;
  /** New values and corrections. */
  accepted: number;
  duplicates: number;
  /** Values that replaced another one of the same time. */
  corrections: number;
  pending: number;
  quarantined: Refusal[];
  /** Faults of values that were taken nevertheless: `flag.unknown`. Absent when there are none. */
  warnings?: Fault[];
  /** Times of its samples, as far as they are right; absent when there are none. */
  span?: { oldestMs: number; newestMs: number };
  /** True when nothing could be decoded: HTTP answers 400 (413 for `message.too-large`). */
  undecodable: boolean;
}

/** What would become of a payload; changes nothing. Values are in canonical units. */
export interface Preview {
  readings: {
    station: string;
    parameter: string;
    timeMs: number;
    value: number | null;
    flag: Flag;
    deviceFlag: string | null;
    censored?: Censored | undefined;
  }[];
  faults: Fault[];
  /** What would be kept beside the readings: quality controls. */
  controls: QcResult[];
}

export interface Door {
  /** Resolves after the fsync. Bad data never rejects; only StoreError `journal.full`/`journal.unwritable` does. */
  accept(delivery: Delivery): Promise<Receipt>;
  /** Quarantines what a transport refused before decoding: a foreign topic, or more bytes than allowed (first 4 KiB given). */
  refuse(source: string, fault: Fault, payload: Uint8Array): Promise<Receipt>;
  preview(delivery: Delivery): Preview;
  /** Puts a quarantined item through again; it leaves quarantine when anything of it is taken. */
  replay(item: QuarantineItem, stations: ReadonlySet<string> | null): Promise<Receipt>;
  /** The newest reading of each series by event time, from memory. */
  latest(series: number): Reading | undefined;
  /** Told by the followers: the final flag of a reading, or an engineer's correction, so that `latest` stays true. */
  settle(series: number, reading: Reading): void;
  /** Median of (arrival − newest sample time) over the last messages of a source, ms; null before any. */
  clockOffsetMs(source: string): number | null;
}
