/** The real service as a child process with stations and gateways of a benchmark, and what may be seen of it outside. */
import { type ChildProcess, execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openReadOnly } from '#src/sqlite.ts';
import { startTestService, type TestService } from '#tests/helpers/service.ts';
import type { Load, Published } from './load.ts';
import { sectionStation } from './water.ts';

export const GATEWAYS = 10;
export const STATIONS = 50;
const POLL_MS = 50;
/** Followers that stand still for so long have stopped. */
const STILL_MS = 20_000;
const LOG_TAIL = 4000;

const SETTINGS = { WK_SEEDS: 'none' };

/**
 * With `WK_BENCH_PROFILE=DIRECTORY`, each of its threads leaves a CPU profile there (read them by bench/profile.ts).
 * The caller ends it; `withService` does so by itself.
 */
export function startService(options: { dataDir?: string; env?: Record<string, string> } = {}): Promise<TestService> {
  const directory = process.env.WK_BENCH_PROFILE;
  const profiling: Record<string, string> = directory ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${directory}` } : {};
  return startTestService({ ...options, env: { ...SETTINGS, ...profiling, ...options.env } });
}

/** Ends the service and removes its directory, come what may. What it logged last is told when `work` fails. */
export async function withService<T>(
  work: (service: TestService) => Promise<T>,
  env: Record<string, string> = {},
): Promise<T> {
  const service = await startService({ env });
  try {
    return await work(service);
  } catch (error) {
    console.error(service.output().slice(-LOG_TAIL));
    throw error;
  } finally {
    // In order, so that profiles are written.
    await service.end();
    await service.remove();
  }
}

export async function put(service: TestService, path: string, body: unknown): Promise<void> {
  const { status, body: answer } = await service.call('PUT', path, body);
  if (status >= 300) throw new Error(`PUT ${path} gave ${status}: ${JSON.stringify(answer)}`);
}

/** Registers the stations s0 … and b0 …, the gateways and the rule `class-target`; gives the gateways' passwords. */
export async function register(service: TestService, breachStations = 0): Promise<string[]> {
  const owned: string[][] = Array.from({ length: GATEWAYS }, () => []);
  for (const [letter, count] of [
    ['s', STATIONS],
    ['b', breachStations],
  ] as const) {
    for (let index = 0; index < count; index++) {
      await put(service, `/stations/${letter}${index}`, sectionStation('PT1S'));
      owned[index % GATEWAYS]!.push(`${letter}${index}`);
    }
  }
  await put(service, '/rules/class-target', {
    kind: 'class',
    severity: { II: 'minor', III: 'minor', IV: 'major', V: 'critical', worse: 'critical' },
  });
  const passwords: string[] = [];
  for (const [index, stations] of owned.entries()) passwords.push(await service.gateway(`g${index}`, stations));
  return passwords;
}

/** Runs bench/shared/gateways.ts to its end. */
export async function publish(load: Load): Promise<Published> {
  const script = join(import.meta.dirname, 'gateways.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(load)]);
  return JSON.parse(stdout) as Published;
}

/** What the store has passed, read from the files so that asking costs the service nothing. */
export function openProgress(dataDir: string): { now(): { headSeq: number; storedSeq: number }; close(): void } {
  const journal = openReadOnly(join(dataDir, 'journal.db'));
  const derived = openReadOnly(join(dataDir, 'derived.db'));
  const head = journal.prepare('SELECT max(lastSeq) AS seq FROM batch');
  const cursor = derived.prepare("SELECT seq FROM cursor WHERE follower = 'readings'");
  return {
    now() {
      const storedSeq = (cursor.get() as { seq: number } | undefined)?.seq ?? 0;
      return { headSeq: (head.get() as { seq: number | null }).seq ?? 0, storedSeq };
    },
    close() {
      journal.close();
      derived.close();
    },
  };
}

/** When (epoch ms) the `readings` follower, and when every follower, had passed all that the journal holds. */
export async function caughtUp(service: TestService): Promise<{ storedMs: number; allMs: number }> {
  const progress = openProgress(service.dataDir);
  try {
    await advancing('the store', () => progress.now().headSeq - progress.now().storedSeq);
    const storedMs = Date.now();
    await advancing('the followers', async () => Math.max(...(await lags(service))));
    return { storedMs, allMs: Date.now() };
  } finally {
    progress.close();
  }
}

/** Waits until `behind` is 0, as long as it falls. */
async function advancing(what: string, behind: () => number | Promise<number>): Promise<void> {
  let last = { atMs: Date.now(), entries: Number.POSITIVE_INFINITY };
  for (;;) {
    const entries = await behind();
    if (entries <= 0) return;
    if (entries !== last.entries) last = { atMs: Date.now(), entries };
    if (Date.now() - last.atMs > STILL_MS) throw new Error(`${what} stopped ${entries} entries behind`);
    await pause(POLL_MS);
  }
}

/** Entries that each follower is behind, as the service itself says. */
async function lags(service: TestService): Promise<number[]> {
  const { body } = await service.call<string>('GET', '/metrics');
  return [...body.matchAll(/^wellkeeper_follower_lag_entries\{.*\} (\d+)$/gm)].map(([, entries]) => Number(entries));
}

/** The memory that this process has resident now (proc_pid_status(5)), MB of 10^6 bytes. */
export function rssMB({ pid }: ChildProcess): number {
  const [, kiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return (Number(kiB) * 1024) / 1e6;
}

/** The most that it ever had. */
export function peakRssMB({ pid }: ChildProcess): number {
  const [, kiB] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return (Number(kiB) * 1024) / 1e6;
}

/** Seconds of a core that this process has used (proc_pid_stat(5): utime and stime, in clock ticks of 10 ms). */
export function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
