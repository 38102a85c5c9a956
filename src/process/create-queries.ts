/** Puts the query functions of the stores together, each over read-only connections of the calling thread. */
import { join } from 'node:path';
import { alarmFiguresOf } from '#alerts/looking-back/figures.ts';
import { alarm, alarms, notice, notices, timeline, transitionsAfter } from '#alerts/records/answers.ts';
import { trendItemsText } from '#api/books/trend-items.ts';
import type { Queries } from '#api/queries.ts';
import { trendTest } from '#assess/trend-test.ts';
import { openBookState } from '#books/clock.ts';
import { createAssessmentQueries } from '#books/questions/assessments.ts';
import { decisions } from '#books/questions/decisions.ts';
import { createFlagQueries } from '#books/questions/flags.ts';
import { createLoadQueries } from '#books/questions/loads.ts';
import { createPanelQueries } from '#books/questions/panels.ts';
import { createQcQueries } from '#books/questions/qc-results.ts';
import { createTrendSteps } from '#books/questions/trend-steps.ts';
import { createTrendQueries } from '#books/questions/trends.ts';
import { meterVolumes, volumes } from '#books/questions/volumes.ts';
import { createVolumesAsOf } from '#books/water/as-of.ts';
import { bucketBalances } from '#books/water/bucket-balances.ts';
import { NEWEST } from '#journal/batches.ts';
import { Cursor } from '#journal/cursor.ts';
import { createParkedQuery } from '#journal/parked.ts';
import { openJournalReader } from '#journal/reader.ts';
import type { Config } from '#model/config.ts';
import { createReadingQueries } from '#readings/answers.ts';
import { openReadingStore } from '#readings/open-store.ts';
import { openUnsettled } from '#readings/unsettled.ts';
import { openReadOnly } from '#src/sqlite.ts';

export interface OpenQueries {
  queries: Queries;
  close(): Promise<void>;
}

export function openQueries(config: Config): OpenQueries {
  const { dataDir, allowedLatenessMs } = config;
  const derived = openReadOnly(join(dataDir, 'derived.db'));
  const reader = openJournalReader(join(dataDir, 'journal.db'));
  const journal = openReadOnly(join(dataDir, 'journal.db'));
  const store = openReadingStore(config, (id) => reader.seriesById(id), { readOnly: true });
  const bookState = openBookState(derived);
  const readings = createReadingQueries({
    derived,
    store,
    booksClockMs: () => bookState.clockMs(),
    allowedLatenessMs,
    unsettled: openUnsettled(derived),
  });
  const head = journal.prepare(NEWEST);
  const { trends } = createTrendQueries({ derived, readings: readings.readings, allowedLatenessMs });
  const queries: Queries = {
    ...readings,
    trends,
    trendItems: async ({ query, ...writing }) => trendItemsText(await trends(query), query.timeZone, writing),
    ...createTrendSteps({ trends, readings: readings.readings }),
    trendTest: async ({ values, ...options }) => trendTest(values, options),
    ...createAssessmentQueries({ derived, trends, allowedLatenessMs }),
    volumes: async (query) => volumes(derived, query),
    meterVolumes: async (query) => meterVolumes(derived, query),
    balances: (query) => bucketBalances({ meterVolumes: async (asked) => meterVolumes(derived, asked) }, query),
    ...createVolumesAsOf({ journal, reader, store, readings: readings.readings }),
    decisions: async (query) => decisions(derived, query),
    ...createLoadQueries({ derived, readings: readings.readings }),
    ...createPanelQueries(journal),
    ...createQcQueries(journal),
    ...createFlagQueries(derived, store),
    alarms: async (query) => alarms(derived, query),
    alarm: async (query) => alarm(derived, query),
    alarmFigures: async (query) => alarmFiguresOf(derived, query),
    timeline: async (query) => timeline(derived, query),
    notices: async (query) => notices(derived, query),
    notice: async (query) => notice(derived, query),
    transitionsAfter: async (query) => transitionsAfter(derived, query),
    parked: createParkedQuery(derived),
    // Each connection's own word: one that stands still says where.
    reached: async () => ({
      journalSeq: Math.min(reader.headSeq(), (head.get() as { lastSeq: number } | undefined)?.lastSeq ?? 0),
      booksSeq: new Cursor(derived, 'books').seq,
    }),
  };
  return {
    queries,
    async close() {
      await store.close();
      for (const one of [derived, journal, reader]) one.close();
    },
  };
}
