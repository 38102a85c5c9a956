/**
 * What comes round by itself: ticks for followers' timers while nothing arrives, pruning, and each minute the ledgers and
 * whatever reports and closings are due.
 * All of it may fail and is tried again on its next turn.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { schedule } from 'node-cron';
import type { Logger } from 'pino';
import type { PeriodKeeper } from '#api/books/period-keeper.ts';
import type { Queries } from '#api/queries.ts';
import type { Broker } from '#ingest/transports/broker.ts';
import type { OpenJournalReader } from '#journal/reader.ts';
import type { JournalWriter } from '#journal/writer.ts';
import type { Config } from '#model/config.ts';
import type { FollowersClient } from '#process/followers-client.ts';
import { STALE_AFTER_MS, type StaleFile } from '#process/stale-reads.ts';
import type { Troubles } from '#process/troubles.ts';
import { gatewayLedger, ledgerView } from '#readings/gateway-ledger.ts';
import type { Clock } from '#src/clock.ts';
import { createSnapshotWatch } from '#src/sqlite.ts';
import { judgePlatform, type PlatformSample, type PlatformVerdict } from './conditions.ts';
import type { Crowding } from './crowding.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { LetterWatch } from './letter-watch.ts';
import { holesOverdue } from './sequence-holes.ts';
import type { PlatformWatch } from './watch.ts';

const TURN_MS = 1000;

export interface HouseParts {
  journal: JournalWriter;
  followers: FollowersClient;
  broker: Broker;
  reader: OpenJournalReader;
  queries: Queries;
  platform: PlatformWatch;
  letters: LetterWatch;
  /** Conditions that are there now: written here, read by whoever tells of them. */
  seen: Set<string>;
  heartbeat: Heartbeat;
  periods: PeriodKeeper;
  troubles: Troubles;
  /** Whether the routes name a channel with a recipient. */
  isAnybodyTold: () => boolean;
  crowding: Crowding;
  tellStale: (thread: string, files: StaleFile[]) => void;
  clock: Clock;
  log: Logger;
}

/** @returns what ends it. */
export function keepHouse(config: Config, parts: HouseParts): () => void {
  const { journal, followers, platform, letters, seen, heartbeat, periods, log } = parts;
  let verdict: PlatformVerdict | null = null;
  const beganMs = parts.clock.monotonicMs();
  let lastHeadSeq = journal.headSeq;
  let isPruning = false;
  const failed = (error: unknown) =>
    log.error({ event: 'housekeeping.failed', err: error }, 'housekeeping failed, trying again');
  const tick = async () => {
    const timerMs = followers.nextTimerMs();
    const isQuiet = journal.headSeq === lastHeadSeq;
    lastHeadSeq = journal.headSeq;
    if (isQuiet && timerMs !== null && journal.receivedNowMs() >= timerMs) await journal.appendTick();
  };
  const prune = async () => {
    const keepSeq = followers.neededFromSeq();
    if (isPruning || keepSeq === null) return;
    isPruning = true;
    try {
      while (journal.pruneTo(keepSeq, config.journalRetentionMs) > 0) await nextTurn();
    } finally {
      isPruning = false;
    }
  };
  const watchSnapshots = createSnapshotWatch(STALE_AFTER_MS);
  const refresh = () => {
    const files = watchSnapshots(parts.clock.monotonicMs());
    if (files.length === 0) return;
    parts.reader.renew();
    parts.tellStale('main', files);
  };
  const timer = setInterval(() => {
    try {
      refresh();
    } catch (error) {
      failed(error);
    }
    tick().catch(failed);
    try {
      const upMs = parts.clock.monotonicMs() - beganMs;
      const grace = { nowMs: journal.receivedNowMs(), upMs, graceMs: config.sequenceGraceMs };
      verdict = judgePlatform(sampleOf(parts, holesOverdue(journal.numberings.all(), grace)), verdict);
      seen.clear();
      for (const [condition, finding] of verdict.conditions) {
        platform.set(condition, finding);
        if (finding) seen.add(condition);
      }
      letters.tick();
      platform.tick();
    } catch (error) {
      failed(error);
    }
    prune().catch(failed);
  }, TURN_MS);
  const ledgers = schedule('* * * * *', () => publishLedgers(parts).catch(failed), { name: 'ledgers' });
  const beats = schedule('* * * * *', () => heartbeat.ping(), { name: 'heartbeat' });
  // Due at 08:00 of WK_TIME_ZONE (volume/due-periods.ts); asked each minute, so that no missed hour is missed for good.
  const makeDue = () => void periods.run().catch(failed);
  makeDue();
  const closings = schedule('* * * * *', makeDue, { name: 'periods' });
  // The first one at once: who restarts a service wants to see that it is back.
  void heartbeat.ping();
  return () => {
    void beats.destroy();
    void closings.destroy();
    periods.stop();
    clearInterval(timer);
    void ledgers.destroy();
  };
}

/** Age of the oldest entry that each follower has not passed, seconds. */
export function lagSeconds({ followers, reader, clock }: Pick<HouseParts, 'followers' | 'reader' | 'clock'>) {
  const nowMs = clock.nowMs();
  const lag = (seq: number) => {
    const oldestMs = reader.receivedMsAfter(seq);
    return oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs) / 1000;
  };
  const { readings, books, alerts } = followers.cursors();
  return { readings: lag(readings), books: lag(books), alerts: lag(alerts) };
}

function sampleOf(parts: HouseParts, holes: PlatformSample['holes']): PlatformSample {
  const { journal, followers, reader, troubles, clock } = parts;
  const { commits, failedCommits } = journal.counters;
  const counters = followers.counters();
  return {
    nowMs: clock.nowMs(),
    monotonicMs: clock.monotonicMs(),
    receivedNowMs: journal.receivedNowMs(),
    journal: { usedShare: journal.usedShare(), commits, failedCommits, failure: journal.lastFailure },
    quarantineDropped: reader.quarantine.size().dropped,
    lagSeconds: lagSeconds(parts),
    parked: counters.parked ?? null,
    recount: followers.recount(),
    isAnybodyTold: parts.isAnybodyTold(),
    dotted: troubles.canary?.levels === 'split' ? dottedGateways(journal) : [],
    holes,
    crowded: parts.crowding.seen(),
    ...troubles,
  };
}

const dottedGateways = ({ control }: JournalWriter): string[] =>
  control.list('gateway').flatMap(({ id }) => (id.includes('.') ? [id] : []));

/** Each gateway's ledger on its retained topic (contracts §3): received = stored + duplicate + quarantined + pending. */
async function publishLedgers({ journal, broker, reader, queries }: HouseParts): Promise<void> {
  if (broker.isUp === false) return;
  const gaps = journal.control.list('gap').map(({ body }) => body);
  for (const { id } of journal.control.list('gateway')) {
    const ledger = ledgerView(await gatewayLedger(queries, reader, id), gaps);
    if (ledger.since !== null) await broker.publishLedger(id, JSON.stringify(ledger));
  }
}
