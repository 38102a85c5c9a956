/**
 * The newest decoded entries, shared by the followers: they mostly go along together, so each entry is read and
 * decoded once instead of once a follower. One that has fallen behind the window reads for itself.
 */
import type { Entry } from '#model/entry.ts';

export interface EntryWindow {
  /** Entries with seq > after, in order, at most `limit`; fewer when `read` gives fewer. */
  read(after: number, limit: number): Entry[];
  /** Forgets entries that every follower has passed. */
  forget(throughSeq: number): void;
}

/**
 * @param read the journal's own; its seqs rise, and may leave out some that were lost.
 * @param size so many entries are kept at most.
 */
export function createEntryWindow(read: (after: number, limit: number) => Entry[], size: number): EntryWindow {
  let entries: Entry[] = [];
  /** The window holds every entry after this seq, up to its last one. */
  let afterSeq = 0;

  /** Where the first entry with a greater seq stands. */
  function placeAfter(seq: number): number {
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle]!.seq > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function forget(throughSeq: number): void {
    if (throughSeq <= afterSeq) return;
    entries = entries.slice(placeAfter(throughSeq));
    afterSeq = throughSeq;
  }

  return {
    read(after, limit) {
      // Far behind: what it reads is nobody else's.
      if (entries.length > 0 && after < afterSeq) return read(after, limit);
      // Ahead of all: the window starts anew from there.
      if (entries.length === 0 || after > entries.at(-1)!.seq) {
        entries = [];
        afterSeq = after;
      }
      let start = placeAfter(after);
      const missing = limit - (entries.length - start);
      if (missing > 0 && entries.length + missing > size) {
        // Full: whoever is slower than this reader reads for itself from now on, or it would hold this one up.
        forget(after);
        start = 0;
      }
      if (missing > 0) entries.push(...read(entries.at(-1)?.seq ?? afterSeq, missing));
      return entries.slice(start, start + limit);
    },
    forget,
  };
}

/** Entries with seq > `after` up to `throughSeq`, as `read` of a window. Where entries are lost there are fewer than their seqs say. */
export function readThrough(
  window: Pick<EntryWindow, 'read'>,
  after: number,
  throughSeq: number,
  limit: number,
): Entry[] {
  if (throughSeq <= after) return [];
  return window.read(after, Math.min(limit, throughSeq - after)).filter(({ seq }) => seq <= throughSeq);
}
