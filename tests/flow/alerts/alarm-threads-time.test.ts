/** What users of neighbouring systems were told because of late, old and wrong times, and what we make of the same. */
import { describe, expect, it } from 'vitest';
import { importSource } from '#model/entry.ts';
import { createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { createWebhookRig } from '#tests/helpers/alerts/webhook-rig.ts';
import { NOW_MS, startApi } from '#tests/helpers/api.ts';
import { booksRig, LATENESS, QUARTER } from '#tests/helpers/books/rig.ts';

const minutes = (timeMs: number | null) => (timeMs === null ? null : (timeMs - T0) / MINUTE);

describe('old data', () => {
  it('thingsboard PR#4432: never overwrites the latest value', async () => {
    const rig = await startApi();
    for (const [time, value] of [
      [NOW_MS, 0.31],
      [NOW_MS - HOUR, 4.2],
    ]) {
      await rig.call('POST', '/api/v1/readings', { body: { station: 'taocha', time, values: { nh3n: value } } });
    }
    const { items } = (await rig.call('GET', '/api/v1/stations/taocha/latest')).json();
    expect(items).toMatchObject([{ parameter: 'nh3n', value: 0.31, time: new Date(NOW_MS).toISOString() }]);
  });

  it('thingsboard#1805, #13960, #14031: a backfill is recorded by rules, and pages nobody', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    const entry = rig.at(30 * 24 * 60).message({ at: 0, value: 0.8 }, { at: 5, value: 0.1 });
    if (entry.kind === 'message') entry.source = importSource('2025');
    expect(await hook.deliver()).toEqual([]);
    expect(rig.alarms()).toMatchObject([{ late: true, state: 'cleared', breachStartMs: T0 }]);
  });

  it('influxdb#9571, #17323, #211, #510: what comes after an hour has closed is in its statistics, once', async () => {
    const rig = booksRig();
    rig.message(
      HOUR,
      [0, 1, 2].map((n) => ({ timeMs: n * QUARTER, value: 6 })),
    );
    rig.tick(HOUR + LATENESS);
    await rig.settle();
    expect(rig.hours()).toMatchObject([{ count: 3, sum: 18 }]);
    for (const receivedMs of [9 * HOUR, 10 * HOUR]) rig.message(receivedMs, [{ timeMs: 3 * QUARTER, value: 7 }]);
    await rig.settle();
    expect(rig.hours()).toMatchObject([{ count: 4, sum: 25 }]);
    expect(rig.dirty()).toBe(0);
  });
});

describe('two clocks', () => {
  it('thingsboard#10661, #6773: begin and end are times of readings, and detection is told beside them', async () => {
    const rig = createWeirRig();
    rig.at(60).message({ at: 0, value: 0.8 }, { at: 30, value: 0.1 });
    await rig.apply();
    const [alarm] = rig.alarms();
    const { breachStartMs, raisedAtMs, clearedAtMs, detectedAtMs } = alarm!;
    expect([breachStartMs, raisedAtMs, clearedAtMs, detectedAtMs].map(minutes)).toEqual([0, 0, 30, 60]);
  });

  it('thingsboard#10590: one reading of six hours ago satisfies no duration, however late it is', async () => {
    const rig = createWeirRig({ allowedLatenessMs: 12 * HOUR }, { for: 'PT1H' });
    rig.at(360).message({ at: 0, value: 0.8 });
    await rig.at(600).tick().apply();
    expect(rig.alarms()).toEqual([]);
  });

  it('prometheus PR#4878, SigNoz#9279: alarms do not wait for late data, and take back what it refutes', async () => {
    const rig = createWeirRig({}, { for: 'PT10M' });
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 10, value: 0.8 });
    expect(await hook.deliver()).toEqual(['raised class-target/weir/nh3n']);
    rig.at(90).message({ at: 5, value: 0.1 });
    expect(await hook.deliver()).toEqual(['raised class-target/weir/nh3n', 'withdrawn class-target/weir/nh3n']);
  });
});

describe('wrong clocks', () => {
  it.each([
    ['thingsboard#6351: seconds for milliseconds', NOW_MS / 1000, 'time.seconds'],
    ['AirQo PR#6929: a clock that runs ahead', NOW_MS + 48 * HOUR, 'time.impossible'],
    ['a device in 1970', 0, 'time.impossible'],
  ])('%s is quarantined with its reason', async (_thread, time, code) => {
    const rig = await startApi();
    const body = { station: 'taocha', time, values: { nh3n: 4 } };
    const receipt = (await rig.call('POST', '/api/v1/readings', { body })).json();
    expect(receipt).toMatchObject({ accepted: 0, quarantined: [{ code, quarantineId: expect.any(String) }] });
    expect((await rig.call('GET', '/api/v1/stations/taocha/latest')).json().items).toEqual([]);
  });

  it('metron PR#1197: one message from two days ahead makes no correct one late', async () => {
    const rig = createWeirRig();
    rig.message({ at: 48 * 60, parameter: 'do', value: 9 }, { at: 48 * 60, value: 0.1 });
    await rig.send({ at: 5, value: 0.8 });
    expect(rig.alarms()).toMatchObject([{ late: false, breachStartMs: T0 + 5 * MINUTE }]);
    expect(rig.story()).toContain('raised raised');
  });
});
