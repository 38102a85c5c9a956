/**
 * The dead man's switch: a ping outwards each minute (WK_HEARTBEAT_URL), because a dead Wellkeeper pages nobody. Who watches
 * the pings raises the alarm when they stop; so an unhealthy service sends none. Services like healthchecks.io take GET.
 */
import type { Logger } from 'pino';

const TIMEOUT_MS = 10_000;

export interface Heartbeat {
  /** Sends one ping if the service is healthy and none is under way. Never rejects. */
  ping(): Promise<void>;
  counts(): { sent: number; failed: number; withheld: number };
}

export interface HeartbeatOptions {
  /** Null: there is nobody to ping. */
  url: string | null;
  /** Why no ping must be sent; null: all is well. */
  sickness: () => string | null;
  log: Pick<Logger, 'info' | 'warn'>;
}

export function createHeartbeat({ url, sickness, log }: HeartbeatOptions): Heartbeat {
  const counts = { sent: 0, failed: 0, withheld: 0 };
  /** Path and query are the secret of such addresses. */
  const origin = url === null ? null : new URL(url).origin;
  let isUnderWay = false;
  /** What was logged last, so that an outage is one line and its end another. */
  let state = 'sent';

  function note(outcome: 'sent' | 'failed' | 'withheld', reason = ''): void {
    counts[outcome]++;
    if (outcome === state) return;
    state = outcome;
    const fields = { event: `heartbeat.${outcome}`, origin, ...(reason === '' ? {} : { reason }) };
    if (outcome === 'sent') log.info(fields, 'heartbeats are sent again');
    else
      log.warn(
        fields,
        outcome === 'failed' ? 'a heartbeat could not be sent' : 'no heartbeat: the service is not well',
      );
  }

  return {
    counts: () => ({ ...counts }),
    async ping() {
      if (url === null || isUnderWay) return;
      const reason = sickness();
      if (reason !== null) {
        note('withheld', reason);
        return;
      }
      isUnderWay = true;
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
        await response.body?.cancel();
        if (response.ok) note('sent');
        else note('failed', `${response.status}`);
      } catch (error) {
        const { cause, message } = error as Error & { cause?: { code?: string } };
        note('failed', cause?.code ?? message);
      } finally {
        isUnderWay = false;
      }
    },
  };
}
