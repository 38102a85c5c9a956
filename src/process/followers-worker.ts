/**
 * The followers' worker: the only writer of derived.db and readings.db. Each follower has a view of the registers as
 * of its own cursor and is driven by its own pump, so that one that fails holds up no other.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { webhookPolicy } from '#alerts/channels/webhook-policy.ts';
import { createDispatcher } from '#alerts/telling/dispatch.ts';
import { openBookState } from '#books/clock.ts';
import { createSeriesRules, lookBackMs } from '#books/hours/series-rules.ts';
import { openDerived } from '#installation/derived.ts';
import { createStoreFit } from '#installation/fit-store.ts';
import type { Follower } from '#journal/follower.ts';
import { readInstallation } from '#journal/installation.ts';
import { openParked } from '#journal/parked.ts';
import { openJournalReader } from '#journal/reader.ts';
import { createLinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { openFromMs } from '#model/calendar.ts';
import type { Entry } from '#model/entry.ts';
import { surfaceWaterStandard } from '#model/reference.ts';
import { createColdHours } from '#readings/blocks/cold-hours.ts';
import { takeDamages } from '#readings/damage.ts';
import { storeTrouble } from '#readings/influx/answers.ts';
import { openReadingStore } from '#readings/open-store.ts';
import { createRawRetention } from '#readings/retention.ts';
import type { StoreTrouble } from '#readings/store.ts';
import { createLog } from '#setting/log.ts';
import { systemClock as clock } from '#src/clock.ts';
import { createSnapshotWatch } from '#src/sqlite.ts';
import { damageParking } from './damaged-entries.ts';
import { createEntryWindow } from './entry-window.ts';
import { createFollowerLoop } from './follower-loop.ts';
import { createPump, type Pump } from './follower-pump.ts';
import type { FollowersStart, FromFollowers, ToFollowers } from './followers-protocol.ts';
import { STALE_AFTER_MS } from './stale-reads.ts';
import { createStoreMarks } from './store-marks.ts';
import { wireFollowers } from './wire-followers.ts';

const { config, reference, linkSecret } = workerData as FollowersStart;
const port = parentPort!;
const log = createLog(config.logLevel, 'followers');
const say = (message: FromFollowers): void => port.postMessage(message);
const METRICS_EVERY_MS = 1000;
const PROBE_EVERY_MS = 10_000;
/** While readings come, how much of what was written a copy of the store can have lost unnoticed. */
const MARK_EVERY_MS = 2000;
/** Readings and books are written so much later at most than they could be, unless somebody waits for them. */
const GATHERING_MS = 200;
/** Decoded entries that wait for the slowest follower; beyond them it reads for itself. */
const WINDOW_ENTRIES = 2000;
/** Open alarms in one message: taking it in must not hold up the main thread. */
const OPEN_ALARMS_PART = 500;

const derived = openDerived(join(config.dataDir, 'derived.db'));
const parked = openParked(derived);
const parkDamaged = damageParking(derived, parked, clock);
const reader = openJournalReader(join(config.dataDir, 'journal.db'), (damage) => {
  parkDamaged(damage);
  say({ type: 'damaged-batch', damage });
});
const store = openReadingStore(config, (id) => reader.seriesById(id), { owner: readInstallation(derived) });
const fit = createStoreFit({
  derived,
  journalPath: join(config.dataDir, 'journal.db'),
  store,
  storeName: config.influx ? `the bucket ${config.influx.bucket}` : 'readings.db',
});
const entries = createEntryWindow((after, limit) => reader.read(after, limit), WINDOW_ENTRIES);
const linkSigner = createLinkSigner(linkSecret);
const followers = wireFollowers({
  derived,
  store,
  reader,
  reference,
  standard: surfaceWaterStandard(reference),
  allowedLatenessMs: config.allowedLatenessMs,
  timeZone: config.timeZone,
  publicUrl: config.publicUrl,
  linkSigner,
  clock,
  log,
  entries,
  onReflagged: (changed) => say({ type: 'reflagged', readings: changed }),
  onRejudged: () => alarming.wake(),
  onRejected: (values) => say({ type: 'rejected', readings: values }),
  onAlarms(changes) {
    say({ type: 'alarms', changes });
    dispatcher.wake();
  },
});
const { readings, books, alerts, booksControl, alertsControl } = followers;

const publishing = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
let nextPublishId = 1;
const dispatcher = createDispatcher({
  linkSigner,
  derived,
  channel: (id) => alertsControl.get('channel', id),
  ports: {
    clock,
    log,
    policy: webhookPolicy(config),
    names: {
      station: (id) => alertsControl.get('station', id)?.name,
      parameter: (id) => reference.parameters.get(id)?.name,
      timeZone: config.timeZone,
    },
    publish(topic, payload, retain) {
      const id = nextPublishId++;
      say({ type: 'publish', id, topic, payload, retain });
      return new Promise((resolve, reject) => publishing.set(id, { resolve, reject }));
    },
  },
});

/** What the pumps have passed: an entry counts once everything that it caused is done. */
const passed = { readings: readings.cursor(), books: books.cursor(), alerts: alerts.cursor() };
const countSettled = derived.prepare(
  'SELECT coalesce(sum(stored), 0) AS stored, coalesce(sum(duplicate), 0) AS duplicate FROM source',
);
const seriesRules = createSeriesRules({ control: booksControl, reader, reference });
const bookState = openBookState(derived);
const retention = createRawRetention({
  derived,
  store,
  reader,
  booksClockMs: () => bookState.clockMs(),
  lookBackMs: (series) => lookBackMs(seriesRules, series),
  retentionMs: config.rawRetentionMs,
  clock,
  log,
});
const coldHours = createColdHours({
  derived,
  packer: store.packer?.() ?? null,
  isBehind: () => headSeq - passed.books > WINDOW_ENTRIES,
  openFromMs: () => openFromMs(bookState.clockMs(), config.allowedLatenessMs),
  clock,
  log,
});
let headSeq = reader.headSeq();

function fellBack(): void {
  readings.fellBack();
  passed.readings = readings.cursor();
  tellStoreLosses();
  report();
}

function tellStoreLosses(): void {
  const untold = fit.untold();
  if (untold.length > 0) say({ type: 'store-losses', losses: untold });
}

const marks = createStoreMarks({ fit, booksSeq: passed.books, fellBack, log });

function pumpOf(
  follower: Follower,
  readSome: (after: number, limit: number) => Entry[],
  isReady?: (batch: readonly Entry[]) => Promise<boolean>,
): Pump {
  return createPump({
    follower,
    clock,
    isReady,
    read: readSome,
    park(entry, error) {
      const { stack = error.message } = error;
      parked.put({ follower: follower.name, seq: entry.seq, atMs: clock.nowMs(), error: stack });
      log.error(
        { event: 'follower.parked', follower: follower.name, seq: entry.seq, err: error },
        'an entry was parked',
      );
      say({ type: 'parked', follower: follower.name, seq: entry.seq });
    },
    onError(error, seq) {
      stopped(follower, error);
      log.warn(
        { event: 'follower.failed', follower: follower.name, seq, err: error },
        'a follower failed, trying again',
      );
    },
  });
}

/**
 * Two loops: `readings` and `books` go by turns, since one reads what the other writes, and both wait while the store is
 * away; `alerts` needs no store and goes on (design §1: alarms still fire).
 */
const pumps = [
  pumpOf(readings, entries.read, marks.isFit),
  pumpOf(books, followers.readForBooks, marks.isFit),
  pumpOf(alerts, entries.read),
] as const;
const stored = createFollowerLoop({
  pumps: pumps.slice(0, 2),
  clock,
  onTurn: advanced,
  extra: async () =>
    (await marks.keep()) || (await retention.step()) || (await followers.recount.step()) || coldHours.step(),
  gathering: { ms: GATHERING_MS, headSeq: () => headSeq },
});
const alarming = createFollowerLoop({
  pumps: pumps.slice(2),
  clock,
  onTurn: advanced,
  extra: async () => followers.takeRejudged() || followers.judgePeriods(),
});
const loops = [stored, alarming];

/** What keeps the stores from being used, told when it changes; `failing` = followers that it stopped. */
let trouble: StoreTrouble | null | undefined;
const failing = new Set<Follower>();

function tellStore(now: StoreTrouble | null): void {
  if (trouble !== undefined && now?.condition === trouble?.condition) return;
  trouble = now;
  say({ type: 'store', trouble });
}

/** What was told last, as text: a server that comes back is measured anew, and mostly the same. */
let toldCapabilities = 'null';

function tellCapabilities(): void {
  const capabilities = store.capabilities?.() ?? null;
  const told = JSON.stringify(capabilities);
  if (told === toldCapabilities) return;
  toldCapabilities = told;
  say({ type: 'capabilities', capabilities });
  if (capabilities) log.info({ event: 'store.measured', ...capabilities }, 'the reading store was tried out');
}

function stopped(follower: Follower, error: Error): void {
  const found = storeTrouble(error);
  if (!found) return;
  failing.add(follower);
  tellStore(found);
}

function recovered(follower: Follower): void {
  if (failing.delete(follower) && failing.size === 0) tellStore(null);
}

/** While nothing is to be written nobody would notice that the store is gone. */
async function probeStore(): Promise<void> {
  if (failing.size > 0 || passed.readings < headSeq) return;
  const found = (await store.check?.()) ?? null;
  if (failing.size === 0) tellStore(found);
}

function advanced({ follower }: Pump, moved: boolean): void {
  if (!moved) return;
  if (follower.cursor() > passed[follower.name]) recovered(follower);
  passed[follower.name] = follower.cursor();
  // By the books' clock periods close, and what they have changed is to be judged.
  if (follower === books) alarming.wake();
  // Resends and channel tests change the outbox without changing an alarm.
  if (follower === alerts) dispatcher.wake();
  entries.forget(Math.min(passed.readings, passed.books, passed.alerts));
  report();
}

function tellOpenAlarms(): void {
  let part: Alarm[] = [];
  let isFirst = true;
  const tell = (isLast: boolean) => {
    say({ type: 'open-alarms', alarms: part, isFirst, isLast });
    part = [];
    isFirst = false;
  };
  for (const alarm of alerts.openAlarms()) {
    if (part.push(alarm) === OPEN_ALARMS_PART) tell(false);
  }
  tell(true);
}

function report(): void {
  const neededFromSeq = Math.min(passed.readings, passed.books, alerts.restoresFromSeq());
  const nextTimerMs = followers.nextTimerMs();
  say({ type: 'progress', cursors: { ...passed }, nextTimerMs, neededFromSeq });
}

port.on('message', (message: ToFollowers) => {
  if (message.type === 'published') {
    const waiting = publishing.get(message.id);
    publishing.delete(message.id);
    if (message.error === null) waiting?.resolve();
    else waiting?.reject(new Error(message.error));
    return;
  }
  if (message.type === 'quarantined') {
    followers.quarantined(message.ids);
    return;
  }
  if (message.type === 'loss-noted') {
    fit.told(message.id);
    return;
  }
  if (message.type === 'committed') headSeq = Math.max(headSeq, message.headSeq);
  for (const loop of loops) {
    if (message.type === 'stop') loop.stop();
    else if (message.type === 'hurry') loop.hurry();
    else loop.wake();
  }
});

function tellMetrics(): void {
  const recount = followers.recount.progress();
  // It may have been waiting for the store, and nothing else would wake it.
  if (recount || coldHours.isDue()) stored.wake();
  tellCapabilities();
  const damages = takeDamages();
  if (damages.length > 0) say({ type: 'damages', damages });
  const { stored: settledStored, duplicate } = countSettled.get() as { stored: number; duplicate: number };
  say({
    type: 'metrics',
    recount,
    durations: Object.fromEntries(pumps.map((pump) => [pump.follower.name, pump.durations])),
    counters: {
      settled_stored: settledStored,
      settled_duplicate: duplicate,
      notices_pending: dispatcher.pending(),
      parked: parked.count(),
      lag_readings: headSeq - passed.readings,
      lag_books: headSeq - passed.books,
      lag_alerts: headSeq - passed.alerts,
    },
  });
}

const metrics = setInterval(tellMetrics, METRICS_EVERY_MS);

const watchSnapshots = createSnapshotWatch(STALE_AFTER_MS);
/** Followers hold prepared statements in every corner: the one way to open the journal anew is to begin anew. */
const watching = setInterval(() => {
  const files = watchSnapshots(clock.monotonicMs());
  if (files.length === 0) return;
  say({ type: 'stale', files });
  throw new Error(`the followers read an old state of ${files.map(({ path }) => path).join(', ')}`);
}, STALE_AFTER_MS / 2);

const probing = setInterval(() => {
  void probeStore();
  followers.tellRejected();
  tellStoreLosses();
  marks.due();
  stored.wake();
}, PROBE_EVERY_MS);
void probeStore();
const marking = setInterval(() => {
  if (marks.dueThrough(passed.books)) stored.wake();
}, MARK_EVERY_MS);

tellMetrics();
say({ type: 'ready' });
followers.tellRejected();
tellOpenAlarms();
dispatcher.wake();
await Promise.all(loops.map((loop) => loop.run()));

// What is on its way is broken off and stays in the outbox; followers aren't drained, their cursors say where they are.
clearInterval(metrics);
clearInterval(watching);
clearInterval(probing);
clearInterval(marking);
await dispatcher.close();
alerts.checkpoint();
await store.close();
derived.close();
reader.close();
port.close();
