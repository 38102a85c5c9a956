/** Loads: what they are asked and what they answer. */
import { z } from 'zod';
import { range } from '#api/schemas.ts';
import { id } from '#model/register.ts';

const STEPS = ['hour', 'day', 'month', 'quarter', 'year', 'transfer-year'] as const;

export const loadQuery = z.strictObject({
  station: id,
  parameter: id,
  ...range,
  by: z.enum(STEPS).default('day'),
  tz: z.string().max(64).optional().describe('IANA name or offset; WK_TIME_ZONE unless told'),
});

const load = z.object({
  start: z.string(),
  end: z.string(),
  kilograms: z.number(),
  flowWeightedMean: z.number().nullable().describe('mg/L: the load over the water that carried it'),
  cubicMetres: z.number(),
  unweighed: z.number().describe('Cubic metres that passed while no usable concentration stood for them'),
  unknownShare: z.number().nullable().describe('`unweighed` of `cubicMetres`'),
  unknownHours: z.number().describe('Hours for which the water itself is unknown, summed over the meters'),
  coverage: z.number().describe('Share of the time for which both concentration and volume are known'),
});

const example = {
  start: '2026-11-22T00:00:00+08:00',
  end: '2026-11-23T00:00:00+08:00',
  kilograms: 172.8,
  flowWeightedMean: 0.4,
  cubicMetres: 450000,
  unweighed: 18000,
  unknownShare: 0.04,
  unknownHours: 0,
  coverage: 0.9583333333333334,
};

export const loads = z
  .object({
    station: z.string(),
    parameter: z.string(),
    unit: z.literal('kg'),
    by: z.enum(STEPS),
    timeZone: z.string(),
    meters: z.array(z.string()).describe('What the water was weighed with'),
    notWeighed: z
      .array(z.object({ meter: z.string(), reason: z.enum(['sister', 'register', 'same-readings']), of: z.string() }))
      .describe('Meters of the station whose water one of `meters`, or the one that they check, has counted'),
    items: z.array(load),
    total: load,
  })
  .meta({
    id: 'Loads',
    examples: [
      {
        station: 'shending-mouth',
        parameter: 'nh3n',
        unit: 'kg',
        by: 'day',
        timeZone: 'Asia/Shanghai',
        meters: ['shending-flow'],
        notWeighed: [],
        items: [example],
        total: example,
      },
    ],
  });
export type Loads = z.infer<typeof loads>;
