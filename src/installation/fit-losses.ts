/**
 * What the files of one installation say of each other, and what is to be done when it doesn't fit: the rows of the table
 * in docs/decisions/0022. Looking changes nothing. Mending writes the journal first: whatever a crash leaves undone after
 * that is found again at the next start.
 */
import { join } from 'node:path';
import { openBatchReader } from '#journal/batch-reader.ts';
import { appendBreak, OLDEST, readHead } from '#journal/batches.ts';
import { decodeEntry } from '#journal/entry-codec.ts';
import { BATCH_KINDS, entryRowAt, receivedMsAt, seqAt } from '#journal/format.ts';
import { readInstallation } from '#journal/installation.ts';
import { keepLoss, type Loss } from '#journal/losses.ts';
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import { writeAgain } from '#readings/settling/rewriting.ts';
import { checkWhole, type Database, eachRow, transaction } from '#src/sqlite.ts';

/** The open files; `readings` is null when they are in InfluxDB. */
export interface Files {
  journal: Database;
  derived: Database;
  readings: Database | null;
}

/** Values that an entry had stored and that are neither in the journal nor in the store. */
interface Gone {
  seq: number;
  source: number;
  receivedMs: number;
  /** Null for an engineer's correction and for entries of earlier versions: not counted. */
  stored: number | null;
}

export interface Findings {
  /** Where the journal ends; `throughSeq` and `throughMs` = what anybody else has passed, when that is more. */
  head: { seq: number; receivedMs: number; throughSeq: number; throughMs: number };
  oldest: { seq: number; receivedMs: number };
  settledSeq: number;
  /** Values of entries up to this seq are counted (settling/records.ts). */
  countedSeq: number;
  /** How far the followers say that readings are written, how far the store has them, and whether it lost commits. */
  writtenSeq: number;
  heldSeq: number;
  lostCommits: boolean;
  gone: Gone[];
  /** The first entry that derived.db has not seen although the journal, or the store, is beyond it; null = none. */
  derivedBehind: { firstSeq: number; lastSeq: number; isNew: boolean } | null;
  /** What the reading store is called. */
  store: string;
}

type Numbers = Record<string, number | null>;

function numbers(database: Database, sql: string, ...values: number[]): Numbers {
  return (database.prepare(sql).get(...values) ?? {}) as unknown as Numbers;
}

function cursorIn(derived: Database, name: string): number {
  return numbers(derived, `SELECT max(seq) AS seq FROM cursor WHERE follower = '${name}'`).seq ?? 0;
}

/** What a store on a server has lost, which holds what entries up to `heldSeq` have put into it. */
export function findStoreLoss({ journal, derived }: Files, heldSeq: number, store: string): Findings {
  const { seq, receivedMs } = readHead(journal);
  const [settledSeq, writtenSeq] = [cursorIn(derived, 'settled'), cursorIn(derived, 'readings')];
  return {
    head: { seq, receivedMs, throughSeq: seq, throughMs: receivedMs },
    oldest: oldestEntry(journal),
    settledSeq,
    countedSeq: Math.max(writtenSeq, cursorIn(derived, 'counted')),
    writtenSeq,
    heldSeq: Math.min(heldSeq, writtenSeq),
    lostCommits: true,
    gone: goneOf(journal, derived, heldSeq, settledSeq),
    derivedBehind: null,
    store,
  };
}

/**
 * @param storeSeq what a store on a server says that it holds, 0: nothing.
 * @returns null when everything fits.
 */
export function findLosses(files: Files, hadDerived: boolean, storeSeq = 0): Findings | null {
  const { journal, derived, readings } = files;
  const [settledSeq, writtenSeq] = [cursorIn(derived, 'settled'), cursorIn(derived, 'readings')];
  const mark = readings ? markOf(readings, derived, writtenSeq) : null;
  const oldest = oldestEntry(journal);
  const isBehind = mark !== null && mark.seq < storedThrough(derived, writtenSeq);
  const heldSeq = isBehind ? mark.seq : writtenSeq;
  const known = numbers(derived, 'SELECT commits FROM storeMark').commits ?? 0;
  const findings: Findings = {
    head: headOf(files, mark?.seq ?? storeSeq),
    oldest,
    settledSeq,
    countedSeq: Math.max(writtenSeq, cursorIn(derived, 'counted')),
    writtenSeq,
    heldSeq,
    lostCommits: isBehind || (mark !== null && mark.commits < known),
    gone: goneOf(journal, derived, heldSeq, settledSeq),
    derivedBehind: null,
    store: 'readings.db',
  };
  const passedSeq = Math.min(settledSeq, cursorIn(derived, 'books'), cursorIn(derived, 'alerts'));
  const wentBack = mark !== null && mark.seq > settledSeq;
  if (passedSeq + 1 < oldest.seq || wentBack) {
    const lastSeq = Math.max(oldest.seq - 1, wentBack ? mark.seq : 0);
    findings.derivedBehind = { firstSeq: passedSeq + 1, lastSeq, isNew: !hadDerived };
  }
  const { head, lostCommits, gone, derivedBehind } = findings;
  return head.throughSeq > head.seq || lostCommits || gone.length > 0 || derivedBehind ? findings : null;
}

/** Whether there is anything to compare the others with. */
export function hasEntries(journal: Database): boolean {
  return journal.prepare('SELECT 1 FROM batch LIMIT 1').get() !== undefined;
}

/** The journal isn't empty. */
function oldestEntry(journal: Database): { seq: number; receivedMs: number } {
  const { seq, receivedMs } = readHead(journal);
  const row = journal.prepare(OLDEST).get() as { firstSeq: number } | undefined;
  if (!row) return { seq, receivedMs };
  const { body, places } = openBatchReader(journal, () => {}).at(row.firstSeq)!;
  return { seq: row.firstSeq, receivedMs: places.length === 0 ? receivedMs : receivedMsAt(body, places[0]!) };
}

/** How far the store has what it was given. A file of an earlier version doesn't say, and is believed once. */
function markOf(readings: Database, derived: Database, writtenSeq: number): { seq: number; commits: number } {
  const { seq, commits } = numbers(readings, 'SELECT seq, commits FROM mark');
  if (seq !== null) return { seq: seq!, commits: commits! };
  const believed = storedThrough(derived, writtenSeq);
  readings.prepare('UPDATE mark SET seq = ?').run(believed);
  return { seq: believed, commits: commits! };
}

/** The newest entry up to `writtenSeq` that put anything into the store. */
function storedThrough(derived: Database, writtenSeq: number): number {
  const sql = 'SELECT seq FROM origin WHERE seq <= ? AND (stored IS NULL OR stored > 0) ORDER BY seq DESC LIMIT 1';
  return numbers(derived, sql, writtenSeq).seq ?? 0;
}

function headOf({ journal, derived }: Files, markSeq: number): Findings['head'] {
  const head = readHead(journal);
  const { seq } = numbers(
    derived,
    'SELECT max(seq) AS seq FROM (SELECT seq FROM cursor UNION ALL SELECT seq FROM alertState)',
  );
  const passed = Math.max(seq ?? 0, markSeq);
  if (passed <= head.seq) return { ...head, throughSeq: head.seq, throughMs: head.receivedMs };
  const { receivedMs } = numbers(
    derived,
    `SELECT max(receivedMs) AS receivedMs FROM (SELECT receivedMs FROM origin UNION ALL SELECT receivedMs FROM alertState
     UNION ALL SELECT clockMs FROM bookState)`,
  );
  return {
    ...head,
    throughSeq: Math.max(passed, newestSeqIn(derived)),
    throughMs: Math.max(head.receivedMs, receivedMs ?? 0),
  };
}

/** The highest seq that stands anywhere in derived.db: in whichever table, a column of journal entries is called so. */
function newestSeqIn(derived: Database): number {
  const columns = derived
    .prepare(
      `SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND (c.name = 'seq' OR c.name LIKE '%Seq')`,
    )
    .all() as { table: string; column: string }[];
  const newest = columns.map(
    ({ table, column }) => numbers(derived, `SELECT max("${column}") AS seq FROM "${table}"`).seq ?? 0,
  );
  return Math.max(0, ...newest);
}

/** Settled entries that the store hasn't got, and can't get, since the journal hasn't got them either. */
function goneOf(journal: Database, derived: Database, heldSeq: number, settledSeq: number): Gone[] {
  const isThere = journal.prepare(
    `SELECT 1 FROM (SELECT lastSeq, kind FROM batch WHERE firstSeq <= ?1 ORDER BY firstSeq DESC LIMIT 1)
     WHERE lastSeq >= ?1 AND kind = ${BATCH_KINDS.entries}`,
  );
  const gone: Gone[] = [];
  const settled = derived.prepare(
    `SELECT seq, source, receivedMs, stored FROM origin WHERE seq > ? AND seq <= ? AND (stored IS NULL OR stored > 0)
     ORDER BY seq`,
  );
  eachRow(settled, [heldSeq, settledSeq], (row) => {
    if (isThere.get(row.seq as number) === undefined) gone.push({ ...row } as unknown as Gone);
    return true;
  });
  return gone;
}

/** Carries out what the findings ask for, and lists what is gone. */
export function mend(files: Files, found: Findings, { dataDir, nowMs }: { dataDir: string; nowMs: number }): void {
  const { journal, derived, readings } = files;
  // Whatever has lost commits may have lost more: a file that is torn is not to be gone on with.
  checkWhole(journal, join(dataDir, 'journal.db'));
  if (readings) checkWhole(readings, join(dataDir, 'readings.db'));
  const losses = lossesOf(files, found);
  transaction(journal, () => {
    for (const loss of losses) {
      keepLoss(journal, loss, nowMs);
      if (loss.condition === 'journal.lost') {
        appendBreak(journal, readInstallation(journal)!, readHead(journal), { ...loss, atMs: nowMs });
      }
    }
    keepSeries(journal, derived);
    countIntake(files, found);
  });
  transaction(derived, () => mendDerived(derived, found));
  if (readings) {
    const { commits } = numbers(readings, 'SELECT commits FROM mark');
    derived.prepare('UPDATE storeMark SET commits = ?').run(commits!);
  }
}

/** Series that the journal has lost keep their numbers: readings and books stand under them. */
function keepSeries(journal: Database, derived: Database): void {
  const insert = journal.prepare('INSERT OR IGNORE INTO series (id, station, parameter) VALUES (?, ?, ?)');
  eachRow(derived.prepare('SELECT id, station, parameter FROM seriesName ORDER BY id'), [], (row) => {
    insert.run(row.id as number, row.station as string, row.parameter as string);
    return true;
  });
}

/**
 * What was received is what is counted, is quarantined or waits in the journal, or would, had it not gone. A journal that lost entries lost their
 * counts, too; one that counted what derived.db has never seen, and never will, counts from its oldest entry on.
 */
function countIntake({ journal, derived }: Files, found: Findings): void {
  const { head, oldest, countedSeq, derivedBehind, gone } = found;
  const counted = new Map<string, number>();
  const add = (source: string, values: number) => counted.set(source, (counted.get(source) ?? 0) + values);
  for (const row of derived.prepare('SELECT name, stored + duplicate AS n FROM source').all())
    add(row.name as string, row.n as number);
  openBatchReader(journal, () => {}).after(countedSeq, ({ body, places }) => {
    for (const place of places) {
      const entry = seqAt(body, place) > countedSeq ? decodeEntry(entryRowAt(body, place)) : null;
      if (entry?.kind === 'message') add(entry.source, entry.readings.length);
    }
    return true;
  });
  for (const { seq, source, stored } of gone) {
    if (seq > countedSeq) add(nameOf(derived, source), stored ?? 0);
  }
  const raise = journal.prepare(
    `INSERT INTO intake (source, received, quarantined, sinceMs, lastSeenMs) VALUES (?1, ?2, 0, ?3, ?3)
     ON CONFLICT (source) DO UPDATE SET received = max(received, ?2 + quarantined)`,
  );
  const lower = journal.prepare(
    'UPDATE intake SET received = ?2 + quarantined, sinceMs = ?3 WHERE source = ?1 AND received > ?2 + quarantined',
  );
  for (const [source, values] of counted) {
    if (values > 0 && head.throughSeq > head.seq) raise.run(source, values, head.throughMs);
  }
  const hasGap = derivedBehind !== null && derivedBehind.firstSeq < oldest.seq;
  if (!hasGap) return;
  for (const { source } of journal.prepare('SELECT source FROM intake').all()) {
    lower.run(source as string, counted.get(source as string) ?? 0, oldest.receivedMs);
  }
}

function nameOf(derived: Database, source: number): string {
  return derived.prepare('SELECT name FROM source WHERE id = ?').get(source)!.name as string;
}

/** Cursors, marks and counts, so that the followers write again what can be written, and nothing counts that is gone. */
export function mendDerived(derived: Database, found: Findings): void {
  const { heldSeq, writtenSeq, countedSeq, gone, lostCommits } = found;
  if (heldSeq < writtenSeq) writeAgain(derived, heldSeq, writtenSeq);
  const lessStored = derived.prepare('UPDATE source SET stored = stored - ? WHERE id = ?');
  const nothingStored = derived.prepare('UPDATE origin SET stored = 0 WHERE seq = ?');
  const forget = derived.prepare('DELETE FROM unwritten WHERE seq = ?');
  for (const { seq, source, stored } of gone) {
    if (stored !== null && seq > writtenSeq && seq <= countedSeq) lessStored.run(stored, source);
    nothingStored.run(seq);
    forget.run(seq);
  }
  freezePruned(derived, found);
  // Final flags that the store has lost, too: what was computed since it was whole is computed again.
  if (lostCommits) {
    derived
      .prepare(
        `INSERT INTO dirtyHour (series, hourMs, firstSeq, lastSeq) SELECT series, hourMs, ?1, ?1 FROM hourStat
         WHERE throughSeq >= ?2 ON CONFLICT (hourMs, series) DO UPDATE SET lastSeq = max(lastSeq, excluded.lastSeq)`,
      )
      .run(writtenSeq, heldSeq);
  }
}

/** Statistics of readings that are gone because the journal is pruned stand as they were computed from them. */
function freezePruned(derived: Database, { gone, oldest }: Findings): void {
  const pruned = gone.filter(({ seq }) => seq < oldest.seq);
  if (pruned.length === 0) return;
  const beforeMs = floorHour(pruned.at(-1)!.receivedMs) + HOUR_MS;
  const { freeze } = openFrozenHours(derived);
  for (const { id } of derived.prepare('SELECT id FROM seriesName').all()) freeze(id as number, beforeMs);
}

export function lossesOf(files: Files, found: Findings): Loss[] {
  const { head, lostCommits, gone, derivedBehind } = found;
  const losses: Loss[] = [];
  const goneText = goneInWords(files.derived, gone);
  if (head.throughSeq > head.seq) {
    losses.push({
      condition: 'journal.lost',
      firstSeq: head.seq + 1,
      lastSeq: head.throughSeq,
      toMs: head.throughMs,
      detail:
        `journal.db ends at entry ${head.seq} (${instant(head.receivedMs)}): entries ${head.seq + 1} to ${head.throughSeq}, ` +
        `received until ${instant(head.throughMs)}, are gone, and it goes on above them; ` +
        `${storedInWords(files, head.seq)}; ${lostCommits ? 'of the store see readings.lost' : goneText}`,
    });
  }
  if (lostCommits) {
    losses.push(storeLoss(files, found));
  } else if (head.throughSeq <= head.seq && gone.length > 0) {
    const { seq: lastSeq, receivedMs: toMs } = gone.at(-1)!;
    losses.push({ condition: 'readings.lost', firstSeq: gone[0]!.seq, lastSeq, toMs, detail: goneText });
  }
  if (derivedBehind) losses.push(derivedLoss(derivedBehind, found));
  return losses;
}

export function storeLoss({ derived }: Files, { head, oldest, heldSeq, writtenSeq, gone, store }: Findings): Loss {
  const again =
    heldSeq < writtenSeq
      ? `${store} holds what came up to entry ${heldSeq}, and ${writtenSeq} was written: what lies between is written ` +
        `again from the journal, which has entries from ${oldest.seq} (${instant(oldest.receivedMs)}) to ${head.seq}`
      : `${store} has lost final flags that were written after entry ${heldSeq}: they are computed again`;
  return {
    condition: 'readings.lost',
    firstSeq: Math.min(heldSeq + 1, writtenSeq),
    lastSeq: writtenSeq,
    toMs: head.throughMs,
    detail: `${again}; ${goneInWords(derived, gone)}`,
  };
}

function derivedLoss(
  { firstSeq, lastSeq, isNew }: NonNullable<Findings['derivedBehind']>,
  { oldest, head }: Findings,
): Loss {
  const file = isNew ? 'derived.db is new' : `derived.db ends before entry ${firstSeq}`;
  const pruned =
    firstSeq < oldest.seq
      ? `entries ${firstSeq} to ${oldest.seq - 1} (before ${instant(oldest.receivedMs)}) are no longer in the journal: ` +
        'versions, alarms and counts of them are gone, and statistics until npm run rebuild'
      : 'nothing of the journal is gone';
  const detail = `${file}, and others have passed entry ${lastSeq}; ${pruned}; it follows again from there, so notices may be told twice`;
  return { condition: 'derived.lost', firstSeq, lastSeq, toMs: head.throughMs, detail };
}

const SOURCES_TOLD = 5;

function goneInWords(derived: Database, gone: readonly Gone[]): string {
  if (gone.length === 0) return 'no stored reading is gone';
  const names = new Map(
    derived
      .prepare('SELECT id, name FROM source')
      .all()
      .map((row) => [row.id as number, row.name as string]),
  );
  const uncounted = gone.filter(({ stored }) => stored === null).length;
  const counts = [...Map.groupBy(gone, ({ source }) => source)].map(([source, entries]) => ({
    name: names.get(source) ?? String(source),
    values: entries.reduce((sum, { stored }) => sum + (stored ?? 0), 0),
  }));
  const [first, last] = [gone[0]!, gone.at(-1)!];
  return (
    `gone are the readings of entries ${first.seq} (${instant(first.receivedMs)}) to ${last.seq} ` +
    `(${instant(last.receivedMs)}): ${counted(counts)}${uncounted > 0 ? `, and ${uncounted} entries without counts` : ''}`
  );
}

/** Values of lost entries that are stored all the same. */
function storedInWords({ derived }: Files, afterSeq: number): string {
  const counts = derived
    .prepare(
      `SELECT name, sum(origin.stored) AS "values" FROM origin JOIN source ON source.id = origin.source
       WHERE seq > ? AND origin.stored > 0 GROUP BY name`,
    )
    .all(afterSeq) as { name: string; values: number }[];
  return counts.length === 0 ? 'nothing of them had settled' : `of them had settled ${counted(counts)}`;
}

function counted(counts: readonly { name: string; values: number }[]): string {
  const sorted = counts.toSorted((a, b) => b.values - a.values);
  const told = sorted.slice(0, SOURCES_TOLD).map(({ name, values }) => `${name} ${values}`);
  const rest = sorted.slice(SOURCES_TOLD).reduce((sum, { values }) => sum + values, 0);
  const total = sorted.reduce((sum, { values }) => sum + values, 0);
  return `${total} values (${told.join(', ')}${rest > 0 ? `, others ${rest}` : ''})`;
}

function instant(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
