/**
 * Which installation a database file belongs to, and to which of its generations: a restored backup begins a new one, since
 * from there on the same seq stands for something else. Files that must fit each other are compared by it at start
 * (fit-files.ts). A bucket of InfluxDB carries it as a point (readings/influx/mark.ts).
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openReadOnly } from '#src/sqlite.ts';

export interface Installation {
  /** A random UUID, made with the installation. */
  id: string;
  /** From 1. */
  generation: number;
}

/** One row, or none in a file of an earlier version that has not been compared yet. */
export const installationDdl = `
  CREATE TABLE installation (id TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;
`;

export function readInstallation(database: Database): Installation | null {
  const row = database.prepare('SELECT id, generation FROM installation').get();
  return row ? { id: row.id as string, generation: row.generation as number } : null;
}

/** In the caller's transaction, or as one of its own. */
export function stampInstallation(database: Database, { id, generation }: Installation): void {
  database.exec('DELETE FROM installation');
  database.prepare('INSERT INTO installation (id, generation) VALUES (?, ?)').run(id, generation);
}

/**
 * Whose directory it is, before anything in it is opened for good. Null: it holds no database yet; undefined: they don't say
 * (of an earlier version, or damaged: whoever opens them says so).
 */
export function installationIn(path: string): Installation | null | undefined {
  const databases = ['journal.db', 'derived.db'].map((name) => join(path, name));
  const present = databases.filter((file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  if (present.length === 0) return null;
  for (const file of present) {
    try {
      const database = openReadOnly(file);
      try {
        const installation = readInstallation(database);
        if (installation) return installation;
      } finally {
        database.close();
      }
    } catch {
      // The next one may say.
    }
  }
  return undefined;
}
