/** Ruling about reads, closing and restating, and plans, from the page; and who may not. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workbookSheets } from '#tests/helpers/reports/workbook.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import {
  closeBrowser,
  findingsEverywhere,
  logIn,
  noBrowser,
  openReader,
  type Reader,
} from '#tests/helpers/web/browser.ts';

let service: TestService;
let reader: Reader;
let viewer: Reader;
let viewerToken: string;

/** The fifth of the last month that is over, in the installation's zone. */
const MONTH = Temporal.Now.zonedDateTimeISO('Asia/Shanghai').toPlainDate().with({ day: 5 }).subtract({ months: 1 });
const PERIOD = MONTH.toString().slice(0, 7);
const START_YEAR = MONTH.month >= 11 ? MONTH.year : MONTH.year - 1;
const ADDRESS = `/volumes?year=${START_YEAR}`;
const METERED = 9001.125;

interface Sum {
  cubicMetres: number;
  unknownHours: number;
}

async function sum(): Promise<Sum> {
  const to = MONTH.add({ days: 1 });
  const { body } = await service.call<{ total: Sum }>(
    'GET',
    `/volumes?recipient=beijing&from=${MONTH}&to=${to}&by=total`,
  );
  return body.total;
}

/** Nine hours of 1,000.125 m³ each, and in the fifth a read that no water can have made. */
async function tellReads(): Promise<void> {
  const read = (time: string, register: number) => ({
    station: 'beijing-trunk',
    time: `${MONTH}T${time}:00+08:00`,
    values: { register },
  });
  const samples = Array.from({ length: 10 }, (_, hour) =>
    read(`0${hour}:00`, Number((5_000_000 + 1000.125 * hour).toFixed(3))),
  );
  samples.push(read('04:30', 5_900_000));
  const { status } = await service.call('POST', '/readings', { samples });
  expect(status).toBe(202);
  await eventually('the books', async () => (await sum()).cubicMetres === METERED);
}

async function token(role: string): Promise<string> {
  const { body } = await service.call<{ token: string }>('POST', '/tokens', { name: `an ${role}`, role });
  return body.token;
}

/** The volume of the meter as the page says it has changed. */
async function told(): Promise<string[]> {
  const fact = await reader.page.locator('.effect dd').first().innerText();
  return [...fact.matchAll(/[\d,]+\.\d{3}/g)].map(([number]) => number.replaceAll(',', ''));
}

describe.skipIf(noBrowser)(`the books on the dashboard${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    service = await startTestService();
    await tellReads();
    viewerToken = await token('viewer');
    reader = await openReader(service.url);
    await logIn(reader.page, await token('engineer'));
    viewer = await openReader(service.url);
    await logIn(viewer.page, viewerToken);
  });
  afterAll(async () => {
    await closeBrowser();
    await service?.remove();
  });

  it('closes a month, and keeps what it was closed with', async () => {
    const { page } = reader;
    await page.goto(ADDRESS);
    await page.getByRole('button', { name: 'Close a period' }).click();
    await page.locator('.periods-sheet select').selectOption(PERIOD);
    await page.getByLabel('Reason (optional)').fill('Monthly accounts');
    await page.locator('.periods-sheet .deed').getByRole('button', { name: 'Close a period' }).click();
    await page.getByText(`${PERIOD} closed`).waitFor();
    await page.getByText('Monthly accounts').waitFor();
    await page.getByText('Nothing has changed since it was closed.').waitFor();
    // A link to it shows it to another.
    expect(new URL(page.url()).searchParams.get('period')).toBe(PERIOD);
    const { body } = await service.call<{ closings: { reason: string; by: string }[] }>('GET', `/periods/${PERIOD}`);
    expect(body.closings.map(({ reason, by }) => [reason, by])).toEqual([['Monthly accounts', 'an engineer']]);
  });

  it('gives the report of a month as a workbook and as a page to print, with the session alone', async () => {
    const { page } = reader;
    await page.goto(`${ADDRESS}&period=${PERIOD}&report=${MONTH}`);
    const sheet = page.locator('.reports-sheet');
    await sheet.getByRole('row', { name: new RegExp(`^${PERIOD} closed`) }).waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      sheet
        .locator('.report-of')
        .getByRole('link', { name: `${PERIOD} XLSX` })
        .click(),
    ]);
    expect(file.suggestedFilename()).toBe(`wellkeeper-${PERIOD}.xlsx`);
    const sheets = workbookSheets(readFileSync(await file.path()));
    const cells = sheets.flatMap(({ rows }) => rows.flat()).filter((cell) => cell !== undefined);
    expect(cells).toContainEqual(expect.objectContaining({ type: 'n', value: String(METERED) }));

    const [table] = await Promise.all([
      page.waitForEvent('download'),
      sheet
        .locator('.report-of')
        .getByRole('link', { name: `${MONTH} CSV` })
        .click(),
    ]);
    expect(table.suggestedFilename()).toBe(`wellkeeper-${MONTH}.csv`);
    expect(readFileSync(await table.path(), 'utf8')).toMatch(new RegExp(`period,beijing,[^\\n]*,${METERED},`));

    const [printed] = await Promise.all([
      page.waitForEvent('popup'),
      sheet
        .locator('.report-of')
        .getByRole('link', { name: `${PERIOD} Print` })
        .click(),
    ]);
    await printed.getByRole('heading', { level: 1, name: PERIOD }).waitFor();
    await printed.close();
  });

  it('says in words why a period can not be closed', async () => {
    const { page } = reader;
    await service.call('POST', `/periods/${START_YEAR - 1}-${String(START_YEAR % 100).padStart(2, '0')}/close`, {});
    await page.getByRole('button', { name: 'Close a period' }).click();
    const select = page.locator('.periods-sheet select');
    await select.selectOption({ label: `${START_YEAR - 1}-${String(START_YEAR % 100).padStart(2, '0')}` });
    await page.locator('.periods-sheet .deed').getByRole('button', { name: 'Close a period' }).click();
    await page.getByRole('alert').getByText('is closed: restate it').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
  });

  it('overrules a decision for a reason and says what that changes', async () => {
    const { page } = reader;
    const before = await sum();
    const row = page.getByRole('row', { name: /beijing-delivery.*glitch, not booked.*the rules/ });
    await row.getByRole('button', { name: 'Overrule' }).click();
    await page.locator('.decisions-sheet select').selectOption('accepted');
    const overrule = page.locator('.decisions-sheet .deed').getByRole('button', { name: 'Overrule' });
    await overrule.click();
    // Without a reason it isn't sent.
    expect(await sum()).toEqual(before);
    await page.locator('.decisions-sheet').getByLabel('Reason').fill('A flood: seen on site');
    await overrule.click();
    await page.getByText('What this changed for').waitFor();
    const after = await sum();
    expect(after.cubicMetres).toBeGreaterThan(before.cubicMetres + 800_000);
    expect((await told()).slice(0, 2)).toEqual([before.cubicMetres.toFixed(3), after.cubicMetres.toFixed(3)]);
    await page.getByRole('row', { name: /beijing-delivery.*accepted.*an engineer.*A flood/ }).waitFor();
  });

  it('shows what has changed since a period was closed, and restates it for a reason', async () => {
    const { page } = reader;
    const difference = (await sum()).cubicMetres - METERED;
    const change = page.locator('.period-detail').getByRole('row', { name: /^beijing-delivery/ });
    expect(await change.getByRole('cell').first().innerText()).toBe(
      `+${difference.toLocaleString('en-GB', { minimumFractionDigits: 3 })}`,
    );
    await page.locator('.period-detail').getByLabel('Reason').fill('The flood of the fifth');
    await page.getByRole('button', { name: 'Restate' }).click();
    await page.getByText(`${PERIOD} restated`).waitFor();
    await page.getByText('The flood of the fifth').waitFor();
    await page.getByText('Nothing has changed since it was closed.').waitFor();
  });

  it('undoes a ruling: everything is what it was', async () => {
    const { page } = reader;
    await page
      .getByRole('row', { name: /A flood: seen on site/ })
      .getByRole('button', { name: 'Overrule' })
      .click();
    await page.getByRole('button', { name: 'Undo the ruling' }).click();
    await page.getByText('What this changed for').waitFor();
    expect((await sum()).cubicMetres).toBe(METERED);
    await page.getByRole('row', { name: /beijing-delivery.*glitch, not booked.*the rules/ }).waitFor();
  });

  it('rules about a read that was simply subtracted, and names what is not there', async () => {
    const { page } = reader;
    const sheet = page.locator('.decisions-sheet');
    await sheet.getByRole('button', { name: 'Rule about another read' }).click();
    await sheet.getByRole('combobox', { name: 'Meter' }).selectOption('beijing-delivery');
    await sheet.getByLabel('Read at').fill(`${MONTH}T06:00:01`);
    await sheet.getByLabel('Reason').fill('Read during a test of the pump');
    const overrule = sheet.locator('.deed').getByRole('button', { name: 'Overrule' });
    await overrule.click();
    await sheet.getByRole('alert').getByText('reading of register at beijing-trunk').waitFor();
    await sheet.getByLabel('Read at').fill(`${MONTH}T06:00:00`);
    await overrule.click();
    await page.getByText('What this changed for').waitFor();
    // Left out, it is bridged by its neighbours.
    expect(await told()).toEqual([METERED.toFixed(3), METERED.toFixed(3), '0.000']);
    await page.getByRole('row', { name: /06:00:00 beijing-delivery glitch.*an engineer Read during/ }).waitFor();
  });

  it('puts a plan, by months that have to add up, and draws its progress', async () => {
    const { page } = reader;
    const plans = page.locator('.plans-sheet');
    await plans
      .getByRole('row', { name: /^Beijing/ })
      .getByRole('button', { name: 'Put a plan' })
      .click();
    await plans.getByLabel('plan, M m³').fill('12.000001');
    await plans.getByLabel(/Month by month/).fill('1 1 1 1 1 1 1 1 1 1 1 2');
    await plans.getByLabel('Source').fill('Ministry of Water Resources');
    await plans.locator('.deed').getByRole('button', { name: 'Put a plan' }).click();
    await plans.getByRole('alert').getByText('add up to').waitFor();
    await plans.getByLabel(/Month by month/).fill('1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.000001');
    await plans.locator('.deed').getByRole('button', { name: 'Put a plan' }).click();
    await plans.getByRole('row', { name: /^Beijing 12\.00 M m³ Ministry/ }).waitFor();
    await page
      .locator('.recipients-table')
      .getByRole('row', { name: /^Beijing.*12\.00 M m³/ })
      .waitFor();
    const { body } = await service.call<{ items: { cubicMetres: number; months: number[] }[] }>(
      'GET',
      `/plans?recipient=beijing`,
    );
    expect([body.items[0]?.cubicMetres, body.items[0]?.months.at(-1)]).toEqual([12_000_001, 1_000_001]);
  });

  it('shows a viewer all of it and no way to change it, and the service refuses anyway', async () => {
    const { page } = viewer;
    await page.goto(`${ADDRESS}&period=${PERIOD}`);
    await page.getByRole('row', { name: /04:30:00 beijing-delivery glitch, not booked/ }).waitFor();
    await page.getByText(`${PERIOD} restated`).waitFor();
    await page
      .locator('.plans-sheet')
      .getByRole('row', { name: /^Beijing/ })
      .waitFor();
    for (const name of ['Overrule', 'Rule about another read', 'Close a period', 'Restate', 'Put a plan', 'Change']) {
      expect(await page.getByRole('button', { name, exact: true }).count(), name).toBe(0);
    }
    const headers = { authorization: `Bearer ${viewerToken}` };
    for (const [method, path, body] of [
      ['POST', '/volumes/decisions', { meter: 'm', time: '2026-01-01', kind: 'glitch', reason: 'r' }],
      ['POST', `/periods/${PERIOD}/restate`, { reason: 'r' }],
      ['PUT', `/plans/beijing/${START_YEAR}-${String((START_YEAR + 1) % 100).padStart(2, '0')}`, { cubicMetres: 1 }],
    ] as const) {
      expect((await service.call(method, path, body, headers)).status, path).toBe(403);
    }
  });

  it('passes axe with its forms open, in both themes and on a phone', async () => {
    const { page } = reader;
    await page.getByRole('button', { name: 'Close a period' }).click();
    await page.getByRole('button', { name: 'Rule about another read' }).click();
    await page.locator('.plans-sheet').getByRole('button', { name: 'Change' }).click();
    expect(await findingsEverywhere(page)).toEqual([]);
  });

  it('had no error in the console but the refusals that were asked for', () => {
    expect(reader.wrongs.filter((wrong) => !/status of 4(00|04|09)/.test(wrong))).toEqual([]);
    expect(viewer.wrongs).toEqual([]);
  });
});
