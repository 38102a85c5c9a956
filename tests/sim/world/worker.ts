/**
 * The followers' thread: what src/process/followers-worker.ts drives in its loops, driven step by step. Real followers, pumps and
 * dispatcher over a derived.db on disk that its death may come between any two statements of.
 */
import { createDispatcher, type Delay } from '#alerts/telling/dispatch.ts';
import { openDerived } from '#installation/derived.ts';
import type { Follower } from '#journal/follower.ts';
import { type OpenJournalReader, openJournalReader } from '#journal/reader.ts';
import type { Entry } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import { createEntryWindow } from '#process/entry-window.ts';
import { createPump, type Pump } from '#process/follower-pump.ts';
import type { RejectedValue } from '#process/followers-protocol.ts';
import { wireFollowers } from '#process/wire-followers.ts';
import type { ReadingStore } from '#readings/store.ts';
import type { Clock } from '#src/clock.ts';
import { type Database, StoreError } from '#src/sqlite.ts';
import { guarded } from '#tests/helpers/mortal-database.ts';
import type { Mortality } from './mortality.ts';
import { reference, standard } from './site.ts';
import { noteTaken } from './taken.ts';
import type { Wire } from './wire.ts';

const WINDOW_ENTRIES = 50;

export interface SimWorkerParts {
  journalPath: string;
  derivedPath: string;
  /** Running number, by which the wire knows who sent. */
  number: number;
  life: Mortality;
  store: ReadingStore;
  wire: Wire;
  clock: Clock;
  delay: Delay;
  random: () => number;
  allowedLatenessMs: number;
  timeZone: string;
  /** How many entries the next batch may have. */
  batch: () => number;
  /** What main is told, in order. */
  onReflagged: (readings: SeriesReading[]) => void;
  onRejected: (readings: RejectedValue[]) => void;
  /** Whether the reading store was the reason of a failure; null: it works again. */
  onStore: (trouble: string | null) => void;
  /** An error that no fault of the simulation explains. */
  onFault: (error: unknown) => void;
}

export interface SimWorker {
  readonly life: Mortality;
  readonly cursors: Readonly<Record<'readings' | 'books' | 'alerts', number>>;
  /** One turn of the loop of `readings` and `books`, or of `alerts`; whether anything moved. */
  storedTurn(): Promise<boolean>;
  alarmTurn(): Promise<boolean>;
  /** Main has quarantined these. */
  quarantined(ids: string[]): void;
  tellRejected(): void;
  parked(): number;
  /** Ids of alarms whose story goes on. */
  openAlarms(): string[];
  /** True when nothing waits that is not an hour still open. */
  isIdle(headSeq: number): boolean;
  nextTimerMs(): number | null;
  neededFromSeq(): number;
  /** Gives the files back; also after death. */
  close(): void;
}

/** @throws Crash when it dies while it starts; the files are given back then. */
export function startSimWorker(parts: SimWorkerParts): SimWorker {
  const reader = openJournalReader(parts.journalPath);
  const real = openDerived(parts.derivedPath);
  try {
    // A killed process leaves to the file what it has written; only the loss of power asks for an fsync.
    real.exec('PRAGMA synchronous=OFF');
    noteTaken(real);
    return wired(parts, reader, real);
  } catch (error) {
    parts.life.die();
    real.close();
    reader.close();
    throw error;
  }
}

/** Not split: as in the worker's own file, nearly every line needs what the lines before it made. */
function wired(parts: SimWorkerParts, reader: OpenJournalReader, real: Database): SimWorker {
  const { life, store, clock, allowedLatenessMs } = parts;
  const act = <T>(work: () => T): T => {
    life.step();
    return work();
  };
  const derived = guarded(real, act, () => !life.isDead);
  const countParked = derived.prepare('SELECT count(*) AS n FROM parked');
  const insertParked = derived.prepare('INSERT INTO parked (follower, seq, atMs, error) VALUES (?, ?, ?, ?)');

  const entries = createEntryWindow((after, limit) => reader.read(after, limit), WINDOW_ENTRIES);
  const { onReflagged, onRejected } = parts;
  const log = { info: () => {}, warn: (fields: object) => refuseLeftOut(fields) };
  const followers = wireFollowers({
    derived,
    store,
    reader,
    reference,
    standard,
    allowedLatenessMs,
    timeZone: parts.timeZone,
    publicUrl: null,
    clock: parts.clock,
    log,
    entries,
    onReflagged,
    onRejudged: () => {},
    onRejected,
    onAlarms: () => dispatcher.wake(),
  });
  const { readings, books, alerts, alertsControl } = followers;
  const send = parts.wire.sender(parts.number, life);
  const dispatcher = createDispatcher({
    derived,
    channel: (id) => alertsControl.get('channel', id),
    ports: { clock, log, policy: { allow: [], allowLoopback: true }, publish: async () => {} },
    senders: { webhook: send },
    delay: parts.delay,
    random: parts.random,
  });

  /** A reading that alerts leave out, or entries that they miss when they restore, are faults of ours, not of the simulated world. */
  function refuseLeftOut(fields: object): void {
    const { event, err } = fields as { event?: string; err?: unknown };
    if (event === 'alerts.rejudged-left-out' && !life.isDead) parts.onFault(err);
    if (event === 'alerts.pruned' && !life.isDead)
      parts.onFault(new Error(`pruned too early: ${JSON.stringify(fields)}`));
  }

  const passed = { readings: readings.cursor(), books: books.cursor(), alerts: alerts.cursor() };
  const failing = new Set<Follower>();

  function pumpOf(follower: Follower, read: (after: number, limit: number) => Entry[]): Pump {
    return createPump({
      follower,
      clock,
      read: (after, limit) => {
        life.step();
        return read(after, Math.min(limit, parts.batch()));
      },
      park(entry, error) {
        insertParked.run(follower.name, entry.seq, clock.nowMs(), error.message);
        parts.onFault(error);
      },
      onError(error) {
        if (life.isDead) return;
        if (!(error instanceof StoreError && error.retryable)) parts.onFault(error);
        else if (error.code.startsWith('store.')) {
          failing.add(follower);
          parts.onStore(error.message);
        }
      },
    });
  }

  const storedPumps = [pumpOf(readings, entries.read), pumpOf(books, followers.readForBooks)];
  const alarmPump = pumpOf(alerts, entries.read);

  async function turn(pump: Pump): Promise<boolean> {
    const { moved } = await pump.step();
    life.step();
    const { follower } = pump;
    if (moved && follower.cursor() > passed[follower.name] && failing.delete(follower) && failing.size === 0) {
      parts.onStore(null);
    }
    passed[follower.name] = follower.cursor();
    if (follower === alerts) dispatcher.wake();
    entries.forget(Math.min(passed.readings, passed.books, passed.alerts));
    return moved;
  }

  followers.tellRejected();
  dispatcher.wake();
  return {
    life,
    cursors: passed,
    async storedTurn() {
      let hasMoved = false;
      for (const pump of storedPumps) hasMoved = (await turn(pump)) || hasMoved;
      return hasMoved;
    },
    async alarmTurn() {
      const hasMoved = await turn(alarmPump);
      return followers.takeRejudged() || (await followers.judgePeriods()) || hasMoved;
    },
    quarantined: followers.quarantined,
    tellRejected: followers.tellRejected,
    parked: () => (countParked.get() as { n: number }).n,
    openAlarms: () => Array.from(alerts.openAlarms(), ({ id }) => id),
    isIdle: (headSeq) =>
      Math.min(passed.readings, passed.books, passed.alerts) === headSeq &&
      !followers.hasWaiting() &&
      dispatcher.pending() === 0,
    nextTimerMs: followers.nextTimerMs,
    neededFromSeq: () => Math.min(passed.readings, passed.books, alerts.restoresFromSeq()),
    close(): void {
      // Whatever hangs on to it is dead or has ended: it can't reach the files any more.
      life.die();
      if (real.isOpen) real.close();
      reader.close();
    },
  };
}
