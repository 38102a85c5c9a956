/** Why a reading has its flag: what each quality test says of it, from the window that its final flag is made from. */
import { type Companions, comparableWindow, explainedFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import { openPins } from './pins.ts';
import type { Queries } from './queries.ts';
import type { ReadingStore } from './reading-store.ts';
import type { Database } from './sqlite.ts';

export function createFlagQueries(derived: Database, store: ReadingStore): Pick<Queries, 'explained'> {
  const pins = openPins(derived);
  return {
    async explained({ series, timeMs, thresholds, companions }) {
      const fromMs = timeMs - reachBackMs(thresholds);
      const toMs = timeMs + reachForwardMs(thresholds) + 1;
      const window = await store.traced(series, fromMs, toMs, Number.MAX_SAFE_INTEGER);
      const place = window.findIndex((reading) => reading.timeMs === timeMs);
      const stored = window[place];
      if (!stored) return null;
      const pinned = pins.flags(series, fromMs, toMs);
      const read = window.map((reading) => ({ ...reading, pinned: pinned.get(reading.timeMs) }));
      const { value, flag, deviceFlag } = stored;
      const others: Companions = {};
      for (const { test, series: other, thresholds: theirs } of companions) {
        const [otherFromMs, otherToMs] = [fromMs - thresholds.holeMs, toMs + thresholds.holeMs];
        const readings = await store.traced(other, otherFromMs, otherToMs, Number.MAX_SAFE_INTEGER);
        const hands = pins.flags(other, otherFromMs, otherToMs);
        const known = readings.map((reading) => ({ ...reading, pinned: hands.get(reading.timeMs) }));
        others[test] = comparableWindow(known, theirs);
      }
      const { flag: final, ...said } = explainedFlags(read, thresholds, others)[place]!;
      return { value, flag, deviceFlag, engineer: pinned.get(timeMs) ?? null, final, ...said };
    },
  };
}
