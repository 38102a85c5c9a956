/** The shape of a file of rule tests (docs/rules-test.md): stations, rules, and tests of both. */
import { z } from 'zod';
import { ALARM_STATES, SEVERITIES } from '#model/alarms/alarm.ts';
import { isTimeZone } from '#model/calendar.ts';
import { durationMs } from '#model/duration.ts';
import { isFlag } from '#model/flag.ts';
import { id, rule, station } from '#model/register.ts';

const duration = z.string().refine((text) => {
  try {
    return durationMs(text) >= 0;
  } catch {
    return false;
  }
}, 'an ISO 8601 duration such as PT5M');
const instant = z.iso.datetime({ offset: true, error: 'an instant such as 2026-11-22T08:00:00+08:00' });
/** An instant, or how long after the test's `start`. */
const moment = z.union([duration, instant], { error: 'an instant, or a duration after start such as PT5M' });
const flag = z.number().refine(isFlag, 'a QARTOD flag: 1, 2, 3, 4 or 9');

const reading = z
  .strictObject({
    station: id,
    parameter: id,
    /** One of the two. */
    at: duration.optional(),
    time: instant.optional(),
    value: z.number().nullable(),
    flag: flag.optional(),
    deviceFlag: z.string().min(1).max(8).optional(),
    censored: z.enum(['<', '>']).optional(),
    received: moment.optional(),
  })
  .refine(({ at, time }) => (at === undefined) !== (time === undefined), 'either `at` or `time` says when');

const series = z.strictObject({
  station: id,
  parameter: id,
  start: moment.default('PT0S'),
  interval: duration.refine((text) => durationMs(text) > 0, 'longer than nothing'),
  values: z.union([z.string(), z.number().transform(String)]),
  /** All of them at once, as after an outage. */
  received: moment.optional(),
});

/** Members of the alarm object (contracts §6); what isn't named isn't compared. */
const expected = z.strictObject({
  rule: id,
  station: id,
  parameter: id,
  severity: z.enum(SEVERITIES).optional(),
  state: z.enum(ALARM_STATES).optional(),
  breachStart: moment.optional(),
  raisedAt: moment.optional(),
  detectedAt: moment.optional(),
  clearedAt: moment.nullable().optional(),
  value: z.number().nullable().optional(),
  limit: z.number().optional(),
  op: z.enum(['<=', '>=', '<', '>']).optional(),
  class: z.string().optional(),
  target: z.string().nullable().optional(),
  multiple: z.number().nullable().optional(),
  late: z.boolean().optional(),
  latched: z.boolean().optional(),
  occurrences: z.number().optional(),
  chattering: z.boolean().optional(),
  /** `maintenance/ID`, or the key of the alarm that this one follows from. */
  suppressedBy: z.string().nullable().optional(),
});

const window = z.strictObject({
  stations: z.array(id).min(1).optional(),
  gateways: z.array(id).min(1).optional(),
  from: moment,
  to: moment,
});
const outage = z.strictObject({ of: z.enum(['service', 'broker']), from: moment, to: moment });

export const ruleTestFile = z.strictObject({
  lateness: duration.default('PT2H'),
  timeZone: z.string().refine(isTimeZone, 'a time zone such as Asia/Shanghai').optional(),
  stations: z.record(id, station.partial({ name: true })),
  /** By id the stations that each owns; without it every station has one of its own. */
  gateways: z.record(id, z.array(id)).optional(),
  rules: z.record(id, rule),
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        start: instant.default('2026-01-01T00:00:00Z'),
        readings: z.array(reading).default([]),
        series: z.array(series).default([]),
        maintenance: z.record(id, window).default({}),
        outages: z.array(outage).default([]),
        /** How long time goes on; until the last arrival unless given. */
        until: moment.optional(),
        expect: z.array(expected),
      }),
    )
    .min(1),
});
export type RuleTestFile = z.infer<typeof ruleTestFile>;
export type RuleTest = RuleTestFile['tests'][number];
export type ExpectedAlarm = RuleTest['expect'][number];
