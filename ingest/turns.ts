/**
 * Fair turns at the door: what waits for the journal is let through in turns by sender, a message each, so that one that
 * sends much, or what is slow to judge, delays itself. Messages of one sender keep their order. At most `ROOM_BYTES` are on
 * their way to a commit at once: that, and no more, stands before a message whose sender has nothing else waiting.
 *
 * They wait before they are judged, not after: the order in which values are judged is the order of their entries.
 */

/** A message weighs its payload and this; about a millisecond of judging and writing is 4 KiB of small values. */
const MESSAGE_BYTES = 256;
const ROOM_BYTES = 256 << 10;

interface Waiting {
  bytes: number;
  begin(): void;
}

export class Turns {
  /** Whose turn comes first stands first. */
  readonly #lanes = new Map<string, Waiting[]>();
  readonly #roomBytes: number;
  #openBytes = 0;
  #waiting = 0;

  /** @param roomBytes that may be under way before another begins; 1: one after the other. */
  constructor(roomBytes = ROOM_BYTES) {
    this.#roomBytes = roomBytes;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Settles as `work` does, which begins at once (in this turn of the event loop) when nobody waits and there is room.
   * @param party whose message it is.
   */
  take<T>(party: string, payloadBytes: number, work: () => Promise<T>): Promise<T> {
    const bytes = payloadBytes + MESSAGE_BYTES;
    if (this.#waiting === 0 && this.#hasRoom) return this.#begin(bytes, work);
    return new Promise<T>((resolve, reject) => {
      const begin = () => void this.#begin(bytes, work).then(resolve, reject);
      this.#lanes.getOrInsertComputed(party, () => []).push({ bytes, begin });
      this.#waiting++;
    });
  }

  /** The largest message must find room as well: one may go beyond it. */
  get #hasRoom(): boolean {
    return this.#openBytes < this.#roomBytes;
  }

  async #begin<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#openBytes += bytes;
    try {
      return await work();
    } finally {
      this.#openBytes -= bytes;
      this.#next();
    }
  }

  #next(): void {
    while (this.#hasRoom) {
      const [party, lane] = this.#lanes.entries().next().value ?? [];
      if (party === undefined || lane === undefined) return;
      // To the end of the line, or out of it.
      this.#lanes.delete(party);
      const { begin } = lane.shift()!;
      if (lane.length > 0) this.#lanes.set(party, lane);
      this.#waiting--;
      begin();
    }
  }
}
