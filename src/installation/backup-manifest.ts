/** What a backup consists of, and the list of it (`backup.json`) that says whether a copy is whole. */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { journalMigrations } from '#journal/tables.ts';
import { readingsMigrations } from '#readings/sqlite-store.ts';
import { StoreError } from '#src/sqlite.ts';
import { derivedMigrations } from './derived.ts';

/** The databases with the migrations that this program knows; a file's version is how many it has had. */
export const DATABASES = [
  { name: 'journal.db', migrations: journalMigrations },
  { name: 'derived.db', migrations: derivedMigrations },
  { name: 'readings.db', migrations: readingsMigrations },
] as const;
/** Where the readings rest: what InfluxDB holds is backed up by its own means, and no `readings.db` is needed. */
export type ReadingsIn = 'sqlite' | 'influxdb';

/** Whether an installation, or a backup of it, is whole without this database. */
export function mayLack(name: string, readingsIn: ReadingsIn): boolean {
  return name === 'readings.db' && readingsIn === 'influxdb';
}

/** Secrets that the installation made for itself; without a setting of their own they must survive. */
export const SECRETS = ['admin.token', 'installation.key'] as const;
export const MANIFEST = 'backup.json';

const manifest = z.strictObject({
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  readingsIn: z.enum(['sqlite', 'influxdb']).default('sqlite'),
  /** Which installation it is of, and which of its generations; missing in backups of earlier versions. */
  installation: z.strictObject({ id: z.string(), generation: z.number().int().positive() }).optional(),
  /** Newest entry in the journal. */
  headSeq: z.number().int().nonnegative(),
  /** How far each follower has come. */
  cursors: z.record(z.string(), z.number().int().nonnegative()),
  files: z.array(
    z.strictObject({
      name: z.enum([...DATABASES.map(({ name }) => name), ...SECRETS]),
      bytes: z.number().int().nonnegative(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});
export type BackupManifest = z.infer<typeof manifest>;
export type BackupFile = BackupManifest['files'][number];

/** @throws StoreError `not-found` when there is no backup, `store.corrupt` when its list can't be read. */
export function readManifest(directory: string): BackupManifest {
  const path = join(directory, MANIFEST);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StoreError('not-found', `${directory} holds no backup: there is no ${MANIFEST}`, false, { cause });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new StoreError('store.corrupt', `${path} is no JSON`, false, { cause });
  }
  const result = manifest.safeParse(content);
  if (!result.success) throw new StoreError('store.corrupt', `${path}: ${z.prettifyError(result.error)}`, false);
  const { files, readingsIn } = result.data;
  const isListed = (name: string) => files.some((file) => file.name === name);
  const missing = DATABASES.find(({ name }) => !isListed(name) && !mayLack(name, readingsIn));
  if (missing) throw new StoreError('store.corrupt', `${path} doesn't list ${missing.name}`, false);
  return result.data;
}

export async function describeFile(directory: string, name: BackupFile['name']): Promise<BackupFile> {
  const path = join(directory, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { name, bytes: statSync(path).size, sha256: hash.digest('hex') };
}
