/** What a gateway is told of its refused values, on `wk/v1/{gateway}/rejected`, at most ten a second (contracts §3). */
import type { Receipt } from '#ingest/door.ts';
import type { Clock } from '#src/clock.ts';

const PER_SECOND = 10;

/** The payload of one `rejected` message. */
export interface RejectionNotice {
  code: string;
  message: string;
  at: string;
  quarantineId: string;
  path?: string;
  count?: number;
}

export interface RejectionNotices {
  /** The notices of this receipt that the gateway may still be sent now; the surplus is only counted. */
  of(gateway: string, receipt: Receipt): RejectionNotice[];
  /** Notices that were left out; what they were about stands in quarantine all the same. */
  readonly surplus: number;
}

export function createRejectionNotices(clock: Clock): RejectionNotices {
  /** Per gateway the monotonic times of its last ten notices, the oldest at `next`. */
  const sent = new Map<string, { times: number[]; next: number }>();
  let surplus = 0;

  function mayTell(gateway: string, nowMs: number): boolean {
    const last = sent.get(gateway) ?? { times: new Array<number>(PER_SECOND).fill(Number.NEGATIVE_INFINITY), next: 0 };
    sent.set(gateway, last);
    if (nowMs - last.times[last.next]! < 1000) return false;
    last.times[last.next] = nowMs;
    last.next = (last.next + 1) % PER_SECOND;
    return true;
  }

  return {
    of(gateway, receipt) {
      if (receipt.quarantined.length === 0) return [];
      const nowMs = clock.monotonicMs();
      const at = new Date(receipt.receivedMs).toISOString();
      const told = receipt.quarantined.filter(() => mayTell(gateway, nowMs));
      surplus += receipt.quarantined.length - told.length;
      return told.map(({ code, message, quarantineId, path, count }) => ({
        code,
        message,
        at,
        quarantineId,
        ...(path !== undefined && { path }),
        ...(count !== undefined && { count }),
      }));
    },
    get surplus() {
      return surplus;
    },
  };
}
