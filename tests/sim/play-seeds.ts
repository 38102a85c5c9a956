/**
 * Plays seeds as tests: those that are kept because they once found something, then `WK_TEST_SEEDS` more (300 unless
 * told), or `WK_TEST_SEED` alone. The same seed is the same story every time.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';

const SEEDS = 300;
const SEED_MS_MAX = 120_000;
/** Fewer seeds than this may well miss something that a simulation should see. */
const ENOUGH_SEEDS = 50;

/** A seed that once failed. */
interface KeptSeed {
  seed: number;
  note: string;
}

const keptFile = new URL('../cases/sim/seeds.json', import.meta.url);
const kept = JSON.parse(readFileSync(keptFile, 'utf8')) as KeptSeed[];

function seedsToPlay(): number[] {
  const { WK_TEST_SEED: one, WK_TEST_SEEDS: count = SEEDS } = process.env;
  if (one !== undefined) return [Number(one)];
  const fresh = Array.from({ length: Number(count) }, (_, n) => n + 1);
  return [...new Set([...kept.map(({ seed }) => seed), ...fresh])];
}

/** The seeds of one test file; several files are played side by side. */
export function playSeeds(part: number, parts: number): void {
  const seeds = seedsToPlay().filter((_, n) => n % parts === part);
  describe('a simulated service under every fault at once', () => {
    if (seeds.length === 0) it.skip('its seeds are played by the other file', () => {});
    const happened = new Map<string, number>();

    for (const seed of seeds) {
      it(`keeps its invariants with seed ${seed}`, { timeout: SEED_MS_MAX }, async () => {
        const { problems, counts } = await simulate(seed);
        for (const [what, n] of Object.entries(counts)) happened.set(what, (happened.get(what) ?? 0) + n);
        expect(problems, `run it again: WK_TEST_SEED=${seed} npx vitest run tests/sim`).toEqual([]);
      });
    }

    it.runIf(seeds.length >= ENOUGH_SEEDS)('met what it is meant to meet', () => {
      expect(happened.get('deaths')).toBeGreaterThan(seeds.length);
      expect(happened.get('threads')).toBeGreaterThan(3 * seeds.length);
      expect(happened.get('refused')).toBeGreaterThan(seeds.length);
      expect(happened.get('acksLost')).toBeGreaterThan(seeds.length);
      expect(happened.get('comparedAlarms')).toBeGreaterThan(4 * seeds.length);
    });
  });
}
