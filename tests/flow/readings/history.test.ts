/** History older than the service's own: since 1900 by import, like every other reading afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HEADER = 'station,time,parameter,value,unit,flag';
let service: TestService;

interface Imported {
  accepted: number;
  refusals: { path: string; code: string }[];
}
interface Trend {
  items: { start: string; end: string; count: number; mean: number | null; provisional?: boolean }[];
}

const send = (path: string, rows: readonly string[]) =>
  service.call<Imported>('POST', path, [HEADER, ...rows].join('\n'), {
    authorization: `Bearer ${ADMIN}`,
    'content-type': 'text/csv',
  });

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  const station = { name: { zh: '站', en: 'Station' }, kind: 'canal-section', waterBody: 'river', parameters: [] };
  await service.call('PUT', '/stations/s', station);
  const meter = {
    station: 's',
    parameter: 'register',
    kind: 'register',
    unit: 'm3',
    maxFlow: 100,
    measures: 'delivery',
  };
  await service.call('PUT', '/meters/m', { ...meter, recipient: 'tianjin' });
});
afterAll(() => service.remove());

const hours = (day: string, values: readonly number[]) =>
  values.map((value, hour) => `s,${day}T${String(hour).padStart(2, '0')}:30:00Z,temp,${value},,`);

describe('history', () => {
  it('is taken since 1900 by import, and counted by days and years like every other', async () => {
    const rows = [
      ...hours('1900-06-01', [10, 11]),
      ...hours('1931-05-04', [12, 13]),
      ...hours('1969-12-31', [1, 2, 3]),
      ...hours('1970-01-01', [4, 5]),
      // Summer time in China.
      ...hours('1988-07-01', [20, 21, 22]),
      's,1899-12-31T23:59:59Z,temp,1,,',
      's,0031-05-04T00:00:00Z,temp,1,,',
      // Seconds of 1985; as milliseconds it would be a day of January 1970.
      's,488000000,temp,1,,',
    ];
    const { status, body } = await send('/import?id=archive', rows);
    expect(status).toBe(200);
    expect(body.accepted).toBe(12);
    expect(body.refusals).toMatchObject([
      { path: 'row 14', code: 'time.impossible' },
      { path: 'row 15', code: 'time.impossible' },
      { path: 'row 16', code: 'time.seconds' },
    ]);
    const readings = await service.call<{ items: { time: string; value: number }[] }>(
      'GET',
      '/series/s/temp/readings?from=1900-01-01T00:00:00Z&to=1970-01-01T01:00:00Z',
    );
    expect(readings.body.items.map(({ time, value }) => [time, value])).toEqual([
      ['1900-06-01T00:30:00.000Z', 10],
      ['1900-06-01T01:30:00.000Z', 11],
      ['1931-05-04T00:30:00.000Z', 12],
      ['1931-05-04T01:30:00.000Z', 13],
      ['1969-12-31T00:30:00.000Z', 1],
      ['1969-12-31T01:30:00.000Z', 2],
      ['1969-12-31T02:30:00.000Z', 3],
      ['1970-01-01T00:30:00.000Z', 4],
    ]);
    const trend = (query: string) => service.call<Trend>('GET', `/trends?station=s&parameter=temp&${query}`);
    const years = await eventually('closed books of 1902 to 1990', async () => {
      const { body } = await trend('from=1902-01-01&to=1990-01-01&interval=P1Y');
      return body.items.some(({ provisional }) => provisional) ? null : body.items;
    });
    const filled = years
      .filter(({ count }) => count > 0)
      .map(({ start, count, mean }) => [start.slice(0, 4), count, mean]);
    expect(filled).toEqual([
      ['1931', 2, 12.5],
      ['1969', 3, 2],
      ['1970', 2, 4.5],
      ['1988', 3, 21],
    ]);
    const days = (await trend('from=1969-12-30&to=1970-01-03&interval=P1D')).body.items;
    expect(days.map(({ count, mean }) => [count, mean])).toEqual([
      [0, null],
      [3, 2],
      [2, 4.5],
      [0, null],
    ]);
    const sunTime = (await trend('from=1900-05-31&to=1900-06-03&interval=P1D')).body.items;
    expect(sunTime.map(({ count }) => count)).toEqual([0, 2, 0]);
    // 08:05:43 east of Greenwich: the instant is exact.
    expect(Date.parse(sunTime[1]!.start)).toBe(Date.parse('1900-05-31T15:54:17Z'));
  });

  it('counts water of before 1970', async () => {
    const rows = Array.from({ length: 49 }, (_, hour) => {
      return `s,${new Date(Date.UTC(1969, 11, 31) + hour * 3_600_000).toISOString()},register,${1000 + 100 * hour},m3,`;
    });
    expect((await send('/import?id=water', rows)).body.accepted).toBe(49);
    const range = 'meter=m&from=1969-12-31T00:00:00Z&to=1970-01-02T00:00:00Z&tz=UTC';
    const days = await eventually('water of two days', async () => {
      const { body } = await service.call<{ items: { cubicMetres: number; unknownHours: number }[] }>(
        'GET',
        `/volumes?${range}&by=day`,
      );
      return body.items.every(({ unknownHours }) => unknownHours === 0) ? body.items : null;
    });
    expect(days.map(({ cubicMetres }) => cubicMetres)).toEqual([2400, 2400]);
  });

  it('is not taken live', async () => {
    const { body } = await service.call<{ quarantined: { code: string }[] }>('POST', '/readings', {
      station: 's',
      time: '1999-12-31T23:59:59Z',
      values: { temp: 1 },
    });
    expect(body.quarantined.map(({ code }) => code)).toEqual(['time.impossible']);
  });
});
