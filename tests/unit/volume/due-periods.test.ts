/** Which reports and closings are due: of the clock and of when accounts began, and of nothing else. */
import { describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import { nameAt, reportRange } from '#volume/calendar-names.ts';
import { duePeriods } from '#volume/due-periods.ts';

const ZONE = 'Asia/Shanghai';
const local = (text: string, zone = ZONE) => Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds;
const due = (since: string, now: string, rest: object = {}) =>
  duePeriods({
    sinceMs: local(since),
    nowMs: local(now),
    allowedLatenessMs: 2 * HOUR_MS,
    timeZone: ZONE,
    ...rest,
  }).map(({ name }) => name);

describe('what is due', () => {
  it.each([
    ['2026-11-20T10:00', '2026-11-20T23:00', []],
    ['2026-11-20T10:00', '2026-11-21T07:59:59', []],
    ['2026-11-20T10:00', '2026-11-21T08:00', ['2026-11-20']],
    ['2026-11-20T10:00', '2026-11-23T08:00', ['2026-11-20', '2026-11-21', '2026-11-22']],
    ['2026-10-30T10:00', '2026-11-01T08:00', ['2026-10-30', '2026-10-31', '2026-10', '2025-26']],
    ['2026-11-30T10:00', '2026-12-01T08:00', ['2026-11-30', '2026-11']],
    // Begun at the very end of a day, a month and a year: nobody's duty.
    ['2026-11-01T00:00', '2026-11-01T23:00', []],
  ])('begun %s, at %s: %j', (since, now, expected) => {
    expect(due(since, now)).toEqual(expected);
  });

  it('waits for the last hour to close where readings may be later than 08:00', () => {
    const patient = { allowedLatenessMs: 30 * HOUR_MS };
    expect(due('2026-11-20T10:00', '2026-11-22T05:59', patient)).toEqual([]);
    expect(due('2026-11-20T10:00', '2026-11-22T06:00', patient)).toEqual(['2026-11-20']);
  });

  it('is everything once after years away, oldest first, days before the months that end with them', () => {
    const names = due('2024-02-28T12:00', '2026-03-01T09:00');
    expect(names.slice(0, 4)).toEqual(['2024-02-28', '2024-02-29', '2024-02', '2024-03-01']);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.length === 10)).toHaveLength(732);
    expect(names.filter((name) => /^\d{4}-(0\d|1[0-2])$/.test(name))).toHaveLength(25);
    expect(names.filter((name) => ['2023-24', '2024-25'].includes(name))).toEqual(['2023-24', '2024-25']);
  });

  it.each([
    ['America/New_York', '2026-03-08T00:00', '2026-03-09T08:00'],
    ['America/New_York', '2026-11-01T00:00', '2026-11-02T08:00'],
    ['Asia/Kolkata', '2026-11-01T00:00', '2026-11-02T08:00'],
  ])('comes at 08:00 of the wall clock also across a change of clocks (%s)', (timeZone, day, morning) => {
    const given = { sinceMs: local(day, timeZone), allowedLatenessMs: 0, timeZone };
    const nowMs = local(morning, timeZone);
    const days = (at: number) => duePeriods({ ...given, nowMs: at }).filter(({ kind }) => kind === 'day');
    expect(days(nowMs - 1)).toEqual([]);
    expect(days(nowMs)).toMatchObject([{ name: day.slice(0, 10) }]);
  });
});

describe('names of reports', () => {
  it('are of days, too, and name what they are found by', () => {
    expect(reportRange('2028-02-29', ZONE)).toEqual({
      kind: 'day',
      fromMs: local('2028-02-29T00:00'),
      toMs: local('2028-03-01T00:00'),
    });
    expect(reportRange('2026-11', ZONE).kind).toBe('month');
    for (const name of ['2026-02-29', '2026-13-01', '2026-11-31', '2026-00'])
      expect(() => reportRange(name, ZONE)).toThrow(expect.objectContaining({ code: 'range.invalid' }));
    for (let atMs = local('2023-10-25T13:00'); atMs < local('2024-11-10T00:00'); atMs += DAY_MS) {
      for (const kind of ['day', 'month', 'transfer-year'] as const) {
        const range = reportRange(nameAt(kind, atMs, ZONE), ZONE);
        expect(range.kind).toBe(kind);
        expect(range.fromMs <= atMs && atMs < range.toMs).toBe(true);
      }
    }
  });
});
