/** What was built one by one, together: an alarm's life, floods, chattering, escalation, quiet hours, closed periods. */
import { describe, expect, it } from 'vitest';
import { createPeriodRig, DAY, hourly, LATENESS, MIDNIGHT } from '#tests/helpers/alerts/period-rig.ts';
import { type AlertsRig, createAlertsRig, createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const HIGH = 0.8;
const AWFUL = 9;
const CLEAN = 0.1;

/** What went out, in order: `minutes channel event`; of a summary what it tells of. */
function sent(rig: AlertsRig): string[] {
  const rows = rig.derived
    .prepare("SELECT createdAtMs, channel, event, payload FROM notice WHERE state = 'pending' ORDER BY position")
    .all() as { createdAtMs: number; channel: string; event: string; payload: string }[];
  return rows.map(({ createdAtMs, channel, event, payload }) => {
    const { told = [], group } = JSON.parse(payload) as { told?: { event: string }[]; group?: { reason: string } };
    const what = group ? `${group.reason} (${told.map((one) => one.event).join(', ')})` : event;
    return `${(createdAtMs - T0) / MINUTE} ${channel} ${what}`;
  });
}

/** The station `weir` with an owner and a chief of the town, whom a route tells after a quarter of an hour. */
function createChainRig(rule: Record<string, unknown>): AlertsRig {
  const rig = createWeirRig({}, rule).channel('owner', { kind: 'log' }).channel('town', { kind: 'log' });
  return rig
    .station('weir', {
      owner: { name: 'Wang', channels: ['owner'] },
      chiefs: [{ level: 'town', name: 'Li', channels: ['town'] }],
    })
    .routes({ to: ['owner'] }, { to: ['town'], after: 'PT15M' });
}

const newest = (rig: AlertsRig) => rig.alarms().at(-1)!.id;

describe('asking again and escalation', () => {
  it('an alarm that asks again is escalated anew, from when it asked', async () => {
    const rig = createChainRig({ reAlarmAfter: 'PT1H' });
    await rig.send({ at: 0, value: HIGH });
    await rig
      .at(5)
      .command({ verb: 'acknowledge', alarm: newest(rig) })
      .pass(200);
    expect(sent(rig)).toEqual(['0 owner raised', '5 owner acknowledged', '65 owner raised', '80 town escalated']);
  });

  it('an alarm that is given back is escalated anew; one that is handed over is not', async () => {
    const rig = createChainRig({});
    await rig.send({ at: 0, value: HIGH });
    await rig
      .at(5)
      .command({ verb: 'acknowledge', alarm: newest(rig) })
      .pass(30);
    await rig.command({ verb: 'hand-over', alarm: newest(rig), to: 'zhao' }).pass(60);
    await rig.command({ verb: 'unacknowledge', alarm: newest(rig) }).pass(120);
    expect(sent(rig).slice(2)).toEqual(['30 owner handed-over', '60 owner unacknowledged', '75 town escalated']);
  });

  it('an alarm that latches is over for an escalation, also when it is given back', async () => {
    const rig = createChainRig({ latch: true });
    await rig.send({ at: 0, value: HIGH });
    await rig.send({ at: 10, value: CLEAN });
    await rig.pass(60);
    await rig.command({ verb: 'acknowledge', alarm: newest(rig) }).apply();
    await rig.command({ verb: 'unacknowledge', alarm: newest(rig) }).pass(120);
    await rig.command({ verb: 'reset', alarm: newest(rig) }).apply();
    await rig.command({ verb: 'acknowledge', alarm: newest(rig) }).apply();
    expect(rig.alarms()).toMatchObject([{ state: 'cleared', latched: false }]);
    expect(sent(rig).map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'owner raised',
      'owner latched',
      'owner acknowledged',
      'owner unacknowledged',
      'owner reset',
      'owner cleared',
    ]);
  });

  it('a shelf that ends escalates anew, and does not ask twice when its acknowledgement would have ended, too', async () => {
    const rig = createChainRig({ reAlarmAfter: 'PT1H' });
    await rig.send({ at: 0, value: HIGH });
    await rig
      .at(5)
      .command({ verb: 'acknowledge', alarm: newest(rig) })
      .apply();
    const shelf = { verb: 'shelve', alarm: newest(rig), untilMs: T0 + 2 * HOUR, reason: 'dredging' } as const;
    await rig.command(shelf).pass(200);
    expect(sent(rig).slice(2)).toEqual(['120 owner raised', '135 town escalated']);
  });
});

describe('a chattering alarm', () => {
  /** Raised and over again every five minutes. */
  async function chatter(rig: AlertsRig, times: number): Promise<void> {
    for (let n = 0; n < times; n++) {
      await rig.pass(n * 10);
      await rig.send({ at: n * 10, value: HIGH });
      await rig.pass(n * 10 + 5);
      await rig.send({ at: n * 10 + 5, value: CLEAN });
    }
  }

  it('is told one by one until it chatters, then in a rolling summary', async () => {
    const rig = createWeirRig();
    await chatter(rig, 7);
    await rig.pass(200);
    expect(sent(rig)).toEqual([
      ...['0 hook raised', '5 hook returned', '10 hook raised', '15 hook returned', '20 hook chattering (raised)'],
      '50 hook chattering (returned, raised, returned, raised, returned)',
      '80 hook chattering (raised, returned, raised, returned)',
    ]);
  });

  it('that latches chatters all the same, and each of its alarms waits for its own reset', async () => {
    const rig = createWeirRig({}, { latch: true });
    await chatter(rig, 4);
    await rig.pass(100);
    expect(sent(rig).slice(4)).toEqual([
      '20 hook chattering (raised)',
      '50 hook chattering (latched, raised, latched)',
    ]);
    expect(rig.alarms()).toMatchObject(Array(4).fill({ state: 'returned', latched: true }));
  });

  it('comes by itself to those who are told since nobody acknowledges it', async () => {
    const rig = createChainRig({});
    await chatter(rig, 2);
    await rig.send({ at: 20, value: HIGH });
    await rig.pass(60);
    expect(sent(rig).slice(4)).toEqual(['20 owner chattering (raised)', '35 town escalated']);
  });

  it('comes by itself when it becomes critical', async () => {
    const rig = createWeirRig();
    await chatter(rig, 3);
    await rig.send({ at: 32, value: AWFUL });
    await rig.pass(33);
    expect(sent(rig).slice(5)).toEqual(['32 hook raised']);
  });
});

describe('quiet hours', () => {
  it('hold who answers for an alarm from now on, too', async () => {
    const rig = createWeirRig();
    // T0 is 08:00 in Shanghai.
    rig.routes({ channels: ['hook'], quiet: { from: '08:00', to: '09:00', severities: ['minor'] } });
    await rig.send({ at: 0, value: HIGH });
    await rig
      .at(5)
      .command({ verb: 'acknowledge', alarm: newest(rig) })
      .apply();
    await rig
      .at(10)
      .command({ verb: 'hand-over', alarm: newest(rig), to: 'zhao' })
      .pass(90);
    expect(sent(rig)).toEqual(['60 hook quiet (raised, acknowledged, handed-over)']);
  });

  it('do not keep an escalation from those whom its own route tells at once', async () => {
    const rig = createWeirRig().channel('chief', { kind: 'log' });
    rig.routes(
      { channels: ['hook'], quiet: { from: '08:00', to: '09:00', severities: ['minor'] } },
      { channels: ['chief'], after: 'PT15M' },
    );
    await rig.send({ at: 0, value: HIGH });
    await rig.pass(90);
    expect(sent(rig)).toEqual(['15 chief escalated', '60 hook quiet (raised)']);
  });
});

describe('a flood', () => {
  async function flooded(rule: Record<string, unknown> = {}): Promise<AlertsRig> {
    const rig = createAlertsRig();
    for (let n = 0; n < 24; n++) rig.station(`s${n}`, { river: 'han' });
    rig
      .rule('class-target', { kind: 'class', severity: { III: 'minor', worse: 'critical' }, ...rule })
      .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
      .routes({ channels: ['hook'] });
    await rig.send(...Array.from({ length: 20 }, (_, n) => ({ station: `s${n}`, at: 0, value: HIGH })));
    return rig;
  }

  it('a critical alarm that is given back in it comes by itself', async () => {
    const rig = await flooded();
    await rig.send({ station: 's20', at: 1, value: AWFUL });
    await rig
      .at(2)
      .command({ verb: 'acknowledge', alarm: newest(rig) })
      .apply();
    await rig
      .at(3)
      .command({ verb: 'unacknowledge', alarm: newest(rig) })
      .apply();
    // What was held of it comes right before.
    expect(sent(rig).slice(-3)).toEqual(['1 hook raised', '2 hook acknowledged', '3 hook unacknowledged']);
  });

  it('holds what ends, latches and is reset in it, each told once in the order in which it happened', async () => {
    const rig = await flooded({ latch: true });
    await rig.send(...Array.from({ length: 20 }, (_, n) => ({ station: `s${n}`, at: 2, value: CLEAN })));
    for (const { id } of rig.alarms()) {
      rig.command({ verb: 'reset', alarm: id }).command({ verb: 'acknowledge', alarm: id });
    }
    await rig.pass(60);
    const told = rig.notices().filter(({ event, state }) => event !== 'summary' && state !== 'held');
    for (const { id } of rig.alarms()) {
      const own = told.filter(({ alarms }) => alarms.includes(id)).map(({ event }) => event);
      expect(own).toEqual(['raised', 'latched', 'reset', 'cleared']);
    }
    expect(rig.notices().filter(({ state }) => state === 'held')).toEqual([]);
    expect(sent(rig).filter((line) => line.includes('flood')).length).toBeLessThanOrEqual(3);
  });

  it('of alarms that ask again at once is a flood of its own', async () => {
    const rig = await flooded({ reAlarmAfter: 'PT1H' });
    await rig.pass(30);
    for (const { id } of rig.alarms()) rig.command({ verb: 'acknowledge', alarm: id });
    await rig.pass(85);
    const before = sent(rig).length;
    await rig.pass(200);
    const after = sent(rig).slice(before);
    expect(after.filter((line) => line.endsWith('hook raised'))).toHaveLength(10);
    expect(after.slice(10)).toEqual([`90 hook flood (${Array(10).fill('raised').join(', ')})`]);
  });
});

describe('silence', () => {
  it('that is told for itself after its gateway is back is a flood by that gateway', async () => {
    const rig = createAlertsRig();
    const stations = Array.from({ length: 20 }, (_, n) => `s${n}`);
    for (const [n, id] of stations.entries()) rig.station(id, { river: n % 2 === 0 ? 'han' : 'dan' });
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations, passwordHash: '' } });
    rig
      .rule('silent', { kind: 'missing', severity: 'major' })
      .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
      .channel('chief', { kind: 'log' })
      .routes({ channels: ['hook'] }, { channels: ['chief'], after: 'PT1H' });
    await rig.pass(30);
    expect(sent(rig)).toEqual(['15 hook raised']);
    // One station speaks through it; the others don't.
    await rig.send({ station: 's0', at: 30, value: CLEAN });
    for (let at = 35; at < 80; at += 5) {
      await rig.pass(at);
      await rig.send({ station: 's0', at, value: CLEAN });
    }
    const groups = rig.notices().flatMap(({ payload }) => (payload.group ? [payload.group] : []));
    expect(groups).toMatchObject([{ reason: 'flood', kind: 'gateway', name: 'gw' }]);
    // Nobody above is told of what was its gateway's affair until an hour after it was let go.
    expect(sent(rig).filter((line) => line.includes('chief'))).toEqual([]);
    const told = rig.notices().filter(({ event, channel }) => event === 'raised' && channel === 'hook');
    expect(told).toHaveLength(1 + 19);
  });
});

describe('closed periods', () => {
  const DAYS = { first: MIDNIGHT, second: MIDNIGHT + DAY, third: MIDNIGHT + 2 * DAY };
  const stations = Array.from({ length: 16 }, (_, n) => `s${n}`);

  async function missed(rule: object = {}) {
    const rig = createPeriodRig();
    for (const [n, id] of stations.entries()) rig.put('station', id, { river: n % 2 === 0 ? 'han' : 'dan' });
    rig.put('rule', 'daily', { kind: 'assessed', period: 'day', target: 'station', ...rule });
    for (const station of stations) rig.message(hourly(DAYS.first, HIGH, { station }));
    await rig.pass(DAYS.second + LATENESS + MINUTE);
    return rig;
  }

  it('missed at many stations at once are a flood, by river', async () => {
    const rig = await missed();
    const told = rig.told();
    expect(told.filter((line) => line.startsWith('raised'))).toHaveLength(16);
    const groups = rig.derived
      .prepare("SELECT payload FROM notice WHERE event = 'summary' ORDER BY position")
      .all()
      .map(({ payload }) => (JSON.parse(payload as string) as { group: object }).group);
    expect(groups).toMatchObject([
      { reason: 'flood', kind: 'river', name: 'han', raises: 3 },
      { reason: 'flood', kind: 'river', name: 'dan', raises: 3 },
    ]);
  });

  it('latch, and are acknowledged for no longer than their rule allows', async () => {
    const rig = await missed({ latch: true, reAlarmAfter: 'PT12H' });
    const [alarm] = rig.alarms();
    rig.command({ verb: 'acknowledge', alarm: alarm!.id });
    await rig.pass(DAYS.second + LATENESS + 13 * HOUR);
    const events = () => rig.changes.filter(({ transition }) => transition.alarm === alarm!.id);
    expect(events().at(-1)!.transition).toMatchObject({ event: 'raised', from: 'acknowledged', to: 'raised' });
    rig.message(hourly(DAYS.second, CLEAN, { station: alarm!.station }));
    await rig.pass(DAYS.third + LATENESS + MINUTE);
    expect(rig.alarms().find(({ id }) => id === alarm!.id)).toMatchObject({ state: 'returned', latched: true });
    rig.command({ verb: 'reset', alarm: alarm!.id }).command({ verb: 'acknowledge', alarm: alarm!.id });
    await rig.settle();
    expect(rig.alarms().find(({ id }) => id === alarm!.id)).toMatchObject({ state: 'cleared', latched: false });
  });
});

it('a restart anywhere in all this changes nothing', async () => {
  const rig = createWeirRig({}, { latch: true, reAlarmAfter: 'PT20M' });
  rig.routes({ channels: ['hook'] }, { channels: ['hook'], after: 'PT10M' });
  for (let n = 0; n < 8; n++) {
    await rig.pass(n * 10);
    await rig.send({ at: n * 10, value: n === 5 ? AWFUL : HIGH });
    if (n % 2 === 0) await rig.command({ verb: 'acknowledge', alarm: newest(rig) }).apply();
    await rig.pass(n * 10 + 5);
    if (n < 6) await rig.send({ at: n * 10 + 5, value: CLEAN });
  }
  await rig.pass(200);
  const again = createAlertsRig();
  again.seriesFor('weir', 'nh3n');
  again.append(...rig.entries);
  while (again.follower().cursor() < rig.entries.length) {
    const from = again.follower().cursor();
    await again.follower().apply(rig.entries.slice(from, from + 3));
    again.restart();
  }
  expect(sent(again)).toEqual(sent(rig));
  expect(again.alarms()).toEqual(rig.alarms());
});
