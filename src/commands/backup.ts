/** `npm run backup -- DIR`: a consistent copy of the data directory, also while the service runs. */
import { resolve } from 'node:path';
import { backUp } from '#installation/backup.ts';
import { readConfig } from '#setting/config.ts';
import { systemClock } from '#src/clock.ts';
import { readCall, runCommand, say } from './command.ts';

await runCommand(async () => {
  const { positionals } = readCall('npm run backup -- DIR', [1, 1], {});
  const { config } = readConfig();
  const target = resolve(positionals[0]!);
  const readingsIn = config.influx ? 'influxdb' : 'sqlite';
  const { files, headSeq } = await backUp(config.dataDir, target, systemClock, readingsIn);
  const bytes = files.reduce((total, file) => total + file.bytes, 0);
  say(`${target}: ${files.length} files, ${bytes} bytes, through entry ${headSeq} of the journal`);
  if (config.influx) say('readings are in InfluxDB: back it up now, after this');
});
