/** Readings of many series in a few spans, as they are answered: in columns (`PeriodCells`). */
import type { PeriodCells, TrendBucket } from './queries.ts';

/** A series' readings in one span; as a `TrendBucket`. */
export interface PeriodCell extends Omit<TrendBucket, 'startMs' | 'endMs'> {
  series: number;
}

/** @param spans the cells that hold readings, of each span in any order. @param series in the order of the question. */
export function cellColumns(spans: readonly (readonly PeriodCell[])[], series: readonly { id: number }[]): PeriodCells {
  const size = spans.length * series.length;
  const column = () => new Float64Array(size);
  const columns: PeriodCells = {
    count: column(),
    valid: column(),
    mean: column().fill(Number.NaN),
    min: column().fill(Number.NaN),
    max: column().fill(Number.NaN),
    provisional: new Uint8Array(size),
  };
  const indexOf = new Map(series.map(({ id }, index) => [id, index]));
  for (const [span, cells] of spans.entries()) {
    for (const { series: id, count, valid, mean, min, max, provisional } of cells) {
      const at = span * series.length + indexOf.get(id)!;
      columns.count[at] = count;
      columns.valid[at] = valid;
      columns.mean[at] = mean ?? Number.NaN;
      columns.min[at] = min ?? Number.NaN;
      columns.max[at] = max ?? Number.NaN;
      columns.provisional[at] = Number(provisional);
    }
  }
  return columns;
}

/** Null: nothing is known. */
export function cellAt(columns: PeriodCells, at: number): Omit<PeriodCell, 'series'> | null {
  const count = columns.count[at]!;
  if (count === 0 && columns.provisional[at] === 0) return null;
  return {
    count,
    valid: columns.valid[at]!,
    mean: nullable(columns.mean[at]!),
    min: nullable(columns.min[at]!),
    max: nullable(columns.max[at]!),
    provisional: columns.provisional[at] === 1,
  };
}

function nullable(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
