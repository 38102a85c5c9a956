/** A chart that can be read as a table and taken along as a file: the same rows, three ways. */
import type { ComponentChildren } from 'preact';
import { t } from '../core/language.ts';
import { Choice } from './choice.tsx';
import { type Column, CsvButton, csvOf, Table } from './table.tsx';

export type View = 'chart' | 'table';

export function ViewChoice({ view, choose }: { view: View; choose: (view: View) => void }) {
  return (
    <Choice
      label={t('showAs')}
      value={view}
      choose={choose}
      options={[
        { value: 'chart', label: t('asChart') },
        { value: 'table', label: t('asTable') },
      ]}
    />
  );
}

export function Figure<T>({
  title,
  note,
  view,
  columns,
  rows,
  keyOf,
  file,
  foot,
  children,
}: {
  title: ComponentChildren;
  note?: ComponentChildren;
  view: View;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** The file's name without its ending. */
  file: string;
  /** What is said below, whichever way it is shown. */
  foot?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <figure class="figure">
      <figcaption>
        <span class="figure-title">{title}</span>
        {note && <span class="figure-note">{note}</span>}
        <CsvButton file={file} text={() => csvOf(columns, rows)} disabled={rows.length === 0} />
      </figcaption>
      {view === 'chart' ? (
        children
      ) : (
        <Table columns={columns} rows={rows} keyOf={keyOf} caption={typeof title === 'string' ? title : file} />
      )}
      {foot}
    </figure>
  );
}
