/** Quality controls: what instruments made of known samples. */
import { z } from 'zod';
import { instantText } from '#api/schemas.ts';
import { QC_KINDS } from '#model/dialect.ts';

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
