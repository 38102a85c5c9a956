/**
 * The dashboard on a wall: the overview and a station's page in Chromium while 60 readings a second stream through the
 * service to them. Frames a second, and the heap after forced collections, which has to stay flat.
 *
 * Three minutes; `WK_BENCH_MINUTES=60` for the hour. It needs Debian's `chromium`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import { atLeast, atMost, type Figure, figure, median, quantile } from '#bench/shared/figure.ts';
import { withService } from '#bench/shared/running-service.ts';
import { PARAMETERS, valueAt } from '#bench/shared/water.ts';
import { ADMIN, type TestService } from '#tests/helpers/service.ts';
import { closeBrowser, logIn, noBrowser, openReader, type Reader } from '#tests/helpers/web/browser.ts';
import buildDashboard from '#tests/helpers/web/built-dashboard.ts';

const MINUTES = Number(process.env.WK_BENCH_MINUTES || 3);
/** When the heap is looked at, as shares of the whole: 5, 15, 30 and 60 minutes of an hour. */
const MARKS = [1 / 12, 1 / 4, 1 / 2, 1];
const MESSAGES_PER_SECOND = 10;
const MEASURED = ['ph', 'do', 'codmn', 'nh3n', 'tp', 'turbidity'] as const;
const STATIONS = 10;
const GATEWAY = 'wall';
/** What every page is left to compile and to lay out before anything counts. */
const WARM_UP_MS = 5000;

/** Counts the page's frames second by second; `framesPerSecond` is emptied whenever it is read. */
const COUNT_FRAMES = `{
  globalThis.framesPerSecond = [];
  let frames = 0;
  let sinceMs = performance.now();
  const count = (nowMs) => {
    frames += 1;
    if (nowMs - sinceMs >= 1000) {
      framesPerSecond.push((1000 * frames) / (nowMs - sinceMs));
      frames = 0;
      sinceMs = nowMs;
    }
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
}`;

interface Wall {
  name: string;
  reader: Reader;
  line: CDPSession;
  frames: number[];
  /** MB of 10^6 bytes, and nodes of the document, at each mark. */
  heapMB: number[];
  nodes: number[];
}

export async function run(): Promise<Figure[]> {
  if (noBrowser) throw new Error(noBrowser);
  buildDashboard();
  return withService(
    async (service) => {
      const stations = await sections(service);
      const publisher = await startPublishing(service, stations);
      try {
        const walls = [
          await open(service.url, 'overview', '/'),
          await open(service.url, 'station', `/stations/${stations[0]}?p=ph,do`),
        ];
        await look(walls);
        const sent = await publisher.stop();
        await showsTheLast(walls[1]!.reader.page, sent.last);
        const wrongs = walls.flatMap(({ reader }) => reader.wrongs);
        if (wrongs.length > 0) throw new Error(wrongs.join('\n'));
        return [figure('live updates', sent.perSecond, 'readings/s'), ...walls.flatMap(figuresOf)];
      } finally {
        await publisher.stop();
        await closeBrowser();
      }
    },
    // The register of the Middle Route: the drawing is as full as it will be.
    { WK_SEEDS: './seeds' },
  );
}

async function sections(service: TestService): Promise<string[]> {
  const { body } = await service.call<{ items: { id: string; target?: string }[] }>('GET', '/stations?limit=1000');
  return body.items
    .filter(({ target }) => target)
    .slice(0, STATIONS)
    .map(({ id }) => id);
}

/** One message of one station every tenth of a second, by the clock: what is late is sent at once. */
async function startPublishing(service: TestService, stations: readonly string[]) {
  const gateway = await service.connect(GATEWAY, await service.gateway(GATEWAY, [...stations]));
  const places = MEASURED.map((id) => PARAMETERS.findIndex((parameter) => parameter.id === id));
  const beganMs = Date.now();
  let sent = 0;
  let last = { ph: 0 };
  let running = true;
  const publishing = (async () => {
    while (running) {
      for (const due = ((Date.now() - beganMs) / 1000) * MESSAGES_PER_SECOND; sent < due; sent++) {
        const round = Math.floor(sent / stations.length);
        const values = Object.fromEntries(MEASURED.map((id, index) => [id, valueAt(places[index]!, round)]));
        if (sent % stations.length === 0) last = { ph: values.ph! };
        const sample = { station: stations[sent % stations.length], time: Date.now(), values };
        await gateway.publishAsync(`wk/v1/${GATEWAY}/readings`, JSON.stringify(sample), { qos: 1 });
      }
      await pause(1000 / MESSAGES_PER_SECOND);
    }
  })();
  return {
    async stop() {
      running = false;
      await publishing;
      return { perSecond: (sent * MEASURED.length * 1000) / (Date.now() - beganMs), last };
    },
  };
}

async function open(url: string, name: string, address: string): Promise<Wall> {
  const reader = await openReader(url);
  await logIn(reader.page, ADMIN);
  await reader.page.goto(address);
  await reader.page.locator('.live-sign.is-live').waitFor();
  await pause(WARM_UP_MS);
  const line = await reader.page.context().newCDPSession(reader.page);
  await line.send('HeapProfiler.enable');
  await reader.page.evaluate(COUNT_FRAMES);
  return { name, reader, line, frames: [], heapMB: [], nodes: [] };
}

async function look(walls: readonly Wall[]): Promise<void> {
  const beganMs = Date.now();
  for (const share of MARKS) {
    await pause(Math.max(0, beganMs + share * MINUTES * 60_000 - Date.now()));
    for (const wall of walls) {
      wall.frames.push(...((await wall.reader.page.evaluate('framesPerSecond.splice(0)')) as number[]));
      await wall.line.send('HeapProfiler.collectGarbage');
      const { usedSize } = await wall.line.send('Runtime.getHeapUsage');
      wall.heapMB.push(usedSize / 1e6);
      wall.nodes.push((await wall.line.send('Memory.getDOMCounters')).nodes);
      console.error(
        `${(share * MINUTES).toFixed(1)} min, ${wall.name}: ${(usedSize / 1e6).toFixed(2)} MB, ${wall.nodes.at(-1)} nodes`,
      );
    }
  }
}

/** What was published last has come all the way: the figures are of pages that were live to the end. */
async function showsTheLast(page: Page, { ph }: { ph: number }): Promise<void> {
  await page.locator('.latest-sheet').getByText(String(ph), { exact: true }).waitFor();
}

function figuresOf({ name, frames, heapMB, nodes }: Wall): Figure[] {
  const at = (share: number) => `${name}, ${Number((share * MINUTES).toFixed(2))} min`;
  return [
    atLeast(30, `${name}, frames, median`, median(frames), 'frames/s'),
    atLeast(30, `${name}, frames, 1st percentile`, quantile(frames, 0.01), 'frames/s'),
    ...MARKS.map((share, index) => figure(`heap of ${at(share)}`, heapMB[index]!, 'MB')),
    ...MARKS.map((share, index) => figure(`nodes of ${at(share)}`, nodes[index]!, 'nodes')),
    atMost(1.1, `heap of ${name}, last by first`, heapMB.at(-1)! / heapMB[0]!, ''),
  ];
}
