/**
 * Which installation a database file belongs to, and to which of its generations: a restored backup begins a new one, since
 * from there on the same seq stands for something else. Files that must fit each other are compared by it at start
 * (fit-files.ts). A bucket of InfluxDB carries none.
 */
import type { Database } from '#src/sqlite.ts';

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
