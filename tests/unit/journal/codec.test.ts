import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntry, decodeMessage, encodeMessage } from '#journal/entry-codec.ts';
import type { Entry, JournaledReading, Verdict } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';

const anyReading: fc.Arbitrary<JournaledReading> = fc.record(
  {
    series: fc.integer({ min: 1, max: 2 ** 31 }),
    timeMs: fc.oneof(
      fc.constant(NOON_MS),
      fc.integer({ min: -2.3e12, max: 8.64e15 }),
      fc.integer({ min: NOON_MS - 1e7, max: NOON_MS }),
    ),
    value: fc.oneof(
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(-0, 0, 1e-320, 5e-324),
    ),
    flag: fc.constantFrom<Flag>(1, 2, 3, 4, 9),
    censored: fc.constantFrom<Censored>('<', '>'),
    deviceFlag: fc.oneof(
      fc.constant(null),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('N', 'hd', '校', '\ud800', '\0'),
    ),
    verdict: fc.constantFrom<Verdict>('new', 'duplicate', 'correction', 'unsettled'),
  },
  {
    noNullPrototype: true,
    requiredKeys: ['series', 'timeMs', 'value', 'flag', 'deviceFlag', 'verdict'],
  },
);

describe('entry codec', () => {
  it('gives back every message exactly', () => {
    const gatewaySeq = fc.oneof(fc.constant(null), fc.maxSafeInteger());
    fc.assert(
      fc.property(gatewaySeq, fc.array(anyReading, { maxLength: 60 }), (seq, readings) => {
        expect(decodeMessage(encodeMessage(seq, readings))).toStrictEqual({ gatewaySeq: seq, readings });
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the doubles that JSON or rounding would lose', () => {
    const values = [-0, 0, 1e-320, 5e-324, 0.1 + 0.2, 1.7976931348623157e308, -1e300, 2 ** 53 + 2, null];
    const { readings } = decodeMessage(
      encodeMessage(
        1,
        values.map((value) => reading({ value })),
      ),
    );
    expect(readings.map((one) => one.value)).toStrictEqual(values);
    expect(Object.is(readings[0]!.value, -0)).toBe(true);
  });

  it('takes about 15 bytes a reading when a message is a sample of 20 values', () => {
    const readings = Array.from({ length: 20 }, (_, index) =>
      reading({ series: 1_000 + index, value: Math.round(Math.sin(index) * 1e4) / 1e3 }),
    );
    expect(encodeMessage(4711, readings).length).toBeLessThan(20 * 15);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses the value %s', (value) => {
    expect(() => encodeMessage(null, [reading(), reading({ value })])).toThrow(RangeError);
  });

  it.each([Number.NaN, 0.5, -0.5, Number.POSITIVE_INFINITY])('refuses the time %s', (timeMs) => {
    expect(() => encodeMessage(null, [reading({ timeMs })])).toThrow(RangeError);
  });

  it('reads rows of every kind and refuses an unknown one', () => {
    const row = { seq: 7, receivedMs: NOON_MS, source: null, body: null };
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
