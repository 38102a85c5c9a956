/** Buckets of trends written as JSON, row by row: what JSON.stringify makes of objects, and local times as Temporal has them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trendItemsText } from '#api/books/trend-items.ts';
import { zonedTexts } from '#api/instants.ts';
import { classOn, type Ladder } from '#assess/classify.ts';
import type { TrendBucket } from '#books/questions/queries.ts';
import { settled } from '#model/decimal.ts';

const T = Date.UTC(2026, 10, 22);
const HOUR = 3_600_000;
const LADDER: Ladder = [2, 4, 6, 10, 15].map((value) => ({ op: '<=', value }) as Ladder[number]);
const number = fc.option(
  fc.oneof(
    fc.double({ noNaN: true }),
    fc.integer({ min: 0, max: 2000 }).map((n) => n / 100),
  ),
);

const bucket = fc.record({
  startMs: fc.integer({ min: 0, max: 10 * 365 * 24 }).map((hours) => T - hours * HOUR),
  endMs: fc.constant(T + HOUR),
  count: fc.nat(400),
  valid: fc.nat(400),
  mean: number,
  min: number,
  max: number,
  provisional: fc.boolean(),
}) satisfies fc.Arbitrary<TrendBucket>;

describe('items of trends', () => {
  it('are what JSON makes of them', () => {
    fc.assert(
      fc.property(
        fc.array(bucket, { maxLength: 20 }),
        fc.constantFrom(0, 300_000, 7_200_000),
        fc.constantFrom<Ladder>([], LADDER),
        (buckets, intervalMs, ladder) => {
          const text = zonedTexts('Asia/Shanghai');
          const items = buckets.map(({ startMs, endMs, mean, provisional, count, valid, min, max }) => ({
            start: text(startMs),
            end: text(endMs),
            count,
            expected: intervalMs > 0 ? (endMs - startMs) / intervalMs : null,
            valid,
            mean,
            min,
            max,
            class: mean === null ? null : classOn(ladder, settled(mean)),
            ...(provisional ? { provisional } : {}),
          }));
          const written = trendItemsText(buckets, 'Asia/Shanghai', { intervalMs, ladder });
          expect(written).toBe(JSON.stringify(items));
        },
      ),
    );
  });
});

describe('local times', () => {
  /** As RFC 3339 has it: no seconds in an offset, and none of a second that is whole. */
  function asTemporal(timeMs: number, timeZone: string): string {
    const at = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone);
    const fractionalSecondDigits = timeMs % 1000 === 0 ? 0 : 3;
    return at.toString({ timeZoneName: 'never', calendarName: 'never', fractionalSecondDigits });
  }

  const instants = fc.oneof(
    fc.integer({ min: Date.UTC(1950, 0, 1), max: Date.UTC(2100, 0, 1) }),
    fc.integer({ min: -20 * 365, max: 130 * 365 }).map((days) => days * 86_400_000),
    // Around the changes of clocks.
    fc.integer({ min: -90_000, max: 90_000 }).map((seconds) => Date.UTC(2026, 2, 29, 1) + seconds * 1000),
  );

  it.each(['Asia/Shanghai', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', '+08:00', 'UTC'])(
    'are written as by Temporal in %s, whatever came before',
    (timeZone) => {
      fc.assert(
        fc.property(fc.array(instants, { minLength: 1, maxLength: 8 }), (times) => {
          const text = zonedTexts(timeZone);
          const ascending = times.toSorted((a, b) => a - b);
          expect(ascending.map(text)).toEqual(ascending.map((timeMs) => asTemporal(timeMs, timeZone)));
        }),
        { numRuns: 300 },
      );
    },
  );

  it('are those of the first and the last century, too', () => {
    const text = zonedTexts('UTC');
    const times = ['1000-01-01T00:00:00Z', '1899-12-31T23:59:59Z', '2000-02-29T00:00:00Z', '9999-12-31T00:00:00Z'];
    expect(times.map((time) => text(Date.parse(time)))).toEqual(times.map((time) => time.replace('Z', '+00:00')));
    expect(zonedTexts('UTC')(-1)).toBe('1969-12-31T23:59:59.999+00:00');
  });
});
