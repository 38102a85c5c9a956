/** What was decided about single reads of meters, and what an engineer rules instead. */
import { z } from 'zod';
import { instantText, listOf, page, range } from '#api/schemas.ts';
import { RULING_KINDS } from '#model/accounting.ts';
import { id } from '#model/register.ts';
import { DECISION_KINDS } from '#volume/decisions.ts';

const reason = z.string().trim().min(1).max(500);

export const decisionsQuery = z.strictObject({
  meter: id.optional(),
  ...range,
  kind: z.enum(DECISION_KINDS).optional(),
  ...page,
});

export const rulingBody = z
  .strictObject({
    meter: id,
    time: z.string().max(64).describe('Of the read that is ruled about, to the millisecond'),
    kind: z.enum(RULING_KINDS),
    reason,
  })
  .meta({
    examples: [
      {
        meter: 'beijing-delivery',
        time: '2026-11-22T08:00:00+08:00',
        kind: 'glitch',
        reason: 'The logger was restarted; see the field note.',
      },
    ],
  });

export const rulingView = z
  .object({
    id: z.string(),
    meter: z.string(),
    time: instantText,
    kind: z.enum(RULING_KINDS),
    reason: z.string(),
    seq: z.number().int(),
    at: instantText,
  })
  .meta({
    examples: [
      {
        id: 'beijing-delivery.1795305600000',
        meter: 'beijing-delivery',
        time: '2026-11-22T00:00:00.000Z',
        kind: 'glitch',
        reason: 'The logger was restarted; see the field note.',
        seq: 4711,
        at: '2026-11-22T02:00:00.000Z',
      },
    ],
  });

export const decision = z.object({
  id: z.string().describe('What `DELETE /volumes/decisions/{id}` takes when it is an engineer’s'),
  meter: z.string(),
  time: instantText,
  kind: z.enum(DECISION_KINDS),
  since: instantText.nullable().describe('Time of the read that it was compared with'),
  before: z.number().nullable().describe('m³ on the register then; for a flow m³/s'),
  after: z.number().nullable().describe('m³ on the register at `time`; for a flow m³/s'),
  booked: z.number().nullable().describe('m³ from `since` to `time`; null: nothing is booked'),
  reason: z.string(),
  ruledBy: z.string().nullable().describe('The engineer who ruled so; null: by rule'),
  ruledAt: instantText.nullable(),
});

export const decisionsPage = listOf(decision).meta({
  examples: [
    {
      items: [
        {
          id: 'beijing-delivery.1795305600000',
          meter: 'beijing-delivery',
          time: '2026-11-22T00:00:00.000Z',
          kind: 'rollover',
          since: '2026-11-21T23:00:00.000Z',
          before: 9999999950,
          after: 50,
          booked: 100,
          reason: "fell, and with the register's size added the rise is plausible",
          ruledBy: null,
          ruledAt: null,
        },
      ],
      next: null,
    },
  ],
});
