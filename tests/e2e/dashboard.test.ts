/** The dashboard as people use it, in a real browser on the real service. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { ADMIN, eventually, routeToDuty, startTestService, type TestService } from '#tests/helpers/service.ts';
import {
  axeFindings,
  closeBrowser,
  DESK,
  findingsEverywhere,
  layoutShift,
  logIn,
  noBrowser,
  openReader,
  type Reader,
} from '#tests/helpers/web/browser.ts';

const HOUR_MS = 3_600_000;
const MARKUP = '<img src=x onerror="document.title=1">';

let service: TestService;
let reader: Reader;

/** A known class, a known volume, something in quarantine. */
async function tellThePast(): Promise<void> {
  const samples: unknown[] = [];
  for (let hour = 0; hour < 48; hour++) {
    const time = `2026-03-${String(1 + Math.floor(hour / 4)).padStart(2, '0')}T${String((hour % 4) * 4).padStart(2, '0')}:00:00+08:00`;
    samples.push({ station: 'sihe-mouth', time, values: { nh3n: 0.7, codmn: 2.5 } });
  }
  // Nine hours of 1,000.125 m³ each.
  for (let hour = 0; hour < 10; hour++) {
    const time = `2026-03-05T${String(hour).padStart(2, '0')}:00:00+08:00`;
    samples.push({
      station: 'beijing-trunk',
      time,
      values: { register: Number((5_000_000 + 1000.125 * hour).toFixed(3)) },
    });
  }
  const now = Date.now();
  for (let hour = 30; hour >= 1; hour--) {
    const time = new Date(now - hour * HOUR_MS).toISOString();
    // What never changes is doubted.
    const vary = (value: number) => Number((value + 0.05 * Math.sin(hour)).toFixed(3));
    samples.push({
      station: 'shending-mouth',
      time,
      values: { nh3n: vary(0.3), codmn: vary(2.2), do: vary(8.5), ph: hour === 9 ? 15 : vary(7.8) },
    });
  }
  const { status } = await service.call('POST', '/readings', { samples });
  expect(status).toBe(202);
  await service.call('POST', '/readings', {
    station: `nowhere${MARKUP}`,
    time: '2026-03-05T00:00:00+08:00',
    values: { ph: 7 },
  });
  await eventually('the books', async () => {
    const path = '/volumes?recipient=beijing&from=2026-03-01&to=2026-04-01&by=total';
    const { body } = await service.call<{ total: { cubicMetres: number } }>('GET', path);
    return body.total.cubicMetres === 9001.125;
  });
}

describe.skipIf(noBrowser)(`the dashboard${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    service = await startTestService();
    await routeToDuty(service);
    await tellThePast();
    reader = await openReader(service.url);
  });
  afterAll(async () => {
    await closeBrowser();
    await service?.remove();
  });

  beforeEach(({ task }) => {
    onTestFailed(async () => {
      const path = join(tmpdir(), `wellkeeper-${task.id}.png`);
      await reader.page.screenshot({ path, fullPage: true });
      process.stderr.write(`As it looked: ${path}\n`);
    });
  });

  it('refuses a wrong token in words, and takes the right one', async () => {
    const stranger = await openReader(service.url);
    await stranger.page.goto('/alarms?state=all');
    await stranger.page.getByLabel('Access token').fill('a guess');
    await stranger.page.getByRole('button', { name: 'Log in' }).click();
    await stranger.page.getByRole('alert').getByText('This token is not valid.').waitFor();
    await stranger.page.getByLabel('Access token').fill(ADMIN);
    await stranger.page.getByRole('button', { name: 'Log in' }).click();
    // What was asked for is where one gets.
    await stranger.page.getByRole('heading', { name: 'Alarms', level: 1 }).waitFor();
    expect(new URL(stranger.page.url()).search).toBe('?state=all');
    expect(await stranger.page.evaluate('document.cookie')).toBe('');
    await stranger.close();
    await logIn(reader.page, ADMIN);
  });

  it('leads from a live breach of Class II on the overview to its acknowledgement', async () => {
    const { page } = reader;
    await page.getByText('No alarm is open.').waitFor();
    const password = await service.gateway('gw-shending', ['shending-mouth']);
    const gateway = await service.connect('gw-shending', password);
    const sample = { station: 'shending-mouth', time: new Date().toISOString(), values: { nh3n: 0.83 } };
    await gateway.publishAsync('wk/v1/gw-shending/readings', JSON.stringify(sample), { qos: 1 });

    // Nothing is loaded anew: it comes by itself.
    await page
      .getByRole('link', { name: /Shending River mouth, Class Ⅲ, target Ⅱ, limited by Ammonia nitrogen, minor alarm/ })
      .waitFor();
    await page.getByRole('heading', { name: /1 off target/ }).waitFor();
    await page
      .getByRole('listitem')
      .getByRole('link', { name: /Shending River mouth.*0\.83 mg\/L/ })
      .click();

    await page.getByRole('heading', { name: 'Shending River mouth' }).waitFor();
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await page.getByLabel('Comment (optional)').fill(`On my way ${MARKUP}`);
    await page.locator('.deed-form').getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('Done for 1').waitFor();
    await page.locator('.timeline').getByText(`On my way ${MARKUP}`).waitFor();
    await page.locator('.inbox').getByText('acknowledged', { exact: true }).last().waitFor();

    const { body } = await service.call<{ items: { state: string; acknowledgedBy: string }[] }>(
      'GET',
      '/alarms?station=shending-mouth&rule=class-target',
    );
    expect(body.items.map(({ state, acknowledgedBy }) => [state, acknowledgedBy])).toEqual([['acknowledged', 'admin']]);
  });

  it('shelves, for a reason, and keeps filters in the address', async () => {
    const { page } = reader;
    await page.getByLabel('Choose Shending River mouth Ammonia nitrogen').check();
    await page
      .locator('.bulk')
      .getByRole('button', { name: /^Shelve/ })
      .click();
    await page.locator('.bulk').getByLabel('Reason').fill('Dredging');
    await page.locator('.bulk .deed-form').getByRole('button', { name: 'Shelve' }).click();
    await page.locator('.inbox').getByText('shelved').waitFor();
    await page.getByLabel('Severity').selectOption('critical');
    await page.getByText('No alarm is like this.').waitFor();
    expect(new URL(page.url()).searchParams.get('severity')).toBe('critical');
    await page.goBack();
    await page.locator('.inbox').getByRole('link', { name: 'Shending River mouth' }).waitFor();
  });

  it('does to many what it does to one', async () => {
    const { page } = reader;
    await page.goto('/alarms?state=all');
    await page.getByLabel('Choose all').check();
    const rows = await page.locator('.inbox tbody tr').count();
    expect(rows).toBeGreaterThanOrEqual(2);
    await page
      .locator('.bulk')
      .getByRole('button', { name: `Comment (${rows})` })
      .click();
    await page.locator('.bulk').getByLabel('Comment', { exact: true }).fill('Seen at the change of shift');
    await page.locator('.bulk .deed-form').getByRole('button', { name: 'Comment' }).click();
    await page.getByText(`Done for ${rows}`).waitFor();
    const { body } = await service.call<{ items: { id: string }[] }>('GET', '/alarms');
    expect(body.items.length).toBe(rows);
    for (const { id } of body.items) {
      const timeline = await service.call('GET', `/alarms/${encodeURIComponent(id)}/timeline`);
      expect(JSON.stringify(timeline.body)).toContain('Seen at the change of shift');
    }
  });

  it('tells a known volume to the litre and exports it', async () => {
    const { page } = reader;
    await page.goto('/volumes?year=2025');
    const row = page.locator('.recipients-table').getByRole('row', { name: /^Beijing/ });
    await row.getByText('9,001.125').waitFor();
    expect(await row.getByRole('cell').nth(1).innerText()).toBe('0.000');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('.bars-sheet .figure').getByRole('button', { name: 'CSV' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('volumes-by-month.csv');
    const text = readFileSync(await file.path(), 'utf8');
    expect(text.startsWith('\ufeffrecipient,start,cubicMetres,measured,estimated,unknownHours\r\n')).toBe(true);
    expect(text).toMatch(/\r\nbeijing,2026-03-01T00:00:00\+08:00,9001\.125,9001\.125,0,735\r\n/);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('row', { name: /^Beijing Mar 2026 9,001\.125/ }).waitFor();
  });

  it('tells a known class, live and of a month', async () => {
    const { page } = reader;
    await page.goto('/assessment?station=sihe-mouth&period=2026-03');
    await page.getByRole('heading', { name: 'Water quality, Si River mouth, 2026-03' }).waitFor();
    await page.locator('.key-figure').filter({ hasText: 'Class' }).getByText('Class Ⅲ').waitFor({ state: 'attached' });
    await page.locator('.key-figure').filter({ hasText: 'Verdict' }).getByText('off target').waitFor();
    expect(await page.getByRole('row', { name: /^Ammonia nitrogen/ }).innerText()).toMatch(/0\.7\smg\/L/);
    await page.goto('/stations/shending-mouth');
    await page.locator('.station-head').getByText('off target').waitFor();
    await page.getByRole('row', { name: /Ammonia nitrogen.*0\.83 mg\/L.*66% over/ }).waitFor();
  });

  it('shows flagged readings and explains them, down to raw ones', async () => {
    const { page } = reader;
    await page.goto('/stations/shending-mouth?p=ph&range=P1D');
    await page.getByText('1 doubtful').waitFor();
    await page.getByRole('button', { name: 'Table' }).click();
    const odd = page.getByRole('row', { name: /15 fail/ });
    await odd.waitFor();
    // Each of the last hours but the newest, which isn't a whole one.
    expect(await page.locator('.trend-sheet tbody tr').count()).toBe(23);
    await page.locator('.doubts summary').click();
    await page.getByRole('button', { name: /^Why the reading of/ }).click();
    await page.locator('.tests').getByText('beyond its range').waitFor();
  });

  it('shows what gateways sent as text, and replays it', async () => {
    const { page } = reader;
    await page.goto('/gateways');
    await page.getByText(`There is no station "nowhere${MARKUP}".`).waitFor();
    await page.getByText('Payload', { exact: true }).first().click();
    await page.locator('pre').getByText(MARKUP.replaceAll('"', '\\"')).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    await page.getByRole('button', { name: 'Replay' }).first().click();
    await page.getByText('0 accepted, 0 duplicates, 0 corrections, 0 pending, 1 quarantined again').waitFor();
    await page.getByRole('button', { name: 'Judge it' }).click();
    await page.getByText('3 readings, 0 faults').waitFor();
    await page.getByRole('row', { name: /gw-shending.*✓ yes/ }).waitFor();
  });

  it('shows which messages of a gateway never came, and closes them for whoever knows, in both languages', async () => {
    const { page } = reader;
    const password = await service.gateway('gw-numbers', ['sihe-mouth']);
    const gateway = await service.connect('gw-numbers', password);
    for (const seq of [1, 5, 7])
      await gateway.publishAsync('wk/v1/gw-numbers/readings', JSON.stringify({ seq, samples: [] }), { qos: 1 });
    await page.goto('/gateways');
    const row = page.locator('.holes li').filter({ hasText: 'gw-numbers' });
    await row.getByText('4 missing: 2–4, 6').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await row.getByRole('button', { name: 'Close…' }).click();
    expect(await row.getByLabel('Up to number').inputValue()).toBe('6');
    await row.getByLabel('Up to number').fill('3');
    await row.getByLabel('Reason').fill('Without power');
    await row.getByRole('button', { name: 'Declare lost' }).click();
    await row.getByText('2 missing: 4, 6').waitFor();
    await row.getByText('2 declared lost').waitFor();
    await page.getByRole('button', { name: '中文' }).click();
    await row.getByText('缺 2 条：4, 6').waitFor();
    await row.getByRole('button', { name: '确认丢失…' }).click();
    await row.getByLabel('原因').fill('停电');
    await row.getByRole('button', { name: '确认丢失', exact: true }).click();
    await row.getByText('已确认丢失 4 条').waitFor();
    expect(await row.getByRole('button').count()).toBe(0);
    await page.getByRole('button', { name: 'English' }).click();
  });

  it('speaks Chinese and English, and remembers', async () => {
    const { page } = reader;
    await page.goto('/');
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('link', { name: '水量' }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('zh-CN');
    await page.reload();
    await page.getByRole('heading', { name: '1 个断面未达标' }).waitFor();
    await page.goto('/volumes?year=2025');
    await page.getByRole('row', { name: /北京/ }).first().waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Published volumes' }).waitFor();
  });

  const PAGES = [
    '/',
    '/?view=table',
    '/stations/shending-mouth',
    '/alarms?state=all',
    '/alarms/NEWEST?state=all',
    '/alarms?tab=figures',
    '/rules',
    '/rules/class-target',
    '/volumes?year=2025',
    '/gateways',
    '/assessment?area=shiyan&period=2026-03',
    '/assessment?station=sihe-mouth&period=2026-03',
  ];
  async function open(path: string): Promise<void> {
    const { body } = await service.call<{ items: { id: string }[] }>('GET', '/alarms?limit=1');
    const { page } = reader;
    await page.goto(path.replace('NEWEST', encodeURIComponent(body.items[0]!.id)));
    await page.locator('.sheet').first().waitFor();
    await page.locator('.bone').first().waitFor({ state: 'detached' });
  }

  it.each(PAGES)('passes axe at %s, in both themes and on a phone', async (path) => {
    const { page } = reader;
    await open(path);
    expect(await findingsEverywhere(page)).toEqual([]);
    await page.setViewportSize(DESK);
  });

  it.each(PAGES)('keeps the place of what is still to come at %s', async (path) => {
    const { page } = reader;
    for (const size of [
      { width: 1366, height: 768 },
      { width: 390, height: 844 },
    ]) {
      await page.setViewportSize(size);
      await open(path);
      expect(await layoutShift(page)).toBeLessThan(0.1);
    }
    await page.setViewportSize(DESK);
  });

  it('prints a report dark on light, whatever the theme, without what is no part of it', async () => {
    const { page } = reader;
    await page.goto('/assessment?area=shiyan&period=2026-03');
    await page.locator('.key-figure').first().waitFor();
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await page.emulateMedia({ media: 'print' });
    expect(await axeFindings(page)).toEqual([]);
    const paper = 'getComputedStyle(document.documentElement).backgroundColor';
    expect(await page.evaluate(paper)).toBe('rgb(255, 255, 255)');
    expect(await page.locator('.top-bar').isVisible()).toBe(false);
    expect(await page.locator('.controls').isVisible()).toBe(false);
    await page.emulateMedia({ media: null });
    await page.getByRole('button', { name: 'Dark theme' }).click();
  });

  it('passes axe before logging in', async () => {
    const stranger = await openReader(service.url);
    await stranger.page.goto('/');
    await stranger.page.getByLabel('Access token').waitFor();
    expect(await axeFindings(stranger.page)).toEqual([]);
    expect(stranger.wrongs).toEqual([]);
    await stranger.close();
  });

  it('is walked through with the keyboard', async () => {
    const { page } = reader;
    await page.goto('/');
    await page.locator('.schematic-drawing').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.getByRole('link', { name: /Shending River mouth, Class Ⅲ/ }).focus();
    await page.locator('.station-card').getByText('Shending River mouth').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Shending River mouth', level: 1 }).waitFor();
  });

  it('had no error in the console and broke no policy', () => {
    expect(reader.wrongs).toEqual([]);
  });

  it('logs out, and says since when it is stale when the service is gone', async () => {
    const other = await openReader(service.url);
    await logIn(other.page, ADMIN);
    await other.page.getByRole('button', { name: 'Log out' }).click();
    await other.page.getByLabel('Access token').waitFor();
    await other.close();
    const { page } = reader;
    await page.goto('/');
    await page.getByRole('heading', { name: /1 off target/ }).waitFor();
    await page.locator('.live-sign.is-live').waitFor();
    await service.end();
    await page.getByText(/Stale since \d\d:\d\d:\d\d\./).waitFor();
    await page.getByText('1 off target').waitFor();
  });
});
