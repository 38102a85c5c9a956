/** How a kind of mean folds its values and what comes out: pH as [H⁺], coliforms by their logarithms. */
import type { Censored } from './reading.ts';
import type { MeanKind } from './reference.ts';

/**
 * What a reading counts as in a mean: below a detection limit half of it (环办监测函〔2020〕82号, point 7); above a measuring
 * range the end of the range, which is the least that it can have been.
 */
export function counted(value: number, censored: Censored | undefined): number {
  return censored === '<' ? value / 2 : value;
}

/** What of a value is summed. */
export function folded(value: number, kind: MeanKind): number {
  switch (kind) {
    case 'arithmetic':
      return value;
    case 'ph':
      return 10 ** -value;
    case 'geometric':
      // A count of none has no logarithm; as is usual for coliforms, less than one counts as one.
      return Math.log10(Math.max(value, 1));
  }
}

/** The mean in the unit of the values, from the mean of what was summed. */
export function unfolded(mean: number, kind: MeanKind): number {
  switch (kind) {
    case 'arithmetic':
      return mean;
    case 'ph':
      return -Math.log10(mean);
    case 'geometric':
      return 10 ** mean;
  }
}
