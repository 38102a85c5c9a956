/**
 * The composition root: configuration → parts → run → close in reverse. Read it from top to bottom to learn who talks
 * to whom; it is the only file that knows every part.
 */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { schedule } from 'node-cron';
import type { Logger } from 'pino';
import { checkAddress } from '#alerts/channels/address.ts';
import { checkRule } from '#alerts/rules.ts';
import { createLive } from '#api/live.ts';
import { buildServer } from '#api/server.ts';
import { createTokens } from '#api/tokens.ts';
import { createGate, type Gate } from '#ingest/gate.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import type { Config } from '#model/config.ts';
import type { Entry } from '#model/entry.ts';
import type { Reading } from '#model/reading.ts';
import { readSeeds, SEED_ACTOR, seedCommands } from '#seeds/load.ts';
import { loadReference } from '#seeds/reference.ts';
import { gatewayLedger } from '#store/gateway-ledger.ts';
import { type JournalWriter, openJournal } from '#store/journal.ts';
import { type OpenJournalReader, openJournalReader } from '#store/journal-reader.ts';
import { openSeriesState } from '#store/series-state.ts';
import { openReadOnly, StoreError } from '#store/sqlite.ts';
import { createAlarmTopics } from './alarm-topics.ts';
import { systemClock as clock } from './clock.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { type FollowersClient, startFollowersWorker } from './followers-client.ts';
import type { FromFollowers } from './followers-protocol.ts';
import { createMetrics } from './metrics.ts';
import { startQueryWorker } from './query-client.ts';
import { createLogInLimit, createPasswordVerifier } from './secrets.ts';
import { serviceMetrics } from './service-metrics.ts';
import { webhookPolicy } from './webhook-policy.ts';

/** At least so many of the newest entries fill the door's rings at start. */
const RING_ENTRIES = 2000;
const READ_ENTRIES = 500;
const HOUSEKEEPING_MS = 1000;

export interface Service {
  httpPort: number;
  mqttPort: number | null;
  close(): Promise<void>;
}

/**
 * Not split: nearly every line needs what the lines before it made, and the order is what a reader comes for.
 * @throws StoreError, SeedError or a system error when a part can't start; what had started is closed again.
 */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    if (config.mqtt.kind === 'external' || config.influx) {
      const setting = config.influx ? 'WK_INFLUX_URL' : 'WK_MQTT_URL';
      throw new StoreError(
        'config.invalid',
        `${setting} is set, but this version only has its embedded broker and store`,
        false,
      );
    }
    const dataDir = openDataDir(config.dataDir);
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
    closers.push(() => dataDir.clearPorts());
    const reader = openJournalReader(dataDir.journal);
    closers.push(() => reader.close());
    await journal.start();
    const { control } = journal;
    const reference = loadReference();
    await loadSeeds(config, journal, log);

    const gate = createGate({ journal, control, reference, clock, maxMessageBytes: config.maxMessageBytes });
    remember(gate, reader, dataDir);
    const queryWorker = startQueryWorker(config, (error) =>
      log.error({ event: 'queries.restarted', err: error }, 'the query worker ended and was started again'),
    );
    closers.push(() => queryWorker.close());

    const { queries } = queryWorker;
    const tokens = createTokens(control, dataDir.adminToken(config.adminToken));
    if (!config.adminToken)
      log.info(
        { event: 'admin.token', file: dataDir.adminTokenFile },
        `the administrator's token is in ${dataDir.adminTokenFile}`,
      );
    const verifier = createPasswordVerifier();
    const logIns = createLogInLimit(clock);
    const waitingFor = new Set(['followers', 'http', ...(config.mqtt.kind === 'embedded' ? ['mqtt'] : [])]);

    let broker: EmbeddedBroker | null = null;
    if (config.mqtt.kind === 'embedded') {
      broker = await startEmbeddedBroker({
        host: config.mqtt.host,
        port: config.mqtt.port,
        door: gate,
        control,
        clock,
        log,
        maxMessageBytes: config.maxMessageBytes,
        checkViewer: (token) => tokens.holder(token) !== undefined,
        verifier,
        logIns,
      });
      closers.push(() => broker?.close());
      dataDir.writePort('mqtt', broker.port);
      waitingFor.delete('mqtt');
    }
    const topics = createAlarmTopics({
      publish: async (topic, payload, options) => broker?.publish(topic, payload, options),
      clearRetained: async (topic) => broker?.clearRetained(topic),
    });
    const hear = (message: FromFollowers): void => {
      const failed = (error: unknown) =>
        log.error({ event: 'alarm-topics.failed', err: error }, 'an alarm topic could not be published');
      switch (message.type) {
        case 'open-alarms':
          topics.reset(message.alarms).catch(failed);
          return;
        case 'alarms':
          live.alarms(message.changes);
          for (const { alarm } of message.changes) topics.changed(alarm).catch(failed);
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
          const published = broker?.publish(topic, payload, { retain }) ?? Promise.reject(new Error('no broker'));
          published.then(
            () => reply(null),
            (error: Error) => reply(error.message),
          );
          return;
        }
        case 'parked':
          live.health({ event: 'follower.parked', follower: message.follower, seq: message.seq });
          return;
      }
    };
    const live = createLive(reader, reference);
    const followers = await startFollowersWorker({
      config,
      reference,
      onMessage: hear,
      onDeath: (error) =>
        log.error({ event: 'followers.restarted', err: error }, "the followers' worker ended; starting it again"),
    });
    closers.push(() => followers.close());
    followers.committed(journal.headSeq);
    journal.onCommit((entries) => {
      followers.committed(journal.headSeq);
      live.committed(entries);
    });
    waitingFor.delete('followers');

    const server = await buildServer({
      config,
      clock,
      log,
      journal,
      reader,
      control,
      door: gate,
      queries,
      reference,
      live,
      tokens,
      verifier,
      logIns,
      linkSecret: dataDir.installationKey(),
      caughtUp: (follower) => followers.caughtUp(follower, journal.headSeq),
      readiness: () => ({ ready: waitingFor.size === 0, waitingFor: [...waitingFor] }),
      metrics: createMetrics(serviceMetrics({ journal, reader, followers, broker })),
      disconnectGateway: (id) => broker?.disconnectGateway(id),
      checkRule: (rule) => checkRule(rule, control, reference),
      checkChannel: async ({ url }) => {
        const fault = url === undefined ? null : await checkAddress(url, webhookPolicy(config));
        return fault ? [fault] : [];
      },
    });
    closers.push(() => server.close());
    await server.listen({ host: config.http.host, port: config.http.port });
    const httpPort = (server.server.address() as AddressInfo).port;
    waitingFor.delete('http');
    dataDir.writePort('http', httpPort);
    closers.push(keepHouse(config, { journal, followers, broker, reader, queries }, log));
    log.info(
      { event: 'service.ready', httpPort, mqttPort: broker?.port ?? null },
      `ready on http://${config.http.host}:${httpPort}`,
    );
    return { httpPort, mqttPort: broker?.port ?? null, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function loadSeeds(config: Config, journal: JournalWriter, log: Logger): Promise<void> {
  if (config.seedsDir === null) return;
  const commands = seedCommands(readSeeds(config.seedsDir), journal.control);
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

interface HouseParts {
  journal: JournalWriter;
  followers: FollowersClient;
  broker: EmbeddedBroker | null;
  reader: OpenJournalReader;
  queries: ReturnType<typeof startQueryWorker>['queries'];
}

/**
 * What comes round by itself: ticks for followers' timers while nothing arrives, pruning, and each minute the ledgers.
 * @returns what ends it.
 */
function keepHouse(config: Config, parts: HouseParts, log: Logger): () => void {
  const { journal, followers } = parts;
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
  const timer = setInterval(() => {
    tick().catch(failed);
    prune().catch(failed);
  }, HOUSEKEEPING_MS);
  const ledgers = schedule('* * * * *', () => publishLedgers(parts).catch(failed), { name: 'ledgers' });
  return () => {
    clearInterval(timer);
    void ledgers.destroy();
  };
}

/** Each gateway's ledger on its retained topic (contracts §3): received = stored + duplicate + quarantined + pending. */
async function publishLedgers({ journal, broker, reader, queries }: HouseParts): Promise<void> {
  if (!broker) return;
  for (const { id } of journal.control.list('gateway')) {
    const { sinceMs, ...counts } = await gatewayLedger(queries, reader, id);
    if (sinceMs === null) continue;
    await broker.publishLedger(id, JSON.stringify({ ...counts, since: new Date(sinceMs).toISOString() }));
  }
}
