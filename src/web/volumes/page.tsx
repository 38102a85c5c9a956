/** How much water went to whom: to the litre, with what is estimated and what nobody knows. */
import { useState } from 'preact/hooks';
import { ask } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { useEvery, useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import { dayBefore, transferYearName, transferYearOf } from '../core/zone.ts';
import { Choice, Select } from '../ui/choice.tsx';
import { Dates } from '../ui/dates.tsx';
import { type View, ViewChoice } from '../ui/figure.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Loading, Shown, Trouble } from '../ui/states.tsx';
import { BalanceSheet } from './balance.tsx';
import { Bars } from './bars.tsx';
import { readLines, readRecipients, STEPS, type Step, type Stretch, stretchOf } from './books.ts';
import { Cumulative } from './cumulative.tsx';
import { DecisionSheet } from './decisions.tsx';
import { PeriodSheet } from './periods.tsx';
import { PlanSheet } from './plans.tsx';
import { Recipients } from './recipients.tsx';
import { ReportSheet } from './reports.tsx';
import { StatementSheet } from './statements.tsx';
import '../styles/volumes.css';

const REFRESH_MS = 5 * 60_000;
/** The first transfer year of the Middle Route. */
const FIRST_YEAR = 2014;

export default function VolumesPage() {
  const [atMs, setAtMs] = useState(serviceNowMs);
  const readAnew = () => setAtMs(serviceNowMs());
  useEvery(REFRESH_MS, readAnew);
  const recipients = useResource('recipients', readRecipients);
  const stretch = stretchOf(query.value, atMs);
  const by = STEPS.find((one) => one === query.value.get('by')) ?? 'month';
  const view: View = query.value.get('view') === 'table' ? 'table' : 'chart';
  const hidden = new Set((query.value.get('without') ?? '').split(','));
  if (recipients.failure) return <Trouble failure={recipients.failure} retry={recipients.reload} />;
  if (!recipients.data) return <Loading tall />;
  const shown = recipients.data.filter((one) => !hidden.has(one));
  return (
    <>
      <h1 class="unseen">{t('volumes')}</h1>
      <Controls recipients={recipients.data} hidden={hidden} stretch={stretch} by={by} view={view} atMs={atMs} />
      <Books recipients={shown} stretch={stretch} by={by} view={view} atMs={atMs} changed={readAnew} />
      <div class="records">
        <DecisionSheet stretch={stretch} atMs={atMs} changed={readAnew} />
        <StatementSheet />
      </div>
    </>
  );
}

interface Shared {
  recipients: readonly string[];
  stretch: Stretch;
  by: Step;
  view: View;
  atMs: number;
}

function Books({ recipients, stretch, by, view, atMs, changed }: Shared & { changed: () => void }) {
  const question = `${recipients} ${stretch.from} ${stretch.to} ${atMs}`;
  const days = useResource(question, (signal) => readLines(recipients, stretch, 'day', atMs, signal));
  const lines = useResource(`${question} ${by}`, (signal) => readLines(recipients, stretch, by, atMs, signal));
  const { transferYear } = stretch;
  const plans = useResource(transferYear === null ? null : `${transferYear} ${atMs}`, async (signal) => {
    const { items } = await ask('GET /plans', { query: { transferYear: transferYearName(transferYear!) }, signal });
    return items;
  });
  return (
    <div class="books">
      <div class="books-part">
        <Sheet
          title={
            transferYear === null
              ? t('sinceBeginning')
              : t('transferYearIs', { from: transferYear, to: transferYear + 1 })
          }
        >
          <Shown of={days} tall>
            {(found) => <Cumulative days={found} plans={plans.data ?? []} stretch={stretch} view={view} />}
          </Shown>
        </Sheet>
        <PeriodSheet atMs={atMs} />
      </div>
      <div class="books-part">
        <BalanceSheet stretch={stretch} untilMs={atMs} />
        {transferYear !== null && (
          <PlanSheet recipients={recipients} startYear={transferYear} plans={plans} changed={changed} />
        )}
        <ReportSheet stretch={stretch} atMs={atMs} />
      </div>
      <Sheet title={t('byPeriod')} name="bars-sheet">
        <Shown of={lines} lines={5}>
          {(found) => <Recipients lines={found} plans={plans.data ?? []} />}
        </Shown>
        <Shown of={lines} tall>
          {(found) => <Bars lines={found} by={by} view={view} />}
        </Shown>
      </Sheet>
    </div>
  );
}

function Controls({ recipients, hidden, stretch, by, view, atMs }: Shared & { hidden: ReadonlySet<string> }) {
  const present = transferYearOf(atMs);
  const years = Array.from({ length: present - FIRST_YEAR + 1 }, (_, index) => String(present - index));
  const toggle = (recipient: string) => {
    const next = recipients.filter((one) => hidden.has(one) !== (one === recipient));
    setQuery({ without: next.length === recipients.length ? undefined : next.join(',') });
  };
  return (
    <div class="controls">
      <Select
        label={t('transferYearWord')}
        value={stretch.transferYear === null ? '' : String(stretch.transferYear)}
        choose={(year) =>
          setQuery({ year: year === String(present) ? undefined : year, from: undefined, to: undefined })
        }
        options={[
          ...(stretch.transferYear === null ? [{ value: '', label: t('ownDates') }] : []),
          ...years.map((year) => ({ value: year, label: `${year}–${Number(year) + 1}` })),
        ]}
      />
      <Dates
        first={stretch.from}
        last={dayBefore(stretch.to)}
        choose={(from, to) => setQuery({ from, to, year: undefined })}
      />
      <Choice
        label={t('byPeriod')}
        value={by}
        choose={(next) => setQuery({ by: next === 'month' ? undefined : next })}
        options={[
          { value: 'day', label: t('byDay') },
          { value: 'month', label: t('byMonth') },
          { value: 'quarter', label: t('byQuarter') },
        ]}
      />
      <fieldset class="recipients">
        <legend class="unseen">{t('recipient')}</legend>
        {recipients.map((recipient) => (
          <label key={recipient} class="check">
            <input type="checkbox" checked={!hidden.has(recipient)} onChange={() => toggle(recipient)} />
            {areaName(recipient)}
          </label>
        ))}
      </fieldset>
      <ViewChoice view={view} choose={(next) => setQuery({ view: next === 'table' ? 'table' : undefined })} />
    </div>
  );
}
