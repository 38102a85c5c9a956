/**
 * How often each test for trends finds one where there is none, and finds one that is there: series made from seeded normal
 * numbers, with and without memory, holes and limits. What the figures mean: docs/trend-tests.md.
 */
import { normalQuantile } from '#assess/normal.ts';
import { type TrendTestOptions, trendTest } from '#assess/trend-test.ts';
import { atMost, type Figure, figure, medianMs } from '#bench/shared/figure.ts';

const ALPHA = 0.05;
const SERIES = 1000;
/** Ten years of months. */
const LENGTH = 120;
const LONG = 12_000;
const LONG_ROUNDS = 3;
const LONG_AIM_MS = 3000;

const METHODS: readonly (readonly [string, Omit<TrendTestOptions, 'period' | 'alpha'>])[] = [
  ['mann-kendall', { method: 'mann-kendall', serial: false }],
  ['hamed-rao', { method: 'hamed-rao', serial: false }],
  ['yue-wang', { method: 'yue-wang', serial: false }],
  ['seasonal-kendall', { method: 'seasonal-kendall', serial: false }],
  ['seasonal-kendall, serial', { method: 'seasonal-kendall', serial: true }],
  ['spearman', { method: 'spearman', serial: false }],
];

interface Kind {
  name: string;
  /** How much of a value is the one before (AR(1)). */
  memory: number;
  /** Change over the whole series, in standard deviations. */
  rise: number;
  /** Share of values that are missing, and that lie below the detection limit. */
  missing: number;
  below: number;
}

const PLAIN = { memory: 0, rise: 0, missing: 0, below: 0 };
const KINDS: readonly Kind[] = [
  { ...PLAIN, name: 'noise' },
  { ...PLAIN, name: 'noise, a third missing', missing: 1 / 3 },
  { ...PLAIN, name: 'noise, 40 % below the limit', below: 0.4 },
  { ...PLAIN, name: 'memory 0.3', memory: 0.3 },
  { ...PLAIN, name: 'memory 0.6', memory: 0.6 },
  { ...PLAIN, name: 'memory 0.6, a third missing', memory: 0.6, missing: 1 / 3 },
  { ...PLAIN, name: 'a rise of 1 deviation in noise', rise: 1 },
  { ...PLAIN, name: 'a rise of 1 deviation, memory 0.3', rise: 1, memory: 0.3 },
];

export async function run(): Promise<Figure[]> {
  return [...KINDS.flatMap(found), await longest()];
}

/** Of so many series of a kind, the share in which each test finds a trend. */
function found(kind: Kind): Figure[] {
  const normal = normalNumbers();
  const counts = METHODS.map(() => 0);
  for (let series = 0; series < SERIES; series++) {
    const values = seriesOf(kind, normal);
    for (const [index, [, options]] of METHODS.entries()) {
      if (trendTest(values, { ...options, period: 12, alpha: ALPHA }).trend !== 'no trend') counts[index]! += 1;
    }
  }
  return METHODS.map(([name], index) =>
    figure(`${kind.name}: trends found by ${name}`, (100 * counts[index]!) / SERIES, '%'),
  );
}

function seriesOf({ memory, rise, missing, below }: Kind, { normal, uniform }: Numbers) {
  const limit = below === 0 ? Number.NEGATIVE_INFINITY : normalQuantile(below);
  let state = normal();
  return Array.from({ length: LENGTH }, (_, place) => {
    state = memory * state + Math.sqrt(1 - memory ** 2) * normal();
    const value = state + (rise * place) / (LENGTH - 1);
    if (uniform() < missing) return null;
    return value < limit ? { value: limit, censored: '<' as const } : { value, censored: null };
  });
}

/** What POST /trend-tests takes at most. */
async function longest(): Promise<Figure> {
  const { normal } = normalNumbers();
  const values = Array.from({ length: LONG }, () => ({ value: normal(), censored: null }));
  const options = { method: 'mann-kendall', period: 12, alpha: ALPHA, serial: false } as const;
  const elapsed = await medianMs(LONG_ROUNDS, () => trendTest(values, options));
  return atMost(LONG_AIM_MS, `${LONG} values`, elapsed, 'ms');
}

interface Numbers {
  uniform(): number;
  normal(): number;
}

/** Mulberry32, and Box and Muller's way from it to normal numbers. The same each time. */
function normalNumbers(): Numbers {
  let state = 20_261_130;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}
