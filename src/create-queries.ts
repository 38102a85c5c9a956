/** Puts the query functions of the stores together, each over read-only connections of the calling thread. */
import { join } from 'node:path';
import type { Config } from '#model/config.ts';
import { alarm, alarms, notice, notices, timeline, transitionsAfter } from '#store/alert-queries.ts';
import { openBookState } from '#store/book-state.ts';
import { openJournalReader } from '#store/journal-reader.ts';
import type { Queries } from '#store/queries.ts';
import { createReadingQueries } from '#store/reading-queries.ts';
import { openReadOnly } from '#store/sqlite.ts';
import { createTrendQueries } from '#store/trend-queries.ts';
import { volumes } from '#store/volume-queries.ts';
import { openReadingStore } from './open-reading-store.ts';

export function createQueries(config: Config): Queries {
  const { dataDir, allowedLatenessMs } = config;
  const derived = openReadOnly(join(dataDir, 'derived.db'));
  const reader = openJournalReader(join(dataDir, 'journal.db'));
  const store = openReadingStore(config, (id) => reader.seriesById(id), { readOnly: true });
  const bookState = openBookState(derived);
  const readings = createReadingQueries({ derived, store, booksClockMs: () => bookState.clockMs(), allowedLatenessMs });
  const parked = derived.prepare(
    'SELECT follower, seq, atMs, error FROM parked ORDER BY seq DESC, follower LIMIT 1000',
  );
  return {
    ...readings,
    ...createTrendQueries({ derived, readings: readings.readings, allowedLatenessMs }),
    volumes: async (query) => volumes(derived, query),
    alarms: async (query) => alarms(derived, query),
    alarm: async (query) => alarm(derived, query),
    timeline: async (query) => timeline(derived, query),
    notices: async (query) => notices(derived, query),
    notice: async (query) => notice(derived, query),
    transitionsAfter: async (query) => transitionsAfter(derived, query),
    parked: async () => parked.all().map((row) => ({ ...row })) as unknown as Awaited<ReturnType<Queries['parked']>>,
  };
}
