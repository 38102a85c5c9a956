/**
 * The composition root: configuration → parts → run → close in reverse. Read it from top to bottom to learn who talks
 * to whom; it is the only file that knows every part.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { checkAddress } from '#alerts/channels/address.ts';
import { webhookPolicy } from '#alerts/channels/webhook-policy.ts';
import { checkRule } from '#alerts/rules/rules.ts';
import { watchReach } from '#alerts/telling/reach.ts';
import { createTokens } from '#api/access/tokens.ts';
import { createClosings } from '#api/books/closings.ts';
import { createPeriodKeeper } from '#api/books/period-keeper.ts';
import { buildServer } from '#api/server.ts';
import { createAlarmTopics } from '#api/streams/alarm-topics.ts';
import { createLive } from '#api/streams/live.ts';
import { createGate, type Gate } from '#ingest/gate.ts';
import { type DataDir, openDataDir } from '#installation/data-dir.ts';
import { fitFiles } from '#installation/fit-files.ts';
import { type OpenJournalReader, openJournalReader } from '#journal/reader.ts';
import { createLossTelling } from '#journal/tell-losses.ts';
import { type JournalWriter, openJournal } from '#journal/writer.ts';
import type { Config } from '#model/config.ts';
import type { Entry } from '#model/entry.ts';
import type { Reading } from '#model/reading.ts';
import { createCrowding } from '#platform/crowding.ts';
import { createHeartbeat } from '#platform/heartbeat.ts';
import { keepHouse, lagSeconds, type Troubles } from '#platform/housekeeping.ts';
import { createLetterWatch } from '#platform/letter-watch.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serviceMetrics } from '#platform/service-metrics.ts';
import { createStaleTelling } from '#platform/tell-stale-reads.ts';
import { createPlatformWatch, standingConditions } from '#platform/watch.ts';
import { startFollowersWorker } from '#process/followers-client.ts';
import type { FromFollowers } from '#process/followers-protocol.ts';
import { startQueryWorkers } from '#process/query-client.ts';
import { createRehearsals } from '#process/rehearsals.ts';
import { newestConflict, quarantineRejected } from '#process/rejected-readings.ts';
import { NO_DAMAGE, withDamages } from '#process/seen-damage.ts';
import type { Damage } from '#readings/damage.ts';
import { openSeriesState } from '#readings/series-state.ts';
import { tryStore } from '#readings/try-store.ts';
import { readSeeds, SEED_ACTOR, seedCommands } from '#seeds/load.ts';
import { loadReference } from '#seeds/reference.ts';
import { createLogInLimit, createPasswordVerifier } from '#setting/secrets.ts';
import { systemClock as clock } from './clock.ts';
import { openReadOnly } from './sqlite.ts';
import { startBroker } from './start-broker.ts';

/** At least so many of the newest entries fill the door's rings at start. */
const RING_ENTRIES = 2000;
const READ_ENTRIES = 500;
/** Who journals what nobody did: changes of the platform. */
const SYSTEM_ACTOR = 'system';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

export interface Service {
  httpPort: number;
  mqttPort: number | null;
  close(): Promise<void>;
}

/**
 * Not split: nearly every line needs what the lines before it made, and the order is what a reader comes for.
 * @param stopping once aborted no port is told any more, and a start that hasn't got so far ends there.
 * @throws StoreError, SeedError or a system error when a part can't start; what had started is closed again.
 */
export async function startService(config: Config, log: Logger, stopping: AbortSignal): Promise<Service> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    let store = await tryStore(config, log);
    const dataDir = openDataDir(config.dataDir);
    const readingsIn = config.influx ? 'influxdb' : 'sqlite';
    await fitFiles({ dataDir: config.dataDir, readingsIn, nowMs: clock.nowMs(), stopping });
    const journal = openJournal({
      path: dataDir.journal,
      clock,
      maxBytes: config.journalMaxBytes,
      ackMaxDelayMs: config.ackMaxDelayMs,
      log,
    });
    closers.push(() => journal.close());
    // Ports of an earlier process would send clients to nowhere.
    dataDir.clearPorts();
    // At once when it is to stop: closing may take longer than it is given.
    stopping.addEventListener('abort', () => dataDir.clearPorts());
    closers.push(() => dataDir.clearPorts());
    const tellPort: typeof dataDir.writePort = (name, port) => {
      stopping.throwIfAborted();
      dataDir.writePort(name, port);
    };
    const losses = createLossTelling(journal, SYSTEM_ACTOR, log);
    const reader = openJournalReader(dataDir.journal, losses.damaged);
    closers.push(() => reader.close());
    await journal.start();
    await losses.tell();
    const { control } = journal;
    const reference = loadReference();
    await loadSeeds(config, journal, reader, log);

    const gate = createGate({
      journal,
      control,
      reference,
      clock,
      maxMessageBytes: config.maxMessageBytes,
      rawRetentionMs: config.rawRetentionMs,
      onUnexplained: (source, station, letter) => letters.heard(source, station, letter),
      storeEarliestMs: () => store?.earliestMs ?? null,
    });
    const standing = standingConditions(reader);
    remember(gate, reader, dataDir);
    const platform = createPlatformWatch({
      append: (change) => journal.appendCommand(SYSTEM_ACTOR, change),
      clock,
      log,
    });
    platform.standing(standing);
    const letters = createLetterWatch({ control, platform, clock, standing });
    closers.push(() => platform.close());
    const tellStale = createStaleTelling({ platform, clock, log });
    const queryWorkers = startQueryWorkers(config, {
      onDeath: (error) =>
        log.error({ event: 'queries.restarted', err: error }, 'a query worker ended; the next question starts another'),
      onStale: (files) => tellStale('queries', files),
      onDamage: (met) => damaged(met),
    });
    closers.push(() => queryWorkers.close());
    const rehearsals = createRehearsals(config, reference);

    const { queries } = queryWorkers;
    const tokens = createTokens(control, dataDir.adminToken(config.adminToken));
    if (!config.adminToken)
      log.info(
        { event: 'admin.token', file: dataDir.adminTokenFile },
        `the administrator's token is in ${dataDir.adminTokenFile}`,
      );
    const verifier = createPasswordVerifier();
    const crowding = createCrowding(clock, log);
    const crowded = crowding.reached;
    const logIns = createLogInLimit(clock, undefined, (address) => crowded('log-in.address', address));
    const waitingFor = new Set(['followers', 'http', config.mqtt.kind === 'embedded' ? 'mqtt' : 'broker']);

    const outer = config.mqtt.kind === 'embedded' ? null : undefined;
    const troubles: Troubles = {
      store: undefined,
      broker: outer,
      canary: outer,
      typeConflict: null,
      damage: NO_DAMAGE,
    };
    const damaged = (met: Damage[]) => {
      troubles.damage = withDamages(troubles.damage, met, clock.monotonicMs(), log);
    };
    const access = {
      checkViewer: (token: string) => tokens.holder(token) !== undefined,
      viewerName: (key: string) => tokens.holderOfHash(key)?.name,
      verifier,
      logIns,
      crowded,
    };
    const intake = { door: gate, control, clock, log, maxMessageBytes: config.maxMessageBytes };
    const onUp = () => {
      waitingFor.delete('broker');
      topics.refresh().catch(failedTopic);
    };
    const outside = { troubles, platform, journal, sessionPath: dataDir.mqttSession, onUp };
    const broker = await startBroker(config, { ...intake, ...access }, outside);
    closers.push(() => broker.close());
    const mqttPort = 'port' in broker ? broker.port : null;
    if (mqttPort !== null) {
      tellPort('mqtt', mqttPort);
      waitingFor.delete('mqtt');
    }
    const topics = createAlarmTopics(broker);
    const failedTopic = (error: unknown) =>
      log.error({ event: 'alarm-topics.failed', err: error }, 'an alarm topic could not be published');
    const hear = (message: FromFollowers): void => {
      switch (message.type) {
        case 'open-alarms':
          topics.reset(message).catch(failedTopic);
          return;
        case 'alarms':
          live.alarms(message.changes);
          for (const { alarm } of message.changes) topics.changed(alarm).catch(failedTopic);
          return;
        case 'progress':
          live.passed(message.cursors.alerts);
          return;
        case 'reflagged':
          for (const { series, ...reading } of message.readings) gate.settle(series, reading);
          return;
        case 'publish': {
          const { id, topic, payload, retain } = message;
          const reply = (error: string | null) => followers.reply({ type: 'published', id, error });
          broker.publish(topic, payload, { retain }).then(
            () => reply(null),
            (error: Error) => reply(error.message),
          );
          return;
        }
        case 'store':
          troubles.store = message.trouble;
          return;
        case 'capabilities':
          // Of a server that is away what it was before holds: it is mostly the same one that comes back.
          store = message.capabilities ?? store;
          return;
        case 'rejected':
          troubles.typeConflict = newestConflict(message.readings, clock.monotonicMs()) ?? troubles.typeConflict;
          quarantineRejected(journal, message.readings).then(
            (ids) => followers.reply({ type: 'quarantined', ids }),
            (error) => log.error({ event: 'quarantine.failed', err: error }, 'refused readings wait for quarantine'),
          );
          return;
        case 'damages':
          damaged(message.damages);
          return;
        case 'damaged-batch':
          losses.damaged(message.damage);
          return;
        case 'stale':
          tellStale('followers', message.files);
          return;
        case 'parked':
          live.health({ event: 'follower.parked', follower: message.follower, seq: message.seq });
          return;
      }
    };
    const live = createLive(reader, reference);
    const followers = await startFollowersWorker({
      config,
      reference,
      linkSecret: dataDir.installationKey(),
      onMessage: hear,
      onDeath: (error) => {
        log.error({ event: 'followers.restarted', err: error }, "the followers' worker ended; starting it again");
        platform.event('followers.restarting', clock.nowMs(), error.message);
      },
    });
    closers.push(() => followers.close());
    followers.committed(journal.headSeq);
    journal.onCommit((entries) => {
      followers.committed(journal.headSeq);
      live.committed(entries);
    });
    waitingFor.delete('followers');

    const seen = new Set<string>();
    const heartbeat = createHeartbeat({
      url: config.heartbeatUrl,
      sickness: () => (followers.isAlive() ? (seen.has('journal.unwritable') ? 'journal' : null) : 'followers'),
      log,
    });
    const caughtUp = (follower: 'readings' | 'books' | 'alerts') => followers.caughtUp(follower, journal.headSeq);
    const closings = createClosings({ config, control, journal, queries, reference, clock, caughtUp });
    const server = await buildServer({
      config,
      clock,
      log,
      journal,
      reader,
      control,
      door: gate,
      queries,
      drawReport: queryWorkers.drawReport,
      reference,
      live,
      tokens,
      verifier,
      logIns,
      crowded,
      linkSecret: dataDir.installationKey(),
      closings,
      caughtUp,
      readiness: () => ({
        ready: waitingFor.size === 0,
        waitingFor: [...waitingFor],
        recounting: followers.recount(),
      }),
      metrics: createMetrics(
        serviceMetrics({
          version: manifest.version,
          journal,
          reader,
          followers,
          broker,
          heartbeat,
          questions: queryWorkers.counts,
          crowding,
          seen: () => seen,
          lagSeconds: () => lagSeconds({ followers, reader, clock }),
        }),
      ),
      disconnectGateway: (id) => broker.disconnectGateway(id),
      gatewaySeenMs: (id) => broker.lastSeenMs(id),
      checkRule: (rule) => checkRule(rule, control, reference),
      rehearse: rehearsals.run,
      checkChannel: async ({ url }) => {
        const fault = url === undefined ? null : await checkAddress(url, webhookPolicy(config));
        return fault ? [fault] : [];
      },
    });
    closers.push(() => server.close());
    // First, since the server waits for whoever waits for one.
    closers.push(() => rehearsals.close());
    // Worked out once, while nobody waits: later it would hold gateways up for a fifth of a second.
    server.swagger();
    await server.listen({ host: config.http.host, port: config.http.port });
    const httpPort = (server.server.address() as AddressInfo).port;
    waitingFor.delete('http');
    tellPort('http', httpPort);
    closers.push(
      keepHouse(config, {
        journal,
        followers,
        broker,
        reader,
        queries,
        platform,
        letters,
        seen,
        heartbeat,
        periods: createPeriodKeeper({ config, control, journal, reader, closings, log }),
        troubles,
        isAnybodyTold: watchReach(control),
        crowding,
        tellStale,
        clock,
        log,
      }),
    );
    log.info({ event: 'service.ready', httpPort, mqttPort }, `ready on http://${config.http.host}:${httpPort}`);
    return { httpPort, mqttPort, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function loadSeeds(
  config: Config,
  journal: JournalWriter,
  reader: OpenJournalReader,
  log: Logger,
): Promise<void> {
  if (config.seedsDir === null) return;
  const commands = seedCommands(readSeeds(config.seedsDir), journal.control, {
    nowMs: journal.receivedNowMs(),
    isRead: (station, parameter) => reader.seriesByName(station, parameter) !== undefined,
  });
  await Promise.all(commands.map((command) => journal.appendCommand(SEED_ACTOR, command)));
  if (commands.length > 0)
    log.info(
      { event: 'seeds.loaded', commands: commands.length },
      `${commands.length} register entries loaded from seeds`,
    );
}

/** Fills the door's memory: the newest reading of each series, and whatever the followers haven't passed. */
function remember(gate: Gate, reader: OpenJournalReader, dataDir: DataDir): void {
  const newest = new Map<number, Reading>();
  let passedSeq = 0;
  if (existsSync(dataDir.derived)) {
    const derived = openReadOnly(dataDir.derived);
    try {
      const row = derived.prepare("SELECT seq FROM cursor WHERE follower = 'settled'").get() as
        | { seq: number }
        | undefined;
      passedSeq = row?.seq ?? 0;
      for (const { series, ...reading } of openSeriesState(derived).all()) newest.set(series, reading);
    } finally {
      derived.close();
    }
  }
  gate.rebuild(entriesAfter(reader, Math.min(passedSeq, reader.headSeq() - RING_ENTRIES)), newest);
}

function* entriesAfter(reader: OpenJournalReader, after: number): Generator<Entry> {
  for (let seq = after; ; ) {
    const entries = reader.read(seq, READ_ENTRIES);
    if (entries.length === 0) return;
    yield* entries;
    seq = entries.at(-1)!.seq;
  }
}
