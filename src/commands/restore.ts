/** `npm run restore -- DIR [--force]`: puts a backup in the place of the data directory. The service must not run. */
import { resolve } from 'node:path';
import { restore } from '#installation/restore.ts';
import { readConfig } from '#setting/config.ts';
import { systemClock } from '#src/clock.ts';
import { readCall, runCommand, say } from './command.ts';

await runCommand(async () => {
  const options = { force: { type: 'boolean', default: false } } as const;
  const { positionals, values } = readCall('npm run restore -- DIR [--force]', [1, 1], options);
  const { dataDir, influx } = readConfig().config;
  const backup = resolve(positionals[0]!);
  const readingsIn = influx ? 'influxdb' : 'sqlite';
  const call = { backup, dataDir, force: values.force, clock: systemClock, readingsIn } as const;
  const { manifest, replacedInto } = await restore(call);
  say(`${dataDir}: restored from ${backup}, made at ${manifest.createdAt}, through entry ${manifest.headSeq}`);
  if (replacedInto) say(`what was there before is in ${replacedInto}`);
  if (influx) say('then npm run rebuild: InfluxDB may hold other readings than the books of this backup know');
});
