/** Lines of files to cells, held against a parser of RFC 4180 that is not ours. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsIn, RecordFeed, type Separator } from '#ingest/codecs/files/records.ts';
import { TimesSeen } from '#ingest/codecs/files/times-seen.ts';

const separators = fc.constantFrom<Separator>(',', ';', '\t');
const plain = fc.stringMatching(/^[a-z0-9. ]{0,6}$/);
const quoted = fc.stringMatching(/^[a-z ",;\t]{0,6}$/).map((text) => `"${text.replaceAll('"', '""')}"`);

describe('cells of a line', () => {
  it('are those that a parser finds, whatever is quoted', () => {
    fc.assert(
      fc.property(separators, fc.array(fc.oneof(plain, quoted), { minLength: 1 }), (separator, cells) => {
        const text = cells.join(separator);
        fc.pre(text !== '');
        const [found = ['']] = parse(text, {
          delimiter: separator,
          relax_column_count: true,
          trim: separator !== '\t',
        });
        expect(cellsIn(text, separator)).toEqual(found.map((cell: string) => cell.trim()));
      }),
    );
  });

  it('may hold line breaks and doubled quotation marks, with blanks around the quoted ones', () => {
    expect(cellsIn(' "a ""b"" c" ,,"x\ny", z', ',')).toEqual(['a "b" c', '', 'x\ny', 'z']);
  });
});

describe('a quoted cell over lines', () => {
  const feed = (texts: string[]) =>
    new RecordFeed(',', true, 2).push(
      texts.map((text, index) => ({ number: index + 1, text })),
      true,
    );

  it('is one record; an open quotation mark breaks its own line only', () => {
    expect(feed(['a,"x', 'y"', 'b,2', 'c,"', 'd,4']).map(({ cells }) => cells)).toEqual([
      ['a', 'x\ny'],
      ['b', '2'],
      null,
      ['d', '4'],
    ]);
  });
});

it('notes the times of a million rows, growing a little at a time', () => {
  const seen = new TimesSeen();
  let longest = 0;
  for (let n = 0; n < 1_000_000; n++) {
    const before = process.threadCpuUsage().user;
    if (seen.note(n % 3, n * 1000, 'x', n + 2) !== null) throw new Error(`row ${n} is taken for another`);
    longest = Math.max(longest, process.threadCpuUsage().user - before);
  }
  expect([seen.count, seen.note(1, 1000, 'x', 9), seen.note(1, 1000, 'y', 9)]).toEqual([
    1_000_000,
    { line: 3, isSame: true },
    { line: 3, isSame: false },
  ]);
  expect(longest / 1000).toBeLessThan(100);
});
