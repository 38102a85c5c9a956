/** Maintenance windows: what is raised in one is recorded and held, and told at its end if it still holds. */
import { describe, expect, it } from 'vitest';
import { type AlertsRig, createWeirRig, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const iso = (minutes: number) => new Date(T0 + minutes * MINUTE).toISOString();

function window(
  rig: AlertsRig,
  id: string,
  from: number,
  to: number,
  more: object = { stations: ['weir'] },
): AlertsRig {
  const body = { ...more, from: iso(from), to: iso(to), reason: 'pump' };
  return rig.command({ verb: 'put', noun: 'maintenance', id, body });
}

const told = (rig: AlertsRig) => rig.notices().map(({ event }) => event);
const held = (rig: AlertsRig) => rig.alarms().map(({ state, suppressedBy }) => `${state} ${suppressedBy}`);

describe('an alarm raised in a window', () => {
  it('is recorded and not told, and told when the window ends and it still holds', async () => {
    const rig = window(createWeirRig(), 'pump', 0, 60);
    await rig.send({ at: 5, value: 0.8 });
    await rig.send({ at: 10, value: 1.2 });
    expect(held(rig)).toEqual(['raised maintenance/pump']);
    expect(told(rig)).toEqual([]);
    expect(rig.follower().nextTimerMs()).toBe(T0 + 60 * MINUTE);
    await rig.at(60).tick().apply();
    expect(held(rig)).toEqual(['raised null']);
    expect(told(rig)).toEqual(['raised']);
    expect(rig.changes.at(-1)!.transition.cause).toBe('maintenance/pump is over, and it still holds');
    await rig.send({ at: 65, value: 0.1 });
    expect(told(rig)).toEqual(['raised', 'returned']);
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('that ends in it ends in silence, and nobody has to take it over', async () => {
    const rig = window(createWeirRig(), 'pump', 0, 60);
    await rig.send({ at: 5, value: 0.8 });
    await rig.send({ at: 10, value: 0.1 });
    await rig.at(90).tick().apply();
    expect(held(rig)).toEqual(['cleared maintenance/pump']);
    expect(told(rig)).toEqual([]);
  });

  it('that somebody took over meanwhile is not told again', async () => {
    const rig = window(createWeirRig(), 'pump', 0, 60);
    await rig.send({ at: 5, value: 0.8 });
    rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id });
    await rig.at(60).tick().apply();
    expect(held(rig)).toEqual(['acknowledged null']);
    expect(told(rig)).toEqual([]);
    await rig.send({ at: 65, value: 0.1 });
    expect(told(rig)).toEqual(['cleared']);
  });

  it('counts by the time of its readings, up to the end as it is received', async () => {
    const rig = window(createWeirRig(), 'pump', 10, 20);
    await rig.send({ at: 9, value: 0.8 });
    expect(told(rig)).toEqual(['raised']);
    rig.at(30).message({ at: 15, parameter: 'do', value: 1 });
    await rig.apply();
    expect(told(rig)).toEqual(['raised', 'raised']);
  });

  it('found late is a record of that time', async () => {
    const rig = window(createWeirRig(), 'pump', 0, 60);
    rig.at(600).message({ at: 5, value: 0.8 });
    await rig.apply();
    expect(held(rig)).toEqual(['cleared maintenance/pump']);
    expect(told(rig)).toEqual([]);
  });

  it('is let go when the window is taken back or cut short, or goes to another one', async () => {
    const rig = window(window(createWeirRig(), 'pump', 0, 60), 'probe', 0, 120);
    await rig.send({ at: 5, value: 0.8 });
    expect(held(rig)).toEqual(['raised maintenance/probe']);
    window(rig, 'probe', 0, 4);
    await rig.apply();
    expect(held(rig)).toEqual(['raised maintenance/pump']);
    rig.command({ verb: 'delete', noun: 'maintenance', id: 'pump' });
    await rig.apply();
    expect(held(rig)).toEqual(['raised null']);
    expect(told(rig)).toEqual(['raised']);
  });

  it('is held over a restart', async () => {
    const rig = window(createWeirRig(), 'pump', 0, 60);
    await rig.send({ at: 5, value: 0.8 });
    rig.restart();
    expect(rig.follower().nextTimerMs()).toBe(T0 + 60 * MINUTE);
    await rig.at(61).tick().apply();
    expect(told(rig)).toEqual(['raised']);
  });
});

describe('what a window leaves alone', () => {
  it('goalert#3230: alarms of other stations, and what was told before goes on being told', async () => {
    const rig = createWeirRig().station('ford');
    await rig.send({ at: 0, value: 0.8 });
    window(rig, 'pump', 1, 60);
    await rig.send({ at: 5, station: 'ford', value: 0.8 });
    await rig.send({ at: 10, value: 1.2 });
    await rig.send({ at: 15, value: 0.1 });
    expect(told(rig)).toEqual(['raised', 'raised', 'severity-changed', 'returned']);
  });

  it('alertmanager#3457: a window that is over holds nothing, and says so where something was held', async () => {
    const rig = window(createWeirRig(), 'pump', 0, 10);
    await rig.send({ at: 5, value: 0.8 });
    await rig.send({ at: 20, value: 0.1 });
    await rig.send({ at: 25, value: 0.8 });
    expect(told(rig)).toEqual(['raised', 'returned', 'raised']);
  });
});

describe('a window of a gateway', () => {
  it('holds the alarms of all its stations, and its own', async () => {
    const rig = createWeirRig().station('ford').rule('silent', { kind: 'missing', severity: 'minor' });
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: ['weir', 'ford'], passwordHash: '' } });
    window(rig, 'cabinet', 0, 60, { gateways: ['gw'] });
    await rig.send({ at: 0, station: 'ford', value: 0.8 });
    for (let minute = 1; minute <= 16; minute++) rig.at(minute).tick();
    await rig.apply();
    expect(held(rig)).toEqual(Array.from({ length: 4 }, () => 'raised maintenance/cabinet'));
    expect(told(rig)).toEqual([]);
    await rig.at(60).tick().apply();
    const gateway = rig.alarms().find(({ station }) => station === '_gateways')!;
    const children = rig.alarms().filter(({ parameter }) => parameter === '_station');
    expect(children.map(({ suppressedBy }) => suppressedBy)).toEqual([gateway.id, gateway.id]);
    expect(told(rig)).toEqual(['raised', 'raised']);
  });
});
