/**
 * Finds frames that say their own length in a stream of bytes: by the length first, never by an end mark that a value might
 * hold. However the stream is cut into chunks, the frames are the same.
 */
import type { Fault } from '#model/faults.ts';
import type { Found, Framer } from './stream.ts';

/** How the frames of a protocol look from outside. */
export interface FrameShape {
  /** The first place from `from` on where a frame may begin, perhaps with bytes that are still to come; −1 for none. */
  startIn(bytes: Uint8Array, from: number): number;
  /** Bytes of the frame that begins at `at`; `more` = the heading isn't whole yet; `none` = no frame begins there. */
  measured(bytes: Uint8Array, at: number): number | 'more' | 'none';
  /** Whether bytes from start to end are a frame with a right checksum. */
  isSound(frame: Uint8Array): boolean;
  /** Of a frame that isn't sound by the length that it says: bytes by which its makers are known to say too little. */
  slack?(bytes: Uint8Array, at: number): number;
  /** Shortest frame. */
  least: number;
}

const HEAD = 256;
/**
 * After so many damaged frames without a sound one a damaged frame is passed over whole, not searched for frames within:
 * what is all headings and no frames would else be read again and again.
 */
const SEARCHES = 16;

export function framerOf(shape: FrameShape): Framer {
  return new LengthFirst(shape);
}

class LengthFirst implements Framer {
  readonly #shape: FrameShape;
  #held: Uint8Array = new Uint8Array(0);
  #damaged = 0;

  constructor(shape: FrameShape) {
    this.#shape = shape;
  }

  get isWithin(): boolean {
    return this.#held.length > 0;
  }

  push(chunk: Uint8Array): Found[] {
    this.#held = this.#held.length === 0 ? Uint8Array.from(chunk) : Buffer.concat([this.#held, chunk]);
    return this.#cut(false);
  }

  end(): Found[] {
    return this.#cut(true);
  }

  #cut(isEnd: boolean): Found[] {
    const found: Found[] = [];
    const bytes = this.#held;
    let at = 0;
    let noiseFrom = 0;
    const frame = (from: number, to: number) => {
      pushNoise(found, bytes.subarray(noiseFrom, from));
      found.push({ kind: 'frame', bytes: bytes.subarray(from, to) });
      at = to;
      noiseFrom = to;
    };
    for (;;) {
      const start = this.#shape.startIn(bytes, at);
      at = start < 0 ? bytes.length : start;
      if (start < 0) break;
      const length = this.#shape.measured(bytes, start);
      const isWhole = typeof length === 'number' && start + length <= bytes.length;
      if (length === 'none' || (length === 'more' && isEnd)) at = start + 1;
      else if (isWhole && this.#isSound(bytes.subarray(start, start + length))) frame(start, start + length);
      else if (!isWhole && !isEnd) break;
      else {
        const end = this.#damagedEnd(bytes, start, isWhole ? length : bytes.length - start, isEnd);
        if (end === null) break;
        frame(start, end);
      }
    }
    pushNoise(found, bytes.subarray(noiseFrom, at));
    this.#held = isEnd ? new Uint8Array(0) : Uint8Array.from(bytes.subarray(at));
    return found;
  }

  #isSound(frame: Uint8Array): boolean {
    const isSound = this.#shape.isSound(frame);
    if (isSound) this.#damaged = 0;
    return isSound;
  }

  /**
   * Where what isn't a sound frame by its own length ends: where it is one of another length, where the next one begins,
   * or where it says. The bytes that it says are its own decide, with the heading of a frame that begins among them, so
   * that chunks make no difference.
   * @returns null = bytes that may still come decide.
   */
  #damagedEnd(bytes: Uint8Array, start: number, length: number, isEnd: boolean): number | null {
    const end = start + length;
    const longer = end + (this.#shape.slack?.(bytes, start) ?? 0);
    if (longer > bytes.length && !isEnd) return null;
    if (longer <= bytes.length && this.#isSound(bytes.subarray(start, longer))) return longer;
    if (this.#damaged >= SEARCHES) return end;
    for (let next = this.#next(bytes, start + 1, end); next >= 0; next = this.#next(bytes, next + 1, end)) {
      if (next - start >= this.#shape.least && this.#isSound(bytes.subarray(start, next))) return next;
      const measured = this.#shape.measured(bytes, next);
      if (measured === 'more' && !isEnd) return null;
      if (typeof measured === 'number') {
        this.#damaged++;
        return next;
      }
    }
    this.#damaged++;
    return end;
  }

  #next(bytes: Uint8Array, from: number, to: number): number {
    const next = this.#shape.startIn(bytes, from);
    return next < to ? next : -1;
  }
}

function pushNoise(found: Found[], bytes: Uint8Array): void {
  if (bytes.length > 0) found.push({ kind: 'noise', head: bytes.subarray(0, HEAD), length: bytes.length });
}

/** What a payload holds: sound frames, damaged ones, and bytes between them. */
export type Piece<F> = { frame: F } | { damaged: Uint8Array } | { noise: number };

/** @param frameIn the fields of a frame that is sound */
export function piecesIn<F>(
  bytes: Uint8Array,
  shape: FrameShape,
  frameIn: (frame: Uint8Array) => F | null,
): Piece<F>[] {
  const piece = (frame: Uint8Array, isSound: boolean): Piece<F> => {
    const read = isSound ? frameIn(frame) : null;
    return read === null ? { damaged: frame } : { frame: read };
  };
  // A frame alone has no next one by which a wrong length could show.
  if (shape.isSound(bytes)) return [piece(bytes, true)];
  const framer = framerOf(shape);
  return [...framer.push(bytes), ...framer.end()].map((found) =>
    found.kind === 'noise' ? { noise: found.length } : piece(found.bytes, shape.isSound(found.bytes)),
  );
}

export function noiseNote(bytes: number): Fault {
  return { code: 'message.noise', message: `${bytes} bytes beside the frames were passed over.` };
}

/** Of a frame with another length than it says; null of any other. */
export function lengthNote({ length, stated }: { length: number; stated: number }): Fault | null {
  if (length === stated) return null;
  const message = `The frame has ${length} bytes and says ${stated}; its checksum is right, so it is taken.`;
  return { code: 'message.length', message };
}

/** Bytes that a gateway which carries frames over MQTT or HTTP has written as hex digits. */
export function unhexedAs(payload: Uint8Array, start: RegExp): Uint8Array {
  const text = Buffer.from(payload).toString('latin1').replace(/\s+/g, '');
  const isHex = start.test(text) && /^(?:[0-9A-F]{2})+$/i.test(text);
  return isHex ? Buffer.from(text, 'hex') : payload;
}
