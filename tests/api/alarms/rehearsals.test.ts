/** `POST /rules/rehearse`: what is asked, what is refused, and that a client that goes ends the work. */
import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Rehearsal, Rehearsed } from '#alerts/looking-back/rehearse.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { StoreError } from '#src/sqlite.ts';
import { type ApiRig, anAlarm, authorization, NOW_MS, startApi } from '#tests/helpers/api.ts';

const RULE = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 0.5, severity: 'minor' };
const FROM = '2026-11-01T00:00:00Z';
const PATH = '/api/v1/rules/rehearse';

const OUTCOME: Rehearsed = {
  fromMs: Date.parse(FROM),
  toMs: NOW_MS,
  lookBackFromMs: Date.parse(FROM) - 86_400_000,
  readings: 6048,
  series: 1,
  judged: 6000,
  breaches: 60,
  alarms: [anAlarm({ id: 'rehearsed-7' })],
  count: 1,
  cleared: 0,
  standing: 1,
  stoodMinutes: { median: 5, max: 5 },
  bySeverity: { minor: 1, major: 0, critical: 0 },
  byStation: [{ station: 'taocha', count: 1 }],
  byChannel: [{ channel: 'duty', count: 1 }],
  suppressed: 0,
  per10Min: { mean: 0.0003, max: 1, shareAbove10: 0 },
  minutesInFlood: 1,
  floods: [{ fromMs: NOW_MS - 60_000, toMs: NOW_MS }],
  comparison: { present: 2, missed: [anAlarm()], missedCount: 1, addedCount: 0 },
};

async function rigged(answer: Rehearsed = OUTCOME): Promise<{ rig: ApiRig; asked: Rehearsal[] }> {
  const rig = await startApi();
  const asked: Rehearsal[] = [];
  rig.deps.rehearse = async (rehearsal) => {
    asked.push(rehearsal);
    return answer;
  };
  await rig.call('PUT', '/api/v1/rules/ammonia', { body: RULE });
  return { rig, asked };
}

describe('a rehearsal', () => {
  it('answers its alarms, its figures and what the present rule raised', async () => {
    const { rig, asked } = await rigged();
    const { statusCode, body } = await rig.call('POST', PATH, {
      as: 'engineer',
      body: { rule: RULE, id: 'ammonia', from: FROM },
    });
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      id: 'ammonia',
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-11-22T00:00:00.000Z',
      lookBackFrom: '2026-10-31T00:00:00.000Z',
      count: 1,
      alarms: [alarmView(anAlarm({ id: 'rehearsed-7' }))],
      minutesInFlood: 1,
      floods: [{ from: '2026-11-21T23:59:00.000Z', to: '2026-11-22T00:00:00.000Z' }],
      comparison: { present: 2, missed: 1, added: 0 },
      missed: [alarmView(anAlarm())],
    });
    expect(asked).toMatchObject([{ replaces: 'ammonia', fromMs: Date.parse(FROM), toMs: NOW_MS }]);
    expect(asked[0]!.rule).toMatchObject({ ...RULE, for: 'PT0S', clear: { margin: 0.05 } });
  });

  it('of a rule that replaces none compares with none', async () => {
    const { rig, asked } = await rigged({ ...OUTCOME, comparison: null });
    const answer = (await rig.call('POST', PATH, { body: { rule: RULE, from: FROM } })).json();
    expect([answer.id, answer.comparison, answer.missed]).toEqual([null, null, []]);
    expect(asked[0]!.replaces).toBeNull();
  });

  it('says the rule back, and warns of one that would alarm on most of the past', async () => {
    const { rig, asked } = await rigged({ ...OUTCOME, judged: 100, breaches: 51 });
    const rule = { ...RULE, op: '>', says: { zh: '', en: 'as it was read' } };
    const answer = (await rig.call('POST', PATH, { body: { rule, from: FROM } })).json();
    expect(answer).toMatchObject({
      says: { en: 'alarms when ammonia nitrogen is at or below 0.5 mg/L at 2 stations' },
      judged: 100,
      breaches: 51,
      breachShare: 0.51,
      warnings: [
        {
          code: 'breach.most',
          en: '51 % of the values break the rule, which alarms when ammonia nitrogen is at or below 0.5 mg/L at 2 stations: does it read the other way round?',
        },
      ],
    });
    expect(asked[0]!.rule).not.toHaveProperty('says');
    const half = await rigged({ ...OUTCOME, judged: 100, breaches: 50 });
    expect((await half.rig.call('POST', PATH, { body: { rule: RULE, from: FROM } })).json().warnings).toEqual([]);
    const none = await rigged({ ...OUTCOME, judged: 0, breaches: 0 });
    expect((await none.rig.call('POST', PATH, { body: { rule: RULE, from: FROM } })).json()).toMatchObject({
      breachShare: null,
      warnings: [],
    });
  });

  it('saves nothing', async () => {
    const { rig } = await rigged();
    const seq = rig.journal.headSeq;
    await rig.call('POST', PATH, { body: { rule: { ...RULE, limit: 9 }, id: 'ammonia', from: FROM } });
    expect(rig.journal.headSeq).toBe(seq);
  });
});

describe('refused is', () => {
  it.each([
    ['a rule that no schema knows', { rule: { kind: 'magic' }, from: FROM }, 'request.invalid', 'rule.kind'],
    ['a rule that is none', { rule: { ...RULE, limit: 'much' }, from: FROM }, 'request.invalid', 'rule.limit'],
    ['a range without a start', { rule: RULE }, 'request.invalid', 'from'],
    ['a rule to replace that is not there', { rule: RULE, id: 'nobody', from: FROM }, 'request.invalid', 'id'],
    ['a range that ends before it begins', { rule: RULE, from: FROM, to: '2026-10-01' }, 'range.invalid', null],
    ['more than 400 days', { rule: RULE, from: '2025-01-01' }, 'range.too-long', null],
    ['silence', { rule: { kind: 'missing', severity: 'minor' }, from: FROM }, 'rule.not-rehearsable', null],
  ])('%s', async (_what, body, code, path) => {
    const { rig, asked } = await rigged();
    const answer = await rig.call('POST', PATH, { body });
    expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
    if (path !== null) expect(answer.json().errors[0].path).toBe(path);
    expect(asked).toEqual([]);
  });

  it('a rule that makes no sense here, as PUT refuses it', async () => {
    const { rig } = await rigged();
    rig.deps.checkRule = () => [
      { code: 'rule.invalid', message: 'there is no station "x"', path: 'select.stations[0]' },
    ];
    const tried = await rig.call('POST', PATH, { body: { rule: RULE, from: FROM } });
    const put = await rig.call('PUT', '/api/v1/rules/x', { body: RULE });
    expect(tried.json()).toMatchObject({ code: 'rule.invalid', errors: put.json().errors });
  });

  it.each([
    ['rehearsal.too-large', 400],
    ['overloaded', 503],
  ])('%s', async (code, status) => {
    const { rig } = await rigged();
    rig.deps.rehearse = async () => {
      throw new StoreError(code, 'It meets more than that.', false);
    };
    const answer = await rig.call('POST', PATH, { body: { rule: RULE, from: FROM } });
    expect([answer.statusCode, answer.json().code, answer.json().detail]).toEqual([
      status,
      code,
      'It meets more than that.',
    ]);
  });
});

it('ends when the client goes', async () => {
  const { rig } = await rigged();
  const begun = Promise.withResolvers<AbortSignal>();
  rig.deps.rehearse = (_rehearsal, signal) => {
    begun.resolve(signal);
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
  };
  await rig.server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = rig.server.server.address() as AddressInfo;
  const headers = { ...authorization(rig, 'engineer'), 'content-type': 'application/json' };
  const asking = request({ port, host: '127.0.0.1', path: PATH, method: 'POST', headers });
  asking.on('error', () => {});
  asking.end(JSON.stringify({ rule: RULE, from: FROM }));
  const signal = await begun.promise;
  const aborted = once(signal, 'abort');
  asking.destroy();
  await aborted;
  expect(signal.aborted).toBe(true);
});
