/** What each recipient is to get in the transfer year, and the form that puts it. */
import { useState } from 'preact/hooks';
import { ask } from '../core/api.ts';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import type { Resource } from '../core/resource.ts';
import { may } from '../core/session.ts';
import { transferYearName } from '../core/zone.ts';
import { DeedForm, TextField, textOf } from '../ui/deed.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import type { Plan } from './books.ts';
import { amountsOf } from './entry.ts';

interface Row {
  recipient: string;
  plan: Plan | undefined;
}

const TEXT_MAX = 500;
const MONTHS = 12;

export function PlanSheet({
  recipients,
  startYear,
  plans,
  changed,
}: {
  recipients: readonly string[];
  startYear: number;
  plans: Resource<Plan[]>;
  changed: () => void;
}) {
  const [chosen, setChosen] = useState<string | null>(null);
  const rowsOf = (found: readonly Plan[]): Row[] =>
    recipients.map((recipient) => ({ recipient, plan: found.find((plan) => plan.recipient === recipient) }));
  const columns = columnsOf(may('engineer') ? chosen : undefined, setChosen);
  return (
    <Sheet
      title={t('plans')}
      name="plans-sheet"
      note={t('transferYearIs', { from: startYear, to: startYear + 1 })}
      tools={<CsvButton file="plans" text={() => csvOf(columns, rowsOf(plans.data ?? []))} disabled={!plans.data} />}
    >
      <Shown of={plans} lines={4}>
        {(found) => (
          <>
            <Table columns={columns} rows={rowsOf(found)} keyOf={({ recipient }) => recipient} caption={t('plans')} />
            {chosen !== null && (
              <PlanForm
                key={chosen}
                recipient={chosen}
                transferYear={transferYearName(startYear)}
                plan={found.find(({ recipient }) => recipient === chosen)}
                done={() => {
                  setChosen(null);
                  changed();
                }}
                cancel={() => setChosen(null)}
              />
            )}
          </>
        )}
      </Shown>
    </Sheet>
  );
}

/** @param chosen undefined for whoever may not put plans. */
function columnsOf(chosen: string | null | undefined, choose: (recipient: string) => void): Column<Row>[] {
  const columns: Column<Row>[] = [
    {
      head: t('recipient'),
      isName: true,
      cell: ({ recipient }) => areaName(recipient),
      csv: ({ recipient }) => recipient,
      csvHead: 'recipient',
    },
    {
      head: t('plan'),
      align: 'end',
      cell: ({ plan }) => (plan ? format.volumeText(plan.cubicMetres) : '–'),
      csv: ({ plan }) => plan?.cubicMetres,
      csvHead: 'cubicMetres',
    },
    {
      head: t('source'),
      cell: ({ plan }) => <span title={plan?.note}>{plan?.source ?? ''}</span>,
      csv: ({ plan }) => plan?.source,
      csvHead: 'source',
    },
  ];
  if (chosen === undefined) return columns;
  return [
    ...columns,
    {
      head: t('change'),
      align: 'end',
      cell: ({ recipient, plan }) => (
        <button type="button" aria-expanded={recipient === chosen} onClick={() => choose(recipient)}>
          {plan ? t('changePlan') : t('putPlan')}
        </button>
      ),
    },
  ];
}

function PlanForm({
  recipient,
  transferYear,
  plan,
  done,
  cancel,
}: {
  recipient: string;
  transferYear: string;
  plan: Plan | undefined;
  done: () => void;
  cancel: () => void;
}) {
  const path = { recipient, transferYear };
  const { scale, unit } = format.planUnit();
  const shown = (cubicMetres: number) => String(Number((cubicMetres / scale).toFixed(9)));
  // To the litre: what is typed is decimal, what is kept has three places.
  const kept = (amount: number) => Math.round(amount * scale * 1000) / 1000;
  return (
    <div class="deed">
      <p>
        <b>{areaName(recipient)}</b> {transferYear}
      </p>
      <DeedForm
        verb={t('putPlan')}
        cancel={cancel}
        submit={async (form) => {
          const months = amountsOf(textOf(form, 'months')).map(kept);
          const source = textOf(form, 'source') || undefined;
          const note = textOf(form, 'note') || undefined;
          const cubicMetres = kept(Number(textOf(form, 'amount')));
          await ask('PUT /plans/{recipient}/{transferYear}', {
            path,
            body: { cubicMetres, ...(months.length === 0 ? {} : { months }), source, note },
          });
          done();
        }}
      >
        <label class="field">
          <span class="field-label">
            {t('plan')}, {unit}
          </span>
          <input
            name="amount"
            type="number"
            min="0"
            step="any"
            required
            defaultValue={plan ? shown(plan.cubicMetres) : ''}
          />
        </label>
        <TextField
          name="months"
          label={t('planMonths', { n: MONTHS })}
          value={(plan?.months ?? []).map(shown).join(' ')}
        />
        <TextField name="source" label={t('source')} value={plan?.source ?? ''} most={TEXT_MAX} />
        <TextField name="note" label={t('note')} value={plan?.note ?? ''} most={TEXT_MAX} />
      </DeedForm>
      {plan && (
        <DeedForm
          verb={t('removePlan')}
          submit={async () => {
            await ask('DELETE /plans/{recipient}/{transferYear}', { path });
            done();
          }}
        >
          <span class="hint">{t('removePlanWhy')}</span>
        </DeedForm>
      )}
    </div>
  );
}
