/** Reports in and out of their formats: what others wrote stays text, published figures stay apart, lists go on. */
import { describe, expect, it } from 'vitest';
import { preferredFormat } from '#api/reports/formats.ts';
import { reportHtml } from '#api/reports/html.ts';
import type { Report } from '#api/reports/schemas/reports.ts';
import { WORDS } from '#api/reports/words.ts';
import { METER, NOW_MS, startApi } from '#tests/helpers/api.ts';
import { workbookSheets } from '#tests/helpers/reports/workbook.ts';

const STATEMENT = {
  kind: 'milestone',
  route: 'middle',
  counts: 'delivered',
  at: '2024-10-31',
  volume1e8m3: 680,
  comparison: '>',
  confidence: 'H',
  source: '=HYPERLINK("http://example.org")',
  note: '@<script>alert(1)</script>, +1',
};
const HOSTILE = '=cmd|"/c calc"!A1';

async function openRig() {
  const rig = await startApi();
  const put = (noun: 'meter' | 'statement', id: string, body: unknown) =>
    rig.journal.appendCommand('seed', { verb: 'put', noun, id, body });
  await put('meter', 'b', METER);
  await put('statement', 'm-2024', STATEMENT);
  await put('statement', 'm-2030', { ...STATEMENT, at: '2030-01-01' });
  rig.queries.decisions = async () => [
    {
      meter: 'b',
      timeMs: NOW_MS - 3_600_000,
      kind: 'glitch',
      fromMs: null,
      before: null,
      after: 1000,
      litres: null,
      reason: HOSTILE,
      isRuled: true,
    },
  ];
  return rig;
}

describe('GET /reports/{period}', () => {
  it('shows what was published beside its own figures, up to the end of the transfer year', async () => {
    const rig = await openRig();
    const made = (await rig.call('GET', '/api/v1/reports/2026-11-21')).json() as Report;
    expect(made.published).toEqual([{ id: 'm-2024', ...STATEMENT }]);
    expect(made.total.cubicMetres).toBe(0);
    expect(made.source).toMatchObject({ query: '/api/v1/reports/2026-11-21', throughSeq: rig.journal.headSeq });
  });

  it('never makes a formula or markup of what others wrote', async () => {
    const rig = await openRig();
    const ask = (format: string) => rig.call('GET', `/api/v1/reports/2026-11-21?format=${format}`);
    const csv = (await ask('csv')).body;
    expect((await ask('csv&bom=true')).body).toBe(`\ufeff${csv}`);
    expect(csv).toContain('"glitch: =cmd|""/c calc""!A1"');
    expect(
      csv
        .split('\n')
        .flatMap((row) => row.split(','))
        .filter((field) => /^"?[=+@]/.test(field)),
    ).toEqual([]);
    const cells = workbookSheets((await ask('xlsx')).rawPayload).flatMap(({ rows }) => rows.flat());
    expect(cells.filter((cell) => cell?.type === 'f')).toEqual([]);
    for (const text of [HOSTILE, STATEMENT.source, STATEMENT.note]) {
      expect(cells.filter((cell) => cell?.value === text).map(({ type }) => type)).toEqual(['s']);
    }
    const html = (await ask('html')).body;
    expect(html).not.toContain('<script');
    expect(html).toContain('@&lt;script&gt;alert(1)');
    expect(html).toContain(WORDS.zh.lossUnknown);
  });

  it('calls a running period provisional, as far as it has got', async () => {
    const rig = await openRig();
    const made = (await rig.call('GET', '/api/v1/reports/2026-11')).json() as Report;
    expect(made).toMatchObject({ provisional: true, through: '2026-11-22T08:00:00+08:00' });
    expect(made.breakdown.items).toHaveLength(22);
    expect(made.total.unknownHours).toBe(21 * 24 + 8);
    expect((await rig.call('GET', '/api/v1/reports/2026-11?format=html')).body).toContain(WORDS.zh.provisional);
  });

  it('is made without any meter, too', async () => {
    const rig = await startApi();
    const answer = await rig.call('GET', '/api/v1/reports/2026-11-21');
    expect(answer.json()).toMatchObject({ recipients: [], total: { meters: 0, cubicMetres: 0, plan: null } });
    for (const format of ['csv', 'xlsx', 'html'])
      expect((await rig.call('GET', `/api/v1/reports/2026-11-21?format=${format}`)).statusCode).toBe(200);
  });
});

describe('the calendar of a report', () => {
  it.each([
    ['the night that clocks go back', 'Europe/Berlin', '2025-10-26', 25],
    ['the night that clocks go on', 'Europe/Berlin', '2026-03-29', 23],
    ['half an hour less in a day', 'Australia/Lord_Howe', '2026-10-04', 23.5],
    ['a zone off the hour', 'Asia/Kolkata', '2026-03-29', 24],
    ['a leap day', 'Asia/Shanghai', '2024-02-29', 24],
    ['a leap year’s February', 'Asia/Shanghai', '2024-02', 29 * 24],
    ['a transfer year with a leap day', 'Asia/Shanghai', '2023-24', 366 * 24],
  ])('%s (%s, %s) has %d hours, none twice', async (_, timeZone, period, hours) => {
    const rig = await startApi({ config: { timeZone } });
    await rig.journal.appendCommand('seed', { verb: 'put', noun: 'meter', id: 'b', body: METER });
    const made = (await rig.call('GET', `/api/v1/reports/${period}`)).json() as Report;
    const { items } = made.breakdown;
    expect(made.total.unknownHours).toBe(hours);
    expect(items.reduce((sum, { unknownHours }) => sum + unknownHours, 0)).toBe(hours);
    expect(items.slice(1).map(({ start }) => start)).toEqual(items.slice(0, -1).map(({ end }) => end));
    expect([items[0]!.start, items.at(-1)!.end]).toEqual([made.start, made.end]);
  });
});

describe('GET /reports', () => {
  it('pages through what is on record and what is due, newest first', async () => {
    const rig = await openRig();
    rig.clock.advance(12 * 86_400_000);
    const all = (await rig.call('GET', '/api/v1/reports')).json().items as { period: string }[];
    expect(all.map(({ period }) => period)).toEqual([
      ...['2026-12-03', '2026-12-02', '2026-12-01', '2026-11', '2026-11-30', '2026-11-29', '2026-11-28'],
      ...['2026-11-27', '2026-11-26', '2026-11-25', '2026-11-24', '2026-11-23', '2026-11-22'],
    ]);
    const pages: { period: string }[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await rig.call('GET', `/api/v1/reports?limit=4${cursor && `&cursor=${cursor}`}`);
      pages.push(...page.json().items);
      cursor = page.json().next;
    }
    expect(pages).toEqual(all);
  });
});

describe('the format', () => {
  it.each([
    ['', 'json'],
    ['*/*', 'json'],
    ['text/csv', 'csv'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['application/json;q=0.5, text/csv', 'csv'],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
    ['text/csv;q=0, image/png', 'json'],
  ])('for Accept "%s" is %s', (accept, format) => {
    expect(preferredFormat(accept)).toBe(format);
  });

  it('has every word in both languages', () => {
    const shape = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shape(part)]))
        : typeof value;
    expect(shape(WORDS.en)).toEqual(shape(WORDS.zh));
  });

  it('writes what is not known as a dash and never a negative nought', async () => {
    const rig = await openRig();
    const made = (await rig.call('GET', '/api/v1/reports/2026-11-21')).json() as Report;
    const total = {
      ...made.total,
      yearBefore: { ...made.total.yearBefore, change: -0.000001 },
      sinceInauguration: null,
    };
    const { html } = reportHtml({ ...made, total }, 'en');
    expect(html).toContain('<b>0.00 %</b>');
    expect(html).toContain('>—</td>');
    expect(html).not.toContain('NaN');
  });
});
