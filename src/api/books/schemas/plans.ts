/** Plans of transfer years and how they go. */
import { z } from 'zod';
import { instantText, listOf } from '#api/schemas.ts';
import { plan as planSchema } from '#model/accounting.ts';
import { id } from '#model/register.ts';
import { amount } from './balances.ts';

const edge = z.string().describe("RFC 3339 with the zone's offset");
const transferYear = z
  .string()
  .regex(/^\d{4}-\d{2}$/, 'a transfer year is 2025-26')
  .describe('1 November to 31 October');

export const planParams = z.object({ recipient: id, transferYear });
export const plansQuery = z.strictObject({ recipient: id.optional(), transferYear: transferYear.optional() });
export const planBody = planSchema.meta({
  examples: [{ cubicMetres: 1100000000, source: 'Ministry of Water Resources' }],
});

const plan = {
  recipient: z.string(),
  transferYear: z.string(),
  cubicMetres: z.number(),
  months: z.array(z.number()).optional(),
  source: z.string().optional(),
  note: z.string().optional(),
};

export const progressFigures = {
  delivered: z.object(amount),
  progress: z.number().describe('Delivered of the plan'),
  planned: z.number().describe('m³ that the plan has had delivered by now'),
  runRate: z.number().nullable().describe('m³ a day over the last 30 days of the year so far'),
  runRateUnknownHours: z.number().describe('Hours of those days of which nothing is known, summed over meters'),
  projected: z
    .number()
    .nullable()
    .describe(
      'm³ that the year comes to at that rate; null while too much of the year so far or of those days is unknown',
    ),
  completion: instantText
    .nullable()
    .describe('When the plan is reached at that rate; null: reached, not in sight, or too much unknown'),
};

export const planProgress = z
  .object({
    ...plan,
    start: edge,
    end: edge,
    at: instantText.describe('How far the year has got'),
    ...progressFigures,
    yearBefore: z
      .object({
        transferYear: z.string(),
        delivered: z.object(amount).describe('To the same day of that year'),
        change: z
          .number()
          .nullable()
          .describe('Of this year against that one, as a share; null while too much of either is unknown'),
      })
      .describe('Year on year'),
  })
  .meta({
    examples: [
      {
        recipient: 'beijing',
        transferYear: '2025-26',
        cubicMetres: 1100000000,
        source: 'Ministry of Water Resources',
        start: '2025-11-01T00:00:00+08:00',
        end: '2026-11-01T00:00:00+08:00',
        at: '2026-05-01T00:00:00.000Z',
        delivered: { cubicMetres: 550000000, measured: 550000000, estimated: 0, unknownHours: 0 },
        progress: 0.5,
        planned: 546600000,
        runRate: 3000000,
        runRateUnknownHours: 0,
        projected: 1102000000,
        completion: '2026-10-31T08:00:00.000Z',
        yearBefore: {
          transferYear: '2024-25',
          delivered: { cubicMetres: 500000000, measured: 500000000, estimated: 0, unknownHours: 0 },
          change: 0.1,
        },
      },
    ],
  });
export type PlanProgress = z.infer<typeof planProgress>;

export const planList = listOf(planProgress);
