/** The retained topics of alarms at a start of the followers, when there may be a hundred thousand of them. */
import { expect, it } from 'vitest';
import { sampleAlarm } from '#alerts/telling/notice.ts';
import { createAlarmTopics } from '#api/streams/alarm-topics.ts';
import type { Alarm } from '#model/alarms/alarm.ts';

it('takes in what is open in parts, at whose end the rest is over, and lets others have their turn', async () => {
  const alarm: Alarm = { ...sampleAlarm(0), station: 's', state: 'raised' };
  const many = Array.from({ length: 1000 }, (_, n) => ({ ...alarm, id: `a${n}` }));
  const retained = new Map<string, string>();
  const topics = createAlarmTopics({
    publish: async (topic, payload) => void retained.set(topic, payload),
    clearRetained: async (topic) => void retained.delete(topic),
    retainedTopics: async () => [...retained.keys()],
  });
  await topics.changed({ ...alarm, id: 'of-before' });
  let turns = 0;
  let waiting = setImmediate(function turn() {
    turns++;
    waiting = setImmediate(turn);
  });
  await topics.reset({ alarms: many.slice(0, 400), isFirst: true, isLast: false });
  expect([...retained.keys()], 'until all parts have come').toEqual(['wk/alarms/v1/s/of-before']);
  const done = topics.reset({ alarms: many.slice(400), isFirst: false, isLast: true });
  await topics.changed({ ...many[999]!, state: 'acknowledged' });
  await done;
  clearImmediate(waiting);
  expect(retained.size).toBe(1000);
  expect(JSON.parse(retained.get('wk/alarms/v1/s/a999')!).state).toBe('acknowledged');
  expect(turns, 'whatever else waits has had its turn').toBeGreaterThan(5);
  await topics.reset({ alarms: many.slice(0, 1), isFirst: true, isLast: true });
  expect([...retained.keys()]).toEqual(['wk/alarms/v1/s/a0']);
});
