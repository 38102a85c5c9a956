/**
 * The alarm topics of contracts §3: every alarm that is not over stands retained under its own topic. A projection of
 * the alarms' state, not a channel: whatever the routes say, a dashboard that subscribes sees what is open.
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Broker } from '#ingest/transports/broker.ts';
import { ALARMS_FILTER, alarmTopic } from '#ingest/transports/topics.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';

export interface TopicPublisher extends Pick<Broker, 'clearRetained' | 'retainedTopics'> {
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
}

export interface AlarmTopics {
  /** An alarm as it is after a transition. On its end the final object goes out unretained, then the topic is emptied. */
  changed(alarm: Alarm): Promise<void>;
  /** Those that are open, part by part, from the followers' start: what no part names is over. */
  reset(part: OpenPart): Promise<void>;
  /** Publishes all that are open and empties stale topics: what a broker that was away has missed. */
  refresh(): Promise<void>;
}

interface OpenPart {
  alarms: readonly Alarm[];
  isFirst: boolean;
  isLast: boolean;
}

/** So many are published before readings get their turn: a hundred thousand at once would hold them up for seconds. */
const AT_ONCE = 100;

const isOver = ({ state }: Alarm): boolean => state === 'cleared' || state === 'withdrawn';

/** @returns for what could not be published: a topic is mended by the next `refresh`. */
export function topicFailed(log: { error(fields: object, message: string): void }): (error: unknown) => void {
  return (error) => log.error({ event: 'alarm-topics.failed', err: error }, 'an alarm topic could not be published');
}

export function createAlarmTopics(broker: TopicPublisher): AlarmTopics {
  let open = new Map<string, Alarm>();
  /** The parts so far: until the last has come, what was known before stands. */
  let named = new Map<string, Alarm>();
  const show = (topic: string, alarm: Alarm, retain: boolean) =>
    broker.publish(topic, JSON.stringify(alarmView(alarm)), { retain });

  async function refresh(): Promise<void> {
    for (const [n, topic] of (await broker.retainedTopics(ALARMS_FILTER)).entries()) {
      if (n % AT_ONCE === 0) await othersTurn();
      if (!open.has(topic)) await broker.clearRetained(topic);
    }
    for (const [n, [topic, alarm]] of [...open].entries()) {
      if (n % AT_ONCE === 0) await othersTurn();
      // It may have ended while others were being published.
      if (open.get(topic) === alarm) await show(topic, alarm, true);
    }
  }

  return {
    refresh,
    async changed(alarm) {
      const topic = alarmTopic(alarm.station, alarm.id);
      if (!isOver(alarm)) {
        open.set(topic, alarm);
        return show(topic, alarm, true);
      }
      const wasOpen = open.delete(topic);
      await show(topic, alarm, false);
      if (wasOpen) await broker.clearRetained(topic);
    },
    async reset({ alarms, isFirst, isLast }) {
      if (isFirst) named = new Map();
      for (const alarm of alarms) named.set(alarmTopic(alarm.station, alarm.id), alarm);
      if (!isLast) return;
      open = named;
      named = new Map();
      await refresh();
    },
  };
}
