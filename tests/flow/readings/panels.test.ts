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
  above?: number;
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
  service.call<Refused & { panels: string[]; items: number; replaced: object[] }>('POST', '/panels', body, {
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
    const { body } = await service.call<{ items: { verb: string; noun?: string }[] }>('GET', '/audit');
    const ofPanels = body.items.filter(({ noun }) => noun === 'panel');
    expect(ofPanels.map(({ verb }) => verb)).toEqual(['delete', 'put', 'put']);
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
      body: { panels: ['a', 'b'], items: 4, replaced: [] },
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

  it('reads results as laboratories write them', async () => {
    await service.call('PUT', '/stations/limits', {
      name: { zh: '断面', en: 'Section' },
      kind: 'river-section',
      waterBody: 'river',
      parameters: [{ id: 'as', detectionLimit: 0.0003 }],
    });
    const rows = [
      ['fcoli', '>24000', 'MPN/L', ''],
      ['nh3n', '0.025L', 'MG/L', ''],
      ['hg', 'ND', 'ug/L', '0.04'],
      ['as', '未检出', '', ''],
      ['cd', '25', 'ng/L', ''],
      ['tn', '1.2', 'mg/L as N', ''],
      ['pb', '0.000003', 'g/L', ''],
    ].map(([parameter, value, unit, limit]) => `r,limits,${time},${parameter},${value},${unit},${limit}`);
    const answer = await csv(['sample,station,time,parameter,value,unit,limit', ...rows].join('\n'));
    expect(answer).toMatchObject({ status: 201, body: { items: 7, replaced: [] } });
    const { body } = await service.call<Judged>('GET', '/panels/r');
    expect(body.items).toEqual([
      { parameter: 'fcoli', above: 24_000, unit: 'count/L' },
      { parameter: 'nh3n', below: 0.025, unit: 'mg/L' },
      { parameter: 'hg', below: 0.00004, unit: 'mg/L' },
      { parameter: 'as', below: 0.0003, unit: 'mg/L' },
      { parameter: 'cd', value: 0.000025, unit: 'mg/L' },
      { parameter: 'tn', value: 1.2, unit: 'mg/L' },
      { parameter: 'pb', value: 0.003, unit: 'mg/L' },
    ]);
  });

  it('adds items to a known sample, replaces only the same ones and says which', async () => {
    const first = ['nh3n,0.21', 'hg,<0.00004', 'cd,<0.00005', 'ph,7.6'].map((row) => `d,limits,${time},${row}`);
    const short = 'sample,station,time,parameter,value';
    expect((await csv([short, ...first].join('\n'))).body).toEqual({ panels: ['d'], items: 4, replaced: [] });
    const second = await csv([short, `d,limits,${time},hg,0.00006`, `d,limits,${time},pb,0.001`].join('\n'));
    expect(second.body).toEqual({ panels: ['d'], items: 2, replaced: [{ panel: 'd', parameters: ['hg'] }] });
    const { body } = await service.call<Judged>('GET', '/panels/d');
    expect(body.items.map(({ parameter, value, below }) => [parameter, value ?? below])).toEqual([
      ['nh3n', 0.21],
      ['cd', 0.00005],
      ['ph', 7.6],
      ['hg', 0.00006],
      ['pb', 0.001],
    ]);
    const elsewhere = await csv([short, `d,other,${time},zn,0.01`].join('\n'));
    expect(elsewhere).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    // Both of two files that come at once stay.
    await Promise.all(['zn', 'cu', 'se'].map((id) => csv([short, `d,limits,${time},${id},0.01`].join('\n'))));
    expect((await service.call<Judged>('GET', '/panels/d')).body.items).toHaveLength(8);
  });

  it('reads GBK where it is declared or the bytes say so, and refuses what is neither', async () => {
    // "d1,s,TIME,实验室,nh3n,0.2" with 实验室 in GBK.
    const name = Buffer.from([0xca, 0xb5, 0xd1, 0xe9, 0xca, 0xd2]);
    const file = (id: string, lab: Buffer) =>
      Buffer.concat([
        Buffer.from(`sample,station,time,lab,parameter,value\n${id},limits,${time},`),
        lab,
        Buffer.from(',nh3n,0.2\n'),
      ]);
    const send = (body: Buffer, type: string) =>
      fetch(`${service.url}/api/v1/panels`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': type },
        body: new Uint8Array(body),
      });
    expect((await send(file('g1', name), 'text/csv; charset=gbk')).status).toBe(201);
    expect((await send(file('g2', name), 'text/csv')).status).toBe(201);
    expect((await send(file('g3', Buffer.from('实验室')), 'text/csv; charset=utf-8')).status).toBe(201);
    for (const id of ['g1', 'g2', 'g3']) {
      expect((await service.call<{ lab: string }>('GET', `/panels/${id}`)).body.lab).toBe('实验室');
    }
    for (const [lab, type] of [
      [name, 'text/csv; charset=utf-8'],
      [Buffer.from([0xff, 0x20]), 'text/csv'],
      [name, 'text/csv; charset=klingon'],
    ] as const) {
      const refused = await send(file('g4', lab), type);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ code: 'message.malformed' });
    }
  });

  it('reads UTF-16 with its mark, and Windows-1252 where it is declared', async () => {
    const text = `sample,station,time,parameter,value,unit,method\nu1,limits,${time},cu,2,µg/L,"a, b\nand c"\n`;
    const send = (body: Buffer, type: string) =>
      service.call<Refused>('POST', '/panels', new Uint8Array(body), { 'content-type': type });
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    expect((await send(utf16, 'text/csv')).status).toBe(201);
    const { body } = await service.call<Judged>('GET', '/panels/u1');
    expect(body.items).toEqual([{ parameter: 'cu', value: 0.002, unit: 'mg/L', method: 'a, b\nand c' }]);
    const latin = Buffer.from(text.replace('u1', 'u2'), 'latin1');
    expect(await send(latin, 'text/csv')).toMatchObject({ status: 400, body: { code: 'message.malformed' } });
    expect((await send(latin, 'text/csv; charset=iso-8859-1')).status).toBe(201);
  });

  it.each([
    ['more than 5,000 samples', (n: number) => `many${n},s,T,ph,7`, 5001, 'the file has more than 5000 samples'],
    ['a sample of more than 500 items', () => `long,s,T,ph,7`, 501, 'sample long has more than 500 items'],
    ['rows of another width', () => 'short,s,T,ph', 1, '4 cells under 5 columns'],
  ])('refuses %s', async (_, row, count, message) => {
    const rows = Array.from({ length: count }, (_, n) => row(n).replace('T', time));
    const refused = await csv(['sample,station,time,parameter,value', ...rows].join('\n'));
    expect(refused.status).toBe(400);
    expect(refused.body.errors[0]).toEqual({ path: `row ${count + 1}`, message: expect.stringContaining(message) });
  });

  it('takes samples since 1900, none of the future', async () => {
    const at = (id: string, moment: string) =>
      csv(['sample,station,time,parameter,value', `${id},limits,${moment},ph,7`].join('\n'));
    expect((await at('old', '1931-05-04T08:00:00+08:00')).status).toBe(201);
    const { body } = await service.call<{ items: { id: string }[] }>('GET', '/panels?to=1950-01-01T00:00:00Z');
    expect(body.items.map(({ id }) => id)).toEqual(['old']);
    for (const moment of [
      '1899-12-31T23:59:59Z',
      '0031-05-04T08:00:00Z',
      new Date(Date.now() + 3_600_000).toISOString(),
    ]) {
      expect(await at('bad', moment)).toMatchObject({ status: 400, body: { errors: [{ path: 'row 2' }] } });
    }
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
