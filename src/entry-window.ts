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
 * @param read the journal's own, whose entries have no gaps in their seq.
 * @param size so many entries are kept at most.
 */
export function createEntryWindow(read: (after: number, limit: number) => Entry[], size: number): EntryWindow {
  let entries: Entry[] = [];

  return {
    read(after, limit) {
      const firstSeq = entries[0]?.seq ?? after + 1;
      const isInside = after + 1 >= firstSeq && after <= firstSeq + entries.length - 1;
      if (!isInside) {
        // Far behind: what it reads is nobody else's. Ahead of all: the window starts anew from there.
        if (after + 1 < firstSeq) return read(after, limit);
        entries = [];
      }
      let start = entries.length === 0 ? 0 : after + 1 - firstSeq;
      const missing = limit - (entries.length - start);
      if (missing > 0 && entries.length + missing > size) {
        // Full: whoever is slower than this reader reads for itself from now on, or it would hold this one up.
        entries = entries.slice(start);
        start = 0;
      }
      if (missing > 0) entries.push(...read(entries.at(-1)?.seq ?? after, missing));
      return entries.slice(start, start + limit);
    },
    forget(throughSeq) {
      const firstSeq = entries[0]?.seq;
      if (firstSeq !== undefined && throughSeq >= firstSeq) entries = entries.slice(throughSeq - firstSeq + 1);
    },
  };
}
