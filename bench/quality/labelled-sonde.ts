/**
 * Real sondes with what technicians thought of every value: the files of the Logan River Observatory, published with
 * github AmberSJones/pyhydroqc (BSD 3-Clause; Jones, Jones & Horsburgh 2022, doi 10.1016/j.envsoft.2022.105364). They
 * are no part of this repository; `WK_LRO_DIR` says where they are, by default in a data folder beside it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvRows } from '#seeds/csv-records.ts';

const DIRECTORY = process.env.WK_LRO_DIR ?? join(import.meta.dirname, '../../../shared/data/lro');
/** Column → our parameter, and what its unit is worth in ours. */
const COLUMNS = {
  temp: ['temp', 1],
  cond: ['ec', 1],
  ph: ['ph', 1],
  do: ['do', 1],
  turb: ['turbidity', 1],
  stage: ['level', 0.01],
} as const;

/** What became of a labelled value: taken out, replaced by another one, or left as it was and only remarked upon. */
type Remark = 'removed' | 'replaced' | 'kept';

/** One column of one file, ascending by time. */
export interface LabelledSeries {
  file: string;
  parameter: string;
  timesMs: number[];
  values: (number | null)[];
  /** Null = no remark: the technician let the value stand. */
  remarks: (Remark | null)[];
}

/** Every column of every file there, or null when there are none. */
export function labelledSeries(directory = DIRECTORY): LabelledSeries[] | null {
  if (!existsSync(directory)) return null;
  const files = readdirSync(directory).filter((name) => name.endsWith('.csv'));
  return files.length === 0 ? null : files.sort().flatMap((name) => fileSeries(directory, name));
}

function fileSeries(directory: string, name: string): LabelledSeries[] {
  const rows = [...csvRows(readFileSync(join(directory, name), 'utf8'))].map(({ row }) => row);
  const times = rows.map((row) => Date.parse(`${row.datetime!.replace(' ', 'T')}-07:00`));
  return Object.entries(COLUMNS).map(([column, [parameter, factor]]) => {
    const cells = rows.map((row) => ({
      value: measured(row[column]),
      corrected: measured(row[`${column}_cor`]),
      isRemarked: row[`${column}_qual`] !== 'NULL' && row[`${column}_qual`] !== '',
    }));
    return {
      file: name.replace(/\.csv$/, ''),
      parameter,
      timesMs: times,
      values: cells.map(({ value }) => (value === null ? null : value * factor)),
      remarks: cells.map(({ value, corrected, isRemarked }) =>
        !isRemarked ? null : corrected === null ? 'removed' : corrected === value ? 'kept' : 'replaced',
      ),
    };
  });
}

/** `NULL` and −9999 mean that nothing was measured. */
function measured(cell: string | undefined): number | null {
  return cell === undefined || cell === '' || cell === 'NULL' || Number(cell) === -9999 ? null : Number(cell);
}
