/** Tables: columns say what a cell shows and what it is in a file, so that whatever is seen can be taken along. */
import type { ComponentChildren } from 'preact';
import { type Cell, download, toCsv } from '../core/csv.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** What stands in the file; absent: the column isn't in it. */
  csv?: (row: T) => Cell;
  /** The column's name in the file, where the head isn't. */
  csvHead?: string;
  align?: 'end';
  /** The cell that names its row. */
  isName?: boolean;
}

/** A column of numbers. @param show what the table has of one; a file has it as it is. */
export function numberColumn<T, N extends number | null>(
  head: string,
  of: (row: T) => N,
  csvHead?: string,
  show: (number: N) => string = format.value,
): Column<T> {
  return { head, align: 'end', cell: (row) => show(of(row)), csv: of, csvHead };
}

export function Table<T>({
  columns,
  rows,
  keyOf,
  caption,
  rowClass,
}: {
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  caption: string;
  rowClass?: (row: T) => string;
}) {
  return (
    // Scrolling sideways has to be possible with the keyboard, too.
    // biome-ignore lint/a11y/useSemanticElements: a frame around a table, neither fields nor a landmark
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region (WCAG 2.1.1)
    <div class="table-frame" tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, align }) => (
              <th key={head} scope="col" class={align}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={rowClass?.(row)}>
              {columns.map(({ head, cell, align, isName }) =>
                isName ? (
                  <th key={head} scope="row" class={align}>
                    {cell(row)}
                  </th>
                ) : (
                  <td key={head} class={align}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function csvOf<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const kept = columns.filter((column) => column.csv !== undefined);
  return toCsv(
    kept.map(({ csvHead, head }) => csvHead ?? head),
    rows.map((row) => kept.map((column) => column.csv!(row))),
  );
}

/** Members of objects as they are, under their own names. */
export function toRows<K extends string>(names: readonly K[], rows: readonly { [name in K]?: Cell }[]): string {
  return toCsv(
    names,
    rows.map((row) => names.map((name) => row[name])),
  );
}

/** @param file its name without the ending. */
export function CsvButton({ file, text, disabled }: { file: string; text: () => string; disabled?: boolean }) {
  return (
    <button type="button" class="quiet" disabled={disabled} onClick={() => download(`${file}.csv`, text())}>
      {t('downloadCsv')}
    </button>
  );
}
