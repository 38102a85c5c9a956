import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanced, CALM, floodEndMs, floods, raised } from '#alerts/telling/flood.ts';

const MINUTE_MS = 60_000;
const minutes = (...list: number[]) => list.map((minute) => minute * MINUTE_MS);

/** By definition: the minutes-by-millisecond count, slowly. */
function slowFloods(timesMs: readonly number[]): { fromMs: number; toMs: number }[] {
  const countAt = (atMs: number) => timesMs.filter((one) => one <= atMs && one > atMs - 10 * MINUTE_MS).length;
  const moments = [...new Set(timesMs.flatMap((atMs) => [atMs, atMs + 10 * MINUTE_MS]))].sort((a, b) => a - b);
  const found: { fromMs: number; toMs: number }[] = [];
  let sinceMs: number | null = null;
  for (const atMs of moments) {
    if (sinceMs === null && countAt(atMs) > 10) sinceMs = atMs;
    else if (sinceMs !== null && countAt(atMs) < 5) {
      found.push({ fromMs: sinceMs, toMs: atMs });
      sinceMs = null;
    }
  }
  return found;
}

describe('flood', () => {
  it('begins with the eleventh alarm in ten minutes and ends when fewer than five are left', () => {
    const times = minutes(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5);
    expect(floods(times.slice(0, 10))).toEqual([]);
    // The fifth newest came at minute 3, so after minute 13 four are left.
    expect(floods(times)).toEqual([{ fromMs: 5 * MINUTE_MS, toMs: 13 * MINUTE_MS }]);
  });

  it('does not begin with ten alarms, however fast, nor with eleven in eleven minutes', () => {
    expect(floods(minutes(...Array.from({ length: 10 }, () => 1)))).toEqual([]);
    expect(floods(minutes(...Array.from({ length: 11 }, (_, n) => n * 1.1)))).toEqual([]);
  });

  it('lasts as long as five in ten minutes go on coming', () => {
    const times = minutes(...Array.from({ length: 11 }, () => 0), 2, 4, 6, 8, 10, 12, 14);
    expect(floods(times)).toEqual([{ fromMs: 0, toMs: 16 * MINUTE_MS }]);
  });

  it('says beforehand when it ends, and forgets what lies further back', () => {
    let state = CALM;
    for (let n = 0; n < 1000; n++) state = raised(state, n);
    expect(state.timesMs).toHaveLength(11);
    expect(floodEndMs(state)).toBe(995 + 10 * MINUTE_MS);
    expect(advanced(state, 995 + 10 * MINUTE_MS)).toMatchObject({ sinceMs: null });
    expect(advanced(state, 20 * MINUTE_MS)).toEqual(CALM);
  });

  it('is what the definition says, whatever comes', () => {
    const streams = fc
      .array(fc.integer({ min: 0, max: 90 }), { maxLength: 80 })
      .map((list) => list.map((half) => (half * MINUTE_MS) / 2).sort((a, b) => a - b));
    fc.assert(
      fc.property(streams, (times) => {
        expect(floods(times)).toEqual(slowFloods(times));
      }),
    );
  });
});
