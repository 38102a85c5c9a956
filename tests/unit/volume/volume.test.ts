import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '#model/calendar.ts';
import { anchors } from '#volume/anchors.ts';
import { hourVolumes, share } from '#volume/hours.ts';
import type { MeterProfile } from '#volume/profile.ts';
import { type MeterPoint, meterSegments } from '#volume/segments.ts';

const T0 = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const register = (overrides: Partial<MeterProfile> = {}): MeterProfile => ({
  kind: 'register',
  sizeLitres: null,
  resolutionLitres: 1,
  direction: 1,
  maxFlowLitresPerSecond: 10_000,
  maxGapMs: HOUR_MS,
  fromMs: -Infinity,
  toMs: Infinity,
  ...overrides,
});
/** Register reads in m³, ten minutes apart. */
const every10 = (...values: number[]): MeterPoint[] =>
  values.map((value, index) => ({ timeMs: T0 + index * 10 * MINUTE, value }));
const litres = (profile: MeterProfile, points: MeterPoint[]) =>
  meterSegments(profile, points).segments.map((segment) => segment.litres);
const kinds = (profile: MeterProfile, points: MeterPoint[]) =>
  meterSegments(profile, points).decisions.map(({ kind, timeMs }) => [kind, (timeMs - T0) / (10 * MINUTE)]);

describe('a forward register', () => {
  it('is subtracted read by read, in litres', () => {
    expect(litres(register(), every10(100, 100.5, 101.25, 101.25))).toEqual([500, 750, 0]);
  });

  it('never books a single zero (home-assistant#182493: 16 kWh real, 413 booked)', () => {
    const points = every10(215.7, 216, 0, 216.4, 217);
    expect(litres(register(), points)).toEqual([300, 400, 600]);
    expect(kinds(register(), points)).toEqual([['glitch', 2]]);
    expect(litres(register({ sizeLitres: 1_000_000 }), points)).toEqual([300, 400, 600]);
  });

  it('rolls over where its size explains the drop', () => {
    const points = every10(999, 999.8, 0.3, 1);
    expect(litres(register({ sizeLitres: 1_000_000 }), points)).toEqual([800, 500, 700]);
    expect(kinds(register({ sizeLitres: 1_000_000 }), points)).toEqual([['rollover', 2]]);
  });

  it('leaves the volume across a confirmed reset unknown', () => {
    const points = every10(500, 501, 2, 3);
    expect(litres(register(), points)).toEqual([1000, 1000]);
    expect(kinds(register(), points)).toEqual([['reset', 2]]);
  });

  it('holds a drop without a successor as pending', () => {
    expect(litres(register(), every10(500, 501, 2))).toEqual([1000]);
    expect(kinds(register(), every10(500, 501, 2))).toEqual([['pending', 2]]);
  });

  it('refuses a jump that no flow explains', () => {
    const points = every10(500, 501, 90_000, 502, 503);
    expect(litres(register(), points)).toEqual([1000, 1000, 1000]);
    expect(kinds(register(), points)).toEqual([['glitch', 2]]);
  });

  it('skips two glitches in a row', () => {
    expect(litres(register(), every10(500, 501, 0, 80_000, 502, 503)).reduce((sum, part) => sum + part, 0)).toBe(3000);
  });

  it('calls the total over a long gap known but its timing estimated', () => {
    const points = [...every10(10, 11), { timeMs: T0 + 5 * HOUR_MS, value: 20 }];
    expect(meterSegments(register(), points).segments.map(({ litres: volume, quality }) => [volume, quality])).toEqual([
      [1000, 'measured'],
      [9000, 'estimated'],
    ]);
  });

  it('counts against its direction', () => {
    expect(litres(register({ direction: -1 }), every10(1, 2))).toEqual([-1000]);
  });
});

describe('other kinds', () => {
  it('lets a signed register fall', () => {
    const profile = register({ kind: 'signed-register' });
    expect(litres(profile, every10(5, 6, 4.5))).toEqual([1000, -1500]);
    expect(kinds(profile, every10(5, 6, 4.5))).toEqual([['reverse', 2]]);
  });

  it('starts a scheduled reset from zero and says that it is an estimate', () => {
    const profile = register({ kind: 'scheduled-reset' });
    const { segments } = meterSegments(profile, every10(5, 6, 0.5, 1));
    expect(segments.map(({ litres: volume, quality }) => [volume, quality])).toEqual([
      [1000, 'measured'],
      [500, 'estimated'],
      [500, 'measured'],
    ]);
  });

  it('integrates flow by trapezoids, ignoring a rate beyond the channel', () => {
    const profile = register({ kind: 'flow' });
    const points = [
      { timeMs: T0, value: 2 },
      { timeMs: T0 + 30 * MINUTE, value: 4 },
      { timeMs: T0 + 40 * MINUTE, value: 4000 },
      { timeMs: T0 + HOUR_MS, value: 2 },
    ];
    const hours = hourVolumes(meterSegments(profile, points).segments, T0, T0 + HOUR_MS);
    expect(hours).toEqual([{ hourMs: T0, measuredLitres: 3 * 3600 * 1000, estimatedLitres: 0, knownMs: HOUR_MS }]);
  });
});

describe('hours', () => {
  it('splits a segment over its hours without losing a litre', () => {
    const points = [
      { timeMs: T0 + 20 * MINUTE, value: 0 },
      { timeMs: T0 + 20 * MINUTE + 3 * HOUR_MS, value: 1.0 },
    ];
    const hours = hourVolumes(
      meterSegments(register({ maxGapMs: 24 * HOUR_MS }), points).segments,
      T0,
      T0 + 4 * HOUR_MS,
    );
    expect(hours.map(({ measuredLitres }) => measuredLitres)).toEqual([222, 333, 333, 112]);
    expect(hours.map(({ knownMs }) => knownMs / MINUTE)).toEqual([40, 60, 60, 20]);
  });

  it('shares exactly where doubles would not', () => {
    expect(share(9_007_199_254_740_991, 3_599_999, 3_600_000)).toBe(
      Number((9_007_199_254_740_991n * 3_599_999n) / 3_600_000n),
    );
    expect(share(-7, 1, 2)).toBe(-4);
    expect(share(-9_007_199_254_740_991, 3_599_999, 3_600_000)).toBe(
      Number((-9_007_199_254_740_991n * 3_599_999n) / 3_600_000n) - 1,
    );
  });

  it('always adds up to the register (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 * HOUR_MS }), fc.integer({ min: 0, max: 5_000_000 })), {
          minLength: 1,
          maxLength: 60,
        }),
        (steps) => {
          const points: MeterPoint[] = [{ timeMs: T0, value: 0 }];
          for (const [elapsedMs, rise] of steps) {
            const last = points.at(-1)!;
            points.push({ timeMs: last.timeMs + elapsedMs, value: (Math.round(last.value! * 1000) + rise) / 1000 });
          }
          const profile = register({ maxFlowLitresPerSecond: 1e15 });
          const end = Math.ceil(points.at(-1)!.timeMs / HOUR_MS) * HOUR_MS;
          const hours = hourVolumes(meterSegments(profile, points).segments, T0, end);
          const total = hours.reduce((sum, hour) => sum + hour.measuredLitres + hour.estimatedLitres, 0);
          expect(total).toBe(Math.round(points.at(-1)!.value! * 1000));
        },
      ),
    );
  });

  it('takes up the chain at an anchor as if it had seen everything, before and after (property)', () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 40, max: 60 }),
      fc.integer({ min: 0, max: 100_000 }),
      fc.constant(0),
    );
    const sizes = fc.constantFrom(null, 80, 50_000);
    const meterKinds = fc.constantFrom('register' as const, 'scheduled-reset' as const, 'signed-register' as const);
    const gaps = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 3, maxLength: 40 }),
        sizes,
        meterKinds,
        gaps,
        (values, size, kind, gap) => {
          const points = values.map((litresRead, index) => ({ timeMs: T0 + index * 1000, value: litresRead / 1000 }));
          const profile = register({ kind, maxFlowLitresPerSecond: 15, sizeLitres: size, maxGapMs: gap * 1000 });
          const whole = meterSegments(profile, points);
          for (const anchorMs of anchors(profile, points)) {
            const tail = meterSegments(
              profile,
              points.filter(({ timeMs }) => timeMs >= anchorMs),
            );
            const head = meterSegments(
              profile,
              points.filter(({ timeMs }) => timeMs <= anchorMs),
            );
            expect([...head.segments, ...tail.segments]).toEqual(whole.segments);
            expect([...head.decisions, ...tail.decisions]).toEqual(whole.decisions);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
