/**
 * One query worker and the questions that wait for it: in turns by credential, with limits, and only for as long as somebody
 * waits for the answer. A worker that dies takes with it only what it was answering; the next question starts another.
 */
import { Worker } from 'node:worker_threads';
import { type Asker, currentAsker } from '#api/access/asker.ts';
import type { Queries } from '#api/queries.ts';
import type { Config } from '#model/config.ts';
import type { Damage } from '#readings/damage.ts';
import { createFairQueue, type FairQueue, type QueueLimits } from '#src/fair-queue.ts';
import { StoreError } from '#src/sqlite.ts';
import type { StaleFile } from './stale-reads.ts';
import { QUERY_WORKER_LIMITS } from './worker-memory.ts';

/** What a query worker does: answer a question about the stores, or compute something that needs none. */
type Method = keyof Queries | 'drawReport';

export interface QueryRequest {
  id: number;
  method: Method;
  query: unknown;
}

export interface QueryReply {
  id: number;
  result?: unknown;
  error?: { message: string; code?: string; retryable?: boolean; name: string };
}

/** `stale` = connections that answered from an old snapshot, and have been replaced; `damages` = rows that aren't what was written. */
export type FromQueryWorker = QueryReply | { stale: StaleFile[] } | { damages: Damage[] };

export interface LaneLimits extends QueueLimits {
  /** How long one question may be computed, ms; the service's own as long as they need. */
  computedMs: number;
  /** For how long a question is still computed that nobody waits for, ms: most end before a worker would be started again. */
  abandonedMs: number;
}

/** Requests wait by the dozen where a dashboard opens at many desks under one token. */
export const LANE_LIMITS: LaneLimits = { perCredential: 100, inAll: 1000, computedMs: 60_000, abandonedMs: 1000 };

export interface LaneCounts {
  waiting: number;
  /** Since the process began: refused by a limit, given up by who asked, stopped since they took too long. */
  refused: number;
  abandoned: number;
  stopped: number;
}

export interface LaneEvents {
  /** Told why a worker ended unexpectedly; the next question starts another. */
  onDeath: (error: Error) => void;
  /** Told of connections that stood still; others have taken their place by then. */
  onStale: (files: StaleFile[]) => void;
  /** Told of damaged rows that were met. */
  onDamage: (damages: Damage[]) => void;
}

interface Question {
  method: Method;
  query: unknown;
  asker: Asker | undefined;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

interface Running extends Question {
  timer: NodeJS.Timeout | null;
}

const THE_SERVICE = 'the service itself';
const STOPPING = 'The service is stopping.';
const ABANDONED = 'Nobody waits for the answer any more.';
/** Questions at once where they wait for InfluxDB rather than for the processor. */
const AT_ONCE_REMOTE = 4;

const overloaded = (message: string) => new StoreError('overloaded', message, true);
const tooLarge = (message: string) => new StoreError('question.too-large', message, false);

export class QueryLane {
  readonly #config: Config;
  readonly #events: LaneEvents;
  readonly #limits: LaneLimits;
  readonly #queue: FairQueue<Question>;
  readonly #atOnce: number;
  readonly #running = new Map<number, Running>();
  readonly #ended = { refused: 0, abandoned: 0, stopped: 0 };
  /** Started with the first question. */
  #worker: Worker | null = null;
  #nextId = 1;
  #isClosed = false;

  constructor(config: Config, events: LaneEvents, limits: LaneLimits) {
    this.#config = config;
    this.#events = events;
    this.#limits = limits;
    this.#queue = createFairQueue(limits);
    this.#atOnce = config.influx ? AT_ONCE_REMOTE : 1;
  }

  /** @throws StoreError `overloaded` beyond the limits, when nobody waits any more or at the end; `question.too-large`. */
  async ask(method: Method, query: unknown): Promise<unknown> {
    const asker = currentAsker();
    if (this.#isClosed) throw overloaded(STOPPING);
    if (asker?.signal.aborted) throw overloaded(ABANDONED);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const question: Question = { method, query, asker, resolve, reject };
    const leave = this.#queue.add(question, asker?.credential ?? THE_SERVICE, asker ?? null);
    if (!leave) {
      this.#ended.refused += 1;
      throw overloaded('Too many questions wait for their answers.');
    }
    const gone = () => this.#abandon(question, leave);
    asker?.signal.addEventListener('abort', gone, { once: true });
    this.#fillUp();
    return promise.finally(() => asker?.signal.removeEventListener('abort', gone));
  }

  counts(): LaneCounts {
    return { waiting: this.#queue.size, ...this.#ended };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
    this.#rejectRunning(overloaded(STOPPING));
    for (let one = this.#queue.next(); one; one = this.#queue.next()) one.reject(overloaded(STOPPING));
  }

  #start(): Worker {
    const started = new Worker(new URL('./query-worker.ts', import.meta.url), {
      workerData: this.#config,
      resourceLimits: QUERY_WORKER_LIMITS,
    });
    started.on('message', (message: FromQueryWorker) => {
      if ('stale' in message) this.#events.onStale(message.stale);
      else if ('damages' in message) this.#events.onDamage(message.damages);
      else this.#answered(message);
    });
    started.on('error', (error) => {
      if (started === this.#worker) this.#died(error);
    });
    return started;
  }

  #post(id: number, { method, query }: Question): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, method, query } satisfies QueryRequest);
  }

  #take(id: number): Running | undefined {
    const one = this.#running.get(id);
    this.#running.delete(id);
    if (one?.timer) clearTimeout(one.timer);
    return one;
  }

  #fillUp(): void {
    const { computedMs } = this.#limits;
    while (this.#running.size < this.#atOnce) {
      const question = this.#queue.next();
      if (!question) return;
      const id = this.#nextId++;
      const tooLong = () => this.#stop(id, tooLarge(`It takes more than the ${computedMs / 1000} s of one question.`));
      const timer = question.asker ? setTimeout(tooLong, computedMs).unref() : null;
      this.#running.set(id, { ...question, timer });
      this.#post(id, question);
    }
  }

  #answered(reply: QueryReply): void {
    const one = this.#take(reply.id);
    // Taking a large answer in was a turn's work; what is made of it is another's.
    if (one) setImmediate(() => settle(one, reply));
    this.#fillUp();
  }

  /** Only with its thread can a computation be ended; what else that was answering is asked again. */
  #stop(id: number, error: StoreError): void {
    const one = this.#take(id);
    if (!one) return;
    void this.#worker?.terminate();
    this.#worker = null;
    this.#ended.stopped += 1;
    one.reject(error);
    for (const [other, question] of this.#running) this.#post(other, question);
    this.#fillUp();
  }

  #died(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    const isMemory = (reason as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY';
    this.#worker = null;
    this.#rejectRunning(
      isMemory ? tooLarge('It takes more memory than one question may.') : overloaded('The query worker restarted.'),
    );
    if (this.#isClosed) return;
    this.#fillUp();
    this.#events.onDeath(reason);
  }

  #rejectRunning(error: Error): void {
    for (const id of [...this.#running.keys()]) this.#take(id)!.reject(error);
  }

  #abandon(question: Question, leave: () => boolean): void {
    if (leave()) {
      this.#ended.abandoned += 1;
      question.reject(overloaded(ABANDONED));
      return;
    }
    for (const [id, one] of this.#running) {
      if (one.resolve !== question.resolve) continue;
      if (one.timer) clearTimeout(one.timer);
      one.timer = setTimeout(() => this.#stop(id, overloaded(ABANDONED)), this.#limits.abandonedMs).unref();
    }
  }
}

function settle({ resolve, reject }: Question, { result, error }: QueryReply): void {
  if (!error) {
    resolve(result);
    return;
  }
  const { message, code, retryable, name } = error;
  const failure = code ? new StoreError(code, message, retryable ?? false) : new Error(message);
  if (!code) failure.name = name;
  reject(failure);
}
