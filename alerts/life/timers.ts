/** Timers by name, each with the time at which it is due; the earliest comes first. A binary heap with stale entries. */

interface Entry {
  name: string;
  dueMs: number;
}

export interface Timers {
  /** The one timer of this name is due then; null: there is none. */
  set(name: string, dueMs: number | null): void;
  /** The earliest. */
  first(): Entry | null;
  /** Takes those that are due by then; in no order. */
  take(untilMs: number): string[];
}

export function createTimers(): Timers {
  const heap: Entry[] = [];
  const due = new Map<string, number>();

  const isBefore = (a: number, b: number) => heap[a]!.dueMs < heap[b]!.dueMs;

  function swap(a: number, b: number): void {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  }

  function push(entry: Entry): void {
    heap.push(entry);
    for (let at = heap.length - 1; at > 0; ) {
      const parent = (at - 1) >>> 1;
      if (!isBefore(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  }

  function pop(): void {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = left < heap.length && isBefore(left, at) ? left : at;
      if (right < heap.length && isBefore(right, least)) least = right;
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  }

  function first(): Entry | null {
    for (let entry = heap[0]; entry; entry = heap[0]) {
      if (due.get(entry.name) === entry.dueMs) return entry;
      pop();
    }
    return null;
  }

  return {
    first,
    take(untilMs) {
      const taken: string[] = [];
      for (let entry = first(); entry && entry.dueMs <= untilMs; entry = first()) {
        taken.push(entry.name);
        due.delete(entry.name);
      }
      return taken;
    },
    set(name, dueMs) {
      if (dueMs === null) due.delete(name);
      else if (due.get(name) !== dueMs) {
        due.set(name, dueMs);
        push({ name, dueMs });
      }
    },
  };
}
