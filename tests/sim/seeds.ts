/** Which seeds are played, and whether enough happens in them: a simulation in which nothing happens proves nothing. */
import { readFileSync } from 'node:fs';

/** So many seeds every run of the tests plays, beside those that are kept. */
export const SEEDS = 100;
/** Fewer seeds than this may well miss something that a simulation should see. */
const ENOUGH_SEEDS = 50;

/** A seed that once failed. */
interface KeptSeed {
  seed: number;
  note: string;
}

const keptFile = new URL('../cases/sim/seeds.json', import.meta.url);

export function keptSeeds(): KeptSeed[] {
  return JSON.parse(readFileSync(keptFile, 'utf8')) as KeptSeed[];
}

/** How a seed is played alone. */
export const again = (seed: number): string => `play it alone: npm run sim -- --seed ${seed}`;

/** How often a seed must have met what, on average. */
const MEANT: Readonly<Record<string, number>> = {
  deaths: 1,
  threads: 3,
  refused: 1,
  acksLost: 1,
  comparedAlarms: 4,
  commands: 5,
  silences: 0.1,
};

/** What too little of has happened in so many seeds. */
export function unmet(happened: ReadonlyMap<string, number>, seeds: number): string[] {
  if (seeds < ENOUGH_SEEDS) return [];
  return Object.entries(MEANT).flatMap(([what, each]) => {
    const found = happened.get(what) ?? 0;
    return found < each * seeds ? [`${what} ${found} times in ${seeds} seeds, should be ${each * seeds} at least`] : [];
  });
}
