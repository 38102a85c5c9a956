/** What comes before and beside a class: means of a period, the periods themselves, trophic level, CWQI. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cityCwqi, cwqi, cwqiChange } from '#assess/cwqi.ts';
import type { Measured } from '#assess/judge.ts';
import { meanOf, periodMean } from '#assess/period-mean.ts';
import { periodOf, previousPeriod, yearBefore } from '#assess/periods.ts';
import { assessSample } from '#assess/sample.ts';
import { trophicState } from '#assess/trophic.ts';
import { DAY_MS } from '#model/calendar.ts';
import { loadReference } from '#seeds/reference.ts';

const { parameters, standards } = loadReference();
const standard = standards.get('gb3838-2002')!;
const mean = (parameter: string, samples: Measured[]) => periodMean(samples, parameters.get(parameter)!);

describe('the mean of a period', () => {
  it('is of [H⁺] for pH: 6.5, 7.9, 8.8, 9, 6.78, 8.87 → 7.08, where the plain mean is 7.98', () => {
    const values = [6.5, 7.9, 8.8, 9, 6.78, 8.87];
    expect((mean('ph', values).value as number).toFixed(2)).toBe('7.08');
    expect((values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2)).toBe('7.98');
  });

  it('is geometric for coliforms', () => {
    expect(mean('fcoli', [100, 10_000]).value).toBeCloseTo(1000, 9);
  });

  it.each<[string, Measured[], ReturnType<typeof periodMean>]>([
    ['nothing', [], { value: null, samples: 0, rejected: 0, belowDetection: 0 }],
    ['only missing', [null, null], { value: null, samples: 0, rejected: 0, belowDetection: 0 }],
    ['one sample', [0.3], { value: 0.3, samples: 1, rejected: 0, belowDetection: 0 }],
    ['all the same', [0.1, 0.1, 0.1, 0.1], { value: 0.1, samples: 4, rejected: 0, belowDetection: 0 }],
    ['zero, which is a value', [0, 0.2], { value: 0.1, samples: 2, rejected: 0, belowDetection: 0 }],
    ['-1 and -9999, which are not', [-1, 0.2, -9999], { value: 0.2, samples: 1, rejected: 2, belowDetection: 0 }],
    ['NaN and infinity', [Number.NaN, 0.2, Infinity], { value: 0.2, samples: 1, rejected: 2, belowDetection: 0 }],
    ['half a detection limit', [{ below: 0.1 }, 0.25], { value: 0.15, samples: 2, rejected: 0, belowDetection: 1 }],
    [
      'never found',
      [{ below: 0.02 }, { below: 0.05 }],
      { value: { below: 0.05 }, samples: 2, rejected: 0, belowDetection: 2 },
    ],
  ])('of %s', (_, samples, expected) => {
    expect(mean('nh3n', samples)).toEqual(expected);
  });

  it('of equal values is that value, whatever floats add up to: ties of rounding stay ties', () => {
    for (const [parameter, value, reached] of [
      ['nh3n', 0.505, 'II'],
      ['codmn', 4.05, 'II'],
      ['do', 5.95, 'II'],
      ['ph', 9.5, 'worse'],
      ['ph', 8.5, 'I'],
    ] as const) {
      for (let count = 1; count <= 200; count++) {
        const found = mean(parameter, new Array(count).fill(value)).value as number;
        expect(found, `${count} × ${value}`).toBe(value);
      }
      const sample = { waterBody: 'river', target: 'II', rounding: 'evaluation' } as const;
      const values = new Map([[parameter, mean(parameter, new Array(7).fill(value)).value]]);
      expect(assessSample(standard, parameters, { ...sample, values }).class).toBe(reached);
    }
  });

  it('does not depend on order, to the bit, and lies between the least and the greatest', () => {
    const values = fc.array(fc.double({ min: 0.01, max: 14, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, fc.constantFrom('ph', 'nh3n', 'fcoli'), (list, parameter) => {
        const { value } = mean(parameter, list);
        expect(mean(parameter, list.toReversed()).value).toBe(value);
        const least = parameter === 'fcoli' ? Math.max(1, Math.min(...list)) : Math.min(...list);
        const single = list.length === 1 ? list[0]! : least;
        expect(value).toBeGreaterThanOrEqual(Math.min(single, least) - 1e-9);
        expect(value).toBeLessThanOrEqual(Math.max(1, ...list) + 1e-9);
      }),
    );
  });

  it('of means leaves a single one as it is', () => {
    expect(meanOf([7.123456789], 'ph')).toBe(7.123456789);
    expect(meanOf([], 'arithmetic')).toBeNull();
  });
});

describe('periods', () => {
  const ZONE = 'Asia/Shanghai';
  const text = (ms: number) => new Date(ms + 8 * 3_600_000).toISOString().slice(0, 16);
  it.each([
    ['2026-11-22', 'day', '2026-11-22T00:00', '2026-11-23T00:00', '2026-11-21', '2025-11-22'],
    ['2024-02-29', 'day', '2024-02-29T00:00', '2024-03-01T00:00', '2024-02-28', '2023-02-28'],
    ['2026-W47', 'week', '2026-11-16T00:00', '2026-11-23T00:00', '2026-W46', '2025-W47'],
    ['2026-W01', 'week', '2025-12-29T00:00', '2026-01-05T00:00', '2025-W52', '2025-W01'],
    ['2026-W53', 'week', '2026-12-28T00:00', '2027-01-04T00:00', '2026-W52', null],
    ['2026-11', 'month', '2026-11-01T00:00', '2026-12-01T00:00', '2026-10', '2025-11'],
    ['2026-01', 'month', '2026-01-01T00:00', '2026-02-01T00:00', '2025-12', '2025-01'],
    ['2026-Q4', 'quarter', '2026-10-01T00:00', '2027-01-01T00:00', '2026-Q3', '2025-Q4'],
    ['2026-Q1', 'quarter', '2026-01-01T00:00', '2026-04-01T00:00', '2025-Q4', '2025-Q1'],
    ['2026', 'year', '2026-01-01T00:00', '2027-01-01T00:00', '2025', '2025'],
  ])('%s is a %s', (period, kind, start, end, previous, year) => {
    const found = periodOf(period, ZONE)!;
    expect([found.kind, text(found.startMs), text(found.endMs)]).toEqual([kind, start, end]);
    expect(found.lastDay).toBe(text(found.endMs - DAY_MS).slice(0, 10));
    expect([previousPeriod(period), yearBefore(period)]).toEqual([previous, year]);
  });

  it.each([
    '2025-W53',
    '2026-W00',
    '2026-W54',
    '2026-02-30',
    '2026-13',
    '2026-Q5',
    '26',
    '2026-1',
    'now',
    '',
    '9999',
    '0026',
  ])('"%s" is none', (period) => expect(periodOf(period, ZONE)).toBeNull());

  it('follow each other without a gap, in any zone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 30_000 }),
        fc.constantFrom(ZONE, 'UTC', 'America/New_York', 'Asia/Kolkata'),
        (days, zone) => {
          const date = new Date(Date.UTC(1980, 0, 1) + days * DAY_MS).toISOString().slice(0, 10);
          const [year, month] = date.split('-');
          for (const period of [date, `${year}-${month}`, `${year}-Q${Math.ceil(Number(month) / 3)}`, year!]) {
            const [own, before] = [periodOf(period, zone)!, periodOf(previousPeriod(period), zone)!];
            expect(before.endMs).toBe(own.startMs);
            expect(before.kind).toBe(own.kind);
          }
        },
      ),
    );
  });
});

describe('the trophic level index', () => {
  const lake = (chla: number, tp: number, tn: number, sd: number, codmn: number) =>
    trophicState(new Map(Object.entries({ chla, tp, tn, sd, codmn })));

  it.each([
    [[10, 0.05, 1, 1, 4], [50.0061, 45.7093, 54.53, 51.18, 37.9793], 48.0181, 'mesotrophic'],
    [[2, 0.02, 1.2, 4, 2], [32.5276, 30.8287, 57.6185, 24.2859, 19.5346], 32.8055, 'mesotrophic'],
    [[80, 0.2, 3, 0.3, 9], [72.5888, 68.2227, 73.1405, 74.5371, 59.5581], 69.8346, 'moderately eutrophic'],
  ] as const)('of %j is %j, together %d: %s', (values, indices, sum, level) => {
    const found = lake(...(values as unknown as [number, number, number, number, number]));
    expect(found.missing).toEqual([]);
    Object.values(found.indices).forEach((index, place) => {
      expect(index).toBeCloseTo(indices[place]!, 4);
    });
    expect(found.index).toBeCloseTo(sum, 4);
    expect(found.level!.en).toBe(level);
  });

  it('is weighed by what was measured, and says what was not', () => {
    const { index, missing } = trophicState(
      new Map([
        ['chla', 10],
        ['tp', 0.05],
        ['sd', null],
        ['tn', 0],
      ]),
    );
    expect(missing).toEqual(['tn', 'sd', 'codmn']);
    expect(index).toBeCloseTo((50.0061 + 0.7056 * 45.7093) / 1.7056, 3);
  });

  it('is none without chlorophyll', () => {
    const found = trophicState(
      new Map([
        ['tp', 0.05],
        ['chla', -1],
      ]),
    );
    expect(found).toMatchObject({ index: null, level: null });
    expect(found.missing).toContain('chla');
  });

  it('has the edges of its levels where the rule puts them', () => {
    const at = (index: number) => trophicState(new Map([['chla', Math.exp((index / 10 - 2.5) / 1.086)]])).level!.zh;
    expect([29.99, 30.01, 49.99, 50.01, 59.99, 60.01, 69.99, 70.01].map(at)).toEqual([
      '贫营养',
      '中营养',
      '中营养',
      '轻度富营养',
      '轻度富营养',
      '中度富营养',
      '中度富营养',
      '重度富营养',
    ]);
  });
});

describe('CWQI', () => {
  const index = (parameter: string, value: number, waterBody: 'river' | 'lake' = 'river') =>
    cwqi(standard, waterBody, new Map([[parameter, value]])).indices[parameter];

  it.each([
    ['do', 6, 0.8333],
    ['ph', 8.2, 0.6],
    ['ph', 6.4, 0.6],
    ['ph', 7, 0],
    ['codmn', 2.4, 0.4],
  ])('index of %s %d is %d', (parameter, value, expected) => {
    expect(index(parameter, value)).toBeCloseTo(expected, 4);
  });

  it('takes phosphorus by river and lake limits, and leaves out total nitrogen', () => {
    expect([index('tp', 0.1), index('tp', 0.1, 'lake')]).toEqual([0.5, 2]);
    expect(index('tn', 1, 'lake')).toBeUndefined();
  });

  it('says what is missing; oxygen of zero has no index', () => {
    const found = cwqi(
      standard,
      'river',
      new Map([
        ['do', 0],
        ['codmn', 3],
        ['nh3n', null],
      ]),
    );
    expect(found).toMatchObject({ index: 0.5, indices: { codmn: 0.5 } });
    expect(found.missing).toHaveLength(20);
    expect(cwqi(standard, 'river', new Map()).index).toBeNull();
  });

  it('weighs a city’s rivers and lakes by their sections', () => {
    const section = (waterBody: 'river' | 'lake', codmn: number) => ({ waterBody, means: new Map([['codmn', codmn]]) });
    const city = cityCwqi(standard, parameters, [section('river', 2), section('river', 4), section('lake', 6)]);
    expect(city.river!.index).toBe(0.5);
    expect(city.lake!.index).toBe(1);
    expect(city.index).toBeCloseTo((0.5 * 2 + 1) / 3, 12);
    const better = cityCwqi(standard, parameters, [section('river', 1.5), section('lake', 6)]);
    expect(cwqiChange(city, better)).toBeCloseTo((0.625 - 2 / 3) / (2 / 3), 12);
    const other = cityCwqi(standard, parameters, [{ waterBody: 'river', means: new Map([['do', 6]]) }]);
    expect(cwqiChange(city, other)).toBeNull();
  });
});
