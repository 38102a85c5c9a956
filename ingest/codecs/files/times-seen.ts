/**
 * Which times a file has had, each with the line and a digest of what it said there: 22 bytes a row, so that files of years
 * are compared with themselves in bounded memory.
 */
import { FileUnreadable } from './file-problem.ts';

const ROWS_MAX = 2_097_152;
/** Of one table of them all, growing would be a turn of the event loop of its own: a millionth row would take 0.2 s. */
const TABLES = 256;

export class TimesSeen {
  readonly #tables = Array.from({ length: TABLES }, () => new Table());
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= ROWS_MAX;
  }

  /**
   * Notes what a row says, if its time is new.
   * @returns null when it is; else the line that had it first, and whether that said the same.
   * @throws FileUnreadable beyond 2,097,152 rows.
   */
  note(station: number, timeMs: number, says: string, line: number): { line: number; isSame: boolean } | null {
    const mixed = mixedOf(station, timeMs);
    const before = this.#tables[mixed >>> 24]!.note(mixed, station, timeMs, digestOf(says), line);
    if (before !== null) return before;
    this.#count += 1;
    if (this.#count > ROWS_MAX) {
      const says = {
        zh: `超过 ${ROWS_MAX} 行；请分成几个文件。`,
        en: `The file has more than ${ROWS_MAX} rows: split it.`,
      };
      throw new FileUnreadable(says, line, 'message.too-large');
    }
    return null;
  }
}

/** A hash table with open addressing. */
class Table {
  #capacity = 16;
  #count = 0;
  #times = new Float64Array(this.#capacity);
  #digests = new Float64Array(this.#capacity);
  #stations = new Uint16Array(this.#capacity);
  /** 0 = free. */
  #lines = new Uint32Array(this.#capacity);

  /** @param mixed of the station and the time; its upper eight bits have chosen the table. */
  note(mixed: number, station: number, timeMs: number, digest: number, line: number) {
    const at = this.#slot(mixed, station, timeMs);
    if (this.#lines[at] !== 0) return { line: this.#lines[at]!, isSame: this.#digests[at] === digest };
    this.#set(at, station, timeMs, digest, line);
    this.#count += 1;
    if (this.#count * 2 > this.#capacity) this.#grow();
    return null;
  }

  #set(at: number, station: number, timeMs: number, digest: number, line: number): void {
    this.#stations[at] = station;
    this.#times[at] = timeMs;
    this.#digests[at] = digest;
    this.#lines[at] = line;
  }

  /** The slot that has this key, or the free one where it belongs. */
  #slot(mixed: number, station: number, timeMs: number): number {
    const mask = this.#capacity - 1;
    let at = mixed & mask;
    while (this.#lines[at] !== 0 && (this.#times[at] !== timeMs || this.#stations[at] !== station))
      at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [times, digests, stations, lines] = [this.#times, this.#digests, this.#stations, this.#lines];
    this.#capacity *= 2;
    this.#times = new Float64Array(this.#capacity);
    this.#digests = new Float64Array(this.#capacity);
    this.#stations = new Uint16Array(this.#capacity);
    this.#lines = new Uint32Array(this.#capacity);
    for (let old = 0; old < lines.length; old++) {
      const [station, timeMs, line] = [stations[old]!, times[old]!, lines[old]!];
      if (line === 0) continue;
      this.#set(this.#slot(mixedOf(station, timeMs), station, timeMs), station, timeMs, digests[old]!, line);
    }
  }
}

function mixedOf(station: number, timeMs: number): number {
  const mixed = Math.imul((timeMs / 1000) | 0, 0x9e3779b1) ^ Math.imul((timeMs % 1000) + station * 1009, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** 53 bits of a text (cyrb53): equal texts have equal digests, others do not but once in nine quadrillion. */
function digestOf(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
