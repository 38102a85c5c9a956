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
import { openJournalReader } from '#journal/reader.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { transaction } from '#src/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { readDocument } from '#tests/helpers/documents.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';
import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal-fixture.ts';
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
      [
        'journal.db',
        'UPDATE batch SET body = zeroblob(length(body)) WHERE firstSeq = 12',
        'journal.damaged',
        'entry 12',
      ],
      ['journal.db', 'UPDATE batch SET received = 1 WHERE firstSeq = 12', 'journal.damaged', 'entry 12'],
      ['derived.db', 'PRAGMA user_version = 99', 'file.version', 'a newer version'],
      ['readings.db', 'PRAGMA user_version = 1', 'file.version', 'an earlier version'],
    ];
    for (const [file, sql, code, word] of cases) {
      const copy = join(tempDir(), 'copy');
      cpSync(directory, copy, { recursive: true });
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
    expect(sound).toMatchObject({ code: 0, stdout: expect.stringContaining('sound / 完好; 50 hourStat') });
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
