/**
 * What a codec makes of bytes: samples whose fields are still as they were sent. A codec only says what can't be
 * decoded; whether a station, time, unit or value makes sense is decided once, in ../resolve.ts, for every format.
 */
import type { Dialect, QcKind } from '#model/dialect.ts';
import type { Fault, FaultCode } from '#model/faults.ts';
import type { Gateway } from '#model/register.ts';
import type { Births } from './sparkplug-b/births.ts';

/** A decimal number as CSV files have it. */
export const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** What loggers write for "no finite number": `NAN`, `-Inf`, `Infinity`. */
export const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

/** More values than this in one message and all of it is refused (contracts §3). */
export const MAX_VALUES = 5_000;

/** Who sent a payload, as far as a codec may have to know: which station a frame is about, whose letters it has. */
export interface Sender {
  /** Gateway id, or `user:NAME`. */
  source: string;
  /** The gateway's entry; undefined for a user, and for one that isn't registered. */
  gateway: Gateway | undefined;
  /** Epoch ms of the arrival by the journal's clock: for times without a year, and for those relative to now. */
  arrivalMs: number;
  /** MQTT: the topic that it was published to; null over other ways. */
  topic: string | null;
  /** Sparkplug B: what the sender's births have said before this message; left out where nobody has listened. */
  births?: Births | undefined;
  /** A station's own dialect, which goes before its gateway's. */
  dialectOf?: (station: string) => Dialect | undefined;
}

/** What a sample of a quality control says besides its one value: as sent, in the unit of that. */
export interface SentControl {
  kind: QcKind;
  /** The concentration that was to be found. */
  standard: unknown;
  /** The water before the spike, and when it was measured: epoch ms. */
  water: unknown;
  waterMs: number | null;
}

/** Values that were sent for one station and time. */
export interface Sample {
  station: unknown;
  /** RFC 3339 text or epoch milliseconds, when it is right. */
  time: unknown;
  /** Parameter as sent → number, null or `{ value, unit?, flag? }`, when it is right. Null when there is no such list. */
  values: Readonly<Record<string, unknown>> | null;
  /** JSON: place in `samples`, −1 for a sample that stands alone. CSV: line number, the header's being 1. */
  index: number;
  /** Why none of its values can be taken; `values`, if there, are quarantined one by one, else the sample as one. */
  fault: { code: FaultCode; message: string } | null;
  /** The sample as it was sent. */
  sent: unknown;
  /** The stretch that its values are means of, epoch ms, half-open; absent of what was measured at an instant. */
  period?: { fromMs: number; toMs: number };
  /** What names of `values` mean by the sender's own entry, where that says it: parameters, by name as sent. */
  means?: Readonly<Record<string, string>>;
  /** Its value is no water, but what an instrument made of a known one. */
  control?: SentControl;
}

/**
 * A payload that was read, or the fault for which all of it is quarantined as one. `notes` are faults of what was taken
 * nevertheless: a wrong length under a right checksum.
 */
export type Decoded =
  | { fault: null; seq: number | null; samples: Sample[]; notes?: readonly Fault[] }
  | { fault: Fault; seq?: number | null; samples?: undefined };

export interface Codec {
  /** Pure: the same payload of the same sender is the same samples. */
  decode(payload: Uint8Array, sender: Sender): Decoded;
  /** Where a value stands in the payload: `samples[0].values.ph`, `row 17`; without `name` the sample itself. */
  path(sample: Sample, name: string | null): string;
  /** The smallest payload that holds just these values as they were sent, so that they can come through the door again. */
  excerpt(sample: Sample, names: readonly string[] | null): Uint8Array;
  /** One payload that holds just these values, all of one message; none is cut away, so that it counts for all of them. */
  excerptOfSeveral(parts: readonly Part[]): Uint8Array;
}

/** Values of a sample by their names as sent, or (null) the sample as a whole. */
export interface Part {
  sample: Sample;
  names: readonly string[] | null;
}

/** Names and texts of a gateway stand in paths and messages shortened to this, so that a fault is never a burden. */
const SHOWN_LENGTH = 64;

/** A text as a message or path shows it. */
export function shortened(text: string, length: number = SHOWN_LENGTH): string {
  return (text.length > length ? text.slice(0, length - 1) + '…' : text).toWellFormed();
}
