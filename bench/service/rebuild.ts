/**
 * `npm run rebuild` over a million readings of four days: what the command takes, and what the service then takes until every
 * hour stands in the books again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { booksClosed } from '#bench/shared/books-closed.ts';
import { atMost, type Figure, figure, inDirectory } from '#bench/shared/figure.ts';
import { caughtUp, peakRssMB, publish, register, STATIONS, startService } from '#bench/shared/running-service.ts';
import { PARAMETERS } from '#bench/shared/water.ts';
import { DAY_MS } from '#model/calendar.ts';

const STEP_MS = 300_000;
const DAYS = 4;
const MESSAGES = (STATIONS * DAYS * DAY_MS) / STEP_MS;
const WINDOW = 50;
const POLL_MS = 10;
const ROOT = join(import.meta.dirname, '../..');

export async function run(): Promise<Figure[]> {
  return inDirectory(async (dataDir) => {
    const newestMs = Date.now();
    await fill(dataDir, newestMs);
    const command = await rebuild(dataDir);
    const beganMs = performance.now();
    const service = await startService({ dataDir });
    try {
      await booksClosed(dataDir, newestMs);
      return [
        figure('readings', MESSAGES * PARAMETERS.length, 'readings'),
        figure('the command', command.seconds, 's'),
        atMost(180, 'the command: most memory', command.mostMB, 'MB'),
        figure('start until the books are whole', (performance.now() - beganMs) / 1000, 's'),
        atMost(180, 'most memory meanwhile', peakRssMB(service.child), 'MB'),
      ];
    } finally {
      await service.end();
    }
  });
}

async function fill(dataDir: string, newestMs: number): Promise<void> {
  const service = await startService({ dataDir });
  try {
    await publish({
      port: service.mqttPort,
      passwords: await register(service),
      stations: STATIONS,
      messages: MESSAGES,
      window: WINDOW,
      pace: { startMs: newestMs - DAYS * DAY_MS, stepMs: STEP_MS },
    });
    await caughtUp(service);
    await booksClosed(dataDir, newestMs);
  } finally {
    await service.end();
  }
}

async function rebuild(dataDir: string): Promise<{ seconds: number; mostMB: number }> {
  const beganMs = performance.now();
  const child = spawn(process.execPath, [join(ROOT, 'src/commands/rebuild.ts')], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, WK_DATA_DIR: dataDir, WK_SEEDS: 'none' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  let mostMB = 0;
  while (child.exitCode === null && child.signalCode === null) {
    try {
      mostMB = Math.max(mostMB, peakRssMB(child));
    } catch {
      // It has just ended.
    }
    await pause(POLL_MS);
  }
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`rebuild ended with ${code}`);
  return { seconds: (performance.now() - beganMs) / 1000, mostMB };
}
