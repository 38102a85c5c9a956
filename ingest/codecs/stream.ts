/**
 * What a protocol that is spoken over a bare connection says besides its codec: where its frames begin and end, whose
 * they are, and what is answered. All of it is pure; the connection, its limits and the registers are
 * ../transports/tcp.ts's.
 */
import type { Gateway } from '#model/register.ts';

/** What was cut out of the bytes of a connection, in their order. */
export type Found =
  | { kind: 'frame'; bytes: Uint8Array }
  /** Bytes that belong to no frame: noise on the line, another protocol's requests. `head` = the first 256 at most. */
  | { kind: 'noise'; head: Uint8Array; length: number };

/** Finds frames in what arrives, however it is cut. One a connection; holds less than one frame's bytes. */
export interface Framer {
  push(chunk: Uint8Array): Found[];
  /** A frame has begun, or may have, and isn't whole: a device that is too slow with it is cut off. */
  readonly isWithin: boolean;
  /** The connection has ended: what is left is noise. */
  end(): Found[];
}

/** What a frame says of itself. Given for damaged frames, too, as far as it can be read. */
export interface Heading {
  /** MN, or the station address in upper-case hex; null where none can be read. */
  address: string | null;
  password: string | null;
  /** `report` goes to the door; the rest is between the connection and the device. */
  kind: 'report' | 'heartbeat' | 'login' | 'logout' | 'reply' | 'unknown';
  /**
   * Its place among the frames of one message; null when it stands alone. Frames of one `joins` belong together, and go
   * through the door as one payload, one after the other.
   */
  part: { joins: string; number: number; total: number } | null;
  /** The same for a frame that is sent again because no answer came; null where the protocol has no such key. */
  repeatKey: string | null;
  /** Whether checksum and form are right; if not the device isn't told that anything is kept. */
  isSound: boolean;
}

/**
 * What became of a message: on disk; on disk, and the device shall stay connected because it will be asked for more (SL 651
 * tells it by ESC in place of EOT); on disk as far as it came, since parts of it are missing; or not to be read by anybody.
 */
export type Outcome = 'durable' | 'durable-stay' | 'incomplete' | 'unreadable';

/** A device that is asked for something. */
export interface Asked {
  address: string;
  password: string | null;
  /** The newest sound frame of it: edition and system are answered as they were spoken. */
  heard?: Uint8Array;
  gateway?: Gateway | undefined;
}

export interface StreamProtocol {
  /** Frames of devices have no password in this protocol: that of an entry is only what a device is told. */
  hasNoPasswords?: true;
  framer(): Framer;
  /** @param gateway whose device this is, once that is known: its key and its checksum. */
  heading(frame: Uint8Array, gateway?: Gateway): Heading;
  /**
   * What the device is told once that is so, byte for byte; null where the protocol wants silence.
   * @param frame as it went to the door: of a message of several all of them, one after the other. Of an `incomplete` one
   *   those that came; where the protocol can, the device is asked for a packet that is missing.
   */
  answer(frame: Uint8Array, outcome: Outcome, nowMs: number): Uint8Array | null;
  /**
   * Asks a device for the stored values of a period, epoch ms, half-open; null where the protocol, or this kind of device,
   * has no such request. Long periods are several requests, one a day at most.
   */
  request?(device: Asked, fromMs: number, toMs: number, nowMs: number): Uint8Array[] | null;
  /** Sets the clock of a device, by an engineer's command only. */
  setClock?(device: Asked, nowMs: number): Uint8Array;
}
