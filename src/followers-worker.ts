/**
 * The followers' worker: the only writer of derived.db and readings.db. Each follower has a view of the registers as
 * of its own cursor and is driven by its own pump, so that one that waits or fails holds up no other.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createDispatcher } from '#alerts/dispatch.ts';
import { createAlertsFollower } from '#alerts/follower.ts';
import type { Entry } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import { openRejudgedInbox } from '#store/alert-tables.ts';
import { createBooksFollower } from '#store/books-follower.ts';
import { Control } from '#store/control.ts';
import { Cursor, openDerived } from '#store/derived.ts';
import type { Follower } from '#store/follower.ts';
import { openJournalReader } from '#store/journal-reader.ts';
import { createReadingsFollower } from '#store/readings-follower.ts';
import { transaction } from '#store/sqlite.ts';
import { SqliteReadings } from '#store/sqlite-readings.ts';
import { createVolumeBooks } from '#store/volume-books.ts';
import { systemClock as clock } from './clock.ts';
import { createEntryWindow } from './entry-window.ts';
import { createPump, type Pump } from './follower-pump.ts';
import type { FollowersStart, FromFollowers, ToFollowers } from './followers-protocol.ts';
import { createLog } from './log.ts';
import { webhookPolicy } from './webhook-policy.ts';

const { config, reference } = workerData as FollowersStart;
const port = parentPort!;
const log = createLog(config.logLevel, 'followers');
const say = (message: FromFollowers): void => port.postMessage(message);
const STANDARD = 'gb3838-2002';
const METRICS_EVERY_MS = 1000;
/** Decoded entries that wait for the slowest follower; beyond them it reads for itself. */
const WINDOW_ENTRIES = 2000;

const reader = openJournalReader(join(config.dataDir, 'journal.db'));
const derived = openDerived(join(config.dataDir, 'derived.db'));
const store = new SqliteReadings(join(config.dataDir, 'readings.db'));
const controlAsOf = (follower: string) => new Control(reader.control(new Cursor(derived, follower).seq));
const tellReflagged = (changed: SeriesReading[]) => say({ type: 'reflagged', readings: changed });
const inbox = openRejudgedInbox(derived);

const readings = createReadingsFollower({ derived, store, reader, onReflagged: tellReflagged });
const booksControl = controlAsOf('books');
const volumes = createVolumeBooks({
  derived,
  store,
  reader,
  control: booksControl,
  register: reference.parameters.get('register')!,
});
const books = createBooksFollower({
  derived,
  store,
  reader,
  control: booksControl,
  reference,
  allowedLatenessMs: config.allowedLatenessMs,
  timeZone: config.timeZone,
  writtenCursor: () => readings.cursor(),
  onReflagged(changed) {
    // A final flag may confirm an alarm or take it back. Told again after a crash, so nothing is lost in between.
    transaction(derived, () => {
      for (const reading of changed) inbox.put(reading);
    });
    alerts.takeRejudged();
    tellReflagged(changed);
  },
  volumes,
});
const alertsControl = controlAsOf('alerts');
const alerts = createAlertsFollower({
  derived,
  reader,
  control: alertsControl,
  reference,
  standard: reference.standards.get(STANDARD)!,
  allowedLatenessMs: config.allowedLatenessMs,
  publicUrl: config.publicUrl,
  log,
  onAlarms(changes, seq) {
    say({ type: 'alarms', seq, changes });
    dispatcher.wake();
  },
});

const publishing = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
let nextPublishId = 1;
const dispatcher = createDispatcher({
  derived,
  channel: (id) => alertsControl.get('channel', id),
  ports: {
    clock,
    log,
    policy: webhookPolicy(config),
    publish(topic, payload, retain) {
      const id = nextPublishId++;
      say({ type: 'publish', id, topic, payload, retain });
      return new Promise((resolve, reject) => publishing.set(id, { resolve, reject }));
    },
  },
});

/** What the pumps have passed: an entry counts once everything that it caused is done. */
const passed = { readings: readings.cursor(), books: books.cursor(), alerts: alerts.cursor() };
const countParked = derived.prepare('SELECT count(*) AS n FROM parked');
const insertParked = derived.prepare('INSERT OR REPLACE INTO parked (follower, seq, atMs, error) VALUES (?, ?, ?, ?)');
let headSeq = reader.headSeq();
let isStopping = false;
let wakeUp = Promise.withResolvers<void>();

const entries = createEntryWindow((after, limit) => reader.read(after, limit), WINDOW_ENTRIES);

function pumpOf(follower: Follower, readSome: (after: number, limit: number) => Entry[]): Pump {
  return createPump({
    follower,
    clock,
    read: readSome,
    park(entry, error) {
      insertParked.run(follower.name, entry.seq, clock.nowMs(), error.stack ?? error.message);
      log.error(
        { event: 'follower.parked', follower: follower.name, seq: entry.seq, err: error },
        'an entry was parked',
      );
      say({ type: 'parked', follower: follower.name, seq: entry.seq, error: error.message });
    },
    onError(error, seq) {
      log.warn(
        { event: 'follower.failed', follower: follower.name, seq, err: error },
        'a follower failed, trying again',
      );
    },
  });
}

/** Books read the store, so they go no further than the readings that it holds. */
const readForBooks = (after: number, limit: number) => {
  const stored = Math.min(limit, readings.cursor() - after);
  return stored > 0 ? entries.read(after, stored) : [];
};
const pumps = [pumpOf(readings, entries.read), pumpOf(alerts, entries.read), pumpOf(books, readForBooks)];

function report(): void {
  const timers = [readings, books, alerts].map((follower) => follower.nextTimerMs()).filter((timer) => timer !== null);
  const neededFromSeq = Math.min(passed.readings, passed.books, alerts.restoresFromSeq());
  const nextTimerMs = timers.length > 0 ? Math.min(...timers) : null;
  say({ type: 'progress', cursors: { ...passed }, nextTimerMs, neededFromSeq });
}

/** One round lets every follower take one batch; it rests when none of them moved. */
async function run(): Promise<void> {
  while (!isStopping) {
    let moved = false;
    let retryAtMs: number | null = null;
    for (const pump of pumps) {
      const step = await pump.step();
      moved ||= step.moved;
      if (step.retryAtMs !== null) retryAtMs = Math.min(retryAtMs ?? Infinity, step.retryAtMs);
      passed[pump.follower.name] = pump.follower.cursor();
      // Resends and channel tests change the outbox without changing an alarm.
      if (step.moved && pump.follower === alerts) dispatcher.wake();
    }
    entries.forget(Math.min(passed.readings, passed.books, passed.alerts));
    report();
    if (moved) await nextTurn();
    else await rest(retryAtMs);
  }
}

async function rest(untilMs: number | null): Promise<void> {
  const timer =
    untilMs === null ? undefined : setTimeout(() => wakeUp.resolve(), Math.max(1, untilMs - clock.monotonicMs()));
  await wakeUp.promise;
  clearTimeout(timer);
  wakeUp = Promise.withResolvers<void>();
}

port.on('message', (message: ToFollowers) => {
  if (message.type === 'published') {
    const waiting = publishing.get(message.id);
    publishing.delete(message.id);
    if (message.error === null) waiting?.resolve();
    else waiting?.reject(new Error(message.error));
    return;
  }
  if (message.type === 'committed') headSeq = Math.max(headSeq, message.headSeq);
  if (message.type === 'stop') isStopping = true;
  wakeUp.resolve();
});

const metrics = setInterval(() => {
  say({
    type: 'metrics',
    counters: {
      notices_pending: dispatcher.pending(),
      parked: (countParked.get() as { n: number }).n,
      lag_readings: headSeq - passed.readings,
      lag_books: headSeq - passed.books,
      lag_alerts: headSeq - passed.alerts,
    },
  });
}, METRICS_EVERY_MS);

say({ type: 'ready' });
say({ type: 'open-alarms', alarms: alerts.openAlarms() });
dispatcher.wake();
await run();

// What is on its way is broken off and stays in the outbox; followers aren't drained, their cursors say where they are.
clearInterval(metrics);
await dispatcher.close();
alerts.checkpoint();
await store.close();
derived.close();
reader.close();
port.close();
