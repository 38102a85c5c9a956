/** A value that a person, or the quality tests, have taken back is sent once more: nothing is told of it. */
import { describe, expect, it } from 'vitest';
import type { Correction } from '#model/entry.ts';
import { createPeriodRig, type PeriodReading, type PeriodRig } from '#tests/helpers/alerts/period-rig.ts';
import { HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const ACTIONS: Pick<Correction, 'action' | 'value' | 'flag'>[] = [
  { action: 'delete' },
  { action: 'set', value: 0.1 },
  { action: 'flag', flag: 4 },
];
const STATION = {
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'nh3n', interval: 'PT5M' }],
};

/** A reading that alarms, and an engineer who takes it back. */
async function corrected(change: (typeof ACTIONS)[number], timeMs = T0): Promise<PeriodRig> {
  const rig = createPeriodRig();
  rig
    .at(T0)
    .put('station', 'weir', STATION)
    .put('rule', 'high', { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 0.5, severity: 'major' })
    .put('rule', 'sensor', { kind: 'quality', severity: 'minor' })
    .put('rule', 'rising', { kind: 'rate', parameters: ['nh3n'], limit: 1, minSamples: 2, severity: 'minor' });
  await rig.message([{ timeMs: timeMs - 5 * MINUTE, value: 0.1 }]).settle();
  await rig.message([{ timeMs, value: 2 }]).settle();
  const command = { verb: 'correct', station: 'weir', parameter: 'nh3n', fromMs: timeMs, toMs: timeMs + 1 } as const;
  await rig.command({ ...command, reason: 'fouled', ...change }).settle();
  return rig;
}

/** What is told, and what alarms there are, while these come. */
async function news(rig: PeriodRig, come: () => Promise<unknown>) {
  const before = rig.told().length;
  const alarms = rig.alarms().length;
  await come();
  return { told: rig.told().slice(before), alarms: rig.alarms().length - alarms };
}

const NOTHING = { told: [], alarms: 0 };
const again: PeriodReading = { timeMs: T0, value: 2 };

describe.each(ACTIONS)('a value corrected away by %o and sent again', (change) => {
  it('tells nobody anything, by whatever way it comes', async () => {
    const rig = await corrected(change);
    expect(rig.told()).toEqual([
      'raised high/weir/nh3n',
      'raised rising/weir/nh3n',
      ...['high', 'rising'].map((rule) => `withdrawn ${rule}/weir/nh3n`),
    ]);
    expect(await news(rig, () => rig.message([again]).settle())).toEqual(NOTHING);
    expect(await news(rig, () => rig.restart().message([again], 'gw-2').settle())).toEqual(NOTHING);
    expect(await news(rig, () => rig.import([again]).settle())).toEqual(NOTHING);
    // The reading store is away: alarms go on, and what only it can tell is settled later.
    expect(
      await news(rig, async () => {
        await rig.message([again]).settle({ readings: 0, books: 0, alerts: 1 });
        await rig.settle();
      }),
    ).toEqual(NOTHING);
    // Too late to page, it would be found late.
    expect(
      await news(rig, () =>
        rig
          .at(T0 + 5 * HOUR)
          .message([again])
          .settle(),
      ),
    ).toEqual(NOTHING);
  });

  it('while the correction itself is not settled yet tells nobody anything either', async () => {
    const rig = await corrected({ action: 'delete' }, T0 - MINUTE);
    await rig.message([again]).settle();
    const command = { verb: 'correct', station: 'weir', parameter: 'nh3n', fromMs: T0, toMs: T0 + 1 } as const;
    rig.command({ ...command, reason: 'fouled', ...change }).message([again]);
    await rig.settle({ readings: 0, books: 0, alerts: 1 });
    await rig.settle();
    expect(
      rig
        .told()
        .filter((one) => one.endsWith('high/weir/nh3n'))
        .slice(2),
    ).toEqual(['raised high/weir/nh3n', 'withdrawn high/weir/nh3n']);
  });

  it('another value for that time is a correction, and alarms', async () => {
    const rig = await corrected(change);
    const { told } = await news(rig, () => rig.message([{ timeMs: T0, value: 3 }]).settle());
    expect(told).toContain('raised high/weir/nh3n');
    expect(
      rig
        .alarms()
        .filter(({ state }) => state === 'raised')
        .map(({ value }) => value),
    ).toContain(3);
    const imported = await corrected(change);
    expect(await news(imported, () => imported.import([{ timeMs: T0, value: 3 }]).settle())).toMatchObject({
      told: [],
    });
    expect(
      imported
        .alarms()
        .filter(({ late }) => late)
        .map(({ rule }) => rule),
    ).toContain('high');
  });
});

it('a value that the final flags have found bad, sent again, tells nobody anything', async () => {
  const rig = await corrected({ action: 'set', value: 0.1 });
  // A spike: the door that forgot its predecessors takes it for good, the closed hour doesn't.
  const spike = { timeMs: T0 + 30 * MINUTE, value: 9 };
  await rig
    .at(T0 + HOUR)
    .message([25, 35, 40].map((at) => ({ timeMs: T0 + at * MINUTE, value: 0.1 })))
    .settle();
  await rig.message([spike]).settle();
  await rig.pass(T0 + 4 * HOUR);
  expect(rig.alarms().filter(({ breachStartMs }) => breachStartMs === spike.timeMs)).toMatchObject([
    { rule: 'high', state: 'withdrawn' },
    { rule: 'rising', state: 'withdrawn' },
    { rule: 'sensor', late: true },
  ]);
  expect(await news(rig, () => rig.message([spike]).settle())).toEqual(NOTHING);
});

it('by its gateway after a reconnect, and after our own restart: nothing happens to the alarm', async () => {
  let service: TestService | null = await startTestService();
  try {
    const password = await service.gateway('gw-weir', ['shending-mouth']);
    const time = new Date(Date.now() - 10 * MINUTE).toISOString();
    const send = async (to: TestService, nh3n: number) => {
      const client = await to.connect('gw-weir', password);
      const sample = { station: 'shending-mouth', time, values: { nh3n } };
      await client.publishAsync('wk/v1/gw-weir/readings', JSON.stringify(sample), { qos: 1 });
      await client.endAsync();
    };
    const told = async (from: TestService) => {
      const { items } = (await from.call<{ items: { id: string }[] }>('GET', '/alarms?station=shending-mouth')).body;
      const [alarm] = items;
      if (!alarm) return [];
      const { body } = await from.call<{ transitions: { event: string }[] }>('GET', `/alarms/${alarm.id}/timeline`);
      return [String(items.length), ...body.transitions.map(({ event }) => event)];
    };
    await send(service, 2);
    await eventually('the alarm', async () => (await told(service!)).length > 0);
    const range = { from: time, to: new Date(Date.parse(time) + 1).toISOString() };
    const body = { station: 'shending-mouth', parameter: 'nh3n', ...range, action: 'delete', reason: 'fouled' };
    expect((await service.call('POST', '/corrections', body)).status).toBe(202);
    const end = ['1', 'raised', 'withdrawn'];
    await eventually('its end', async () => (await told(service!)).length === end.length);
    await send(service, 2);
    expect(await told(service)).toEqual(end);
    const { dataDir } = service;
    await service.end();
    service = await startTestService({ dataDir });
    await send(service, 2);
    expect(await told(service)).toEqual(end);
    // Another value is another matter, and shows that the alarms had come this far.
    await send(service, 3);
    await eventually('an alarm', async () => (await told(service!))[0] === '2');
    const { body: ledger } = await service.call('GET', '/gateways/gw-weir/ledger');
    expect(ledger).toMatchObject({ received: 4, stored: 2, duplicate: 2, quarantined: 0, pending: 0 });
  } finally {
    await service?.remove();
  }
});
