/**
 * What waits for its turn, by credential: whoever was served longest ago comes next, so that one with many questions holds
 * nobody up for longer than one of them. Limits count requests, since one request may ask several questions at once.
 */

export interface QueueLimits {
  /** Requests of one credential, and of all, that may have something waiting. */
  perCredential: number;
  inAll: number;
}

export interface FairQueue<T> {
  /**
   * @param request null: has no limit and counts for none.
   * @returns what takes the item out and says whether it still waited; null when a limit is reached.
   */
  add(item: T, credential: string, request: object | null): (() => boolean) | null;
  /** Takes the item whose turn it is. */
  next(): T | undefined;
  readonly size: number;
}

/** Turns of so many credentials are remembered; one that is forgotten comes first. */
const REMEMBERED_MAX = 10_000;

interface Entry<T> {
  item: T;
  request: object | null;
}

interface Line<T> {
  entries: Set<Entry<T>>;
  /** How many entries each request has. */
  requests: Map<object, number>;
}

export function createFairQueue<T>({ perCredential, inAll }: QueueLimits): FairQueue<T> {
  const lines = new Map<string, Line<T>>();
  /** Turn at which each credential was served last, the longest ago first. */
  const served = new Map<string, number>();
  let turn = 0;
  let requests = 0;
  let size = 0;

  function remove(credential: string, line: Line<T>, entry: Entry<T>): boolean {
    if (!line.entries.delete(entry)) return false;
    size -= 1;
    if (entry.request !== null) {
      const left = line.requests.get(entry.request)! - 1;
      if (left > 0) line.requests.set(entry.request, left);
      else {
        line.requests.delete(entry.request);
        requests -= 1;
      }
    }
    if (line.entries.size === 0) lines.delete(credential);
    return true;
  }

  function longestUnserved(): string | undefined {
    let first: string | undefined;
    for (const credential of lines.keys()) {
      if (first === undefined || (served.get(credential) ?? 0) < (served.get(first) ?? 0)) first = credential;
    }
    return first;
  }

  return {
    get size() {
      return size;
    },
    add(item, credential, request) {
      const line = lines.get(credential) ?? { entries: new Set(), requests: new Map() };
      if (request !== null && !line.requests.has(request)) {
        if (line.requests.size >= perCredential || requests >= inAll) return null;
        requests += 1;
      }
      if (request !== null) line.requests.set(request, (line.requests.get(request) ?? 0) + 1);
      const entry = { item, request };
      line.entries.add(entry);
      lines.set(credential, line);
      size += 1;
      return () => remove(credential, line, entry);
    },
    next() {
      const credential = longestUnserved();
      if (credential === undefined) return undefined;
      const line = lines.get(credential)!;
      const [entry] = line.entries;
      remove(credential, line, entry!);
      served.delete(credential);
      served.set(credential, ++turn);
      if (served.size > REMEMBERED_MAX) served.delete(served.keys().next().value!);
      return entry!.item;
    },
  };
}
