/** Whatever a handler asks for is asked on behalf of its caller, also after its body was read and from inside a stream. */
import { describe, expect, it } from 'vitest';
import { type Asker, currentAsker } from '#api/access/asker.ts';
import type { ReadingRow } from '#readings/queries.ts';
import { anAlarm, NOW_MS, startApi } from '#tests/helpers/api.ts';

describe('questions', () => {
  it('go by the credential: the same for the same token, another for another, the address where there is none', async () => {
    const rig = await startApi();
    const asked: (string | undefined)[] = [];
    rig.queries.alarms = async () => {
      asked.push(currentAsker()?.credential);
      return [];
    };
    for (const as of ['viewer', 'viewer', 'operator'] as const) await rig.call('GET', '/api/v1/alarms', { as });
    expect(asked[0]).toBeTypeOf('string');
    expect(asked[1]).toBe(asked[0]);
    expect(asked[2]).not.toBe(asked[0]);
  });

  it('have their asker when a body had to be read first', async () => {
    const rig = await startApi();
    const asked: (Asker | undefined)[] = [];
    rig.queries.alarm = async () => {
      asked.push(currentAsker());
      return anAlarm();
    };
    const body = { comment: 'seen' };
    await rig.call('POST', '/api/v1/alarms/7-class-target-1/acknowledge', { as: 'operator', body });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every((one) => one !== undefined && !one.signal.aborted)).toBe(true);
  });

  it('have it on every page of a streamed CSV', async () => {
    const rig = await startApi();
    const sample = { station: 'taocha', time: '2026-11-22T08:00:00+08:00', values: { ph: 7 } };
    await rig.call('POST', '/api/v1/readings', { body: sample });
    const asked: (string | undefined)[] = [];
    rig.queries.readings = async ({ fromMs, limit }) => {
      asked.push(currentAsker()?.credential);
      const left = asked.length < 4 ? limit : 0;
      return Array.from({ length: left }, (_, n): ReadingRow => {
        return { timeMs: fromMs + n, value: n, flag: 1, deviceFlag: null, provisional: false };
      });
    };
    const url = `/api/v1/series/taocha/ph/readings?from=${NOW_MS}&to=${NOW_MS + 40_000_000}`;
    await rig.call('GET', url, { as: 'viewer', headers: { accept: 'text/csv' } });
    expect(asked).toHaveLength(4);
    expect(asked[0]).toBeTypeOf('string');
    expect(new Set(asked).size).toBe(1);
  });
});
