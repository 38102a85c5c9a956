/** What the service counts, by stage: received, journaled, settled, alarmed, answered. */
import type { EmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import type { JournalWriter } from '#store/journal.ts';
import type { OpenJournalReader } from '#store/journal-reader.ts';
import type { FollowersClient } from './followers-client.ts';
import type { MetricSource } from './metrics.ts';

interface Parts {
  journal: JournalWriter;
  reader: OpenJournalReader;
  followers: FollowersClient;
  broker: EmbeddedBroker | null;
}

export function serviceMetrics({ journal, reader, followers, broker }: Parts): MetricSource[] {
  const intake = (field: 'received' | 'quarantined') =>
    reader.intakeCounts().reduce((sum, count) => sum + count[field], 0);
  const counter = (name: string, help: string, read: MetricSource['read'], label?: string): MetricSource => ({
    name: `wellkeeper_${name}`,
    help,
    type: 'counter',
    read,
    ...(label ? { label } : {}),
  });
  const gauge = (name: string, help: string, read: MetricSource['read'], label?: string): MetricSource => ({
    ...counter(name, help, read, label),
    type: 'gauge',
  });
  const lag = () => {
    const { readings, books, alerts } = followers.cursors();
    const head = journal.headSeq;
    return { readings: head - readings, books: head - books, alerts: head - alerts };
  };
  const sources = [
    counter('received_values_total', 'Values received, since the installation began.', () => intake('received')),
    counter('quarantined_values_total', 'Values in quarantine or once there.', () => intake('quarantined')),
    gauge('quarantine_items', 'Items in quarantine.', () => reader.quarantine.size().items),
    counter(
      'quarantine_dropped_total',
      'Oldest items pushed out of a full quarantine.',
      () => reader.quarantine.size().dropped,
    ),
    counter('journal_entries_total', 'Entries journaled since the process began.', () => journal.counters.entries),
    counter('journal_commits_total', 'Journal transactions since the process began.', () => journal.counters.commits),
    counter('journal_failed_commits_total', 'Commits that the disk refused.', () => journal.counters.failedCommits),
    counter(
      'journal_refused_messages_total',
      'Messages refused since the journal was full.',
      () => journal.counters.refusedMessages,
    ),
    gauge('journal_bytes', 'Size of journal.db.', () => journal.sizeBytes()),
    gauge(
      'journal_used_share',
      'Share of WK_JOURNAL_MAX_BYTES that entries take which followers have not passed.',
      () => journal.usedShare(),
    ),
    gauge('journal_head_seq', 'Seq of the newest entry.', () => journal.headSeq),
    gauge('follower_lag_entries', 'Entries that a follower has not passed.', lag, 'follower'),
    gauge('followers', "What the followers' worker counts.", () => followers.counters(), 'what'),
  ];
  if (!broker) return sources;
  return [
    ...sources,
    gauge('mqtt_clients', 'Authenticated MQTT connections.', () => broker.clients()),
    counter(
      'mqtt_events_total',
      'What the embedded broker counted since the process began.',
      () => ({ ...broker.counters }),
      'event',
    ),
  ];
}
