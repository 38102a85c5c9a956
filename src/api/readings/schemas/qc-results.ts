/** Quality controls: what instruments made of known samples. */
import { z } from 'zod';
import { instantQuery, instantText, listOf, page } from '#api/schemas.ts';
import { QC_KINDS } from '#model/dialect.ts';
import { id } from '#model/register.ts';

const figure = z.number().nullable();
export const qcResult = z.object({
  station: z.string(),
  parameter: z.string(),
  time: instantText,
  kind: z.enum(QC_KINDS),
  unit: z.string(),
  value: figure.describe('What the instrument found; null = nothing'),
  standard: figure.describe('What was to be found'),
  water: figure.describe('Recovery: what the water held before the spike'),
  waterTime: instantText.nullable(),
  deviation: figure.describe('(value − standard) / standard; null without both, and of a zero'),
  deviceFlag: z.string().nullable(),
});

export const qcPage = listOf(qcResult.extend({ gateway: z.string(), at: instantText })).meta({
  examples: [
    {
      items: [
        {
          station: 'taocha',
          parameter: 'nh3n',
          time: '2026-11-22T02:00:00.000Z',
          kind: 'standard',
          unit: 'mg/L',
          value: 0.51,
          standard: 0.5,
          water: null,
          waterTime: null,
          deviation: 0.02,
          deviceFlag: 'N',
          gateway: 'gw-taocha',
          at: '2026-11-22T02:10:01.200Z',
        },
      ],
      next: null,
    },
  ],
});

export const qcQuery = z.strictObject({
  parameter: id.optional(),
  kind: z.enum(QC_KINDS).optional(),
  from: instantQuery('Start; everything unless told'),
  to: instantQuery('End'),
  ...page,
});
