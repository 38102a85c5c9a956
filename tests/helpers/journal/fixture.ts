/** A journal in a directory of its own, and drafts to put into it. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { JournalReader, MessageDraft, QuarantineDraft } from '#journal/port.ts';
import { valuesIn } from '#journal/quarantine.ts';
import { type OpenJournalReader, openJournalReader } from '#journal/reader.ts';
import { type JournalOptions, type JournalWriter, openJournal } from '#journal/writer.ts';
import type { Entry, JournaledReading } from '#model/entry.ts';
import { type HandClock, handClock } from '#tests/helpers/hand-clock.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

export const NOON_MS = Date.UTC(2026, 10, 22, 12);

export interface JournalFixture {
  clock: HandClock;
  path: string;
  open(options?: Partial<JournalOptions>): JournalWriter;
  read(): OpenJournalReader;
}

/** Everything opened through it is closed when the test ends. */
export function journalFixture(): JournalFixture {
  const path = join(tempDir(), 'journal.db');
  const clock = handClock(NOON_MS);
  return {
    clock,
    path,
    open(options) {
      const journal = openJournal({ path, clock, maxBytes: 1 << 30, ackMaxDelayMs: 20, ...options });
      onTestFinished(() => journal.close());
      return journal;
    },
    read() {
      const reader = openJournalReader(path);
      onTestFinished(() => reader.close());
      return reader;
    },
  };
}

export function reading(change: Partial<JournaledReading> = {}): JournaledReading {
  return { series: 1, timeMs: NOON_MS, value: 7.92, flag: 1, deviceFlag: null, verdict: 'new', ...change };
}

let drawn = 0;

/** Bytes that no packing makes less of, so that a batch of them stands as it is; the same in every run. */
export function noise(bytes: number): Buffer {
  return createHash('shake128', { outputLength: bytes }).update(`${drawn++}`).digest();
}

/** A message of these readings; `received` is what the draft holds. */
export function message(change: Partial<MessageDraft> = {}): MessageDraft {
  const readings = change.readings ?? [reading()];
  const quarantine = change.quarantine ?? [];
  return {
    source: 'g1',
    gatewaySeq: null,
    readings,
    raw: Buffer.from('{}'),
    quarantine,
    received: readings.length + valuesIn(quarantine),
    ...change,
  };
}

export function quarantined(id: string, change: Partial<QuarantineDraft> = {}): QuarantineDraft {
  return {
    id,
    code: 'parameter.unknown',
    message: 'no parameter xyz',
    path: 'samples[0].values.xyz',
    contentType: 'application/json',
    payload: Buffer.from('{"xyz":1}'),
    source: 'g1',
    ...change,
  };
}

/** Every entry of the journal: one `read` stops early after much text. */
export function allEntries(reader: Pick<JournalReader, 'read'>): Entry[] {
  const entries: Entry[] = [];
  for (let page = reader.read(0, 10_000); page.length > 0; page = reader.read(entries.at(-1)!.seq, 10_000)) {
    for (const entry of page) entries.push(entry);
  }
  return entries;
}
