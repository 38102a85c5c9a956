import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntry } from '#journal/entry-codec.ts';
import { ReadingColumns } from '#model/columns.ts';
import { decodeColumns, encodeColumns } from '#model/columns-codec.ts';
import type { Entry, JournaledReading, Verdict } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';
import { oldMessage } from '#tests/helpers/journal/old-message.ts';

const anyReading: fc.Arbitrary<JournaledReading> = fc.record(
  {
    series: fc.oneof(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.integer({ min: 1, max: 30 })),
    timeMs: fc.oneof(
      fc.constant(NOON_MS),
      fc.integer({ min: -2.3e12, max: 8.64e15 }),
      fc.integer({ min: NOON_MS - 1e7, max: NOON_MS }),
      fc.maxSafeInteger(),
    ),
    value: fc.oneof(
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(-0, 0, 1e-320, 5e-324, 2 ** 53, -(2 ** 47), 1e15 / 7),
      fc.integer({ min: -1e6, max: 1e6 }).map((thousandths) => thousandths / 1000),
    ),
    flag: fc.constantFrom<Flag>(1, 1, 1, 2, 3, 4, 9),
    censored: fc.constantFrom<Censored>('<', '>'),
    deviceFlag: fc.oneof(
      fc.constant(null),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('N', 'hd', '校', '\ud800', '\0', ''),
    ),
    verdict: fc.constantFrom<Verdict>('new', 'duplicate', 'correction', 'unsettled'),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['series', 'timeMs', 'value', 'flag', 'deviceFlag', 'verdict'],
  },
);

const at = { seq: 7, receivedMs: NOON_MS };
const gatewaySeqs = fc.oneof(fc.constant(null), fc.constantFrom(0, Number.MAX_SAFE_INTEGER), fc.maxSafeInteger());

const isOfThisAge = ({ timeMs }: JournaledReading) => Math.abs(timeMs) < 4e12;

/** A message as it comes back from the journal. */
const kept = (gatewaySeq: number | null, readings: Iterable<JournaledReading>) =>
  decodeEntry({
    ...at,
    source: 'g',
    kind: 'columns',
    body: null,
    columns: encodeColumns(gatewaySeq, ReadingColumns.of(readings)),
  });

describe('entry codec', () => {
  it('gives back every message exactly', () => {
    fc.assert(
      fc.property(gatewaySeqs, fc.array(anyReading, { maxLength: 60 }), (gatewaySeq, readings) => {
        expect(kept(gatewaySeq, readings)).toStrictEqual({ ...at, kind: 'message', source: 'g', gatewaySeq, readings });
      }),
      { numRuns: 1000 },
    );
  });

  it('gives back what earlier programs kept as JSON', () => {
    fc.assert(
      // Steps between times were exact as far as the door lets times through.
      fc.property(gatewaySeqs, fc.array(anyReading.filter(isOfThisAge), { maxLength: 60 }), (gatewaySeq, readings) => {
        const row = { ...at, source: 'g', kind: 'message', body: oldMessage(gatewaySeq, readings) };
        expect(decodeEntry(row)).toStrictEqual({ ...at, kind: 'message', source: 'g', gatewaySeq, readings });
      }),
      { numRuns: 300 },
    );
  });

  it('fills the same columns again and again, and leaves nothing of before', () => {
    const columns = new ReadingColumns();
    const messages = fc.array(fc.array(anyReading, { maxLength: 80 }), { maxLength: 5 });
    fc.assert(
      fc.property(messages, (several) => {
        for (const readings of several) {
          decodeColumns(encodeColumns(null, ReadingColumns.of(readings)), columns);
          expect([...columns]).toStrictEqual(readings);
          columns.clear();
          for (const one of readings) columns.push(one);
          expect([...columns]).toStrictEqual(readings);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the doubles that decimal places or rounding would lose', () => {
    const values = [-0, 0, 1e-320, 5e-324, 0.1 + 0.2, 1.7976931348623157e308, -1e300, 2 ** 53 + 2, 1e-7, null];
    const entry = kept(
      1,
      values.map((value) => reading({ value })),
    );
    const found = entry.kind === 'message' ? entry.readings.map(({ value }) => value) : [];
    expect(found).toStrictEqual(values);
    expect(Object.is(found[0], -0)).toBe(true);
  });

  it('takes about 5 bytes a reading when a message is a sample of 20 values', () => {
    const readings = Array.from({ length: 20 }, (_, index) =>
      reading({ series: 1_000 + index, value: Math.round(Math.sin(index) * 1e4) / 1e3 }),
    );
    expect(encodeColumns(4711, ReadingColumns.of(readings)).length).toBeLessThan(20 * 5);
  });

  it('refuses bytes that are no message of columns, and goes no further than they do', () => {
    const bytes = encodeColumns(5, ReadingColumns.of([reading(), reading({ deviceFlag: 'hd' })]));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeColumns(bytes.subarray(0, length), new ReadingColumns())).toThrow();
    }
    expect(() => decodeColumns(Uint8Array.of(255, 1, 1), new ReadingColumns())).toThrow('begins with 255');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses the value %s', (value) => {
    expect(() => ReadingColumns.of([reading(), reading({ value })])).toThrow(RangeError);
  });

  it.each([Number.NaN, 0.5, -0.5, Number.POSITIVE_INFINITY])('refuses the time %s', (timeMs) => {
    expect(() => ReadingColumns.of([reading({ timeMs })])).toThrow(RangeError);
  });

  it('reads rows of every kind and refuses an unknown one', () => {
    const row = { ...at, source: null, body: null };
    const cases: [object, Entry][] = [
      [
        { ...row, kind: 'tick' },
        { kind: 'tick', seq: 7, receivedMs: NOON_MS },
      ],
      [
        { ...row, kind: 'start', body: 'null' },
        { kind: 'start', seq: 7, receivedMs: NOON_MS, downSinceMs: null },
      ],
      [
        { ...row, kind: 'start', body: '5' },
        { kind: 'start', seq: 7, receivedMs: NOON_MS, downSinceMs: 5 },
      ],
      [
        { ...row, kind: 'command', source: 'ops', body: '{"verb":"unshelve","alarm":"a"}' },
        { kind: 'command', seq: 7, receivedMs: NOON_MS, actor: 'ops', command: { verb: 'unshelve', alarm: 'a' } },
      ],
    ];
    for (const [given, entry] of cases)
      expect(decodeEntry(given as Parameters<typeof decodeEntry>[0])).toStrictEqual(entry);
    expect(() => decodeEntry({ ...row, kind: 'later' })).toThrow('unknown kind later');
  });
});
