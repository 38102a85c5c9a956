/** Quarantine and quality controls on the pages, in a real browser on the real service. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameOf, MN, segmentOf } from '#tests/helpers/ingest/hj212.ts';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';
import { axeFindings, closeBrowser, logIn, noBrowser, openReader, type Reader } from '#tests/helpers/web/browser.ts';

let service: TestService;
let reader: Reader;
const JSON_TYPE = { 'content-type': 'application/json' };

describe.skipIf(noBrowser)(`the dashboard${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    service = await startTestService();
    reader = await openReader(service.url);
    await logIn(reader.page, ADMIN);
  });
  afterAll(async () => {
    await closeBrowser();
    await service?.remove();
  });

  it('looks through quarantine by gateway and code, tries it again together, and throws an item away', async () => {
    const { page } = reader;
    const time = '2026-03-05T00:00:00+08:00';
    for (const station of ['nowhere', 'elsewhere']) {
      await service.call('POST', '/readings', { station, time, values: { ph: 7 } });
    }
    await service.call('POST', '/readings', '{"samples":', JSON_TYPE);
    await page.goto('/gateways?code=station.unknown');
    const items = page.locator('.quarantine-list > li');
    await items.nth(1).waitFor();
    expect(await items.count()).toBe(2);
    await page.getByRole('button', { name: 'Try these again' }).click();
    await page.getByText('0 left quarantine, 2 are still there.').waitFor();
    await page.getByRole('combobox', { name: 'Code' }).selectOption('');
    await items.nth(2).waitFor();
    await page.goto('/gateways?code=message.malformed');
    await page.getByRole('button', { name: 'Throw away' }).click();
    await page.getByText('Thrown away.').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.reload();
    await page.getByText('Nothing is in quarantine.').waitFor();
  });

  it('shows what instruments of a station made of known samples, in both languages', async () => {
    const { page } = reader;
    const id = 'gw-controls';
    await page.goto('/stations/sihe-mouth');
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await page.locator('.qc-sheet').count()).toBe(0);
    const entry = { stations: ['sihe-mouth'], protocol: 'hj212', identity: { mn: MN } };
    const { body } = await service.call<{ password: string }>('PUT', `/gateways/${id}`, entry);
    const gateway = await service.connect(id, body.password);
    const stamp = new Date(Date.now() + 7 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14);
    const area = `DataTime=${stamp};w21003-Check=0.51,w21003-StandardValue=0.5,w21003-Flag=N`;
    await gateway.publishAsync(`wk/v1/${id}/hj212`, frameOf(segmentOf('2062', area)), { qos: 1 });
    await page.reload();
    const row = page.getByRole('row', { name: /Ammonia nitrogen.*Standard check.*0\.51 mg\/L.*0\.5 mg\/L.*2\.0%/ });
    await row.waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('row', { name: /标样核查/ }).waitFor();
  });
});
