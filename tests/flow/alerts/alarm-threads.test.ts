/**
 * What users of neighbouring systems complain about: alarms that flap, shout or get lost. Each test bears the name of
 * its thread; what the last one lists stands here, in alarm-threads-time.test.ts, or beside the part that answers it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { composeMessage } from '#alerts/templates/message.ts';
import { runRuleTests } from '#src/rule-tests/run.ts';
import { type AlertsRig, createWeirRig, HOUR, MINUTE, reference, T0 } from '#tests/helpers/alerts/rig.ts';
import { createWebhookRig } from '#tests/helpers/alerts/webhook-rig.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const KEY = 'class-target/weir/nh3n';

/** Lets time pass with the ticks that the service would append, and one at the end. */
const passed = async (rig: AlertsRig, minutes: number) => (await rig.pass(minutes)).tick().apply();

describe('alarms that flap', () => {
  it('grafana#7886: what flaps 60 times in 4 hours is a handful of messages, and every time is on record', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    for (let n = 0; n < 60; n++) {
      await rig.pass(n * 4);
      await rig.send({ at: n * 4, value: 0.8 }, { at: n * 4 + 2, value: 0.1 });
      await hook.deliver();
    }
    await passed(rig, 300);
    await hook.deliver();
    const got = hook.got();
    // Two alarms by themselves, the third as one that chatters, then every half hour.
    expect(got.map(({ event }) => event)).toEqual([
      ...['raised', 'returned', 'raised', 'returned'],
      ...Array(got.length - 4).fill('summary'),
    ]);
    expect(got.length).toBeLessThanOrEqual(4 + 1 + 9);
    const counted = got.slice(4).reduce((sum, { told }) => sum + told!.length, 0);
    expect([rig.alarms().length, counted]).toEqual([60, 2 * 58]);
    const { raises, ends } = got.at(-1)!.group!;
    expect([raises, ends]).toEqual([58, 58]);
  });

  it('grafana#87226: a recovery threshold that is provisioned by file counts', async () => {
    const path = join(tempDir(), 'rules.yaml');
    const text = `
stations:
  weir: { kind: river-section, waterBody: river, parameters: [{ id: nh3n, interval: PT5M }] }
rules:
  ammonia: { kind: threshold, parameters: [nh3n], op: "<=", limit: 1, severity: minor, clear: { margin: 0.2 } }
tests:
  - name: between limit and recovery threshold nothing clears
    series: [{ station: weir, parameter: nh3n, interval: PT5M, values: "1.1 0.9 0.81 0.8" }]
    expect: [{ rule: ammonia, station: weir, parameter: nh3n, clearedAt: PT15M }]
`;
    writeFileSync(path, text);
    expect(await runRuleTests(path, 'rules.yaml', reference)).toMatchObject([{ differences: [] }]);
  });

  it('thingsboard#11803: either of two conditions raises, and the alarm ends when neither holds', async () => {
    const when = 'nh3n > 1 or do < 3';
    const rig = createWeirRig({}, { enabled: false }).rule('either', { kind: 'expression', when, severity: 'major' });
    const both = (at: number, nh3n: number, oxygen: number) =>
      rig.send({ at, value: nh3n }, { at, parameter: 'do', value: oxygen });
    await both(0, 0.1, 8);
    await both(5, 2, 8);
    await both(10, 2, 2);
    await both(15, 0.1, 2);
    await both(20, 0.1, 8);
    expect(rig.alarms()).toMatchObject([{ breachStartMs: T0 + 5 * MINUTE, clearedAtMs: T0 + 20 * MINUTE }]);
  });

  it('grafana#31390, #89982, #82989: no data waits by a duration of its own, so that a bad line pages nobody', async () => {
    const rig = createWeirRig().rule('silent', { kind: 'missing', for: 'PT45M', severity: 'minor' });
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: ['weir'], passwordHash: '' } });
    const hook = await createWebhookRig(rig);
    for (const at of [0, 40, 80]) {
      await passed(rig, at);
      rig.message({ at, value: at === 80 ? 0.8 : 0.1 });
    }
    expect(await hook.deliver()).toEqual([`raised ${KEY}`]);
    await passed(rig, 126);
    expect(await hook.deliver()).toEqual([`raised ${KEY}`, 'raised silent/weir/_station']);
  });
});

describe('what people do about alarms', () => {
  it('grafana#13364: nobody is told anything more of what somebody has taken over, until it ends', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 0, value: 0.8 });
    rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id });
    for (let at = 5; at < 60; at += 5) await rig.send({ at, value: 0.8 });
    await rig.send({ at: 60, value: 0.1 });
    expect(await hook.deliver()).toEqual([`raised ${KEY}`, `acknowledged ${KEY}`, `cleared ${KEY}`]);
  });

  it('opendistro-for-elasticsearch/alerting#27: an acknowledgement ends when its clearing turns out to be none', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    await rig.command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id }).apply();
    await rig.send({ at: 5, value: 0.1 });
    await rig.send({ at: 5, value: 0.8, verdict: 'correction' });
    expect(rig.alarms()).toMatchObject([{ state: 'raised', acknowledgedBy: null }]);
  });

  it('opensearch-project/alerting#33: for a time nobody wants to hear of it, and after that everybody does', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 0, value: 0.8 });
    rig.command({ verb: 'shelve', alarm: rig.alarms()[0]!.id, untilMs: T0 + HOUR, reason: 'dredging' });
    await rig.send({ at: 30, value: 3 });
    expect(await hook.deliver()).toEqual([`raised ${KEY}`]);
    await passed(rig, 60);
    expect(rig.alarms()).toMatchObject([{ shelvedUntilMs: null, severity: 'critical' }]);
    await rig.send({ at: 70, value: 0.8 });
    expect((await hook.deliver()).at(-1)).toBe(`severity-changed ${KEY}`);
  });

  it('alertmanager#730: nobody is told that a shelf is about to end; when it has, what still stands says so', async () => {
    const rig = createWeirRig().station('lake');
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 0, value: 0.8 }, { station: 'lake', at: 0, value: 0.8 });
    for (const { id } of rig.alarms()) {
      rig.command({ verb: 'shelve', alarm: id, untilMs: T0 + HOUR, reason: 'dredging' });
    }
    await rig.send({ station: 'lake', at: 30, value: 0.1 });
    await passed(rig, 59);
    expect(await hook.deliver()).toHaveLength(2);
    await passed(rig, 120);
    await hook.deliver();
    expect(hook.got().slice(2)).toMatchObject([{ event: 'raised', again: 'shelf-ended', alarm: { key: KEY } }]);
    const text = (language: 'zh' | 'en') =>
      composeMessage({ payload: JSON.stringify(hook.got().at(-1)) }, language).title;
    expect(text('zh')).toContain('搁置到期，仍未恢复');
    expect(text('en')).toContain('shelving has just ended');
  });

  it('goalert#3378: an acknowledgement that expires brings the alarm back to those who were told, and further up', async () => {
    const rig = createWeirRig({}, { reAlarmAfter: 'PT1H' });
    const hook = await createWebhookRig(rig, ['hook', 'chief']);
    rig.routes({ channels: ['hook'] }, { channels: ['chief'], after: 'PT15M' });
    await rig.send({ at: 0, value: 0.8 });
    await rig.at(10).command({ verb: 'acknowledge', alarm: rig.alarms()[0]!.id }).apply();
    await passed(rig, 69);
    expect(await hook.deliver()).toEqual([`raised ${KEY}`, `acknowledged ${KEY}`]);
    await hook.restart();
    await passed(rig, 90);
    await hook.deliver();
    expect(hook.got().at(-1)).toMatchObject({ event: 'raised', again: 'still-standing' });
    expect(hook.told('chief')).toEqual([`escalated ${KEY}`]);
  });

  it('alertmanager#2158, #3457: what is shelved stays so over a restart, and a shelf that is over does not come back', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 0, value: 0.8 });
    rig.command({ verb: 'shelve', alarm: rig.alarms()[0]!.id, untilMs: T0 + HOUR, reason: 'dredging' });
    await hook.deliver();
    await hook.restart();
    await rig.send({ at: 30, value: 3 });
    expect(await hook.deliver()).toEqual([`raised ${KEY}`]);
    await passed(rig, 60);
    await hook.restart();
    expect(rig.alarms()).toMatchObject([{ shelvedUntilMs: null }]);
    await rig.send({ at: 65, value: 0.1 });
    expect((await hook.deliver()).at(-1)).toBe(`returned ${KEY}`);
  });
});

describe('restarts and outages', () => {
  it('kapacitor#1115, #2336: a restart tells nothing anew, and forgets to tell nothing', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 0, value: 0.8 });
    await hook.deliver();
    await hook.restart();
    await rig.send({ at: 5, value: 0.8 });
    expect(await hook.deliver()).toEqual([`raised ${KEY}`]);
    await hook.restart();
    await rig.send({ at: 10, value: 0.1 });
    expect(await hook.deliver()).toEqual([`raised ${KEY}`, `returned ${KEY}`]);
  });

  it('grafana/alerting#156: what could not be told before a restart is told after it', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    hook.answer('hook', 503);
    await rig.send({ at: 0, value: 0.8 });
    await hook.deliver(1);
    await hook.restart();
    hook.answer('hook', 200);
    rig.at(10);
    expect(await hook.deliver()).toEqual([`raised ${KEY}`, `raised ${KEY}`]);
    expect(rig.timeline(rig.alarms()[0]!.id).notices).toMatchObject([{ state: 'sent' }]);
  });

  it('grafana#58386, #6601: a database that is away is one alarm; no station is silent for it, and the rest is summarised', async () => {
    const rig = createWeirRig().rule('silent', { kind: 'missing', severity: 'major' });
    const stations = Array.from({ length: 30 }, (_, n) => `s${n}`);
    for (const [n, id] of stations.entries()) rig.station(id, { river: n % 2 === 0 ? 'han' : 'dan' });
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations, passwordHash: '' } });
    const hook = await createWebhookRig(rig);
    const change = { verb: 'platform', condition: 'store.unreachable', sinceMs: T0, detail: 'ECONNREFUSED' } as const;
    await rig.command({ ...change, state: 'begun' }, 'system').apply();
    const key = 'platform/_platform/store.unreachable';
    const speak = async (fromMinutes: number, toMinutes: number, value: number) => {
      for (let at = fromMinutes; at < toMinutes; at += 5) {
        await rig.pass(at);
        rig.message(...stations.map((station) => ({ station, at, value })));
      }
    };
    await speak(0, 120, 0.1);
    expect(await hook.deliver()).toEqual([`raised ${key}`]);
    // The water goes bad everywhere meanwhile: alarms don't wait for the database, and nobody gets thirty.
    await speak(120, 125, 0.8);
    await speak(125, 240, 0.1);
    await rig.command({ ...change, state: 'ended' }, 'system').pass(245);
    await hook.deliver();
    const got = hook.got().slice(1);
    const groups = got.flatMap(({ group }) => (group ? [`${group.reason} ${group.kind} ${group.name}`] : []));
    expect(new Set(groups)).toEqual(new Set(['flood river han', 'flood river dan']));
    expect(got.length).toBeLessThan(20);
    expect(got.filter(({ alarm }) => alarm.key === key)).toMatchObject([{ event: 'returned' }]);
    const told = got.flatMap(({ event, alarm, told: some }) =>
      (some ?? [{ event, alarms: [alarm.id] }]).flatMap((one) => one.alarms.map((id) => `${one.event} ${id}`)),
    );
    expect(told).toHaveLength(2 * stations.length + 1);
    expect(new Set(told).size).toBe(told.length);
    expect(rig.alarms().filter(({ rule }) => rule === 'silent')).toEqual([]);
  });
});

describe('what was sent, when, to whom', () => {
  it('alertmanager#560, #1494: a copy goes to a second address, and who fails holds up and repeats no other', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig, ['hook', 'mailbox']);
    hook.answer('mailbox', 410);
    await rig.send({ at: 0, value: 0.8 });
    expect(await hook.deliver()).toEqual([`raised ${KEY}`]);
    expect(hook.told('mailbox')).toEqual([`raised ${KEY}`]);
    const { notices } = rig.timeline(rig.alarms()[0]!.id);
    expect(
      notices.map(({ channel, state, attempts }) => [channel, state, attempts.map(({ status }) => status)]),
    ).toEqual([
      ['hook', 'sent', ['200']],
      ['mailbox', 'failed', ['410']],
    ]);
  });
});

describe('every thread', () => {
  /** By the number of the complaint in our list of them. */
  const THREADS: Record<number, string[]> = {
    17: ['thingsboard PR#4432'],
    18: ['thingsboard#10661', '#6773'],
    19: ['thingsboard#10590'],
    20: ['prometheus PR#4878', 'SigNoz#9279'],
    // A complaint without a thread.
    21: ['hydroserver'],
    22: ['influxdb#9571', '#17323', '#211', '#510'],
    23: ['thingsboard#6351', 'AirQo PR#6929', 'metron PR#1197'],
    24: ['thingsboard#1805', '#13960', '#14031'],
    25: ['grafana#7886'],
    26: ['grafana#6202', 'grafana#87226'],
    27: ['grafana#16290', '#31390', '#89982', '#82989'],
    28: ['thingsboard#11803'],
    29: ['thingsboard#10979'],
    30: ['thingsboard#7811', '#15103', 'thingsboard#7654'],
    31: ['grafana#13364', 'opensearch-project/alerting#33', 'opendistro-for-elasticsearch/alerting#27', 'goalert#3378'],
    32: ['goalert#914'],
    33: ['goalert#3230'],
    34: ['alertmanager#3457', 'alertmanager#2158', 'alertmanager#730'],
    35: ['kapacitor#1115', 'kapacitor#1898', '#2336', 'kapacitor#744', 'grafana/alerting#156'],
    36: ['kapacitor#1015', 'kapacitor#1784'],
    37: ['grafana#58386', '#6601', 'grafana#101989'],
    38: ['alertmanager#172', 'alertmanager#560', '#1494', 'alertmanager#3359'],
  };

  it('has its number', () => {
    expect(Object.keys(THREADS).map(Number)).toEqual(Array.from({ length: 22 }, (_, n) => 17 + n));
  });

  it('is the name of a test', () => {
    const tests = join(import.meta.dirname, '../..');
    const names = ['flow', 'unit'].flatMap((folder) =>
      readdirSync(join(tests, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => readFileSync(join(tests, folder, file), 'utf8'))
        .flatMap((text) => [...text.matchAll(/^ +(?:it\(|\[)\s*'([^'\n]*)'/gm)].map(([, name]) => name!)),
    );
    const nameless = Object.values(THREADS)
      .flat()
      .filter((thread) => !names.some((name) => name.includes(thread)));
    expect(nameless).toEqual([]);
  });
});
