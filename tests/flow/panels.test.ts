/** Laboratory panels: by JSON and CSV, with detection limits, completeness, class, and the sensors beside them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';

let service: TestService;
const sampleMs = Math.floor(Date.now() / 60_000) * 60_000 - 30 * 60_000;
const time = new Date(sampleMs).toISOString();

interface Item {
  parameter: string;
  value?: number;
  below?: number;
  unit: string;
}
interface Judged {
  id: string;
  items: Item[];
  completeness: Record<'basic' | 'drinkingSource', { expected: number; measured: number; missing: string[] }>;
  assessment: { class: string; limiting: string[]; notAssessed: { parameter: string; reason: string }[] };
  comparison: {
    parameter: string;
    laboratory: number;
    sensor: number;
    readings: number;
    difference: number;
    relative: number;
  }[];
}
interface Refused {
  code: string;
  errors: { path: string; message: string }[];
}

const csv = (body: string) =>
  service.call<Refused & { panels: string[]; items: number }>('POST', '/panels', body, {
    authorization: `Bearer ${ADMIN}`,
    'content-type': 'text/csv',
  });

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  const names = { zh: '断面', en: 'Section' };
  const station = {
    name: names,
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'nh3n' }],
  };
  await service.call('PUT', '/stations/s', station);
  await service.call('PUT', '/stations/other', station);
  const samples = [-20, -10, 0, 10].map((minute) => ({
    station: 's',
    time: sampleMs + minute * 60_000,
    values: { nh3n: 0.3 + minute / 1000, ph: 7.5 },
  }));
  expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
});
afterAll(() => service.remove());

describe('PUT /panels/{id}', () => {
  it('keeps it in canonical names and units, and judges it', async () => {
    const items = [
      { parameter: 'w21003', value: 250, unit: 'ug/L', method: 'HJ 535-2009' },
      { parameter: 'ph', value: 7.6 },
      { parameter: 'codmn', value: 3.1, unit: 'mg/L' },
      { parameter: 'hg', below: 0.04, unit: 'ug/L' },
    ];
    const put = await service.call('PUT', '/panels/p1', { station: 's', time, lab: 'Nanyang', items });
    expect(put).toMatchObject({ status: 201 });
    const { body } = await service.call<Judged>('GET', '/panels/p1');
    expect(body.items).toMatchObject([
      { parameter: 'nh3n', value: 0.25, unit: 'mg/L', method: 'HJ 535-2009' },
      { parameter: 'ph', value: 7.6 },
      { parameter: 'codmn', value: 3.1 },
      { parameter: 'hg', below: 0.00004, unit: 'mg/L' },
    ]);
    expect(body.assessment).toMatchObject({ class: 'II', limiting: expect.arrayContaining(['codmn', 'nh3n']) });
    expect(body.completeness.basic).toMatchObject({ expected: 24, measured: 4 });
    expect(body.completeness.basic.missing).toContain('cd');
    expect(body.completeness.drinkingSource).toMatchObject({ expected: 85, measured: 0 });
  });

  it('compares with the sensors around the time of the sample', async () => {
    const { body } = await service.call<Judged>('GET', '/panels/p1');
    const [nh3n, ph] = ['nh3n', 'ph'].map((id) => body.comparison.find(({ parameter }) => parameter === id)!);
    expect(nh3n).toMatchObject({ laboratory: 0.25, readings: 4 });
    expect(nh3n!.sensor).toBeCloseTo(0.295, 12);
    expect(nh3n!.difference).toBeCloseTo(0.045, 12);
    expect(nh3n!.relative).toBeCloseTo(0.18, 12);
    expect(ph).toMatchObject({ laboratory: 7.6, readings: 4 });
    expect(body.comparison).toHaveLength(2);
  });

  it('replaces a panel, keeps its versions in the audit, and deletes it', async () => {
    const items = [{ parameter: 'nh3n', value: 0.26 }];
    expect(await service.call('PUT', '/panels/p1', { station: 's', time, items })).toMatchObject({ status: 200 });
    expect((await service.call<Judged>('GET', '/panels/p1')).body.items).toMatchObject([{ value: 0.26 }]);
    expect((await service.call('DELETE', '/panels/p1')).status).toBe(204);
    expect((await service.call('GET', '/panels/p1')).status).toBe(404);
    expect((await service.call('DELETE', '/panels/p1')).status).toBe(404);
    const { body } = await service.call<{ items: { verb: string; id?: string }[] }>('GET', '/audit?limit=3');
    expect(body.items.map(({ verb }) => verb)).toEqual(['delete', 'put', 'put']);
  });

  it.each([
    [
      'an indicator that nobody knows',
      {
        items: [
          { parameter: 'nh3n', value: 1 },
          { parameter: 'phh', value: 1 },
        ],
      },
      'items[1].parameter',
    ],
    [
      'one given twice',
      {
        items: [
          { parameter: 'nh3n', value: 1 },
          { parameter: 'w21003', value: 1 },
        ],
      },
      'items[1].parameter',
    ],
    ['a unit that can not be converted', { items: [{ parameter: 'nh3n', value: 1, unit: 'NTU' }] }, 'items[0].unit'],
    ['neither value nor limit', { items: [{ parameter: 'nh3n' }] }, 'items[0]'],
    ['both', { items: [{ parameter: 'nh3n', value: 1, below: 1 }] }, 'items[0]'],
    ['a station that is not there', { station: 'none', items: [{ parameter: 'nh3n', value: 1 }] }, 'station'],
    ['a time without offset', { time: '2026-11-22T08:00:00', items: [{ parameter: 'nh3n', value: 1 }] }, 'time'],
    ['nothing', { items: [] }, 'items'],
  ])('refuses %s', async (_, over, path) => {
    const { status, body } = await service.call<Refused>('PUT', '/panels/bad', { station: 's', time, ...over });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'request.invalid', errors: [{ path }] });
  });
});

describe('POST /panels', () => {
  const header = 'sample,station,time,lab,parameter,value,unit,method';

  it('takes samples row by row, in any order of rows', async () => {
    const rows = [
      `a,s,${time},Nanyang,nh3n,0.21,mg/L,HJ 535-2009`,
      `b,other,${time},Nanyang,nh3n,0.9,mg/L,`,
      `a,s,${time},Nanyang,hg,<0.00004,,`,
      `a,s,${time},Nanyang,"cd",< 0.05,ug/L,`,
      ',,,,,,,',
    ];
    expect(await csv([header, ...rows].join('\r\n'))).toMatchObject({
      status: 201,
      body: { panels: ['a', 'b'], items: 4 },
    });
    const { body } = await service.call<Judged>('GET', '/panels/a');
    expect(body.items.map(({ parameter }) => parameter)).toEqual(['nh3n', 'hg', 'cd']);
    expect(body.items[2]).toMatchObject({ below: 0.00005 });
    const { body: other } = await service.call<Judged>('GET', '/panels/b');
    expect(other.assessment).toMatchObject({ class: 'III', limiting: ['nh3n'] });
  });

  it('takes nothing of a file with mistakes, and lists them by row', async () => {
    const rows = [
      `c,s,${time},,nh3n,0.2,,`,
      `c,s,${time},,phh,1,,`,
      `c,s,${time},,cd,n.d.,,`,
      `c,other,${time},,hg,1,,`,
      `a b,s,${time},,hg,0.1,,`,
    ];
    const { status, body } = await csv([header, ...rows].join('\n'));
    expect(status).toBe(400);
    expect(body.errors.map(({ path }) => path).sort()).toEqual(['row 3', 'row 4', 'row 5', 'row 6']);
    expect((await service.call('GET', '/panels/c')).status).toBe(404);
  });

  it.each([
    ['an empty file', '', 'row 1'],
    ['a header without the sample', 'station,time,parameter,value\ns,x,nh3n,1', 'row 1'],
    ['a stray quotation mark', `${header}\na,s,${time},x,nh3n,"0.2,mg/L,`, 'row'],
  ])('refuses %s', async (_, body, path) => {
    const refused = await csv(body);
    expect(refused).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    expect(refused.body.errors[0]!.path).toContain(path);
  });

  it('lists panels by station and time, newest sample first, page by page', async () => {
    const rows = Array.from(
      { length: 5 },
      (_, n) => `m${n},s,${new Date(sampleMs - n * 86_400_000).toISOString()},,ph,7.${n},,`,
    );
    await csv([header, ...rows].join('\n'));
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await service.call<{ items: { id: string }[]; next: string | null }>(
        'GET',
        `/panels?station=s&limit=2${cursor}`,
      );
      seen.push(...body.items.map(({ id }) => id));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seen).toEqual(['m0', 'a', 'm1', 'm2', 'm3', 'm4']);
    const from = new Date(sampleMs - 86_400_000).toISOString();
    const { body } = await service.call<{ items: { id: string }[] }>('GET', `/panels?from=${from}&to=${time}`);
    expect(body.items.map(({ id }) => id)).toEqual(['m1']);
  });
});
