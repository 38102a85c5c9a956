/** Why a reading has its flag: what each quality test says of it, from the window that its final flag is made from. */
import { explainedFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import { openPins } from './pins.ts';
import type { Queries } from './queries.ts';
import type { ReadingStore } from './reading-store.ts';
import type { Database } from './sqlite.ts';

export function createFlagQueries(derived: Database, store: ReadingStore): Pick<Queries, 'explained'> {
  const pins = openPins(derived);
  return {
    async explained({ series, timeMs, thresholds }) {
      const fromMs = timeMs - reachBackMs(thresholds);
      const toMs = timeMs + reachForwardMs(thresholds) + 1;
      const window = await store.traced(series, fromMs, toMs, Number.MAX_SAFE_INTEGER);
      const place = window.findIndex((reading) => reading.timeMs === timeMs);
      const stored = window[place];
      if (!stored) return null;
      const pinned = pins.flags(series, fromMs, toMs);
      const read = window.map((reading) => ({ ...reading, pinned: pinned.get(reading.timeMs) }));
      const { value, flag, deviceFlag } = stored;
      const { flag: final, ...said } = explainedFlags(read, thresholds)[place]!;
      return { value, flag, deviceFlag, engineer: pinned.get(timeMs) ?? null, final, ...said };
    },
  };
}
