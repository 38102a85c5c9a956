/** What the door notices about a gateway apart from its readings: holes in its own numbering, and how far its clock is off. */

/** A jump further than this is a gateway that began to count anew, not one that lost so many messages. */
const JUMP_MAX = 100_000;
/** How far below its newest number a message still counts as sent again. */
const REPEAT_REACH = 1_000;
/** Missing stretches remembered, so that late messages can fill them. */
const STRETCHES_MAX = 64;
/** Messages that the median is taken over. */
const OFFSETS = 31;

interface Source {
  lastSeq: number | null;
  missing: number;
  /** Inclusive, ascending. */
  stretches: { from: number; to: number }[];
  offsetsMs: number[];
}

export class SourceWatch {
  readonly #sources = new Map<string, Source>();

  /**
   * A message has arrived and is durable.
   * @param offsetMs its arrival less its newest sample's time; null without a sample.
   */
  heard(source: string, seq: number | null, offsetMs: number | null): void {
    let state = this.#sources.get(source);
    if (!state) {
      state = { lastSeq: null, missing: 0, stretches: [], offsetsMs: [] };
      this.#sources.set(source, state);
    }
    if (seq !== null) count(state, seq);
    if (offsetMs === null) return;
    state.offsetsMs.push(offsetMs);
    if (state.offsetsMs.length > OFFSETS) state.offsetsMs.shift();
  }

  gaps(source: string): { missing: number; lastSeq: number | null } {
    const { missing, lastSeq } = this.#sources.get(source) ?? { missing: 0, lastSeq: null };
    return { missing, lastSeq };
  }

  clockOffsetMs(source: string): number | null {
    const sorted = this.#sources.get(source)?.offsetsMs.toSorted((a, b) => a - b) ?? [];
    return sorted[sorted.length >> 1] ?? null;
  }

  forget(source: string): void {
    this.#sources.delete(source);
  }
}

function count(state: Source, seq: number): void {
  const { lastSeq } = state;
  const isFirst = lastSeq === null || seq > lastSeq + JUMP_MAX || seq < lastSeq - REPEAT_REACH;
  if (!isFirst && seq <= lastSeq) {
    fill(state, seq);
    return;
  }
  if (!isFirst && seq > lastSeq + 1) {
    state.missing += seq - lastSeq - 1;
    state.stretches.push({ from: lastSeq + 1, to: seq - 1 });
    if (state.stretches.length > STRETCHES_MAX) state.stretches.shift();
  }
  if (isFirst) state.stretches = [];
  state.lastSeq = seq;
}

/** A number at or below the newest: a message sent again, unless it was missing until now. */
function fill(state: Source, seq: number): void {
  const index = state.stretches.findIndex(({ from, to }) => seq >= from && seq <= to);
  if (index < 0) return;
  const { from, to } = state.stretches[index]!;
  const rest = [
    { from, to: seq - 1 },
    { from: seq + 1, to },
  ].filter((stretch) => stretch.from <= stretch.to);
  state.stretches.splice(index, 1, ...rest);
  state.missing--;
}
