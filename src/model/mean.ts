/** How a kind of mean folds its values and what comes out: pH as [H⁺], coliforms by their logarithms. */
import type { MeanKind } from './reference.ts';

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
