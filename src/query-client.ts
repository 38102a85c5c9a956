/**
 * Asks the query worker, so that no read ever blocks ingest (invariant 7). A worker that dies takes its open questions
 * with it (they reject as `overloaded`) and is started again.
 */
import { Worker } from 'node:worker_threads';
import type { Config } from '#model/config.ts';
import type { Queries } from '#store/queries.ts';
import { StoreError } from '#store/sqlite.ts';
import type { StaleFile } from './stale-reads.ts';
import { WORKER_LIMITS } from './worker-memory.ts';

export interface QueryRequest {
  id: number;
  method: keyof Queries;
  query: unknown;
}

export interface QueryReply {
  id: number;
  result?: unknown;
  error?: { message: string; code?: string; retryable?: boolean; name: string };
}

/** `stale` = connections that answered from an old snapshot, and have been replaced. */
export type FromQueryWorker = QueryReply | { stale: StaleFile[] };

/** One literal list: a method that is missing here doesn't compile. */
const METHODS: Record<keyof Queries, true> = {
  readings: true,
  history: true,
  trends: true,
  trendSteps: true,
  trendTest: true,
  periods: true,
  volumes: true,
  meterVolumes: true,
  volumesAsOf: true,
  accountsAsOf: true,
  decisions: true,
  loads: true,
  explained: true,
  panel: true,
  panels: true,
  settledCounts: true,
  alarms: true,
  alarm: true,
  alarmFigures: true,
  timeline: true,
  notices: true,
  notice: true,
  transitionsAfter: true,
  parked: true,
  reached: true,
};

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

export interface QueryClient {
  queries: Queries;
  close(): Promise<void>;
}

/**
 * @param onDeath is told why the worker ended unexpectedly; it has been started again by then.
 * @param onStale is told of connections that stood still; others have taken their place by then.
 */
export function startQueryWorker(
  config: Config,
  onDeath: (error: Error) => void,
  onStale: (files: StaleFile[]) => void,
): QueryClient {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let closing = false;
  let worker = start();

  function start(): Worker {
    const started = new Worker(new URL('./query-worker.ts', import.meta.url), {
      workerData: config,
      resourceLimits: WORKER_LIMITS,
    });
    started.on('message', (message: FromQueryWorker) => {
      if ('stale' in message) onStale(message.stale);
      else answer(waiting, message);
    });
    started.on('error', (error) => revive(error));
    return started;
  }

  function revive(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    for (const { reject } of waiting.values())
      reject(new StoreError('overloaded', 'The query worker restarted.', true));
    waiting.clear();
    if (closing) return;
    worker = start();
    onDeath(reason);
  }

  function ask(method: keyof Queries, query: unknown): Promise<unknown> {
    const id = nextId++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, method, query } satisfies QueryRequest);
    });
  }

  const asked = (Object.keys(METHODS) as (keyof Queries)[]).map((method) => [
    method,
    (query: unknown) => ask(method, query),
  ]);
  return {
    queries: Object.fromEntries(asked) as unknown as Queries,
    async close() {
      closing = true;
      await worker.terminate();
      for (const { reject } of waiting.values()) reject(new StoreError('overloaded', 'The service is stopping.', true));
      waiting.clear();
    },
  };
}

function answer(waiting: Map<number, Waiting>, reply: QueryReply): void {
  const asker = waiting.get(reply.id);
  waiting.delete(reply.id);
  if (!asker) return;
  if (!reply.error) {
    asker.resolve(reply.result);
    return;
  }
  const { message, code, retryable, name } = reply.error;
  const error = code ? new StoreError(code, message, retryable ?? false) : new Error(message);
  if (!code) error.name = name;
  asker.reject(error);
}
