/** What the dashboard reckons by itself: calendar, ranges, limits, gaps, periods, files, the drawing's places. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { toCsv } from '../../src/web/core/csv.ts';
import type { Standard, Station } from '../../src/web/core/watch.ts';
import { breaks, headroom, limitsOf, limitText, meets } from '../../src/web/core/water.ts';
import { layOut } from '../../src/web/overview/canal.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The zone stands in the page, so the page has to be there before what reads it. */
let format: typeof import('../../src/web/core/format.ts');
let period: typeof import('../../src/web/assessment/period.ts');
let zone: typeof import('../../src/web/core/zone.ts');
let range: typeof import('../../src/web/station/range.ts');
let trend: typeof import('../../src/web/station/trend-data.ts');
let entry: typeof import('../../src/web/volumes/entry.ts');
beforeAll(async () => {
  vi.stubGlobal('document', { querySelector: () => ({ content: 'Europe/Berlin' }), documentElement: {} });
  vi.stubGlobal('navigator', { language: 'en-GB' });
  format = await import('../../src/web/core/format.ts');
  period = await import('../../src/web/assessment/period.ts');
  zone = await import('../../src/web/core/zone.ts');
  range = await import('../../src/web/station/range.ts');
  trend = await import('../../src/web/station/trend-data.ts');
  entry = await import('../../src/web/volumes/entry.ts');
});

describe('zone', () => {
  it('finds the instant that clocks of the zone show, also beside the change of summer time', () => {
    expect(new Date(zone.instantOf('2026-11-22')).toISOString()).toBe('2026-11-21T23:00:00.000Z');
    expect(new Date(zone.instantOf('2026-07-01T12:30')).toISOString()).toBe('2026-07-01T10:30:00.000Z');
    expect(new Date(zone.instantOf('2026-07-01T12:30:45')).toISOString()).toBe('2026-07-01T10:30:45.000Z');
    expect(new Date(zone.instantOf('2026-10-25')).toISOString()).toBe('2026-10-24T22:00:00.000Z');
    expect(new Date(zone.instantOf('2026-10-26')).toISOString()).toBe('2026-10-25T23:00:00.000Z');
  });

  it('finds its own wall times again', () => {
    const wholeMinute = fc.integer({ min: Date.UTC(2000, 0) / MINUTE_MS, max: Date.UTC(2100, 0) / MINUTE_MS });
    fc.assert(
      fc.property(wholeMinute, (minutes) => {
        const shown = zone.wallTimeOf(minutes * MINUTE_MS);
        expect(zone.wallTimeOf(zone.instantOf(shown))).toBe(shown);
      }),
    );
  });

  it('begins transfer years on 1 November, there', () => {
    expect(zone.transferYearOf(Date.parse('2026-10-31T22:59:00Z'))).toBe(2025);
    expect(zone.transferYearOf(Date.parse('2026-10-31T23:00:00Z'))).toBe(2026);
    expect([zone.transferYearName(2026), zone.transferYearName(1999)]).toEqual(['2026-27', '1999-00']);
    expect([zone.monthEndsOf(2026)[0], zone.monthEndsOf(2026)[1], zone.monthEndsOf(2026)[11]]).toEqual([
      '2026-12-01',
      '2027-01-01',
      '2027-11-01',
    ]);
  });
});

describe('ranges', () => {
  const nowMs = Date.parse('2026-11-22T10:00:30Z');

  it('end now or where the address says', () => {
    expect(range.rangeOf(new URLSearchParams('range=P1D'), nowMs)).toEqual({
      fromMs: Date.parse('2026-11-21T10:01:00Z'),
      toMs: Date.parse('2026-11-22T10:01:00Z'),
      length: 'P1D',
    });
    const fixed = range.rangeOf(new URLSearchParams('from=2026-01-01&to=2026-02-01T12:00'), nowMs);
    expect([new Date(fixed.fromMs).toISOString(), new Date(fixed.toMs).toISOString(), fixed.length]).toEqual([
      '2025-12-31T23:00:00.000Z',
      '2026-02-01T11:00:00.000Z',
      null,
    ]);
  });

  it.each(['range=P9D', 'from=2026-02-01&to=2026-01-01', 'from=x&to=y', ''])(
    'take what they know of "%s"',
    (search) => {
      expect(range.rangeOf(new URLSearchParams(search), nowMs).length).toBe('P7D');
    },
  );

  it('are written so that they are read back', () => {
    const fromMs = zone.instantOf('2026-03-01');
    const { from, to } = range.fixedQuery(fromMs, fromMs + 36 * HOUR_MS);
    expect([from, to]).toEqual(['2026-03-01', '2026-03-02T12:00']);
    const again = range.rangeOf(new URLSearchParams({ from, to }), nowMs);
    expect([again.fromMs, again.toMs]).toEqual([fromMs, fromMs + 36 * HOUR_MS]);
  });

  it('move and zoom, and stay out of the future', () => {
    const week = { fromMs: nowMs - 7 * DAY_MS, toMs: nowMs, length: null };
    const earlier = range.moved(week, -0.5, 1, nowMs);
    expect([earlier.fromMs, earlier.toMs]).toEqual([nowMs - 10.5 * DAY_MS, nowMs - 3.5 * DAY_MS]);
    const closer = range.moved(week, 0, 0.5, nowMs);
    expect(closer.toMs - closer.fromMs).toBe(3.5 * DAY_MS);
    const later = range.moved(week, 0.5, 1, nowMs);
    expect([later.toMs - later.fromMs, later.toMs <= nowMs + HOUR_MS]).toEqual([7 * DAY_MS, true]);
  });
});

describe('limits', () => {
  const ladder = { I: '7.5', II: '6', III: '5', IV: '3', V: '2' };
  const nothing = { I: null, II: null, III: null, IV: null, V: null };
  const standard = {
    items: [
      { parameter: 'do', op: '>=', river: ladder, lake: ladder },
      { parameter: 'ph', op: 'range', river: { ...nothing, II: '6~9' }, lake: nothing },
      { parameter: 'temp', op: 'delta', river: { ...nothing, I: 'rise<=1;drop<=2' }, lake: nothing },
    ],
  } as unknown as Standard;

  it('are read as the standard prints them', () => {
    expect(limitsOf(standard, 'do', 'river').map(({ target, limit }) => `${target} ${limitText(limit)}`)).toEqual([
      'I ≥ 7.5',
      'II ≥ 6',
      'III ≥ 5',
      'IV ≥ 3',
      'V ≥ 2',
    ]);
    expect(limitsOf(standard, 'ph', 'river')).toEqual([{ target: 'II', limit: { op: 'range', from: 6, to: 9 } }]);
    expect([
      limitsOf(standard, 'ph', 'lake'),
      limitsOf(standard, 'temp', 'river'),
      limitsOf(null, 'do', 'river'),
    ]).toEqual([[], [], []]);
  });

  it('leave room or are broken, on the side that counts', () => {
    expect(headroom(0.4, { op: '<=', at: 0.5 })).toBeCloseTo(0.2);
    expect(headroom(7.5, { op: '>=', at: 6 })).toBeCloseTo(0.25);
    expect(headroom(6.3, { op: 'range', from: 6, to: 9 })).toBeCloseTo(0.2);
    expect([meets(0.5, { op: '<=', at: 0.5 }), meets(9.01, { op: 'range', from: 6, to: 9 })]).toEqual([true, false]);
    expect([breaks('III', 'II'), breaks('II', 'II'), breaks(null, 'II'), breaks('II', null)]).toEqual([
      true,
      false,
      null,
      null,
    ]);
  });
});

describe('trend columns', () => {
  const point = (hour: number, value: number | null, rest = {}) => ({
    timeMs: hour * HOUR_MS,
    endMs: hour * HOUR_MS,
    value,
    min: null,
    max: null,
    flag: 1,
    deviceFlag: undefined,
    censored: undefined,
    count: 1,
    valid: 1,
    expected: null,
    class: null,
    provisional: false,
    ...rest,
  });
  const head = { station: 's', parameter: 'p', unit: 'mg/L' };

  it('show a hole as a hole, and only beyond three intervals', () => {
    const series = { ...head, step: 'raw' as const, points: [point(0, 1), point(4, 2), point(17, 3)] };
    const [times, , , values] = trend.toColumns(series, null, null, 4 * HOUR_MS);
    expect(times).toEqual([0, 4 * 3600, 10.5 * 3600, 17 * 3600]);
    expect(values).toEqual([1, 2, null, 3]);
  });

  it('keep doubtful readings out of the line and mark them, and what breaks the limit', () => {
    const points = [point(0, 1), point(1, 9, { flag: 4, valid: 0 }), point(2, 6)];
    const columns = trend.toColumns({ ...head, step: 'raw', points }, null, { op: '<=', at: 5 }, HOUR_MS);
    expect(columns[trend.COLUMNS.value]).toEqual([1, null, 6]);
    expect(columns[trend.COLUMNS.doubt]).toEqual([null, 9, null]);
    expect(columns[trend.COLUMNS.breach]).toEqual([null, null, 6]);
  });

  it('put the year before beside this one without breaking its line', () => {
    const own = { ...head, step: 'raw' as const, points: [point(0, 1), point(2, 2)] };
    const before = { ...head, step: 'raw' as const, points: [point(1, 5), point(2, 6)] };
    const columns = trend.toColumns(own, before, null, HOUR_MS);
    expect(columns[0]).toEqual([0, 3600, 7200]);
    // Undefined is no reading of this series; null would be a gap in it.
    expect(columns[trend.COLUMNS.value]).toEqual([1, undefined, 2]);
    expect(columns[trend.COLUMNS.before]).toEqual([undefined, 5, 6]);
  });

  it('keep an extreme that its mean hides', () => {
    const bucket = { ...point(0, 2, { min: 1, max: 8 }), endMs: HOUR_MS };
    const columns = trend.toColumns({ ...head, step: 'PT1H', points: [bucket] }, null, { op: '<=', at: 5 }, null);
    expect([columns[trend.COLUMNS.value], columns[trend.COLUMNS.breach]]).toEqual([[2], [8]]);
  });

  it('show no hole between whole buckets because the range begins within its first one', () => {
    const bucket = (startHour: number, endHour: number, value: number) => ({
      ...point(startHour, value),
      endMs: endHour * HOUR_MS,
    });
    const points = [bucket(23, 24, 1), bucket(24, 48, 2), bucket(48, 72, 3)];
    const columns = trend.toColumns({ ...head, step: 'P1D', points }, null, null, 4 * HOUR_MS);
    expect(columns[trend.COLUMNS.value]).toEqual([1, 2, 3]);
  });

  it.each([
    ['PT5M', 5 * MINUTE_MS],
    ['P1D', DAY_MS],
    ['P1DT12H', 1.5 * DAY_MS],
    ['PT0S', null],
    ['often', null],
    [undefined, null],
  ])('read %s as %s ms', (text, ms) => {
    expect(trend.durationMs(text)).toBe(ms);
  });
});

describe('periods', () => {
  it('have neighbours over the ends of years', () => {
    const { asKind, kindOf, neighbour } = period;
    expect([neighbour('2026-01', -1), neighbour('2026-12', 1)]).toEqual(['2025-12', '2027-01']);
    expect([neighbour('2026-Q1', -1), neighbour('2026-Q4', 1)]).toEqual(['2025-Q4', '2027-Q1']);
    expect([
      neighbour('2026', 1),
      asKind('2026-11', 'quarter'),
      asKind('2026-Q4', 'month'),
      asKind('2026', 'month'),
    ]).toEqual(['2027', '2026-Q4', '2026-10', '2026-01']);
    expect(['2026-13', '2026-Q5', '26', "'", '2026-W47'].map(kindOf)).toEqual([null, null, null, null, null]);
  });
});

describe('labels of axes', () => {
  it('have the digits that tell them apart, and no more', () => {
    const labels = (splits: number[]) => splits.map((split) => format.tick(split, splits[1]! - splits[0]!));
    expect(labels([233.1, 233.125, 233.15])).toEqual(['233.100', '233.125', '233.150']);
    expect(labels([0.1, 0.2, 0.3])).toEqual(['0.1', '0.2', '0.3']);
    expect(labels([0, 50, 100])).toEqual(['0', '50', '100']);
  });

  it('of volumes have one unit', () => {
    expect(format.volumeTicks([0, 5e8, 1e9])).toEqual(['0.0 bn m³', '0.5 bn m³', '1.0 bn m³']);
    expect(format.volumeTicks([0, 5e7, 1e8])).toEqual(['0 M m³', '50 M m³', '100 M m³']);
  });
});

describe('what an engineer enters', () => {
  it('are amounts however they are separated', () => {
    expect(entry.amountsOf(' 1 2.5,3；4、5\n6 ')).toEqual([1, 2.5, 3, 4, 5, 6]);
    expect(entry.amountsOf('')).toEqual([]);
    expect(entry.amountsOf('1 x')).toEqual([1, Number.NaN]);
  });

  it('are periods that are over, there, and not closed', () => {
    // In Berlin it is already December.
    const found = entry.closablePeriods(Date.parse('2026-11-30T23:30:00Z'), new Set(['2026-10', '2024-25']));
    expect(found.slice(0, 2)).toEqual(['2026-11', '2026-09']);
    expect(found.slice(-2)).toEqual(['2025-11', '2025-26']);
    expect(entry.closablePeriods(Date.parse('2026-01-15T00:00:00Z'), new Set())[0]).toBe('2025-12');
  });
});

describe('files', () => {
  it('quote what has to be, and hand spreadsheets no formula of a gateway', () => {
    expect(
      toCsv(
        ['a', 'b'],
        [
          ['x,y', 'say "no"'],
          ['=HYPERLINK("evil")', -0.5],
          ['-5', null],
        ],
      ),
    ).toBe('a,b\r\n"x,y","say ""no"""\r\n"\'=HYPERLINK(""evil"")",-0.5\r\n-5,\r\n');
  });
});

describe('the canal', () => {
  const station = (id: string, rest: Partial<Station> = {}): [string, Station] => [
    id,
    { id, name: { zh: id, en: id }, kind: 'gate', waterBody: 'river', parameters: [], ...rest },
  ];
  const FRAME = { left: 100, right: 500, rows: [300, 200], head: { x: 50, y: 250 } };

  it('keeps its gates in order, to and fro, with monitoring points between them', () => {
    const all = new Map([
      station('mr-gate-002', { area: 'henan' }),
      station('mr-gate-001', { area: 'henan' }),
      station('mr-gate-004', { area: 'hebei' }),
      station('mr-gate-003', { area: 'hebei' }),
      station('mr-monitor-001', { tags: { near: 'taocha' } }),
      station('mr-monitor-002', { tags: { near: 'mr-gate-001' } }),
      station('mr-monitor-003', { tags: { near: 'mr-gate-001' } }),
    ]);
    const canal = layOut(all, FRAME)!;
    expect(canal.gates.map(({ number, x, y }) => [number, x, y])).toEqual([
      [1, 200, 300],
      [2, 400, 300],
      [3, 400, 200],
      [4, 200, 200],
    ]);
    // Two beside one gate don't cover each other.
    expect(canal.monitors.map(({ number, x, y }) => [number, x, y])).toEqual([
      [1, 100, 300],
      [2, 300, 300],
      [3, 500, 300],
    ]);
    expect(canal.borders.map(({ before, after }) => [before, after])).toEqual([['henan', 'hebei']]);
  });

  it('is not drawn where there is none', () => {
    expect(layOut(new Map([station('taocha')]), FRAME)).toBeNull();
  });
});
