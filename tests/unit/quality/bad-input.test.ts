/**
 * What becomes of bad input under the default thresholds, provisional and final alike: not a number, negative, zero,
 * missing, −9999, a unit off by a thousand. What can't be told from water is listed as such.
 */
import { describe, expect, it } from 'vitest';
import { Ring } from '#ingest/ring.ts';
import type { Flag } from '#model/flag.ts';
import { finalFlags } from '#quality/final.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { loadReference } from '#seeds/reference.ts';

const reference = loadReference();
const HOUR_MS = 3_600_000;

/** What the value's flags are in water that was as usual an hour before and is again an hour after. */
function flagsOf(parameter: string, value: number | null, usual: number): { provisional: Flag; final: Flag } {
  const by = effectiveThresholds(reference.parameters.get(parameter)!, undefined);
  const ring = new Ring(Number.NEGATIVE_INFINITY);
  const values = [usual, value, usual * 1.01];
  const taken = values.map((each, i) => ring.take(1, i * HOUR_MS, { value: each, deviceFlag: null }, by, null).flag);
  const window = values.map((each, i) => ({ timeMs: i * HOUR_MS, value: each, deviceFlag: null }));
  return { provisional: taken[1]!, final: finalFlags(window, by)[1]! };
}

const USUAL: Record<string, number> = {
  temp: 18,
  ph: 7.8,
  do: 9,
  ec: 260,
  turbidity: 3,
  codmn: 2,
  nh3n: 0.2,
  tp: 0.04,
  tn: 1,
  cod: 9,
  bod5: 1.5,
  cu: 0.05,
  hg: 0.00002,
  fcoli: 500,
  flow: 320,
  level: 147,
  velocity: 0.9,
};

describe('what isn’t there', () => {
  it.each([
    ['missing', null],
    ['not a number', Number.NaN],
  ])('%s: 9', (_, value) => {
    for (const [parameter, usual] of Object.entries(USUAL)) {
      expect(flagsOf(parameter, value, usual), parameter).toEqual({ provisional: 9, final: 9 });
    }
  });

  it('infinite, and −9999 that nobody translated: failed, whatever is measured', () => {
    for (const { id, qc } of reference.parameters.values()) {
      // A volume register has no range: what its leaps mean is decided by its meter.
      if (id === 'register') continue;
      expect(qc.fail, id).not.toBeNull();
      for (const value of [-9999, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(flagsOf(id, value, USUAL[id] ?? 0.001), id).toEqual({ provisional: 4, final: 4 });
      }
    }
  });
});

describe('negative', () => {
  it.each(['do', 'ec', 'turbidity', 'codmn', 'nh3n', 'tp', 'tn', 'cod', 'hg', 'fcoli'])('%s: failed', (parameter) => {
    for (const value of [-0.001, -5]) {
      expect(flagsOf(parameter, value, USUAL[parameter]!)).toEqual({ provisional: 4, final: 4 });
    }
  });
  it('a temperature just below freezing is water, one of −5 °C isn’t; levels and flows may be negative', () => {
    expect(flagsOf('temp', -0.2, 0.5)).toEqual({ provisional: 1, final: 1 });
    expect(flagsOf('temp', -5, 0.5)).toEqual({ provisional: 4, final: 4 });
    expect(flagsOf('flow', -12, 10)).toEqual({ provisional: 1, final: 1 });
    expect(flagsOf('level', -0.4, 0.1)).toEqual({ provisional: 1, final: 1 });
  });
});

describe('zero', () => {
  it.each([
    ['nh3n', 1],
    ['tp', 1],
    ['turbidity', 1],
    ['hg', 1],
    ['flow', 1],
    // Acid of pH 0 and distilled water are no river.
    ['ph', 4],
    ['ec', 3],
    // Water without any oxygen exists; falling to it from 9 mg/L within an hour and coming back is a spike.
    ['do', 3],
    ['temp', 4],
  ] as const)('%s: %i', (parameter, final) => {
    expect(flagsOf(parameter, 0, USUAL[parameter]!).final).toBe(final);
  });
  it('oxygen that sinks to zero is believed', () => {
    expect(flagsOf('do', 0, 1)).toEqual({ provisional: 1, final: 1 });
  });
});

describe('a unit off by a thousand', () => {
  const INDISTINCT = ['cu', 'hg', 'fcoli'];
  const isBad = (flag: Flag) => flag === 3 || flag === 4;

  it.each(Object.entries(USUAL))('%s: one reading of a thousand times %d is flagged', (parameter, usual) => {
    const { provisional, final } = flagsOf(parameter, usual * 1000, usual);
    expect([provisional, final].every(isBad)).toBe(true);
  });
  it.each(Object.entries(USUAL))('%s: whether a whole series a thousand times %d is flagged', (parameter, usual) => {
    const by = effectiveThresholds(reference.parameters.get(parameter)!, undefined);
    const window = [1, 1.01, 0.99, 1.02].map((share, i) => ({
      timeMs: i * HOUR_MS,
      value: share * usual * 1000,
      deviceFlag: null,
    }));
    // These breach every class, and what raises an alarm is looked at by somebody.
    expect(finalFlags(window, by).every(isBad)).toBe(!INDISTINCT.includes(parameter));
  });
  it.each(['ph', 'ec', 'do', 'temp'])('%s: a thousandth is flagged where water can’t be', (parameter) => {
    const { final } = flagsOf(parameter, USUAL[parameter]! / 1000, USUAL[parameter]!);
    expect(final).toBeGreaterThanOrEqual(3);
  });
  it.each(['nh3n', 'tp', 'turbidity', 'codmn', 'cu'])('%s: a thousandth is clean water, and believed', (parameter) => {
    expect(flagsOf(parameter, USUAL[parameter]! / 1000, USUAL[parameter]!)).toEqual({ provisional: 1, final: 1 });
  });
});
