/** `npm run rebuild`: has the next start compute every book anew. The service must not run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rebuildBooks } from '#installation/rebuild.ts';
import { installationIn } from '#journal/installation.ts';
import { openReadingStore } from '#readings/open-store.ts';
import type { SeriesName } from '#readings/store.ts';
import { readConfig } from '#setting/config.ts';
import { StoreError } from '#src/sqlite.ts';
import { readCall, runCommand, say } from './command.ts';

await runCommand(async () => {
  readCall('npm run rebuild', [0, 0], {});
  const { config } = readConfig();
  const { dataDir, influx } = config;
  const files = ['journal.db', 'derived.db', ...(influx ? [] : ['readings.db'])];
  const missing = files.find((name) => !existsSync(join(dataDir, name)));
  if (missing)
    throw new StoreError('not-found', `${join(dataDir, missing)} isn't there: nothing to rebuild from`, false);
  const owner = installationIn(dataDir);
  const openStore = (name: SeriesName) => openReadingStore(config, name, { readOnly: true, owner });
  const bucket = influx?.bucket ?? null;
  const { hours, meters, readings, isBucketBehind } = await rebuildBooks(dataDir, openStore, bucket);
  say(`${dataDir}: ${hours} hours and ${meters} meters will be computed anew when the service starts`);
  if (isBucketBehind)
    say(`${dataDir}: the bucket ${bucket} has lost readings; what the journal has is written again then`);
  if (!readings || readings.damaged === 0) return;
  const { damaged, fromSeq, gone } = readings;
  const again = fromSeq === null ? '' : `; what the journal has is written again, from entry ${fromSeq} on`;
  const rest =
    gone === 0 ? '' : `; ${gone} of them are older than the journal: import them, until then they are missing`;
  say(`${dataDir}: ${damaged} damaged readings${again}${rest}`);
});
