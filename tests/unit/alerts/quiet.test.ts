/** Quiet hours as instants, also on the days on which the clocks change. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quietUntilMs } from '#alerts/telling/quiet.ts';
import type { Severity } from '#model/alarms/alarm.ts';

const ms = (text: string) => Date.parse(text);
const quiet = (from: string, to: string, severities: Severity[] = ['minor']) => ({ quiet: { from, to, severities } });
const until = (route: ReturnType<typeof quiet>, at: string, zone = 'Asia/Shanghai') => {
  const end = quietUntilMs([route], 'minor', ms(at), zone);
  return end === null ? null : new Date(end).toISOString();
};

describe('quiet hours', () => {
  const night = quiet('22:00', '07:00');
  it.each([
    ['2026-11-22T21:59:59+08:00', null],
    ['2026-11-22T22:00:00+08:00', '2026-11-22T23:00:00.000Z'],
    ['2026-11-23T00:00:00+08:00', '2026-11-22T23:00:00.000Z'],
    ['2026-11-23T06:59:59.999+08:00', '2026-11-22T23:00:00.000Z'],
    ['2026-11-23T07:00:00+08:00', null],
  ])('over midnight at %s until %s', (at, end) => expect(until(night, at)).toBe(end));

  it('within a day', () => {
    const noon = quiet('12:00', '14:00');
    expect(until(noon, '2026-11-22T11:59:00+08:00')).toBeNull();
    expect(until(noon, '2026-11-22T12:00:00+08:00')).toBe('2026-11-22T06:00:00.000Z');
    expect(until(noon, '2026-11-22T14:00:00+08:00')).toBeNull();
  });

  it('are about their severities, and are none where another route tells at once', () => {
    const at = ms('2026-11-22T23:00:00+08:00');
    expect(quietUntilMs([night], 'critical', at, 'Asia/Shanghai')).toBeNull();
    expect(quietUntilMs([night, {}], 'minor', at, 'Asia/Shanghai')).toBeNull();
    expect(quietUntilMs([], 'minor', at, 'Asia/Shanghai')).toBeNull();
    const [early, late] = [quiet('20:00', '05:30'), quiet('20:00', '09:00')];
    expect(quietUntilMs([late, early], 'minor', at, 'Asia/Shanghai')).toBe(ms('2026-11-23T05:30:00+08:00'));
  });

  it('begin and end once where the clock skips an hour, or has one twice (Europe/Berlin)', () => {
    const berlin = 'Europe/Berlin';
    // 02:30 isn't there on 29 March 2026: the clock goes from 02:00 to 03:00.
    expect(until(quiet('23:00', '02:30'), '2026-03-29T00:59:59Z', berlin)).toBe('2026-03-29T01:00:00.000Z');
    expect(until(quiet('23:00', '02:30'), '2026-03-29T01:00:00Z', berlin)).toBeNull();
    expect(until(quiet('02:30', '05:00'), '2026-03-29T01:00:00Z', berlin)).toBe('2026-03-29T03:00:00.000Z');
    // 02:30 comes twice on 25 October 2026, at 00:30Z and 01:30Z: the first ends it.
    expect(until(quiet('23:00', '02:30'), '2026-10-25T00:29:59Z', berlin)).toBe('2026-10-25T00:30:00.000Z');
    expect(until(quiet('23:00', '02:30'), '2026-10-25T01:15:00Z', berlin)).toBeNull();
  });

  it('end at one instant for all that they hold, in any zone (property)', () => {
    const clock = fc.tuple(fc.nat(23), fc.nat(59)).map((pair) => pair.map((n) => String(n).padStart(2, '0')).join(':'));
    const zones = fc.constantFrom('Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe');
    fc.assert(
      fc.property(clock, clock, zones, fc.integer({ min: 0, max: 366 * 1440 }), (from, to, zone, minute) => {
        fc.pre(from !== to);
        const at = Date.UTC(2026, 0, 1) + minute * 60_000;
        const end = quietUntilMs([quiet(from, to)], 'minor', at, zone);
        if (end === null) return;
        expect(end).toBeGreaterThan(at);
        expect(end - at).toBeLessThanOrEqual(25 * 3_600_000);
        expect(quietUntilMs([quiet(from, to)], 'minor', end - 1, zone)).toBe(end);
        expect(quietUntilMs([quiet(from, to)], 'minor', end, zone)).toBeNull();
      }),
    );
  });
});
