/** The operators' figures: what they are asked and what they answer. */
import { z } from 'zod';
import { instantText, range } from '#api/schemas.ts';
import { SEVERITIES } from '#model/alarms/alarm.ts';
import { id } from '#model/register.ts';
import { alarmLoadFields, span } from './rehearsals.ts';

export const figuresQuery = z.strictObject({
  ...range,
  station: id.optional(),
  area: z.string().max(200).optional(),
  rule: id.optional(),
});

const count = z.number().int();
const minutes = z.number().nullable();

export const alarmFigures = z.object({
  ...span.shape,
  count: count.describe('Alarms that people were told of; the other figures are about these'),
  withdrawn: count.describe('Those of them that were withdrawn on better knowledge'),
  suppressed: count.describe('Alarms that nobody is told of by design'),
  late: count.describe('Records of what was found late or in imported history'),
  ...alarmLoadFields,
  chattering: z
    .array(z.object({ key: z.string(), raises: count, since: instantText, count }))
    .describe('The ten keys with the most raises in any 60 minutes, from three on'),
  stale: z.object({
    count,
    longest: z.array(
      z.object({
        id: z.string(),
        key: z.string(),
        raisedAt: instantText,
        clearedAt: instantText.nullable(),
        hours: z.number(),
      }),
    ),
  }),
  acknowledgement: z.object({ count, medianMinutes: minutes, p90Minutes: minutes, never: count }),
  byRule: z.array(z.object({ rule: z.string(), count })),
  byStation: z.array(z.object({ station: z.string(), count })),
  bySeverity: z.record(z.enum(SEVERITIES), count),
  notices: z.array(
    z.object({ channel: z.string(), sent: count, pending: count, failed: count, takenOver: count, grouped: count }),
  ),
});
