/** The worst that an alarm was stays with it: after it has eased, out of order, on better knowledge, over restarts. */
import { describe, expect, it } from 'vitest';
import { composeMessage } from '#alerts/templates/message.ts';
import { plainText } from '#alerts/templates/render.ts';
import { derivedMigrations } from '#installation/derived.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { openDatabase } from '#src/sqlite.ts';
import { type AlertsRig, createAlertsRig, createWeirRig, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const at = (minute: number) => T0 + minute * MINUTE;
const PEAK = { value: 1.25, class: 'IV', severity: 'major', atMs: at(5) };

async function send(rig: AlertsRig, ...values: [minute: number, value: number][]): Promise<AlertsRig> {
  for (const [minute, value] of values) await rig.send({ at: minute, value });
  return rig;
}

/** Rises to Class IV and eases to Class III. */
const eased = (rig = createWeirRig()) => send(rig, [0, 0.8], [5, 1.25], [10, 0.982]);

/** One rule of this kind at a station with these parameters. */
function ruled(body: Record<string, unknown>): AlertsRig {
  return createAlertsRig()
    .station('weir', { parameters: ['nh3n', 'ec', 'ph'].map((id) => ({ id, interval: 'PT5M' })) })
    .rule('rule', { severity: 'minor', ...body })
    .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .routes({ channels: ['hook'] });
}

const worst = (rig: AlertsRig) => rig.alarms().map((alarm) => alarm.worst);

describe('an alarm that has eased', () => {
  it('says its worst beside what it is now', async () => {
    const rig = await eased();
    expect(rig.alarms()).toMatchObject([{ severity: 'minor', value: 0.982, class: 'III', worst: PEAK }]);
    const { at: when, ...peak } = alarmView(rig.alarms()[0]!).worst!;
    expect([peak, when]).toEqual([{ value: 1.25, class: 'IV', severity: 'major' }, new Date(at(5)).toISOString()]);
    await send(rig, [15, 0.1]);
    expect(rig.alarms()).toMatchObject([{ state: 'returned', severity: 'minor', value: 0.982, worst: PEAK }]);
  });

  it('says in its closing notice what the peak was', async () => {
    const rig = await send(await eased(), [15, 0.1]);
    const [closing] = rig.notices().slice(-1);
    expect(closing).toMatchObject({ event: 'returned', payload: { alarm: { worst: { value: 1.25, class: 'IV' } } } });
    const notice = { payload: JSON.stringify(closing!.payload) };
    const [en, zh] = [composeMessage(notice, 'en'), composeMessage(notice, 'zh')];
    expect(plainText(en)).toContain('Peak: 1.25 mg/L, Class IV, Major (2026-11-22 08:05 +08:00)\n');
    expect(en.short).toContain('Peak 1.25 mg/L, Class IV, Major (2026-11-22 08:05 +08:00)');
    expect(plainText(zh)).toContain('峰值：1.25 mg/L，Ⅳ类，较重（2026-11-22 08:05 +08:00）\n');
    // A notice that an earlier version made.
    const { worst: _, ...old } = closing!.payload.alarm as Record<string, unknown>;
    expect(
      plainText(composeMessage({ payload: JSON.stringify({ ...closing!.payload, alarm: old }) }, 'en')),
    ).not.toContain('Peak');
  });

  it('tells nobody of a value that is only further out, and keeps it', async () => {
    const rig = await send(createWeirRig(), [0, 0.6], [5, 0.9], [10, 0.7]);
    expect(rig.story()).toEqual(['raised raised']);
    expect(rig.alarms()).toMatchObject([
      { value: 0.6, worst: { value: 0.9, class: 'III', severity: 'minor', atMs: at(5) } },
    ]);
  });

  it('counts what it was while it was held', async () => {
    const rig = await send(createWeirRig({}, { for: 'PT10M' }), [0, 0.8], [5, 1.25], [10, 0.8]);
    expect(rig.alarms()).toMatchObject([{ value: 0.8, severity: 'minor', worst: PEAK }]);
  });

  it('is the same whatever the order of arrival, and after a restart', async () => {
    const rig = await send(createWeirRig(), [0, 0.8], [10, 0.982]);
    await rig.send({ at: 5, value: 1.25 });
    expect(worst(rig)).toEqual([PEAK]);
    rig.follower().checkpoint();
    await send(rig.restart(), [15, 0.7]);
    expect(worst(rig)).toEqual([PEAK]);
    // Hours later the peak has left the window.
    for (let minute = 20; minute < 600; minute += 5) await rig.send({ at: minute, value: 0.7 });
    rig.follower().checkpoint();
    await send(rig.restart(), [600, 0.1]);
    expect(rig.alarms()).toMatchObject([{ state: 'returned', worst: PEAK }]);
  });
});

describe('on better knowledge', () => {
  const correct = { verb: 'correct', station: 'weir', parameter: 'nh3n', reason: 'fouled' } as const;
  const peak = { ...correct, action: 'delete', fromMs: at(5), toMs: at(5) + 1 } as const;

  it('it is the worst of what is left', async () => {
    const rig = await eased();
    await rig.command(peak).apply();
    expect(worst(rig)).toEqual([{ value: 0.982, class: 'III', severity: 'minor', atMs: at(10) }]);
    const set = await eased();
    await set.command({ ...peak, action: 'set', value: 1.6 }).apply();
    expect(worst(set)).toEqual([{ value: 1.6, class: 'V', severity: 'critical', atMs: at(5) }]);
    const newer = await eased();
    await newer.send({ at: 5, value: 0.1, verdict: 'correction' });
    expect(worst(newer)).toMatchObject([
      { value: 0.8, atMs: at(0) },
      { value: 0.982, atMs: at(10) },
    ]);
  });

  it('it is what the alarm says where the rest lies before the window', async () => {
    const rig = await eased();
    for (let minute = 15; minute < 600; minute += 5) await rig.send({ at: minute, value: 0.7 });
    await rig.command(peak).apply();
    expect(worst(rig)).toMatchObject([{ value: 0.982, class: 'III', severity: 'minor' }]);
    const over = await send(await eased(), [15, 0.1]);
    for (let minute = 20; minute < 600; minute += 5) await over.send({ at: minute, value: 0.1 });
    await over.command(peak).apply();
    expect(over.alarms()).toMatchObject([
      { state: 'returned', worst: { value: 0.982, class: 'III', severity: 'minor' } },
    ]);
  });
});

describe('by the kind of its rule', () => {
  it.each([
    ['op and limit', { op: '<=', limit: 30 }, [31, 90, 40], 90],
    ['a minimum', { op: '>=', limit: 30 }, [29, 3, 20], 3],
  ])('threshold, %s: the furthest beyond', async (_name, limits, [a, b, c], expected) => {
    const rig = ruled({ kind: 'threshold', parameters: ['nh3n'], ...limits });
    await send(rig, [0, a!], [5, b!], [10, c!]);
    expect(worst(rig)).toEqual([{ value: expected, class: null, severity: 'minor', atMs: at(5) }]);
  });

  it('class: of pH the side that is further out', async () => {
    const rig = createWeirRig();
    for (const [minute, value] of [
      [0, 9.2],
      [5, 5.5],
      [10, 9.3],
    ] as const)
      await rig.send({ at: minute, value, parameter: 'ph' });
    expect(worst(rig)).toMatchObject([{ value: 5.5, atMs: at(5) }]);
  });

  it('steps: the severest of any reading beside the value furthest out', async () => {
    const steps = [{ after: 'PT10M', severity: 'critical' }];
    const rig = ruled({ kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, steps });
    await send(rig, [0, 5], [5, 2], [10, 2]);
    expect(worst(rig)).toEqual([{ value: 5, class: null, severity: 'critical', atMs: at(0) }]);
  });

  it('rate: the steepest', async () => {
    const rig = ruled({ kind: 'rate', parameters: ['nh3n'], limit: 1, minSamples: 2, over: 'PT5M' });
    await send(rig, [0, 0.1], [5, 0.3], [10, 2], [15, 2.2]);
    expect(worst(rig)).toEqual([{ value: 20.4, class: null, severity: 'minor', atMs: at(10) }]);
  });

  it('expression: no value, and when it was most severe', async () => {
    const steps = [{ after: 'PT10M', severity: 'major' }];
    const rig = ruled({ kind: 'expression', when: 'nh3n > 1', steps });
    await send(rig, [0, 2], [5, 3], [10, 2], [15, 9]);
    expect(rig.alarms()).toMatchObject([{ value: null }]);
    expect(worst(rig)).toEqual([{ value: null, class: null, severity: 'major', atMs: at(10) }]);
  });

  it('quality: the reading that it began with', async () => {
    const rig = ruled({ kind: 'quality' });
    await rig.send({ at: 0, value: 3, flag: 3 });
    await rig.send({ at: 5, value: 9, flag: 4 });
    expect(worst(rig)).toEqual([{ value: 3, class: null, severity: 'minor', atMs: at(0) }]);
  });

  it('missing: none', async () => {
    const rig = ruled({ kind: 'missing' }).command({
      verb: 'put',
      noun: 'gateway',
      id: 'gw',
      body: { stations: ['weir'] } as never,
    });
    await rig.send({ at: 0, value: 0.1 });
    await rig.pass(60);
    expect(worst(rig)).toEqual([null]);
  });

  it('found late: the worst of the record', async () => {
    const rig = createWeirRig().at(24 * 60);
    rig.message(
      ...(
        [
          [0, 0.8],
          [5, 1.25],
          [10, 0.982],
        ] as const
      ).map(([minute, value]) => ({ at: minute, value })),
    );
    await rig.apply();
    expect(rig.alarms()).toMatchObject([{ late: true, worst: PEAK }]);
    await rig.restart().send({ at: 15, value: 1.3 });
    expect(rig.alarms()).toMatchObject([{ late: true, worst: { value: 1.3, atMs: at(15) } }]);
  });
});

describe('alarms of an earlier version', () => {
  it('have the worst that was told, and go on from it', async () => {
    const path = `${tempDir()}/derived.db`;
    const before = derivedMigrations.findIndex((ddl) => ddl.includes('$.worst'));
    const rig = await eased(createWeirRig({ derived: openDatabase(path, derivedMigrations) }));
    rig.follower().checkpoint();
    // As it was: without the worst, neither in the alarm nor in the lane.
    rig.derived.exec(`UPDATE alarm SET body = json_remove(body, '$.worst')`);
    for (const { rule, series, body } of rig.derived.prepare('SELECT * FROM alertLane').all()) {
      const bare = JSON.stringify(JSON.parse(body as string), (name, value: unknown) =>
        name === 'peak' ? undefined : value,
      );
      rig.derived
        .prepare('UPDATE alertLane SET body = ? WHERE rule = ? AND series = ?')
        .run(bare, rule as string, series as number);
    }
    rig.derived.exec(derivedMigrations[before]!);
    const told = { value: 1.25, class: 'IV', severity: 'major' };
    expect(worst(rig)).toMatchObject([told]);
    await send(rig.restart(), [15, 0.9]);
    expect(worst(rig)).toMatchObject([told]);
    await send(rig, [20, 1.4], [25, 0.1]);
    expect(worst(rig)).toMatchObject([{ value: 1.4, atMs: at(20) }]);
  });
});
