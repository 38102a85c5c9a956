/**
 * One who asks a lot holds nobody else up: long questions take turns by credential, operators' short ones never wait for
 * long ones, what nobody waits for any more is never computed, and what is too much is refused.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { onBehalfOf } from '#api/access/asker.ts';
import type { Config } from '#model/config.ts';
import { type QueryClient, startQueryWorkers } from '#process/query-client.ts';
import { LANE_LIMITS, type LaneLimits } from '#process/query-lane.ts';
import { readConfig } from '#setting/config.ts';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
const DAYS = 400;
/** 1 January 2025, 00:00 in Shanghai. */
const T0 = Date.UTC(2024, 11, 31, 16);
const at = (hour: number) => new Date(T0 + hour * HOUR).toISOString();
const QUESTIONS = 285;

let service: TestService;
let config: Config;
const tokens: Record<string, string> = {};

async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const answer = await service.call<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'error', WK_CLOSINGS: 'manual' } });
  config = readConfig({ WK_DATA_DIR: service.dataDir }).config;
  const parameters = [
    { id: 'register', interval: 'PT1H' },
    { id: 'turbidity', interval: 'PT1H' },
  ];
  const name = { zh: '分水口', en: 'Offtake' };
  await call('PUT', '/stations/offtake', { name, kind: 'offtake', waterBody: 'river', parameters }, 201);
  const meter = { station: 'offtake', parameter: 'register', kind: 'register', unit: 'm3', direction: 1, maxFlow: 60 };
  await call('PUT', '/meters/m', { ...meter, maxGap: 'PT2H', measures: 'delivery', recipient: 'beijing' }, 201);
  const rule = { kind: 'threshold', select: { stations: ['offtake'] }, parameters: ['turbidity'], above: 30 };
  await call('PUT', '/rules/murky', { ...rule, severity: 'minor', enabled: true }, 201);
  for (let hour = 0; hour < DAYS * 24; hour += 2000) {
    const samples = Array.from({ length: Math.min(2000, DAYS * 24 - hour) }, (_, n) => {
      return { station: 'offtake', time: at(hour + n), values: { register: (hour + n) * 3600 } };
    });
    await call('POST', '/readings', { samples }, 202);
  }
  const time = new Date(Date.now() - 60_000).toISOString();
  await call('POST', '/readings', { samples: [{ station: 'offtake', time, values: { turbidity: 99 } }] }, 202);
  for (const role of ['viewer', 'operator']) {
    tokens[role] = (await call<{ token: string }>('POST', '/tokens', { name: `a ${role}`, role }, 201)).token;
  }
});
afterAll(async () => {
  await service.end();
  await service.remove();
});

describe('the query workers', () => {
  /** Its test takes some milliseconds. */
  const series = Array.from({ length: 1500 }, (_, n) => ({ value: (n * 7919) % 1009, censored: null }));
  const options = { method: 'mann-kendall', period: 12, alpha: 0.05, serial: false } as const;
  const trend = () => ({ values: [...series], ...options });
  const everyAlarm = {
    state: null,
    station: null,
    severity: null,
    rule: null,
    fromMs: null,
    toMs: null,
    limit: 10,
    after: null,
  };

  function start(limits: Partial<LaneLimits> = {}): QueryClient {
    const fail = (error: unknown) => {
      throw error;
    };
    const events = { onDeath: fail, onStale: fail, onDamage: fail };
    const client = startQueryWorkers(config, events, { ...LANE_LIMITS, perCredential: 1000, ...limits });
    onTestFinished(() => client.close());
    return client;
  }

  function asking(client: QueryClient, order: string[]) {
    const { queries } = client;
    return (credential: string, what: 'long' | 'short' = 'long', signal = new AbortController().signal) =>
      onBehalfOf({ credential, signal }, async () => {
        const answer = await (what === 'long' ? queries.trendTest(trend()) : queries.alarms(everyAlarm));
        order.push(`${credential} ${what}`);
        return answer;
      });
  }

  it(`answer an operator after at most one running question, of ${QUESTIONS} that a viewer has asked before`, async () => {
    const order: string[] = [];
    const ask = asking(start(), order);
    const gone = new AbortController();
    const viewers = Array.from({ length: QUESTIONS }, () => ask('viewer', 'long', gone.signal));
    const outcomes = Promise.allSettled(viewers);
    // They are under way.
    await viewers[0];
    order.length = 0;
    await Promise.all([ask('operator', 'short'), ask('operator')]);
    const before = order.slice(0, order.indexOf('operator long'));
    expect(before.filter((name) => name === 'viewer long').length).toBeLessThanOrEqual(1);
    // The viewer goes on being answered.
    await viewers[2];
    gone.abort();
    await outcomes;
  });

  it('answer short questions while a long one runs, whoever asked it', async () => {
    const order: string[] = [];
    const ask = asking(start(), order);
    await ask('operator', 'short');
    const longs = [ask('operator'), ask('operator'), ask('operator')];
    // Not one after all of the long ones.
    for (let n = 0; n < 20; n++) await ask('operator', 'short');
    expect(order.slice(0, 22).filter((name) => name === 'operator short').length).toBeGreaterThanOrEqual(19);
    await Promise.all(longs);
  });

  it('compute nothing that nobody waits for any more', async () => {
    const order: string[] = [];
    const client = start();
    const ask = asking(client, order);
    const gone = new AbortController();
    const running = ask('viewer');
    const abandoned = Array.from({ length: QUESTIONS }, () => ask('viewer', 'long', gone.signal));
    gone.abort();
    const outcomes = await Promise.allSettled(abandoned);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(client.counts().long).toMatchObject({ waiting: 0, abandoned: QUESTIONS, stopped: 0 });
    await running;
    await expect(ask('viewer', 'long', gone.signal)).rejects.toMatchObject({ code: 'overloaded' });
    expect(order).toEqual(['viewer long']);
  });

  it.each([
    ['whose client has gone', { abandonedMs: 0 }, 'overloaded'],
    ['that takes longer than one may', { computedMs: 1 }, 'question.too-large'],
  ])(
    'end a running question %s, and answer the next one',
    async (_what, limits, code) => {
      const client = start(limits);
      const ask = asking(client, []);
      const gone = new AbortController();
      const running = ask('viewer', 'long', gone.signal);
      if (code === 'overloaded') gone.abort();
      await expect(running).rejects.toMatchObject({ code });
      expect(client.counts().long).toMatchObject({ stopped: 1, waiting: 0 });
      // The service's own questions take as long as they need.
      expect(await client.queries.trendTest(trend())).toMatchObject({ n: 1500 });
    },
    60_000,
  );

  it('refuse what is beyond the limit of one credential, and take what others ask', async () => {
    const order: string[] = [];
    const client = start({ perCredential: 100 });
    const ask = asking(client, order);
    const gone = new AbortController();
    const outcomes = Promise.allSettled(Array.from({ length: QUESTIONS }, () => ask('viewer', 'long', gone.signal)));
    await ask('operator');
    gone.abort();
    const refused = (await outcomes).filter((one) => one.status === 'rejected' && /Too many/.test(String(one.reason)));
    // One runs and a hundred wait.
    expect(refused).toHaveLength(QUESTIONS - 101);
    expect(refused[0]).toMatchObject({ reason: { code: 'overloaded', retryable: true } });
    expect(client.counts().long.refused).toBe(QUESTIONS - 101);
  });
});

describe('over HTTP', () => {
  it('a trend test of 12,000 values leaves the main thread to others, and its memory is small', async () => {
    // Ties, seasons and all: the dearest of the methods.
    const values = Array.from({ length: 12_000 }, (_, n) => (n * 7919) % 1009);
    const body = { values, method: 'seasonal-kendall', period: 2, serial: true };
    const order: string[] = [];
    const test = call<{ n: number }>('POST', '/trend-tests', body).then((answer) => {
      order.push('tested');
      return answer;
    });
    await eventually('it runs', async () => {
      const { status } = await service.call('GET', '/healthz');
      order.push('alive');
      return status === 200 && order.length >= 5;
    });
    expect((await test).n).toBe(12_000);
    expect(order.indexOf('tested')).toBeGreaterThanOrEqual(5);
    const text = await (await fetch(`${service.url}/metrics`)).text();
    const [, resident] = /^wellkeeper_process_resident_memory_bytes (\S+)$/m.exec(text) ?? [];
    // All pairs in a list were 3.8 GB.
    expect(Number(resident)).toBeLessThan(1e9);
  });

  const asOf = () => encodeURIComponent(new Date().toISOString());
  const asOfPath = () => `/volumes?meter=m&from=${at(0)}&to=${at(DAYS * 24)}&by=day&asOf=${asOf()}`;
  const by = (who: string) => ({ authorization: `Bearer ${tokens[who]}` });
  const ask = (who: string, method: string, path: string, signal?: AbortSignal) =>
    fetch(`${service.url}/api/v1${path}`, {
      method,
      headers: { ...by(who), ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) },
      ...(method === 'POST' ? { body: '{}' } : {}),
      ...(signal ? { signal } : {}),
    });

  async function metric(name: string): Promise<number> {
    const text = await (
      await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN}` } })
    ).text();
    const [, value] = new RegExp(`^wellkeeper_${name}\\{lane="long"\\} (\\d+)$`, 'm').exec(text) ?? [];
    return Number(value);
  }

  it('285 questions of a viewer as of now leave an operator alarms, their acknowledging and a question of his own', async () => {
    const gone = new AbortController();
    const answers = Array.from({ length: QUESTIONS }, () => ask('viewer', 'GET', asOfPath(), gone.signal));
    const settled = Promise.allSettled(answers);
    const refused = await eventually('one is refused', async () => {
      const first = await Promise.race(
        answers.map((answer) => answer.then((one) => (one.status === 503 ? one : null))),
      );
      if (first) return first;
      const found = await Promise.all(answers.map((answer) => Promise.race([answer, turn(null)]).catch(() => null)));
      return found.find((one) => one?.status === 503) ?? null;
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'overloaded' });

    const alarms = (await (await ask('operator', 'GET', '/alarms?rule=murky')).json()) as { items: { id: string }[] };
    expect(alarms.items).toHaveLength(1);
    const acknowledged = await ask('operator', 'POST', `/alarms/${alarms.items[0]!.id}/acknowledge`);
    expect(acknowledged.status).toBe(200);
    const own = await ask('operator', 'GET', asOfPath());
    expect(own.status).toBe(200);
    expect(await own.json()).toMatchObject({ total: { unknownHours: expect.any(Number) } });
    // All of it before what the viewer had asked earlier.
    expect(await metric('questions_waiting')).toBeGreaterThan(50);

    gone.abort();
    await settled;
    await eventually('nothing waits', async () => (await metric('questions_waiting')) === 0);
    expect(await metric('questions_abandoned_total')).toBeGreaterThan(50);
    const outcomes = await settled;
    const statuses = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.status] : []));
    expect(statuses.filter((status) => status === 503).length).toBe(await metric('questions_refused_total'));
  });
});
