/**
 * The entry point: reads the configuration, runs the service, ends it on SIGTERM or SIGINT. The only file that exits.
 * How the parts hang together is in service.ts.
 */
import { ConfigError, readConfig } from './config.ts';
import { createLog } from './log.ts';
import { startService } from './service.ts';

/** sysexits.h EX_CONFIG: what a supervisor should not try again. */
const EXIT_CONFIG = 78;
/** Contracts §1: exit 0 within 10 s of SIGTERM, whatever hangs. */
const CLOSE_MAX_MS = 8000;

function configured() {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CONFIG);
  }
}

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

const service = startService(config, log);
let isEnding = false;
function end(signal: string): void {
  if (isEnding) return;
  isEnding = true;
  log.info({ event: 'service.stopping', signal }, 'stopping');
  setTimeout(() => {
    log.warn({ event: 'service.stop-forced' }, 'parts that did not stop in time were left');
    process.exit(0);
  }, CLOSE_MAX_MS).unref();
  service
    .then(({ close }) => close())
    .catch((error: unknown) => log.error({ event: 'service.stop-failed', err: error }, 'stopping failed'))
    .finally(() => process.exit(0));
}
process.on('SIGTERM', () => end('SIGTERM'));
process.on('SIGINT', () => end('SIGINT'));

try {
  await service;
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  log.fatal({ event: 'service.start-failed', code, err: error }, message);
  process.stderr.write(`Wellkeeper can't start: ${message}\n`);
  if (!isEnding) process.exit(code === 'seed.invalid' || code === 'config.invalid' ? EXIT_CONFIG : 1);
}
