/** The log: pino JSON on stdout, pretty on a terminal. Secrets are cut out wherever they might stand. */
import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

const SECRET_PATHS = [
  'password',
  'token',
  'secret',
  'authorization',
  '*.password',
  '*.token',
  '*.secret',
  'req.headers.authorization',
  'req.headers.cookie',
  'headers.authorization',
  'headers.cookie',
];

/** @param thread Which thread speaks: `main`, `followers` or `queries`. */
export function createLog(level: string, thread: string): Logger {
  const options = {
    level,
    base: { thread },
    redact: { paths: SECRET_PATHS, censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (isatty(1)) return pino(options, pretty({ sync: true, ignore: 'pid,hostname,thread' }));
  return pino(options, pino.destination({ fd: 1, sync: thread !== 'main' }));
}
