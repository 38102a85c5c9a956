/**
 * The entry point: reads the configuration, runs the service, ends it on SIGTERM or SIGINT. The only file that exits.
 * How the parts hang together is in service.ts.
 */
import { mkdirSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Service } from './service.ts';

/** sysexits.h EX_CONFIG: what a supervisor should not try again. */
const EXIT_CONFIG = 78;
/** Contracts §1: exit 0 within 10 s of SIGTERM, whatever hangs. */
const CLOSE_MAX_MS = 8000;

/** Null until there is something to close. */
let starting: Promise<Service> | null = null;
let isEnding = false;
const stopping = new AbortController();

process.on('SIGTERM', end);
process.on('SIGINT', end);
// Only now the rest is loaded: that takes a second or two, in which a signal is obeyed like at any other time.
const { ConfigError, readConfig } = await import('#setting/config.ts');
const { createLog } = await import('#setting/log.ts');

const { config, warnings } = configured();
const log = createLog(config.logLevel, 'main');
for (const warning of warnings) log.warn({ event: 'config.unknown' }, warning);

process.on('uncaughtException', (error) => {
  log.fatal(
    { event: 'service.crashed', err: error },
    'a fault of ours: the process ends, nothing acknowledged is lost',
  );
  process.exit(1);
});

// Garbage is collected before the heaps of three threads have grown far (docs/decisions/0009).
setFlagsFromString('--heap-growing-percent=30');
// What was stripped of its types and compiled once isn't again, here and in the worker threads.
mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
enableCompileCache(join(config.dataDir, 'compile-cache'));
process.env.NODE_COMPILE_CACHE = getCompileCacheDir();

const { startService } = await import('./service.ts');
starting = startService(config, log, stopping.signal);
try {
  await starting;
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  // Told to stop while it started: that is no failure, and `end` sees to the exit.
  if (!isEnding) log.fatal({ event: 'service.start-failed', code, err: error }, message);
  if (!isEnding) process.stderr.write(`Wellkeeper can't start: ${message}\n`);
  if (!isEnding) process.exit(code === 'seed.invalid' || code === 'config.invalid' ? EXIT_CONFIG : 1);
}

function configured() {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

function end(signal: string): void {
  if (isEnding) return;
  isEnding = true;
  if (!starting) process.exit(0);
  stopping.abort();
  log.info({ event: 'service.stopping', signal }, 'stopping');
  setTimeout(() => {
    log.warn({ event: 'service.stop-forced' }, 'parts that did not stop in time were left');
    process.exit(0);
  }, CLOSE_MAX_MS).unref();
  starting
    .then(({ close }) => close())
    .catch(
      (error: unknown) =>
        stopping.signal.reason === error || log.error({ event: 'service.stop-failed', err: error }, 'stopping failed'),
    )
    .finally(() => process.exit(0));
}
