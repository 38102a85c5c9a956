/** Intake against deliveries, recipients with their offtakes, and meters against each other. */
import { z } from 'zod';
import { range } from '#api/schemas.ts';

export const amount = {
  cubicMetres: z.number().describe('measured + estimated, exact to the litre'),
  measured: z.number(),
  estimated: z.number(),
  unknownHours: z.number().describe('Hours of which nothing is known, summed over meters'),
};
const share = z.number().nullable();
const edge = z.string().describe("RFC 3339 with the zone's offset");
const BALANCE_BUCKETS = ['day', 'month', 'quarter', 'year', 'transfer-year', 'total'] as const;

export const balanceQuery = z.strictObject({
  ...range,
  by: z.enum(BALANCE_BUCKETS).default('total'),
  tz: z.string().max(64).optional().describe('IANA name or offset; WK_TIME_ZONE unless told'),
  shift: z
    .enum(['travel', 'none'])
    .default('travel')
    .describe('`travel`: what a meter counts is set against what was taken in its `travelTime` earlier'),
});

export const balanceFigures = {
  intake: z.object(amount),
  delivery: z.object(amount),
  release: z.object(amount),
  ecological: z.object(amount),
  loss: z
    .number()
    .nullable()
    .describe(
      'm³: intake less all the others; losses, storage and errors of meters. Null while more of the intake’s meter-hours is unknown than `unknownTolerance`, or no meter counts it',
    ),
  lossShare: share.describe('Of the intake; null while nothing came in, and where `loss` is'),
  lossUnknownHours: z.number().describe('Of all that the loss is made of, summed over meters'),
};
const bucket = z.object({ start: edge, end: edge, ...balanceFigures });

export const divergence = z.object({
  meter: z.string(),
  against: z.string(),
  cubicMetres: z.number(),
  againstCubicMetres: z.number(),
  difference: z.number().nullable().describe('Null while too much of either is unknown'),
  share,
  unknownHours: z.number().describe('Of both'),
});

export const balance = z
  .object({
    unit: z.literal('m3'),
    by: z.enum(BALANCE_BUCKETS),
    timeZone: z.string(),
    shift: z.enum(['travel', 'none']),
    unknownTolerance: z
      .number()
      .describe('Unknown meter-hours ÷ meter-hours beyond which nothing is divided: shares are null then'),
    items: z.array(bucket),
    total: bucket,
    recipients: z.array(
      z.object({
        recipient: z.string(),
        ...amount,
        share: share.describe('Of all deliveries; null while too much of it or of them is unknown'),
        meters: z.array(
          z.object({
            meter: z.string(),
            station: z.string(),
            area: z.string().nullable(),
            measures: z.string(),
            ...amount,
          }),
        ),
      }),
    ),
    divergences: z.array(divergence).describe('Sister meters, and register and flow of the same water at one station'),
  })
  .meta({
    examples: [
      {
        unit: 'm3',
        by: 'total',
        timeZone: 'Asia/Shanghai',
        shift: 'travel',
        unknownTolerance: 0.01,
        items: [],
        total: {
          start: '2018-11-01T00:00:00+08:00',
          end: '2019-11-01T00:00:00+08:00',
          intake: { cubicMetres: 1000, measured: 990, estimated: 10, unknownHours: 0 },
          delivery: { cubicMetres: 940, measured: 940, estimated: 0, unknownHours: 0 },
          release: { cubicMetres: 0, measured: 0, estimated: 0, unknownHours: 0 },
          ecological: { cubicMetres: 20, measured: 20, estimated: 0, unknownHours: 0 },
          loss: 40,
          lossShare: 0.04,
          lossUnknownHours: 0,
        },
        recipients: [
          {
            recipient: 'beijing',
            cubicMetres: 940,
            measured: 940,
            estimated: 0,
            unknownHours: 0,
            share: 1,
            meters: [
              {
                meter: 'beijing-delivery',
                station: 'beijing-trunk',
                area: null,
                measures: 'delivery',
                cubicMetres: 940,
                measured: 940,
                estimated: 0,
                unknownHours: 0,
              },
            ],
          },
        ],
        divergences: [
          {
            meter: 'taocha-flow',
            against: 'taocha-intake',
            cubicMetres: 1003,
            againstCubicMetres: 1000,
            difference: 3,
            share: 0.003,
            unknownHours: 0,
          },
        ],
      },
    ],
  });
export type BalanceAnswer = z.infer<typeof balance>;
