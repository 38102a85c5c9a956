/** Each recipient's volume to the litre, how the plan goes, and where it is heading. */
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import type { Line, Plan } from './books.ts';

interface Row {
  line: Line;
  plan: Plan | undefined;
}

export function Recipients({ lines, plans }: { lines: readonly Line[]; plans: readonly Plan[] }) {
  const rows = lines.map((line) => ({ line, plan: plans.find(({ recipient }) => recipient === line.recipient) }));
  const columns = columnsOf(rows.some(({ plan }) => plan !== undefined));
  return (
    <div class="recipients-table">
      <Table columns={columns} rows={rows} keyOf={({ line }) => line.recipient} caption={t('byRecipient')} />
      <CsvButton file="volumes-by-recipient" text={() => csvOf(columns, rows)} />
    </div>
  );
}

function columnsOf(hasPlans: boolean): Column<Row>[] {
  const total = ({ line }: Row) => line.volumes.total;
  const plans: Column<Row>[] = [
    {
      head: t('plan'),
      align: 'end',
      cell: ({ plan }) => (plan ? <Progress plan={plan} /> : '–'),
      csv: ({ plan }) => plan?.cubicMetres,
      csvHead: 'plan',
    },
    {
      head: t('projection'),
      align: 'end',
      cell: ({ plan }) =>
        plan?.projected == null
          ? '–'
          : `${format.volumeText(plan.projected)} (${format.share(plan.projected / plan.cubicMetres)})`,
      csv: ({ plan }) => plan?.projected,
      csvHead: 'projected',
    },
    {
      head: t('yearOnYear'),
      align: 'end',
      cell: ({ plan }) => <YearOnYear before={plan?.yearBefore} />,
      csv: ({ plan }) => plan?.yearBefore.change,
      csvHead: 'yearOnYear',
    },
  ];
  return [
    {
      head: t('recipient'),
      isName: true,
      cell: ({ line }) => areaName(line.recipient),
      csv: ({ line }) => line.recipient,
      csvHead: 'recipient',
    },
    {
      head: `${t('volume')} m³`,
      align: 'end',
      cell: (row) => <b>{format.litres(total(row).cubicMetres)}</b>,
      csv: (row) => total(row).cubicMetres,
      csvHead: 'cubicMetres',
    },
    {
      head: t('isEstimated'),
      align: 'end',
      cell: (row) => format.litres(total(row).estimated),
      csv: (row) => total(row).estimated,
      csvHead: 'estimated',
    },
    {
      head: t('unknownHoursHead'),
      align: 'end',
      cell: (row) => format.value(Math.round(total(row).unknownHours * 10) / 10),
      csv: (row) => total(row).unknownHours,
      csvHead: 'unknownHours',
    },
    ...(hasPlans ? plans : []),
  ];
}

/** Against a year with unknown hours there is nothing to say yet. */
function YearOnYear({ before }: { before: Plan['yearBefore'] | undefined }) {
  if (!before || before.change === null) return '–';
  const { unknownHours } = before.delivered;
  if (unknownHours >= 1) {
    return <span class="quiet-text">{t('unknownBefore', { n: format.whole(unknownHours) })}</span>;
  }
  return `${before.change >= 0 ? '+' : '−'}${format.share(Math.abs(before.change), 1)}`;
}

function Progress({ plan }: { plan: Plan }) {
  return (
    <span class="progress">
      {format.volumeText(plan.cubicMetres)} · {format.share(plan.progress, 1)}
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="6" class="bar-track" />
        <rect width={Math.min(100, 100 * plan.progress)} height="6" class="bar-measured" />
        <path d={`M${Math.min(99, (100 * plan.planned) / plan.cubicMetres)} 0v6`} class="progress-due" />
      </svg>
    </span>
  );
}
