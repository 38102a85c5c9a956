/** Who hears of an alarm that nobody acknowledges: along the chain, by the clock of arrival, each step once. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tellingDdl } from '#alerts/records/telling-tables.ts';
import { sampleAlarm } from '#alerts/telling/notice.ts';
import { composeMessage } from '#alerts/templates/message.ts';
import { derivedMigrations, openDerived } from '#installation/derived.ts';
import { openDatabase } from '#src/sqlite.ts';
import { type AlertsRig, createAlertsRig, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const OWNER = { name: 'Wang', channels: ['owner'] };
const CHIEFS = [
  { level: 'village', name: 'Zhao', channels: [] },
  { level: 'town', name: 'Li', channels: ['town'] },
  { level: 'county', name: 'Sun', channels: ['county', 'town'] },
];
const CHAIN = [
  { to: ['owner'] },
  { to: ['village', 'town'], after: 'PT15M' },
  { match: { severity: ['critical'] }, to: ['county', 'city'], channels: ['duty'], after: 'PT30M' },
];

function createChainRig(routes: Record<string, unknown>[] = CHAIN, derived = openDerived(':memory:')): AlertsRig {
  const rig = createAlertsRig({ derived }).station('weir', { owner: OWNER, chiefs: CHIEFS });
  rig.rule('class-target', { kind: 'class', severity: { III: 'minor', IV: 'major', worse: 'critical' } });
  for (const id of ['owner', 'town', 'county', 'duty']) rig.channel(id, { kind: 'log' });
  return rig.routes(...routes);
}

/** `minutes channel event`, in order. */
function told(rig: AlertsRig): string[] {
  const rows = rig.derived.prepare('SELECT createdAtMs, channel, event FROM notice ORDER BY position').all();
  return rows.map(
    ({ createdAtMs, channel, event }) => `${((createdAtMs as number) - T0) / MINUTE} ${channel} ${event}`,
  );
}

function escalations(rig: AlertsRig): string[] {
  return rig.changes
    .filter(({ transition }) => transition.event === 'escalated')
    .map(({ transition }) => `${(transition.atMs - T0) / MINUTE} ${transition.cause}`);
}

describe('an escalation', () => {
  it('goes up the chain by the time without acknowledgement, and says whom it could not reach', async () => {
    const rig = createChainRig();
    // Detected ten minutes after it was measured.
    await rig.at(10).send({ at: 0, value: 9 });
    await rig.pass(120);
    expect(told(rig)).toEqual([
      '10 owner raised',
      '25 town escalated',
      '40 duty escalated',
      '40 county escalated',
      '40 town escalated',
    ]);
    expect(escalations(rig)).toEqual([
      '25 not acknowledged for 15 min: told town chief Li (village chief Zhao has no channel)',
      '40 not acknowledged for 30 min: told channel duty, county chief Sun (no city chief)',
    ]);
    expect(rig.alarms()[0]).toMatchObject({ state: 'raised', severity: 'critical' });
    expect(rig.follower().nextTimerMs()).toBeNull();
  });

  it('tells whoever it reached how it goes on', async () => {
    const rig = createChainRig();
    await rig.send({ at: 0, value: 9 });
    await rig.pass(20);
    await rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id }).pass(60);
    await rig.send({ at: 60, value: 0.1 });
    expect(told(rig)).toEqual([
      '0 owner raised',
      '15 town escalated',
      '20 owner acknowledged',
      '20 town acknowledged',
      '60 owner cleared',
      '60 town cleared',
    ]);
  });

  it.each([
    ['acknowledged', (rig: AlertsRig, alarm: string) => rig.command({ verb: 'acknowledge', alarm })],
    [
      'shelved',
      (rig: AlertsRig, alarm: string) =>
        rig.command({ verb: 'shelve', alarm, untilMs: T0 + 300 * MINUTE, reason: 'x' }),
    ],
    ['over', (rig: AlertsRig) => rig.message({ at: 10, value: 0.1 })],
  ])('does not come for an alarm that is %s', async (_what, act) => {
    const rig = createChainRig();
    await rig.send({ at: 0, value: 9 });
    act(rig.at(10), rig.alarms()[0]!.id);
    await rig.pass(120);
    expect(escalations(rig)).toEqual([]);
  });

  it('starts anew when the alarm asks anew: no longer shelved, or raised again', async () => {
    const rig = createChainRig();
    await rig.send({ at: 0, value: 0.8 });
    await rig.pass(16);
    const { id } = rig.alarms()[0]!;
    await rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + 30 * MINUTE, reason: 'x' }).pass(100);
    expect(escalations(rig).map((line) => line.split(' ')[0])).toEqual(['15', '45']);
    await rig.command({ verb: 'acknowledge', alarm: id }).apply();
    await rig.send({ at: 100, value: 0.1 });
    // On better knowledge it did not clear: it is raised again.
    await rig.at(102).send({ at: 100, value: 0.8, verdict: 'correction' });
    expect(rig.alarms()[0]!.state).toBe('raised');
    await rig.pass(200);
    expect(escalations(rig).map((line) => line.split(' ')[0])).toEqual(['15', '45', '117']);
  });

  it('counts from when the alarm became severe enough for the step', async () => {
    const rig = createChainRig();
    await rig.send({ at: 0, value: 0.8 });
    await rig.pass(16);
    await rig.send({ at: 20, value: 9 });
    await rig.send({ at: 25, value: 1.2 });
    await rig.send({ at: 40, value: 9 });
    await rig.pass(120);
    expect(escalations(rig).map((line) => line.slice(0, 40))).toEqual([
      '15 not acknowledged for 15 min: told tow',
      '70 not acknowledged for 30 min: told cha',
    ]);
  });

  it('follows the routes and the station as they are, and takes no step twice', async () => {
    const rig = createChainRig([{ channels: ['owner'] }]);
    await rig.send({ at: 0, value: 9 });
    await rig.pass(40);
    expect(escalations(rig)).toEqual([]);
    await rig.routes(...CHAIN).apply();
    await rig.pass(41);
    expect(escalations(rig).map((line) => line.split(' ')[0])).toEqual(['40', '40']);
    await rig.routes(...CHAIN, { match: { area: ['shiyan'] }, channels: ['duty'], after: 'PT1H' }).pass(90);
    expect(escalations(rig)).toHaveLength(2);
    await rig.station('weir', { owner: OWNER, chiefs: CHIEFS, area: 'shiyan' }).pass(91);
    expect(escalations(rig).slice(2)).toEqual(['90 not acknowledged for 1 h: told channel duty']);
  });

  it('is on time after a restart, and once', async () => {
    const rig = createChainRig();
    await rig.send({ at: 0, value: 9 });
    rig.restart();
    expect(rig.follower().nextTimerMs()).toBe(T0 + 15 * MINUTE);
    await rig.pass(16);
    rig.restart();
    expect(rig.follower().nextTimerMs()).toBe(T0 + 30 * MINUTE);
    await rig.pass(60);
    expect(escalations(rig)).toHaveLength(2);
  });

  it('with nobody to reach is a transition that says so, and no notice; so is a route at once', async () => {
    const rig = createChainRig([{ to: ['city', 'owner'] }, { to: ['village', 'city'], after: 'PT5M' }]).station(
      'weir',
      {},
    );
    await rig.send({ at: 0, value: 9 });
    await rig.pass(30);
    expect(told(rig)).toEqual([]);
    expect(rig.changes[0]!.transition.cause).toMatch(
      / \(class worse than V\) at .*; not told: no city chief, no owner; told to nobody: no route names a channel$/,
    );
    expect(escalations(rig)).toEqual([
      '5 not acknowledged for 5 min: nobody could be told (no village chief, no city chief)',
    ]);
  });

  it('looks at once at alarms that an earlier version has left', async () => {
    const { path, remove } = makeTempDir();
    onTestFinished(remove);
    const file = join(path, 'derived.db');
    const before = openDatabase(file, derivedMigrations.slice(0, derivedMigrations.indexOf(tellingDdl)));
    const put = before.prepare(
      `INSERT INTO alarm (id, key, rule, station, severity, state, late, breachStartMs, raisedAtMs, body)
       VALUES (?1, ?2, ?3, ?4, ?5, ?1, 0, ?6, ?6, ?7)`,
    );
    for (const state of ['raised', 'acknowledged'] as const) {
      const alarm = { ...sampleAlarm(T0), id: state, station: 'weir', state, clearedAtMs: null };
      const { key, rule, station, severity } = alarm;
      put.run(state, key, rule, station, severity, T0, JSON.stringify(alarm));
    }
    before.close();
    const rig = createChainRig(CHAIN, openDerived(file));
    await rig.at(20).pass(20);
    expect(escalations(rig).map((line) => line.slice(0, 40))).toEqual(['20 not acknowledged for 15 min: told tow']);
    rig.derived.close();
  });

  it('says in its text for how long nobody has acknowledged', async () => {
    const rig = createChainRig();
    await rig.send({ at: 0, value: 9 });
    await rig.pass(16);
    const { payload } = rig.notices().find(({ event }) => event === 'escalated')!;
    expect(payload).toMatchObject({ after: 'PT15M', acknowledgeUrl: expect.stringContaining('/a/') });
    const message = composeMessage({ payload: JSON.stringify(payload) }, 'zh');
    expect(message.title).toBe('【守井人】严重·升级上报 weir nh3n');
    expect(message.facts.at(-1)).toEqual({ label: '未确认时长', value: '15 分钟' });
    expect(composeMessage({ payload: JSON.stringify(payload) }, 'en').facts.at(-1)!.value).toBe('15 min');
    expect(message.isUrgent).toBe(true);
  });
});
