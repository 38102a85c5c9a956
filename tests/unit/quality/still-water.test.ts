/** A temperature that stands still at 0 is ice only where the water was near 0 before a hole. */
import { describe, expect, it } from 'vitest';
import { Ring } from '#ingest/ring.ts';
import { station as stationSchema } from '#model/register.ts';
import { finalFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { loadReference } from '#seeds/reference.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 15 * 60_000;
const station = stationSchema.parse({
  name: { zh: '断面', en: 'Section' },
  kind: 'canal-section',
  waterBody: 'river',
  parameters: [{ id: 'temp', interval: 'PT15M' }],
});
const by = effectiveThresholds(loadReference().parameters.get('temp')!, station);

/** Hourly-varying water, then a hole, then a value that stands still; a reading each quarter of an hour. */
function series(before: number, holeHours: number, stillHours: number, still = 0) {
  const window = [];
  let timeMs = 0;
  for (let n = 0; n < 96; n++, timeMs += STEP_MS) {
    window.push({ timeMs, value: before + 0.05 * Math.sin(n / 7), deviceFlag: null });
  }
  timeMs += holeHours * HOUR_MS;
  for (let n = 0; n < stillHours * 4; n++, timeMs += STEP_MS) window.push({ timeMs, value: still, deviceFlag: null });
  return window;
}
const finals = (window: ReturnType<typeof series>) => finalFlags(window, by).slice(96);
function provisionals(window: ReturnType<typeof series>) {
  const ring = new Ring(Number.NEGATIVE_INFINITY);
  return window.map((reading) => ring.take(1, reading.timeMs, reading, by, null).flag).slice(96);
}

describe('8 °C, a hole of 4 h, then 38 h of 0.00', () => {
  const window = series(8, 4, 38);

  it('is suspect from the first reading and fails from the twelfth hour', () => {
    const flags = finals(window);
    expect(flags).toHaveLength(152);
    expect(flags.filter((flag) => flag < 3)).toEqual([]);
    expect(flags.slice(0, 48)).toEqual(new Array(48).fill(3));
    expect(flags.slice(48)).toEqual(new Array(104).fill(4));
  });

  it('is doubted at the door from the second reading on', () => {
    const flags = provisionals(window);
    expect(flags.slice(1).filter((flag) => flag < 3)).toEqual([]);
  });

  it('whichever way the readings around the hole are missing', () => {
    const nulls = series(8, 0, 42).map((one, n) => (n >= 96 && n < 112 ? { ...one, value: null } : one));
    expect(
      finalFlags(nulls, by)
        .slice(112)
        .filter((flag) => flag < 3),
    ).toEqual([]);
    const ring = new Ring(Number.NEGATIVE_INFINITY);
    const door = nulls.map((one) => ring.take(1, one.timeMs, one, by, null).flag);
    expect(door.slice(113).filter((flag) => flag < 3)).toEqual([]);
  });

  it('gives the same flags however the window around an hour is cut', () => {
    const all = finalFlags(window, by);
    for (const place of [96, 97, 140, 200, 247]) {
      const { timeMs } = window[place]!;
      const cut = window.filter(
        (one) => one.timeMs >= timeMs - reachBackMs(by) && one.timeMs <= timeMs + reachForwardMs(by),
      );
      expect(finalFlags(cut, by)[cut.findIndex((one) => one.timeMs === timeMs)]).toBe(all[place]);
    }
  });
});

describe('a leap to 0.00 without a hole', () => {
  it.each([
    ['8 °C', 8],
    ['3.4 °C, which is no spike', 3.4],
    ['1.6 °C', 1.6],
  ])('from %s is suspect from its first reading on and fails from the twelfth hour', (_name, before) => {
    const flags = finals(series(before, 0, 38));
    expect(flags.slice(0, 48)).toEqual(new Array(48).fill(3));
    expect(flags.slice(48)).toEqual(new Array(104).fill(4));
    expect(
      provisionals(series(before, 0, 38))
        .slice(1)
        .filter((flag) => flag < 3),
    ).toEqual([]);
  });

  it('of a few samples is found, the water before and after it is not', () => {
    const back = [...series(3.4, 0, 1), ...series(3.4, 0, 0)].map((one, n) => ({ ...one, timeMs: n * STEP_MS }));
    const flags = finalFlags(back, by);
    expect(flags.slice(96, 100)).toEqual([3, 3, 3, 3]);
    expect([...flags.slice(1, 96), ...flags.slice(101, -1)].filter((flag) => flag > 2)).toEqual([]);
  });

  it('gives the same flags however the window around an hour is cut', () => {
    const window = series(3.4, 0, 100);
    const all = finalFlags(window, by);
    for (const place of [95, 96, 97, 140, 300, 384, 385, 400]) {
      const { timeMs } = window[place]!;
      const cut = window.filter(
        (one) => one.timeMs >= timeMs - reachBackMs(by) && one.timeMs <= timeMs + reachForwardMs(by),
      );
      expect(finalFlags(cut, by)[cut.findIndex((one) => one.timeMs === timeMs)]).toBe(all[place]);
    }
  });

  it('is none where water may have cooled so far: by its time, or through what lies between', () => {
    const hourly = effectiveThresholds(loadReference().parameters.get('temp')!, {
      ...station,
      parameters: [{ id: 'temp', interval: 'PT4H' }],
    });
    const night = [4, 3.5, 2, 0, 0, 0, 0, 0].map((value, n) => ({ timeMs: n * 4 * HOUR_MS, value, deviceFlag: null }));
    expect(finalFlags(night, hourly).filter((flag) => flag > 2)).toEqual([]);
    const falling = series(1.6, 0, 40).map((one, n) =>
      n < 96 ? one : { ...one, value: Math.max(0, Number((1.4 - 0.4 * (n - 96)).toFixed(2))) },
    );
    expect(finals(falling).filter((flag) => flag > 2)).toEqual([]);
    expect(provisionals(falling).filter((flag) => flag > 2)).toEqual([]);
  });
});

describe('ice stands still', () => {
  it.each([
    ['when it was near 0 before the hole', series(0.4, 4, 38)],
    ['after a hole of more than a day, in which water may cool', series(8, 25, 38)],
    ['without a hole', series(0.1, 0, 38)],
  ])('%s', (_name, window) => {
    expect(finals(window).filter((flag) => flag > 2)).toEqual([]);
    expect(provisionals(window).filter((flag) => flag > 2)).toEqual([]);
  });

  it('and water that moves again after the hole is water', () => {
    const window = series(8, 4, 10).map((one, n) => (n < 96 ? one : { ...one, value: 0.02 * (n % 3) }));
    expect(
      finals(window)
        .slice(2)
        .filter((flag) => flag > 2),
    ).toEqual([]);
  });
});

describe('what is found already', () => {
  const reference = loadReference();
  const days = (parameter: string, usual: number, stuck: number, length: number) => {
    const own = stationSchema.parse({ ...station, parameters: [{ id: parameter, interval: 'PT15M' }] });
    const thresholds = effectiveThresholds(reference.parameters.get(parameter)!, own);
    const window = Array.from({ length: 96 + length * 96 }, (_, n) => ({
      timeMs: n * STEP_MS,
      value: n < 96 ? usual * (1 + 0.01 * Math.sin(n / 7)) : stuck,
      deviceFlag: null,
    }));
    return finalFlags(window, thresholds).slice(96);
  };

  it('oxygen at 11.50 to the digit for 34 days, conductivity 7999, pH 91', () => {
    const oxygen = days('do', 11.2, 11.5, 34);
    expect(oxygen.slice(12).filter((flag) => flag < 3)).toEqual([]);
    expect(oxygen.filter((flag) => flag === 4).length).toBeGreaterThan(3200);
    expect(new Set(days('ec', 400, 7999, 1))).toEqual(new Set([4]));
    expect(new Set(days('ph', 8.2, 91, 1))).toEqual(new Set([4]));
  });
});
