/** Calendars of rules: what lies in them, and where they open and close, also when the clock changes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Calendar, isWithin, longestMs, nextEdgeMs } from '#alerts/rules/calendar.ts';
import { checkRule } from '#alerts/rules/rules.ts';
import { Control } from '#journal/registers.ts';
import { rule } from '#model/register.ts';
import { reference } from '#tests/helpers/alerts/rig.ts';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);
const shanghai = (calendar: Omit<Calendar, 'timeZone'>): Calendar => ({ ...calendar, timeZone: 'Asia/Shanghai' });
const berlin = (calendar: Omit<Calendar, 'timeZone'>): Calendar => ({ ...calendar, timeZone: 'Europe/Berlin' });

describe('a calendar', () => {
  it.each([
    [{}, '2026-11-22T12:00:00+08:00', true],
    [{ months: [11] }, '2026-11-01T00:00:00+08:00', true],
    [{ months: [11] }, '2026-10-31T23:59:59+08:00', false],
    [{ weekdays: [7] }, '2026-11-22T00:00:00+08:00', true],
    [{ weekdays: [7] }, '2026-11-23T00:00:00+08:00', false],
    [{ hours: ['08:00', '18:00'] }, '2026-11-22T08:00:00+08:00', true],
    [{ hours: ['08:00', '18:00'] }, '2026-11-22T18:00:00+08:00', false],
    [{ hours: ['08:00', '24:00'] }, '2026-11-22T23:59:59+08:00', true],
    [{ hours: ['22:00', '06:00'] }, '2026-11-22T23:00:00+08:00', true],
    [{ hours: ['22:00', '06:00'] }, '2026-11-22T06:00:00+08:00', false],
    // A night belongs to the day on which it begins: Saturday's is over on Sunday morning, and November's on 1 December.
    [{ hours: ['22:00', '06:00'], weekdays: [6] }, '2026-11-22T05:59:00+08:00', true],
    [{ hours: ['22:00', '06:00'], weekdays: [6] }, '2026-11-22T22:00:00+08:00', false],
    [{ hours: ['22:00', '06:00'], months: [11] }, '2026-12-01T05:00:00+08:00', true],
    [{ hours: ['22:00', '06:00'], months: [11] }, '2026-11-01T05:00:00+08:00', false],
  ] as [Omit<Calendar, 'timeZone'>, string, boolean][])('%j at %s: %s', (calendar, text, expected) => {
    expect(isWithin(shanghai(calendar), at(text))).toBe(expected);
  });

  it('opens at a local time that the clock skips when it shows the next, and closes twice at one that it shows twice', () => {
    const edges = (calendar: Calendar, from: string, count: number) => {
      const found: string[] = [];
      for (let edge: number | null = at(from); found.length < count; ) {
        edge = nextEdgeMs(calendar, edge);
        if (edge === null) break;
        found.push(new Date(edge).toISOString());
      }
      return found;
    };
    // 2026-03-29 02:00 becomes 03:00; 2026-10-25 03:00 becomes 02:00.
    expect(edges(berlin({ hours: ['02:30', '06:00'] }), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T04:00:00.000Z',
    ]);
    expect(edges(berlin({ hours: ['22:00', '02:30'] }), '2026-10-24T12:00:00Z', 4)).toEqual([
      '2026-10-24T20:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
    ]);
    expect(edges(shanghai({ months: [5, 6, 7, 8, 9] }), '2026-11-22T00:00:00Z', 2)).toEqual([
      '2027-04-30T16:00:00.000Z',
      '2027-09-30T16:00:00.000Z',
    ]);
    expect(nextEdgeMs(shanghai({ hours: ['00:00', '24:00'] }), 0)).toBeNull();
  });

  it('does not take the change of the clock two days on for an edge before tomorrow’s', () => {
    const calendar: Calendar = { hours: ['00:00', '02:35'], timeZone: 'Australia/Lord_Howe' };
    expect(nextEdgeMs(calendar, at('2026-10-02T02:35:00+10:30'))).toBe(at('2026-10-03T00:00:00+10:30'));
  });

  it('has no edge that is none, and between two edges nothing changes', () => {
    const time = fc.integer({ min: 0, max: 24 * 12 - 1 }).map((n) => {
      const [hour, minute] = [Math.floor(n / 12), (n % 12) * 5].map((part) => String(part).padStart(2, '0'));
      return `${hour}:${minute}`;
    });
    const calendar = fc.record(
      {
        months: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        weekdays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        hours: fc.tuple(time, time).filter(([from, to]) => from !== to),
        timeZone: fc.constantFrom('Asia/Shanghai', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns'),
      },
      { requiredKeys: ['timeZone'] },
    ) as fc.Arbitrary<Calendar>;
    const start = fc.integer({ min: at('2026-03-01T00:00:00Z'), max: at('2026-11-30T00:00:00Z') });
    fc.assert(
      fc.property(calendar, start, (one, fromMs) => {
        const edgeMs = nextEdgeMs(one, fromMs);
        const now = isWithin(one, fromMs);
        if (edgeMs !== null) {
          expect(isWithin(one, edgeMs)).toBe(!now);
          expect(isWithin(one, edgeMs - 1)).toBe(now);
        }
        const untilMs = Math.min(edgeMs ?? Number.POSITIVE_INFINITY, fromMs + 40 * 24 * HOUR);
        for (let ms = fromMs; ms < untilMs; ms += 5 * 60_000 + 1) {
          if (isWithin(one, ms) !== now) throw new Error(`changes before its edge, at ${new Date(ms).toISOString()}`);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a rule with a calendar', () => {
  const base = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, severity: 'minor' };

  it.each([
    { months: [] },
    { months: [13] },
    { weekdays: [0] },
    { hours: ['22:00'] },
    { hours: ['22:00', '22:00'] },
    { hours: ['24:00', '06:00'] },
    { hours: ['9:00', '18:00'] },
    { holidays: true },
  ])('is refused with %j', (calendar) => {
    expect(rule.safeParse({ ...base, calendar }).success).toBe(false);
  });

  it('is refused when it can hold nothing for as long as `for`', () => {
    const check = (body: object) => checkRule(rule.parse({ ...base, ...body }), new Control([]), reference);
    const hours = ['22:00', '06:00'];
    expect(check({ for: 'PT8H', calendar: { hours } })).toMatchObject([{ code: 'rule.invalid', path: 'for' }]);
    expect(check({ for: 'PT7H', calendar: { hours } })).toEqual([]);
    expect(longestMs({ hours: ['06:00', '24:00'] })).toBe(18 * HOUR);
  });

  it.each(['PT0S', 'PT30S', 'soon'])('is refused with reAlarmAfter %s', (reAlarmAfter) => {
    expect(rule.safeParse({ ...base, reAlarmAfter }).success).toBe(false);
  });
});
