/**
 * The composition root: configuration → parts → run → close in reverse. `startService` is its table of contents, in the
 * order in which things start; below it stands each part with whom it is told of. The only file that knows every part.
 */
import { readFileSync } from 'node:fs';
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
import { createAlarmTopics, topicFailed } from '#api/streams/alarm-topics.ts';
import { createLive } from '#api/streams/live.ts';
import { createGate } from '#ingest/gate.ts';
import { startTcp } from '#ingest/transports/tcp.ts';
import { warmUp } from '#ingest/warm-up.ts';
import { openDataDir } from '#installation/data-dir.ts';
import { fitFiles } from '#installation/fit-files.ts';
import { openPorts } from '#installation/ports.ts';
import { openJournalReader } from '#journal/reader.ts';
import { createLossTelling } from '#journal/tell-losses.ts';
import { openJournal } from '#journal/writer.ts';
import { phrase, told } from '#model/alarms/phrases.ts';
import type { Config } from '#model/config.ts';
import { type FollowerName, SYSTEM_ACTOR } from '#model/entry.ts';
import { cycleMs } from '#model/register.ts';
import { createCrowding } from '#platform/crowding.ts';
import { createHeartbeat } from '#platform/heartbeat.ts';
import { keepHouse, lagSeconds } from '#platform/housekeeping.ts';
import { createLetterWatch } from '#platform/letter-watch.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serviceMetrics } from '#platform/service-metrics.ts';
import { createStaleTelling } from '#platform/tell-stale-reads.ts';
import { createPlatformWatch, standingConditions } from '#platform/watch.ts';
import { fillDoor } from '#process/fill-door.ts';
import { startFollowersWorker } from '#process/followers-client.ts';
import { hearFollowers } from '#process/hear-followers.ts';
import { startQueryWorkers } from '#process/query-client.ts';
import { createRehearsals } from '#process/rehearsals.ts';
import { withDamages } from '#process/seen-damage.ts';
import { noTroubles } from '#process/troubles.ts';
import type { Damage } from '#readings/damage.ts';
import { tryStore } from '#readings/try-store.ts';
import { loadSeeds } from '#seeds/load.ts';
import { loadReference } from '#seeds/reference.ts';
import { createLogInLimit, createPasswordVerifier } from '#setting/secrets.ts';
import { systemClock as clock } from './clock.ts';
import { startBroker } from './start-broker.ts';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

export interface Service {
  httpPort: number;
  mqttPort: number | null;
  close(): Promise<void>;
}

/** What every part is started with. */
interface Start {
  config: Config;
  log: Logger;
  stopping: AbortSignal;
  /** What ends the parts, in the order in which they started: called in reverse. */
  closers: (() => unknown)[];
  /** What `/readyz` names while it is missing. */
  waitingFor: Set<string>;
}

/** What a part has for the later ones. */
type Made<Part extends (...args: never[]) => unknown> = Awaited<ReturnType<Part>>;
type Files = Made<typeof openFiles>;
type Platform = Made<typeof openPlatform>;
type Doors = Made<typeof openDoor>;
type Questions = Made<typeof startQuestions>;
type Access = Made<typeof openAccess>;
type Mqtt = Made<typeof startMqtt>;
type Devices = Made<typeof startDevices>;
type Followers = Made<typeof startFollowers>;
type Signs = Made<typeof openSigns>;
type Closing = Made<typeof openClosings>;

/**
 * @param stopping once aborted no port is told any more, and a start that hasn't got so far ends there.
 * @throws StoreError, SeedError or a system error when a part can't start; what had started is closed again.
 */
export async function startService(config: Config, log: Logger, stopping: AbortSignal): Promise<Service> {
  const closers: Start['closers'] = [];
  const waitingFor = new Set(['followers', 'http', config.mqtt.kind === 'embedded' ? 'mqtt' : 'broker']);
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const start: Start = { config, log, stopping, closers, waitingFor };
    const store = await tryStore(config, log);
    const files = await openFiles(start, store.markedSeq);
    const platform = openPlatform({ ...start, ...files });
    const door = openDoor({ ...start, ...files, ...platform, store });
    const questions = startQuestions({ ...start, ...files, ...platform });
    const access = openAccess({ ...start, ...files, ...platform });
    const mqtt = await startMqtt({ ...start, ...files, ...platform, ...door, ...access });
    const devices = await startDevices({ ...start, ...files, ...platform, ...door, ...access });
    const followers = await startFollowers({ ...start, ...files, ...platform, ...door, ...access, ...mqtt, store });
    const signs = openSigns({ ...start, ...files, ...platform, ...questions, ...mqtt, ...devices, ...followers });
    const closing = openClosings({ ...start, ...files, ...questions, ...followers });
    const doors = { ...door, ...mqtt, ...devices };
    const all = { ...start, ...files, ...platform, ...doors, ...questions, ...access, ...followers, ...signs };
    const httpPort = await startHttp({ ...all, ...closing });
    closers.push(keepHouse(config, { ...all, ...closing, isAnybodyTold: watchReach(files.control), clock }));
    const { mqttPort } = mqtt;
    log.info({ event: 'service.ready', httpPort, mqttPort }, `ready on http://${config.http.host}:${httpPort}`);
    return { httpPort, mqttPort, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The data directory, compared with itself; the journal and what reads it; registers as the seeds want them. */
async function openFiles({ config, log, stopping, closers }: Start, storeSeq: number) {
  const dataDir = openDataDir(config.dataDir);
  const readingsIn = config.influx ? 'influxdb' : 'sqlite';
  await fitFiles({ dataDir: config.dataDir, readingsIn, storeSeq, nowMs: clock.nowMs(), stopping });
  const journal = openJournal({
    path: dataDir.journal,
    clock,
    maxBytes: config.journalMaxBytes,
    ackMaxDelayMs: config.ackMaxDelayMs,
    log,
  });
  closers.push(() => journal.close());
  const ports = openPorts(dataDir, stopping);
  closers.push(ports.clear);
  const losses = createLossTelling(journal, log);
  const reader = openJournalReader(dataDir.journal, losses.damaged);
  closers.push(() => reader.close());
  await journal.start();
  await losses.tell();
  const reference = loadReference();
  const seeded = config.seedsDir === null ? 0 : await loadSeeds(config.seedsDir, journal, reader);
  if (seeded > 0) log.info({ event: 'seeds.loaded', commands: seeded }, `${seeded} register entries loaded from seeds`);
  return { dataDir, ports, losses, journal, reader, control: journal.control, reference };
}

/** What watches over the service, and whom the other parts tell. */
function openPlatform({ config, log, closers, journal, reader, control }: Start & Files) {
  const standing = standingConditions(reader);
  const platform = createPlatformWatch({
    append: (change) => journal.appendCommand(SYSTEM_ACTOR, change),
    clock,
    log,
  });
  platform.standing(standing);
  closers.push(() => platform.close());
  const troubles = noTroubles(config.mqtt.kind !== 'embedded');
  return {
    platform,
    letters: createLetterWatch({ control, platform, clock, standing }),
    crowding: createCrowding(clock, log),
    tellStale: createStaleTelling({ platform, clock, log }),
    troubles,
    damaged(met: Damage[]) {
      troubles.damage = withDamages(troubles.damage, met, clock.monotonicMs(), log);
    },
    /** Conditions that are there now. */
    seen: new Set<string>(),
  };
}

/** Everything that is received comes through it, from whichever transport. */
function openDoor(parts: Start & Files & Platform & { store: Made<typeof tryStore> }) {
  const { config, dataDir, journal, reader, control, reference, letters, store } = parts;
  const door = createGate({
    journal,
    control,
    reference,
    clock,
    maxMessageBytes: config.maxMessageBytes,
    rawRetentionMs: config.rawRetentionMs,
    onUnexplained: letters.heard,
    storeEarliestMs: store.earliestMs,
  });
  fillDoor(door, reader, dataDir.derived);
  warmUp(door, control, clock.nowMs());
  return { door };
}

/** Threads that answer questions, and one that rehearses. */
function startQuestions({ config, log, closers, reference, tellStale, damaged }: Start & Files & Platform) {
  const { queries, drawReport, counts, close } = startQueryWorkers(config, {
    onDeath: (error) =>
      log.error({ event: 'queries.restarted', err: error }, 'a query worker ended; the next question starts another'),
    onStale: (files) => tellStale('queries', files),
    onDamage: damaged,
  });
  closers.push(close);
  return { queries, drawReport, questions: counts, rehearsals: createRehearsals(config, reference) };
}

/** Who may come in, by MQTT as by HTTP: one memory of passwords, one limit on failed log-ins. */
function openAccess({ config, log, dataDir, control, crowding }: Start & Files & Platform) {
  const tokens = createTokens(control, dataDir.adminToken(config.adminToken));
  if (!config.adminToken)
    log.info(
      { event: 'admin.token', file: dataDir.adminTokenFile },
      `the administrator's token is in ${dataDir.adminTokenFile}`,
    );
  const crowded = crowding.reached;
  return {
    tokens,
    verifier: createPasswordVerifier(),
    crowded,
    logIns: createLogInLimit(clock, undefined, (address) => crowded('log-in.address', address)),
    /** The key under which acknowledgement links are signed. */
    linkSecret: dataDir.installationKey(),
  };
}

/** The broker, our own or the client of one outside, and the topics of open alarms on it. */
async function startMqtt(parts: Start & Files & Platform & Doors & Access) {
  const { config, log, closers, waitingFor, dataDir, ports, tokens, door, control, platform, journal, troubles } =
    parts;
  const { verifier, logIns, crowded } = parts;
  const access = {
    checkViewer: (token: string) => tokens.holder(token) !== undefined,
    viewerName: (key: string) => tokens.holderOfHash(key)?.name,
    verifier,
    logIns,
    crowded,
  };
  const intake = { door, control, clock, log, maxMessageBytes: config.maxMessageBytes };
  const onUp = () => {
    waitingFor.delete('broker');
    topics.refresh().catch(topicFailed(log));
  };
  const outside = { troubles, platform, journal, sessionPath: dataDir.mqttSession, onUp };
  const broker = await startBroker(config, { ...intake, ...access }, outside);
  closers.push(() => broker.close());
  const mqttPort = 'port' in broker ? broker.port : null;
  if (mqttPort !== null) {
    ports.tell('mqtt', mqttPort);
    waitingFor.delete('mqtt');
  }
  const topics = createAlarmTopics(broker);
  return { broker, mqttPort, topics };
}

/** Devices that speak their own protocol over bare TCP, where that is configured. */
async function startDevices(parts: Start & Files & Platform & Doors & Access) {
  const { config, log, closers, ports, reader, control, door, platform, crowded } = parts;
  const tcp = await startTcp({
    addresses: config.tcp,
    door,
    control,
    clock,
    log,
    crowded,
    contested(device, here, there) {
      const { address, gateway } = device;
      platform.event(
        'device.contested',
        clock.nowMs(),
        told(phrase('device.contested', { device: address, gateway, here, there })),
      );
    },
    newestMs(station) {
      const times = reader.seriesOfStation(station).flatMap(({ id }) => door.latest(id)?.timeMs ?? []);
      return times.length === 0 ? null : Math.max(...times);
    },
    cycleMs: (station) => cycleMs(control.get('station', station)),
  });
  closers.push(() => tcp.close());
  for (const [name, port] of tcp.ports) ports.tell(name, port);
  return { tcp };
}

/** The thread of the followers, told of every commit, and those who hear of what follows: live streams among them. */
async function startFollowers(
  parts: Start & Files & Platform & Doors & Access & Mqtt & { store: Made<typeof tryStore> },
) {
  const { config, log, closers, waitingFor, journal, reader, reference, platform, linkSecret } = parts;
  const live = createLive(reader, reference);
  const followers = await startFollowersWorker({
    config,
    reference,
    linkSecret,
    onMessage: hearFollowers({ ...parts, live, clock }),
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
  const caughtUp = (follower: FollowerName) => followers.caughtUp(follower, journal.headSeq);
  return { followers, live, caughtUp };
}

/** What tells others that the service is well: heartbeats and metrics. */
function openSigns(parts: Start & Files & Platform & Questions & Mqtt & Devices & Followers) {
  const { config, log, followers, reader, seen } = parts;
  const heartbeat = createHeartbeat({
    url: config.heartbeatUrl,
    sickness: () => (followers.isAlive() ? (seen.has('journal.unwritable') ? 'journal' : null) : 'followers'),
    log,
  });
  const sources = serviceMetrics({
    ...parts,
    version: manifest.version,
    heartbeat,
    seen: () => seen,
    lagSeconds: () => lagSeconds({ followers, reader, clock }),
  });
  return { heartbeat, metrics: createMetrics(sources) };
}

/** Closings of periods and reports of days, made when asked for and when due. */
function openClosings(parts: Start & Files & Questions & Followers) {
  const closings = createClosings({ ...parts, clock });
  return { closings, periods: createPeriodKeeper({ ...parts, closings }) };
}

/** @returns the port on which the API and the dashboard are served. */
async function startHttp(
  parts: Start & Files & Platform & Doors & Questions & Access & Mqtt & Devices & Followers & Signs & Closing,
): Promise<number> {
  const { config, closers, waitingFor, ports, control, reference, broker, tcp, followers, rehearsals } = parts;
  const server = await buildServer({
    ...parts,
    clock,
    readiness: () => ({
      ready: waitingFor.size === 0,
      waitingFor: [...waitingFor],
      recounting: followers.recount(),
    }),
    disconnectGateway(id) {
      broker.disconnectGateway(id);
      tcp.disconnectGateway(id);
    },
    gatewaySeenMs: (id) => Math.max(broker.lastSeenMs(id) ?? 0, tcp.lastSeenMs(id) ?? 0) || null,
    setClocks: tcp.setClock,
    gatewayUntold: (id) => broker.untold(id),
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
  // The first request of all compiles what every request goes through.
  await server.inject('/healthz');
  await server.listen({ host: config.http.host, port: config.http.port });
  const httpPort = (server.server.address() as AddressInfo).port;
  waitingFor.delete('http');
  ports.tell('http', httpPort);
  return httpPort;
}
