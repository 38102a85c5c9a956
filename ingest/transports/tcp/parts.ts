/**
 * Joins the frames of one message that a device sent in parts. Nothing is held for a part that never comes: after a while
 * what is there goes on by itself. A part that comes later goes on together with those before it, since times and names
 * may stand in the first alone; values that come twice by that are duplicates.
 */
import type { Heading } from '../../codecs/stream.ts';

export interface PartLimits {
  /** Groups of parts of one connection. */
  groups: number;
  /** Bytes of one group. */
  bytes: number;
  /** From the newest part on, until what is there goes on. */
  waitMs: number;
  /** How long parts that went on are kept for those that may follow, or come again. */
  keepMs: number;
}

/** Frames that go through the door as one payload, one after the other. */
export interface Joined {
  frames: Uint8Array[];
  /** No part is missing. */
  isWhole: boolean;
}

type Part = NonNullable<Heading['part']>;

interface Group {
  total: number;
  /** By number. */
  frames: Map<number, Uint8Array>;
  /** A part has come since they last went on. */
  hasNews: boolean;
  bytes: number;
  /** Monotonic, of the newest part. */
  atMs: number;
}

export class Parts {
  readonly #limits: PartLimits;
  readonly #groups = new Map<string, Group>();

  constructor(limits: PartLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** @returns what goes on now: the whole message, and what had to make room. */
  add(frame: Uint8Array, { joins, number, total }: Part, nowMs: number): Joined[] {
    const made: Joined[] = [];
    const known = this.#groups.get(joins);
    if (known && (known.total !== total || known.bytes + frame.byteLength > this.#limits.bytes)) {
      made.push(...this.#give(known));
      this.#groups.delete(joins);
    }
    const group = this.#groups.getOrInsertComputed(joins, () => ({
      total,
      frames: new Map(),
      hasNews: false,
      bytes: 0,
      atMs: nowMs,
    }));
    group.bytes += frame.byteLength - (group.frames.get(number)?.byteLength ?? 0);
    // A view of what arrived would keep all of that.
    group.frames.set(number, new Uint8Array(frame));
    group.hasNews = true;
    group.atMs = nowMs;
    if (group.frames.size >= total) made.push(...this.#give(group));
    while (this.#groups.size > this.#limits.groups) {
      const [oldest, { value: waiting }] = [this.#groups.keys().next().value!, this.#groups.values().next()];
      made.push(...this.#give(waiting!));
      this.#groups.delete(oldest);
    }
    return made;
  }

  /** What has waited long enough for its missing parts. */
  due(nowMs: number): Joined[] {
    const made: Joined[] = [];
    for (const [joins, group] of this.#groups) {
      const waitedMs = nowMs - group.atMs;
      if (waitedMs >= this.#limits.waitMs) made.push(...this.#give(group));
      if (waitedMs >= this.#limits.keepMs) this.#groups.delete(joins);
    }
    return made;
  }

  /** The connection has ended: all that hasn't gone on. */
  end(): Joined[] {
    const made = [...this.#groups.values()].flatMap((group) => this.#give(group));
    this.#groups.clear();
    return made;
  }

  #give(group: Group): Joined[] {
    if (!group.hasNews) return [];
    group.hasNews = false;
    const frames = [...group.frames].sort(([a], [b]) => a - b).map(([, frame]) => frame);
    return [{ frames, isWhole: frames.length >= group.total }];
  }
}
