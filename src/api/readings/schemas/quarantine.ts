/** Quarantine: what was not taken. */
import { z } from 'zod';
import { instantQuery, instantText, limitUpTo, listOf, page } from '#api/schemas.ts';
import { count, fault, faultCode } from './readings.ts';

const filter = {
  gateway: z.string().min(1).max(300).optional().describe('Who sent it: a gateway, or `user:NAME`'),
  code: faultCode.optional(),
  from: instantQuery('It came then or later'),
  to: instantQuery('It came before'),
};
export const quarantineQuery = z.strictObject({ ...page, ...filter });
export const replayQuery = z.strictObject({ ...page, ...filter, limit: limitUpTo(1000) });

export const dismissalOfItem = z.strictObject({ reason: z.string().trim().min(1).max(500).optional() });

const whole = z.number().int();
export const quarantineReplays = z
  .object({
    replayed: whole.describe('Items that left quarantine'),
    left: whole.describe('Items that are still there: nothing of them can be taken'),
    accepted: whole,
    duplicates: whole,
    corrections: whole,
    pending: whole,
    next: z.string().nullable(),
  })
  .meta({
    examples: [{ replayed: 12, left: 1, accepted: 11, duplicates: 1, corrections: 0, pending: 0, next: null }],
  });

export const quarantinePage = listOf(
  z.object({
    id: z.string(),
    at: instantText,
    gateway: z.string().describe('Who sent it: a gateway, or `user:NAME`'),
    ...fault,
    path: z.string().optional(),
    count: count.optional(),
    sample: z.string().describe('The beginning of the payload, as text'),
  }),
).meta({
  examples: [
    {
      items: [
        {
          id: 'q7tLhk3wVbX0aZ1c',
          at: '2026-11-22T00:00:01.200Z',
          gateway: 'gw-taocha',
          code: 'parameter.unknown',
          message: 'There is no parameter "phh".',
          path: 'samples[0].values.phh',
          sample: '{"station":"taocha","time":"2026-11-22T08:00:00+08:00","values":{"phh":7.9}}',
        },
      ],
      next: null,
    },
  ],
});
