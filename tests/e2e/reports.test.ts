/** A report as a reader has it before him: on screen under its own policy, and printed on A4. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';
import { axeFindings, closeBrowser, noBrowser, openReader, type Reader } from '#tests/helpers/web/browser.ts';

let service: TestService;
let reader: Reader;

describe.skipIf(noBrowser !== null)(`a printed report${noBrowser === null ? '' : ` (${noBrowser})`}`, () => {
  beforeAll(async () => {
    service = await startTestService({ env: { WK_LOG_LEVEL: 'warn' } });
    const samples = Array.from({ length: 25 }, (_, hour) => ({
      station: 'beijing-trunk',
      time: new Date(Date.parse('2026-03-05T00:00:00+08:00') + hour * 3_600_000).toISOString(),
      values: { register: 5_000_000 + 1000.125 * hour },
    }));
    expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
    reader = await openReader(service.url, { extraHTTPHeaders: { authorization: `Bearer ${ADMIN}` } });
  });
  afterAll(async () => {
    await reader?.close();
    await closeBrowser();
    await service?.remove();
  });

  it.each(['zh', 'en'])(
    'is drawn as meant under its own policy, and readable by all (%s)',
    async (lang) => {
      const { page, wrongs } = reader;
      await page.goto(`/api/v1/reports/2026-03-05?format=html&lang=${lang}`);
      expect(await page.locator('#summary tr.total td').nth(1).innerText()).toBe('24,003.000');
      // The style sheet is in force, so its hash is right.
      const fill = await page.evaluate("getComputedStyle(document.querySelector('svg rect.measured')).fill");
      expect(fill).toBe('rgb(31, 111, 159)');
      expect(await page.locator('figure svg').count()).toBe(2);
      expect(await axeFindings(page)).toEqual([]);
      expect(wrongs).toEqual([]);
    },
    60_000,
  );

  it('prints on A4, and no wider', async () => {
    const { page } = reader;
    const pdf = await page.pdf({ preferCSSPageSize: true });
    // 297 by 210 mm in points.
    expect(pdf.toString('latin1')).toMatch(/\/MediaBox \[0 0 84[12](\.\d+)? 59[456](\.\d+)?\]/);
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 1032, height: 700 });
    const tables = await page.locator('table').evaluateAll((all) => all.map((table) => table.scrollWidth));
    expect(Math.max(...tables)).toBeLessThanOrEqual(1032);
  });
});
