/** `npm run verify`: an installation that is sound is told so, and what flipped at rest is found, in each kind of row and file. */
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBookState } from '#books/clock.ts';
import { createDayBooks } from '#books/hours/days.ts';
import { openHourRecords } from '#books/hours/records.ts';
import { openVolumeRows } from '#books/water/rows.ts';
import { backUp } from '#installation/backup.ts';
import { openDerived } from '#installation/derived.ts';
import { fitFiles } from '#installation/fit-files.ts';
import { restore } from '#installation/restore.ts';
import { type VerifyFault, verifyInstallation } from '#installation/verify.ts';
import { VERIFY_CODES } from '#installation/verify-codes.ts';
import { appendBreak, readHead } from '#journal/batches.ts';
import { convertEntries } from '#journal/convert.ts';
import { readInstallation } from '#journal/installation.ts';
import { openJournalReader } from '#journal/reader.ts';
import { journalMigrations } from '#journal/tables.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { openDatabase, transaction } from '#src/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';
import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';
import { leaveAsOlder } from '#tests/helpers/journal/older.ts';
import { readDocument } from '#tests/helpers/repository/documents.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

async function verify(directory: string) {
  const faults: VerifyFault[] = [];
  const { faults: count, seen } = await verifyInstallation({
    directory,
    readingsIn: 'sqlite',
    tell: (fault) => void faults.push(fault),
  });
  return { faults, codes: [...new Set(faults.map(({ code }) => code))], count, seen };
}

/** 300 messages, followed and booked; closed as a service leaves it. */
async function installation(): Promise<string> {
  const { path, clock, open } = journalFixture();
  const dataDir = dirname(path);
  await fitFiles({ dataDir, readingsIn: 'sqlite', nowMs: NOON_MS });
  const journal = open();
  const { id } = journal.seriesFor('taocha', 'ph').series;
  for (let n = 0; n < 300; n++) {
    clock.advance(MINUTE);
    const readings = [reading({ series: id, timeMs: NOON_MS + n * 10 * MINUTE, value: 7 + n / 1000, deviceFlag: 'N' })];
    await journal.appendMessage(message({ source: 'gw', readings }));
  }
  await journal.close();
  const derived = openDerived(join(dataDir, 'derived.db'));
  const store = new SqliteReadings(join(dataDir, 'readings.db'));
  const reader = openJournalReader(path);
  const follower = createReadingsFollower({ derived, store, reader, onReflagged: () => {} });
  await follower.apply(reader.read(0, 1000));
  const seq = follower.cursor();
  const records = openHourRecords(derived);
  const days = createDayBooks(derived, openBookState(derived), 'Asia/Shanghai');
  while (days.step());
  const hoursMs = Array.from({ length: 50 }, (_, n) => NOON_MS + n * HOUR);
  transaction(derived, () => {
    for (const [n, hourMs] of hoursMs.entries()) {
      const statistics = { count: 6, valid: 6, sum: 42 + n / 7, min: 7, max: 7.5 };
      records.keep({ series: id, hourMs, isMarked: true, readings: 6, statistics, reflagged: [] }, seq, NOON_MS);
    }
    days.fold(id, hoursMs);
    openVolumeRows(derived).replaceHours(
      'm',
      hoursMs[0]!,
      hoursMs.at(-1)! + HOUR,
      hoursMs.map((hourMs, n) => ({ hourMs, measuredLitres: 3_600_000 + n, estimatedLitres: n % 3, knownMs: HOUR })),
    );
    for (const name of ['books', 'alerts'])
      derived.prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?)').run(name, seq);
  });
  await store.close();
  derived.close();
  reader.close();
  return dataDir;
}

function change(directory: string, name: string, sql: string): void {
  const database = new DatabaseSync(join(directory, name));
  database.exec(sql);
  database.close();
}

function copyOf(directory: string): string {
  const copy = join(tempDir(), 'copy');
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** One bit of a field of the journal's batch that begins with this entry. */
function flip(directory: string, firstSeq: number, column: string, bit: number): void {
  const database = new DatabaseSync(join(directory, 'journal.db'));
  const cell = database.prepare(`SELECT ${column} AS cell FROM batch WHERE firstSeq = ?`).get(firstSeq)!.cell;
  let flipped = cell;
  if (typeof cell === 'number') flipped = Number(BigInt(cell) ^ (1n << BigInt(bit)));
  else (flipped as Uint8Array)[bit]! ^= 1 << (bit % 8);
  database.prepare(`UPDATE batch SET ${column} = ? WHERE firstSeq = ?`).run(flipped!, firstSeq);
  database.close();
}

/** A repair that goes on above entries which are lost. */
function lose(directory: string, entries: number): void {
  const journal = openDatabase(join(directory, 'journal.db'), journalMigrations);
  const head = readHead(journal);
  const lost = { condition: 'journal.lost', atMs: NOON_MS, toMs: head.receivedMs, detail: 'gone' } as const;
  const seqs = { firstSeq: head.seq + 1, lastSeq: head.seq + entries };
  appendBreak(journal, readInstallation(journal)!, head, { ...lost, ...seqs });
  journal.close();
}

describe('npm run verify', () => {
  it('finds nothing in an installation, a backup of it and what was restored, and says what it looked at', async () => {
    const directory = await installation();
    const found = await verify(directory);
    expect(found.faults).toEqual([]);
    expect(found.seen).toMatchObject({ readings: 300, hourStat: 50, volumeHour: 50, volumeDay: 3 });
    expect(found.seen).toMatchObject({ 'readings without a checksum': 0, 'hourStat without a checksum': 0 });
    const backup = join(tempDir(), 'backup');
    const clock = handClock(NOON_MS);
    await backUp(directory, backup, clock);
    expect((await verify(backup)).faults).toEqual([]);
    const restored = join(tempDir(), 'restored');
    await restore({ backup, dataDir: restored, force: false, clock });
    expect((await verify(restored)).faults).toEqual([]);

    const bytes = readFileSync(join(backup, 'admin.token'), { flag: 'a+' });
    expect(bytes).toHaveLength(0);
    const journal = readFileSync(join(backup, 'journal.db'));
    journal[journal.length - 5]! ^= 1;
    writeFileSync(join(backup, 'journal.db'), journal);
    expect((await verify(backup)).codes).toContain('file.damaged');
  });

  it('names what flipped, row by row', async () => {
    const directory = await installation();
    const cases: [file: string, sql: string, code: string, word: string][] = [
      ['readings.db', 'UPDATE reading SET value = 7.0001 WHERE seq = 5', 'reading.damaged', 'of entry 5'],
      ['readings.db', 'UPDATE reading SET flag = 4611686018427387904 WHERE seq = 6', 'reading.damaged', 'of entry 6'],
      ['derived.db', 'UPDATE hourStat SET sum = sum + 1 WHERE hourMs % 7 = 0', 'books.damaged', 'hourStat of series 1'],
      ['derived.db', 'UPDATE dayStat SET count = 4611686018427387904', 'books.damaged', 'dayStat of series 1'],
      ['derived.db', 'UPDATE volumeHour SET knownMs = knownMs + 1', 'books.damaged', 'volumeHour of m'],
      ['derived.db', 'UPDATE volumeDay SET measuredLitres = 4', 'books.damaged', 'volumeDay of m'],
      ['derived.db', `DELETE FROM volumeHour WHERE hourMs = ${NOON_MS + 30 * HOUR}`, 'books.unequal', 'volumes of m'],
      ['derived.db', 'UPDATE source SET stored = stored + 64', 'ledger.unequal', 'gw: received 300, stored 364'],
      ['derived.db', 'UPDATE source SET stored = stored - 1', 'ledger.unequal', 'entries of it have stored 300'],
      ['derived.db', 'UPDATE installation SET generation = 2', 'store.mismatch', 'another installation or generation'],
      ['derived.db', 'UPDATE storeMark SET commits = commits + 1', 'files.lost', 'lost final flags'],
      ['derived.db', 'PRAGMA user_version = 99', 'file.version', 'a newer version'],
      ['readings.db', 'PRAGMA user_version = 1', 'file.version', 'an earlier version'],
    ];
    for (const [file, sql, code, word] of cases) {
      const copy = copyOf(directory);
      change(copy, file, sql);
      const { faults } = await verify(copy);
      expect(
        faults
          .filter((fault) => fault.code === code)
          .map((fault) => fault.message)
          .join('\n'),
        sql,
      ).toContain(word);
    }
    rmSync(join(directory, 'readings.db'));
    expect((await verify(directory)).codes).toEqual(['file.missing']);
  });

  it('tells what is wrong with the journal, batch by batch', async () => {
    const directory = await installation();
    const broken = copyOf(directory);
    lose(broken, 40);
    expect(await verify(broken)).toMatchObject({
      faults: [],
      seen: { 'batches of the journal': 301, 'breaks in it': 1 },
    });

    const batch = 'batch 12 to 12';
    const [hash, chain] = [`journal.hash: ${batch} is not what was written`, `journal.chain: ${batch} doesn't go on`];
    const nextChain = "journal.chain: batch 13 to 13 doesn't go on";
    const cases: [column: string, said: string[]][] = [
      ['body', [hash, 'journal.entry: entries 12 to 12']],
      ['prevHash', [hash, chain]],
      ['hash', [hash, nextChain]],
      ['received', [hash]],
      ['epoch', [hash]],
      ['generation', [hash]],
      ['format', [hash]],
      ['kind', [hash]],
      ['installation', [hash, `journal.installation: ${batch}`]],
      ['lastSeq', ['journal.hash: batch 12 to']],
    ];
    for (const [column, said] of cases) {
      for (const bit of [0, 3, 13]) {
        const copy = copyOf(directory);
        flip(copy, 12, column, bit);
        const { faults } = await verify(copy);
        const lines = faults.map(({ code, message }) => `${code}: ${message}`);
        for (const line of said) expect(lines, `bit ${bit} of ${column}`).toContainEqual(expect.stringContaining(line));
        expect(faults.every(({ code, file }) => code.startsWith('journal.') && file === 'journal.db')).toBe(true);
      }
    }
    const gone = copyOf(directory);
    change(gone, 'journal.db', 'DELETE FROM batch WHERE firstSeq = 12');
    expect((await verify(gone)).faults).toMatchObject([
      { code: 'journal.gap', message: 'entries 12 to 12 are missing, and nothing says that they are lost' },
      { code: 'journal.chain', message: expect.stringContaining('batch 13 to 13') },
    ]);
    const last = copyOf(directory);
    change(last, 'journal.db', 'DELETE FROM batch WHERE firstSeq > 290');
    expect((await verify(last)).faults).toMatchObject([
      { code: 'files.lost', message: expect.stringContaining('journal.db ends at entry 290') },
    ]);
    const turned = copyOf(directory);
    change(turned, 'journal.db', 'UPDATE batch SET received = received - 3600000 WHERE firstSeq = 12');
    expect((await verify(turned)).codes).toEqual(['journal.time', 'journal.hash']);
  });

  it('finds a break that was changed or taken out', async () => {
    const directory = await installation();
    lose(directory, 40);
    const entries = copyOf(directory);
    flip(entries, 301, 'body', 5);
    expect((await verify(entries)).faults).toMatchObject([
      { code: 'journal.hash', message: expect.stringContaining('batch 301 to 340') },
    ]);
    const { clock, open } = journalFixture();
    clock.advance(400 * MINUTE);
    const journal = open({ path: join(directory, 'journal.db'), clock });
    await journal.appendMessage(message({ source: 'gw', readings: [] }));
    await journal.close();
    expect((await verify(directory)).faults).toEqual([]);
    change(directory, 'journal.db', 'DELETE FROM batch WHERE kind = 2');
    expect((await verify(directory)).faults).toMatchObject([
      { code: 'journal.gap', message: expect.stringContaining('entries 301 to 340 are missing') },
      { code: 'journal.chain' },
    ]);
  });

  it('says of an older program’s directory that a start converts it, half-way too, and finds nothing after it', async () => {
    const directory = await installation();
    const path = join(directory, 'journal.db');
    leaveAsOlder(path);
    change(directory, 'journal.db', 'UPDATE entry SET raw = zeroblob(20000)');
    expect((await verify(directory)).codes).toEqual(['file.version']);
    const journal = openDatabase(path, journalMigrations);
    expect(convertEntries(journal).next().value).toBeGreaterThan(100);
    const { n } = journal.prepare('SELECT count(*) AS n FROM entry').get() as { n: number };
    expect(n).toBeGreaterThan(50);
    journal.close();
    expect((await verify(directory)).faults).toMatchObject([
      { code: 'journal.format', message: expect.stringContaining('the first start converts them') },
    ]);
    await fitFiles({ dataDir: directory, readingsIn: 'sqlite', nowMs: NOON_MS });
    expect(await verify(directory)).toMatchObject({ faults: [], seen: { 'batches of the journal': 2 } });
  });

  it('never stumbles over any bit of any file, and finds every one within the numbers of a reading', async () => {
    const directory = await installation();
    const copy = tempDir();
    const files = ['journal.db', 'derived.db', 'readings.db'];
    const bytesOf = new Map(files.map((name) => [name, readFileSync(join(directory, name))]));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.nat(), fc.nat(7), async (name, at, bit) => {
        for (const file of files) copyFileSync(join(directory, file), join(copy, file));
        const bytes = Buffer.from(bytesOf.get(name)!);
        bytes[at % bytes.length]! ^= 1 << bit;
        writeFileSync(join(copy, name), bytes);
        const { count, faults } = await verify(copy);
        expect(count >= faults.length).toBe(true);
      }),
      { numRuns: 60 },
    );
    // The value of every tenth reading, as eight bytes that stand nowhere else.
    const readings = bytesOf.get('readings.db')!;
    for (let n = 1; n < 300; n += 10) {
      const value = Buffer.alloc(8);
      value.writeDoubleBE(7 + n / 1000);
      const bytes = Buffer.from(readings);
      // A page that was split keeps what it held where it holds nothing: there a flip is harmless.
      for (let at = readings.indexOf(value); at >= 0; at = readings.indexOf(value, at + 1))
        bytes[at + (n % 8)]! ^= 1 << (n % 7);
      expect(bytes.equals(readings)).toBe(false);
      for (const file of files) copyFileSync(join(directory, file), join(copy, file));
      writeFileSync(join(copy, 'readings.db'), bytes);
      expect((await verify(copy)).codes).toEqual(['reading.damaged']);
    }
  });

  it('exits with 0 or 1, a line each with its code, and changes nothing', async () => {
    const directory = await installation();
    const before = readFileSync(join(directory, 'readings.db'));
    const sound = await runCommand('verify', [directory]);
    expect(sound).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('sound / 完好; 300 batches of the journal, 50 hourStat'),
    });
    expect(readFileSync(join(directory, 'readings.db')).equals(before)).toBe(true);
    change(directory, 'readings.db', 'UPDATE reading SET value = 1 WHERE seq = 9');
    const { code, stdout } = await runCommand('verify', [directory]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^reading\.damaged: readings\.db: series 1 at 2026-11-22T13:20:00\.000Z, of entry 9 \(.*读数/,
    );
    expect((await runCommand('verify', [join(directory, 'nowhere')])).code).toBe(1);
    expect((await runCommand('verify', [])).code).toBe(2);
  });

  it('has every code in the documentation', () => {
    const text = readDocument('docs/operations.md');
    for (const code of Object.keys(VERIFY_CODES)) expect(text, code).toContain(`| \`${code}\` |`);
  });
});
