/** What main does about each thing that the followers' worker says (followers-protocol.ts). */
import type { Logger } from 'pino';
import { type AlarmTopics, topicFailed } from '#api/streams/alarm-topics.ts';
import type { Live } from '#api/streams/live.ts';
import type { Door } from '#ingest/door.ts';
import type { Broker } from '#ingest/transports/broker.ts';
import type { Journal } from '#journal/port.ts';
import type { LossTelling } from '#journal/tell-losses.ts';
import type { Damage } from '#readings/damage.ts';
import type { KnownStore } from '#readings/try-store.ts';
import type { Clock } from '#src/clock.ts';
import type { FromFollowers, RejectedValue, ToFollowers } from './followers-protocol.ts';
import { newestConflict, quarantineRejected } from './rejected-readings.ts';
import type { StaleFile } from './stale-reads.ts';
import type { Troubles } from './troubles.ts';

export interface Hearers {
  journal: Pick<Journal, 'appendMessage'>;
  door: Pick<Door, 'settle'>;
  store: Pick<KnownStore, 'measured'>;
  broker: Pick<Broker, 'publish'>;
  topics: Pick<AlarmTopics, 'changed' | 'reset'>;
  live: Pick<Live, 'alarms' | 'passed' | 'health'>;
  losses: Pick<LossTelling, 'damaged' | 'lost'>;
  troubles: Troubles;
  damaged: (met: Damage[]) => void;
  tellStale: (thread: string, files: StaleFile[]) => void;
  clock: Clock;
  log: Logger;
}

type Reply = (answer: ToFollowers) => void;

export function hearFollowers(hearers: Hearers): (message: FromFollowers, reply: Reply) => void {
  const { door, store, topics, live, losses, troubles, log } = hearers;
  const failed = topicFailed(log);
  return (message, reply) => {
    switch (message.type) {
      case 'open-alarms':
        topics.reset(message).catch(failed);
        return;
      case 'alarms':
        live.alarms(message.changes);
        for (const { alarm } of message.changes) topics.changed(alarm).catch(failed);
        return;
      case 'progress':
        live.passed(message.cursors.alerts);
        return;
      case 'reflagged':
        for (const { series, ...reading } of message.readings) door.settle(series, reading);
        return;
      case 'publish':
        publish(message, hearers, reply);
        return;
      case 'store':
        troubles.store = message.trouble;
        return;
      case 'capabilities':
        store.measured(message.capabilities);
        return;
      case 'rejected':
        quarantine(message.readings, hearers, reply);
        return;
      case 'damages':
        hearers.damaged(message.damages);
        return;
      case 'damaged-batch':
        losses.damaged(message.damage);
        return;
      case 'store-losses':
        for (const { id, ...loss } of message.losses) if (losses.lost(loss)) reply({ type: 'loss-noted', id });
        return;
      case 'stale':
        hearers.tellStale('followers', message.files);
        return;
      case 'parked':
        live.health({ event: 'follower.parked', follower: message.follower, seq: message.seq });
        return;
    }
  };
}

type Publication = Extract<FromFollowers, { type: 'publish' }>;

function publish({ id, topic, payload, retain }: Publication, { broker }: Hearers, reply: Reply): void {
  broker.publish(topic, payload, { retain }).then(
    () => reply({ type: 'published', id, error: null }),
    (error: Error) => reply({ type: 'published', id, error: error.message }),
  );
}

function quarantine(readings: RejectedValue[], { journal, troubles, clock, log }: Hearers, reply: Reply): void {
  troubles.typeConflict = newestConflict(readings, clock.monotonicMs()) ?? troubles.typeConflict;
  quarantineRejected(journal, readings).then(
    (ids) => reply({ type: 'quarantined', ids }),
    (error) => log.error({ event: 'quarantine.failed', err: error }, 'refused readings wait for quarantine'),
  );
}
