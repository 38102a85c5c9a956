/**
 * The alarm topics of contracts §3: every alarm that is not over stands retained under its own topic. A projection of
 * the alarms' state, not a channel: whatever the routes say, a dashboard that subscribes sees what is open.
 */
import { alarmTopic } from '#ingest/transports/topics.ts';
import type { Alarm } from '#model/alarm.ts';
import { alarmView } from '#model/alarm-view.ts';

export interface TopicPublisher {
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  clearRetained(topic: string): Promise<void>;
}

export interface AlarmTopics {
  /** An alarm as it is after a transition. On its end the final object goes out unretained, then the topic is emptied. */
  changed(alarm: Alarm): Promise<void>;
  /** All that are open: publishes each and empties what was published before and is over by now. */
  reset(open: readonly Alarm[]): Promise<void>;
}

const isOver = ({ state }: Alarm): boolean => state === 'cleared' || state === 'withdrawn';

export function createAlarmTopics(broker: TopicPublisher): AlarmTopics {
  const retained = new Set<string>();
  const show = async (alarm: Alarm): Promise<void> => {
    const topic = alarmTopic(alarm.station, alarm.id);
    const payload = JSON.stringify(alarmView(alarm));
    if (!isOver(alarm)) {
      retained.add(topic);
      return broker.publish(topic, payload, { retain: true });
    }
    await broker.publish(topic, payload);
    if (retained.delete(topic)) await broker.clearRetained(topic);
  };
  return {
    changed: show,
    async reset(open) {
      const wanted = new Set(open.map((alarm) => alarmTopic(alarm.station, alarm.id)));
      for (const topic of retained) {
        if (wanted.has(topic)) continue;
        retained.delete(topic);
        await broker.clearRetained(topic);
      }
      for (const alarm of open) await show(alarm);
    },
  };
}
