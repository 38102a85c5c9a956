/**
 * `npm run verify -- DIR`: looks an installation, with the service stopped, or a backup through and changes nothing. 0: sound,
 * 1: something is wrong, told a line each with a stable code.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MANIFEST, readManifest } from '#installation/backup-manifest.ts';
import { verifyInstallation } from '#installation/verify.ts';
import { VERIFY_CODES } from '#installation/verify-codes.ts';
import { lockDataDir } from '#journal/data-lock.ts';
import { StoreError } from '#src/sqlite.ts';
import { readCall, runCommand, say } from './command.ts';

await runCommand(async () => {
  const options = { influxdb: { type: 'boolean', default: false } } as const;
  const { positionals, values } = readCall('npm run verify -- DIR [--influxdb]', [1, 1], options);
  const directory = resolve(positionals[0]!);
  if (!existsSync(directory)) throw new StoreError('not-found', `${directory} isn't there`, false);
  const readingsIn = existsSync(join(directory, MANIFEST))
    ? readManifest(directory).readingsIn
    : values.influxdb
      ? 'influxdb'
      : 'sqlite';
  // A backup has no lock, and nobody writes it.
  const lock = existsSync(join(directory, 'lock.db')) ? lockDataDir(join(directory, 'journal.db')) : null;
  try {
    const { faults, seen } = await verifyInstallation({
      directory,
      readingsIn,
      tell({ code, file, message }) {
        const { zh, en } = VERIFY_CODES[code];
        say(`${code}: ${file}: ${message} (${en} / ${zh})`);
      },
    });
    const looked = Object.entries(seen).flatMap(([what, n]) => (n > 0 ? `${n} ${what}` : []));
    say(`${directory}: ${faults === 0 ? 'sound / 完好' : `${faults} faults / 处问题`}; ${looked.join(', ')}`);
    if (faults > 0) process.exitCode = 1;
  } finally {
    lock?.close();
  }
});
