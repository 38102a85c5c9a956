/** Debian's Chromium, driven as a reader would: pages that remember whatever went wrong in them. */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { GUARD_MS } from '#tests/helpers/eventually.ts';

const CHROMIUM = process.env.WK_TEST_CHROMIUM ?? '/usr/bin/chromium';
const isThere = existsSync(CHROMIUM);
/** For `skipIf`, and for the name of what is skipped. */
export const noBrowser = isThere ? null : `needs Chromium at ${CHROMIUM} (apt-get install chromium)`;

export interface Reader {
  page: Page;
  /** Errors in the console, exceptions, violations of the policy; a 401 on purpose is none. */
  wrongs: string[];
  close(): Promise<void>;
}

let browser: Promise<Browser> | undefined;

export async function openReader(url: string, options: BrowserContextOptions = {}): Promise<Reader> {
  // A container's root has no sandbox of its own.
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const context = await (await browser).newContext({
    baseURL: url,
    viewport: { width: 1366, height: 768 },
    locale: 'en-GB',
    // The reader is elsewhere than the water.
    timezoneId: 'America/New_York',
    ...options,
  });
  context.setDefaultTimeout(GUARD_MS);
  const page = await context.newPage();
  await page.addInitScript(`globalThis.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, value } of list.getEntries()) if (!hadRecentInput) layoutShift += value;
    }).observe({ type: 'layout-shift', buffered: true });`);
  const wrongs: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') wrongs.push(message.text());
  });
  page.on('pageerror', (error) => wrongs.push(String(error.stack)));
  return { page, wrongs, close: () => context.close() };
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

export async function logIn(page: Page, token: string): Promise<void> {
  await page.goto('/');
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation').waitFor();
}

/** Cumulative Layout Shift since the page was loaded (Web Vitals: good up to 0.1); what a reader brought about apart. */
export const layoutShift = async (page: Page): Promise<number> => Number(await page.evaluate('layoutShift'));

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/** WCAG 2.2 A and AA as axe judges them: what is against them, in words. */
export async function axeFindings(page: Page): Promise<string[]> {
  // By the debugger, which the page's policy doesn't bind.
  await page.evaluate(axe.source);
  const violations =
    (await page.evaluate(`axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then((found) => found.violations)`)) as Violation[];
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join(' | ')}`,
  );
}

export const DESK = { width: 1366, height: 768 };
const PHONE = { width: 390, height: 844 };

/**
 * What axe finds on the page as it stands, at a desk and on a phone, in both themes; and that nothing but tables and
 * drawings is wider than the window. The page is in its first theme again afterwards, on the phone.
 */
export async function findingsEverywhere(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const size of [DESK, PHONE]) {
    await page.setViewportSize(size);
    // What is scrolled under the bar at the top is no target.
    await page.evaluate('scrollTo(0, 0)');
    for (let theme = 0; theme < 2; theme++) {
      found.push(...(await axeFindings(page)));
      await page.getByRole('button', { name: 'Dark theme' }).click();
    }
    const isWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
    if (isWide) found.push(`wider than the window at ${size.width}`);
  }
  return found;
}
