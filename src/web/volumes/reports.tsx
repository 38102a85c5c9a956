/** Reports of days, months and transfer years to take along or print, and which are kept, closed or due. */
import { useState } from 'preact/hooks';
import { addressOf, askPages, type Item } from '../core/api.ts';
import * as format from '../core/format.ts';
import { language, t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import type { Word } from '../core/words.ts';
import { dateOf, dayBefore, instantOf, transferYearName, transferYearOf } from '../core/zone.ts';
import { More } from '../ui/more.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { isDate, type Stretch } from './books.ts';

type Report = Item<'GET /reports'>;

const STATE_WORDS: Record<Report['state'], Word> = {
  kept: 'reportStateKept',
  closed: 'reportStateClosed',
  due: 'reportStateDue',
};
const PAGE = '12';

/** Of the day that the address names, else of the last one of the stretch that the page shows. */
export function ReportSheet({ stretch, atMs }: { stretch: Stretch; atMs: number }) {
  const [pages, setPages] = useState(1);
  const reports = useResource(`${atMs} ${pages}`, (signal) =>
    askPages('GET /reports', { query: { limit: PAGE }, signal }, pages),
  );
  const today = dateOf(atMs);
  const asked = query.value.get('report');
  const last = dayBefore(stretch.to);
  const date = isDate(asked) && asked <= today ? asked : last < today ? last : today;
  const columns = COLUMNS();
  return (
    <Sheet
      title={t('reports')}
      name="reports-sheet"
      tools={
        <CsvButton file="reports" text={() => csvOf(columns, reports.data?.items ?? [])} disabled={!reports.data} />
      }
    >
      <div class="report-of">
        <label class="field">
          <span class="field-label">{t('reportOf')}</span>
          <input
            type="date"
            value={date}
            max={today}
            onChange={(event) => setQuery({ report: event.currentTarget.value })}
          />
        </label>
        <ul>
          {periodsOf(date).map((period) => (
            <li key={period}>
              <b>{period}</b> <Formats period={period} />
            </li>
          ))}
        </ul>
      </div>
      <Shown of={reports} lines={3}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty>{t('noReports')}</Empty>
          ) : (
            <>
              <Table columns={columns} rows={items} keyOf={({ period }) => period} caption={t('reports')} />
              {next !== null && <More show={() => setPages(pages + 1)} />}
            </>
          )
        }
      </Shown>
    </Sheet>
  );
}

/** The day, its month and its transfer year, as the service calls them. */
const periodsOf = (date: string): string[] => [
  date,
  date.slice(0, 7),
  transferYearName(transferYearOf(instantOf(date))),
];

/** Plain links: the session's cookie goes with them, and the service names the file. */
function Formats({ period }: { period: string }) {
  const address = (chosen: 'xlsx' | 'csv' | 'html') =>
    addressOf('GET /reports/{period}', { path: { period }, query: { format: chosen, lang: language.value } });
  return (
    <span class="formats">
      <a href={address('xlsx')} download aria-label={`${period} XLSX`}>
        XLSX
      </a>
      <a href={address('csv')} download aria-label={`${period} CSV`}>
        CSV
      </a>
      <a href={address('html')} target="_blank" rel="noopener" aria-label={`${period} ${t('printReport')}`}>
        {t('printReport')}
      </a>
    </span>
  );
}

const COLUMNS = (): Column<Report>[] => [
  { head: t('period'), isName: true, cell: ({ period }) => period, csv: ({ period }) => period },
  { head: t('state'), cell: ({ state }) => t(STATE_WORDS[state]), csv: ({ state }) => state },
  {
    head: t('reportMadeAt'),
    cell: ({ at, by }) => (at === null ? '–' : `${format.minute(at)} · ${by}`),
    csv: ({ at }) => at,
  },
  {
    head: t('restatements'),
    align: 'end',
    cell: ({ restatements }) => restatements,
    csv: ({ restatements }) => restatements,
  },
  {
    head: t('reportFiles'),
    cell: ({ period }) => <Formats period={period} />,
    csv: ({ sha256 }) => sha256,
    csvHead: 'sha256',
  },
];
