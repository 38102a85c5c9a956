/** From CSV rows to samples: columns, missing values, times and zones, broken rows, and the real sonde files. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRecords } from '#seeds/csv-records.ts';
import { instantReader, PlanError, type ReplayRequest, replayRows } from '#seeds/replay-csv.ts';

const rows = (text: string, request: Partial<ReplayRequest>) => [
  ...replayRows(text, { station: 's', map: 'a=temp', ...request }),
];
const utc = (text: string) => Date.parse(text);

describe('replayRows', () => {
  const text = 'datetime,a,b\n2019-01-01 00:00,1.5,NULL\n2019-01-01 00:15,-9999,2\n';

  it('maps columns to parameters; what is missing was measured and gave nothing', () => {
    expect(rows(text, { map: 'a=temp,b=ec', tz: '-07:00', missing: '-9999,NULL', units: 'b=mS/cm' })).toEqual([
      {
        line: 2,
        sample: { station: 's', time: utc('2019-01-01T07:00Z'), values: { temp: 1.5, ec: null } },
        faults: [],
        values: 1,
        missing: 1,
      },
      {
        line: 3,
        sample: {
          station: 's',
          time: utc('2019-01-01T07:15Z'),
          values: { temp: null, ec: { value: 2, unit: 'mS/cm' } },
        },
        faults: [],
        values: 1,
        missing: 1,
      },
    ]);
  });

  it('takes -9999.0 for -9999, and an empty cell for missing', () => {
    const [first, second] = rows('time,a\n2019-01-01T00:00Z,-9999.0\n2019-01-01T01:00Z,\n', { missing: '-9999' });
    expect(first!.sample!.values).toEqual({ temp: null });
    expect(second!.sample!.values).toEqual({ temp: null });
  });

  it('skips what it can not read, says where and why, and goes on', () => {
    const ugly =
      '\uFEFFtime,a,b\r\nyesterday,1,1\r\n2019-01-01T00:00Z,x,2\r\n2019-01-01T00:00Z,1\r\n\r\n2019-01-01T01:00Z,"1",2\r\n';
    const read = rows(ugly, { map: 'a=temp,b=ec' });
    expect(read.map(({ line, faults }) => [line, ...faults])).toEqual([
      [2, '"yesterday" is no time'],
      [3, 'a: "x" is no number'],
      [4, '2 cells where the header has 3'],
      [6],
    ]);
    expect(read.map((row) => row.sample?.values ?? null)).toEqual([null, { ec: 2 }, null, { temp: 1, ec: 2 }]);
  });

  it('refuses values that no gateway could mean', () => {
    const read = rows('time,a\n2019-01-01T00:00Z,NaN\n2019-01-01T00:00Z,Infinity\n2019-01-01T00:00Z,0x1g\n', {});
    expect(read.every((row) => row.sample === null && row.faults.length === 1)).toBe(true);
  });

  it.each<[string, Partial<ReplayRequest>, string]>([
    ['an unknown column', { map: 'c=temp' }, 'there is no column "c"; the file has datetime, a, b'],
    ['an unknown time column', { time: 'when' }, 'there is no column "when"'],
    ['a unit for nothing', { units: 'q=m' }, 'there is no column "q"'],
    ['a map that is none', { map: 'a' }, '--map: "a" is not column=…'],
    ['an empty map', { map: '' }, '--map names no column'],
    ['a parameter twice', { map: 'a=temp,b=temp' }, '--map names parameter "temp" twice'],
    ['an unknown zone', { tz: 'Mars/Olympus' }, '--tz: "Mars/Olympus" is neither'],
  ])('%s is a mistake of the call', (_what, request, message) => {
    expect(() => rows(text, request)).toThrow(PlanError);
    expect(() => rows(text, request)).toThrow(message);
  });

  it('an empty file is one too', () => {
    expect(() => rows('', {})).toThrow('the file is empty');
  });
});

describe('instantReader', () => {
  it.each([
    ['2014-06-20 13:00:00.000', '-07:00', '2014-06-20T20:00Z'],
    ['2019-01-01 00:00', '-0700', '2019-01-01T07:00Z'],
    ['2026-11-22T08:00:00+08:00', '-07:00', '2026-11-22T00:00Z'],
    ['2026-11-22 08:00:00Z', undefined, '2026-11-22T08:00Z'],
    ['2026/3/8 1:30', 'America/Denver', '2026-03-08T08:30Z'],
    ['2026-03-08 02:30', 'America/Denver', '2026-03-08T09:30Z'],
    ['2026-11-01 01:30', 'America/Denver', '2026-11-01T07:30Z'],
    ['2026-11-22', 'Asia/Shanghai', '2026-11-21T16:00Z'],
    ['1767225600000', undefined, '2026-01-01T00:00Z'],
    ['2026-11-22T08:00:00.25+08:00', undefined, '2026-11-22T00:00:00.250Z'],
  ])('%s in %s is %s', (text, tz, instant) => {
    expect(instantReader(tz)(text)).toBe(utc(instant));
  });

  it.each(['2026-02-30 00:00', '2026-13-01 00:00', '2026-01-01 24:00', '2026-01-01 10:60', 'NULL', '', '12:00'])(
    '%j is no time',
    (text) => {
      expect(instantReader('+00:00')(text)).toMatch(/is no time/);
    },
  );

  it('never guesses a zone', () => {
    expect(instantReader(undefined)('2019-01-01 00:00')).toMatch(/has no offset: say with --tz/);
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
  ])('%s: every row is read, both spellings of the time', (name, count, first) => {
    const text = readFileSync(`${LRO}/${name}`, 'utf8');
    const read = [...replayRows(text, request)];
    expect(read).toHaveLength(count);
    expect(read.flatMap((row) => row.faults)).toEqual([]);
    expect(read[0]!.sample!.time).toBe(utc(first));
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
    expect(read.reduce((total, row) => total + row.missing, 0)).toBe(missing);
    expect(read.reduce((total, row) => total + row.values, 0)).toBe(cells.length - missing);
  });
});
