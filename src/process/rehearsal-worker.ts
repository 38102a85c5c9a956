/** One rehearsal in a thread of its own, over read-only connections: it answers once and ends. */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { rehearse } from '#alerts/looking-back/rehearse.ts';
import { alarmsStanding } from '#alerts/records/answers.ts';
import { openDerived } from '#installation/derived.ts';
import { openJournalReader } from '#journal/reader.ts';
import { surfaceWaterStandard } from '#model/reference.ts';
import { openReadingStore } from '#readings/open-store.ts';
import { openReadOnly } from '#src/sqlite.ts';
import type { RehearsalReply, RehearsalStart } from './rehearsals.ts';

const { config, reference, rehearsal } = workerData as RehearsalStart;

async function reply(): Promise<RehearsalReply> {
  const reader = openJournalReader(join(config.dataDir, 'journal.db'));
  const derived = openReadOnly(join(config.dataDir, 'derived.db'));
  const store = openReadingStore(config, (id) => reader.seriesById(id), { readOnly: true });
  try {
    const result = await rehearse(rehearsal, {
      openDerived: () => openDerived(':memory:'),
      registers: reader.control(reader.headSeq()),
      series: reader.allSeries(),
      store,
      reference,
      standard: surfaceWaterStandard(reference),
      allowedLatenessMs: config.allowedLatenessMs,
      timeZone: config.timeZone,
      alarmsOf: (rule, fromMs, toMs) => alarmsStanding(derived, rule, fromMs, toMs),
    });
    return { result };
  } catch (error) {
    const { message, code, retryable } = error as Error & { code?: string; retryable?: boolean };
    return { error: { message, code, retryable } };
  } finally {
    await store.close();
    derived.close();
    reader.close();
  }
}

parentPort!.postMessage(await reply());
