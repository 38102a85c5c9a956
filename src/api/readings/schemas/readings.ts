/** Readings in and out: receipts, pages, versions, latest values, quarantine. */
import { z } from 'zod';
import { instantText, listOf } from '#api/schemas.ts';
import { CLASSES } from '#model/class.ts';
import { LETTER_MEANINGS } from '#model/dialect.ts';
import { FAULTS, type FaultCode } from '#model/faults.ts';
import { id } from '#model/register.ts';
import { fileSurvey } from './imports.ts';
import { qcResult } from './qc-results.ts';

export const seriesParams = z.object({ station: id, parameter: id });

const flag = z
  .union([z.literal(1), z.literal(2), z.literal(3), z.literal(4), z.literal(9)])
  .describe('QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing');
export const faultCode = z.enum(Object.keys(FAULTS) as [FaultCode, ...FaultCode[]]);
const value = z.number().nullable();
const censored = z
  .enum(['<', '>'])
  .optional()
  .describe('The true value is below (above) `value`, which is a limit of the instrument');
export const waterClass = z.enum(CLASSES).nullable();

const reading = z.object({
  time: instantText,
  value,
  flag,
  deviceFlag: z.string().optional().describe('As sent'),
  censored,
  provisional: z
    .literal(true)
    .optional()
    .describe('The flag may still change: the hour is open, or waits to be computed'),
});

const seriesHead = { station: z.string(), parameter: z.string(), unit: z.string() };

export const readingPage = listOf(reading)
  .extend(seriesHead)
  .meta({
    examples: [
      {
        station: 'taocha',
        parameter: 'nh3n',
        unit: 'mg/L',
        items: [{ time: '2026-11-22T00:00:00.000Z', value: 0.08, flag: 1, deviceFlag: 'N' }],
        next: null,
      },
    ],
  });

export const versionPage = listOf(
  z.object({
    value,
    flag,
    deviceFlag: z.string().nullable(),
    censored,
    source: z.string(),
    received: instantText.nullable(),
    by: z.string().nullable().describe('Who or what replaced it; null for the current version'),
    reason: z.string().nullable(),
    supersededAt: instantText.nullable(),
  }),
)
  .extend({ ...seriesHead, time: instantText })
  .meta({
    examples: [
      {
        station: 'taocha',
        parameter: 'nh3n',
        unit: 'mg/L',
        time: '2026-11-22T00:00:00.000Z',
        items: [
          {
            value: 0.08,
            flag: 1,
            deviceFlag: null,
            source: 'gw-taocha',
            received: '2026-11-22T00:00:01.200Z',
            by: null,
            reason: null,
            supersededAt: null,
          },
        ],
        next: null,
      },
    ],
  });

export const latest = z
  .object({
    station: z.string(),
    class: waterClass.describe('The worst class among young, usable values; null when none can be judged'),
    limiting: z.array(z.string()).describe('The parameters that decide the class, unless it is I'),
    stale: z.array(z.string()).describe('Parameters whose newest value is older than three intervals'),
    items: z.array(
      z.object({
        parameter: z.string(),
        unit: z.string(),
        time: instantText,
        value,
        flag,
        deviceFlag: z.string().optional(),
        censored,
        class: waterClass,
      }),
    ),
  })
  .meta({
    id: 'Latest',
    examples: [
      {
        station: 'taocha',
        class: 'II',
        limiting: ['do'],
        stale: ['turbidity'],
        items: [
          { parameter: 'do', unit: 'mg/L', time: '2026-11-22T00:00:00.000Z', value: 7.1, flag: 1, class: 'II' },
          { parameter: 'turbidity', unit: 'NTU', time: '2026-11-21T08:00:00.000Z', value: 3, flag: 1, class: null },
        ],
      },
    ],
  });
export type Latest = z.infer<typeof latest>;

export const fault = { code: faultCode, message: z.string() };

const pending = z
  .number()
  .int()
  .describe('Durable, but older than the memory of the door: the store decides what they are');

export const count = z
  .number()
  .int()
  .describe(
    'Values that the item stands for, when more than one: the rest of a message of which over a hundred were refused',
  );

const refusal = z.object({
  path: z.string().optional(),
  ...fault,
  quarantineId: z.string(),
  count: count.optional(),
});

export const receipt = z
  .object({
    accepted: z.number().int().describe('Values of times that were not known before'),
    duplicates: z.number().int(),
    corrections: z.number().int(),
    pending,
    quarantined: z.array(refusal).describe('At most a hundred; each stands for one value unless `count` says more'),
    warnings: z
      .array(z.object({ path: z.string().optional(), ...fault }))
      .optional()
      .describe('Values that were taken nevertheless'),
  })
  .meta({
    id: 'Receipt',
    examples: [
      {
        accepted: 2,
        duplicates: 0,
        corrections: 0,
        pending: 0,
        quarantined: [
          {
            path: 'samples[0].values.phh',
            code: 'parameter.unknown',
            message: 'There is no parameter "phh".',
            quarantineId: 'q7tLhk3wVbX0aZ1c',
          },
        ],
      },
    ],
  });

export const explainedReading = z
  .object({
    station: z.string(),
    parameter: z.string(),
    unit: z.string(),
    time: instantText,
    value: z.number().nullable(),
    flag,
    deviceFlag: z.string().nullable(),
    censored,
    engineer: flag.nullable().describe('Set by hand; it stands above the tests'),
    final: flag.describe('What the tests make of it together, as the thresholds are now'),
    tests: z.record(z.string(), flag).describe('By test; those that are not made are absent'),
    letter: z
      .enum([...LETTER_MEANINGS, 'unexplained'])
      .nullable()
      .describe("What the device's flag means here; `unexplained`: nobody has said, so the value is used for nothing"),
    timeGap: flag.describe('4 after a hole; no part of the flag'),
    thresholds: z.record(z.string(), z.unknown()),
  })
  .meta({
    id: 'ExplainedReading',
    examples: [
      {
        station: 'taocha',
        parameter: 'ph',
        unit: '1',
        time: '2026-11-22T00:00:00.000Z',
        value: 9.9,
        flag: 3,
        deviceFlag: null,
        engineer: null,
        final: 3,
        tests: { grossRange: 3, spike: 1, rateOfChange: 1, flatLine: 1 },
        letter: null,
        timeGap: 1,
        thresholds: { fail: [0, 14], suspect: [6, 9.5], spike: [1, 2], intervalMs: 300000, holeMs: 900000 },
      },
    ],
  });

export const imported = z
  .object({
    rows: z.number().int(),
    accepted: z.number().int(),
    duplicates: z.number().int(),
    corrections: z.number().int(),
    pending,
    quarantined: z.number().int(),
    refusals: z.array(refusal).describe('The first hundred of what was quarantined, by row of the file'),
    compared: z
      .number()
      .int()
      .optional()
      .describe('Rows that were compared with each other for repeated times: the first 2,097,152 series and times'),
    file: fileSurvey.optional().describe('What the file was taken for, unless it has the columns of POST /readings'),
  })
  .meta({
    id: 'Imported',
    examples: [
      {
        rows: 220000,
        accepted: 0,
        duplicates: 0,
        corrections: 0,
        pending: 219999,
        quarantined: 1,
        refusals: [
          {
            path: 'row 17',
            code: 'value.not-a-number',
            message: '"n/a" is not a number.',
            quarantineId: 'q7tLhk3wVbX0aZ1c',
          },
        ],
      },
    ],
  });

export const importProgress = z.object({
  id: z.string(),
  received: z.number().int(),
  stored: z.number().int(),
  duplicate: z.number().int(),
  quarantined: z.number().int(),
  pending: z.number().int(),
  since: instantText,
});

/** Documentation only: the door judges the payload itself, value by value (contracts §3). */
export const payload = z.unknown().meta({
  examples: [
    {
      seq: 4711,
      samples: [
        {
          station: 'taocha',
          time: '2026-11-22T08:00:00+08:00',
          values: { ph: 7.92, do: 9.1, nh3n: { value: 0.08, unit: 'mg/L', flag: 'N' }, codmn: null },
        },
      ],
    },
  ],
});

export const decoded = z
  .object({
    readings: z.array(
      z.object({
        station: z.string(),
        parameter: z.string(),
        time: instantText,
        value,
        unit: z.string(),
        flag,
        deviceFlag: z.string().optional(),
        censored,
        class: waterClass,
      }),
    ),
    faults: z.array(z.object({ ...fault, path: z.string().optional() })),
    qcResults: z.array(qcResult).optional().describe('Quality controls: kept, and no readings'),
  })
  .meta({
    examples: [
      {
        readings: [
          {
            station: 'taocha',
            parameter: 'ph',
            time: '2026-11-22T00:00:00.000Z',
            value: 7.92,
            unit: 'pH',
            flag: 1,
            class: 'I',
          },
        ],
        faults: [],
      },
    ],
  });

export const parkedPage = listOf(
  z.object({ follower: z.string(), seq: z.number().int(), at: instantText, error: z.string() }),
).meta({
  examples: [
    { items: [{ follower: 'books', seq: 4711, at: '2026-11-22T00:00:01.200Z', error: 'RangeError: …' }], next: null },
  ],
});

export const parkedParams = z.object({
  follower: z.enum(['readings', 'books', 'alerts']),
  seq: z.coerce.number().int().positive(),
});

export const dismissal = z.strictObject({ reason: z.string().min(1).max(500) });

export const correction = z
  .strictObject({
    station: id,
    parameter: id,
    from: z.string(),
    to: z.string(),
    action: z.enum(['set', 'delete', 'flag']),
    value: z.number().optional(),
    flag: flag.optional(),
    reason: z.string().trim().min(1).max(500),
  })
  .refine((body) => (body.action === 'set') === (body.value !== undefined), {
    path: ['value'],
    message: 'set needs a value, the other actions have none',
  })
  .refine((body) => body.action !== 'flag' || body.flag !== undefined, { path: ['flag'], message: 'flag needs a flag' })
  .refine((body) => body.action !== 'delete' || body.flag === undefined, {
    path: ['flag'],
    message: 'delete has no flag',
  })
  .meta({
    examples: [
      {
        station: 'taocha',
        parameter: 'ph',
        from: '2026-11-22T08:00:00+08:00',
        to: '2026-11-22T09:00:00+08:00',
        action: 'flag',
        flag: 4,
        reason: 'Probe out of the water during cleaning',
      },
    ],
  });

export const journaled = z
  .object({ seq: z.number().int(), at: instantText })
  .meta({ examples: [{ seq: 4711, at: '2026-11-22T00:00:01.200Z' }] });
