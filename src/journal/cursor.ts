/** How far each follower has come, kept in derived.db beside what it derives, and the entries that it had to leave out. */
import type { Database, Statement } from '#src/sqlite.ts';

export const cursorDdl = `
  CREATE TABLE cursor (follower TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE parked (follower TEXT NOT NULL, seq INTEGER NOT NULL, atMs INTEGER NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (follower, seq)) STRICT, WITHOUT ROWID;
`;

/** The persisted cursor of one follower; `save` belongs inside the transaction whose effects it covers. */
export class Cursor {
  #seq: number;
  readonly #name: string;
  readonly #upsert: Statement;
  constructor(database: Database, name: string) {
    this.#name = name;
    const row = database.prepare('SELECT seq FROM cursor WHERE follower = ?').get(name) as { seq: number } | undefined;
    this.#seq = row?.seq ?? 0;
    this.#upsert = database.prepare(
      'INSERT INTO cursor (follower, seq) VALUES (?, ?) ON CONFLICT (follower) DO UPDATE SET seq = excluded.seq',
    );
  }
  get seq(): number {
    return this.#seq;
  }
  /** Writes the cursor in the open transaction; call `moved` after its commit. */
  save(seq: number): void {
    this.#upsert.run(this.#name, seq);
  }
  moved(seq: number): void {
    this.#seq = seq;
  }
}
