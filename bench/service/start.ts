/**
 * From spawning the service to /readyz, with a million readings in its journal: passed by every follower, and passed by
 * none, as after a long outage of the store. And what it takes to work through such a backlog.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { atMost, type Figure, figure, inDirectory, median } from '#bench/shared/figure.ts';
import { caughtUp, peakRssMB, publish, register, STATIONS, startService } from '#bench/shared/running-service.ts';
import { PARAMETERS } from '#bench/shared/water.ts';
import type { TestService } from '#tests/helpers/service.ts';

const READINGS = 1_000_000;
const WINDOW = 50;
const STEP_MS = 1000;
const STARTS = 5;
/** What the followers made of the journal; without it they begin anew. */
const DERIVED = ['derived.db', 'derived.db-wal', 'derived.db-shm', 'readings.db', 'readings.db-wal', 'readings.db-shm'];
/** A killed service leaves these, and whoever waits for the next one would believe them. */
const PORTS = ['http.port', 'mqtt.port'];

export async function run(): Promise<Figure[]> {
  return inDirectory(async (dataDir) => {
    await fill(dataDir);
    const passed: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      await started(dataDir, async (service, readyMs) => {
        passed.push(readyMs);
        await service.end();
      });
    }
    const unpassed: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      remove(dataDir, DERIVED);
      await started(dataDir, async (_, readyMs) => {
        unpassed.push(readyMs);
      });
    }
    remove(dataDir, DERIVED);
    const [mostMB, perSecond] = await started(dataDir, async (service) => {
      const beganMs = Date.now();
      const { storedMs } = await caughtUp(service);
      return [peakRssMB(service.child), READINGS / ((storedMs - beganMs) / 1000)] as const;
    });
    return [
      atMost(2000, 'start to ready, a million readings passed', median(passed), 'ms'),
      atMost(2000, 'start to ready, a million readings not passed', median(unpassed), 'ms'),
      figure('a million readings worked off', perSecond, 'readings/s'),
      atMost(300, 'most memory meanwhile', mostMB, 'MB'),
    ];
  });
}

/** Starts the service, and ends it by force when `work` hasn't; the directory stays. */
async function started<T>(dataDir: string, work: (service: TestService, readyMs: number) => Promise<T>): Promise<T> {
  remove(dataDir, PORTS);
  const beganMs = performance.now();
  const service = await startService({ dataDir });
  try {
    return await work(service, performance.now() - beganMs);
  } finally {
    await service.end('SIGKILL');
  }
}

/** The real way in: published, acknowledged, passed by every follower, ended in order. */
async function fill(dataDir: string): Promise<void> {
  await started(dataDir, async (service) => {
    const messages = READINGS / PARAMETERS.length;
    await publish({
      port: service.mqttPort,
      passwords: await register(service),
      stations: STATIONS,
      messages,
      window: WINDOW,
      pace: { startMs: Date.now() - (messages / STATIONS) * STEP_MS, stepMs: STEP_MS },
    });
    await caughtUp(service);
    await service.end();
  });
}

function remove(dataDir: string, names: readonly string[]): void {
  for (const name of names) rmSync(join(dataDir, name), { force: true });
}
