/**
 * A report as CSV for programs: one figure a row under names that never change, so that a script picks its rows by
 * `section`. Volumes in m³ with up to three decimals; what others published has a column of its own.
 */

import type { AmountView } from '#api/books/volume-views.ts';
import type { Report } from '#api/reports/schemas/reports.ts';
import { csvField } from '../csv-field.ts';

const COLUMNS = [
  'section',
  'recipient',
  'meter',
  'start',
  'end',
  'cubicMetres',
  'measured',
  'estimated',
  'unknownHours',
  'share',
  'published1e8m3',
  'text',
] as const;

type Row = { section: string } & Partial<Record<(typeof COLUMNS)[number], string | number | null>>;

export function reportCsv(report: Report): string {
  const rows = [...recipientRows(report), ...breakdownRows(report), ...accountRows(report), ...recordRows(report)];
  return `${[COLUMNS.join(','), ...rows.map(line)].join('\n')}\n`;
}

function line(row: Row): string {
  return COLUMNS.map((column) => {
    const value = row[column] ?? '';
    return typeof value === 'number' ? String(value) : csvField(value);
  }).join(',');
}

function figures({ cubicMetres, measured, estimated, unknownHours }: AmountView) {
  return { cubicMetres, measured, estimated, unknownHours };
}

/** An empty recipient stands for all of them. */
function recipientRows(report: Report): Row[] {
  const { start, through: end, recipients, total } = report;
  return [...recipients, { recipient: '', share: null, ...total }].flatMap((one): Row[] => {
    const { recipient } = one;
    const { change, transferYear, ...before } = one.yearBefore;
    return [
      { section: 'period', recipient, start, end, ...figures(one), share: one.share },
      { section: 'transfer-year', recipient, end, ...figures(one.transferYear), text: report.transferYear },
      { section: 'year-before', recipient, ...figures(before), share: change, text: transferYear },
      ...(one.sinceInauguration
        ? [{ section: 'since-inauguration', recipient, end, ...figures(one.sinceInauguration) }]
        : []),
      ...(one.plan
        ? [
            { section: 'plan', recipient, cubicMetres: one.plan.cubicMetres, text: report.transferYear },
            { section: 'plan-by-then', recipient, end, cubicMetres: one.plan.planned },
            { section: 'plan-delivered', recipient, end, ...figures(one.plan.delivered), share: one.plan.progress },
          ]
        : []),
    ];
  });
}

function breakdownRows({ breakdown, yearByMonth }: Report): Row[] {
  const section = breakdown.by;
  return [
    ...breakdown.items.flatMap(({ start, end, recipients, ...all }): Row[] => [
      ...recipients.map((one) => ({ section, recipient: one.recipient, start, end, ...figures(one) })),
      { section, start, end, ...figures(all) },
    ]),
    ...yearByMonth.map((month) => ({ section: 'year-month', start: month.start, end: month.end, ...figures(month) })),
  ];
}

function accountRows({ start, through: end, balance, divergences, notes }: Report): Row[] {
  const { intake, delivery, release, ecological, loss, lossShare, lossUnknownHours } = balance;
  return [
    ...Object.entries({ intake, delivery, release, ecological }).map(([section, amount]) => ({
      section,
      start,
      end,
      ...figures(amount),
    })),
    { section: 'loss', start, end, cubicMetres: loss, unknownHours: lossUnknownHours, share: lossShare },
    ...divergences.map(({ meter, against, difference, share, unknownHours }) => {
      return { section: 'divergence', meter, start, end, cubicMetres: difference, share, unknownHours, text: against };
    }),
    ...(notes ?? []).map(({ code, meters: [meter, other] }) => ({ section: code, meter, start, end, text: other })),
  ];
}

function recordRows({ decisions, closing, published, source }: Report): Row[] {
  const record = closing && { section: closing.kind, end: closing.at, text: closing.sha256 };
  return [
    ...decisions.items.map(({ meter, since, time, booked, kind, reason }) => {
      return { section: 'decision', meter, start: since, end: time, cubicMetres: booked, text: `${kind}: ${reason}` };
    }),
    ...(record ? [record] : []),
    ...(closing?.sinceLast ?? []).map(({ meter, recipient, measures, ...amount }) => {
      return { section: 'restatement', recipient, meter, ...figures(amount), text: measures };
    }),
    ...published.map(
      ({ id, kind, from, at, recipient, counts, volume1e8m3, comparison, confidence, source: from_, note }) => ({
        section: kind === 'annual-plan' ? 'published-plan' : 'published',
        recipient: recipient ?? null,
        start: from ?? null,
        end: at,
        published1e8m3: volume1e8m3,
        text: [id, counts, comparison, confidence, from_, note].filter((part) => part !== undefined).join('; '),
      }),
    ),
    { section: 'source', end: source.madeAt, text: source.again },
    { section: 'version', text: source.codeVersion },
  ];
}
