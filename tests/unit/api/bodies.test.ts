/** What a JSON body may not be, whatever it says. */
import { describe, expect, it } from 'vitest';
import { isTooDeep } from '#api/bodies.ts';

describe('texts that are nested', () => {
  const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}1${']}'.repeat(depth / 2)}`;

  it('may be so 64 deep, brackets in strings aside', () => {
    expect([isTooDeep(nested(64)), isTooDeep(nested(66))]).toEqual([false, true]);
    expect(isTooDeep(JSON.stringify({ a: `${'['.repeat(100)}\\"${'{'.repeat(100)}` }))).toBe(false);
    expect(isTooDeep('[]'.repeat(1000))).toBe(false);
  });
});
