/**
 * A report as tables with words for people: what XLSX and HTML show, in the same order. A cell keeps its number; how it
 * is written is for the format.
 */

import type { AmountView } from '#api/books/volume-views.ts';
import type { Report } from '#api/reports/schemas/reports.ts';
import { zonedTexts } from '../instants.ts';
import { recipientName, type Words } from './words.ts';

/** `instant` cells are RFC 3339 text, `share` cells a fraction. */
export type CellKind = 'text' | 'code' | 'volume' | 'hours' | 'share' | 'count' | 'instant' | 'hundredMillion';

export interface Column {
  title: string;
  kind: CellKind;
}

export interface Table {
  id: string;
  title: string;
  notes: string[];
  columns: Column[];
  rows: (string | number | null)[][];
  /** The last row is the sum of those above it. */
  hasTotal: boolean;
  /** By the place of a volume that of its unknown hours, where a page has no room for a column of them. */
  unknownAt?: Readonly<Record<number, number>>;
}

export function reportTables(report: Report, words: Words): Table[] {
  return [
    summary(report, words),
    year(report, words),
    ...(report.recipients.some((one) => one.plan !== null) ? [plan(report, words)] : []),
    breakdown(report, words),
    balance(report, words),
    ...(report.divergences.length > 0 ? [divergences(report, words)] : []),
    ...(report.decisions.items.length > 0 ? [decisions(report, words)] : []),
    record(report, words),
    ...(report.published.length > 0 ? [published(report, words)] : []),
    source(report, words),
  ];
}

const column = (title: string, kind: CellKind): Column => ({ title, kind });

function amountColumns(words: Words, title = words.supplied): Column[] {
  return [
    column(title, 'volume'),
    column(words.measured, 'volume'),
    column(words.estimated, 'volume'),
    column(words.unknownHours, 'hours'),
  ];
}

function amountCells({ cubicMetres, measured, estimated, unknownHours }: AmountView): number[] {
  return [cubicMetres, measured, estimated, unknownHours];
}

/** Why there are dashes, where hours are unknown. */
function unknownNote({ source: { limits } }: Report, words: Words, amounts: readonly AmountView[]): string[] {
  if (amounts.every(({ unknownHours }) => unknownHours === 0)) return [];
  return [words.tooUnknown.replace('{share}', `${Number((limits.unknownTolerance * 100).toPrecision(12))} %`)];
}

/** Recipients with their names, and all of them in the last row. */
function withTotal({ recipients, total }: Report, words: Words) {
  return [
    ...recipients.map((one) => ({ name: recipientName(words, one.recipient), ...one })),
    { name: words.all, share: null, ...total },
  ];
}

function summary(report: Report, words: Words): Table {
  return {
    id: 'summary',
    title: words.summary,
    notes: [
      ...(report.recipients.length === 0 ? [words.noData] : unknownNote(report, words, [report.total])),
      ...(report.notes ?? []).map(({ says }) => says[words.tongue]),
    ],
    columns: [
      column(words.recipient, 'text'),
      ...amountColumns(words),
      column(words.share, 'share'),
      column(words.meters, 'count'),
    ],
    rows: withTotal(report, words).map((one) => [one.name, ...amountCells(one), one.share, one.meters]),
    hasTotal: true,
  };
}

function year(report: Report, words: Words): Table {
  return {
    id: 'year',
    title: `${words.year} ${report.transferYear}`,
    notes: unknownNote(report, words, [report.total.transferYear, report.total.yearBefore]),
    columns: [
      column(words.recipient, 'text'),
      ...amountColumns(words, words.yearSoFar),
      column(words.yearBefore, 'volume'),
      column(`${words.yearBefore}: ${words.unknownHours}`, 'hours'),
      column(words.change, 'share'),
      column(words.sinceInauguration, 'volume'),
      column(`${words.sinceInauguration}: ${words.unknownHours}`, 'hours'),
    ],
    rows: withTotal(report, words).map(({ name, transferYear, yearBefore, sinceInauguration }) => [
      name,
      ...amountCells(transferYear),
      yearBefore.cubicMetres,
      yearBefore.unknownHours,
      yearBefore.change,
      sinceInauguration?.cubicMetres ?? null,
      sinceInauguration?.unknownHours ?? null,
    ]),
    hasTotal: true,
  };
}

function plan(report: Report, words: Words): Table {
  return {
    id: 'plan',
    title: `${words.plan} ${report.transferYear}`,
    notes: [],
    columns: [
      column(words.recipient, 'text'),
      column(words.plan, 'volume'),
      column(words.plannedByThen, 'volume'),
      column(words.delivered, 'volume'),
      column(words.progress, 'share'),
      column(words.unknownHours, 'hours'),
    ],
    rows: withTotal(report, words).map(({ name, plan: own }) => [
      name,
      own?.cubicMetres ?? null,
      own?.planned ?? null,
      own?.delivered.cubicMetres ?? null,
      own?.progress ?? null,
      own?.delivered.unknownHours ?? null,
    ]),
    hasTotal: true,
  };
}

/** Unknown hours by recipient stand last, so that columns keep their places. */
function breakdown({ breakdown: { by, items }, recipients, total }: Report, words: Words): Table {
  const [first, ...others] = amountColumns(words, words.all);
  return {
    id: 'breakdown',
    title: words.breakdown[by],
    notes: [],
    columns: [
      column(words.start, 'instant'),
      column(words.end, 'instant'),
      ...recipients.map(({ recipient }) => column(recipientName(words, recipient), 'volume')),
      first!,
      ...others,
      ...recipients.map(({ recipient }) =>
        column(`${recipientName(words, recipient)}: ${words.unknownHours}`, 'hours'),
      ),
    ],
    rows: [
      ...items.map((item) => [
        item.start,
        item.end,
        ...item.recipients.map(({ cubicMetres }) => cubicMetres),
        ...amountCells(item),
        ...item.recipients.map(({ unknownHours }) => unknownHours),
      ]),
      [
        words.all,
        null,
        ...recipients.map(({ cubicMetres }) => cubicMetres),
        ...amountCells(total),
        ...recipients.map(({ unknownHours }) => unknownHours),
      ],
    ],
    unknownAt: Object.fromEntries(recipients.map((_, index) => [2 + index, 6 + recipients.length + index])),
    hasTotal: true,
  };
}

function balance(report: Report, words: Words): Table {
  const { intake, delivery, release, ecological, loss, lossShare, lossUnknownHours } = report.balance;
  const amounts = { intake, delivery, release, ecological };
  return {
    id: 'balance',
    title: words.balance,
    notes: [
      words.balanceNote,
      ...(lossUnknownHours > 0 ? [words.lossUnknown] : []),
      ...(loss === null ? [words.noLoss] : []),
      ...unknownNote(report, words, Object.values(amounts)),
    ],
    columns: [column(words.item, 'text'), ...amountColumns(words, words.volume), column(words.lossShare, 'share')],
    rows: [
      ...Object.entries(amounts).map(([name, amount]) => [
        words[name as keyof typeof amounts],
        ...amountCells(amount),
        null,
      ]),
      [words.loss, loss, null, null, lossUnknownHours, lossShare],
    ],
    hasTotal: true,
  };
}

function divergences(report: Report, words: Words): Table {
  return {
    id: 'divergences',
    title: words.divergences,
    notes: [],
    columns: [
      column(words.meter, 'code'),
      column(words.volume, 'volume'),
      column(words.against, 'code'),
      column(words.againstVolume, 'volume'),
      column(words.difference, 'volume'),
      column(words.share, 'share'),
      column(words.unknownHours, 'hours'),
    ],
    rows: report.divergences.map((one) => [
      one.meter,
      one.cubicMetres,
      one.against,
      one.againstCubicMetres,
      one.difference,
      one.share,
      one.unknownHours,
    ]),
    hasTotal: false,
  };
}

function decisions({ decisions: { items, more }, timeZone }: Report, words: Words): Table {
  const local = zonedTexts(timeZone);
  return {
    id: 'decisions',
    title: words.decisions,
    notes: more ? [words.decisionsMore] : [],
    columns: [
      column(words.meter, 'code'),
      column(words.time, 'instant'),
      column(words.kind, 'text'),
      column(words.booked, 'volume'),
      column(words.reason, 'text'),
      column(words.by, 'text'),
    ],
    rows: items.map(({ meter, time, kind, booked, reason, ruledBy }) => {
      return [meter, local(Date.parse(time)), words.kinds[kind] ?? kind, booked, reason, ruledBy ?? words.rule];
    }),
    hasTotal: false,
  };
}

function record({ closing, timeZone }: Report, words: Words): Table {
  const local = zonedTexts(timeZone);
  const lines = closing?.sinceLast ?? [];
  return {
    id: 'record',
    title: words.record,
    notes: closing
      ? [
          `${closing.kind === 'kept' ? words.kept : words.closed}: ${local(Date.parse(closing.at))}, ${closing.by}`,
          ...(closing.reason ? [`${words.reason}: ${closing.reason}`] : []),
          ...(closing.restatements > 0 ? [`${words.restatements}: ${closing.restatements}`] : []),
          `${words.manifest}: ${closing.sha256}`,
          lines.length === 0 ? words.unchanged : words.changed,
        ]
      : [words.open],
    columns: [
      column(words.meter, 'code'),
      column(words.recipient, 'text'),
      column(words.measures, 'text'),
      ...amountColumns(words, words.volume),
    ],
    rows: lines.map(({ meter, recipient, measures, ...amount }) => {
      const kind = words[measures as 'intake' | 'delivery' | 'release' | 'ecological'];
      return [meter, recipientName(words, recipient), kind, ...amountCells(amount)];
    }),
    hasTotal: false,
  };
}

function published(report: Report, words: Words): Table {
  return {
    id: 'published',
    title: words.published,
    notes: [words.publishedNote, words.confidenceNote],
    columns: [
      column(words.from, 'text'),
      column(words.at, 'text'),
      column(words.route, 'text'),
      column(words.counts, 'text'),
      column(words.recipient, 'text'),
      column(words.comparison, 'text'),
      column(`${words.volume} (${words.hundredMillion})`, 'hundredMillion'),
      column(`${words.plan} (${words.hundredMillion})`, 'hundredMillion'),
      column(words.confidence, 'text'),
      column(words.citation, 'text'),
      column(words.note, 'text'),
    ],
    rows: report.published.map((one) => [
      one.from ?? '',
      // To the day or, with its offset as published, to the minute.
      one.at.replace(/T(\d\d:\d\d):\d\d/, ' $1 '),
      words.routes[one.route],
      words.countsOf[one.counts],
      recipientName(words, one.recipient),
      one.comparison,
      ...(one.kind === 'annual-plan' ? [null, one.volume1e8m3] : [one.volume1e8m3, one.plan1e8m3 ?? null]),
      one.confidence,
      one.source,
      one.note ?? '',
    ]),
    hasTotal: false,
  };
}

function source({ source: from, timeZone }: Report, words: Words): Table {
  return {
    id: 'source',
    title: words.source,
    notes: [],
    columns: [column(words.item, 'text'), column(words.content, 'code')],
    rows: [
      [words.query, from.query],
      [words.again, from.again],
      [words.madeAt, zonedTexts(timeZone)(Date.parse(from.madeAt))],
      ...(from.asOf === null ? [] : [[words.asOf, from.asOf]]),
      ...(from.throughSeq === null ? [] : [[words.throughSeq, String(from.throughSeq)]]),
      [words.lateness, `${from.limits.allowedLatenessMs / 60_000} min`],
      [words.codeVersion, from.codeVersion],
      [words.rules, String(from.rules)],
    ],
    hasTotal: false,
  };
}
