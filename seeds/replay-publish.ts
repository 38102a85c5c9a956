/** Publishes samples as one gateway: QoS 1, a window of messages in flight, done when every PUBACK has come. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';

export interface ReplaySample {
  station: string;
  time: number;
  values: Record<string, number | string | null | { value: number | string; unit?: string; flag?: string }>;
}

/** The gateway's account of itself (contracts §3), counted in values. */
export interface Ledger {
  received: number;
  stored: number;
  duplicate: number;
  quarantined: number;
  pending: number;
}

export interface ReplayOptions {
  url: string;
  gateway: string;
  username: string;
  password: string;
  samples: AsyncIterable<ReplaySample>;
  /** How many times faster than the samples' own times; null = as fast as they are acknowledged. */
  speed: number | null;
  warn(line: string): void;
}

export interface ReplayOutcome {
  messages: number;
  /** Values, missing ones among them. */
  acknowledged: number;
  /** Refusals that the gateway was told of: at most ten a second are. */
  rejected: number;
  /** The retained ledger if the broker let us read one; null otherwise. */
  ledger: Ledger | null;
}

const VALUES_MAX = 500;
const IN_FLIGHT_MAX = 64;
const REJECTED_SHOWN_MAX = 10;
/** So long without any PUBACK and the replay gives up. */
const STALLED_MS = 60_000;

/** @throws Error when the broker refuses the credential or stops acknowledging. */
export async function publishReplay(options: ReplayOptions): Promise<ReplayOutcome> {
  const { gateway, samples, speed, warn } = options;
  const outcome: ReplayOutcome = { messages: 0, acknowledged: 0, rejected: 0, ledger: null };
  const client = await connectAsync(options.url, {
    username: options.username,
    password: options.password,
    clientId: `${gateway}-replay-${process.pid}`,
    reconnectPeriod: 1000,
  });
  try {
    client.on('message', (topic, payload) => {
      if (topic.endsWith('/ledger')) outcome.ledger = JSON.parse(payload.toString()) as Ledger;
      else if (++outcome.rejected <= REJECTED_SHOWN_MAX) warn(`rejected: ${payload.toString()}`);
    });
    await client.subscribeAsync([`wk/v1/${gateway}/rejected`, `wk/v1/${gateway}/ledger`], { qos: 0 });
    const inFlight = new Set<Promise<unknown>>();
    let pacedMs: number | null = null;
    for await (const batch of batchesOf(samples, speed)) {
      const timeMs = batch[0]!.time;
      if (speed !== null && pacedMs !== null && timeMs > pacedMs) await sleep((timeMs - pacedMs) / speed);
      pacedMs = timeMs;
      outcome.messages += 1;
      const values = valuesIn(batch);
      const payload = JSON.stringify({ seq: outcome.messages, samples: batch });
      const sent = client.publishAsync(`wk/v1/${gateway}/readings`, payload, { qos: 1 }).then(() => {
        outcome.acknowledged += values;
        inFlight.delete(sent);
      });
      // Whoever waits for the window meets the failure; the others of the same connection would go unheard.
      sent.catch(() => undefined);
      inFlight.add(sent);
      while (inFlight.size >= IN_FLIGHT_MAX) await orStalled(Promise.race(inFlight));
    }
    while (inFlight.size > 0) await orStalled(Promise.race(inFlight));
    // Refusals were published before the last PUBACK; what the broker answers next comes after them.
    await client.unsubscribeAsync(`wk/v1/${gateway}/ledger`);
    return outcome;
  } finally {
    await client.endAsync(!client.connected);
  }
}

/** At full speed several rows a message; paced, one row each, when its time has come. */
async function* batchesOf(samples: AsyncIterable<ReplaySample>, speed: number | null): AsyncGenerator<ReplaySample[]> {
  let batch: ReplaySample[] = [];
  for await (const sample of samples) {
    const full = speed !== null || valuesIn(batch) + valuesIn([sample]) > VALUES_MAX;
    if (batch.length > 0 && full) {
      yield batch;
      batch = [];
    }
    batch.push(sample);
  }
  if (batch.length > 0) yield batch;
}

function valuesIn(samples: readonly ReplaySample[]): number {
  return samples.reduce((total, sample) => total + Object.keys(sample.values).length, 0);
}

async function orStalled(work: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  const stalled = sleep(STALLED_MS, undefined, { signal: patience.signal }).then(
    () => {
      throw new Error(`the broker has acknowledged nothing for ${STALLED_MS / 1000} s`);
    },
    () => undefined,
  );
  try {
    await Promise.race([work, stalled]);
  } finally {
    patience.abort();
  }
}
