/** What the service counts, by stage: received, journaled, acknowledged, settled, alarmed, answered. */
import type { Broker } from '#ingest/transports/broker.ts';
import type { TcpListeners } from '#ingest/transports/tcp.ts';
import type { OpenJournalReader } from '#journal/reader.ts';
import type { JournalWriter } from '#journal/writer.ts';
import { PLATFORM_CONDITIONS } from '#model/alarms/platform.ts';
import type { Durations } from '#model/duration-histogram.ts';
import type { FollowersClient } from '#process/followers-client.ts';
import type { QueryClient } from '#process/query-client.ts';
import type { LaneCounts } from '#process/query-lane.ts';
import type { Crowding } from './crowding.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { MetricSource } from './metrics.ts';

interface Parts {
  version: string;
  journal: JournalWriter;
  reader: OpenJournalReader;
  followers: FollowersClient;
  broker: Broker;
  tcp: Pick<TcpListeners, 'counters' | 'connections' | 'waiting'>;
  heartbeat: Heartbeat;
  questions: QueryClient['counts'];
  crowding: Crowding;
  /** Seconds that the oldest entry is old which a follower has not passed. */
  lagSeconds: () => Record<string, number>;
  /** Conditions of the platform that are seen now. */
  seen: () => ReadonlySet<string>;
}

type Read = () => number | Record<string, number>;

const counter = (name: string, help: string, read: Read, label?: string): MetricSource => ({
  name: `wellkeeper_${name}`,
  help,
  type: 'counter',
  read,
  ...(label ? { label } : {}),
});
const gauge = (name: string, help: string, read: Read, label?: string): MetricSource => ({
  name: `wellkeeper_${name}`,
  help,
  type: 'gauge',
  read,
  ...(label ? { label } : {}),
});

export function serviceMetrics(parts: Parts): MetricSource[] {
  return [
    gauge('info', 'The version that runs.', () => ({ [parts.version]: 1 }), 'version'),
    ...intakeMetrics(parts),
    ...journalMetrics(parts),
    ...followerMetrics(parts),
    ...brokerMetrics(parts),
    ...deviceMetrics(parts),
    ...questionMetrics(parts),
    ...platformMetrics(parts),
  ];
}

function intakeMetrics({ journal, reader }: Parts): MetricSource[] {
  const intake = (field: 'received' | 'quarantined') =>
    reader.intakeCounts().reduce((sum, count) => sum + count[field], 0);
  return [
    counter('received_values_total', 'Values received, since the installation began.', () => intake('received')),
    counter('quarantined_values_total', 'Values in quarantine or once there.', () => intake('quarantined')),
    counter(
      'quarantined_by_code_total',
      'Values quarantined since the process began, by the code that says why.',
      () => journal.counters.quarantined,
      'code',
    ),
    gauge('quarantine_items', 'Items in quarantine.', () => reader.quarantine.size().items),
    counter(
      'quarantine_dropped_total',
      'Oldest items pushed out of a full quarantine.',
      () => reader.quarantine.size().dropped,
    ),
    counter(
      'acknowledged_messages_total',
      'Messages durable in the journal, and so acknowledged, since the process began.',
      () => journal.counters.messages,
    ),
  ];
}

function journalMetrics({ journal }: Parts): MetricSource[] {
  return [
    counter('journal_entries_total', 'Entries journaled since the process began.', () => journal.counters.entries),
    counter('journal_commits_total', 'Journal transactions since the process began.', () => journal.counters.commits),
    counter('journal_failed_commits_total', 'Commits that the disk refused.', () => journal.counters.failedCommits),
    counter(
      'journal_refused_messages_total',
      'Messages refused since the journal was full.',
      () => journal.counters.refusedMessages,
    ),
    {
      name: 'wellkeeper_journal_commit_seconds',
      help: 'Time of a journal transaction with its fsync.',
      type: 'histogram',
      read: () => journal.counters.commitTimes,
    },
    gauge('journal_waiting', 'Appends that wait for a commit.', () => journal.waiting()),
    gauge('journal_bytes', 'Size of journal.db.', () => journal.sizeBytes()),
    gauge(
      'journal_used_share',
      'Share of WK_JOURNAL_MAX_BYTES that entries take which followers have not passed.',
      () => journal.usedShare(),
    ),
    gauge('journal_head_seq', 'Seq of the newest entry.', () => journal.headSeq),
  ];
}

function followerMetrics({ journal, followers, lagSeconds }: Parts): MetricSource[] {
  const lag = () => {
    const { readings, books, alerts } = followers.cursors();
    const head = journal.headSeq;
    return { readings: head - readings, books: head - books, alerts: head - alerts };
  };
  const pick = (names: Record<string, string>) => () => {
    const counters = followers.counters();
    return Object.fromEntries(Object.entries(names).map(([label, name]) => [label, counters[name] ?? 0]));
  };
  return [
    gauge('follower_lag_entries', 'Entries that a follower has not passed.', lag, 'follower'),
    gauge('follower_lag_seconds', 'Age of the oldest entry that a follower has not passed.', lagSeconds, 'follower'),
    counter(
      'settled_values_total',
      'Values settled since the installation began.',
      pick({ stored: 'settled_stored', duplicate: 'settled_duplicate' }),
      'verdict',
    ),
    {
      name: 'wellkeeper_follower_batch_seconds',
      help: "Time of a follower's batch, the reading store's writes included.",
      type: 'histogram',
      label: 'follower',
      read: () => followers.durations() as Record<string, Durations>,
    },
    gauge('followers', "What the followers' worker counts.", () => followers.counters(), 'what'),
  ];
}

function brokerMetrics({ broker }: Parts): MetricSource[] {
  const { clients, isUp, held } = broker;
  return [
    counter(
      'mqtt_events_total',
      'What the MQTT side counted since the process began.',
      () => ({ ...broker.counters }),
      'event',
    ),
    gauge('mqtt_waiting', 'Messages that wait since the journal can not take them.', () => broker.waiting()),
    ...(clients ? [gauge('mqtt_clients', 'Authenticated MQTT connections.', () => clients.call(broker))] : []),
    ...(isUp === undefined ? [] : [gauge('mqtt_up', 'Subscribed at the outside broker.', () => (broker.isUp ? 1 : 0))]),
    ...(held ? [gauge('mqtt_held', 'Messages received and not acknowledged yet.', () => held.call(broker))] : []),
  ];
}

function deviceMetrics({ tcp }: Parts): MetricSource[] {
  return [
    counter('tcp_events_total', 'What the TCP listeners counted since the process began.', tcp.counters, 'event'),
    gauge('tcp_connections', 'TCP connections of devices.', tcp.connections, 'listener'),
    gauge('tcp_waiting', 'Frames that wait since the journal can not take them.', tcp.waiting),
  ];
}

function questionMetrics({ questions }: Parts): MetricSource[] {
  const by = (name: keyof LaneCounts) => () => {
    const { short, long } = questions();
    return { short: short[name], long: long[name] };
  };
  return [
    gauge('questions_waiting', 'Questions that wait for a query worker.', by('waiting'), 'lane'),
    counter('questions_refused_total', 'Questions refused since too many wait.', by('refused'), 'lane'),
    counter('questions_abandoned_total', 'Questions dropped since who asked had gone.', by('abandoned'), 'lane'),
    counter('questions_stopped_total', 'Questions stopped since they took too long.', by('stopped'), 'lane'),
  ];
}

function platformMetrics({ seen, heartbeat, crowding }: Parts): MetricSource[] {
  const standing = () => {
    const now = seen();
    return Object.fromEntries(
      Object.keys(PLATFORM_CONDITIONS).map((condition) => [condition, now.has(condition) ? 1 : 0]),
    );
  };
  return [
    gauge(
      'platform_condition',
      'Conditions of the platform that are seen now (see the runbook).',
      standing,
      'condition',
    ),
    counter(
      'access_limited_total',
      'Times that somebody reached a limit on access since the process began, by the limit.',
      () => crowding.counts(),
      'limit',
    ),
    counter('heartbeats_total', 'Pings to WK_HEARTBEAT_URL.', () => heartbeat.counts(), 'outcome'),
  ];
}
