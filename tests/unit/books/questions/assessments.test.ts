/** Means of many series over periods: the same as trends tell, whichever books or readings they come from. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { periodOf } from '#assess/periods.ts';
import { createAssessmentQueries } from '#books/questions/assessments.ts';
import { cellAt, type PeriodCell } from '#books/questions/period-cells.ts';
import type { BookQueries, PeriodQuery } from '#books/questions/queries.ts';
import { DAY_MS } from '#model/calendar.ts';
import { booksRig, LATENESS, MINUTE } from '#tests/helpers/books/rig.ts';

const ZONE = 'Asia/Shanghai';
const T0 = Date.UTC(2026, 1, 20);
const SERIES: PeriodQuery['series'] = [
  { id: 2, mean: 'ph' },
  { id: 5, mean: 'arithmetic' },
];

/** The cells that hold readings, span by span. */
async function listed(queries: Pick<BookQueries, 'periods'>, query: PeriodQuery): Promise<PeriodCell[][]> {
  const columns = await queries.periods(query);
  const { series } = query;
  return query.spans.map((_, span) =>
    series.flatMap(({ id }, index) => {
      const cell = cellAt(columns, span * series.length + index);
      return cell ? [{ series: id, ...cell }] : [];
    }),
  );
}

/** A month of half-hourly pH and total nitrogen; the last hours are open. */
async function month() {
  const rig = booksRig();
  const readings = Array.from({ length: 2 * 24 * 28 }, (_, i) => {
    const timeMs = T0 + i * 30 * MINUTE;
    return [2, 5].map((series) => ({ series, timeMs, value: i % 97 === 0 ? null : 7 + ((i * series) % 10) / 10 }));
  }).flat();
  const lastMs = readings.at(-1)!.timeMs;
  rig.message(lastMs, readings);
  await rig.settle();
  const queries = () =>
    createAssessmentQueries({ derived: rig.derived, trends: rig.trends(), allowedLatenessMs: LATENESS });
  const ask = (texts: string[], more: Partial<PeriodQuery> = {}) => {
    const timeZone = more.timeZone ?? ZONE;
    const spans = texts.map((text) => ({ ...periodOf(text, timeZone)!, meansOnly: false }));
    return listed(queries(), { series: SERIES, spans, timeZone, asOfMs: null, nowMs: lastMs + MINUTE, ...more });
  };
  return { rig, lastMs, ask, queries };
}

describe('periods', () => {
  test('are what trends tell, for every kind of period and zone', async () => {
    const { rig, ask } = await month();
    const texts = ['2026-02-25', '2026-W09', '2026-02', '2026-03', '2026-Q1', '2026'];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...texts),
        fc.constantFrom(ZONE, 'UTC', 'America/New_York', 'Asia/Kolkata'),
        async (text, timeZone) => {
          const [cells] = await ask([text], { timeZone });
          const { startMs, endMs } = periodOf(text, timeZone)!;
          for (const { id, mean } of SERIES) {
            const asked = {
              series: id,
              mean,
              edgesMs: [startMs, endMs],
              interval: 'P1M',
              timeZone,
              asOfMs: null,
            } as const;
            const [bucket] = await rig.trends()({ ...asked, edgesMs: [...asked.edgesMs] });
            const { startMs: _s, endMs: _e, mean: expected, ...rest } = bucket!;
            const { mean: found, ...cell } = cells!.find(({ series }) => series === id)!;
            expect(cell).toEqual({ series: id, ...rest });
            expect(found).toBeCloseTo(expected!, 12);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('of the future and of series without readings are empty, in the order of the spans', async () => {
    const { ask } = await month();
    const [past, now, future] = await ask(['2025-02', '2026-02', '2027']);
    expect([past, future]).toEqual([[], []]);
    expect(now!.map(({ series }) => series).sort()).toEqual([2, 5]);
    expect(await ask(['2026-02'], { series: [{ id: 4, mean: 'arithmetic' }] })).toEqual([[]]);
    expect(await ask(['2026-02'], { series: [] })).toEqual([[]]);
  });

  test('are provisional while an hour of them is open, or waits to be computed again, and right all the same', async () => {
    const { rig, lastMs, ask } = await month();
    expect((await ask(['2026-02']))[0]!.map(({ provisional }) => provisional)).toEqual([false, false]);
    const open = (await ask(['2026-03']))[0]!;
    expect(open.every(({ provisional }) => provisional)).toBe(true);
    rig.message(lastMs, [{ series: 5, timeMs: T0 + 10 * MINUTE, value: 1 }]);
    await rig.stepReadings();
    const waiting = (await ask(['2026-02']))[0]!;
    expect(waiting.find(({ series }) => series === 5)).toMatchObject({ provisional: true, min: 1 });
    expect(waiting.find(({ series }) => series === 2)).toMatchObject({ provisional: false });
    await rig.stepBooks();
    const [done] = (await ask(['2026-02'])).map((cells) => cells.find(({ series }) => series === 5)!);
    expect(done).toMatchObject({ provisional: false, min: 1 });
    expect(done!.mean).toBeCloseTo(waiting.find(({ series }) => series === 5)!.mean!, 12);
  });

  test('beyond so many open cells are told as the books stand', async () => {
    const { ask } = await month();
    const [, one] = SERIES;
    const others = Array.from({ length: 600 }, (_, n) => ({ ...one!, id: 100 + n }));
    const [[folded], [closed]] = [
      (await ask(['2026-03'], { series: [one!, ...others] }))[0]!,
      (await ask(['2026-03'], { series: [...others, one!] }))[0]!,
    ] as [[PeriodCell], [PeriodCell]];
    expect(closed.provisional && folded.provisional).toBe(true);
    // The open hours' readings are only in what was folded.
    expect(folded.count).toBeGreaterThan(closed.count);
  });

  test('that are only compared with have means, and no more', async () => {
    const { queries, lastMs } = await month();
    const ask = (text: string, meansOnly: boolean) => {
      const spans = [{ ...periodOf(text, ZONE)!, meansOnly }];
      return listed(queries(), { series: SERIES, spans, timeZone: ZONE, asOfMs: null, nowMs: lastMs + MINUTE });
    };
    for (const text of ['2026-02', '2026-03']) {
      const [[whole], [means]] = [await ask(text, false), await ask(text, true)];
      const brief = whole!.map((cell) => ({ ...cell, count: cell.valid, min: null, max: null }));
      expect(means).toEqual(brief);
      expect(means).toHaveLength(2);
    }
  });

  test('as of a time: what came later is not there; too many cells are refused', async () => {
    const { rig, lastMs, ask } = await month();
    const laterMs = lastMs + DAY_MS;
    rig.message(laterMs, [{ series: 5, timeMs: T0 + 30 * MINUTE, value: 500 }]);
    await rig.settle();
    const most = async (asOfMs: number | null) =>
      (await ask(['2026-02'], { asOfMs }))[0]!.find(({ series }) => series === 5)!.max;
    expect([await most(null), await most(laterMs - 1), await most(laterMs)]).toEqual([500, 7.5, 500]);
    const many = Array.from({ length: 601 }, () => SERIES[1]!);
    await expect(ask(['2026-02'], { asOfMs: laterMs, series: many })).rejects.toMatchObject({ code: 'range.too-long' });
    await expect(ask(['2026-02'], { timeZone: 'Asia/Kolkata', series: many })).rejects.toMatchObject({
      code: 'range.too-long',
    });
  });
});
