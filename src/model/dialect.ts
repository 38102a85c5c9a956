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

/** Commands of HJ 212 whose values can be readings: real time, and means of some minutes, an hour, a day. */
const HJ212_READINGS = ['2011', '2051', '2061', '2031'] as const;
/** What a quality control does: HJ 1404-2024 and its predecessor, HJ 212-2025 for `calibration`. */
export const QC_KINDS = ['standard', 'recovery', 'parallel', 'zero', 'span', 'calibration'] as const;
export type QcKind = (typeof QC_KINDS)[number];

/** What an HJ 212 station's frames leave open; of a station itself before what its gateway says. */
const hj212 = z.strictObject({
  commands: z
    .enum(['surface-water', 'pollution-source'])
    .optional()
    .describe(
      'Whose commands: HJ 1404-2024 (1014 time, 2062 standard check, 3020 log) or HJ 212-2025 (1014 key, 2062 calibration); unless told by ST, 21 being surface water',
    ),
  readings: z
    .array(z.enum(HJ212_READINGS))
    .min(1)
    .optional()
    .describe(
      'Which commands are readings: real time (2011), means of minutes (2051), hours (2061), days (2031). Unless told 2011, and 2051 and 2061 where nothing finer is known of their period',
    ),
  checksum: z
    .enum(['modbus', 'modbus-low-first'])
    .optional()
    .describe('A logger that computes another CRC than annex A; the annex is taken as well'),
  traceUnits: z
    .enum(['B.1', 'mg/L'])
    .optional()
    .describe(
      'Unit of As, Be, Cd, Cr(VI), Hg, Pb, Se and Tl: that of table B.1 of HJ 212-2017 (µg/L, ng/L), or mg/L, which surface-water stations send',
    ),
  qc: z
    .record(z.string().trim().min(1).max(16), z.enum(QC_KINDS))
    .refine((letters) => Object.keys(letters).length <= LETTERS_MAX, `at most ${LETTERS_MAX} letters`)
    .optional()
    .describe('Letters under which a value is a quality control and no water, besides sc, cz and cs'),
});
export type Hj212Dialect = z.infer<typeof hj212>;

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
  hj212: hj212.optional().describe('What frames of HJ 212 leave open'),
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
