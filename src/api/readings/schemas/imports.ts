/** What may be said of a file in the query of `POST /import`, and what is told of it (docs/files.md). */
import { z } from 'zod';
import { instantText } from '#api/schemas.ts';
import { DATE_ORDERS } from '#ingest/codecs/files/dates.ts';
import { ENCODINGS } from '#ingest/codecs/files/encoding.ts';
import type { FileOptions } from '#ingest/codecs/files/options.ts';
import { id } from '#model/register.ts';

const text = (description: string) => z.string().min(1).max(4000).optional().describe(description);
const condition = z.string().min(1).max(1000);

const fileOptions = {
  profile: text('The kind of file, where its content could be of several'),
  encoding: z.enum(ENCODINGS).optional(),
  separator: z.enum([',', ';', 'tab']).optional(),
  skip: z
    .string()
    .regex(/^\d{1,4}$/, 'skip is a number of lines')
    .transform(Number)
    .optional()
    .describe('Lines before the table'),
  decimal: z.enum(['.', ',']).optional(),
  dates: z.enum(DATE_ORDERS).optional().describe('The order of the numbers of a date'),
  time: text('Column of the time, or `DATE,CLOCK`'),
  tz: text('±HH:MM or a zone, for times without an offset of their own'),
  ambiguous: z.enum(['order', 'earlier', 'later']).optional().describe('Local times that come twice'),
  repeated: z.enum(['first']).optional().describe('Of rows with one time and different values take the first'),
  map: text('`column=parameter,…`'),
  units: text('`column=unit,…`'),
  missing: text('Cells that mean "measured nothing": `-9999,NULL`'),
  where: z
    .union([condition, z.array(condition).max(20)])
    .optional()
    .describe('`column=value`: only such rows; may stand several times'),
  station: id.optional().describe('Whose readings they are, where no column says so'),
  stationColumn: text('Column that names the station'),
  stations: text('`name=id,…`'),
};

export const importQuery = z.strictObject({
  id: id.describe('A name for this import; the same again goes on with it'),
  dryRun: z.enum(['true', 'false']).optional().describe('`true`: tells what would be taken, and changes nothing'),
  lang: z.enum(['zh', 'en']).default('en').describe('Language of messages about rows'),
  ...fileOptions,
});
export type ImportQuery = z.infer<typeof importQuery>;

/** @param encoding as the request's media type declares it. */
export function optionsOf(query: ImportQuery, encoding: FileOptions['encoding']): FileOptions {
  const { id: _id, dryRun: _dryRun, lang: _lang, where, separator, ...rest } = query;
  return {
    ...rest,
    encoding: rest.encoding ?? encoding,
    separator: separator === 'tab' ? '\t' : separator,
    where: typeof where === 'string' ? [where] : where,
  };
}

/** Whether anything is said of the file: it is then read as such, whatever its first line says. */
export function isDescribed(query: ImportQuery): boolean {
  return Object.keys(fileOptions).some((name) => query[name as keyof ImportQuery] !== undefined);
}

const counted = z.number().int();
const bilingual = z.object({ zh: z.string(), en: z.string() });

/** A question about a file: the option that answers it, and answers that would do. */
const fileQuestion = z.object({ question: z.string(), says: bilingual, choices: z.array(z.string()) });

export const fileSurvey = z
  .object({
    profile: z.string(),
    encoding: z.string(),
    separator: z.string(),
    decimal: z.string(),
    headerLine: counted,
    firstLine: counted,
    dates: z.string(),
    zone: z.object({ name: z.string().nullable(), from: z.enum(['option', 'file', 'rows']) }),
    columns: z.array(
      z.object({ column: z.string(), parameter: z.string().nullable(), unit: z.string().nullable(), is: bilingual }),
    ),
    rows: z.object({
      read: counted,
      taken: counted,
      duplicates: counted,
      repeated: counted,
      refused: counted,
      leftOut: counted,
    }),
    values: counted,
    missing: counted,
    unread: counted,
    first: instantText.nullable(),
    last: instantText.nullable(),
    stations: z.array(z.object({ station: z.string(), rows: counted })),
    ambiguous: counted,
    faults: z.array(z.object({ line: counted, code: z.string(), says: bilingual })).describe('The first twenty'),
    questions: z.array(fileQuestion).describe('What must be answered before anything is taken'),
  })
  .meta({ id: 'FileSurvey' });
