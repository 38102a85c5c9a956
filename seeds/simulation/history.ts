/**
 * A past for the demonstration, thin enough to be digested while people watch: water every four hours (as analysers
 * work) where the story is told and once a day elsewhere, registers every hour where a trunk line is metered and once
 * a day at offtakes. On a fixed grid, so that loading twice repeats itself.
 */
import type { Sample } from './messages.ts';
import { chinaTime } from './messages.ts';
import type { World } from './sites.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Stations whose water is told every four hours. */
const CLOSELY = new Set(['taocha', 'danjiangkou-dam', 'shending-mouth', 'sihe-mouth', 'tuancheng-lake']);

/** How often what of a station belongs to the past, 0 = not at all: gates and monitoring points begin today. */
function gridMs(station: string, kind: string): { water: number; volume: number } {
  if (CLOSELY.has(station)) return { water: 4 * HOUR_MS, volume: HOUR_MS };
  if (kind === 'reservoir' || kind === 'river-section') return { water: DAY_MS, volume: 0 };
  if (kind === 'offtake') return { water: 0, volume: station.endsWith('-trunk') ? HOUR_MS : DAY_MS };
  return { water: 0, volume: 0 };
}

/** Flows are left to the live stations: a register's differences say the same. */
const LIVE_ONLY = new Set(['flow']);

/** Samples of [fromMs, toMs) in order of time. */
export function* historySamples(world: World, fromMs: number, toMs: number): Generator<Sample> {
  for (let timeMs = Math.ceil(fromMs / HOUR_MS) * HOUR_MS; timeMs < toMs; timeMs += HOUR_MS) {
    for (const [id, station] of world.stations) {
      const grid = gridMs(id, station.kind);
      const due = {
        water: grid.water > 0 && timeMs % grid.water === 0,
        volume: grid.volume > 0 && timeMs % grid.volume === 0,
      };
      if (!due.water && !due.volume) continue;
      const all = Object.entries(world.values(id, timeMs, null));
      const values = all.filter(([name]) => !LIVE_ONLY.has(name) && (name === 'register' ? due.volume : due.water));
      if (values.length > 0) yield { station: id, time: chinaTime(timeMs), values: Object.fromEntries(values) };
    }
  }
}
