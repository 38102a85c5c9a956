/** The tests that only a station's configuration or another series can set going: climatology, attenuated, companions. */
import { describe, expect, it } from 'vitest';
import { station } from '#model/register.ts';
import { attenuatedRange } from '#quality/attenuated.ts';
import { climatology } from '#quality/climatology.ts';
import { densityInversion, multivariate, neighbour } from '#quality/companions.ts';
import { location, timeGap } from '#quality/record-tests.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { aStation, parameter } from '#tests/helpers/ingest/door.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const everyQuarter = (values: (number | null)[], startMs = 0) => ({
  timesMs: values.map((_, i) => startMs + i * 15 * MINUTE_MS),
  values,
});

describe('climatology', () => {
  it('a winter may span the turn of the year; both months count; in no season there is no verdict', () => {
    const winter = [{ months: [11, 2] as const, suspect: [0, 10] as const, fail: [-1, 15] as const }];
    const at = (text: string, value: number) => climatology(Date.parse(text), value, winter);
    expect([at('2026-11-01', 5), at('2026-12-24', 11), at('2027-01-31', 16), at('2027-02-28', 0)]).toEqual([
      1, 3, 4, 1,
    ]);
    expect([at('2026-10-31', 99), at('2027-03-01', 99)]).toEqual([2, 2]);
  });

  it('of members that overlap the last counts, and one that asks for a depth counts only at that depth', () => {
    const members = [
      { suspect: [0, 30] as const },
      { months: [7, 7] as const, suspect: [20, 30] as const },
      { depthMetres: [10, 50] as const, suspect: [4, 8] as const },
    ];
    const july = Date.UTC(2026, 6, 15);
    expect([climatology(july, 10, members), climatology(0, 10, members)]).toEqual([3, 1]);
    expect([climatology(july, 25, members, 20), climatology(july, 6, members, 20)]).toEqual([3, 1]);
  });
});

describe('attenuated signal', () => {
  it('a sensor that hardly moves over its period is suspect, then failed; too few values say nothing', () => {
    const { timesMs, values } = everyQuarter([1, 3, 2, 2.05, 2.1, 2.1, 2.1, 2.1, null, null, 2.1]);
    const test = { periodMs: HOUR_MS, valuesMin: 3, suspect: 0.5, fail: 0.06 };
    expect(attenuatedRange(timesMs, values, test)).toEqual([2, 2, 1, 1, 1, 3, 4, 4, 9, 9, 2]);
  });
});

describe('multivariate', () => {
  const test = { ratePerHour: 4, otherRatePerHour: 1, holeMs: 45 * MINUTE_MS };

  it('oxygen that falls while the temperature stands is suspect; with it, it is water', () => {
    const oxygen = everyQuarter([9, 9, 7, 7]);
    expect(multivariate(oxygen, everyQuarter([15, 15, 15.1, 15.1]), test)).toEqual([2, 1, 3, 1]);
    expect(multivariate(oxygen, everyQuarter([15, 15, 17, 17]), test)).toEqual([2, 1, 1, 1]);
  });

  it('exactly the threshold passes; without a neighbour on either side nothing is said', () => {
    expect(multivariate(everyQuarter([9, 8, null, 5]), everyQuarter([15, 15, 15, 15]), test)).toEqual([2, 1, 9, 2]);
    expect(multivariate(everyQuarter([9, 5, 9]), everyQuarter([15, null, null]), test)).toEqual([2, 2, 2]);
    const apart = { timesMs: [0, HOUR_MS], values: [9, 1] };
    expect(multivariate(apart, everyQuarter([15, 15, 15, 15, 15]), test)).toEqual([2, 2]);
  });
});

describe('neighbour', () => {
  const test = { span: 2, holeMs: 45 * MINUTE_MS };

  it('what is further from the neighbour than the span is suspect; the span itself passes', () => {
    expect(neighbour(everyQuarter([9, 7, 6.9, null]), everyQuarter([9, 9, 9, 9]), test)).toEqual([1, 1, 3, 9]);
  });

  it('the nearest in time counts, the earlier of two; too far away nothing is said', () => {
    const other = { timesMs: [0, 30 * MINUTE_MS, 31 * MINUTE_MS], values: [9, 20, null] };
    expect(neighbour(everyQuarter([9, 9, 9]), other, test)).toEqual([1, 1, 3]);
    expect(neighbour(everyQuarter([9], DAY_MS), other, test)).toEqual([2]);
    expect(neighbour(everyQuarter([9]), { timesMs: [], values: [] }, test)).toEqual([2]);
  });
});

describe('records', () => {
  it('a single record has nothing before it; none has no flag', () => {
    expect([timeGap([5], HOUR_MS), timeGap([], HOUR_MS), timeGap([null], HOUR_MS)]).toEqual([[2], [], [9]]);
  });

  it('no place on earth, half a place, none', () => {
    const places = [
      { lat: 91, lon: 0 },
      { lat: 0, lon: -181 },
      { lat: 32.7, lon: null },
      { lat: null, lon: null },
      { lat: 32.677, lon: 111.708 },
    ];
    expect(location(places, 100)).toEqual([4, 4, 4, 9, 1]);
  });

  it('water that lies deeper is no lighter, whichever way the profile runs', () => {
    const at = { suspect: -0.01, fail: -0.03 };
    expect(densityInversion([3, 2, 1], [1025, 1024, 1024.5], at)).toEqual([1, 4, 4]);
    expect(densityInversion([1, 2, 3], [1025, null, 1024], at)).toEqual([1, 9, 9]);
  });
});

describe('a station’s configuration', () => {
  const oxygen = parameter('do', 'mg/L', {
    qc: { fail: [0, 25], suspect: [0, 20], ratePerHour: null, spike: [5, 10], flat: null },
  });
  const put = (qc: object) => station.safeParse({ ...aStation({}), parameters: [{ id: 'do', interval: 'PT15M', qc }] });

  it('carries climatology, a signal that dies away, and how a flat line is looked for', () => {
    const qc = {
      climatology: [{ months: [6, 9], suspect: [5, 12], fail: [2, 16] }],
      attenuated: { period: 'P1D', suspect: 0.3, fail: 0.05 },
      flat: { tolerance: 0.01, suspect: 'PT3H', fail: 'PT6H', still: [-0.1, 0.1], afterJump: true },
    };
    const by = effectiveThresholds(oxygen, put(qc).data);
    expect(by.climatology).toEqual(qc.climatology);
    expect(by.attenuated).toEqual({ periodMs: DAY_MS, valuesMin: 48, suspect: 0.3, fail: 0.05 });
    expect(by.flat).toEqual({
      tolerance: 0.01,
      suspectMs: 3 * HOUR_MS,
      failMs: 6 * HOUR_MS,
      still: [-0.1, 0.1],
      afterJump: true,
    });
    expect(by.fail).toEqual([0, 25]);
  });

  it.each([
    ['a month 13', { climatology: [{ months: [1, 13], suspect: [0, 1] }] }, /<=12/],
    ['no seasons', { climatology: [] }, />=1/],
    ['a period of a month', { attenuated: { period: 'P31D', suspect: 1, fail: 0.1 } }, /from PT1M to P7D/],
    ['no duration', { attenuated: { period: 'a day', suspect: 1, fail: 0.1 } }, /an ISO 8601 duration/],
    ['fail above suspect', { attenuated: { period: 'P1D', suspect: 1, fail: 2 } }, /fail must not exceed suspect/],
    ['no rate', { multivariate: { with: 'temp', ratePerHour: 0, otherRatePerHour: 1 } }, />0/],
    ['no span', { neighbour: { station: 'upstream', span: 0 } }, />0/],
  ])('%s is refused, and says why', (_, qc, message) => {
    const { success, error } = put(qc);
    expect(success).toBe(false);
    expect(error!.issues.map((issue) => issue.message).join('; ')).toMatch(message);
  });
});
