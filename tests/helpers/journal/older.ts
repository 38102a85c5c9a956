/** A journal.db as the program before the batches of docs/decisions/0023 would have left it. */
import { openBatchReader } from '#journal/batch-reader.ts';
import { decodeEntry } from '#journal/entry-codec.ts';
import { entryRowAt, payloadAt } from '#journal/format.ts';
import { journalMigrations } from '#journal/tables.ts';
import { openDatabase, transaction } from '#src/sqlite.ts';
import { oldMessage } from './old-message.ts';

export function leaveAsOlder(path: string): void {
  const journal = openDatabase(path, journalMigrations);
  transaction(journal, () => {
    journal.exec(`CREATE TABLE entry (seq INTEGER PRIMARY KEY, receivedMs INTEGER NOT NULL, endBytes INTEGER NOT NULL,
      kind TEXT NOT NULL, source TEXT, body TEXT, raw BLOB) STRICT`);
    const insert = journal.prepare('INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)');
    openBatchReader(journal, () => {}).after(0, ({ body, places }) => {
      for (const place of places) {
        const row = entryRowAt(body, place);
        const entry = decodeEntry(row);
        const text = entry.kind === 'message' ? oldMessage(entry.gatewaySeq, entry.readings) : row.body;
        const { seq, receivedMs, source } = row;
        insert.run(seq, receivedMs, seq * 700, entry.kind, source, text, payloadAt(body, place) ?? null);
      }
      return true;
    });
    for (const name of ['quarantineSource', 'quarantineCode', 'quarantineTime', 'commandDismissal']) {
      journal.exec(`DROP INDEX ${name}`);
    }
    journal.exec('DROP TABLE batch; DROP TABLE pruned; DROP TABLE qcResult; PRAGMA user_version = 5');
  });
  journal.close();
}
