/** When the books and the reading store of a running service are done, read from its files so that asking costs it nothing. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HOUR_MS } from '#model/calendar.ts';
import { openReadOnly } from '#src/sqlite.ts';

/** Hours before this age are closed, whatever the clock's minutes are. */
const CLOSED_MS = 3 * HOUR_MS;
const POLL_MS = 100;

/** The service has computed every hour with its day that was closed at `newestMs`, and the meters' volumes. */
export async function booksClosed(dataDir: string, newestMs: number): Promise<void> {
  const derived = openReadOnly(join(dataDir, 'derived.db'));
  const open = derived.prepare(
    'SELECT (SELECT count(*) FROM dirtyHour WHERE hourMs < ?) + (SELECT count(*) FROM volumeDirty) AS count',
  );
  const passed = derived.prepare("SELECT seq FROM cursor WHERE follower = 'books'");
  while (!passed.get() || (open.get(newestMs - CLOSED_MS) as { count: number }).count > 0) await pause(POLL_MS);
  derived.close();
}

/** What was closed at `newestMs` stands in blocks: nothing is rewritten any more. Only in a store of our own. */
export async function hoursPacked(dataDir: string, newestMs: number): Promise<void> {
  const readings = openReadOnly(join(dataDir, 'readings.db'));
  const row = readings.prepare('SELECT 1 FROM reading WHERE timeMs < ? LIMIT 1');
  while (row.get(newestMs - CLOSED_MS)) await pause(POLL_MS);
  readings.close();
}
