/**
 * Main's side of the followers' worker: starts it, tells it what was committed, passes on what it says, and starts it
 * again when it dies. Ingest goes on all the while: the journal keeps what the followers haven't seen.
 */
import { Worker } from 'node:worker_threads';
import type { RecountProgress } from '#books/recount/state.ts';
import type { Config } from '#model/config.ts';
import type { Durations } from '#model/duration-histogram.ts';
import type { FollowerName } from '#model/entry.ts';
import type { Reference } from '#model/reference.ts';
import type { FollowersStart, FromFollowers, ToFollowers } from './followers-protocol.ts';
import { WORKER_LIMITS } from './worker-memory.ts';

type FollowerCursors = Record<FollowerName, number>;

const CAUGHT_UP_WAIT_MS = 2000;
/** A reader doesn't wait for followers that are further behind than this: two seconds wouldn't help. */
const CAUGHT_UP_ENTRIES = 20_000;
const RESTART_MIN_MS = 200;
const RESTART_MAX_MS = 30_000;

export interface FollowersClient {
  committed(headSeq: number): void;
  cursors(): FollowerCursors;
  nextTimerMs(): number | null;
  /** Entries up to this seq are needed by no follower any more; null until the worker has told. */
  neededFromSeq(): number | null;
  counters(): Record<string, number>;
  /** How long batches take, by follower. */
  durations(): Record<string, Durations>;
  /** How far the books of an older program have been counted anew; null: they are by today's rules, or nobody knows yet. */
  recount(): RecountProgress | null;
  /** False while the worker is being started again. */
  isAlive(): boolean;
  /**
   * Resolves when the follower has passed `seq`, or after two seconds, and says whether it has. Once a wait has run out nobody waits for that
   * follower until it has caught up: two seconds of every reader's time would change nothing.
   */
  caughtUp(follower: FollowerName, seq: number): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiter {
  follower: FollowerName;
  seq: number;
  done: () => void;
}

/** Resolves once the worker has opened its databases and is applying entries. */
export async function startFollowersWorker(options: {
  config: Config;
  reference: Reference;
  linkSecret: string;
  /** @param reply says something to the worker that runs then. */
  onMessage: (message: FromFollowers, reply: (answer: ToFollowers) => void) => void;
  onDeath: (error: Error) => void;
}): Promise<FollowersClient> {
  const { config, reference, linkSecret, onMessage, onDeath } = options;
  let cursors: FollowerCursors = { readings: 0, books: 0, alerts: 0 };
  let nextTimerMs: number | null = null;
  let neededFromSeq: number | null = null;
  let counters: Record<string, number> = {};
  let durations: Record<string, Durations> = {};
  let recount: RecountProgress | null = null;
  let isAlive = false;
  let headSeq = 0;
  let closing = false;
  let restartDelayMs = RESTART_MIN_MS;
  let restart: NodeJS.Timeout | undefined;
  const waiters = new Set<Waiter>();
  /** Followers for which a wait has run out. */
  const behind = new Set<FollowerName>();
  const ready = Promise.withResolvers<void>();
  let worker = start();

  function start(): Worker {
    const started = new Worker(new URL('./followers-worker.ts', import.meta.url), {
      workerData: { config, reference, linkSecret } satisfies FollowersStart,
      resourceLimits: WORKER_LIMITS,
    });
    started.on('message', heard);
    started.on('error', died);
    return started;
  }

  function reply(answer: ToFollowers): void {
    worker.postMessage(answer);
  }

  function heard(message: FromFollowers): void {
    if (message.type === 'ready') {
      restartDelayMs = RESTART_MIN_MS;
      isAlive = true;
      ready.resolve();
      reply({ type: 'committed', headSeq });
    }
    if (message.type === 'metrics') ({ counters, durations, recount } = message);
    if (message.type === 'progress') {
      cursors = message.cursors;
      nextTimerMs = message.nextTimerMs;
      neededFromSeq = message.neededFromSeq;
      for (const waiter of waiters) if (cursors[waiter.follower] >= waiter.seq) waiter.done();
      for (const follower of behind) if (cursors[follower] >= headSeq) behind.delete(follower);
    }
    onMessage(message, reply);
  }

  function died(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    ready.reject(error);
    isAlive = false;
    if (closing) return;
    onDeath(error);
    restart = setTimeout(() => {
      worker = start();
    }, restartDelayMs);
    restartDelayMs = Math.min(restartDelayMs * 2, RESTART_MAX_MS);
  }

  await ready.promise;
  return {
    committed(seq) {
      headSeq = seq;
      reply({ type: 'committed', headSeq: seq });
    },
    cursors: () => cursors,
    nextTimerMs: () => nextTimerMs,
    neededFromSeq: () => neededFromSeq,
    counters: () => counters,
    durations: () => durations,
    recount: () => recount,
    isAlive: () => isAlive,
    caughtUp(follower, seq) {
      const hasPassed = () => cursors[follower] >= seq;
      const isFar = seq - cursors[follower] > CAUGHT_UP_ENTRIES;
      if (hasPassed() || isFar || behind.has(follower)) return Promise.resolve(hasPassed());
      reply({ type: 'hurry' });
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          behind.add(follower);
          waiter.done();
        }, CAUGHT_UP_WAIT_MS);
        const waiter: Waiter = {
          follower,
          seq,
          done() {
            clearTimeout(timer);
            waiters.delete(waiter);
            resolve(hasPassed());
          },
        };
        waiters.add(waiter);
      });
    },
    async close() {
      closing = true;
      clearTimeout(restart);
      for (const waiter of waiters) waiter.done();
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      reply({ type: 'stop' });
      const deadline = setTimeout(() => void worker.terminate(), 5000);
      await ended;
      clearTimeout(deadline);
    },
  };
}
