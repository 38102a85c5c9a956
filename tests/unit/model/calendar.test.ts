/** Calendar buckets against Temporal's own calendar, which is slow and knows nothing of our shortcuts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  autoInterval,
  type Bucket,
  bucketEdges,
  CalendarError,
  DAY_MS,
  dayOf,
  floorHour,
  HOUR_MS,
  intervalOfIso,
  isTimeZone,
  isWholeHourZone,
  wholeBucketEdges,
} from '#model/calendar.ts';

const ZONES = [
  'Asia/Shanghai',
  'UTC',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Pacific/Apia',
];

const at = (text: string) => Temporal.Instant.from(text).epochMilliseconds;
const edges = (from: string, to: string, by: Bucket, zone: string) =>
  bucketEdges(at(from), at(to), by, zone, 10_000).map((ms) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toString({ timeZoneName: 'never' }),
  );

/** What Temporal says: every start of a local date in the open range that satisfies `begins`. */
function oracle(fromMs: number, toMs: number, zone: string, begins: (date: Temporal.PlainDate) => boolean): number[] {
  const inner: number[] = [];
  let date = Temporal.Instant.fromEpochMilliseconds(fromMs)
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .subtract({ days: 1 });
  for (;;) {
    const ms = date.toZonedDateTime(zone).epochMilliseconds;
    if (ms >= toMs) break;
    if (ms > fromMs && begins(date) && ms !== inner.at(-1)) inner.push(ms);
    date = date.add({ days: 1 });
  }
  return [fromMs, ...inner, toMs];
}

const BEGINS: [Bucket, (date: Temporal.PlainDate) => boolean][] = [
  ['day', () => true],
  ['week', (date) => date.dayOfWeek === 1],
  ['month', (date) => date.day === 1],
  ['quarter', (date) => date.day === 1 && date.month % 3 === 1],
  ['year', (date) => date.day === 1 && date.month === 1],
  ['transfer-year', (date) => date.day === 1 && date.month === 11],
  ['total', () => false],
];

describe('wholeBucketEdges', () => {
  test.each([
    ['2016-11-30T00:00Z', '2026-11-30T00:00Z', 'year', 9],
    ['2016-01-01T00:00Z', '2026-01-01T00:00Z', 'year', 10],
    ['2016-01-01T00:00:00.001Z', '2025-12-31T23:59:59.999Z', 'year', 8],
    ['2026-01-31T00:00Z', '2026-03-01T00:00Z', 'month', 1],
    ['2026-01-02T00:00Z', '2026-02-28T00:00Z', 'month', 0],
    ['2026-01-02T00:00Z', '2026-01-28T00:00Z', 'month', 0],
    ['2026-01-02T00:00Z', '2026-01-02T00:00Z', 'day', 0],
  ] as const)('from %s to %s has whole %ss: %s', (from, to, by, count) => {
    const edges = wholeBucketEdges(at(from), at(to), by, 'UTC', 100);
    expect(edges).toHaveLength(count === 0 ? 0 : count + 1);
    // They are those of any wider range.
    const all = bucketEdges(at('2010-01-01T00:00Z'), at('2030-01-01T00:00Z'), by, 'UTC', 10_000);
    expect(edges.filter((edge) => !all.includes(edge))).toEqual([]);
    for (const edge of edges) expect(edge >= at(from) && edge <= at(to)).toBe(true);
  });
});

describe('bucketEdges', () => {
  test('agrees with Temporal in every zone and for every calendar bucket', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: at('1985-01-01T00:00Z'), max: at('2035-01-01T00:00Z') }),
        fc.integer({ min: 1, max: 500 * DAY_MS }),
        fc.constantFrom(...ZONES),
        fc.constantFrom(...BEGINS),
        (fromMs, lengthMs, zone, [by, begins]) => {
          expect(bucketEdges(fromMs, fromMs + lengthMs, by, zone, 10_000)).toEqual(
            oracle(fromMs, fromMs + lengthMs, zone, begins),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('hours partition the range and begin at full local hours', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: at('1985-01-01T00:00Z'), max: at('2035-01-01T00:00Z') }),
        fc.integer({ min: 1, max: 30 * DAY_MS }),
        fc.constantFrom(...ZONES),
        (fromMs, lengthMs, zone) => {
          const all = bucketEdges(fromMs, fromMs + lengthMs, 'hour', zone, 10_000);
          expect(all[0]).toBe(fromMs);
          expect(all.at(-1)).toBe(fromMs + lengthMs);
          for (let i = 1; i < all.length; i++) {
            expect(all[i]).toBeGreaterThan(all[i - 1]!);
            expect(all[i]! - all[i - 1]!).toBeLessThanOrEqual(zone === 'Australia/Lord_Howe' ? 1.5 * HOUR_MS : HOUR_MS);
          }
          for (const ms of all.slice(1, -1)) {
            const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
            expect([local.minute, local.second, local.millisecond]).toEqual([0, 0, 0]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('days of 23 and 25 hours', () => {
    const lengths = (from: string, to: string) => {
      const all = bucketEdges(at(from), at(to), 'day', 'America/New_York', 10);
      return all.slice(1).map((ms, i) => (ms - all[i]!) / HOUR_MS);
    };
    expect(lengths('2026-03-07T05:00Z', '2026-03-10T04:00Z')).toEqual([24, 23, 24]);
    expect(lengths('2026-10-31T04:00Z', '2026-11-03T05:00Z')).toEqual([24, 25, 24]);
    // The repeated hour is two buckets, the skipped one none.
    expect(bucketEdges(at('2026-11-01T04:00Z'), at('2026-11-02T05:00Z'), 'hour', 'America/New_York', 100)).toHaveLength(
      26,
    );
    expect(bucketEdges(at('2026-03-08T05:00Z'), at('2026-03-09T04:00Z'), 'hour', 'America/New_York', 100)).toHaveLength(
      24,
    );
  });

  test('Asia/Shanghai had daylight saving from 1986 to 1991', () => {
    expect(edges('1991-04-13T00:00+08:00', '1991-04-15T12:00+08:00', 'day', 'Asia/Shanghai')).toEqual([
      '1991-04-13T00:00:00+08:00',
      '1991-04-14T00:00:00+08:00',
      '1991-04-15T00:00:00+09:00',
      '1991-04-15T13:00:00+09:00',
    ]);
  });

  test('transfer years begin on 1 November, weeks on Monday, both clipped', () => {
    expect(edges('2024-06-01T00:00+08:00', '2026-02-01T00:00+08:00', 'transfer-year', 'Asia/Shanghai')).toEqual([
      '2024-06-01T00:00:00+08:00',
      '2024-11-01T00:00:00+08:00',
      '2025-11-01T00:00:00+08:00',
      '2026-02-01T00:00:00+08:00',
    ]);
    expect(edges('2026-11-20T08:30+08:00', '2026-11-24T00:00+08:00', 'week', 'Asia/Shanghai')).toEqual([
      '2026-11-20T08:30:00+08:00',
      '2026-11-23T00:00:00+08:00',
      '2026-11-24T00:00:00+08:00',
    ]);
  });

  test('hours of a half-hour zone begin at its own full hours', () => {
    expect(edges('2026-01-01T00:00Z', '2026-01-01T02:00Z', 'hour', 'Asia/Kolkata')).toEqual([
      '2026-01-01T05:30:00+05:30',
      '2026-01-01T06:00:00+05:30',
      '2026-01-01T07:00:00+05:30',
      '2026-01-01T07:30:00+05:30',
    ]);
  });

  test('refuses what is no range and what has too many buckets', () => {
    expect(bucketEdges(0, 24 * HOUR_MS, 'hour', 'UTC', 24)).toHaveLength(25);
    expect(() => bucketEdges(0, 24 * HOUR_MS, 'hour', 'UTC', 23)).toThrow(
      expect.objectContaining({ code: 'range.too-many-buckets' }),
    );
    for (const [from, to] of [
      [1, 1],
      [2, 1],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
      [0.5, 7],
    ] as const) {
      expect(() => bucketEdges(from, to, 'day', 'UTC', 10)).toThrow(CalendarError);
    }
    expect(() => bucketEdges(0, 1, 'day', 'Mars/Olympus', 10)).toThrow(RangeError);
  });
});

test('autoInterval takes the finest interval of at most 2,000 buckets', () => {
  const from = at('2016-01-01T00:00+08:00');
  const of = (days: number) => autoInterval(from, from + days * DAY_MS, 'Asia/Shanghai');
  expect([of(1), of(83), of(84), of(2000), of(2001), of(13_990), of(14_100)]).toEqual([
    'PT1H',
    'PT1H',
    'P1D',
    'P1D',
    'P1W',
    'P1W',
    'P1M',
  ]);
});

test('zones, hours, days and interval names', () => {
  expect(isWholeHourZone('Asia/Shanghai', at('2000-01-01T00:00Z'), at('2030-01-01T00:00Z'))).toBe(true);
  expect(isWholeHourZone('Asia/Kolkata', at('2000-01-01T00:00Z'), at('2030-01-01T00:00Z'))).toBe(false);
  expect(isWholeHourZone('Australia/Lord_Howe', at('2026-01-01T00:00Z'), at('2026-02-01T00:00Z'))).toBe(true);
  expect(isWholeHourZone('Australia/Lord_Howe', at('2026-01-01T00:00Z'), at('2026-06-01T00:00Z'))).toBe(false);
  expect([isTimeZone('Asia/Shanghai'), isTimeZone('Mars/Olympus'), isTimeZone('')]).toEqual([true, false, false]);
  expect([floorHour(HOUR_MS), floorHour(HOUR_MS - 1), floorHour(-1)]).toEqual([HOUR_MS, 0, -HOUR_MS]);
  expect([intervalOfIso('PT1H'), intervalOfIso('P1Y'), intervalOfIso('P2D'), intervalOfIso('toString')]).toEqual([
    'hour',
    'year',
    null,
    null,
  ]);
  expect(dayOf(at('2026-11-01T15:00Z'), 'America/New_York')).toEqual({
    startMs: at('2026-11-01T04:00Z'),
    endMs: at('2026-11-02T05:00Z'),
  });
  expect(dayOf(at('2026-01-01T00:00+08:00'), 'Asia/Shanghai').startMs).toBe(at('2026-01-01T00:00+08:00'));
});
