/** Figures of two revisions beside each other, as `npm run bench -- compare` prints them. */
import { expect, it } from 'vitest';
import { figuresIn, type Printed, ratios } from '#bench/compare/ratios.ts';

const printed = (value: number, figure = 'acknowledged'): Printed => ({
  bench: 'ingest',
  figure,
  value,
  unit: 'readings/s',
});

it('reads figures among whatever else is printed', () => {
  const lines = [
    '> wellkeeper@0.1.0 bench',
    '{"bench":"ingest","figure":"acknowledged","value":100,"unit":"readings/s","aim":">= 60","ofAim":1.67}',
    '{"level":30,"msg":"started"}',
    '{ broken',
    '{"bench":"external","figure":"share","value":0.27,"unit":""}',
  ];
  expect(figuresIn(lines.join('\n'))).toEqual([
    printed(100),
    { bench: 'external', figure: 'share', value: 0.27, unit: '' },
  ]);
});

it('takes medians, and the ratio of each round so that what a round shared cancels out', () => {
  // The machine is twice as slow in the second round, for both; ours is always 1.5 times as fast but for the last.
  const rounds = [
    { ours: [printed(150)], theirs: [printed(100)] },
    { ours: [printed(75)], theirs: [printed(50)] },
    { ours: [printed(180)], theirs: [printed(100)] },
  ];
  expect(ratios(rounds)).toEqual([
    {
      bench: 'ingest',
      figure: 'acknowledged',
      unit: 'readings/s',
      this: 150,
      other: 100,
      ratio: 1.5,
      ratioSpread: [1.5, 1.8],
      thisSpread: [75, 180],
      otherSpread: [50, 100],
      rounds: 3,
    },
  ]);
});

it('says what only one revision has, and divides by no zero', () => {
  const rounds = [
    { ours: [printed(4, 'lost'), printed(2, 'new')], theirs: [printed(0, 'lost'), printed(7, 'old')] },
    { ours: [printed(4, 'lost')], theirs: [] },
  ];
  expect(ratios(rounds)).toMatchObject([
    { figure: 'lost', this: 4, other: 0, ratio: null, rounds: 1 },
    { figure: 'new', this: 2, other: null, ratio: null, rounds: 0 },
    { figure: 'old', this: null, other: 7, ratio: null, rounds: 0 },
  ]);
});
