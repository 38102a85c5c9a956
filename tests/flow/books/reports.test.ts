/**
 * A scripted month, reported: the figures of JSON, CSV, XLSX and HTML are those of `/volumes`, `/balances` and `/plans`,
 * to the litre, and an old report comes again after a correction.
 */
import { parse as parseCsv } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '#api/reports/schemas/reports.ts';
import { workbookSheets } from '#tests/helpers/reports/workbook.ts';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
const PERIOD = '2025-01';
/** 1 January 2025, 00:00 in Shanghai. */
const T0 = Date.UTC(2024, 11, 31, 16);
const HOURS = 31 * 24;
const at = (hour: number) => new Date(T0 + hour * HOUR).toISOString();
const MONTH = `from=${at(0)}&to=${at(HOURS)}`;
let service: TestService;

/** m³ an hour, with a third decimal so that litres count. */
const RATES = { beijing: 108_000.125, tianjin: 90_000.333, intake: 207_000.75 };
const FULL = 50_000_000;

async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const answer = await service.call<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}
const report = (query = '', period = PERIOD) => call<Report>('GET', `/reports/${period}${query}`);

async function bytes(query: string, accept = '*/*'): Promise<{ headers: Headers; body: Buffer }> {
  const headers = { authorization: `Bearer ${ADMIN}`, accept };
  const response = await fetch(`${service.url}/api/v1/reports/${PERIOD}${query}`, { headers });
  expect(response.status).toBe(200);
  return { headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

interface Amount {
  cubicMetres: number;
  measured: number;
  estimated: number;
  unknownHours: number;
}
const amountOf = ({ cubicMetres, measured, estimated, unknownHours }: Amount) => {
  return { cubicMetres, measured, estimated, unknownHours };
};
const volumes = async (query: string, by = 'total', range = MONTH) =>
  call<{ items: Amount[]; total: Amount }>('GET', `/volumes?${query}&${range}&by=${by}`);
const litres = (amounts: readonly Amount[]) =>
  amounts.reduce((sum, { cubicMetres }) => sum + Math.round(cubicMetres * 1000), 0);

async function meter(id: keyof typeof RATES, rest: object): Promise<void> {
  const names = { zh: id, en: id };
  const station = { name: names, kind: 'offtake', waterBody: 'river', parameters: [{ id: 'register' }] };
  await call('PUT', `/stations/${id}`, station, 201);
  const body = {
    station: id,
    parameter: 'register',
    kind: 'register',
    unit: 'm3',
    maxFlow: 200,
    maxGap: 'PT2H',
    ...rest,
  };
  await call('PUT', `/meters/${id}`, body, 201);
}

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_CLOSINGS: 'manual' } });
  await meter('intake', { measures: 'intake' });
  await meter('beijing', { measures: 'delivery', recipient: 'beijing' });
  // Rolls over once, sends nothing for two days, and one read is a zero.
  await meter('tianjin', { measures: 'delivery', recipient: 'tianjin', size: FULL });
  for (const id of Object.keys(RATES) as (keyof typeof RATES)[]) {
    const count = (hour: number) => Number(((RATES[id] * hour) % (id === 'tianjin' ? FULL : 1e12)).toFixed(3));
    const hours = Array.from({ length: HOURS + 3 }, (_, hour) => hour)
      .filter((hour) => id !== 'tianjin' || hour <= 240 || hour >= 288)
      .map((hour) => [hour, id === 'tianjin' && hour === 100 ? 0 : count(hour)] as const);
    const samples = hours.map(([hour, register]) => ({ station: id, time: at(hour), values: { register } }));
    await call('POST', '/readings', { samples }, 202);
  }
  const months = [1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1].map((part) => part * 80_000_000);
  await call('PUT', '/plans/beijing/2024-25', { cubicMetres: 1e9 }, 201);
  await call('PUT', '/plans/tianjin/2024-25', { cubicMetres: 1.04e9, months }, 201);
});
afterAll(async () => {
  await service.remove();
});

describe('a month', () => {
  it('is what was scripted, and what /volumes, /balances and /plans say', async () => {
    const made = await report();
    expect(made).toMatchObject({ kind: 'month', provisional: false, transferYear: '2024-25', closing: null });
    expect(made.recipients.map(({ recipient }) => recipient)).toEqual(['beijing', 'tianjin']);
    const [beijing, tianjin] = made.recipients as [Report['recipients'][number], Report['recipients'][number]];
    // 744 h × 108,000.125 m³/h; 744 h × 90,000.333, of which 48 h are estimated.
    expect(amountOf(beijing)).toEqual({ cubicMetres: 80_352_093, measured: 80_352_093, estimated: 0, unknownHours: 0 });
    expect(amountOf(tianjin)).toEqual({
      cubicMetres: 66_960_247.752,
      measured: 62_640_231.768,
      estimated: 4_320_015.984,
      unknownHours: 0,
    });
    for (const one of made.recipients) {
      const query = `recipient=${one.recipient}`;
      expect(amountOf(one)).toEqual(amountOf((await volumes(query)).total));
      const days = (await volumes(query, 'day')).items;
      const own = made.breakdown.items.map(
        ({ recipients }) => recipients.find(({ recipient }) => recipient === one.recipient)!,
      );
      expect(own.map(amountOf)).toEqual(days.map(amountOf));
      const year = `from=2024-11-01&to=${at(HOURS)}`;
      expect(one.transferYear).toEqual(amountOf((await volumes(query, 'total', year)).total));
      const ever = `from=inauguration&to=${at(HOURS)}`;
      expect(one.sinceInauguration).toEqual(amountOf((await volumes(query, 'total', ever)).total));
      const before = `from=2023-11-01&to=2024-02-01`;
      const { change, transferYear, ...then } = one.yearBefore;
      expect(then).toEqual(amountOf((await volumes(query, 'total', before)).total));
      expect([transferYear, change]).toEqual(['2023-24', null]);
    }
    const { total } = await call<{ total: object }>('GET', `/balances?${MONTH}`);
    const { shift: _shift, ...balance } = made.balance;
    expect(total).toMatchObject(balance);
    expect(made.divergences).toEqual([]);
    const { items } = await call<{ items: object[] }>('GET', `/volumes/decisions?${MONTH}`);
    expect(made.decisions).toEqual({ items, more: false });
    expect(made.decisions.items.map(({ kind }) => kind).sort()).toEqual(['gap', 'glitch', 'rollover']);
  });

  it('adds up, from hours to the year, to the litre', async () => {
    const month = await report();
    expect(litres(month.breakdown.items)).toBe(litres([month.total]));
    expect(litres(month.recipients)).toBe(litres([month.total]));
    let sum = 0;
    for (const [index, day] of month.breakdown.items.entries()) {
      if (index % 9 > 0) continue;
      const made = await report('', day.start.slice(0, 10));
      expect(made.breakdown).toMatchObject({ by: 'hour', items: { length: 24 } });
      expect(amountOf(made.total)).toEqual(amountOf(day));
      expect(litres(made.breakdown.items)).toBe(litres([day]));
      sum++;
    }
    expect(sum).toBe(4);
    const year = await report('', '2024-25');
    expect(year.breakdown).toMatchObject({ by: 'month', items: { length: 12 } });
    expect(year.breakdown.items.map(amountOf)[2]).toEqual(amountOf(month.total));
    expect(litres(year.breakdown.items)).toBe(litres([year.total]));
    expect(year.yearByMonth.at(-1)!.cumulative).toBe(year.total.cubicMetres);
  });

  it('is set against its plan as it stood at the end of the month', async () => {
    const { recipients, total, yearByMonth } = await report();
    const planned = (1e9 * 92) / 365;
    expect(recipients[0]!.plan).toMatchObject({ cubicMetres: 1e9, progress: 80_352_093 / 1e9 });
    expect(recipients[0]!.plan!.planned).toBeCloseTo(planned, 3);
    expect(recipients[1]!.plan).toMatchObject({ planned: 320_000_000, delivered: recipients[1]!.transferYear });
    expect(total.plan).toMatchObject({ cubicMetres: 2.04e9, delivered: total.transferYear });
    expect(total.plan!.months).toHaveLength(12);
    expect(total.plan!.months.at(-1)).toEqual({ end: '2025-11-01T00:00:00+08:00', planned: 2.04e9 });
    expect(total.plan!.planned).toBeCloseTo(planned + 320_000_000, 3);
    expect(yearByMonth.map((month) => month.planned!)).toEqual([
      expect.closeTo((1e9 * 30) / 365 + 8e7, 2),
      expect.closeTo((1e9 * 61) / 365 + 16e7, 2),
      expect.closeTo(total.plan!.planned, 2),
    ]);
  });
});

describe('its formats', () => {
  it('CSV has the same figures, a row each', async () => {
    const made = await report();
    const { body, headers } = await bytes('', 'text/csv');
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).toContain('wellkeeper-2025-01.csv');
    const rows = parseCsv(body, { columns: true }) as Record<string, string>[];
    const told = (section: string, recipient: string) =>
      rows
        .filter((row) => row.section === section && row.recipient === recipient)
        .map((row) => ({
          cubicMetres: Number(row.cubicMetres),
          measured: Number(row.measured),
          estimated: Number(row.estimated),
          unknownHours: Number(row.unknownHours),
        }));
    for (const one of [...made.recipients, { recipient: '', ...made.total }]) {
      expect(told('period', one.recipient)).toEqual([amountOf(one)]);
      expect(told('transfer-year', one.recipient)).toEqual([one.transferYear]);
      expect(told('since-inauguration', one.recipient)).toEqual([one.sinceInauguration]);
    }
    expect(told('day', '')).toEqual(made.breakdown.items.map(amountOf));
    expect(told('day', 'tianjin')).toEqual(made.breakdown.items.map(({ recipients }) => amountOf(recipients[1]!)));
    expect(rows.find(({ section }) => section === 'loss')!.cubicMetres).toBe(String(made.balance.loss));
  });

  it('XLSX has the same figures as numbers and dates, widths, and a frozen header', async () => {
    const made = await report();
    const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
    const { body, headers } = await bytes('?lang=en', type);
    expect(headers.get('content-type')).toBe(type);
    const sheets = workbookSheets(body);
    expect(sheets.map(({ name }) => name)).toEqual(expect.arrayContaining(['Supplied in this period', 'By day']));
    for (const { xml } of sheets) {
      expect(xml).toContain('<pane ySplit="1"');
      expect(xml).toMatch(/<col [^>]*width="\d+" customWidth=/);
      expect(xml).not.toContain('<f>');
    }
    const sheet = (name: string) => sheets.find((one) => one.name === name)!.rows;
    const summary = sheet('Supplied in this period');
    expect(summary[1]!.map(({ type: kind, value }) => `${kind} ${value}`).slice(0, 5)).toEqual([
      's Beijing',
      'n 80352093',
      'n 80352093',
      'n 0',
      'n 0',
    ]);
    expect(summary[2]![1]).toEqual({ type: 'n', value: '66960247.752', format: '#,##0.000' });
    expect(summary[3]![1]!.value).toBe(String(made.total.cubicMetres));
    const days = sheet('By day');
    // Day 45658 of the calendar of spreadsheets is 1 January 2025.
    expect(days[1]![0]).toEqual({ type: 'n', value: '45658', format: 'yyyy-mm-dd hh:mm' });
    expect(days.slice(1, 32).map((row) => Number(row[4]!.value))).toEqual(
      made.breakdown.items.map(({ cubicMetres }) => cubicMetres),
    );
  });

  it('HTML has the same figures, both charts, and a policy that lets nothing in', async () => {
    const made = await report();
    const { body, headers } = await bytes('', 'text/html,application/xhtml+xml,*/*;q=0.8');
    const html = body.toString();
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; base-uri/);
    expect(html).toContain('<html lang="zh">');
    expect(html).toContain('调水月报 2025-01');
    expect(html).not.toMatch(/<script|\son\w+=|style=|https?:|<link/);
    expect(html.match(/<svg /g)).toHaveLength(2);
    expect(html).toContain('url(#hatch)');
    for (const { cubicMetres, measured, estimated } of [made.total, ...made.recipients, ...made.breakdown.items]) {
      for (const volume of [cubicMetres, measured, estimated]) {
        expect(html).toContain(`>${volume.toLocaleString('en-US', { minimumFractionDigits: 3 })}</td>`);
      }
    }
    expect((await bytes('?format=html&lang=en')).body.toString()).toContain('Monthly report 2025-01');
  });
});

describe('an old report', () => {
  it('comes again as of then; today’s shows what has changed since it was closed', async () => {
    const before = await report();
    const { closings } = await call<{ closings: { sha256: string; closedAt: string }[] }>(
      'POST',
      `/periods/${PERIOD}/close`,
      {},
      201,
    );
    expect((await report()).closing).toMatchObject({
      kind: 'closed',
      by: 'admin',
      ...{ sha256: closings[0]!.sha256 },
      sinceLast: [],
    });
    const fix = { station: 'beijing', parameter: 'register', from: at(HOURS), to: at(HOURS + 3), action: 'delete' };
    await call('POST', '/corrections', { ...fix, reason: 'misread' }, 202);

    const now = await report();
    expect(now.closing!.sinceLast).toMatchObject([
      { meter: 'beijing', recipient: 'beijing', measured: -108_000.125, unknownHours: 1 },
    ]);
    expect(litres([now.total])).toBe(litres([before.total]) - 108_000_125);
    const again = await call<Report>('GET', before.source.again.replace('/api/v1', ''));
    const figures = ({ source: _source, closing: _closing, recipients, total, ...rest }: Report) => ({
      ...rest,
      // Further back than readings are gone through.
      recipients: recipients.map(({ sinceInauguration: _ever, ...one }) => one),
      total: { ...total, sinceInauguration: null },
    });
    expect(figures(again)).toEqual(figures(before));
    expect(again.source).toMatchObject({ throughSeq: null, query: before.source.again, asOf: expect.any(String) });
    expect((await call<Report>('GET', `/reports/${PERIOD}?asOf=${closings[0]!.closedAt}`)).total.cubicMetres).toBe(
      before.total.cubicMetres,
    );
  });

  it.each([
    ['2025-02-30', 400, 'range.invalid'],
    ['2025-13', 400, 'range.invalid'],
    ['2199-01', 400, 'range.invalid'],
    ['yesterday', 400, 'request.invalid'],
    [`${PERIOD}?asOf=2199-01-01`, 400, 'range.invalid'],
    [`${PERIOD}?asOf=2024-12-31`, 400, 'range.invalid'],
    [`${PERIOD}?asOf=soon`, 400, 'range.invalid'],
    [`${PERIOD}?format=pdf`, 400, 'request.invalid'],
  ])('%s gives %i %s', async (path, status, code) => {
    expect(await call('GET', `/reports/${path}`, undefined, status)).toMatchObject({ code });
  });

  it('is empty where nothing was counted, and says so', async () => {
    const none = await report('', '2019-05-04');
    expect(none.total).toMatchObject({ cubicMetres: 0, unknownHours: 48, plan: null });
    expect(none.recipients.map(({ share }) => share)).toEqual([null, null]);
    // Of the intake nothing is known either: a loss of 0 would be a figure about nothing.
    expect(none.balance).toMatchObject({ loss: null, lossShare: null, lossUnknownHours: 72 });
  });
});
