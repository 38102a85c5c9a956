/**
 * Plays seeds as tests: those that are kept because they once found something, then `WK_TEST_SEEDS` more, or
 * `WK_TEST_SEED` alone. The same seed is the same story every time.
 */
import { describe, expect, it } from 'vitest';
import { again, keptSeeds, SEEDS, unmet } from './seeds.ts';
import { simulate } from './simulate.ts';

function seedsToPlay(): number[] {
  const { WK_TEST_SEED: one, WK_TEST_SEEDS: count = SEEDS } = process.env;
  if (one !== undefined) return [Number(one)];
  const fresh = Array.from({ length: Number(count) }, (_, n) => n + 1);
  return [...new Set([...keptSeeds().map(({ seed }) => seed), ...fresh])];
}

/** The seeds of one test file; several files are played side by side. */
export function playSeeds(part: number, parts: number): void {
  const seeds = seedsToPlay().filter((_, n) => n % parts === part);
  describe('a simulated service under every fault at once', () => {
    if (seeds.length === 0) it.skip('its seeds are played by the other file', () => {});
    const happened = new Map<string, number>();

    for (const seed of seeds) {
      it(`keeps its invariants with seed ${seed}`, async () => {
        const { problems, counts } = await simulate(seed);
        for (const [what, n] of Object.entries(counts)) happened.set(what, (happened.get(what) ?? 0) + n);
        expect(problems, again(seed)).toEqual([]);
      });
    }

    it.runIf(seeds.length > 1)('met what it is meant to meet', () => {
      expect(unmet(happened, seeds.length)).toEqual([]);
    });
  });
}
