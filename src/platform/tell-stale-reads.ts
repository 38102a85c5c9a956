/** Tells the platform of threads that read from an old state: what each does about it is its own affair. */
import { basename } from 'node:path';
import { phrase, told } from '#model/alarms/phrases.ts';
import type { StaleFile } from '#process/stale-reads.ts';
import type { Clock } from '#src/clock.ts';
import type { PlatformWatch } from './watch.ts';

interface Parts {
  platform: Pick<PlatformWatch, 'event'>;
  clock: Clock;
  log: { error(fields: object, message: string): void };
}

export function createStaleTelling({ platform, clock, log }: Parts): (thread: string, files: StaleFile[]) => void {
  return (thread, files) => {
    for (const { path, ageMs } of files) {
      const seen = phrase('read.stale', { thread, file: basename(path), seconds: (ageMs / 1000).toFixed(1) });
      log.error({ event: 'reads.stale', thread, path, ageMs }, 'a read was left open; the file is opened anew');
      platform.event('reads.stale', clock.nowMs() - ageMs, told(seen));
    }
  };
}
