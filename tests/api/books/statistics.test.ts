/** Trends and volumes: what is asked of the books, and how it is answered. */
import { describe, expect, it } from 'vitest';
import type { TrendQuery, VolumeQuery } from '#books/questions/queries.ts';
import { type ApiRig, METER, NOW_MS, startApi, TAOCHA } from '#tests/helpers/api.ts';

const HOUR_MS = 3_600_000;
const DAY = 'from=2026-11-22T00:00:00%2B08:00&to=2026-11-23T00:00:00%2B08:00';

describe('GET /trends', () => {
  async function asked(): Promise<{ rig: ApiRig; queries: TrendQuery[] }> {
    const rig = await startApi();
    const queries: TrendQuery[] = [];
    rig.queries.trends = async (query) => {
      queries.push(query);
      return query.edgesMs.slice(1).map((endMs, index) => {
        const startMs = query.edgesMs[index]!;
        if (index > 0)
          return { startMs, endMs, count: 0, valid: 0, mean: null, min: null, max: null, provisional: false };
        return { startMs, endMs, count: 6, valid: 5, mean: 0.51, min: 0.1, max: 0.9, provisional: true };
      });
    };
    return { rig, queries };
  }

  it('answers in the contract’s shape, with the target’s limit and calendar edges', async () => {
    const { rig, queries } = await asked();
    await rig.call('POST', '/api/v1/readings', { body: { station: 'taocha', time: NOW_MS, values: { nh3n: 0.1 } } });
    const url = `/api/v1/trends?station=taocha&parameter=nh3n&${DAY.replace('11-23', '11-24')}&interval=P1D`;
    expect((await rig.call('GET', url, { as: 'viewer' })).json()).toEqual({
      station: 'taocha',
      parameter: 'nh3n',
      unit: 'mg/L',
      interval: 'P1D',
      timeZone: 'Asia/Shanghai',
      target: { class: 'II', op: '<=', limit: 0.5 },
      items: [
        {
          start: '2026-11-22T00:00:00+08:00',
          end: '2026-11-23T00:00:00+08:00',
          count: 6,
          expected: 6,
          valid: 5,
          mean: 0.51,
          min: 0.1,
          max: 0.9,
          class: 'III',
          provisional: true,
        },
        {
          start: '2026-11-23T00:00:00+08:00',
          end: '2026-11-24T00:00:00+08:00',
          count: 0,
          expected: 6,
          valid: 0,
          mean: null,
          min: null,
          max: null,
          class: null,
        },
      ],
    });
    const start = Date.UTC(2026, 10, 21, 16);
    expect(queries).toEqual([
      {
        series: rig.reader.seriesByName('taocha', 'nh3n')!.id,
        mean: 'arithmetic',
        edgesMs: [start, start + 24 * HOUR_MS, start + 48 * HOUR_MS],
        interval: 'P1D',
        timeZone: 'Asia/Shanghai',
        asOfMs: null,
      },
    ]);
  });

  it('gives pH its range, a station without a target none, and a series without readings empty buckets', async () => {
    const { rig, queries } = await asked();
    const ph = (await rig.call('GET', `/api/v1/trends?station=taocha&parameter=ph&${DAY}&interval=PT1H`)).json();
    expect([ph.target, ph.items.length, ph.items[0].expected]).toEqual([
      { class: 'II', op: 'range', limit: [6, 9] },
      24,
      12,
    ]);
    expect(queries[0]).toMatchObject({ series: null, mean: 'ph' });
    await rig.call('PUT', '/api/v1/stations/free', { body: { ...TAOCHA, target: null } });
    const free = (await rig.call('GET', `/api/v1/trends?station=free&parameter=turbidity&${DAY}&interval=PT1H`)).json();
    expect([free.target, free.items[0].expected, free.items[0].class]).toEqual([null, null, null]);
  });

  it('picks an interval by itself, in the zone that is asked for', async () => {
    const { rig } = await asked();
    const ten = 'from=2016-01-01T00:00:00Z&to=2026-01-01T00:00:00Z';
    const auto = (await rig.call('GET', `/api/v1/trends?station=taocha&parameter=ph&${ten}`)).json();
    expect([auto.interval, auto.items.length <= 2000]).toEqual(['P1W', true]);
    const days =
      '/api/v1/trends?station=taocha&parameter=ph&from=2026-03-28&to=2026-03-31&interval=P1D&tz=Europe/Berlin';
    const berlin = (await rig.call('GET', days)).json();
    expect(berlin.items.map(({ start }: { start: string }) => start)).toEqual([
      '2026-03-28T00:00:00+01:00',
      '2026-03-29T00:00:00+01:00',
      '2026-03-30T00:00:00+02:00',
    ]);
    const offset = (
      await rig.call('GET', `/api/v1/trends?station=taocha&parameter=ph&${DAY}&interval=P1D&tz=+08:00`)
    ).json();
    expect(offset.items[0].start).toBe('2026-11-22T00:00:00+08:00');
  });

  it('answers for 30 days unless told', async () => {
    const { rig, queries } = await asked();
    await rig.call('GET', '/api/v1/trends?station=taocha&parameter=ph');
    const { edgesMs } = queries[0]!;
    expect([edgesMs[0], edgesMs.at(-1)]).toEqual([NOW_MS - 30 * 24 * HOUR_MS, NOW_MS]);
  });

  it.each([
    ['from=2000-01-01T00:00:00Z&interval=PT1H', 400, 'range.too-many-buckets'],
    ['tz=Mars/Olympus', 400, 'request.invalid'],
    ['interval=PT5M', 400, 'request.invalid'],
    ['from=2027-01-01T00:00:00Z', 400, 'range.invalid'],
    ['station=nowhere', 400, 'request.invalid'],
  ])('?%s gives %i %s', async (query, status, code) => {
    const { rig } = await asked();
    const response = await rig.call('GET', `/api/v1/trends?station=taocha&parameter=ph&${query}`);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });
});

describe('GET /volumes', () => {
  async function metered(): Promise<{ rig: ApiRig; queries: VolumeQuery[] }> {
    const rig = await startApi();
    const queries: VolumeQuery[] = [];
    const common = {
      parameter: 'register',
      kind: 'register',
      size: 1e7,
      unit: 'm3',
      maxFlow: 60,
      measures: 'delivery',
    };
    await rig.call('PUT', '/api/v1/meters/b1', { body: { ...common, station: 'taocha', recipient: 'beijing' } });
    await rig.call('PUT', '/api/v1/meters/b2', { body: { ...common, station: 'other', recipient: 'beijing' } });
    await rig.call('PUT', '/api/v1/meters/t1', { body: { ...common, station: 'other', recipient: 'tianjin' } });
    rig.queries.volumes = async (query) => {
      queries.push(query);
      return query.edgesMs.slice(1).map((endMs, index) => ({
        startMs: query.edgesMs[index]!,
        endMs,
        measuredLitres: 3_456_000_125,
        estimatedLitres: 10 + index,
        unknownMs: 900_000,
      }));
    };
    return { rig, queries };
  }

  it('answers in cubic metres with three exact decimals that add up', async () => {
    const { rig, queries } = await metered();
    const url = `/api/v1/volumes?meter=b1&from=2026-11-20T10:00:00%2B08:00&to=2026-11-22T00:00:00%2B08:00&by=day`;
    expect((await rig.call('GET', url, { as: 'viewer' })).json()).toEqual({
      unit: 'm3',
      by: 'day',
      timeZone: 'Asia/Shanghai',
      meters: ['b1'],
      items: [
        {
          start: '2026-11-20T10:00:00+08:00',
          end: '2026-11-21T00:00:00+08:00',
          cubicMetres: 3456000.135,
          measured: 3456000.125,
          estimated: 0.01,
          unknownHours: 0.25,
        },
        {
          start: '2026-11-21T00:00:00+08:00',
          end: '2026-11-22T00:00:00+08:00',
          cubicMetres: 3456000.136,
          measured: 3456000.125,
          estimated: 0.011,
          unknownHours: 0.25,
        },
      ],
      total: {
        start: '2026-11-20T10:00:00+08:00',
        end: '2026-11-22T00:00:00+08:00',
        cubicMetres: 6912000.271,
        measured: 6912000.25,
        estimated: 0.021,
        unknownHours: 0.5,
      },
    });
    expect(queries[0]!.meters.map(({ id, meter }) => [id, meter.recipient])).toEqual([['b1', 'beijing']]);
  });

  it.each([
    ['station=other', ['b2', 't1']],
    ['recipient=beijing', ['b1', 'b2']],
  ])('sums the meters of ?%s', async (query, meters) => {
    const { rig } = await metered();
    expect((await rig.call('GET', `/api/v1/volumes?${query}&${DAY}&by=total`)).json().meters).toEqual(meters);
  });

  it('says of a sum which meters in it count the same water', async () => {
    const rig = await startApi();
    const put = (id: string, body: object) =>
      rig.journal.appendCommand('seed', { verb: 'put', noun: 'meter', id, body: { ...METER, ...body } as never });
    await put('v', {});
    await put('q', { parameter: 'flow', kind: 'flow', unit: 'm3/s' });
    const notes = async (query: string) =>
      (await rig.call('GET', `/api/v1/volumes?${query}&${DAY}&by=total`)).json().notes;
    const twice = [
      {
        code: 'volume.counted-twice',
        meters: ['q', 'v'],
        says: {
          zh: expect.stringContaining('q 与 v 计量同一股水'),
          en: expect.stringContaining('q and v count the same water'),
        },
      },
    ];
    expect(await notes('station=taocha')).toEqual(twice);
    expect(await notes('recipient=beijing')).toEqual(twice);
    expect(await notes('meter=q')).toBeUndefined();
    const report = '/api/v1/reports/2026-11-20';
    expect((await rig.call('GET', report)).json().notes).toEqual(twice);
    expect((await rig.call('GET', `${report}?format=csv`)).body).toMatch(/^volume\.counted-twice,,q,.*,v$/m);
    expect((await rig.call('GET', `${report}?format=html&lang=zh`)).body).toContain('q 与 v 计量同一股水');
    await put('q', { parameter: 'flow', kind: 'flow', unit: 'm3/s', sister: 'v' });
    expect(await notes('station=taocha')).toBeUndefined();
    expect((await rig.call('GET', report)).json().notes).toBeUndefined();
  });

  it('knows transfer years, and every other bucket', async () => {
    const { rig } = await metered();
    const starts = async (by: string) => {
      const range = 'from=2024-10-15T00:00:00%2B08:00&to=2026-11-22T00:00:00%2B08:00';
      const { items } = (await rig.call('GET', `/api/v1/volumes?meter=b1&${range}&by=${by}`)).json();
      return items.map(({ start }: { start: string }) => start.slice(0, 10));
    };
    expect(await starts('transfer-year')).toEqual(['2024-10-15', '2024-11-01', '2025-11-01', '2026-11-01']);
    expect(await starts('year')).toEqual(['2024-10-15', '2025-01-01', '2026-01-01']);
    expect((await starts('quarter')).slice(0, 3)).toEqual(['2024-10-15', '2025-01-01', '2025-04-01']);
    expect((await starts('month')).length).toBe(26);
    expect(await starts('total')).toEqual(['2024-10-15']);
  });

  it.each([
    [`${DAY}`, 400, 'request.invalid'],
    [`meter=b1&station=taocha&${DAY}`, 400, 'request.invalid'],
    ['meter=b1', 400, 'range.invalid'],
    [`meter=none&${DAY}`, 404, 'not-found'],
    [`station=nowhere&${DAY}`, 404, 'not-found'],
    [`recipient=atlantis&${DAY}`, 404, 'not-found'],
    [`meter=b1&${DAY}&by=week`, 400, 'request.invalid'],
    ['meter=b1&from=2014-12-12&by=hour', 400, 'range.too-many-buckets'],
  ])('?%s gives %i %s', async (query, status, code) => {
    const { rig } = await metered();
    const response = await rig.call('GET', `/api/v1/volumes?${query}`);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });
});
