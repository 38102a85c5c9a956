/** Every kind of file under tests/cases/files gives the readings that stand beside it, in pieces of any size. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileUndecided } from '#ingest/codecs/files/file-problem.ts';
import type { FileOptions } from '#ingest/codecs/files/options.ts';
import { GENERIC_PROFILE, NAMED_PROFILES } from '#ingest/codecs/files/profiles/index.ts';
import type { TakenRow } from '#ingest/codecs/files/rows.ts';
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import { readWhole } from '#tests/helpers/ingest/files.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';

const CASES = join(import.meta.dirname, '../../cases/files');

interface Case {
  what: string;
  options: FileOptions;
  /** The option that must be given before the file can be planned, with the answers that are offered. */
  question?: string;
  choices?: string[];
  /** Options that are asked for after all rows have been seen, and answers among those offered. */
  asks?: string[];
  offers?: string[];
  survey?: Partial<FileSurvey>;
  /** Line, station, time, parameter → value, unit, flag. */
  readings?: [number, string, string, Record<string, (number | string | null)[]>][];
}

const files = readdirSync(CASES).flatMap((profile) =>
  readdirSync(join(CASES, profile))
    .filter((name) => name.endsWith('.expected.json'))
    .map((name) => ({ profile, path: join(CASES, profile, name) })),
);

const shownRow = ({ line, station, timeMs, values }: TakenRow) => [
  line,
  station,
  new Date(timeMs).toISOString(),
  Object.fromEntries(
    Object.entries(values).map(([parameter, { value, unit, flag }]) => [
      parameter,
      flag !== null ? [value, unit, flag] : unit !== null ? [value, unit] : [value],
    ]),
  ),
];

it('has cases of every named kind', () => {
  expect(files.map(({ profile }) => profile)).toEqual(expect.arrayContaining(NAMED_PROFILES.map(({ id }) => id)));
});

describe.each(files)('$path', ({ profile, path }) => {
  const { file, cases } = JSON.parse(readFileSync(path, 'utf8')) as { file: string; cases: Case[] };
  const bytes = readFileSync(join(path, '..', file));

  it.each(cases)('$what', async ({ options, question, choices, asks, offers, survey, readings }) => {
    if (question !== undefined) {
      const refusal = await readWhole(bytes, options).then(
        () => null,
        (error: unknown) => error,
      );
      expect(refusal).toBeInstanceOf(FileUndecided);
      expect(refusal).toMatchObject({ question, ...(choices && { choices }) });
      return;
    }
    const read = await readWhole(bytes, options);
    expect(read.survey).toMatchObject({ profile, ...survey });
    if (asks) expect(read.survey.questions.map((asked) => asked.question)).toEqual(asks);
    if (offers) expect(read.survey.questions[0]!.choices).toEqual(offers);
    if (readings) expect(read.taken.map(shownRow)).toEqual(readings);
    const { rows } = read.survey;
    expect(rows.read).toBe(rows.taken + rows.duplicates + rows.repeated + rows.refused + rows.leftOut);
    expect(await readWhole(bytes, options, 7)).toEqual(read);
  });

  it('is of one kind only', async () => {
    const settled = cases.find(({ question }) => question === undefined)!;
    for (const { id } of NAMED_PROFILES.filter((other) => other.id !== profile)) {
      await expect(readWhole(bytes, { ...settled.options, profile: id })).rejects.toMatchObject({
        question: 'profile',
      });
    }
  });
});

describe('docs/files.md', () => {
  const document = readDocument('docs/files.md');
  const examples = fencesOf(document).flatMap(({ marker, text }) => {
    const profile = /^file: ([\w-]+)\.\w+$/.exec(marker ?? '')?.[1];
    return profile === undefined ? [] : [{ profile, text }];
  });
  const ids = [...NAMED_PROFILES, GENERIC_PROFILE].map(({ id }) => id);

  it('lists every profile, with an example', () => {
    const rows = [...document.matchAll(/^\| `([\w-]+)` \| .* \| .* \| .* \|$/gm)].map(([, id]) => id);
    expect(rows).toEqual(ids);
    expect(examples.map(({ profile }) => profile)).toEqual(ids);
  });

  it.each(examples)('$profile: its example is read as such, whole', async ({ profile, text }) => {
    const map = profile === 'columns' ? 'NH4-N=nh3n,Temperatur=temp' : undefined;
    const isNamed = ['ysi-kor', 'usgs-rdb', 'nerrs', 'cnemc'].includes(profile);
    const { survey } = await readWhole(text, { tz: '+08:00', map, ...(isNamed ? {} : { station: 'weir' }) });
    expect(survey).toMatchObject({ profile, unread: 0, questions: [], rows: { refused: 0, repeated: 0 } });
    expect(survey.rows.taken).toBeGreaterThan(1);
    expect(survey.values).toBeGreaterThan(1);
  });
});
