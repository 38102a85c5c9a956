/** A journal.db as the program before the batches of docs/decisions/0023 would have left it. */
import { openBatchReader } from '#journal/batch-reader.ts';
import { entryRowAt, payloadAt } from '#journal/format.ts';
import { journalMigrations } from '#journal/tables.ts';
import { openDatabase, transaction } from '#src/sqlite.ts';

export function leaveAsOlder(path: string): void {
  const journal = openDatabase(path, journalMigrations);
  transaction(journal, () => {
    journal.exec(`CREATE TABLE entry (seq INTEGER PRIMARY KEY, receivedMs INTEGER NOT NULL, endBytes INTEGER NOT NULL,
      kind TEXT NOT NULL, source TEXT, body TEXT, raw BLOB) STRICT`);
    const insert = journal.prepare('INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)');
    openBatchReader(journal, () => {}).after(0, ({ body, places }) => {
      for (const place of places) {
        const { seq, receivedMs, kind, source, body: text } = entryRowAt(body, place);
        insert.run(seq, receivedMs, seq * 700, kind, source, text, payloadAt(body, place) ?? null);
      }
      return true;
    });
    journal.exec('DROP TABLE batch; DROP TABLE pruned; PRAGMA user_version = 5');
  });
  journal.close();
}
