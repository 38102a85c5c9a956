/**
 * The simulated world: gateways, one service that dies and comes back on the files as its death left them, a store and
 * recipients of notices that outlive it, and a clock. It does what the knobs say; who turns them is the schedule.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Receipt } from '#ingest/door.ts';
import { openDerived } from '#installation/derived.ts';
import { journalMigrations } from '#journal/tables.ts';
import type { Entry } from '#model/entry.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import { type Database, openDatabase, StoreError } from '#src/sqlite.ts';
import { handTimers } from '#tests/helpers/alerts/dispatch-rig.ts';
import { type HandClock, handClock } from '#tests/helpers/hand-clock.ts';
import { Crash } from '#tests/helpers/mortal-database.ts';
import { Gateways, type Habits, type SentMessage, type SimGateway } from './gateways.ts';
import { nothingWrong } from './knobs.ts';
import { Mortality } from './mortality.ts';
import { type Customs, People } from './people.ts';
import { type SimProcess, startSimProcess } from './process.ts';
import { Random } from './random.ts';
import { HOUR_MS, MINUTE_MS, type SiteOptions, siteOf } from './site.ts';
import { FaultyReadings } from './store.ts';
import { Wire } from './wire.ts';

/** The service's own files; what stands beside them (locks, SQLite's shared memory) doesn't outlive a process. */
const FILES = ['journal.db', 'journal.db-wal', 'derived.db', 'derived.db-wal'];
const REST_SLOTS_MAX = 500;
/** How long, at a pace of hours, a slot's first minutes are looked at one by one for what is away. */
const NOTICED_MS = 3 * MINUTE_MS;
/** So many times more entries come while somebody is listened for. */
const LISTENING_BATCHES = 50;
/** A loop that found nothing so often rests until the next slot. */
const IDLE_TURNS = 2;

export interface WorldOptions {
  directory: string;
  seed: number;
  allowedLatenessMs: number;
  journalMaxBytes: number;
  ringEntries: number;
  habits: Habits;
  customs: Customs;
  site: SiteOptions;
}

/** How often what happened: a simulation in which nothing happens proves nothing. */
const noCounts = () => ({ deaths: 0, threads: 0, refused: 0, acksLost: 0, starts: 0 });

export class World {
  readonly options: WorldOptions;
  readonly clock: HandClock;
  readonly knobs = nothingWrong();
  readonly kept = new MemoryReadings();
  readonly gateways: Gateways;
  readonly people: People;
  readonly wire: Wire;
  readonly counts = noCounts();
  /** Every entry that was ever committed, in order; the journal itself may have pruned it. */
  readonly committed: Entry[] = [];
  readonly acknowledged: { message: SentMessage; receipt: Receipt }[] = [];
  /** Messages by gateway and its number. */
  readonly sent = new Map<string, SentMessage>();
  /** When the service was there and somebody could reach it. */
  readonly hearing: { fromMs: number; toMs: number }[] = [];
  /** What went wrong that no fault explains. */
  readonly faults: unknown[] = [];
  /** What `latest` called stale when everything had been delivered after the last fault, and when that was. */
  caughtUp: { nowMs: number; stale: string[] } | null = null;
  readonly #timers: ReturnType<typeof handTimers>;
  readonly #random: Random;
  #process: SimProcess | null = null;
  #directory: string;
  #lives = 0;
  #workers = 0;
  #restartSlots = 0;
  #dieAfter: number | null = null;
  #locks: { journal: Database | null; derived: Database | null } = { journal: null, derived: null };

  constructor(options: WorldOptions) {
    this.options = options;
    const { pace } = options.site;
    this.clock = handClock(pace.startMs);
    this.#timers = handTimers(this.clock);
    const stream = (name: string) => new Random(options.seed, name);
    this.#random = stream('world');
    this.gateways = new Gateways(stream('gateways'), options.habits, pace);
    this.people = new People(stream('people'), options.customs, pace, this);
    this.wire = new Wire(this.knobs, stream('wire'), () => this.clock.monotonicMs());
    this.#directory = join(options.directory, 'life-0');
    mkdirSync(this.#directory);
  }

  /** The time as everybody but the service's clock has it. */
  trueMs(): number {
    return this.options.site.pace.startMs + this.clock.monotonicMs();
  }

  /** Of the newest life: where journal.db and derived.db are. */
  directory(): string {
    return this.#directory;
  }

  process(): SimProcess | null {
    return this.#process?.life.isDead === false ? this.#process : null;
  }

  /** The process dies so many steps from now, whatever it does then; if none runs, the next one. */
  kill(steps: number): void {
    const process = this.process();
    if (process) process.life.dieAfter(steps);
    else this.#dieAfter = steps;
  }

  killThread(steps: number): void {
    this.process()?.worker().life.dieAfter(steps);
  }

  /** The wall clock jumps; time doesn't. */
  stepClock(ms: number): void {
    this.clock.set(this.clock.nowMs() + ms);
  }

  /** The disk refuses what is written to this file. */
  lock(file: 'journal' | 'derived'): void {
    if (!this.process() || this.#locks[file]) return;
    const path = join(this.#directory, `${file}.db`);
    const lock = file === 'journal' ? openDatabase(path, journalMigrations) : openDerived(path);
    lock.exec('BEGIN IMMEDIATE');
    this.#locks[file] = lock;
  }

  unlock(file: 'journal' | 'derived'): void {
    this.#locks[file]?.close();
    this.#locks[file] = null;
  }

  /** A slot of everybody's life. */
  async slot(isMeasuring: boolean): Promise<void> {
    const { intervalMs, slotMs } = this.options.site.pace;
    const fromMs = this.trueMs();
    if (isMeasuring) {
      const timeMs = Math.ceil(fromMs / intervalMs) * intervalMs;
      if (timeMs < fromMs + slotMs) this.gateways.measure(timeMs);
    }
    await this.#passSlot(slotMs);
    this.gateways.release(this.trueMs());
    if (this.#process === null && this.#restartSlots-- <= 0) await this.start();
    const process = this.process();
    if (process) await this.#work(process);
    await this.#bury();
  }

  /** While somebody is listened for, the service makes time pass in its journal each minute, as it would. */
  async #passSlot(slotMs: number): Promise<void> {
    const fromMs = this.trueMs();
    const process = this.process();
    const pulses: Promise<void>[] = [];
    const stepMs = this.people.isListening && process ? MINUTE_MS : slotMs;
    for (let passedMs = 0; passedMs < slotMs; passedMs += stepMs) {
      await this.pass(Math.min(stepMs, slotMs - passedMs));
      if (!process || stepMs === slotMs || process.life.isDead) continue;
      pulses.push(process.pulse());
      // What is away since the slot began is found out within seconds, not when a slot of hours is over.
      if (passedMs < NOTICED_MS) await this.#keepHouse(process);
    }
    await Promise.all(pulses);
    const canHear = this.knobs.isBrokerUp && this.#locks.journal === null;
    if (process && !process.life.isDead && canHear) this.hearing.push({ fromMs, toMs: this.trueMs() });
  }

  /** Starts the service on what the last one left. */
  async start(): Promise<void> {
    const life = new Mortality(() => this.#rescueFiles());
    if (this.#dieAfter !== null) life.dieAfter(this.#dieAfter);
    this.#dieAfter = null;
    this.counts.starts += 1;
    try {
      this.#process = await startSimProcess({
        directory: this.#directory,
        life,
        clock: this.clock,
        maxBytes: this.options.journalMaxBytes,
        ringEntries: this.options.ringEntries,
        site: siteOf(this.options.site),
        isBrokerUp: () => this.knobs.isBrokerUp,
        onCommit: (entries) => this.committed.push(...entries),
        onFault: (error) => this.faults.push(error),
        worker: (mortality) => this.#workerParts(mortality),
      });
      this.#verifyJournal(this.#process);
    } catch (error) {
      this.#unlessDying(life.isDead, error);
    }
  }

  /** Heals everything, lets everybody say what they have to say, and waits until the last hour is closed. */
  async finish(): Promise<void> {
    Object.assign(this.knobs, nothingWrong());
    Object.assign(this.people, { isHere: false, isListening: false });
    this.unlock('journal');
    this.unlock('derived');
    this.clock.set(this.trueMs());
    this.#dieAfter = null;
    this.process()?.life.dieAfter(Number.POSITIVE_INFINITY);
    this.killThread(Number.POSITIVE_INFINITY);
    for (const gateway of this.gateways.all) gateway.flush();
    const closedMs = this.trueMs() + 2 * HOUR_MS + this.options.allowedLatenessMs;
    for (let slots = 0; !this.#isAtRest() || this.trueMs() < closedMs; slots++) {
      if (slots > REST_SLOTS_MAX) {
        this.faults.push(new Error('it never comes to rest'));
        return;
      }
      for (const gateway of this.gateways.all) gateway.flush();
      await this.slot(false);
      const process = this.process();
      if (!process || this.gateways.waiting > 0) continue;
      this.caughtUp ??= { nowMs: this.clock.nowMs(), stale: process.stale(this.clock.nowMs()) };
    }
  }

  async close(): Promise<void> {
    this.unlock('journal');
    this.unlock('derived');
    await this.#process?.close();
  }

  #isAtRest(): boolean {
    const process = this.process();
    if (!process || this.gateways.waiting > 0 || this.people.imports.length > 0 || process.mailWaits() > 0)
      return false;
    const worker = process.worker();
    return !worker.life.isDead && worker.isIdle(process.journal.headSeq) && worker.nextTimerMs() === null;
  }

  async #work(process: SimProcess): Promise<void> {
    await Promise.all([
      ...(this.knobs.isBrokerUp ? this.gateways.all.map((gateway) => this.#deliver(gateway, process)) : []),
      this.#act(process),
      this.#follow(process),
    ]);
    try {
      if (!process.life.isDead) process.reviveWorker();
      if (!process.life.isDead) await process.deliverMail(this.#random.between(0, 2 * process.mailWaits()));
    } catch (error) {
      this.#unlessDying(process.life.isDead || process.worker().life.isDead, error);
    }
    await this.#keepHouse(process);
  }

  async #keepHouse(process: SimProcess): Promise<void> {
    try {
      if (!process.life.isDead) await process.keepHouse();
    } catch (error) {
      this.#unlessDying(process.life.isDead || process.worker().life.isDead, error);
    }
  }

  async #act(process: SimProcess): Promise<void> {
    try {
      const notices = this.wire.sends.slice(-20).map(({ id }) => id);
      await this.people.act(process, this.clock.nowMs(), notices);
    } catch (error) {
      this.#unlessDying(process.life.isDead || process.worker().life.isDead, error);
    }
  }

  /** Hands over what waits, in its order; what isn't acknowledged stays and comes again. */
  async #deliver(gateway: SimGateway, process: SimProcess): Promise<void> {
    const outcomes: Promise<void>[] = [];
    if (gateway.id === this.knobs.mute) return;
    for (const message of gateway.queue.slice(0, this.#random.between(1, 12))) {
      if (this.#random.chance(0.3)) await nextTurn();
      if (process.life.isDead) break;
      if (message.seq !== null) this.sent.set(`${gateway.id} ${message.seq}`, message);
      outcomes.push(
        process.accept(gateway.id, gateway.stations, message.payload).then(
          (receipt) => this.#acknowledge(process, gateway, message, receipt),
          (error) => {
            this.counts.refused += 1;
            this.#unlessDying(process.life.isDead, error);
          },
        ),
      );
    }
    await Promise.all(outcomes);
  }

  #acknowledge(process: SimProcess, gateway: SimGateway, message: SentMessage, receipt: Receipt): void {
    // Its connection ended with the process: it never hears of it.
    if (process.life.isDead) return;
    if (process.reader.headSeq() < receipt.seq) {
      this.faults.push(new Error(`entry ${receipt.seq} was acknowledged before it was on disk`));
    }
    this.acknowledged.push({ message, receipt });
    if (this.#random.chance(this.knobs.acksLost)) this.counts.acksLost += 1;
    else gateway.acknowledged(message, this.trueMs());
  }

  async #follow(process: SimProcess): Promise<void> {
    const worker = process.worker();
    const loop = async (turn: () => Promise<boolean>) => {
      const turns = this.#random.between(0, this.knobs.turnsMax);
      for (let n = 0, idle = 0; n < turns && idle < IDLE_TURNS && !worker.life.isDead; n++) {
        idle = (await turn()) ? 0 : idle + 1;
        if (idle > 0) await nextTurn();
      }
    };
    const outcomes = await Promise.allSettled([loop(worker.storedTurn), loop(worker.alarmTurn)]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.#threadFailed(outcome.reason);
  }

  /** An exception that nobody catches ends the thread; the disk's refusal is a reason, and so is death. */
  #threadFailed(error: unknown): void {
    const life = this.#process?.worker().life;
    this.#unlessDying(!life || life.isDead || this.#locks.derived !== null, error);
    life?.die();
  }

  #unlessDying(isDying: boolean, error: unknown): void {
    const isRefusal = error instanceof StoreError && error.retryable;
    if (!isDying && !isRefusal && !(error instanceof Crash)) this.faults.push(error);
  }

  /** Lets time pass, and timers with it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + ms;
    while (this.clock.monotonicMs() < endMs) {
      try {
        await this.#timers.advance(endMs - this.clock.monotonicMs());
      } catch (error) {
        this.#threadFailed(error);
      }
    }
  }

  #workerParts(life: Mortality) {
    // Timers of the thread before it.
    this.#timers.clear();
    const number = this.#workers++;
    this.counts.threads += 1;
    const random = new Random(this.options.seed, `worker ${number}`);
    return {
      number,
      store: new FaultyReadings(this.kept, this.knobs, new Random(this.options.seed, `store ${number}`), life),
      wire: this.wire,
      clock: this.clock,
      delay: this.#timers.delay,
      random: () => random.next(),
      allowedLatenessMs: this.options.allowedLatenessMs,
      timeZone: this.options.site.pace.timeZone,
      // Each minute is an entry then.
      batch: () => random.between(1, this.knobs.batchMax) * (this.people.isListening ? LISTENING_BATCHES : 1),
      onFault: (error: unknown) => this.faults.push(error),
    };
  }

  /** In the step of its death: what the operating system has of the files is what the next process finds. */
  #rescueFiles(): void {
    const from = this.#directory;
    this.#lives += 1;
    this.counts.deaths += 1;
    this.#directory = join(this.options.directory, `life-${this.#lives}`);
    mkdirSync(this.#directory);
    for (const file of FILES)
      if (existsSync(join(from, file))) copyFileSync(join(from, file), join(this.#directory, file));
  }

  /** Gives back what the dead still hold, once everything of them has ended. */
  async #bury(): Promise<void> {
    const process = this.#process;
    if (process?.worker().life.isDead) {
      this.#timers.clear();
      process.buryWorker();
    }
    if (!process?.life.isDead) return;
    this.unlock('journal');
    this.unlock('derived');
    this.#process = null;
    this.#restartSlots = this.#random.between(0, 6);
    await process.close();
    rmSync(join(this.options.directory, `life-${this.#lives - 1}`), { recursive: true, force: true });
  }

  /** Everything that was committed, and so everything that was acknowledged, is still there. */
  #verifyJournal({ reader }: SimProcess): void {
    const after = Math.max(reader.oldestSeq() - 1, this.committed.length - 60);
    const found = reader.read(after, 1000);
    const expected = this.committed.slice(after);
    if (!isDeepStrictEqual(found, expected)) {
      const seqs = `${found.at(-1)?.seq} and should at ${expected.at(-1)?.seq}`;
      this.faults.push(new Error(`after a kill the journal differs from what was committed: it ends at ${seqs}`));
    }
  }
}
