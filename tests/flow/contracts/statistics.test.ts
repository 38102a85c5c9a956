/** The contract's trends and volumes, from outside: buckets, zones, limits, and litres that add up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '#tests/helpers/service.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
let service: TestService;

interface Bucket {
  start: string;
  end: string;
  count: number;
  expected: number | null;
  valid: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  class: string | null;
  provisional?: boolean;
}
interface Trends {
  station: string;
  parameter: string;
  unit: string;
  interval: string;
  timeZone: string;
  target: object | null;
  items: Bucket[];
}
interface Volume {
  start: string;
  end: string;
  cubicMetres: number;
  measured: number;
  estimated: number;
  unknownHours: number;
}
interface Volumes {
  unit: string;
  items: Volume[];
  total: Volume;
}

const station = (over: object = {}) => ({
  name: { zh: '断面', en: 'Section' },
  kind: 'canal-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'nh3n', interval: 'PT15M' }, { id: 'ph' }],
  ...over,
});
const iso = (ms: number) => new Date(ms).toISOString();
const post = (samples: object[]) => service.call('POST', '/readings', { samples });
const trends = async (query: string) => (await service.call<Trends>('GET', `/trends?${query}`)).body;
const volumes = async (query: string) => {
  const { status, body } = await service.call<Volumes>('GET', `/volumes?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  for (const id of ['s1', 'lake']) await service.call('PUT', `/stations/${id}`, station());
  await service.call(
    'PUT',
    '/stations/lake',
    station({ waterBody: 'lake', kind: 'lake', target: 'II', parameters: [{ id: 'tp' }] }),
  );
});
afterAll(() => service.remove());

describe('trends', () => {
  const from = Date.parse('2026-03-10T00:00:00+08:00');
  const base = (more: string) => `station=s1&from=${iso(from)}&${more}`;

  beforeAll(async () => {
    // Two days of quarter hours; one value beyond doubt failed by its device, one missing.
    const samples = Array.from({ length: 192 }, (_, index) => ({
      station: 's1',
      time: from + index * 15 * MINUTE,
      values: {
        nh3n: index === 5 ? { value: 0.3, flag: 'F' } : index === 6 ? null : 0.1 + (index % 4) * 0.1,
        ph: index % 2 === 0 ? 7 : 8,
      },
    }));
    await post(samples);
  });

  it('have exactly these members', async () => {
    const answer = await trends(base(`parameter=nh3n&interval=PT1H&to=${iso(from + 2 * HOUR)}`));
    expect(answer).toEqual({
      station: 's1',
      parameter: 'nh3n',
      unit: 'mg/L',
      interval: 'PT1H',
      timeZone: 'Asia/Shanghai',
      target: { class: 'II', op: '<=', limit: 0.5 },
      items: [
        {
          start: '2026-03-10T00:00:00+08:00',
          end: '2026-03-10T01:00:00+08:00',
          count: 4,
          expected: 4,
          valid: 4,
          mean: expect.closeTo(0.25, 12),
          min: 0.1,
          max: 0.4,
          class: 'II',
        },
        // Four expected: one failed (counted, not valid), one missing (not even counted).
        {
          start: '2026-03-10T01:00:00+08:00',
          end: '2026-03-10T02:00:00+08:00',
          count: 3,
          expected: 4,
          valid: 2,
          mean: expect.closeTo(0.25, 12),
          min: 0.1,
          max: 0.4,
          class: 'II',
        },
      ],
    });
  });

  it('average pH through [H+], with a range for a target, and expect nothing without an interval', async () => {
    const answer = await trends(base(`parameter=ph&interval=P1D&to=${iso(from + DAY)}`));
    expect(answer.target).toEqual({ class: 'II', op: 'range', limit: [6, 9] });
    expect(answer.items).toHaveLength(1);
    expect(answer.items[0]).toMatchObject({ count: 96, expected: null, valid: 96, min: 7, max: 8 });
    expect(answer.items[0]!.mean).toBeCloseTo(-Math.log10((1e-7 + 1e-8) / 2), 10);
  });

  it('list empty buckets with count 0 and nulls, and an unknown series as empty', async () => {
    const answer = await trends(base(`parameter=nh3n&interval=P1D&to=${iso(from + 5 * DAY)}`));
    expect(answer.items.map(({ count }) => count)).toEqual([95, 96, 0, 0, 0]);
    expect(answer.items[3]).toMatchObject({ count: 0, valid: 0, mean: null, min: null, max: null, class: null });
    const never = await trends(`station=lake&parameter=tp&interval=P1D&from=${iso(from)}&to=${iso(from + 2 * DAY)}`);
    expect(never.items.map(({ count }) => count)).toEqual([0, 0]);
    // 0.1 mg/L for rivers, 0.025 for lakes.
    expect(never.target).toEqual({ class: 'II', op: '<=', limit: 0.025 });
  });

  it('serve every interval, and auto picks one of at most 2,000 buckets', async () => {
    for (const [interval, count] of [
      ['PT1H', 72],
      ['P1D', 3],
      ['P1W', 1],
      ['P1M', 1],
      ['P1Y', 1],
    ] as const)
      expect(
        (await trends(base(`parameter=nh3n&interval=${interval}&to=${iso(from + 3 * DAY)}`))).items,
        interval,
      ).toHaveLength(count);
    for (const days of [3, 83, 84, 400, 6000]) {
      const answer = await trends(base(`parameter=nh3n&interval=auto&to=${iso(from + days * DAY)}`));
      expect(answer.items.length, `${days} days`).toBeLessThanOrEqual(2000);
      expect(answer.interval).toBe(days <= 83 ? 'PT1H' : days <= 2000 ? 'P1D' : 'P1W');
    }
    const { status, body } = await service.call(
      'GET',
      `/trends?${base(`parameter=nh3n&interval=PT1H&to=${iso(from + 500 * DAY)}`)}`,
    );
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'range.too-many-buckets' });
    expect((await service.call('GET', `/trends?${base('parameter=nh3n&interval=PT2H')}`)).status).toBe(400);
  });

  it('follow any zone: half hours in Kolkata, 23 and 25 hours in Berlin', async () => {
    const kolkata = await trends(
      `station=s1&parameter=nh3n&interval=P1D&tz=Asia/Kolkata&from=2026-03-09T18:30:00Z&to=2026-03-11T18:30:00Z`,
    );
    expect(kolkata.items.map(({ start }) => start)).toEqual(['2026-03-10T00:00:00+05:30', '2026-03-11T00:00:00+05:30']);
    // The readings begin two and a half hours before Kolkata's midnight: ten of them stand before the range.
    expect(kolkata.items.map(({ count }) => count)).toEqual([96, 86]);
    const spring = await trends(
      'station=s1&parameter=nh3n&interval=P1D&tz=Europe/Berlin&from=2026-03-28T23:00:00Z&to=2026-03-30T22:00:00Z',
    );
    expect(spring.items.map(({ start, end }) => (Date.parse(end) - Date.parse(start)) / HOUR)).toEqual([23, 24]);
    const autumn = await trends(
      'station=s1&parameter=nh3n&interval=PT1H&tz=Europe/Berlin&from=2026-10-24T22:00:00Z&to=2026-10-25T23:00:00Z',
    );
    expect(autumn.items).toHaveLength(25);
    expect(autumn.items[0]!.start).toBe('2026-10-25T00:00:00+02:00');
    expect(autumn.items.at(-1)!.end).toBe('2026-10-26T00:00:00+01:00');
    expect((await service.call('GET', '/trends?station=s1&parameter=nh3n&interval=P1D&tz=Mars/Olympus')).status).toBe(
      400,
    );
  });

  it('are provisional while an hour is open', async () => {
    const time = Date.now();
    await post([{ station: 's1', time, values: { nh3n: 0.2 } }]);
    const answer = await trends(
      `station=s1&parameter=nh3n&interval=PT1H&from=${iso(time - 5 * HOUR)}&to=${iso(time + HOUR)}`,
    );
    expect(answer.items.at(-2)).toMatchObject({ provisional: true });
    expect(answer.items[0]).not.toHaveProperty('provisional');
  });
});

describe('volumes', () => {
  const from = Date.parse('2025-10-30T00:00:00+08:00');
  const to = Date.parse('2025-11-03T00:00:00+08:00');
  const range = `from=${iso(from)}&to=${iso(to)}`;

  beforeAll(async () => {
    await service.call(
      'PUT',
      '/stations/offtake',
      station({ kind: 'offtake', target: null, parameters: [{ id: 'register', interval: 'PT1H' }] }),
    );
    await service.call(
      'PUT',
      '/stations/weir',
      station({ kind: 'gate', target: null, parameters: [{ id: 'flow', interval: 'PT15M' }] }),
    );
    const meters: [string, object][] = [
      [
        'counts',
        {
          station: 'offtake',
          parameter: 'register',
          kind: 'register',
          // Too large for a whole turn in the five hours that are not heard of: the total is known.
          size: 10_000,
          resolution: 0.001,
          unit: 'm3',
          direction: 1,
          maxFlow: 0.5,
          maxGap: 'PT1H',
          measures: 'delivery',
          recipient: 'henan',
        },
      ],
      [
        'flows',
        {
          station: 'weir',
          parameter: 'flow',
          kind: 'flow',
          unit: 'm3/s',
          direction: 1,
          maxFlow: 50,
          maxGap: 'PT1H',
          measures: 'release',
          recipient: 'henan',
        },
      ],
    ];
    for (const [id, body] of meters) expect((await service.call('PUT', `/meters/${id}`, body)).status, id).toBe(201);
    // 101.003 m³ an hour, through the register's zero; four hours on the second day are not heard of.
    const register = Array.from({ length: 97 }, (_, hour) => hour)
      .filter((hour) => hour < 31 || hour > 34)
      .map((hour) => ({
        station: 'offtake',
        time: from + hour * HOUR,
        values: { register: Number(((9000 + hour * 101.003) % 10_000).toFixed(3)) },
      }));
    const flow = Array.from({ length: 24 * 4 + 1 }, (_, quarter) => ({
      station: 'weir',
      time: from + quarter * 15 * MINUTE,
      values: { flow: 2 },
    }));
    await post(register);
    await post(flow);
  });

  it('come by every partition, and every partition adds up to the litre', async () => {
    const total = await volumes(`meter=counts&${range}&by=total`);
    expect(total.unit).toBe('m3');
    expect(total.items).toHaveLength(1);
    expect(total.total).toMatchObject({ cubicMetres: 9696.288, unknownHours: 0 });
    expect(total.total.measured + total.total.estimated).toBeCloseTo(9696.288, 9);
    // Readings five hours apart are further apart than maxGap: estimated, though the total is known.
    expect(total.total.estimated).toBe(505.015);
    const counts = { hour: 96, day: 4, month: 2, quarter: 1, year: 1, 'transfer-year': 2, total: 1 };
    for (const [by, count] of Object.entries(counts)) {
      const { items, total: sum } = await volumes(`meter=counts&${range}&by=${by}`);
      expect(items, by).toHaveLength(count);
      for (const name of ['cubicMetres', 'measured', 'estimated'] as const) {
        const litres = items.reduce((all, item) => all + Math.round(item[name] * 1000), 0);
        expect(litres, `${by} ${name}`).toBe(Math.round(sum[name] * 1000));
        expect(sum[name]).toBe(total.total[name]);
      }
    }
    const years = await volumes(`meter=counts&${range}&by=transfer-year`);
    expect(years.items.map(({ start }) => start)).toEqual(['2025-10-30T00:00:00+08:00', '2025-11-01T00:00:00+08:00']);
  });

  it('integrate flow, and say what is unknown', async () => {
    const days = await volumes(`meter=flows&${range}&by=day`);
    expect(days.items[0]).toMatchObject({ cubicMetres: 172_800, measured: 172_800, estimated: 0, unknownHours: 0 });
    expect(days.items[1]).toMatchObject({ cubicMetres: 0, unknownHours: 24 });
    expect(days.total).toMatchObject({ cubicMetres: 172_800, unknownHours: 72 });
    const half = await volumes(`meter=flows&from=${iso(from + 30 * MINUTE)}&to=${iso(from + 90 * MINUTE)}&by=hour`);
    expect(half.items.map(({ start, cubicMetres }) => [start, cubicMetres])).toEqual([
      ['2025-10-30T00:30:00+08:00', 3600],
      ['2025-10-30T01:00:00+08:00', 3600],
    ]);
    expect((await volumes(`meter=flows&from=${iso(to)}&to=${iso(to + 90 * MINUTE)}&by=hour`)).total.unknownHours).toBe(
      1.5,
    );
  });

  it('sum over a station and a recipient, unknown hours over meters', async () => {
    const both = await volumes(`recipient=henan&${range}&by=total`);
    expect(both.total).toMatchObject({ cubicMetres: 182_496.288, unknownHours: 72 });
    expect((await volumes(`station=weir&${range}&by=total`)).total.cubicMetres).toBe(172_800);
  });

  it('follow a zone, and refuse what is unclear', async () => {
    const utc = await volumes(`meter=counts&${range}&by=day&tz=UTC`);
    expect(utc.items.map(({ start }) => start)).toEqual(
      [
        '2025-10-29T16:00:00Z',
        '2025-10-30T00:00:00Z',
        '2025-10-31T00:00:00Z',
        '2025-11-01T00:00:00Z',
        '2025-11-02T00:00:00Z',
      ].map((text) => expect.stringMatching(new RegExp(`^${text.slice(0, -1)}(Z|\\+00:00)$`))),
    );
    for (const query of [
      `${range}&by=day`,
      `meter=counts&station=offtake&${range}`,
      `meter=counts&${range}&by=fortnight`,
    ])
      expect((await service.call('GET', `/volumes?${query}`)).status, query).toBe(400);
    expect((await service.call('GET', `/volumes?meter=none&${range}&by=day`)).status).toBe(404);
  });

  it('are corrected by what comes late', async () => {
    await post(
      [31, 32, 33, 34].map((hour) => ({
        station: 'offtake',
        time: from + hour * HOUR,
        values: { register: Number(((9000 + hour * 101.003) % 10_000).toFixed(3)) },
      })),
    );
    expect((await volumes(`meter=counts&${range}&by=total`)).total).toMatchObject({
      cubicMetres: 9696.288,
      measured: 9696.288,
      estimated: 0,
    });
  });
});
