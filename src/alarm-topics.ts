/**
 * The alarm topics of contracts §3: every alarm that is not over stands retained under its own topic. A projection of
 * the alarms' state, not a channel: whatever the routes say, a dashboard that subscribes sees what is open.
 */
import type { Broker } from '#ingest/transports/broker.ts';
import { ALARMS_FILTER, alarmTopic } from '#ingest/transports/topics.ts';
import type { Alarm } from '#model/alarm.ts';
import { alarmView } from '#model/alarm-view.ts';

export type TopicPublisher = Pick<Broker, 'publish' | 'clearRetained' | 'retainedTopics'>;

export interface AlarmTopics {
  /** An alarm as it is after a transition. On its end the final object goes out unretained, then the topic is emptied. */
  changed(alarm: Alarm): Promise<void>;
  /** All that are open, from the followers' start: what they don't name is over. */
  reset(open: readonly Alarm[]): Promise<void>;
  /** Publishes all that are open and empties stale topics: what a broker that was away has missed. */
  refresh(): Promise<void>;
}

const isOver = ({ state }: Alarm): boolean => state === 'cleared' || state === 'withdrawn';

export function createAlarmTopics(broker: TopicPublisher): AlarmTopics {
  const open = new Map<string, Alarm>();
  const show = (topic: string, alarm: Alarm, retain: boolean) =>
    broker.publish(topic, JSON.stringify(alarmView(alarm)), { retain });

  async function refresh(): Promise<void> {
    for (const topic of await broker.retainedTopics(ALARMS_FILTER)) {
      if (!open.has(topic)) await broker.clearRetained(topic);
    }
    for (const [topic, alarm] of [...open]) {
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
    async reset(now) {
      open.clear();
      for (const alarm of now) open.set(alarmTopic(alarm.station, alarm.id), alarm);
      await refresh();
    },
  };
}
