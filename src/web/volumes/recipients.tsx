/** Each recipient's volume to the litre, how the plan goes, and where it is heading. */
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { Unknown } from '../ui/unknown.tsx';
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
      <VolumeNotes notes={lines.flatMap(({ volumes }) => volumes.notes ?? [])} />
      <CsvButton file="volumes-by-recipient" text={() => csvOf([...columns, NOTES], rows)} />
    </div>
  );
}

/** Beside the figures in the file; the page has it below them. */
const NOTES: Column<Row> = {
  head: '',
  cell: () => null,
  csv: ({ line }) => (line.volumes.notes ?? []).map(({ code, meters }) => `${code} ${meters.join(' ')}`).join('; '),
  csvHead: 'notes',
};

/** What has to be known of the sums, such as water that is in one of them twice. */
function VolumeNotes({ notes }: { notes: NonNullable<Line['volumes']['notes']> }) {
  return notes.map(({ code, meters, says }) => (
    <p key={`${code} ${meters.join(' ')}`} class="hint is-warning">
      ! {nameOf(says)}
    </p>
  ));
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
      cell: ({ plan }) => <Projection plan={plan} />,
      csv: ({ plan }) => plan?.projected,
      csvHead: 'projected',
    },
    {
      head: t('yearOnYear'),
      align: 'end',
      cell: ({ plan }) => <YearOnYear plan={plan} />,
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
      cell: (row) => <UnknownHours hours={total(row).unknownHours} />,
      csv: (row) => total(row).unknownHours,
      csvHead: 'unknownHours',
    },
    ...(hasPlans ? plans : []),
  ];
}

/** Where too much of either year is unknown there is no change, and one sees why. */
function YearOnYear({ plan }: { plan: Plan | undefined }) {
  if (!plan) return '–';
  const { change, delivered } = plan.yearBefore;
  return (
    <>
      {change === null ? '–' : `${change >= 0 ? '+' : '−'}${format.share(Math.abs(change), 1)}`}{' '}
      <Unknown hours={plan.delivered.unknownHours + delivered.unknownHours} />
    </>
  );
}

function Projection({ plan }: { plan: Plan | undefined }) {
  if (!plan) return '–';
  const { projected, cubicMetres, delivered, runRateUnknownHours } = plan;
  return (
    <>
      {projected === null ? '–' : `${format.volumeText(projected)} (${format.share(projected / cubicMetres)})`}{' '}
      <Unknown hours={Math.max(delivered.unknownHours, runRateUnknownHours)} />
    </>
  );
}

function UnknownHours({ hours }: { hours: number }) {
  const text = format.value(Math.round(hours * 10) / 10);
  return hours > 0 ? <b class="unknown-part">{text}</b> : text;
}

function Progress({ plan }: { plan: Plan }) {
  return (
    <span class="progress">
      {format.volumeText(plan.cubicMetres)} · {format.share(plan.progress, 1)}{' '}
      <Unknown hours={plan.delivered.unknownHours} />
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="6" class="bar-track" />
        <rect width={Math.min(100, 100 * plan.progress)} height="6" class="bar-measured" />
        <path d={`M${Math.min(99, (100 * plan.planned) / plan.cubicMetres)} 0v6`} class="progress-due" />
      </svg>
    </span>
  );
}
