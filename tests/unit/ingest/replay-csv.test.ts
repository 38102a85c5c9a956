/** Tables of columns, as `npm run replay` has always read them: columns, missing values, times and zones, broken rows, real files. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writtenTime } from '#ingest/codecs/files/dates.ts';
import { FileUndecided } from '#ingest/codecs/files/file-problem.ts';
import type { FileOptions } from '#ingest/codecs/files/options.ts';
import { zoneReader } from '#ingest/codecs/files/zones.ts';
import { csvRecords, csvRows } from '#seeds/csv-records.ts';
import { readWhole } from '#tests/helpers/ingest/files.ts';

const read = (text: string, options: Partial<FileOptions>) =>
  readWhole(text, { station: 's', map: 'a=temp', ...options });
const utc = (text: string) => Date.parse(text);

describe('a table of columns', () => {
  const text = 'datetime,a,b\n2019-01-01 00:00,1.5,NULL\n2019-01-01 00:15,-9999,2\n';
  const bare = { unit: null, flag: null };

  it('maps columns to parameters; what is missing was measured and gave nothing', async () => {
    const options = { map: 'a=temp,b=ec', tz: '-07:00', missing: '-9999,NULL', units: 'b=mS/cm' };
    const { rows, survey } = await read(text, options);
    const common = { fate: 'taken', station: 's', unread: [] };
    const missing = { value: null, ...bare };
    expect(rows).toEqual([
      { ...common, line: 2, timeMs: utc('2019-01-01T07:00Z'), values: { temp: { value: 1.5, ...bare }, ec: missing } },
      {
        ...common,
        line: 3,
        timeMs: utc('2019-01-01T07:15Z'),
        values: { temp: missing, ec: { value: 2, unit: 'mS/cm', flag: null } },
      },
    ]);
    expect(survey).toMatchObject({ values: 2, missing: 2 });
  });

  it('takes -9999.0 for -9999, and an empty cell for missing', async () => {
    const { taken } = await read('time,a\n2019-01-01T00:00Z,-9999.0\n2019-01-01T01:00Z,\n', { missing: '-9999' });
    expect(taken.map(({ values }) => values.temp!.value)).toEqual([null, null]);
  });

  it('tells what it can not read, where and why, and goes on', async () => {
    const ugly =
      '\uFEFFtime,a,b\r\nyesterday,1,1\r\n2019-01-01T00:00Z,x,2\r\n2019-01-01T00:00Z,1\r\n\r\n2019-01-01T01:00Z,"1",2\r\n2019-01-01T02:00Z,"1" 2,2\r\n';
    const { survey, taken } = await read(ugly, { map: 'a=temp,b=ec' });
    expect(survey.faults.map(({ line, says }) => [line, says.en])).toEqual([
      [2, '"yesterday" is no time'],
      [3, 'a: "x" is no number'],
      [4, '2 cells where the header has 3'],
      [7, 'a quotation mark is not closed'],
    ]);
    expect(survey.faults[1]!.says.zh).toBe('a：“x”不是数');
    expect(taken.map(({ line, values }) => [line, values.temp?.value, values.ec?.value])).toEqual([
      [3, undefined, 2],
      [6, 1, 2],
    ]);
  });

  it('takes nothing for a value that no gateway could mean', async () => {
    const odd =
      'time,a\n2019-01-01T00:00Z,NaN\n2019-01-01T01:00Z,Infinity\n2019-01-01T02:00Z,0x1g\n2019-01-01T03:00Z,1e999\n';
    const { survey, taken } = await read(odd, {});
    expect(survey.unread).toBe(4);
    expect(taken.every(({ values }) => Object.keys(values).length === 0)).toBe(true);
  });

  it.each<[string, Partial<FileOptions>, string, string]>([
    ['an unknown column', { map: 'c=temp' }, 'map', 'there is no column "c"; the file has datetime, a, b'],
    ['an unknown time column', { time: 'when' }, 'time', 'there is no column "when"'],
    ['a unit for nothing', { units: 'q=m' }, 'units', 'there is no column "q"'],
    ['a unit of something else', { units: 'a=mg/L' }, 'units', 'Column "a" is in "mg/L"'],
    ['a map that is none', { map: 'a' }, 'map', '--map: "a" is not column=…'],
    ['an empty map', { map: '' }, 'map', '--map names no column'],
    ['no map', { map: undefined }, 'map', 'Which column is which parameter?'],
    ['an unknown parameter', { map: 'a=warmth' }, 'map', 'there is no parameter "warmth"'],
    ['a parameter twice', { map: 'a=temp,b=temp' }, 'map', '--map names parameter "temp" twice'],
    ['an unknown zone', { tz: 'Mars/Olympus' }, 'tz', '--tz: "Mars/Olympus" is neither'],
    ['no zone', { tz: undefined }, 'tz', '"2019-01-01 00:00" has no offset: say with --tz'],
    ['no station', { station: undefined }, 'station', 'Whose readings are they?'],
    ['an unknown profile', { profile: 'x' }, 'profile', 'there is no profile "x"'],
    ['a condition that is none', { where: ['a'] }, 'where', '--where: "a" is not column=value'],
  ])('%s is a question back', async (_what, options, question, message) => {
    const refusal = await read(text, { tz: '-07:00', ...options }).then(
      () => null,
      (error: unknown) => error as FileUndecided,
    );
    expect(refusal).toBeInstanceOf(FileUndecided);
    expect(refusal!.question).toBe(question);
    expect(refusal!.says.en).toContain(message);
    expect(refusal!.says.zh).not.toBe('');
  });

  it.each([
    ['an empty file', '', 'the file is empty'],
    ['a text', 'Dear all,\nthe sonde is broken, sorry.\n', 'There is no table in the first lines'],
    ['a line beyond all measure', `time,a\n2019-01-01T00:00Z,1\n${'x'.repeat(70_000)}`, 'longer than 65536 characters'],
    [
      'a hundred columns too many',
      `time,${'a,'.repeat(600)}b\n2019-01-01T00:00Z,${'1,'.repeat(600)}2\n`,
      'more than 512 columns',
    ],
  ])('%s is not read', async (_what, content, message) => {
    await expect(read(content, {})).rejects.toThrow(message);
  });

  it('tells bytes that are no text in the encoding of the beginning, by line', async () => {
    const good = Array.from({ length: 20_000 }, (_, n) => `${new Date(n * 60_000).toISOString()},1`).join('\n');
    const bytes = Buffer.concat([Buffer.from(`time,a\n${good}\n`), Buffer.from([0xc4, 0xe3, 0xff, 0x0a])]);
    await expect(read(bytes as never, {})).rejects.toThrow('there are bytes that are no utf-8');
  });
});

describe('an autumn, 3 depths, 7,338 rows', () => {
  const rows = Array.from({ length: 7_338 }, (_, n) => {
    const time = new Date(utc('2026-05-01T00:00Z') + Math.floor(n / 3) * 3_600_000).toISOString();
    return `${time},${[0.5, 5, 10][n % 3]},${(20 - (n % 3) * 4 + (Math.floor(n / 3) % 7) / 10).toFixed(1)}`;
  });
  const text = ['time,depth,a', ...rows].join('\n');

  it('is refused until one is chosen', async () => {
    const { survey } = await read(text, {});
    expect(survey.rows).toEqual({ read: 7338, taken: 2446, duplicates: 0, repeated: 4892, refused: 0, leftOut: 0 });
    expect(survey.questions).toMatchObject([
      {
        question: 'where',
        choices: ['depth=0.5', 'depth=5', 'depth=10'],
        says: { en: expect.stringContaining('4892 rows') },
      },
    ]);
    const chosen = await read(text, { where: ['depth=5'] });
    expect(chosen.survey.rows).toEqual({
      read: 7338,
      taken: 2446,
      duplicates: 0,
      repeated: 0,
      refused: 0,
      leftOut: 4892,
    });
    expect(chosen.survey.questions).toEqual([]);
  });

  it('also when the depths stand one after another', async () => {
    const blocks = [0, 1, 2].flatMap((depth) => rows.filter((_, n) => n % 3 === depth));
    const { survey } = await read(['time,depth,a', ...blocks].join('\n'), {});
    expect(survey.rows.repeated).toBe(4892);
  });
});

describe('a quotation mark that is not closed', () => {
  it('costs its own row, never the one that the next mark stands in', async () => {
    const text = 'time,a,note\n2026-01-01T00:00Z,1,"\n2026-01-01T01:00Z,2,"\n2026-01-01T02:00Z,3,fine\n';
    const { survey, taken } = await read(text, {});
    expect(survey.rows).toMatchObject({ read: 3, taken: 1, refused: 2 });
    expect(taken.map(({ line }) => line)).toEqual([4]);
  });

  it('is none where the cell goes on in the next line', async () => {
    const text = 'time,a,note\n2026-01-01T00:00Z,1,"two\nlines"\n2026-01-01T01:00Z,2,\n';
    const { taken } = await read(text, {});
    expect(taken.map(({ line }) => line)).toEqual([2, 4]);
  });
});

describe('local times', () => {
  it.each([
    ['2014-06-20 13:00:00.000', '-07:00', '2014-06-20T20:00Z'],
    ['2019-01-01 00:00', '-0700', '2019-01-01T07:00Z'],
    ['2026-11-22T08:00:00+08:00', '-07:00', '2026-11-22T00:00Z'],
    ['2026-11-22 08:00:00Z', undefined, '2026-11-22T08:00Z'],
    ['2026/3/8 1:30', 'America/Denver', '2026-03-08T08:30Z'],
    ['2026-11-22', 'Asia/Shanghai', '2026-11-21T16:00Z'],
    ['2026-11-22T08:00:00.25+08:00', undefined, '2026-11-22T00:00:00.250Z'],
    ['2026/11/22 12:05 AM', '+00:00', '2026-11-22T00:05Z'],
    ['2026/11/22 12:05:09 pm', '+00:00', '2026-11-22T12:05:09Z'],
    ['2026年11月22日 8时', '+08:00', '2026-11-22T00:00Z'],
    ['1767225600000', undefined, '2026-01-01T00:00Z'],
    ['1767225600', undefined, '2026-01-01T00:00Z'],
  ])('%s in %s is %s', async (time, tz, instant) => {
    const { taken } = await read(`time,a\n${time},1\n`, { tz });
    expect(taken.map(({ timeMs }) => timeMs)).toEqual([utc(instant)]);
  });

  it.each([
    '2026-02-30 00:00',
    '2026-13-01 00:00',
    '2026-01-01 24:00',
    '2026-01-01 10:60',
    'NULL',
    '',
    '12:00',
    '2026-01-01 13:00 PM',
    '11-30 08:00',
  ])('%j is no time', (text) => {
    expect(writtenTime(text, 'ymd')).toMatchObject({ en: expect.stringMatching(/is no time/) });
  });

  it('come twice, or never, where the clock goes back or forward', () => {
    const denver = zoneReader('America/Denver');
    const at = (text: string) => denver(utc(`${text}Z`)).map((instant) => new Date(instant).toISOString().slice(0, 16));
    expect(at('2026-11-01T01:30')).toEqual(['2026-11-01T07:30', '2026-11-01T08:30']);
    expect(at('2026-03-08T02:30')).toEqual([]);
    expect(at('2026-03-08T03:00')).toEqual(['2026-03-08T09:00']);
    expect(at('2026-03-08T01:59')).toEqual(['2026-03-08T08:59']);
    // Half an hour, within an hour.
    const lordHowe = zoneReader('Australia/Lord_Howe');
    expect(lordHowe(utc('2026-04-05T01:15Z'))).toHaveLength(1);
    expect(lordHowe(utc('2026-04-05T01:45Z'))).toHaveLength(2);
    expect(lordHowe(utc('2026-10-04T02:15Z'))).toHaveLength(0);
  });

  it('that the clock skips mean that the zone is wrong', async () => {
    const spring = 'time,a\n2026-03-08 01:30,1\n2026-03-08 02:30,2\n2026-03-08 03:30,3\n';
    const { survey } = await read(spring, { tz: 'America/Denver' });
    expect(survey.questions).toMatchObject([
      { question: 'tz', says: { en: expect.stringContaining('give tz=±HH:MM') } },
    ]);
    expect((await read(spring, { tz: '-07:00' })).survey.questions).toEqual([]);
  });

  it.each([
    ['M/D/Y by a day beyond 12', ['03/30/2026 23:00', '03/31/2026 00:00'], 'mdy'],
    ['D/M/Y by even steps', ['01/02/2026 23:00', '02/02/2026 00:00', '02/02/2026 01:00'], 'dmy'],
    ['M/D/Y by even steps', ['02/01/2026 23:00', '02/02/2026 00:00', '02/02/2026 01:00'], 'mdy'],
    ['D.M.Y always', ['01.02.2026 23:00'], 'dmy'],
    ['YY/MM/DD by even steps', ['24/07/20 21:00:00', '24/07/20 22:00:00', '24/07/21 00:00:00'], 'ymd'],
  ])('%s', async (_what, times, order) => {
    const { survey } = await read(`time,a\n${times.map((time, n) => `${time},${n}`).join('\n')}\n`, { tz: '+00:00' });
    expect(survey.dates).toBe(order);
  });

  it('are not guessed where two orders fit', async () => {
    const monthly = 'time,a\n03/04/2026,1\n03/05/2026,2\n03/06/2026,3\n';
    await expect(read(monthly, { tz: '+00:00' })).rejects.toMatchObject({ question: 'dates', choices: ['mdy', 'dmy'] });
    const comma = 'time;a\n2026-01-01 00:00;1,269\n';
    await expect(read(comma, { tz: '+00:00' })).rejects.toMatchObject({ question: 'decimal', choices: ['.', ','] });
  });
});

describe('rows of any table', () => {
  const cell = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map(String),
    fc.constantFrom('', 'NULL', 'x', '<0.02', '"'),
  );
  const row = fc.record({ minute: fc.integer({ min: 0, max: 12 }), a: cell, b: cell });
  const shape = fc.record({
    separator: fc.constantFrom(',' as const, ';' as const, '\t' as const),
    newline: fc.constantFrom('\n', '\r\n', '\r'),
    encoding: fc.constantFrom('utf8' as const, 'utf16le' as const),
    piece: fc.integer({ min: 1, max: 50 }),
  });

  it('come out once: read = taken + duplicates + repeated + refused + left out, and none is lost silently', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        shape,
        async (rows, { separator, newline, encoding, piece }) => {
          const start = utc('2026-01-01T00:00Z');
          const first = ['2025-12-31T00:00:00.000Z', '1', '1'];
          const lines = [
            ['time', 'a', 'b'],
            first,
            ...rows.map(({ minute, a, b }) => [new Date(start + minute * 60_000).toISOString(), a, b]),
          ].map((cells) => cells.join(separator));
          const bytes = Buffer.from(`${encoding === 'utf8' ? '' : '\ufeff'}${lines.join(newline)}${newline}`, encoding);
          const options = { station: 's', map: 'a=temp,b=ec', missing: 'NULL', separator, decimal: '.' as const };
          const { survey, rows: out } = await readWhole(bytes, options, piece);
          expect(out.map(({ line }) => line)).toEqual([first, ...rows].map((_, n) => n + 2));
          const fates = (fate: string) => out.filter((one) => one.fate === fate).length;
          expect(survey.rows).toEqual({
            read: rows.length + 1,
            taken: fates('taken'),
            duplicates: fates('duplicate'),
            repeated: fates('repeated'),
            refused: rows.filter(({ a, b }) => a === '"' || b === '"').length,
            leftOut: 0,
          });
          // What is taken is what stands there, and each time is taken once, by the first sound row that has it.
          const seen = new Map<number, string>();
          for (const [n, { minute, a, b }] of rows.entries()) {
            if (a === '"' || b === '"') continue;
            const result = out[n + 1]!;
            const said = [a, b]
              .map((text) =>
                text === 'NULL' ? '' : text === '' ? '' : Number.isNaN(Number(text)) ? text : Number(text),
              )
              .join('|');
            const before = seen.get(minute);
            expect(result.fate).toBe(before === undefined ? 'taken' : before === said ? 'duplicate' : 'repeated');
            if (before === undefined) seen.set(minute, said);
            if ('values' in result) {
              expect(result.timeMs).toBe(start + minute * 60_000);
              const expected = a === '' || a === 'NULL' ? null : a === '<0.02' ? a : Number(a);
              if (a !== 'x') expect(result.values.temp!.value).toBe(expected);
              else expect(result.unread[0]).toMatchObject({ parameter: 'temp', text: 'x' });
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keep their values in GBK, too', async () => {
    const names = fc.string({ unit: fc.constantFrom('陶', '岔', '渠', '首', 'ⅱ'), minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(names, { minLength: 2, maxLength: 5 }), async (sections) => {
        const bytes = gbk(`时间,断面,a\n${sections.map((name, n) => `2026-01-01 00:00,${name},${n}`).join('\n')}\n`);
        const { taken } = await readWhole(bytes, { stationColumn: '断面', map: 'a=temp', tz: '+08:00' }, 3);
        expect(taken.map(({ station, values }) => [station, values.temp!.value])).toEqual(
          sections.map((name, n) => [name, n]),
        );
      }),
      { numRuns: 50 },
    );
  });
});

/** The few characters of these tests in GB 18030, by asking the decoder for every pair of bytes. */
const GBK = new Map<string, number[]>();
for (let high = 0x81; high < 0xff; high++) {
  for (let low = 0x40; low < 0xff; low++) {
    const text = new TextDecoder('gb18030').decode(new Uint8Array([high, low]));
    if ([...text].length === 1 && text !== '\ufffd') GBK.set(text, [high, low]);
  }
}
const gbk = (text: string) =>
  Uint8Array.from([...text].flatMap((letter) => (letter < '\u0080' ? [letter.charCodeAt(0)] : GBK.get(letter)!)));

describe('columns of one name', () => {
  it('are told apart by their place, and none stands for both', async () => {
    const text = 'time,a,a\n2026-01-01T00:00Z,1,2\n';
    await expect(read(text, {})).rejects.toThrow('there is no column "a"; the file has time, a (1), a (2)');
    const { taken } = await read(text, { map: 'a (2)=temp' });
    expect(taken[0]!.values.temp!.value).toBe(2);
  });

  it('are a fault of a seed', () => {
    expect([...csvRows('id,name,name\nx,1,2\n')][0]).toMatchObject({ line: 1, fault: 'the header names name twice' });
  });
});

describe('csvRecords', () => {
  it('reads back whatever was written by RFC 4180, and knows the line of each record', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', '水') });
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 }), (table) => {
        const quoted = table.map((record) => record.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
        const read = [...csvRecords(`${quoted.join('\r\n')}\r\n`)];
        expect(read.map((record) => record.cells)).toEqual(table);
        let line = 1;
        for (const [i, record] of read.entries()) {
          expect(record.line).toBe(line);
          line += 1 + quoted[i]!.split('\n').length - 1;
        }
      }),
    );
  });
});

const LRO = '../shared/data/lro';
describe.skipIf(!existsSync(LRO))('the Logan River files (skipped where they are not at hand)', () => {
  const map = 'temp=temp,cond=ec,ph=ph,do=do,turb=turbidity,stage=level';
  const request = { station: 's', map, tz: '-07:00', missing: '-9999,NULL', units: 'stage=cm' };

  it.each([
    ['MainStreet2019.csv', 25_881, '2019-01-01T07:00Z'],
    ['FranklinBasin2014.csv', 18_668, '2014-06-20T20:00Z'],
  ])('%s: every row is read, both spellings of the time', async (name, count, first) => {
    const text = readFileSync(`${LRO}/${name}`, 'utf8');
    const { survey, taken } = await readWhole(text, request);
    expect(survey.rows).toMatchObject({ read: count, taken: count });
    expect(survey.faults).toEqual([]);
    expect(survey.questions).toEqual([]);
    expect(taken[0]!.timeMs).toBe(utc(first));
    // Counted apart from the code under test: cells of the six columns that are neither NULL nor -9999.
    const cells = text
      .trim()
      .split('\n')
      .slice(1)
      .flatMap((line) =>
        line
          .trim()
          .split(',')
          .filter((_cell, i) => i % 3 === 1),
      );
    const missing = cells.filter((cell) => cell === 'NULL' || Number(cell) === -9999).length;
    expect(survey.missing).toBe(missing);
    expect(survey.values).toBe(cells.length - missing);
  });
});
