/** Closed months and transfer years: what was kept when, what has changed since, and the way to close and restate. */
import { useState } from 'preact/hooks';
import { type Answer, ask } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import { may } from '../core/session.ts';
import { DeedForm, TextField, textOf } from '../ui/deed.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, numberColumn, Table } from '../ui/table.tsx';
import { closablePeriods } from './entry.ts';

type Period = Answer<'GET /periods'>['items'][number];
type Manifest = Answer<'GET /periods/{period}'>;
type Change = Manifest['sinceLast'][number];

const REASON_MAX = 500;
const CAUSES = { readings: 'changedByReadings', rules: 'changedByRules', both: 'changedByBoth' } as const;

export function PeriodSheet({ atMs }: { atMs: number }) {
  const [round, setRound] = useState(0);
  const [isClosing, setClosing] = useState(false);
  const edition = `${atMs} ${round}`;
  const periods = useResource(edition, (signal) => ask('GET /periods', { signal }));
  const shown = query.value.get('period');
  const done = ({ period }: Manifest) => {
    setClosing(false);
    setRound((before) => before + 1);
    setQuery({ period });
  };
  const columns = columnsOf(shown);
  return (
    <Sheet
      title={t('closedPeriods')}
      name="periods-sheet"
      tools={
        <>
          {may('engineer') && (
            <button type="button" aria-expanded={isClosing} onClick={() => setClosing(!isClosing)}>
              {t('closePeriod')}
            </button>
          )}
          <CsvButton
            file="closed-periods"
            text={() => csvOf(columns, periods.data?.items ?? [])}
            disabled={!periods.data}
          />
        </>
      }
    >
      {isClosing && (
        <CloseForm
          periods={closablePeriods(atMs, new Set((periods.data?.items ?? []).map(({ period }) => period)))}
          done={done}
          cancel={() => setClosing(false)}
        />
      )}
      <Shown of={periods} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('noPeriods')}</Empty>
          ) : (
            <Table
              columns={columns}
              rows={items}
              keyOf={({ period }) => period}
              caption={t('closedPeriods')}
              rowClass={({ period }) => (period === shown ? 'is-selected' : '')}
            />
          )
        }
      </Shown>
      {shown !== null && <PeriodDetail key={shown} period={shown} edition={edition} done={done} />}
    </Sheet>
  );
}

function columnsOf(shown: string | null): Column<Period>[] {
  return [
    {
      head: t('period'),
      isName: true,
      cell: ({ period }) => (
        <button
          type="button"
          class="quiet as-link"
          aria-expanded={period === shown}
          onClick={() => setQuery({ period: period === shown ? undefined : period })}
        >
          {period}
        </button>
      ),
      csv: ({ period }) => period,
    },
    { head: t('closedAt'), cell: ({ closedAt }) => format.minute(closedAt), csv: ({ closedAt }) => closedAt },
    { head: t('closedBy'), cell: ({ by }) => by, csv: ({ by }) => by },
    {
      head: t('restatements'),
      align: 'end',
      cell: ({ restatements }) => restatements,
      csv: ({ restatements }) => restatements,
    },
    {
      head: 'SHA-256',
      cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 12)}…</code>,
      csv: ({ sha256 }) => sha256,
    },
  ];
}

function CloseForm({
  periods,
  done,
  cancel,
}: {
  periods: readonly string[];
  done: (manifest: Manifest) => void;
  cancel: () => void;
}) {
  return (
    <div class="deed">
      <p class="hint">{t('closePeriodWhy')}</p>
      <DeedForm
        verb={t('closePeriod')}
        cancel={cancel}
        submit={async (form) => {
          const reason = textOf(form, 'reason') || undefined;
          done(
            await ask('POST /periods/{period}/close', { path: { period: textOf(form, 'period') }, body: { reason } }),
          );
        }}
      >
        <label class="field">
          <span class="field-label">{t('period')}</span>
          <select name="period">
            {periods.map((period) => (
              <option key={period} value={period}>
                {period}
              </option>
            ))}
          </select>
        </label>
        <TextField name="reason" label={t('reasonOptional')} most={REASON_MAX} isFirst />
      </DeedForm>
    </div>
  );
}

function PeriodDetail({
  period,
  edition,
  done,
}: {
  period: string;
  edition: string;
  done: (manifest: Manifest) => void;
}) {
  const manifest = useResource(`${period} ${edition}`, (signal) =>
    ask('GET /periods/{period}', { path: { period }, signal }),
  );
  return (
    <section class="period-detail" aria-label={period}>
      <Shown of={manifest} lines={3}>
        {({ closings, sinceLast }) => (
          <>
            <ol class="timeline">
              {closings.map(({ closedAt, by, reason, sha256 }, index) => (
                <li key={sha256}>
                  <time dateTime={closedAt}>{format.second(closedAt)}</time>
                  <div>
                    <b>{index === 0 ? t('wasClosed', { period }) : t('wasRestated', { period })}</b> · {by}
                    {reason !== null && <p class="cause">{reason}</p>}
                    <code class="digest">{sha256}</code>
                  </div>
                </li>
              ))}
            </ol>
            {sinceLast.length === 0 ? (
              <p class="hint">{t('unchangedSince')}</p>
            ) : (
              <>
                <Changes period={period} changes={sinceLast} />
                {may('engineer') && (
                  <div class="deed">
                    <DeedForm
                      verb={t('restate')}
                      submit={async (form) =>
                        done(
                          await ask('POST /periods/{period}/restate', {
                            path: { period },
                            body: { reason: textOf(form, 'reason') },
                          }),
                        )
                      }
                    >
                      <TextField name="reason" label={t('reason')} most={REASON_MAX} isRequired />
                    </DeedForm>
                  </div>
                )}
              </>
            )}
          </>
        )}
      </Shown>
    </section>
  );
}

function Changes({ period, changes }: { period: string; changes: readonly Change[] }) {
  const columns: Column<Change>[] = [
    { head: t('meter'), isName: true, cell: ({ meter }) => <code>{meter}</code>, csv: ({ meter }) => meter },
    numberColumn(`${t('volume')} m³`, ({ cubicMetres }) => cubicMetres, 'cubicMetres', format.signed),
    numberColumn(t('isMeasured'), ({ measured }) => measured, 'measured', format.signed),
    numberColumn(t('isEstimated'), ({ estimated }) => estimated, 'estimated', format.signed),
    numberColumn(t('unknownHoursHead'), ({ unknownHours }) => unknownHours, 'unknownHours', format.signed),
    {
      head: t('recipient'),
      cell: ({ recipient }) => (recipient === null ? '–' : areaName(recipient)),
      csv: ({ recipient }) => recipient ?? '',
      csvHead: 'recipient',
    },
    { head: t('counts'), cell: ({ measures }) => t(`balance-${measures}`), csv: ({ measures }) => measures },
    { head: t('changeCause'), cell: ({ cause }) => t(CAUSES[cause]), csv: ({ cause }) => cause },
  ];
  return (
    <>
      <h3>{t('changedSince')}</h3>
      <Table
        columns={columns}
        rows={changes}
        keyOf={({ meter, recipient, measures }) => `${meter} ${recipient} ${measures}`}
        caption={t('changedSince')}
      />
      <p class="table-tools">
        <CsvButton file={`changes-${period}`} text={() => csvOf(columns, changes)} />
      </p>
    </>
  );
}
