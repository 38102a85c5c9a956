/**
 * One life of the service's process, wired as src/service.ts wires it: journal, door, platform watch, what comes round
 * by itself, and the followers' thread with the mail between the two. It dies at any step, or its thread alone does.
 */
import { join } from 'node:path';
import { latestOf } from '#api/readings/latest.ts';
import type { Receipt } from '#ingest/door.ts';
import { createGate, type Gate } from '#ingest/gate.ts';
import { type OpenJournalReader, openJournalReader } from '#journal/reader.ts';
import { type JournalWriter, openJournal } from '#journal/writer.ts';
import type { Command, Entry } from '#model/entry.ts';
import { judgePlatform, type PlatformVerdict } from '#platform/conditions.ts';
import { createPlatformWatch, type PlatformWatch, standingConditions } from '#platform/watch.ts';
import { fillDoor } from '#process/fill-door.ts';
import { quarantineRejected } from '#process/rejected-readings.ts';
import { NO_DAMAGE } from '#process/seen-damage.ts';
import type { Clock } from '#src/clock.ts';
import { StoreError } from '#src/sqlite.ts';
import { Mortality } from './mortality.ts';
import { reference, standard } from './site.ts';
import { type SimWorker, type SimWorkerParts, startSimWorker } from './worker.ts';

const RETENTION_MS = 7 * 86_400_000;

type WorkerOf =
  | 'store'
  | 'wire'
  | 'clock'
  | 'delay'
  | 'random'
  | 'allowedLatenessMs'
  | 'timeZone'
  | 'batch'
  | 'onFault';

export interface SimProcessParts {
  directory: string;
  life: Mortality;
  clock: Clock;
  maxBytes: number;
  /** So many of the newest entries the door reads again at start, if not more are needed. */
  ringEntries: number;
  /** What is registered at the first start. */
  site: readonly Command[];
  onCommit: (entries: readonly Entry[]) => void;
  onFault: (error: unknown) => void;
  isBrokerUp: () => boolean;
  /** A thread of this life needs these. */
  worker: (life: Mortality) => Pick<SimWorkerParts, WorkerOf> & { number: number };
}

export interface SimProcess {
  readonly life: Mortality;
  readonly journal: JournalWriter;
  readonly reader: OpenJournalReader;
  readonly gate: Gate;
  readonly platform: PlatformWatch;
  worker(): SimWorker;
  accept(source: string, stations: ReadonlySet<string> | null, payload: Uint8Array): Promise<Receipt>;
  command(actor: string, command: Command): Promise<{ seq: number }>;
  /** Works off some of the mail between the threads, oldest first. */
  deliverMail(count: number): Promise<void>;
  mailWaits(): number;
  /** Series (`STATION/PARAMETER`) whose newest value `latest` calls stale at this time. */
  stale(nowMs: number): string[];
  /** Ticks, pruning, conditions of the platform: what main does each second. */
  keepHouse(): Promise<void>;
  /** The tick that main appends when a timer is due and nothing arrives. */
  pulse(): Promise<void>;
  /** Gives back what a dead thread still holds, as the end of a thread does. */
  buryWorker(): void;
  /** Starts the thread again if it has died. */
  reviveWorker(): void;
  close(): Promise<void>;
}

/**
 * @throws StoreError when the disk refuses; Crash when it dies while it starts. The files are given back then.
 */
export async function startSimProcess(parts: SimProcessParts): Promise<SimProcess> {
  const { life, clock } = parts;
  const path = join(parts.directory, 'journal.db');
  const { maxBytes } = parts;
  const journal = openJournal({ path, clock, maxBytes, ackMaxDelayMs: 20, quarantineMaxBytes: 1 << 28 });
  let reader: OpenJournalReader | undefined;
  try {
    journal.onCommit((entries) => {
      if (life.isDead) return;
      parts.onCommit(entries);
      // Committed, and nobody has heard of it yet.
      life.pass();
    });
    reader = openJournalReader(path);
    await journal.start();
    await register(journal, parts.site);
    const { control } = journal;
    const gate = createGate({ journal, control, reference, clock, maxMessageBytes: 256 << 10 });
    fillDoor(gate, reader, join(parts.directory, 'derived.db'), parts.ringEntries);
    return new RunningProcess(parts, journal, reader, gate);
  } catch (error) {
    await journal.close();
    reader?.close();
    throw error;
  }
}

async function register(journal: JournalWriter, site: readonly Command[]): Promise<void> {
  const { control } = journal;
  const missing = site.filter((command) => command.verb === 'put' && !control.version(command.noun, command.id));
  await Promise.all(missing.map((command) => journal.appendCommand('seed', command)));
}

class RunningProcess implements SimProcess {
  readonly life: Mortality;
  readonly journal: JournalWriter;
  readonly reader: OpenJournalReader;
  readonly gate: Gate;
  readonly platform: PlatformWatch;
  readonly #parts: SimProcessParts;
  #worker: SimWorker;
  #mail: (() => unknown)[] = [];
  #storeTrouble: string | null = null;
  #verdict: PlatformVerdict | null = null;
  #lastHeadSeq: number;

  constructor(parts: SimProcessParts, journal: JournalWriter, reader: OpenJournalReader, gate: Gate) {
    this.#parts = parts;
    this.life = parts.life;
    this.journal = journal;
    this.reader = reader;
    this.gate = gate;
    this.#lastHeadSeq = journal.headSeq;
    this.platform = createPlatformWatch({
      append: (change) => journal.appendCommand('system', change),
      clock: parts.clock,
      log: { info: () => {}, warn: () => {} },
    });
    this.platform.standing(standingConditions(reader));
    this.#worker = this.#startWorker();
  }

  worker(): SimWorker {
    return this.#worker;
  }

  async accept(source: string, stations: ReadonlySet<string> | null, payload: Uint8Array): Promise<Receipt> {
    this.life.step();
    return this.gate.accept({ source, stations, contentType: 'application/json', payload });
  }

  async command(actor: string, command: Command): Promise<{ seq: number }> {
    this.life.step();
    return this.journal.appendCommand(actor, command);
  }

  async deliverMail(count: number): Promise<void> {
    for (const letter of this.#mail.splice(0, count)) {
      this.life.step();
      await letter();
    }
  }

  mailWaits(): number {
    return this.#mail.length;
  }

  stale(nowMs: number): string[] {
    return this.journal.control.list('station').flatMap(({ id, body }) => {
      const newest = this.reader.seriesOfStation(id).flatMap((series) => {
        const reading = this.gate.latest(series.id);
        return reading ? [{ parameter: reference.parameters.get(series.parameter)!, reading }] : [];
      });
      return latestOf({ ...body, id }, newest, standard, nowMs).stale.map((parameter) => `${id}/${parameter}`);
    });
  }

  async keepHouse(): Promise<void> {
    this.life.step();
    const { journal, platform } = this;
    const worker = this.#worker.life.isDead ? null : this.#worker;
    const timerMs = worker?.nextTimerMs() ?? null;
    const isQuiet = journal.headSeq === this.#lastHeadSeq;
    this.#lastHeadSeq = journal.headSeq;
    try {
      if (isQuiet && timerMs !== null && journal.receivedNowMs() >= timerMs) await journal.appendTick();
      if (worker) journal.pruneTo(worker.neededFromSeq(), RETENTION_MS);
    } catch (error) {
      this.#refused(error);
    }
    this.#verdict = judgePlatform(this.#sample(), this.#verdict);
    for (const [condition, finding] of this.#verdict.conditions) platform.set(condition, finding);
    platform.tick();
    worker?.tellRejected();
  }

  async pulse(): Promise<void> {
    const worker = this.#worker;
    try {
      this.life.step();
      const timerMs = worker.life.isDead ? null : worker.nextTimerMs();
      if (timerMs !== null && this.journal.receivedNowMs() >= timerMs) await this.journal.appendTick();
    } catch (error) {
      if (!worker.life.isDead) this.#refused(error);
    }
  }

  buryWorker(): void {
    if (this.#worker.life.isDead) this.#worker.close();
  }

  reviveWorker(): void {
    if (!this.#worker.life.isDead) return;
    this.buryWorker();
    this.platform.event('followers.restarting', this.#parts.clock.nowMs(), 'it died');
    this.#worker = this.#startWorker();
  }

  async close(): Promise<void> {
    this.#worker.close();
    await this.journal.close();
    this.reader.close();
  }

  #startWorker(): SimWorker {
    const { directory } = this.#parts;
    const life = new Mortality(() => {}, this.life);
    return startSimWorker({
      ...this.#parts.worker(life),
      journalPath: join(directory, 'journal.db'),
      derivedPath: join(directory, 'derived.db'),
      life,
      onReflagged: (readings) =>
        this.#mail.push(() => {
          for (const { series, ...reading } of readings) this.gate.settle(series, reading);
        }),
      onRejected: (values) =>
        this.#mail.push(() =>
          quarantineRejected(this.journal, values).then(
            (ids) => this.#mail.push(() => this.#tellQuarantined(ids)),
            (error) => this.#refused(error),
          ),
        ),
      onStore: (trouble) => {
        this.#storeTrouble = trouble;
      },
    });
  }

  #tellQuarantined(ids: string[]): void {
    const { life } = this.#worker;
    if (life.isDead) return;
    try {
      this.#worker.quarantined(ids);
    } catch {
      // Nobody catches there: the disk's refusal ends the thread, which hears of them again.
      life.die();
    }
  }

  /** The disk may refuse for a while: whoever was refused tries again. Anything else is a fault. */
  #refused(error: unknown): void {
    if (!(error instanceof StoreError && error.retryable) && !this.life.isDead) this.#parts.onFault(error);
  }

  #sample() {
    const { journal, reader } = this;
    const { clock } = this.#parts;
    const { commits, failedCommits } = journal.counters;
    const nowMs = clock.nowMs();
    const lag = (seq: number) => Math.max(0, nowMs - (reader.receivedMsAfter(seq) ?? nowMs)) / 1000;
    const { readings, books, alerts } = this.#worker.cursors;
    const store =
      this.#storeTrouble === null ? null : { condition: 'store.unreachable' as const, detail: this.#storeTrouble };
    return {
      nowMs,
      monotonicMs: clock.monotonicMs(),
      receivedNowMs: journal.receivedNowMs(),
      journal: { usedShare: journal.usedShare(), commits, failedCommits, failure: journal.lastFailure },
      quarantineDropped: reader.quarantine.size().dropped,
      lagSeconds: { readings: lag(readings), books: lag(books), alerts: lag(alerts) },
      parked: 0,
      recount: null,
      store,
      isAnybodyTold: true,
      canary: null,
      dotted: [],
      typeConflict: null,
      damage: NO_DAMAGE,
      crowded: null,
      holes: null,
      broker: this.#parts.isBrokerUp() ? null : { condition: 'broker.unreachable' as const, detail: 'no answer' },
    };
  }
}
