/** Alarms, their timelines, notices, and what may be done to them. */
import { z } from 'zod';
import { instantText, listOf, page, range } from '#api/schemas.ts';
import { ALARM_BASES, ALARM_EVENTS, ALARM_STATES, SEVERITIES } from '#model/alarms/alarm.ts';
import { COUNTED_EVENTS } from '#model/alarms/counted.ts';
import { CLASSES, TARGETS } from '#model/class.ts';
import { id } from '#model/register.ts';

const instantOrNull = instantText.nullable();

const censored = z
  .enum(['<', '>'])
  .describe('The true value lies below or above `value`, which is a limit of the instrument');
const inTongues = z.object({ zh: z.string(), en: z.string() });

export const alarm = z
  .object({
    id: z.string(),
    key: z.string().describe('RULE/STATION/PARAMETER'),
    rule: z.string(),
    station: z.string(),
    parameter: z.string(),
    severity: z.enum(SEVERITIES),
    state: z.enum(ALARM_STATES),
    breachStart: instantText,
    raisedAt: instantText,
    detectedAt: instantText,
    acknowledgedAt: instantOrNull,
    acknowledgedBy: z.string().nullable(),
    clearedAt: instantOrNull,
    value: z.number().nullable().describe('null for platform alarms, silence and expressions'),
    censored: censored.optional(),
    unit: z.string(),
    limit: z.number().nullable(),
    op: z.enum(['<=', '>=', '>', '<']).nullable(),
    target: z.enum(TARGETS).nullable(),
    class: z.enum(CLASSES).nullable(),
    multiple: z.number().nullable(),
    worst: z
      .object({
        value: z.number().nullable().describe('The value furthest beyond the limit; null for expressions'),
        censored: censored.optional(),
        class: z.enum(CLASSES).nullable(),
        severity: z.enum(SEVERITIES).describe('The most severe that any value since `breachStart` was'),
        at: instantText.describe('When that value was measured, or the end of the period that was judged'),
      })
      .nullable()
      .describe('The worst that it was; null for platform alarms and silence'),
    basis: z.enum(ALARM_BASES).describe('What was judged: a single reading, or a closed hour, day or month'),
    late: z.boolean(),
    occurrences: z.number().int().describe('The how-manieth alarm of its key that was raised within an hour'),
    chattering: z.boolean().describe('The third one or a further one within an hour'),
    folded: z
      .object({
        since: instantText,
        until: instantOrNull.describe('null while it counts'),
        crossings: z.number().int().describe('How often the limit was crossed, its own first time among them'),
        transitions: z.number().int().describe('So many were counted instead of told by themselves'),
      })
      .optional()
      .describe('Of an alarm that stands for a series which chatters beyond a hundred transitions an hour'),
    firstOut: z
      .string()
      .nullable()
      .describe('Of the alarms of its station that stood when it was raised, the one whose breach began first'),
    shelvedUntil: instantOrNull,
    suppressedBy: z
      .string()
      .nullable()
      .describe('Why nobody is told by design: `maintenance/ID`, or the id of the alarm that this one follows from'),
    latched: z.boolean().describe('What it tells of is over, and it waits for a reset'),
    detail: z
      .string()
      .nullable()
      .describe('What numbers can not say: what a platform alarm means, what was not heard, what a rule was true of'),
    title: inTongues
      .optional()
      .describe('What it is about where `parameter` is the code of a condition of the platform, or `_station`'),
    says: inTongues.optional().describe('`detail` in each language, where it is a sentence'),
  })
  .meta({
    id: 'Alarm',
    examples: [
      {
        id: '4711-class-target-12',
        key: 'class-target/shending-mouth/nh3n',
        rule: 'class-target',
        station: 'shending-mouth',
        parameter: 'nh3n',
        severity: 'minor',
        state: 'raised',
        breachStart: '2026-11-22T00:00:00.000Z',
        raisedAt: '2026-11-22T00:00:00.000Z',
        detectedAt: '2026-11-22T00:00:01.200Z',
        acknowledgedAt: null,
        acknowledgedBy: null,
        clearedAt: null,
        value: 0.83,
        unit: 'mg/L',
        limit: 0.5,
        op: '<=',
        target: 'II',
        class: 'III',
        multiple: 0.66,
        worst: { value: 0.83, class: 'III', severity: 'minor', at: '2026-11-22T00:00:00.000Z' },
        basis: 'instantaneous',
        late: false,
        occurrences: 1,
        chattering: false,
        firstOut: null,
        shelvedUntil: null,
        suppressedBy: null,
        latched: false,
        detail: null,
      },
    ],
  });

/** `state=raised,acknowledged`: any of them. */
const anyOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(z.enum(values)).min(1))
    .optional()
    .describe(`Any of ${values.join(', ')}, separated by commas`);

export const alarmQuery = z.strictObject({
  state: anyOf(ALARM_STATES),
  station: id.optional(),
  severity: anyOf(SEVERITIES),
  rule: id.optional(),
  chattering: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('`true`: alarms of keys that alarm three times an hour or more often'),
  ...range,
  ...page,
});
export const alarmPage = listOf(alarm);

const NOTICE_STATES = ['pending', 'sent', 'failed', 'held', 'grouped'] as const;
const OUTCOMES = ['sent', 'failed-for-now', 'failed-for-good'] as const;
const NOTICE = {
  id: 'n-4711-0-duty',
  channel: 'duty',
  event: 'raised',
  alarms: ['4711-class-target-12'],
  createdAt: '2026-11-22T00:00:01.200Z',
  state: 'sent',
  attempts: [{ at: '2026-11-22T00:00:01.300Z', status: '200', outcome: 'sent' }],
};
const notice = z
  .object({
    id: z.string(),
    channel: z.string(),
    event: z.enum(ALARM_EVENTS),
    alarms: z.array(z.string()),
    createdAt: instantText,
    state: z.enum(NOTICE_STATES),
    attempts: z.array(z.object({ at: instantText, status: z.string(), outcome: z.enum(OUTCOMES) })),
    summary: z.string().optional().describe('Of a grouped notice: the one that tells of it together with others'),
    fallback: z.string().optional().describe('The channel that took over what this one could tell nobody'),
    receipts: z
      .array(z.object({ to: z.string(), at: instantText, status: z.string(), outcome: z.enum(OUTCOMES) }))
      .optional()
      .describe('For each address or number behind the channel: how far the notice has come'),
  })
  .meta({
    id: 'Notice',
    examples: [NOTICE],
  });
export const channelTested = z
  .object({
    seq: z.number().int(),
    at: instantText,
    notice: notice.optional().describe('Absent while the service is too far behind to know of it'),
  })
  .meta({
    examples: [
      { seq: 4711, at: '2026-11-22T00:00:01.200Z', notice: { ...NOTICE, id: 'n-4711', event: 'test', alarms: [] } },
    ],
  });
export const noticeQuery = z.strictObject({
  state: z
    .enum([...NOTICE_STATES, 'dead'])
    .optional()
    .describe('`dead`: failed, and no other channel took over'),
  ...page,
});
export const noticePage = listOf(notice);

const state = z.enum(ALARM_STATES);
const oldAndNew = <T extends z.ZodType>(value: T) => z.array(value).length(2).optional();
const changed = z.object({
  severity: oldAndNew(z.enum(SEVERITIES).nullable()),
  value: oldAndNew(z.number().nullable()),
  class: oldAndNew(z.enum(CLASSES).nullable()),
  acknowledgedBy: oldAndNew(z.string().nullable()),
  shelvedUntil: oldAndNew(instantOrNull),
  suppressedBy: oldAndNew(z.string().nullable()),
  latched: oldAndNew(z.boolean().nullable()),
  chattering: oldAndNew(z.boolean().nullable()),
});
export const timeline = z
  .object({
    transitions: z.array(
      z.object({
        at: instantText,
        event: z.enum(ALARM_EVENTS),
        from: state.nullable(),
        to: state,
        cause: z.string(),
        actor: z.string().optional(),
        changed: changed.optional().describe('What it changed of the alarm, `[old, new]` each'),
        limitVersion: z
          .object({ rule: z.number().int().nullable(), standard: z.string().nullable() })
          .optional()
          .describe('Which limit it was judged by: the seq of the rule’s version, and the standard'),
      }),
    ),
    notices: z.array(notice),
    counted: z
      .array(
        z.object({
          crossing: z.string().describe('The id that it would have as an alarm of its own'),
          at: instantText.describe('When it was received'),
          event: z.enum(COUNTED_EVENTS),
          time: instantText.describe('Event time'),
          severity: z.enum(SEVERITIES),
          value: z.number(),
        }),
      )
      .optional()
      .describe(
        'Of an alarm that counts: the newest 500 transitions that it counted instead of telling them, oldest first',
      ),
  })
  .meta({
    examples: [
      {
        transitions: [
          {
            at: '2026-11-22T00:00:01.200Z',
            event: 'raised',
            from: null,
            to: 'raised',
            cause: '0.83 mg/L, must be <= 0.5 (class III) at 2026-11-22T00:00:00.000Z',
            changed: { severity: [null, 'minor'], value: [null, 0.83], class: [null, 'III'] },
            limitVersion: { rule: 212, standard: 'gb3838-2002' },
          },
          {
            at: '2026-11-22T00:05:00.000Z',
            event: 'acknowledged',
            from: 'raised',
            to: 'acknowledged',
            cause: 'On my way',
            actor: 'duty-desk',
            changed: { acknowledgedBy: [null, 'duty-desk'] },
            limitVersion: { rule: 212, standard: 'gb3838-2002' },
          },
        ],
        notices: [NOTICE],
      },
    ],
  });

const comment = z.string().trim().min(1).max(2000);
export const acknowledgeBody = z
  .strictObject({ comment: comment.optional() })
  .prefault({})
  .meta({ examples: [{ comment: 'On my way' }] });
export const resetBody = z
  .strictObject({ comment: comment.optional() })
  .prefault({})
  .meta({ examples: [{ comment: 'The bypass is closed, the gate is as it was' }] });
export const unacknowledgeBody = z
  .strictObject({ comment: comment.optional() })
  .prefault({})
  .meta({ examples: [{ comment: 'The boat can not go out today' }] });
export const handOverBody = z
  .strictObject({ to: z.string().trim().min(1).max(200), comment: comment.optional() })
  .meta({ examples: [{ to: 'night-shift', comment: 'Second sample at 20:00' }] });
export const shelveBody = z
  .strictObject({ until: z.string(), reason: comment })
  .meta({ examples: [{ until: '2026-11-23T08:00:00+08:00', reason: 'Dredging upstream until tomorrow' }] });
export const unshelveBody = z
  .strictObject({})
  .prefault({})
  .meta({ examples: [{}] });
export const commentBody = z.strictObject({ comment }).meta({ examples: [{ comment: 'Discharge found at km 3' }] });
