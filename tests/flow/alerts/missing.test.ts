/** Rules of kind `missing`: who is expected to speak, how silence is measured, and what becomes one alarm. */
import { describe, expect, it } from 'vitest';
import type { PlatformCondition } from '#model/alarms/platform.ts';
import { type AlertsRig, type AlertsRigOptions, createAlertsRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const FIVE = [{ id: 'ph', interval: 'PT5M' }];

/** Stations a, b, … behind one gateway `gw`, each expected to send pH every five minutes; a channel for everything. */
function createSilentRig(stations: string[], ruleBody: object = {}, options: AlertsRigOptions = {}) {
  const rig = createAlertsRig(options)
    .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .routes({ channels: ['hook'] })
    .rule('silent', { kind: 'missing', severity: 'major', ...ruleBody });
  for (const id of stations) rig.station(id, { target: null, parameters: FIVE });
  return rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations, passwordHash: '' } });
}

/** Lets time pass to so many minutes after T0, with the ticks that the service would append. */
async function pass(rig: AlertsRig, minutes: number): Promise<void> {
  await rig.apply();
  for (;;) {
    const dueMs = rig.follower().nextTimerMs();
    if (dueMs === null || dueMs > T0 + minutes * MINUTE) break;
    await rig
      .at((dueMs - T0) / MINUTE)
      .tick()
      .apply();
  }
  await rig.at(minutes).tick().apply();
}

/** A message of the gateway with pH of these stations, now. */
async function speak(rig: AlertsRig, minutes: number, ...stations: string[]): Promise<void> {
  await pass(rig, minutes);
  rig.message(...stations.map((station) => ({ station, parameter: 'ph', at: minutes, value: 7 })));
  await rig.apply();
}

const start = (rig: AlertsRig, minutes: number) => {
  const downSinceMs = rig.nowMs();
  rig.at(minutes).append({ kind: 'start', seq: rig.entries.length + 1, receivedMs: rig.nowMs(), downSinceMs });
};
const platform = (rig: AlertsRig, state: 'begun' | 'ended', sinceMs = rig.nowMs(), condition = 'broker.unreachable') =>
  rig.command(
    { verb: 'platform', condition: condition as PlatformCondition, state, sinceMs, detail: 'seen' },
    'system',
  );
const silent = (rig: AlertsRig) =>
  rig
    .alarms()
    .filter(({ rule, clearedAtMs, state }) => rule === 'silent' && clearedAtMs === null && state !== 'withdrawn');
/** Every alarm of the rule that there ever was. */
const ever = (rig: AlertsRig) => rig.alarms().filter(({ rule }) => rule === 'silent');
const keys = (rig: AlertsRig) =>
  silent(rig)
    .map(({ key }) => key.slice('silent/'.length))
    .sort();
const told = (rig: AlertsRig) =>
  rig.notices().map(({ event, payload }) => `${event} ${(payload.alarm as { key: string }).key}`);

describe('a station that falls silent', () => {
  it('raises one alarm after three intervals, and the first reading clears it', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 0, 'a');
    await pass(rig, 14.9);
    expect(silent(rig)).toEqual([]);
    await pass(rig, 60);
    expect(rig.alarms()).toHaveLength(1);
    expect(rig.alarms()[0]).toMatchObject({
      key: 'silent/a/_station',
      state: 'raised',
      severity: 'major',
      breachStartMs: T0,
      raisedAtMs: T0 + 15 * MINUTE,
      detectedAtMs: T0 + 15 * MINUTE,
      value: null,
      suppressedBy: null,
      detail: 'no reading since 2026-11-22T00:00:00.000Z; one is expected every 5 min',
    });
    await speak(rig, 61, 'a');
    expect(rig.alarms()[0]).toMatchObject({ state: 'returned', clearedAtMs: T0 + 61 * MINUTE });
    expect(told(rig)).toEqual(['raised silent/a/_station', 'returned silent/a/_station']);
  });

  it('takes five minutes where three intervals are less, and what the rule says where it says so', async () => {
    const rig = createSilentRig(['a']).station('a', { target: null, parameters: [{ id: 'ph', interval: 'PT1M' }] });
    await pass(rig, 4.9);
    expect(keys(rig)).toEqual([]);
    await pass(rig, 5);
    expect(keys(rig)).toEqual(['a/_station']);
    const patient = createSilentRig(['a'], { for: 'PT2H' });
    await pass(patient, 119.9);
    expect(keys(patient)).toEqual([]);
    await pass(patient, 120);
    expect(silent(patient)[0]).toMatchObject({ raisedAtMs: T0 + 2 * HOUR });
  });

  it('becomes more severe in time', async () => {
    const rig = createSilentRig(['a'], { severity: 'minor', steps: [{ after: 'PT6H', severity: 'critical' }] });
    await pass(rig, 359);
    expect(silent(rig)[0]).toMatchObject({ severity: 'minor' });
    await pass(rig, 360);
    expect(silent(rig)[0]).toMatchObject({ severity: 'critical' });
    expect(rig.story()).toEqual(['raised raised', 'severity-changed raised']);
  });

  it('counts what arrives, whatever its own time, its flag or its letter; not what is no reading', async () => {
    const rig = createSilentRig(['a', 'b', 'c', 'd', 'e']);
    await pass(rig, 10);
    const send = (station: string, more: object) => ({ station, parameter: 'ph', at: 10, value: 7, ...more });
    rig.message(
      send('a', { at: -600 }),
      send('b', { value: 7, flag: 4, deviceFlag: 'M' }),
      send('c', { value: null, deviceFlag: 'C' }),
      send('d', { value: null }),
      send('e', { verdict: 'duplicate' }),
    );
    await speak(rig, 15, 'a', 'b', 'c');
    expect(keys(rig)).toEqual(['d/_station', 'e/_station']);
  });

  it('is not comforted by imported history', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 0, 'a');
    await pass(rig, 10);
    const entry = rig.message({ station: 'a', parameter: 'ph', at: 5, value: 7 });
    if (entry.kind === 'message') entry.source = 'import:1';
    await pass(rig, 15);
    expect(keys(rig)).toEqual(['a/_station']);
  });
});

describe('pains B and C', () => {
  it('kapacitor#1015: a station that was silent from birth raises, counted from its registration', async () => {
    const rig = createSilentRig(['a']);
    await pass(rig, 15);
    expect(silent(rig)[0]).toMatchObject({
      breachStartMs: T0,
      detail: 'no reading since it is expected, from 2026-11-22T00:00:00.000Z; one is expected every 5 min',
    });
  });

  it('kapacitor#1784: or from when a gateway came to own it; a station that none owns is expected to say nothing', async () => {
    const rig = createSilentRig([]).station('a', { target: null, parameters: FIVE });
    await pass(rig, 600);
    expect(rig.alarms()).toEqual([]);
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: ['a'], passwordHash: '' } });
    await pass(rig, 614);
    expect(rig.alarms()).toEqual([]);
    await pass(rig, 615);
    expect(silent(rig)[0]).toMatchObject({ key: 'silent/a/_station', breachStartMs: T0 + 600 * MINUTE });
    rig.command({ verb: 'delete', noun: 'gateway', id: 'gw' });
    await rig.apply();
    expect(rig.alarms()[0]).toMatchObject({ state: 'withdrawn' });
  });

  it('grafana#16290: no data has a duration of its own', async () => {
    const rig = createSilentRig(['a'], { for: 'PT45M' });
    for (const minute of [0, 40, 80, 120]) await speak(rig, minute, 'a');
    expect(rig.alarms()).toEqual([]);
  });

  it('thingsboard#10661: silence is told with when it began and when it was found', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 3, 'a');
    await pass(rig, 100);
    expect(silent(rig)[0]).toMatchObject({ breachStartMs: T0 + 3 * MINUTE, detectedAtMs: T0 + 18 * MINUTE });
  });

  it('grafana#58386: a gateway that falls silent is one alarm; its stations are recorded and held', async () => {
    const stations = Array.from({ length: 42 }, (_, n) => `s${n}`);
    const rig = createSilentRig(stations);
    // One message a station, spread over the interval: the first to be due is not the first to be told.
    for (const [n, station] of stations.entries()) await speak(rig, n / 10, station);
    await pass(rig, 60);
    const gateway = rig.alarms().find(({ station }) => station === '_gateways')!;
    expect(gateway).toMatchObject({
      key: 'silent/_gateways/gw',
      raisedAtMs: T0 + 19.1 * MINUTE,
      detail: 'gateway offline: 42 stations since 2026-11-22T00:04:06.000Z; one is expected every 5 min',
    });
    expect(silent(rig)).toHaveLength(43);
    for (const child of silent(rig)) {
      if (child !== gateway && child.id !== gateway.id) expect(child.suppressedBy).toBe(gateway.id);
    }
    expect(told(rig)).toEqual(['raised silent/_gateways/gw']);
    await speak(rig, 61, ...stations.slice(1));
    expect(keys(rig)).toEqual(['s0/_station']);
    expect(told(rig)).toEqual(['raised silent/_gateways/gw', 'returned silent/_gateways/gw']);
    expect(rig.alarms().filter(({ state }) => state === 'cleared')).toHaveLength(41);
    for (const minute of [66, 71]) await speak(rig, minute, ...stations.slice(1));
    expect(told(rig)).toHaveLength(2);
    await speak(rig, 76, ...stations.slice(1));
    expect(told(rig).at(-1)).toBe('raised silent/s0/_station');
    expect(silent(rig)[0]).toMatchObject({ state: 'raised', suppressedBy: null, breachStartMs: T0 });
  });

  it('kapacitor#1898: a restart neither forgets nor repeats a silence', async () => {
    const rig = createSilentRig(['a', 'b', 'c']);
    await speak(rig, 0, 'a', 'b');
    await pass(rig, 30);
    const before = told(rig);
    rig.restart();
    start(rig, 31);
    await pass(rig, 90);
    expect(told(rig)).toEqual(before);
    rig.restart();
    await speak(rig, 91, 'a', 'b', 'c');
    expect(keys(rig)).toEqual([]);
  });
});

describe('our own absence (invariant 10)', () => {
  it('is no silence: down for an hour, no alarm', async () => {
    const rig = createSilentRig(['a', 'b']);
    await speak(rig, 0, 'a', 'b');
    rig.restart();
    start(rig, 60);
    await pass(rig, 74);
    expect(rig.alarms()).toEqual([]);
    await speak(rig, 74, 'a', 'b');
    await pass(rig, 88);
    expect(rig.alarms()).toEqual([]);
    await pass(rig, 90);
    expect(keys(rig)).toEqual(['_gateways/gw', 'a/_station', 'b/_station']);
  });

  it('gives everybody time after a start', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 0, 'a');
    await pass(rig, 14);
    start(rig, 15);
    await pass(rig, 29);
    expect(rig.alarms()).toEqual([]);
    await pass(rig, 30);
    expect(silent(rig)[0]).toMatchObject({ raisedAtMs: T0 + 30 * MINUTE });
  });

  it('nor is the broker’s: away for an hour, no alarm', async () => {
    const rig = createSilentRig(['a', 'b']);
    await speak(rig, 0, 'a', 'b');
    await pass(rig, 2);
    platform(rig, 'begun');
    await pass(rig, 62);
    expect(rig.follower().nextTimerMs()).toBeNull();
    platform(rig, 'ended');
    await pass(rig, 76);
    expect(ever(rig)).toEqual([]);
    await speak(rig, 76, 'a', 'b');
    await pass(rig, 80);
    expect(ever(rig)).toEqual([]);
  });

  it('takes back what was told before the broker’s absence was known', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 0, 'a');
    await pass(rig, 15.1);
    expect(keys(rig)).toEqual(['a/_station']);
    platform(rig, 'begun', T0 + 10 * MINUTE);
    await rig.apply();
    expect(ever(rig)).toMatchObject([{ state: 'withdrawn' }]);
    expect(told(rig).filter((line) => line.endsWith('a/_station'))).toEqual([
      'raised silent/a/_station',
      'withdrawn silent/a/_station',
    ]);
  });

  it('does not take a clock that leaps for silence: suspended, or set forward by an hour', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 0, 'a');
    rig.at(65).tick();
    await rig.apply();
    expect(rig.alarms()).toEqual([]);
    await speak(rig, 66, 'a');
    await pass(rig, 80);
    expect(rig.alarms()).toEqual([]);
  });

  it('counts a disk that refused the journal as ours', async () => {
    const rig = createSilentRig(['a']);
    await speak(rig, 0, 'a');
    await pass(rig, 5);
    platform(rig, 'begun', rig.nowMs(), 'journal.unwritable');
    await pass(rig, 125);
    platform(rig, 'ended', rig.nowMs(), 'journal.unwritable');
    await speak(rig, 130, 'a');
    expect(ever(rig)).toEqual([]);
  });
});

describe('a station that sends only a part', () => {
  const both = [
    { id: 'ph', interval: 'PT5M' },
    { id: 'nh3n', interval: 'PT1H' },
  ];
  const createPartRig = () => createSilentRig(['a']).station('a', { target: null, parameters: both });
  const send = async (rig: AlertsRig, minutes: number, ...parameters: string[]) => {
    await pass(rig, minutes);
    rig.message(...parameters.map((parameter) => ({ station: 'a', parameter, at: minutes, value: 7 })));
    await rig.apply();
  };

  it('raises the alarm of the parameter', async () => {
    const rig = createPartRig();
    await send(rig, 0, 'ph', 'nh3n');
    for (let minute = 5; minute <= 200; minute += 5) await send(rig, minute, 'ph');
    expect(silent(rig)).toMatchObject([{ key: 'silent/a/nh3n', raisedAtMs: T0 + 3 * HOUR }]);
    await send(rig, 205, 'nh3n');
    expect(keys(rig)).toEqual([]);
  });

  it('raises one alarm when the station says nothing at all, and waits for the rest when it is back', async () => {
    const rig = createPartRig();
    await send(rig, 0, 'ph', 'nh3n');
    await pass(rig, 300);
    expect(keys(rig)).toEqual(['a/_station']);
    expect(silent(rig)[0]!.raisedAtMs).toBe(T0 + 15 * MINUTE);
    await send(rig, 301, 'ph');
    expect(keys(rig)).toEqual([]);
    for (let minute = 305; minute <= 480; minute += 5) await send(rig, minute, 'ph');
    expect(keys(rig)).toEqual([]);
    await send(rig, 481, 'ph');
    expect(keys(rig)).toEqual(['a/nh3n']);
  });

  it('says nothing of what has no interval', async () => {
    const rig = createSilentRig(['a']).station('a', { target: null, parameters: [{ id: 'ph' }] });
    await pass(rig, 6000);
    expect(rig.alarms()).toEqual([]);
    expect(rig.follower().nextTimerMs()).toBeNull();
  });
});

describe('the registers', () => {
  it('withdraw what nothing is expected for any more', async () => {
    const rig = createSilentRig(['a', 'b', 'c'], { select: { stations: ['a', 'b'] } });
    await pass(rig, 20);
    expect(keys(rig)).toEqual(['_gateways/gw', 'a/_station', 'b/_station']);
    rig.station('b', { target: null, parameters: [{ id: 'ph' }] });
    await rig.apply();
    expect(keys(rig)).toEqual(['a/_station']);
    // With its gateway's alarm gone it is told for itself.
    expect(silent(rig)).toMatchObject([{ suppressedBy: null }]);
    expect(told(rig).at(-1)).toBe('raised silent/a/_station');
    rig.rule('silent', { kind: 'missing', severity: 'major', enabled: false });
    await rig.apply();
    expect(keys(rig)).toEqual([]);
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('a rule that comes later finds what has been silent all along', async () => {
    const rig = createSilentRig(['a'], { enabled: false });
    // Other stations keep the journal going.
    for (let minute = 1; minute <= 500; minute++) rig.at(minute).tick();
    rig.rule('silent', { kind: 'missing', severity: 'minor' });
    await rig.apply();
    expect(silent(rig)).toMatchObject([{ breachStartMs: T0, detectedAtMs: T0 + 500 * MINUTE }]);
  });
});
