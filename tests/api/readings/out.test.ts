/** Readings out over HTTP: pages, CSV, versions, the newest. */
import { describe, expect, it } from 'vitest';
import type { ReadingRow } from '#readings/queries.ts';
import { type ApiRig, NOW_MS, startApi } from '#tests/helpers/api.ts';

const POST = '/api/v1/readings';
const sample = (values: object, rest: object = {}) => ({
  station: 'taocha',
  time: '2026-11-22T08:00:00+08:00',
  values,
  ...rest,
});

interface Decoded {
  value: number | null;
  deviceFlag?: string;
}

describe('GET /series/…/readings', () => {
  /** One reading a minute from NOW on, of which `queries` gives what is asked. */
  async function withReadings(count: number): Promise<ApiRig> {
    const rig = await startApi();
    await rig.call('POST', POST, { body: sample({ ph: 7 }) });
    const rows = Array.from({ length: count }, (_, index): ReadingRow => {
      const deviceFlag = index === 1 ? '=N,1' : null;
      return {
        timeMs: NOW_MS + index * 60_000,
        value: index === 2 ? null : index / 10,
        flag: index === 2 ? 9 : 1,
        deviceFlag,
        provisional: index === 0,
      };
    });
    rig.queries.readings = async ({ fromMs, toMs, limit }) =>
      rows.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs).slice(0, limit);
    return rig;
  }
  const RANGE = 'from=2026-11-22T08:00:00%2B08:00&to=2027-01-01T00:00:00Z';

  it('gives pages, oldest first', async () => {
    const rig = await withReadings(5);
    const url = `/api/v1/series/taocha/w01001/readings?${RANGE}&limit=3`;
    const first = (await rig.call('GET', url, { as: 'viewer' })).json();
    expect(first).toEqual({
      station: 'taocha',
      parameter: 'ph',
      unit: rig.deps.reference.parameters.get('ph')!.unit,
      items: [
        { time: '2026-11-22T00:00:00.000Z', value: 0, flag: 1, provisional: true },
        { time: '2026-11-22T00:01:00.000Z', value: 0.1, flag: 1, deviceFlag: '=N,1' },
        { time: '2026-11-22T00:02:00.000Z', value: null, flag: 9 },
      ],
      next: expect.any(String),
    });
    const second = (await rig.call('GET', `${url}&cursor=${first.next}`)).json();
    expect([second.items.length, second.next]).toEqual([2, null]);
  });

  it('streams CSV that can be put in again', async () => {
    const rig = await withReadings(25_001);
    const headers = { accept: 'text/csv' };
    const response = await rig.call('GET', `/api/v1/series/taocha/ph/readings?${RANGE}`, { headers });
    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8');
    const lines = response.body.split('\n');
    expect(lines.length).toBe(25_003);
    const unit = rig.deps.reference.parameters.get('ph')!.unit;
    expect(lines.slice(0, 4)).toEqual([
      'station,time,parameter,value,unit,flag,deviceFlag,censored',
      `taocha,2026-11-22T00:00:00.000Z,ph,0,${unit},1,,`,
      `taocha,2026-11-22T00:01:00.000Z,ph,0.1,${unit},1,"'=N,1",`,
      `taocha,2026-11-22T00:02:00.000Z,ph,,${unit},9,,`,
    ]);
    const decoded = await rig.call('POST', '/api/v1/decode', {
      body: lines.slice(0, 4).join('\n'),
      headers: { 'content-type': 'text/csv' },
    });
    // What the device said comes back as it was; a verdict of ours that says nothing doubtful is no flag of the device's.
    expect(decoded.json().readings.map(({ value, deviceFlag }: Decoded) => [value, deviceFlag])).toEqual([
      [0, undefined],
      [0.1, '=N,1'],
      [null, undefined],
    ]);
  });

  it('begins CSV with a byte order mark when asked to', async () => {
    const rig = await withReadings(1);
    const headers = { accept: 'text/csv' };
    const response = await rig.call('GET', `/api/v1/series/taocha/ph/readings?${RANGE}&bom=true`, { headers });
    expect(response.body).toMatch(/^\ufeffstation,/);
    const again = await rig.call('POST', '/api/v1/decode', {
      body: response.body,
      headers: { 'content-type': 'text/csv' },
    });
    expect(again.json()).toMatchObject({ readings: [{ value: 0 }], faults: [] });
  });

  it('waits for its follower, so that a read after a write sees it', async () => {
    const rig = await withReadings(1);
    const waited: string[] = [];
    rig.deps.caughtUp = async (follower) => waited.push(follower) > 0;
    await rig.call('GET', `/api/v1/series/taocha/ph/readings?${RANGE}`);
    expect(waited).toEqual(['readings']);
  });

  it.each([
    ['from=2026-11-22T08:00:00', 400, 'range.invalid'],
    ['from=yesterday', 400, 'range.invalid'],
    ['from=2026-02-30', 400, 'range.invalid'],
    ['from=1795334400', 400, 'range.invalid'],
    ['from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z', 400, 'range.invalid'],
    ['from=2026-11-22T00:00:00Z&to=2026-11-22T00:00:00Z', 400, 'range.invalid'],
    ['asOf=never', 400, 'range.invalid'],
    ['limit=10001', 400, 'request.invalid'],
    // An unescaped + arrives as a blank; a date is its midnight here; numbers are milliseconds.
    ['from=2026-11-22T00:00:00+08:00', 200, undefined],
    ['from=2026-11-20&to=2026-11-21', 200, undefined],
    ['from=1763712000000', 200, undefined],
    ['', 200, undefined],
  ])('?%s gives %i %s', async (query, status, code) => {
    const rig = await startApi();
    const response = await rig.call('GET', `/api/v1/series/taocha/ph/readings?${query}`);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });

  it('knows stations and parameters that never had a reading from those that are not', async () => {
    const rig = await startApi();
    expect((await rig.call('GET', '/api/v1/series/taocha/ph/readings')).json().items).toEqual([]);
    expect((await rig.call('GET', '/api/v1/series/nowhere/ph/readings')).statusCode).toBe(404);
    expect((await rig.call('GET', '/api/v1/series/taocha/colour/readings')).statusCode).toBe(404);
  });

  it('tells every version of one reading', async () => {
    const rig = await withReadings(1);
    const version = { flag: 1, deviceFlag: null, source: 'gw-1', reason: null } as const;
    rig.queries.history = async () => [
      { ...version, value: 7.1, receivedMs: NOW_MS + 1000, by: null, supersededAtMs: null },
      { ...version, value: 7, receivedMs: NOW_MS, by: 'gw-1', supersededAtMs: NOW_MS + 1000 },
    ];
    const response = await rig.call('GET', '/api/v1/series/taocha/ph/history?time=2026-11-22T00:00:00Z');
    expect(response.json().items[1]).toEqual({
      ...version,
      value: 7,
      received: '2026-11-22T00:00:00.000Z',
      by: 'gw-1',
      supersededAt: '2026-11-22T00:00:01.000Z',
    });
    rig.queries.history = async () => [];
    expect((await rig.call('GET', '/api/v1/series/taocha/ph/history?time=2026-11-22T00:00:00Z')).statusCode).toBe(404);
  });
});

describe('latest', () => {
  it('classes the young and usable, names the limiting and the stale', async () => {
    const rig = await startApi();
    rig.clock.set(NOW_MS + 3_600_000);
    const at = (minutes: number) => NOW_MS + minutes * 60_000;
    // ph every 5 min: 14 min old is young. nh3n every 4 h: an hour is young. do without interval: just not.
    await rig.call('POST', POST, { body: { station: 'taocha', time: at(46), values: { ph: 7.9 } } });
    await rig.call('POST', POST, { body: { station: 'taocha', time: at(0), values: { nh3n: 0.8, do: 1 } } });
    const response = await rig.call('GET', '/api/v1/stations/taocha/latest', { as: 'viewer' });
    const { items, ...rest } = response.json();
    expect(rest).toEqual({ station: 'taocha', class: 'III', limiting: ['nh3n'], stale: ['do'] });
    expect(items).toContainEqual({
      parameter: 'nh3n',
      unit: 'mg/L',
      time: '2026-11-22T00:00:00.000Z',
      value: 0.8,
      flag: expect.any(Number),
      class: 'III',
    });
    rig.clock.advance(60_000);
    expect((await rig.call('GET', '/api/v1/stations/taocha/latest')).json().stale).toEqual(['do', 'ph']);
    const all = (await rig.call('GET', '/api/v1/latest?area=nanyang')).json();
    expect(
      all.items.map(({ station, class: reached }: { station: string; class: string }) => [station, reached]),
    ).toEqual([
      ['other', null],
      ['taocha', 'III'],
    ]);
    expect((await rig.call('GET', '/api/v1/latest?area=elsewhere')).json().items).toEqual([]);
    expect((await rig.call('GET', '/api/v1/stations/nowhere/latest')).statusCode).toBe(404);
  });
});
