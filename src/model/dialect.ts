/**
 * What a gateway's, or a station's, own device flags and time stamps mean. Device letters are a vocabulary that every
 * maker and agency spells anew; what nobody has explained is kept and told, and counts for nothing (contracts §3 "Flags").
 */
import { z } from 'zod';

/**
 * - `usual`: checked like any other value;
 * - `suspect`, `fail`: flags 3 and 4;
 * - `maintenance`: flag 4, and nobody is alarmed: somebody is at work there (maintenance, calibration, a check sample);
 * - `below-detection`, `above-range`: the value is a limit (`censored`): the water holds less, or more, than that.
 */
export const LETTER_MEANINGS = ['usual', 'suspect', 'fail', 'maintenance', 'below-detection', 'above-range'] as const;
export type LetterMeaning = (typeof LETTER_MEANINGS)[number];

/** By device flag, exactly as sent (case counts: `hd` and `HD` are two letters). */
export type Letters = Readonly<Record<string, LetterMeaning>>;

const LETTERS_MAX = 100;

export const dialect = z.strictObject({
  letters: z
    .record(z.string().trim().min(1).max(16), z.enum(LETTER_MEANINGS))
    .refine((letters) => Object.keys(letters).length <= LETTERS_MAX, `at most ${LETTERS_MAX} letters`)
    .optional()
    .describe('What each device letter, or number, means; exactly as sent, its case included'),
  stamps: z
    .enum(['start', 'end'])
    .optional()
    .describe('Whether the time of a reading is the start of the interval that it stands for (default) or its end'),
});
export type Dialect = z.infer<typeof dialect>;

/** Which of two meanings counts when two gateways of one station disagree: the one that trusts the value less. */
const STRENGTH: readonly LetterMeaning[] = [
  'usual',
  'above-range',
  'below-detection',
  'suspect',
  'maintenance',
  'fail',
];

/**
 * What counts at a station: its own dialect, letter by letter before those of the gateways that may write it. Where these
 * disagree about a letter, the meaning that trusts the value less counts; about stamps, the first of them by id.
 * @param gateways dialects of its gateways in the order of their ids
 */
export function effectiveDialect(own: Dialect | undefined, gateways: readonly Dialect[]): Dialect {
  const letters: Record<string, LetterMeaning> = {};
  for (const dialect of gateways) {
    for (const [letter, meaning] of Object.entries(dialect.letters ?? {})) {
      const known = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
      if (known === undefined || STRENGTH.indexOf(meaning) > STRENGTH.indexOf(known)) letters[letter] = meaning;
    }
  }
  Object.assign(letters, own?.letters);
  const stamps = own?.stamps ?? gateways.find((dialect) => dialect.stamps !== undefined)?.stamps;
  return { ...(Object.keys(letters).length > 0 && { letters }), ...(stamps !== undefined && { stamps }) };
}
