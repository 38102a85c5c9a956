/** How fast the dashboard is, measured in a real browser on the real service; figures go to the report of the run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { closeBrowser, logIn, noBrowser, openReader, type Reader } from '#tests/helpers/web/browser.ts';

const FIVE_MINUTES_MS = 300_000;
const YEAR = 365 * 288;
const PER_MESSAGE = 4000;
const EXTREME = 999;

let service: TestService;
let reader: Reader;
const tell = (figure: string) => process.stdout.write(`${figure}\n`);

/** A year of a flow, every five minutes, and in it one extreme that no mean shows. */
async function tellYear(): Promise<void> {
  const endMs = Math.floor(Date.now() / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
  for (let first = 0; first < YEAR; first += PER_MESSAGE) {
    const rows = Array.from({ length: Math.min(PER_MESSAGE, YEAR - first) }, (_, index) => {
      const timeMs = endMs - (YEAR - first - index) * FIVE_MINUTES_MS;
      const value = first + index === 50_000 ? EXTREME : 200 + (index % 7);
      return `taocha,${new Date(timeMs).toISOString()},flow,${value}`;
    });
    const { status } = await service.call('POST', '/readings', `station,time,parameter,value\n${rows.join('\n')}\n`);
    expect(status).toBe(202);
  }
  await eventually(
    'the statistics of a year',
    async () => {
      const { body } = await service.call<{ items: { count: number }[] }>(
        'GET',
        '/trends?station=taocha&parameter=flow&interval=P1Y&from=2000-01-01',
      );
      return body.items.reduce((total, { count }) => total + count, 0) === YEAR;
    },
    90_000,
  );
}

// Other tests may be using the machine meanwhile: what is slow once is measured again.
const MEASURED = { retry: 2 } as const;

describe.skipIf(noBrowser)(`the dashboard's speed${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    service = await startTestService({ env: { WK_MAX_MESSAGE: '1MiB' } });
    await tellYear();
    reader = await openReader(service.url);
    await logIn(reader.page, ADMIN);
  });
  afterAll(async () => {
    await closeBrowser();
    await service?.remove();
  });

  it('needs at most 200 KB for the first view, which is there within a second', MEASURED, async () => {
    const { page } = reader;
    const line = await page.context().newCDPSession(page);
    await line.send('Network.enable');
    await line.send('Network.setCacheDisabled', { cacheDisabled: true });
    const addresses = new Map<string, string>();
    const sizes = new Map<string, number>();
    line.on('Network.requestWillBeSent', ({ requestId, request }) => void addresses.set(requestId, request.url));
    line.on(
      'Network.loadingFinished',
      ({ requestId, encodedDataLength }) => void sizes.set(addresses.get(requestId) ?? '', encodedDataLength),
    );
    await page.goto('/');
    await page.locator('.schematic-drawing a').first().waitFor();
    const readyMs = (await page.evaluate(`performance.getEntriesByName('wellkeeper.shown')[0].startTime`)) as number;
    // What the page before it had asked for has no address here.
    const own = [...sizes].filter(([url]) => url !== '' && !url.includes('/api/'));
    const bytes = own.reduce((total, [, size]) => total + size, 0);
    tell(`first view: ${(bytes / 1000).toFixed(1)} kB in ${own.length} files, shown after ${Math.round(readyMs)} ms`);
    expect(own.length).toBeGreaterThanOrEqual(3);
    expect(bytes).toBeLessThanOrEqual(200_000);
    expect(readyMs).toBeLessThan(1000);
    await line.detach();
  });

  it('draws a year of five-minute data in less than 300 ms, extremes kept', MEASURED, async () => {
    const { page } = reader;
    await page.goto('/stations/taocha?p=flow&range=P1D');
    await page.locator('.trend-sheet canvas').waitFor();
    const tookMs = (await page.evaluate(`new Promise((done) => {
      const year = [...document.querySelectorAll('.range-picker button')].find((one) => one.textContent === 'Year');
      const before = document.querySelector('.trend-sheet canvas');
      const startMs = performance.now();
      const look = () => {
        const canvas = document.querySelector('.trend-sheet canvas');
        if (canvas && canvas !== before && document.querySelector('.figure-note').textContent.includes('daily means')) done(performance.now() - startMs);
        else requestAnimationFrame(look);
      };
      year.click();
      look();
    })`)) as number;
    tell(`a year of ${YEAR} readings: asked, answered and drawn in ${Math.round(tookMs)} ms`);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('row', { name: new RegExp(`\\b${EXTREME}\\b`) }).waitFor();
    expect(tookMs).toBeLessThan(300);
  });

  it('keeps at least 30 frames a second under 60 live updates a second', MEASURED, async () => {
    const { page } = reader;
    await page.goto('/');
    await page.locator('.live-sign.is-live').waitFor();
    const updates = { sent: 0, running: true };
    const publishing = (async () => {
      const startMs = performance.now();
      while (updates.running) {
        const due = Math.floor(((performance.now() - startMs) / 1000) * 10);
        if (updates.sent / 6 > due) {
          await eventually(
            'the next tenth of a second',
            () => ((performance.now() - startMs) / 1000) * 10 > updates.sent / 6,
          );
        }
        const time = new Date().toISOString();
        const values = {
          ph: 7 + Math.random(),
          do: 9 + Math.random(),
          nh3n: 0.1,
          codmn: 2,
          tp: 0.02,
          tn: 1 + Math.random(),
        };
        await service.call('POST', '/readings', { station: 'taocha', time, values });
        updates.sent += 6;
      }
    })();
    const heap = () => page.evaluate('(globalThis.gc?.(), performance.memory.usedJSHeapSize)') as Promise<number>;
    const before = await heap();
    const { frames, ms } = (await page.evaluate(`new Promise((done) => {
      let frames = 0;
      const startMs = performance.now();
      const count = () => {
        frames += 1;
        const ms = performance.now() - startMs;
        if (ms >= 5000) done({ frames, ms });
        else requestAnimationFrame(count);
      };
      requestAnimationFrame(count);
    })`)) as { frames: number; ms: number };
    updates.running = false;
    await publishing;
    const perSecond = (1000 * frames) / ms;
    tell(
      `${Math.round((1000 * updates.sent) / ms)} updates a second: ${perSecond.toFixed(1)} frames a second, heap ${((await heap()) - before) / 1e6} MB more`,
    );
    expect(updates.sent).toBeGreaterThanOrEqual(250);
    expect(perSecond).toBeGreaterThanOrEqual(30);
    await page.getByRole('link', { name: /Taocha head works, Class/ }).waitFor();
  });

  it('had no error in the console', () => {
    expect(reader.wrongs).toEqual([]);
  });
});
