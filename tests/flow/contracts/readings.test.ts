/** The contract's readings, from outside: in, out, corrected, replayed, and the newest of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
let service: TestService;

interface Receipt {
  accepted: number;
  duplicates: number;
  corrections: number;
  pending: number;
  quarantined: { path?: string; code: string; message: string; quarantineId: string }[];
}
interface Page {
  station: string;
  parameter: string;
  unit: string;
  items: { time: string; value: number | null; flag: number; deviceFlag?: string; provisional?: boolean }[];
  next: string | null;
}

const iso = (ms: number) => new Date(ms).toISOString();
const put = (id: string, over: object = {}) =>
  service.call('PUT', `/stations/${id}`, {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'ph' }, { id: 'do' }, { id: 'nh3n' }],
    ...over,
  });
const post = (body: unknown, headers: Record<string, string> = {}) =>
  service.call<Receipt>('POST', '/readings', body, headers);
const readings = async (station: string, parameter: string, query: string) =>
  (await service.call<Page>('GET', `/series/${station}/${parameter}/readings?${query}`)).body;
const values = async (station: string, parameter: string, query: string) =>
  (await readings(station, parameter, query)).items.map(({ value }) => value);

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  for (const id of ['s1', 's2', 'corr', 'csv', 'late']) await put(id);
  await put('young', { parameters: [{ id: 'ph', interval: 'PT5M' }, { id: 'do' }] });
});
afterAll(() => service.remove());

describe('POST /readings', () => {
  it('answers 202 with exactly these members', async () => {
    const time = Date.now() - MINUTE;
    const { status, body } = await post({ station: 's1', time, values: { ph: 7.9, do: 9 } });
    expect(status).toBe(202);
    expect(body).toEqual({ accepted: 2, duplicates: 0, corrections: 0, pending: 0, quarantined: [] });
    expect((await post({ station: 's1', time, values: { ph: 7.9, do: 9.1 } })).body).toMatchObject({
      accepted: 0,
      duplicates: 1,
      corrections: 1,
      pending: 0,
    });
  });

  it('is 202 also when all is quarantined', async () => {
    const { status, body } = await post({ station: 'nowhere', time: Date.now(), values: { ph: 7 } });
    expect(status).toBe(202);
    expect(body).toMatchObject({
      accepted: 0,
      quarantined: [{ code: 'station.unknown', message: expect.any(String), quarantineId: expect.any(String) }],
    });
  });

  it('honours Idempotency-Key: the same answer for the same body, 422 for another', async () => {
    const body = { station: 's1', time: Date.now() - 50_000, values: { ph: 7.8 } };
    const headers = { 'idempotency-key': 'once-and-only' };
    const first = await post(body, headers);
    expect(first.body).toMatchObject({ accepted: 1 });
    expect((await post(body, headers)).body).toEqual(first.body);
    const other = await post({ ...body, time: body.time + 1 }, headers);
    expect(other.status).toBe(422);
    expect(other.body).toMatchObject({ code: 'idempotency.conflict' });
  });

  it('takes CSV and gives back CSV that it takes again', async () => {
    const from = Date.parse('2026-05-01T00:00:00Z');
    const rows = Array.from(
      { length: 3000 },
      (_, index) => `csv,${iso(from + index * MINUTE)},ph,${7 + (index % 10) / 10},,N`,
    );
    const { status, body } = await post(`station,time,parameter,value,unit,flag\n${rows.join('\n')}\n`);
    expect(status).toBe(202);
    expect(body.accepted + body.pending).toBe(3000);
    const answer = await fetch(`${service.url}/api/v1/series/csv/ph/readings?from=${from}&to=${from + DAY * 3}`, {
      headers: { authorization: `Bearer ${ADMIN}`, accept: 'text/csv' },
    });
    expect(answer.headers.get('content-type')).toMatch('text/csv');
    const text = await answer.text();
    const lines = text.trim().split('\n');
    expect(lines).toHaveLength(3001);
    expect(lines[0]).toMatch(/^station,time,parameter,value,unit,flag/);
    const again = await post(lines.slice(0, 1001).join('\n'));
    expect(again.body).toMatchObject({ accepted: 0, corrections: 0, quarantined: [] });
  });

  it('knows an unlisted parameter, and expects nothing of it', async () => {
    const time = Date.now() - 40_000;
    expect((await post({ station: 's1', time, values: { turbidity: 3 } })).body).toMatchObject({ accepted: 1 });
    expect(await values('s1', 'turbidity', `from=${time}&to=${time + 1}`)).toEqual([3]);
  });
});

describe('GET readings', () => {
  it('is half-open, oldest first, and pages without loss', async () => {
    const from = Date.parse('2026-05-01T00:00:00Z');
    const whole = await readings('csv', 'ph', `from=${from}&to=${from + 100 * MINUTE}`);
    expect(whole).toMatchObject({ station: 'csv', parameter: 'ph', unit: expect.any(String), next: null });
    expect(whole.items).toHaveLength(100);
    expect(whole.items[0]!.time).toBe(iso(from));
    expect(whole.items.at(-1)!.time).toBe(iso(from + 99 * MINUTE));
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Page = await readings(
        'csv',
        'ph',
        `from=${from}&to=${from + 100 * MINUTE}&limit=33${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      seen.push(...page.items.map(({ time }) => time));
      cursor = page.next;
    }
    expect(seen).toEqual(whole.items.map(({ time }) => time));
    const unlimited = await readings('csv', 'ph', `from=${from}&to=${from + 3000 * MINUTE}`);
    expect(unlimited.items).toHaveLength(1000);
    expect(unlimited.next).not.toBeNull();
    expect((await readings('csv', 'ph', `from=${from}&to=${from + 3000 * MINUTE}&limit=10000`)).items).toHaveLength(
      3000,
    );
  });

  it('takes instants with offsets, even unescaped, and refuses nonsense', async () => {
    expect(await values('csv', 'ph', 'from=2026-05-01T08:00:00%2B08:00&to=2026-05-01T00:02:00Z')).toEqual([7, 7.1]);
    expect(await values('csv', 'ph', 'from=2026-05-01T08:00:00+08:00&to=2026-05-01T00:02:00Z')).toEqual([7, 7.1]);
    for (const query of [
      'from=yesterday',
      'from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z',
      'from=2026-05-01T00:00:00',
    ]) {
      const { status, body } = await service.call('GET', `/series/csv/ph/readings?${query}`);
      expect(status, query).toBe(400);
      expect(body).toMatchObject({ code: 'range.invalid' });
    }
    expect((await service.call('GET', '/series/nowhere/ph/readings')).status).toBe(404);
    expect((await service.call('GET', '/series/csv/nothing/readings')).status).toBe(404);
    expect((await service.call('GET', '/series/csv/ph/readings?limit=10001')).status).toBe(400);
  });
});

describe('POST /decode', () => {
  it('tells what would become of a payload and changes nothing', async () => {
    await service.gateway('gw', ['s1']);
    const time = Date.now() - 30_000;
    const payload = {
      samples: [
        { station: 's1', time, values: { nh3n: { value: 800, unit: 'ug/L', flag: 'N' }, x: 1 } },
        { station: 's2', time, values: { ph: 7 } },
      ],
    };
    const { status, body } = await service.call<{ readings: object[]; faults: object[] }>(
      'POST',
      '/decode?gateway=gw',
      payload,
    );
    expect(status).toBe(200);
    expect(body.readings).toEqual([
      {
        station: 's1',
        parameter: 'nh3n',
        time: iso(time),
        value: 0.8,
        unit: 'mg/L',
        flag: 1,
        deviceFlag: 'N',
        class: 'III',
      },
    ]);
    expect(body.faults).toEqual([
      { code: 'parameter.unknown', message: expect.any(String), path: 'samples[0].values.x' },
      { code: 'gateway.not-owner', message: expect.any(String), path: 'samples[1].values.ph' },
    ]);
    expect(await values('s1', 'nh3n', `from=${time}&to=${time + 1}`)).toEqual([]);
    expect((await service.call('POST', '/decode?gateway=nobody', payload)).status).toBe(404);
  });
});

describe('corrections', () => {
  const from = Date.parse('2026-04-01T00:00:00Z');
  const range = `from=${from}&to=${from + HOUR}`;
  const correct = (body: object) =>
    service.call('POST', '/corrections', {
      station: 'corr',
      parameter: 'ph',
      from: iso(from),
      to: iso(from + HOUR),
      reason: 'probe',
      ...body,
    });

  it('set, flag and delete; every version stays in the history, and asOf goes back', async () => {
    await post({
      samples: [0, 1, 2].map((index) => ({
        station: 'corr',
        time: from + index * 10 * MINUTE,
        values: { ph: 7 + index / 10 },
      })),
    });
    expect(await values('corr', 'ph', range)).toEqual([7, 7.1, 7.2]);
    const before = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await correct({ action: 'set', value: 8, to: iso(from + MINUTE) })).status).toBe(202);
    expect(
      (await correct({ action: 'flag', flag: 4, from: iso(from + 10 * MINUTE), to: iso(from + 11 * MINUTE) })).status,
    ).toBe(202);
    expect(
      (await correct({ action: 'delete', from: iso(from + 20 * MINUTE), to: iso(from + 21 * MINUTE) })).status,
    ).toBe(202);
    const { items } = await readings('corr', 'ph', range);
    expect(items.map(({ value, flag }) => [value, flag])).toEqual([
      [8, expect.any(Number)],
      [7.1, 4],
      [null, 9],
    ]);
    expect(await values('corr', 'ph', `${range}&asOf=${before}`)).toEqual([7, 7.1, 7.2]);
    const trends = async (more: string) =>
      (
        await service.call<{ items: object[] }>(
          'GET',
          `/trends?station=corr&parameter=ph&interval=PT1H&${range}${more}`,
        )
      ).body.items;
    expect(await trends('')).toMatchObject([{ count: 2, valid: 1, min: 8, max: 8 }]);
    expect(await trends(`&asOf=${before}`)).toMatchObject([{ count: 3, valid: 3, min: 7, max: 7.2 }]);
    const { body } = await service.call<{ items: { value: number; by: string | null; reason: string | null }[] }>(
      'GET',
      `/series/corr/ph/history?time=${from}`,
    );
    // A second look of the quality control is a version, too: of the flag, not of the value.
    const versions = body.items.filter(({ by }) => by !== 'quality');
    expect(versions.map(({ value }) => value)).toEqual([8, 7]);
    expect(versions[1]).toMatchObject({
      by: expect.stringContaining('admin'),
      reason: 'probe',
      supersededAt: expect.stringMatching(/Z$/),
    });
  });

  it('stand against the old value sent again, and give way to a new one', async () => {
    const send = (ph: number) => post({ station: 'corr', time: from + 20 * MINUTE, values: { ph } });
    await send(7.2);
    expect(await values('corr', 'ph', range)).toEqual([8, 7.1, null]);
    await send(7.3);
    expect(await values('corr', 'ph', range)).toEqual([8, 7.1, 7.3]);
  });

  it('are refused when they make no sense', async () => {
    for (const body of [
      { action: 'set' },
      { action: 'flag' },
      { action: 'flag', flag: 7 },
      { action: 'undo' },
      { action: 'delete', reason: '' },
      { action: 'delete', to: iso(from - 1) },
    ])
      expect((await correct(body)).status, JSON.stringify(body)).toBe(400);
    expect((await correct({ action: 'delete', station: 'nowhere' })).status).toBe(404);
  });
});

describe('quarantine', () => {
  it('is replayed through the door once what was wrong is put right', async () => {
    const time = Date.now() - 20_000;
    const { body } = await post({ station: 'soon', time, values: { ph: 7.7, do: 9 } });
    expect(body.quarantined).toHaveLength(2);
    const id = body.quarantined[0]!.quarantineId;
    const list = await service.call<{ items: { id: string }[] }>('GET', '/quarantine?limit=10');
    expect(list.body.items.find((item) => item.id === id)).toEqual({
      id,
      at: expect.stringMatching(/Z$/),
      gateway: expect.any(String),
      code: 'station.unknown',
      message: expect.any(String),
      path: expect.any(String),
      sample: expect.stringContaining('soon'),
    });
    const still = await service.call<Receipt>('POST', `/quarantine/${id}/replay`);
    expect(still.body).toMatchObject({ accepted: 0, quarantined: [{ code: 'station.unknown' }] });
    await put('soon');
    const replayed = await service.call<Receipt>('POST', `/quarantine/${id}/replay`);
    expect(replayed.status).toBe(200);
    expect(replayed.body).toMatchObject({ accepted: 1, quarantined: [] });
    expect(await values('soon', 'ph', `from=${time}&to=${time + 1}`)).toEqual([7.7]);
    expect((await service.call('POST', `/quarantine/${id}/replay`)).status).toBe(404);
  });
});

describe('latest', () => {
  it('judges by values younger than three intervals, an hour without one, unrounded', async () => {
    const now = Date.now();
    await post({
      samples: [
        { station: 'young', time: now - 16 * MINUTE, values: { ph: 9.5 } },
        { station: 'young', time: now - 50 * MINUTE, values: { do: 5.9999 } },
      ],
    });
    const { body } = await service.call('GET', '/stations/young/latest');
    expect(body).toEqual({
      station: 'young',
      class: 'III',
      limiting: ['do'],
      stale: ['ph'],
      items: [
        {
          parameter: 'ph',
          unit: expect.any(String),
          time: iso(now - 16 * MINUTE),
          value: 9.5,
          flag: 1,
          class: 'worse',
        },
        { parameter: 'do', unit: 'mg/L', time: iso(now - 50 * MINUTE), value: 5.9999, flag: 1, class: 'III' },
      ],
    });
    await post({ station: 'young', time: now, values: { ph: { value: 9.6, flag: 'F' } } });
    expect((await service.call('GET', '/stations/young/latest')).body).toMatchObject({ class: 'III', stale: [] });
    expect((await service.call('GET', '/stations/nowhere/latest')).status).toBe(404);
  });

  it('keeps the newest by event time, whatever comes later', async () => {
    const now = Date.now();
    await post({ station: 'late', time: now, values: { ph: 7.1 } });
    await post({ station: 'late', time: now - DAY, values: { ph: 7.2 } });
    expect((await service.call('GET', '/stations/late/latest')).body).toMatchObject({
      items: [{ value: 7.1, time: iso(now) }],
    });
  });
});
