/** What a database says, as plain objects that can be compared. */
import type { Database } from '#src/sqlite.ts';

export function rowsOf(database: Database, sql: string, ...values: number[]) {
  return database
    .prepare(sql)
    .all(...values)
    .map((row) => ({ ...row }));
}
