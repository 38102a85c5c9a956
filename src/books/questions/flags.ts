/** Why a reading has its flag: what each quality test says of it, from the window that its final flag is made from. */

import { readCompanions, readPinned } from '#books/hours/series-rules.ts';
import { explainedFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import { openPins } from '#readings/pins.ts';
import type { ReadingStore } from '#readings/store.ts';
import type { Database } from '#src/sqlite.ts';
import type { BookQueries } from './queries.ts';

export function createFlagQueries(derived: Database, store: ReadingStore): Pick<BookQueries, 'explained'> {
  const pins = openPins(derived);
  return {
    async explained({ series, timeMs, thresholds, companions }) {
      const fromMs = timeMs - reachBackMs(thresholds);
      const toMs = timeMs + reachForwardMs(thresholds) + 1;
      const window = await readPinned(store, pins, series, [fromMs, toMs]);
      const place = window.findIndex((reading) => reading.timeMs === timeMs);
      const stored = window[place];
      if (!stored) return null;
      const { value, flag, deviceFlag, censored, pinned = null } = stored;
      const { holeMs } = thresholds;
      const others = await readCompanions(store, pins, companions, { fromMs, toMs, holeMs });
      const { flag: final, ...said } = explainedFlags(window, thresholds, others)[place]!;
      return { value, flag, deviceFlag, censored, engineer: pinned, final, ...said };
    },
  };
}
