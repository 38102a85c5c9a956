/** Closed periods: their manifest, and what has changed since. */
import { z } from 'zod';
import { instantText, listOf } from '#api/schemas.ts';
import { periodName } from '#model/accounting.ts';
import { MEASURES } from '#model/register.ts';

const figures = {
  cubicMetres: z.number(),
  measured: z.number(),
  estimated: z.number(),
  unknownHours: z.number(),
};
const line = { meter: z.string(), recipient: z.string().nullable(), measures: z.enum(MEASURES) };
const edge = z.string().describe("RFC 3339 with the zone's offset");

export const periodParams = z.object({ period: periodName });
export const closeBody = z
  .strictObject({ reason: z.string().trim().min(1).max(500).optional() })
  .default({})
  .meta({ examples: [{ reason: 'Monthly closing' }] });
export const restateBody = z
  .strictObject({ reason: z.string().trim().min(1).max(500) })
  .meta({ examples: [{ reason: 'The register of Xiheishan was misread on 12 October; minutes of 3 December.' }] });

const cause = z
  .enum(['readings', 'rules', 'both'])
  .describe('`readings`: readings, registers or rulings have changed since; `rules`: only the rules of counting have');

const closing = z.object({
  closedAt: instantText,
  by: z.string(),
  reason: z.string().nullable(),
  query: z.string().describe('What gives the same figures: one request for each meter, `{meter}` put in'),
  throughSeq: z.number().int().describe('Everything journaled up to here is in the figures'),
  versions: z.record(z.string(), z.number().int()).describe('Of the register entry of each meter'),
  limits: z.object({ allowedLatenessMs: z.number() }),
  codeVersion: z.string(),
  rules: z.number().int().describe('Of counting (docs/numbers.md); 1 for closings of before they had a number'),
  meters: z
    .array(z.object({ ...line, ...figures }))
    .describe(
      'Of a meter that was handed over within the period each recipient has a line; together they are the query’s',
    ),
  sha256: z.string().describe('Of the manifest as canonical JSON (keys sorted, litres as integers)'),
});

export const periodView = z
  .object({
    period: z.string(),
    kind: z.enum(['month', 'transfer-year']),
    start: edge,
    end: edge,
    timeZone: z.string(),
    closings: z.array(closing).describe('The first closing and every restatement, oldest first'),
    rules: z.number().int().describe('The rules of counting of now: equal ones give the figures of a closing again'),
    sinceLast: z
      .array(z.object({ ...line, ...figures, cause }))
      .describe(
        'What the books say now less the last closing, by meter, recipient and what is measured; empty: nothing has changed',
      ),
  })
  .meta({
    examples: [
      {
        period: '2026-10',
        kind: 'month',
        start: '2026-10-01T00:00:00+08:00',
        end: '2026-11-01T00:00:00+08:00',
        timeZone: 'Asia/Shanghai',
        closings: [
          {
            closedAt: '2026-11-02T00:00:00.000Z',
            by: 'auditor',
            reason: 'Monthly closing',
            query:
              '/api/v1/volumes?meter={meter}&from=2026-09-30T16:00:00.000Z&to=2026-10-31T16:00:00.000Z&by=total&asOf=2026-11-02T00:00:00.000Z',
            throughSeq: 4711,
            versions: { 'beijing-delivery': 17 },
            limits: { allowedLatenessMs: 7200000 },
            codeVersion: '0.1.0',
            rules: 2,
            meters: [
              {
                meter: 'beijing-delivery',
                recipient: 'beijing',
                measures: 'delivery',
                cubicMetres: 93000000.125,
                measured: 93000000.125,
                estimated: 0,
                unknownHours: 0,
              },
            ],
            sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
          },
        ],
        rules: 2,
        sinceLast: [
          {
            meter: 'beijing-delivery',
            recipient: 'beijing',
            measures: 'delivery',
            cubicMetres: -120,
            measured: -120,
            estimated: 0,
            unknownHours: 0,
            cause: 'readings',
          },
        ],
      },
    ],
  });
export type PeriodView = z.infer<typeof periodView>;

export const periodList = listOf(
  z.object({
    period: z.string(),
    kind: z.enum(['month', 'transfer-year']),
    closedAt: instantText,
    by: z.string(),
    restatements: z.number().int(),
    sha256: z.string(),
  }),
);
