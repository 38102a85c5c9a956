/**
 * Rehearsals of rules, each in a thread of its own that ends with it, so that neither ingest nor other queries wait for
 * one. One at a time: the machine has other work.
 */
import { Worker } from 'node:worker_threads';
import type { Rehearsal, Rehearsed } from '#alerts/looking-back/rehearse.ts';
import type { Config } from '#model/config.ts';
import type { Reference } from '#model/reference.ts';
import { StoreError } from '#src/sqlite.ts';

export interface RehearsalStart {
  config: Config;
  reference: Reference;
  rehearsal: Rehearsal;
}

export interface RehearsalReply {
  result?: Rehearsed;
  error?: { message: string; code: string | undefined; retryable: boolean | undefined };
}

export interface Rehearsals {
  /**
   * @param signal ends the thread at once, whatever it is at.
   * @throws StoreError `overloaded` while another one runs, when it was ended, and once this is closed;
   * `rehearsal.too-large`.
   */
  run(rehearsal: Rehearsal, signal: AbortSignal): Promise<Rehearsed>;
  close(): Promise<void>;
}

/** Readings pass by the million, in pages: more room for young objects, and an end to the old ones. */
const MEMORY = { maxYoungGenerationSizeMb: 48, maxOldGenerationSizeMb: 1024 };

export function createRehearsals(config: Config, reference: Reference): Rehearsals {
  let running: { worker: Worker; isOver: Promise<unknown> } | null = null;
  let isClosed = false;

  return {
    async run(rehearsal, signal) {
      if (isClosed) throw new StoreError('overloaded', 'The service is stopping.', true);
      if (running) throw new StoreError('overloaded', 'Another rehearsal is running.', true);
      const start: RehearsalStart = { config, reference, rehearsal };
      const worker = new Worker(new URL('./rehearsal-worker.ts', import.meta.url), {
        workerData: start,
        resourceLimits: MEMORY,
      });
      const end = () => void worker.terminate();
      signal.addEventListener('abort', end, { once: true });
      const answered = answerOf(worker).finally(() => {
        signal.removeEventListener('abort', end);
        running = null;
      });
      running = { worker, isOver: answered.catch(() => {}) };
      if (signal.aborted) end();
      return answered;
    },
    async close() {
      isClosed = true;
      await running?.worker.terminate();
      await running?.isOver;
    },
  };
}

/** Settles when the thread has ended, so that the next one never runs beside it. */
function answerOf(worker: Worker): Promise<Rehearsed> {
  return new Promise((resolve, reject) => {
    let reply: RehearsalReply = { error: { message: 'The rehearsal was ended.', code: 'overloaded', retryable: true } };
    worker.once('message', (message: RehearsalReply) => {
      reply = message;
    });
    worker.once('error', (error) => {
      const isMemory = (error as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY';
      const message = isMemory ? 'It takes more memory than a rehearsal may.' : String(error);
      reply = { error: { message, code: isMemory ? 'rehearsal.too-large' : undefined, retryable: false } };
    });
    worker.once('exit', () => {
      const { result, error } = reply;
      if (result) resolve(result);
      else if (error?.code === undefined) reject(new Error(error?.message));
      else reject(new StoreError(error.code, error.message, error.retryable ?? false));
    });
  });
}
