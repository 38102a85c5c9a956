/** Quality controls: what the station's instruments made of known samples. None of it is water, and none is in any chart. */

import { useState } from 'preact/hooks';
import { askPages, type Item } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import type { Station } from '../core/watch.ts';
import type { Word } from '../core/words.ts';
import { More } from '../ui/more.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { parameterName } from './names.ts';

type Control = Item<'GET /stations/{id}/qc-results'>;

const PAGE = '20';

export function QcSheet({ station: { id } }: { station: Station }) {
  const [pages, setPages] = useState(1);
  const found = useResource(`qc ${id} ${pages}`, (signal) =>
    askPages('GET /stations/{id}/qc-results', { path: { id }, query: { limit: PAGE }, signal }, pages),
  );
  // Most stations report none: then there is nothing to say.
  if (!found.data || found.data.items.length === 0) return null;
  const columns = columnsOf();
  const { items } = found.data;
  return (
    <Sheet
      title={t('qcResults')}
      name="qc-sheet"
      note={t('qcNote')}
      tools={<CsvButton file={`${id}-qc`} text={() => csvOf(columns, items)} />}
    >
      <Shown of={found} lines={3}>
        {({ next }) => (
          <>
            <Table
              columns={columns}
              rows={items}
              keyOf={({ parameter, time, kind }) => `${parameter} ${time} ${kind}`}
              caption={t('qcResults')}
            />
            {next !== null && <More show={() => setPages(pages + 1)} />}
          </>
        )}
      </Shown>
    </Sheet>
  );
}

function columnsOf(): Column<Control>[] {
  return [
    { head: t('parameter'), isName: true, cell: (row) => parameterName(row.parameter), csv: (row) => row.parameter },
    { head: t('time'), cell: (row) => format.second(row.time), csv: (row) => row.time },
    { head: t('qcKind'), cell: (row) => t(`qc-${row.kind}` as Word), csv: (row) => row.kind },
    figure('qcFound', (row) => row.value),
    figure('qcStandard', (row) => row.standard),
    figure('qcWater', (row) => row.water),
    {
      head: t('qcDeviation'),
      align: 'end',
      cell: ({ deviation }) => (deviation === null ? '–' : format.share(deviation, 1)),
      csv: (row) => row.deviation,
    },
    { head: t('deviceFlag'), cell: (row) => row.deviceFlag ?? '', csv: (row) => row.deviceFlag },
  ];
}

function figure(head: Word, of: (row: Control) => number | null): Column<Control> {
  return { head: t(head), align: 'end', cell: (row) => format.withUnit(of(row), row.unit), csv: of };
}
