/**
 * What users of neighbouring systems complain about: alarms that flap, shout or get lost. Each test bears the name of
 * its thread; what the last one lists stands here, in alarm-threads-time.test.ts, or beside the part that answers it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRuleTests } from '#src/rule-tests/run.ts';
import { type AlertsRig, createWeirRig, HOUR, MINUTE, reference, T0 } from '#tests/helpers/alerts-rig.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';
import { createWebhookRig } from '#tests/helpers/webhook-rig.ts';

const KEY = 'class-target/weir/nh3n';

/** Lets time pass to so many minutes after T0, with the ticks that the service would append. */
async function pass(rig: AlertsRig, minutes: number): Promise<void> {
  await rig.apply();
  const dueMs = () => rig.follower().nextTimerMs() ?? Number.POSITIVE_INFINITY;
  while (dueMs() < T0 + minutes * MINUTE) {
    await rig
      .at((dueMs() - T0) / MINUTE)
      .tick()
      .apply();
  }
  await rig.at(minutes).tick().apply();
}

describe('alarms that flap', () => {
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
      await pass(rig, at);
      rig.message({ at, value: at === 80 ? 0.8 : 0.1 });
    }
    expect(await hook.deliver()).toEqual([`raised ${KEY}`]);
    await pass(rig, 126);
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
    await pass(rig, 60);
    expect(rig.alarms()).toMatchObject([{ shelvedUntilMs: null, severity: 'critical' }]);
    await rig.send({ at: 70, value: 0.8 });
    expect((await hook.deliver()).at(-1)).toBe(`severity-changed ${KEY}`);
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
    await pass(rig, 60);
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

  it('grafana#58386, #6601: a database that is away is one alarm, and no station is silent for it', async () => {
    const rig = createWeirRig().rule('silent', { kind: 'missing', severity: 'major' });
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: ['weir'], passwordHash: '' } });
    const hook = await createWebhookRig(rig);
    const change = { verb: 'platform', condition: 'store.unreachable', sinceMs: T0, detail: 'ECONNREFUSED' } as const;
    await rig.command({ ...change, state: 'begun' }, 'system').apply();
    for (let at = 0; at <= 240; at += 5) {
      await pass(rig, at);
      rig.message({ at, value: 0.1 }, ...['do', 'ph', 'temp'].map((parameter) => ({ parameter, at, value: 8 })));
    }
    await rig.command({ ...change, state: 'ended' }, 'system').apply();
    const key = 'platform/_platform/store.unreachable';
    expect(await hook.deliver()).toEqual([`raised ${key}`, `returned ${key}`]);
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
  /** By the number of the complaint that they are about. */
  const THREADS: Record<string, string[]> = {
    'old over latest': ['thingsboard PR#4432'],
    'server times': ['thingsboard#10661', '#6773'],
    'durations on the wrong clock': ['thingsboard#10590'],
    'waiting for late data': ['prometheus PR#4878', 'SigNoz#9279'],
    'late data never checked': ['hydroserver'],
    'rollups without late data': ['influxdb#9571', '#17323'],
    'wrong clocks': ['thingsboard#6351', 'AirQo PR#6929', 'metron PR#1197'],
    'backfill through the live path': ['thingsboard#1805', '#13960', '#14031'],
    flapping: ['grafana#7886'],
    hysteresis: ['grafana#6202', 'grafana#87226'],
    'no data': ['grafana#16290', '#31390', '#89982', '#82989'],
    'severity by time': ['thingsboard#11803'],
    'clear after ten minutes': ['thingsboard#10979'],
    'an alarm for each event': ['thingsboard#7811', '#15103', 'thingsboard#7654'],
    acknowledging: ['grafana#13364', 'opensearch-project/alerting#33', 'opendistro-for-elasticsearch/alerting#27'],
    'n in a row': ['goalert#914'],
    'planned maintenance': ['goalert#3230'],
    'silences that surprise': ['alertmanager#3457', 'alertmanager#2158'],
    restarts: ['kapacitor#1115', 'kapacitor#1898', '#2336', 'kapacitor#744', 'grafana/alerting#156'],
    'silent from birth': ['kapacitor#1015', 'kapacitor#1784'],
    'database outages': ['grafana#58386', '#6601', 'grafana#101989'],
    'what was sent': ['alertmanager#172', 'alertmanager#560', '#1494', 'alertmanager#3359'],
  };

  it('is the name of a test', () => {
    const tests = join(import.meta.dirname, '..');
    const names = ['flow', 'unit'].flatMap((folder) =>
      readdirSync(join(tests, folder))
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
