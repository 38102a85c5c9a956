/** Figures of two revisions beside each other: each revision's median, and how many times the other's value ours is. */
import { type Figure, median, rounded } from '#bench/shared/figure.ts';

/** A figure as `npm run bench` prints it, of any revision. */
export interface Printed {
  bench: string;
  figure: string;
  value: number;
  unit: string;
}

/** What the benchmarks of both revisions printed in one round; empty where a benchmark couldn't be run. */
export interface Round {
  ours: readonly Printed[];
  theirs: readonly Printed[];
}

export interface Ratio extends Pick<Figure, 'figure' | 'unit'> {
  bench: string;
  /** Median of the rounds; null where that revision has no such figure. */
  this: number | null;
  other: number | null;
  /**
   * Median of the rounds' own ratios, this over other: what a round's two runs had to share of the machine cancels out,
   * so it need not be the ratio of the medians. Null where a revision has no such figure or the other's is 0.
   */
  ratio: number | null;
  /** Lowest and highest of the rounds. */
  ratioSpread?: [number, number];
  thisSpread?: [number, number];
  otherSpread?: [number, number];
  /** Rounds in which both printed it. */
  rounds: number;
}

/** Lines that are no figure (what npm or a library says) are left out. */
export function figuresIn(output: string): Printed[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      const { bench, figure, value, unit } = JSON.parse(line) as Partial<Printed>;
      return bench !== undefined && figure !== undefined && typeof value === 'number'
        ? [{ bench, figure, value, unit: unit ?? '' }]
        : [];
    } catch {
      return [];
    }
  });
}

/** In the order in which they were first printed, ours before what only the other has. */
export function ratios(rounds: readonly Round[]): Ratio[] {
  const keys = new Map<string, Printed>();
  for (const side of ['ours', 'theirs'] as const) {
    for (const printed of rounds.flatMap((round) => round[side])) {
      if (!keys.has(keyOf(printed))) keys.set(keyOf(printed), printed);
    }
  }
  return [...keys].map(([key, { bench, figure, unit }]) => {
    const values = rounds.map(({ ours, theirs }) => ({ ours: valueIn(ours, key), theirs: valueIn(theirs, key) }));
    const ours = values.flatMap((round) => round.ours ?? []);
    const theirs = values.flatMap((round) => round.theirs ?? []);
    const both = values.filter((round) => round.ours !== undefined && round.theirs !== undefined);
    const shares = both.flatMap((round) => (round.theirs === 0 ? [] : round.ours! / round.theirs!));
    return {
      bench,
      figure,
      unit,
      this: medianOf(ours),
      other: medianOf(theirs),
      ratio: medianOf(shares),
      ...(shares.length > 0 ? { ratioSpread: spreadOf(shares) } : {}),
      ...(ours.length > 0 ? { thisSpread: spreadOf(ours) } : {}),
      ...(theirs.length > 0 ? { otherSpread: spreadOf(theirs) } : {}),
      rounds: both.length,
    };
  });
}

function keyOf({ bench, figure, unit }: Printed): string {
  return JSON.stringify([bench, figure, unit]);
}

function valueIn(printed: readonly Printed[], key: string): number | undefined {
  return printed.find((one) => keyOf(one) === key)?.value;
}

function medianOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : rounded(median(values));
}

function spreadOf(values: readonly number[]): [number, number] {
  return [rounded(Math.min(...values)), rounded(Math.max(...values))];
}
