/** The contract's alarms, from outside: holding, clearing, severity, out-of-order, corrections, notices, operators. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectWebhooks, type WebhookCollector } from '#tests/helpers/alerts/webhook-collector.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let service: TestService;
let hook: WebhookCollector;

interface Alarm {
  id: string;
  key: string;
  severity: string;
  state: string;
  raisedAt: string;
  breachStart: string;
  clearedAt: string | null;
  value: number;
  limit: number | null;
  op: string | null;
  class: string | null;
  multiple: number | null;
  late: boolean;
  occurrences: number;
}

const iso = (ms: number) => new Date(ms).toISOString();
/** Event times within lateness, rising, for each station its own. */
const baseMs = Date.now() - 100 * MINUTE;
const at = (minutes: number) => baseMs + minutes * MINUTE;
const put = (id: string, over: object = {}) =>
  service.call('PUT', `/stations/${id}`, {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: ['nh3n', 'do', 'ph', 'ec', 'temp', 'codmn'].map((parameter) => ({ id: parameter, interval: 'PT5M' })),
    ...over,
  });
const send = async (station: string, minutes: number, values: object) => {
  const { status, body } = await service.call<{ quarantined: object[] }>('POST', '/readings', {
    station,
    time: at(minutes),
    values,
  });
  expect(status).toBe(202);
  expect(body.quarantined).toEqual([]);
};
const alarmsOf = async (station: string, query = '') =>
  (await service.call<{ items: Alarm[] }>('GET', `/alarms?station=${station}${query}`)).body.items;
const rule = (id: string, body: object) => service.call('PUT', `/rules/${id}`, body);
const threshold = (stations: string[], over: object) => ({
  kind: 'threshold',
  select: { stations },
  parameters: ['ec'],
  op: '<=',
  limit: 500,
  severity: 'major',
  ...over,
});
const told = (station: string) =>
  hook.received.filter(({ body }) => body.alarm?.station === station).map(({ body }) => body.event as string);

beforeAll(async () => {
  hook = await collectWebhooks();
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  for (const id of ['class', 'hold', 'hole', 'bad', 'margin', 'order', 'corrected', 'life', 'edit', 'late', 'routed'])
    await put(id);
  await rule('class-target', {
    kind: 'class',
    select: {},
    severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' },
  });
  await service.call('PUT', '/channels/hook', { kind: 'webhook', url: hook.url, secret: 'shh' });
  await service.call('PUT', '/routes', [{ match: {}, channels: ['hook'] }]);
});
afterAll(async () => {
  await service.remove();
  await hook.close();
});

describe('class rules', () => {
  it('raise with the class reached, the multiple, and the side of pH that is broken', async () => {
    await send('class', 0, { nh3n: 1.2, do: 4.5, ph: 9.5, codmn: 4 });
    const alarms = new Map((await alarmsOf('class')).map((alarm) => [alarm.key.split('/').at(-1), alarm]));
    expect([...alarms.keys()].sort()).toEqual(['do', 'nh3n', 'ph']);
    expect(alarms.get('nh3n')).toMatchObject({
      severity: 'major',
      class: 'IV',
      op: '<=',
      limit: 0.5,
      value: 1.2,
      state: 'raised',
    });
    expect(alarms.get('nh3n')!.multiple).toBeCloseTo(1.4, 12);
    expect(alarms.get('do')).toMatchObject({ severity: 'major', class: 'IV', op: '>=', limit: 6, multiple: null });
    expect(alarms.get('ph')).toMatchObject({
      severity: 'critical',
      class: 'worse',
      op: '<=',
      limit: 9,
      multiple: null,
    });
    await send('class', 1, { ph: 5.5 });
    expect((await alarmsOf('class', '&state=raised')).filter(({ key }) => key.endsWith('ph'))).toHaveLength(1);
  });

  it('tell when severity changes', async () => {
    // Not in one leap of more than a whole Class III limit, which is doubted until a second reading bears it out.
    await send('class', 2, { nh3n: 2.1 });
    const [alarm] = (await alarmsOf('class')).filter(({ key }) => key.endsWith('nh3n'));
    expect(alarm).toMatchObject({ severity: 'critical', class: 'worse', value: 2.1, state: 'raised' });
    await eventually('the notice', () => told('class').includes('severity-changed'));
  });

  it('never page for suspect, failed or missing readings', async () => {
    await send('bad', 0, { nh3n: { value: 1.2, flag: 'F' }, do: { value: 1, flag: 'T' }, ph: null });
    expect(await alarmsOf('bad')).toEqual([]);
  });
});

describe('holding', () => {
  it('raises at the first reading at or after breachStart + for, when every one breached', async () => {
    await rule('held', threshold(['hold'], { for: 'PT10M' }));
    for (const minutes of [0, 5, 9]) await send('hold', minutes, { ec: 600 });
    expect(await alarmsOf('hold')).toEqual([]);
    await send('hold', 12, { ec: 610 });
    expect(await alarmsOf('hold')).toMatchObject([{ breachStart: iso(at(0)), raisedAt: iso(at(12)), state: 'raised' }]);
  });

  it('is broken by one good reading and by a hole of more than three intervals, not by bad flags', async () => {
    await rule('held-hole', threshold(['hole'], { for: 'PT20M' }));
    await send('hole', 0, { ec: 600 });
    await send('hole', 5, { ec: 400 });
    await send('hole', 10, { ec: 600 });
    // More than 15 minutes of nothing end the hold; it begins anew.
    await send('hole', 30, { ec: 600 });
    expect(await alarmsOf('hole')).toEqual([]);
    await send('hole', 40, { ec: { value: 300, flag: 'F' } });
    await send('hole', 45, { ec: 600 });
    expect(await alarmsOf('hole')).toEqual([]);
    await send('hole', 50, { ec: 600 });
    expect(await alarmsOf('hole')).toMatchObject([{ breachStart: iso(at(30)), raisedAt: iso(at(50)) }]);
  });

  it('margin only delays clearing, which needs every reading beyond it for clear.for', async () => {
    await rule('marginal', threshold(['margin'], { clear: { margin: 0.1, for: 'PT10M' } }));
    await send('margin', 0, { ec: 501 });
    // Below the limit but not by a tenth, then by a tenth but not for ten minutes.
    for (const [minutes, ec] of [
      [5, 460],
      [10, 440],
      [15, 460],
      [20, 440],
      [25, 449],
    ] as const)
      await send('margin', minutes, { ec });
    expect(await alarmsOf('margin')).toMatchObject([{ state: 'raised', clearedAt: null }]);
    await send('margin', 30, { ec: 450 });
    expect(await alarmsOf('margin')).toMatchObject([{ state: 'returned', clearedAt: iso(at(30)) }]);
  });
});

describe('better knowledge', () => {
  it('an out-of-order reading withdraws what did not hold, with a notice', async () => {
    await rule('ordered', threshold(['order'], { for: 'PT10M' }));
    await send('order', 0, { ec: 600 });
    await send('order', 10, { ec: 600 });
    expect(await alarmsOf('order')).toMatchObject([{ state: 'raised' }]);
    await eventually('its notice', () => told('order').includes('raised'));
    await send('order', 5, { ec: 400 });
    expect(await alarmsOf('order')).toMatchObject([{ state: 'withdrawn' }]);
    await eventually('the withdrawal', () => told('order').includes('withdrawn'));
  });

  it('a correction withdraws, too, and says who and why', async () => {
    await send('corrected', 0, { nh3n: 0.9 });
    const [alarm] = await alarmsOf('corrected');
    expect(alarm).toMatchObject({ state: 'raised', class: 'III', severity: 'minor' });
    const { status } = await service.call('POST', '/corrections', {
      station: 'corrected',
      parameter: 'nh3n',
      from: iso(at(0)),
      to: iso(at(1)),
      action: 'flag',
      flag: 4,
      reason: 'reagent empty',
    });
    expect(status).toBe(202);
    expect((await service.call('GET', `/alarms/${alarm!.id}`)).body).toMatchObject({ state: 'withdrawn' });
    const { body } = await service.call('GET', `/alarms/${alarm!.id}/timeline`);
    expect(JSON.stringify(body)).toContain('reagent empty');
  });

  it('a late breach is a record, cleared, told as late-found and never paged', async () => {
    const time = Date.now() - 5 * HOUR;
    await service.call('POST', '/readings', {
      samples: [0, 5].map((minutes) => ({
        station: 'late',
        time: time + minutes * MINUTE,
        values: { nh3n: minutes === 0 ? 1.2 : 0.2 },
      })),
    });
    expect(await alarmsOf('late')).toMatchObject([
      { state: 'cleared', late: true, breachStart: iso(time), class: 'IV' },
    ]);
    await eventually('the digest', () => told('late').length > 0);
    expect(told('late')).toEqual(['late-found']);
  });

  it('a rule counts for what is journaled after it, whatever the event times', async () => {
    await send('edit', 0, { temp: 30 });
    await rule('warm', threshold(['edit'], { parameters: ['temp'], limit: 25 }));
    expect(await alarmsOf('edit')).toEqual([]);
    await send('edit', -5, { temp: 31 });
    expect(await alarmsOf('edit')).toMatchObject([{ breachStart: iso(at(-5)), multiple: null }]);
    await rule('warm', threshold(['edit'], { parameters: ['temp'], limit: 25, enabled: false }));
    expect(await alarmsOf('edit')).toMatchObject([{ state: 'withdrawn' }]);
  });
});

describe('operators', () => {
  // By now so many alarms came to `hook` that what comes next would be told in summaries.
  beforeAll(async () => {
    await service.call('PUT', '/channels/desk', { kind: 'webhook', url: hook.url, secret: 'shh' });
    await service.call('PUT', '/routes', [{ match: {}, channels: ['desk'] }]);
  });

  const act = (id: string, action: string, body: object) =>
    service.call<Alarm & { shelvedUntil: string | null }>('POST', `/alarms/${id}/${action}`, body);

  it('acknowledge, comment, shelve and unshelve; the timeline has it all', async () => {
    await send('life', 0, { nh3n: 0.7 });
    const { id } = (await alarmsOf('life'))[0]!;
    expect((await act(id, 'comment', { comment: 'looking into it' })).status).toBe(200);
    const until = iso(Date.now() + HOUR);
    expect((await act(id, 'shelve', { until, reason: 'dredging' })).body).toMatchObject({ shelvedUntil: until });
    expect((await act(id, 'unshelve', {})).body).toMatchObject({ shelvedUntil: null });
    expect((await act(id, 'acknowledge', { comment: 'mine' })).body).toMatchObject({
      state: 'acknowledged',
      acknowledgedBy: 'admin',
      acknowledgedAt: expect.stringMatching(/Z$/),
    });
    expect((await act(id, 'acknowledge', {})).status).toBe(409);
    await send('life', 5, { nh3n: 0.2 });
    expect((await service.call('GET', `/alarms/${id}`)).body).toMatchObject({
      state: 'cleared',
      clearedAt: iso(at(5)),
    });
    const timeline = await eventually('three sent notices', async () => {
      const { body } = await service.call<{
        transitions: { at: string; from: string | null; to: string; cause: string; actor?: string }[];
        notices: { id: string; channel: string; event: string; attempts: object[] }[];
      }>('GET', `/alarms/${id}/timeline`);
      return body.notices.every(({ attempts }) => attempts.length > 0) && body.notices.length >= 3 ? body : null;
    });
    expect(timeline.transitions.map(({ from, to }) => [from, to]).filter(([from, to]) => from !== to)).toEqual([
      [null, 'raised'],
      ['raised', 'acknowledged'],
      ['acknowledged', 'cleared'],
    ]);
    expect(JSON.stringify(timeline.transitions)).toMatch(/looking into it.*dredging.*mine/s);
    expect(timeline.transitions.find(({ to }) => to === 'acknowledged')).toMatchObject({
      actor: 'admin',
      at: expect.stringMatching(/Z$/),
    });
    expect(timeline.notices[0]).toMatchObject({
      id: expect.any(String),
      channel: 'desk',
      event: 'raised',
      attempts: [{ at: expect.any(String), status: expect.any(String), outcome: 'sent' }],
    });
  });

  it('acknowledging what has returned clears it', async () => {
    await send('life', 10, { nh3n: 0.8 });
    await send('life', 15, { nh3n: 0.1 });
    const [alarm] = await alarmsOf('life', '&state=returned');
    expect((await act(alarm!.id, 'acknowledge', {})).body).toMatchObject({ state: 'cleared' });
  });

  it('find alarms by state, severity, rule and time, newest first', async () => {
    const { body } = await service.call<{ items: Alarm[]; next: string | null }>('GET', '/alarms?limit=1000');
    const times = body.items.map(({ raisedAt }) => raisedAt);
    expect(times).toEqual([...times].sort().reverse());
    expect(new Set(body.items.map(({ state }) => state)).size).toBeGreaterThan(3);
    const minor = (await service.call<{ items: Alarm[] }>('GET', '/alarms?severity=minor&rule=class-target')).body
      .items;
    expect(minor.length).toBeGreaterThan(0);
    expect(minor.every(({ severity, key }) => severity === 'minor' && key.startsWith('class-target/'))).toBe(true);
    const first = await service.call<{ items: Alarm[]; next: string }>('GET', '/alarms?limit=2');
    const second = await service.call<{ items: Alarm[] }>(
      'GET',
      `/alarms?limit=2&cursor=${encodeURIComponent(first.body.next)}`,
    );
    expect([...first.body.items, ...second.body.items]).toEqual(body.items.slice(0, 4));
    const from = await service.call<{ items: Alarm[] }>(
      'GET',
      `/alarms?station=life&from=${iso(at(9))}&to=${iso(at(11))}`,
    );
    expect(from.body.items.map(({ raisedAt }) => raisedAt)).toEqual([iso(at(10))]);
    expect((await service.call('GET', '/alarms/none')).status).toBe(404);
    expect((await service.call('GET', '/alarms?state=odd')).status).toBe(400);
  });
});

describe('channels and notices', () => {
  it('a test notice is sent, signed, and names no alarm of anybody', async () => {
    const before = hook.received.length;
    expect((await service.call('POST', '/channels/hook/test')).status).toBeLessThan(300);
    const notice = await eventually('the test', () =>
      hook.received.slice(before).find(({ body }) => body.event === 'test'),
    );
    expect(notice.headers['x-wellkeeper-signature']).toBe(
      `sha256=${createHmac('sha256', 'shh').update(notice.raw).digest('hex')}`,
    );
    expect(notice.headers['idempotency-key']).toBe(notice.body.notice);
    expect((await service.call('POST', '/channels/none/test')).status).toBe(404);
  });

  it('retries under the same Idempotency-Key, gives up on 4xx, and sends again when asked', async () => {
    const before = hook.received.length;
    hook.answers = [500];
    await send('routed', 0, { nh3n: 0.6 });
    const retried = await eventually('the retry', () =>
      hook.received.slice(before).find(({ body }) => body.alarm?.station === 'routed'),
    );
    const { id } = (await alarmsOf('routed'))[0]!;
    const noticeOf = async () =>
      (
        await service.call<{
          items: { id: string; state: string; alarms: string[]; attempts: { outcome: string }[] }[];
        }>('GET', '/notices')
      ).body.items.find(({ alarms }) => alarms.includes(id))!;
    await eventually('both attempts', async () => (await noticeOf()).attempts.length === 2);
    const notice = await noticeOf();
    expect(notice).toMatchObject({
      id: retried.headers['idempotency-key'],
      state: 'sent',
      attempts: [{ outcome: 'failed-for-now' }, { outcome: 'sent' }],
    });

    expect((await service.call('POST', `/notices/${notice.id}/resend`)).status).toBeLessThan(300);
    await eventually(
      'it again',
      () => hook.received.filter(({ headers }) => headers['idempotency-key'] === notice.id).length === 2,
    );

    hook.answers = [410];
    await service.call('POST', '/channels/hook/test');
    const failed = await eventually(
      'a failed notice',
      async () =>
        (await service.call<{ items: { event: string; attempts: object[] }[] }>('GET', '/notices?state=failed')).body
          .items[0],
    );
    expect(failed).toMatchObject({
      event: 'test',
      attempts: [{ outcome: 'failed-for-good', status: expect.stringContaining('410') }],
    });
  });

  it('routes by severity, station and rule; a change counts for what comes after', async () => {
    const quiet = [{ match: { severity: ['critical'] }, channels: ['hook'] }];
    expect((await service.call('PUT', '/routes', quiet)).body).toEqual(quiet);
    expect((await service.call('GET', '/routes')).body).toEqual(quiet);
    await put('hushed');
    const before = hook.received.length;
    await send('hushed', 0, { nh3n: 0.6 });
    await send('hushed', 1, { codmn: 30 });
    await eventually('the critical one', () => told('hushed').length > 0);
    expect(
      hook.received
        .slice(before)
        .filter(({ body }) => body.alarm.station === 'hushed')
        .map(({ body }) => body.alarm.parameter),
    ).toEqual(['codmn']);
    expect((await service.call('PUT', '/routes', [{ match: {}, channels: ['none'] }])).status).toBe(400);
    expect((await service.call('DELETE', '/channels/hook')).status).toBe(409);
  });

  it('refuses private addresses that nobody has allowed', async () => {
    const { status, body } = await service.call('PUT', '/channels/inner', {
      kind: 'webhook',
      url: 'http://10.0.0.1/hook',
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'channel.address-refused' });
  });
});
