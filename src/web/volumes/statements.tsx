/** Volumes that others have published: beside what was metered and never mixed in, since they count other things. */
import { askAll, type Item } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { Sheet } from '../ui/sheet.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';

type Statement = Item<'GET /statements'>;

export function StatementSheet() {
  const statements = useResource('statements', (signal) => askAll('GET /statements', { signal }));
  const columns: Column<Statement>[] = [
    {
      head: t('period'),
      isName: true,
      cell: ({ at, from }) => (from ? `${from} – ${at.slice(0, 10)}` : at.slice(0, 10)),
      csv: ({ at }) => at,
    },
    {
      head: t('published'),
      align: 'end',
      cell: ({ volume1e8m3, comparison }) =>
        `${comparison === '=' ? '' : comparison} ${format.volumeText(volume1e8m3 * 1e8)}`,
      csv: ({ volume1e8m3 }) => volume1e8m3,
      csvHead: '1e8 m3',
    },
    { head: t('counts'), cell: ({ counts }) => t(`counts-${counts}`), csv: ({ counts }) => counts },
    { head: t('kind'), cell: ({ kind }) => t(`statement-${kind}`), csv: ({ kind }) => kind },
    {
      head: t('recipient'),
      cell: ({ recipient, route }) =>
        recipient ? areaName(recipient) : route === 'middle' ? t('middleRoute') : t('bothRoutes'),
      csv: ({ recipient, route }) => recipient ?? route,
    },
    {
      head: t('confidence'),
      cell: ({ confidence }) => t(`confidence-${confidence}`),
      csv: ({ confidence }) => confidence,
    },
    {
      head: t('source'),
      cell: ({ source, note }) => (
        <span class="source" title={note}>
          {source}
        </span>
      ),
      csv: ({ source }) => source,
    },
  ];
  return (
    <Sheet
      title={t('statements')}
      note={t('statementsNote')}
      tools={
        <CsvButton
          file="published-volumes"
          text={() => csvOf(columns, statements.data ?? [])}
          disabled={!statements.data}
        />
      }
    >
      <Shown of={statements} lines={4}>
        {(items) => <Table columns={columns} rows={items} keyOf={({ id }) => id} caption={t('statements')} />}
      </Shown>
    </Sheet>
  );
}
