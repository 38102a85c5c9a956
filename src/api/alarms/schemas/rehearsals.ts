/** A rehearsal of a rule: what it is asked and what it answers. */
import { z } from 'zod';
import { ruleBody, says } from '#api/registers/schemas/registers.ts';
import { instantQuery, instantText } from '#api/schemas.ts';
import { SEVERITIES } from '#model/alarms/alarm.ts';
import { id } from '#model/register.ts';
import { alarm } from './alarms.ts';

export const rehearsalBody = z
  .strictObject({
    rule: ruleBody,
    id: id.optional().describe('The rule that it would replace: what that one raised is compared with'),
    from: z.string().max(64).describe('Start of the range, inclusive'),
    to: instantQuery('End of the range, exclusive; now unless told'),
  })
  .meta({
    examples: [
      {
        rule: { kind: 'threshold', parameters: ['turbidity'], above: 30, severity: 'minor', for: 'PT10M' },
        id: 'turbid',
        from: '2026-10-01T00:00:00+08:00',
        to: '2026-11-01T00:00:00+08:00',
      },
    ],
  });

/** `breach.most`: more than half of what was judged broke the rule. */
const REHEARSAL_WARNINGS = ['breach.most'] as const;

const count = z.number().int();
export const span = z.object({ from: instantText, to: instantText });

/** What one stream of alarms asks of the person who gets them. */
export const alarmLoadFields = {
  per10Min: z
    .object({ mean: z.number(), max: count, shareAbove10: z.number() })
    .describe('New alarms in the ten-minute windows of the range; the share of windows with more than ten'),
  minutesInFlood: z.number().describe('From more than ten new alarms in ten minutes until there are fewer than five'),
  floods: z.array(span),
};

export const rehearsalAnswer = z.object({
  id: z.string().nullable().describe('The rule that it would replace'),
  ...span.shape,
  lookBackFrom: instantText.describe('Readings were judged from here on, so that holds are right at `from`'),
  readings: count,
  series: count,
  says,
  judged: count.describe('Values of the range that were held against the rule: readings, or what it derives of them'),
  breaches: count.describe('Those of them that broke it'),
  breachShare: z.number().nullable().describe('`breaches` of `judged`; null when nothing was judged'),
  warnings: z
    .array(z.object({ code: z.enum(REHEARSAL_WARNINGS), zh: z.string(), en: z.string() }))
    .describe('What makes it doubtful that the rule says what was meant'),
  count: count.describe('Alarms that it would have raised'),
  cleared: count.describe('Those of them that were over by `to`'),
  standing: count,
  stoodMinutes: z.object({ median: z.number(), max: z.number() }).nullable(),
  bySeverity: z.record(z.enum(SEVERITIES), count),
  byStation: z.array(z.object({ station: z.string(), count })),
  byChannel: z
    .array(z.object({ channel: z.string(), count }))
    .describe('Alarms that the present routes would tell each channel of'),
  suppressed: count.describe('Raised in maintenance windows: told to nobody, and no part of the figures of load'),
  ...alarmLoadFields,
  alarms: z.array(alarm).describe('Newest first, at most 1,000'),
  comparison: z
    .object({ present: count, missed: count, added: count })
    .nullable()
    .describe('Alarms of the rule with this `id` in the range; without one here; of this one without one there'),
  missed: z.array(alarm).describe('What the present rule raised and this one would not; newest first, at most 1,000'),
});
