/** Reports of a day, a month or a transfer year, and the list of those that are kept, closed or due. */
import { z } from 'zod';
import { amount, balanceFigures, divergence } from '#api/books/schemas/balances.ts';
import { progressFigures } from '#api/books/schemas/plans.ts';
import { volumeNotes } from '#api/books/schemas/statistics.ts';
import { decision } from '#api/books/schemas/volumes.ts';
import { bomQuery, instantQuery, instantText, listOf, page } from '#api/schemas.ts';
import { reportName } from '#model/accounting.ts';
import { statement } from '#model/register.ts';

const edge = z.string().describe("RFC 3339 with the zone's offset");
const KINDS = ['day', 'month', 'transfer-year'] as const;
export const REPORT_FORMATS = ['json', 'csv', 'xlsx', 'html'] as const;

export const reportParams = z.object({ period: reportName });
export const reportQuery = z.strictObject({
  format: z.enum(REPORT_FORMATS).optional().describe('What `Accept` asks for unless told; JSON unless that says'),
  lang: z.enum(['zh', 'en']).default('zh').describe('Of XLSX and HTML; JSON and CSV have the same names everywhere'),
  asOf: instantQuery('As it was known then'),
  bom: bomQuery,
});
export const reportsQuery = z.strictObject({ ...page });

const planView = z.object({ cubicMetres: z.number(), source: z.string().nullable(), ...progressFigures });
const figures = {
  meters: z.number().int().describe('How many meters the figures are sums of'),
  ...amount,
  transferYear: z.object(amount).describe('Since the transfer year began'),
  yearBefore: z
    .object({
      transferYear: z.string(),
      ...amount,
      change: z
        .number()
        .nullable()
        .describe('Of this year against that one, as a share; null: nothing then, or too much of either unknown'),
    })
    .describe('The same days of the transfer year before'),
  sinceInauguration: z
    .object(amount)
    .nullable()
    .describe('Since 2014-12-12 14:32 +08:00; null with `asOf`, which reaches back 400 days'),
};

const closing = z.object({
  kind: z.enum(['kept', 'closed']).describe('A day’s report is kept, a month or a transfer year is closed'),
  at: instantText,
  by: z.string(),
  reason: z.string().nullable(),
  restatements: z.number().int(),
  sha256: z.string(),
  query: z.string(),
  throughSeq: z.number().int(),
  codeVersion: z.string(),
  rules: z.number().int().describe('Of counting (docs/numbers.md); 1 where none was named'),
  sinceLast: z
    .array(
      z.object({ meter: z.string().nullable(), recipient: z.string().nullable(), measures: z.string(), ...amount }),
    )
    .describe('What the books say less what was put on record last: restatement lines; empty: nothing has changed'),
});

export const report = z
  .object({
    period: z.string(),
    kind: z.enum(KINDS),
    timeZone: z.string(),
    start: edge,
    end: edge,
    through: edge.describe('How far the figures go: the end, or now'),
    provisional: z.boolean().describe('An hour of the period is still open'),
    unit: z.literal('m3'),
    transferYear: z.string(),
    recipients: z.array(
      z.object({
        recipient: z.string(),
        ...figures,
        share: z.number().nullable().describe('Of what all recipients got; null while too much of it is unknown'),
        plan: planView.nullable(),
      }),
    ),
    total: z.object({
      ...figures,
      plan: z
        .object({
          cubicMetres: z.number(),
          delivered: z.object(amount),
          progress: z.number(),
          planned: z.number(),
          months: z
            .array(z.object({ end: edge, planned: z.number() }))
            .describe('By the end of each month of the year'),
        })
        .nullable()
        .describe('Null unless every recipient has a plan'),
    }),
    breakdown: z
      .object({
        by: z.enum(['hour', 'day', 'month']),
        items: z.array(
          z.object({
            start: edge,
            end: edge,
            ...amount,
            recipients: z.array(z.object({ recipient: z.string(), ...amount })),
          }),
        ),
      })
      .describe('Adds up to the figures above, to the litre'),
    yearByMonth: z
      .array(z.object({ start: edge, end: edge, ...amount, cumulative: z.number(), planned: z.number().nullable() }))
      .describe('The transfer year so far; `planned` = by the end of the month'),
    balance: z
      .object({ shift: z.literal('travel'), ...balanceFigures })
      .describe('As `GET /balances`: with travel times, so that deliveries may differ from those above'),
    divergences: z.array(divergence),
    notes: volumeNotes.optional(),
    decisions: z.object({ items: z.array(decision), more: z.boolean().describe('Older ones are not listed') }),
    closing: closing.nullable(),
    published: z
      .array(z.object({ id: z.string(), ...statement.shape }))
      .describe(
        'Figures that others have published up to the end of this transfer year, as they stand: in no sum here',
      ),
    source: z.object({
      query: z.string(),
      again: z.string().describe('Gives these figures again, whatever is corrected later'),
      asOf: instantText.nullable(),
      madeAt: instantText,
      throughSeq: z.number().int().nullable().describe('Everything journaled up to here is in it; null with `asOf`'),
      limits: z.object({
        allowedLatenessMs: z.number(),
        unknownTolerance: z.number(),
        decisionsMax: z.number(),
        asOfDaysMax: z.number(),
      }),
      codeVersion: z.string(),
      rules: z.number().int().describe('Of counting (docs/numbers.md)'),
    }),
  })
  .meta({ examples: [exampleReport()] });
export type Report = z.infer<typeof report>;

export const reportList = listOf(
  z.object({
    period: z.string(),
    kind: z.enum(KINDS),
    start: edge,
    end: edge,
    state: z.enum(['kept', 'closed', 'due']).describe('`due`: it will be kept or closed, or is to be closed by hand'),
    at: instantText.nullable(),
    by: z.string().nullable(),
    restatements: z.number().int(),
    sha256: z.string().nullable(),
  }),
).meta({
  examples: [
    {
      items: [
        {
          period: '2026-11-22',
          kind: 'day',
          start: '2026-11-22T00:00:00+08:00',
          end: '2026-11-23T00:00:00+08:00',
          state: 'kept',
          at: '2026-11-23T00:00:00.412Z',
          by: 'system',
          restatements: 0,
          sha256: '5d41402abc4b2a76b9719d911017c592ae2f9b0c7d0b8c1f0e6c4a8d2e1f3a5b',
        },
      ],
      next: null,
    },
  ],
});

function exampleReport() {
  const water = { cubicMetres: 2592000, measured: 2592000, estimated: 0, unknownHours: 0 };
  const none = { cubicMetres: 0, measured: 0, estimated: 0, unknownHours: 0 };
  const day = { start: '2026-11-22T00:00:00+08:00', end: '2026-11-23T00:00:00+08:00' };
  const figuresOfDay = {
    meters: 1,
    ...water,
    transferYear: water,
    yearBefore: { transferYear: '2025-26', ...none, change: null },
    sinceInauguration: water,
  };
  return {
    period: '2026-11-22',
    kind: 'day',
    timeZone: 'Asia/Shanghai',
    ...day,
    through: day.end,
    provisional: false,
    unit: 'm3',
    transferYear: '2026-27',
    recipients: [{ recipient: 'beijing', ...figuresOfDay, share: 1, plan: null }],
    total: { ...figuresOfDay, plan: null },
    breakdown: { by: 'hour', items: [{ ...day, ...water, recipients: [{ recipient: 'beijing', ...water }] }] },
    yearByMonth: [{ start: '2026-11-01T00:00:00+08:00', end: day.end, ...water, cumulative: 2592000, planned: null }],
    balance: {
      shift: 'travel',
      intake: none,
      delivery: water,
      release: none,
      ecological: none,
      loss: null,
      lossShare: null,
      lossUnknownHours: 0,
    },
    divergences: [],
    decisions: { items: [], more: false },
    closing: null,
    published: [],
    source: {
      query: '/api/v1/reports/2026-11-22',
      again: '/api/v1/reports/2026-11-22?asOf=2026-11-23T00:00:00.411Z',
      asOf: null,
      madeAt: '2026-11-23T00:00:00.412Z',
      throughSeq: 4711,
      limits: { allowedLatenessMs: 7200000, unknownTolerance: 0.01, decisionsMax: 500, asOfDaysMax: 400 },
      codeVersion: '0.1.0',
      rules: 2,
    },
  };
}
