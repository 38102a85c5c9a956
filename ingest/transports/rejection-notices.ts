/** What a gateway is told of its refused values, on `wk/v1/{gateway}/rejected`, at most ten a second (contracts §3). */
import type { Receipt } from '#ingest/door.ts';
import type { Clock } from '#src/clock.ts';

const PER_SECOND = 10;

/** The payload of one `rejected` message. */
interface RejectionNotice {
  code: string;
  message: string;
  at: string;
  quarantineId: string;
  path?: string;
  count?: number;
  /** Notices that were left out since the last one that was sent. */
  untold?: number;
}

export interface RejectionNotices {
  /** The notices of this receipt that the gateway may still be sent now; the surplus is only counted. */
  of(gateway: string, receipt: Receipt): RejectionNotice[];
  /** Notices that were left out, of all and of this gateway; what they were about stands in quarantine all the same. */
  readonly surplus: number;
  untold(gateway: string): number;
}

export function createRejectionNotices(clock: Clock): RejectionNotices {
  const told = new Map<string, Told>();
  let surplus = 0;

  /** Takes one of the gateway's ten a second; counts it as left out when they are used up. */
  function mayTell(last: Told, nowMs: number): boolean {
    if (nowMs - last.times[last.next]! < 1000) {
      last.untold += 1;
      last.since += 1;
      surplus += 1;
      return false;
    }
    last.times[last.next] = nowMs;
    last.next = (last.next + 1) % PER_SECOND;
    return true;
  }

  return {
    of(gateway, receipt) {
      if (receipt.quarantined.length === 0) return [];
      const last = told.getOrInsertComputed(gateway, newTold);
      const nowMs = clock.monotonicMs();
      const at = new Date(receipt.receivedMs).toISOString();
      const notices: RejectionNotice[] = [];
      for (const { code, message, quarantineId, path, count } of receipt.quarantined) {
        const { since } = last;
        if (!mayTell(last, nowMs)) continue;
        last.since = 0;
        const notice: RejectionNotice = { code, message, at, quarantineId };
        if (path !== undefined) notice.path = path;
        if (count !== undefined) notice.count = count;
        if (since > 0) notice.untold = since;
        notices.push(notice);
      }
      return notices;
    },
    untold: (gateway) => told.get(gateway)?.untold ?? 0,
    get surplus() {
      return surplus;
    },
  };
}

/** Of a gateway: the monotonic times of its last ten notices, the oldest at `next`; notices left out, ever and since. */
interface Told {
  times: number[];
  next: number;
  untold: number;
  since: number;
}

function newTold(): Told {
  return { times: new Array<number>(PER_SECOND).fill(Number.NEGATIVE_INFINITY), next: 0, untold: 0, since: 0 };
}
