/** Trends and volumes. */
import { z } from 'zod';
import { waterClass } from '#api/readings/schemas/readings.ts';
import { instantQuery, instantText, range } from '#api/schemas.ts';
import { INTERVALS } from '#model/calendar.ts';
import { TARGETS } from '#model/class.ts';
import { id } from '#model/register.ts';

const timeZone = z.string().max(64).optional().describe('IANA name or offset; WK_TIME_ZONE unless told');
const edge = z.string().describe("RFC 3339 with the zone's offset");

export const trendQuery = z.strictObject({
  station: id,
  parameter: id,
  ...range,
  interval: z.enum([...INTERVALS, 'auto']).default('auto'),
  tz: timeZone,
  asOf: instantQuery('As it was known then'),
});

const mean = z.number().nullable();

export const trends = z
  .object({
    station: z.string(),
    parameter: z.string(),
    unit: z.string(),
    interval: z.enum(INTERVALS),
    timeZone: z.string(),
    target: z
      .object({
        class: z.enum(TARGETS),
        op: z.enum(['<=', '>=', 'range']),
        limit: z.union([z.number(), z.tuple([z.number(), z.number()])]),
      })
      .nullable(),
    items: z.array(
      z.object({
        start: edge,
        end: edge,
        count: z.number().int().describe('Readings whatever their flag, 9 excepted'),
        expected: z.number().nullable(),
        valid: z.number().int().describe('Readings of flags 1 and 2: those that mean, min and max come from'),
        mean,
        min: mean,
        max: mean,
        class: waterClass.describe('Of the mean'),
        provisional: z.literal(true).optional().describe('An hour in it is open'),
      }),
    ),
  })
  .meta({
    examples: [
      {
        station: 'taocha',
        parameter: 'ph',
        unit: 'pH',
        interval: 'P1D',
        timeZone: 'Asia/Shanghai',
        target: { class: 'II', op: 'range', limit: [6, 9] },
        items: [
          {
            start: '2026-11-22T00:00:00+08:00',
            end: '2026-11-23T00:00:00+08:00',
            count: 288,
            expected: 288,
            valid: 286,
            mean: 7.91,
            min: 7.8,
            max: 8.02,
            class: 'I',
          },
        ],
      },
    ],
  });
export type Trends = z.infer<typeof trends>;

const VOLUME_BUCKETS = ['hour', 'day', 'month', 'quarter', 'year', 'transfer-year', 'total'] as const;

export const volumeQuery = z.strictObject({
  meter: id.optional(),
  station: id.optional(),
  recipient: id.optional(),
  ...range,
  by: z.enum(VOLUME_BUCKETS).default('day'),
  tz: timeZone,
  asOf: instantQuery('As it was known then'),
});

const amounts = {
  start: edge,
  end: edge,
  cubicMetres: z.number().describe('measured + estimated, exact to the litre'),
  measured: z.number(),
  estimated: z.number(),
  unknownHours: z.number().describe('Hours of which nothing is known, summed over meters'),
};

export const volumeNotes = z
  .array(
    z.object({
      code: z.literal('volume.counted-twice'),
      meters: z.tuple([z.string(), z.string()]),
      says: z.object({ zh: z.string(), en: z.string() }),
    }),
  )
  .describe('What has to be known of the sum: meters in it that count the same water; absent when there is nothing');

export const volumes = z
  .object({
    unit: z.literal('m3'),
    by: z.enum(VOLUME_BUCKETS),
    timeZone: z.string(),
    asOf: instantText.optional(),
    meters: z.array(z.string()),
    notes: volumeNotes.optional(),
    items: z.array(z.object(amounts)),
    total: z.object(amounts),
  })
  .meta({
    examples: [
      {
        unit: 'm3',
        by: 'day',
        timeZone: 'Asia/Shanghai',
        meters: ['beijing-delivery'],
        items: [
          {
            start: '2026-11-22T00:00:00+08:00',
            end: '2026-11-23T00:00:00+08:00',
            cubicMetres: 3456000.125,
            measured: 3456000.125,
            estimated: 0,
            unknownHours: 0,
          },
        ],
        total: {
          start: '2026-11-22T00:00:00+08:00',
          end: '2026-11-23T00:00:00+08:00',
          cubicMetres: 3456000.125,
          measured: 3456000.125,
          estimated: 0,
          unknownHours: 0,
        },
      },
    ],
  });
export type Volumes = z.infer<typeof volumes>;
