/** What a laboratory found in one sample: about a hundred indicators, beside what sensors measured. */
import { z } from 'zod';
import { id, instant, text } from './fields.ts';

export const PANEL_ITEMS_MAX = 500;

const amount = z.number().min(-1e300).max(1e300);
/** One indicator: a value, or what it lies beyond: `below` the detection limit of the method, `above` what it can tell. */
const item = z
  .strictObject({
    parameter: z.string().min(1).max(64),
    value: amount.optional(),
    below: amount.positive().optional(),
    above: amount.positive().optional(),
    unit: z.string().min(1).max(32).optional(),
    method: text.optional(),
  })
  .refine(
    ({ value, below, above }) => [value, below, above].filter((given) => given !== undefined).length === 1,
    'give one of value, below and above',
  );

/** As it is sent: any name and unit that the reference data know. Kept in canonical names and units. */
export const panel = z.strictObject({
  station: id,
  time: instant.describe('When the sample was taken'),
  lab: text.optional(),
  note: text.optional(),
  items: z.array(item).min(1).max(PANEL_ITEMS_MAX),
});
export type Panel = z.infer<typeof panel>;
export type PanelItem = Panel['items'][number];
