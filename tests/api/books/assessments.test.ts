/** Assessments over HTTP: samples, discharges, and stations and areas over a period. Numbers are the unit tests' matter. */
import { describe, expect, it } from 'vitest';
import { cellColumns, type PeriodCell } from '#books/questions/period-cells.ts';
import type { PeriodQuery } from '#books/questions/queries.ts';
import type { Station } from '#model/register.ts';
import { type ApiRig, startApi, TAOCHA } from '#tests/helpers/api.ts';

const post = async (rig: ApiRig, url: string, body: unknown) =>
  rig.call('POST', `/api/v1${url}`, { as: 'viewer', body });

describe('POST /assessments', () => {
  it('answers in the contract’s shape, by aliases', async () => {
    const rig = await startApi();
    const values = { ph: 7.9, w01009: 8.2, codmn: 4.6, 'NH3-N': 0.83, tn: 1.4, cod: null };
    const answer = await post(rig, '/assessments', { waterBody: 'river', target: 'II', values });
    expect(answer.json()).toMatchObject({
      basis: 'assessed',
      standard: 'gb3838-2002',
      class: 'III',
      status: { zh: '良好', en: 'good' },
      rounding: 'evaluation',
      limiting: ['codmn', 'nh3n'],
      breaches: [{ parameter: 'codmn', value: 4.6, limit: 4, op: '<=', class: 'III' }, { parameter: 'nh3n' }],
      mainPollutants: [],
      notAssessed: [
        { parameter: 'tn', reason: 'reference-indicator' },
        { parameter: 'cod', reason: 'not-measured' },
      ],
    });
  });

  it('averages the samples of a period first, and judges what wasn’t found', async () => {
    const rig = await startApi();
    const values = { ph: [6, 8], nh3n: [0.4, { below: 0.2 }, null], tp: { below: 0.05 }, hg: { below: 0.001 } };
    const { indicators, notAssessed } = (
      await post(rig, '/assessments', { waterBody: 'river', target: 'II', values, rounding: 'none' })
    ).json();
    const byName = Object.fromEntries(
      indicators.map((one: { parameter: string; value: number }) => [one.parameter, one.value]),
    );
    expect(byName.ph).toBeCloseTo(6.2967, 4);
    expect([byName.nh3n, byName.tp]).toEqual([0.25, 0.025]);
    expect(notAssessed).toEqual([{ parameter: 'hg', reason: 'detection-limit' }]);
  });

  it('judges a drinking-water source, a change of temperature and saturation when asked', async () => {
    const rig = await startApi();
    const values = { so4: 260, fe: 0.2, no3n: null, do: 7, temp: 30 };
    const body = {
      waterBody: 'lake',
      target: 'I',
      values,
      drinkingSource: true,
      temperatureChange: -2.5,
      alternatives: true,
    };
    const answer = (await post(rig, '/assessments', body)).json();
    expect(answer).toMatchObject({
      class: 'I',
      drinkingSource: {
        assessed: 2,
        breaches: [{ parameter: 'so4', value: 260, op: '<=', limit: 250, multiple: 0.04 }],
        notAssessed: [{ parameter: 'no3n', reason: 'not-measured' }],
      },
      temperatureRule: { change: -2.5, rise: 1, drop: 2, isMet: false },
    });
    expect(answer.notAssessed).toEqual([{ parameter: 'temp', reason: 'reference-indicator' }]);
  });

  it.each([
    [{ values: { codmn: 1, w01019: 2 } }, /codmn is given twice/],
    [{ values: { codmn: 1 }, date: '1999-01-01' }, /No edition of GB 3838/],
    [{ values: { codmn: { below: -1 } } }, /values/],
    [{ values: { codmn: '1' } }, /values/],
  ])('refuses %j', async (body, detail) => {
    const rig = await startApi();
    const answer = await post(rig, '/assessments', { waterBody: 'river', ...body });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().detail).toMatch(detail);
  });
});

describe('POST /assessments/discharge', () => {
  it('judges by level, temperature and date of construction', async () => {
    const rig = await startApi();
    const body = {
      standard: 'gb18918-2002',
      level: '1A',
      builtOn: '2004-05-01',
      values: { nh3n: 6.2, tp: 1.2, temp: 11 },
    };
    const { verdicts, notJudged } = (await post(rig, '/assessments/discharge', body)).json();
    expect(verdicts).toMatchObject([
      { parameter: 'nh3n', limit: '<= 8', isMet: true },
      { parameter: 'tp', limit: '<= 1', isMet: false },
    ]);
    expect(notJudged).toContainEqual({ parameter: 'cod', clause: 'table 1 no. 1', reason: 'not-measured' });
  });
  it('knows its standards and their levels', async () => {
    const rig = await startApi();
    const ask = async (standard: string, level: string) =>
      (await post(rig, '/assessments/discharge', { standard, level, values: {} })).statusCode;
    expect([await ask('gb3838-2002', 'II'), await ask('gb18918-2002', 'II'), await ask('gb18918-2002', '3')]).toEqual([
      404, 400, 200,
    ]);
  });
});

/** Months of stations in the area `nanyang`: a value for each series and span. */
async function booked(
  stations: Record<string, Partial<Station>>,
  meanAt: (station: string, parameter: string, startMs: number) => number | null,
): Promise<{ rig: ApiRig; queries: PeriodQuery[] }> {
  const rig = await startApi();
  const queries: PeriodQuery[] = [];
  const names = new Map<number, { station: string; parameter: string }>();
  for (const [id, more] of Object.entries(stations)) {
    const station: Station = { ...TAOCHA, area: 'here', ...more };
    await rig.journal.appendCommand('test', { verb: 'put', noun: 'station', id, body: station });
    const values = Object.fromEntries(station.parameters.map((parameter) => [parameter.id, 1]));
    await rig.call('POST', '/api/v1/readings', { body: { station: id, time: '2026-01-01T00:00:00Z', values } });
    for (const { id: parameter } of station.parameters) {
      names.set(rig.reader.seriesByName(id, parameter)!.id, { station: id, parameter });
    }
  }
  rig.queries.periods = async (query) => {
    queries.push(query);
    const spans = query.spans.map(({ startMs }) =>
      query.series.flatMap(({ id: series }): PeriodCell[] => {
        const { station, parameter } = names.get(series)!;
        const mean = meanAt(station, parameter, startMs);
        if (mean === null) return [];
        return [{ series, count: 190, valid: 180, mean, min: mean, max: mean * 2, provisional: false }];
      }),
    );
    return cellColumns(spans, query.series);
  };
  return { rig, queries };
}

const AUGUST = Date.UTC(2026, 6, 31, 16);
const get = (rig: ApiRig, query: string) => rig.call('GET', `/api/v1/assessments?${query}`, { as: 'viewer' });

describe('GET /assessments?station', () => {
  it('is of the period’s means, with validity, headroom and changes', async () => {
    const { rig, queries } = await booked({ a: {} }, (_, parameter, startMs) =>
      parameter === 'ph' ? 7.8 : parameter === 'nh3n' ? (startMs === AUGUST ? 0.4 : 0.9) : 3,
    );
    const answer = (await get(rig, 'station=a&period=2026-08')).json();
    expect(answer).toMatchObject({
      station: 'a',
      period: { text: '2026-08', kind: 'month', start: '2026-08-01T00:00:00+08:00', end: '2026-09-01T00:00:00+08:00' },
      standard: { id: 'gb3838-2002' },
      basis: 'assessed',
      class: 'II',
      target: 'II',
      meetsTarget: true,
      breaches: [],
      instantaneousBreaches: [
        { parameter: 'ph', value: 15.6, op: '<=', limit: 9 },
        { parameter: 'nh3n', value: 0.8, op: '<=', limit: 0.5 },
      ],
      indicatorsAssessed: 2,
      valid: false,
      provisional: false,
      changes: {
        previous: {
          period: '2026-07',
          reason: null,
          change: { verdict: 'better' },
          class: { before: 'III', after: 'II' },
        },
        year: { period: '2025-08' },
      },
    });
    const nh3n = answer.indicators.find(({ parameter }: { parameter: string }) => parameter === 'nh3n');
    expect(nh3n).toMatchObject({
      unit: 'mg/L',
      mean: 0.4,
      class: 'II',
      count: 190,
      valid: 180,
      expected: 186,
      invalid: null,
    });
    expect(nh3n.headroom.share).toBeCloseTo(0.2, 12);
    // pH is expected every five minutes: 180 of 8928.
    expect(answer.indicators[0]).toMatchObject({ parameter: 'ph', expected: 8928, invalid: 'coverage' });
    expect(queries[0]!.spans.map(({ startMs }) => new Date(startMs).toISOString().slice(0, 10))).toEqual([
      '2026-07-31',
      '2026-06-30',
      '2025-07-31',
    ]);
  });

  it('averages a year by its months, and tells a year that isn’t over', async () => {
    const { rig, queries } = await booked({ a: {} }, (_, parameter, startMs) =>
      parameter === 'nh3n' && startMs < AUGUST ? 0.2 : null,
    );
    const { indicators, provisional, changes } = (await get(rig, 'station=a&period=2026')).json();
    expect(queries[0]!.spans).toHaveLength(36);
    expect(indicators.find(({ parameter }: { parameter: string }) => parameter === 'nh3n')).toMatchObject({
      mean: 0.2,
      months: 7,
      invalid: 'too-few-months',
    });
    expect(provisional).toBe(true);
    expect(changes.previous.period).toBe('2025');
  });

  it('compares what has passed of a month with as much of another', async () => {
    const { rig, queries } = await booked({ a: {} }, (_, parameter) => (parameter === 'nh3n' ? 0.2 : null));
    // The clock stands at 2026-11-22T08:00 in Shanghai: 21 days and 8 hours.
    const { provisional } = (await get(rig, 'station=a&period=2026-11')).json();
    expect(provisional).toBe(true);
    const text = (ms: number) => new Date(ms + 8 * 3_600_000).toISOString().slice(0, 16);
    expect(queries[0]!.spans.map(({ startMs, endMs }) => [text(startMs), text(endMs)])).toEqual([
      ['2026-11-01T00:00', '2026-12-01T00:00'],
      ['2026-10-01T00:00', '2026-10-22T08:00'],
      ['2025-11-01T00:00', '2025-11-22T08:00'],
    ]);
  });

  it('makes the mean of a year of months that are over, and compares it with the same months', async () => {
    // The clock stands in November 2026: two days of bad water, and a bad December the year before, are no month of either.
    const november = Date.parse('2026-11-01T00:00:00+08:00');
    const december = Date.parse('2025-12-01T00:00:00+08:00');
    const { rig } = await booked({ a: {} }, (_, parameter, startMs) =>
      parameter !== 'nh3n' ? null : startMs === november || startMs === december ? 9 : 0.2,
    );
    const { indicators, changes } = (await get(rig, 'station=a&period=2026')).json();
    const nh3n = indicators.find(({ parameter }: { parameter: string }) => parameter === 'nh3n');
    expect(nh3n).toMatchObject({ mean: 0.2, months: 10, max: 18 });
    expect(changes.year.indicators).toMatchObject([{ parameter: 'nh3n', before: 0.2, after: 0.2 }]);
    // A year that is over has all its months.
    const { indicators: before } = (await get(rig, 'station=a&period=2025')).json();
    const all = before.find(({ parameter }: { parameter: string }) => parameter === 'nh3n');
    expect(all).toMatchObject({ months: 12 });
    expect(all.mean).toBeCloseTo((11 * 0.2 + 9) / 12, 9);
  });

  it('as of an earlier time asks what target the station had then', async () => {
    const { rig } = await booked({ a: { target: 'II' } }, () => 0.9);
    const versions = [rig.journal.control.version('station', 'a')!];
    rig.queries.accountsAsOf = async () => [JSON.stringify(versions)];
    const body = { ...(versions[0]!.body as Station), target: 'IV', area: 'elsewhere' };
    await rig.journal.appendCommand('test', { verb: 'put', noun: 'station', id: 'a', body });
    const asOf = 'asOf=2026-11-21T00:00:00Z';
    expect((await get(rig, 'station=a&period=2026-08')).json()).toMatchObject({ target: 'IV' });
    expect((await get(rig, `station=a&period=2026-08&${asOf}`)).json()).toMatchObject({ target: 'II' });
    expect((await get(rig, `area=here&period=2026-08&${asOf}`)).json()).toMatchObject({ sections: [{ target: 'II' }] });
    expect((await get(rig, 'area=here&period=2026-08')).statusCode).toBe(404);
    // Before there were any stations they are those of now.
    rig.queries.accountsAsOf = async () => [];
    expect((await get(rig, `station=a&period=2026-08&${asOf}`)).json()).toMatchObject({ target: 'IV' });
  });

  it('says why there is nothing', async () => {
    const { rig } = await booked({ a: {} }, () => null);
    const answer = (await get(rig, 'station=a&period=2026-W53')).json();
    expect(answer).toMatchObject({
      class: null,
      valid: null,
      notAssessed: [{ reason: 'not-measured' }, { reason: 'not-measured' }],
    });
    expect(answer.changes).toMatchObject({
      previous: { period: '2026-W52', reason: 'nothing-in-common' },
      year: { period: null, reason: 'no-such-period' },
    });
    const never = await startApi();
    expect((await get(never, 'station=taocha&period=2026-08')).json()).toMatchObject({ class: null });
  });

  it.each([
    ['period=2026', 400, /exactly one of station and area/],
    ['station=a&area=b&period=2026', 400, /exactly one/],
    ['station=a&period=2026-13', 400, /no period such as/],
    ['station=a', 400, /period/],
    ['station=a&period=2001', 400, /No edition of GB 3838/],
    ['station=a&period=2026&goal=95', 400, /share from 0 to 1/],
    ['station=nowhere&period=2026', 404, /nowhere/],
    ['area=nowhere&period=2026', 404, /nowhere/],
    ['station=pipe&period=2026', 400, /outfall/],
  ])('%s is %d', async (query, status, detail) => {
    const { rig } = await booked({ a: {}, pipe: { kind: 'outfall' } }, () => 1);
    const answer = await get(rig, query);
    expect([answer.statusCode, answer.json().detail]).toEqual([status, expect.stringMatching(detail)]);
  });
});

describe('GET /assessments?area', () => {
  const parameters = [{ id: 'nh3n', interval: 'PT4H' }, { id: 'codmn' }];
  const six = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => [id, { parameters }]));

  it('has proportions, status, main pollutants, compliance and changes beside the sections', async () => {
    const { rig } = await booked(
      { ...six, pipe: { kind: 'outfall', parameters }, gate: { kind: 'gate', parameters: [{ id: 'flow' }] } },
      (station, parameter, startMs) => {
        if (station === 'f') return null;
        if (parameter === 'codmn') return 3;
        if (startMs !== AUGUST) return 0.3;
        return { a: 1.8, b: 1.2 }[station] ?? 0.3;
      },
    );
    const answer = (await get(rig, 'area=here&period=2026-08')).json();
    expect(answer).toMatchObject({
      area: 'here',
      proportions: { sections: 6, assessed: 5, good: { count: 3, share: 0.6 }, goal: { share: 0.95, isMet: false } },
      basin: { method: 'proportions', status: { zh: '轻度污染' } },
      mainPollutants: [{ parameter: 'nh3n', sections: 2, rate: 0.4, multipleMax: 0.8 }],
      compliance: { sections: 5, met: 3, failing: ['a', 'b'] },
      valid: 5,
      leftOut: [
        { station: 'gate', reason: 'no-indicator' },
        { station: 'pipe', reason: 'outfall' },
      ],
      changes: {
        previous: { sections: 5, method: 'proportions', change: { verdict: 'much-worse' }, points: -40 },
        year: { period: '2025-08', compliance: { points: -40 } },
      },
    });
    expect(answer.sections.map((one: { class: string | null }) => one.class)).toEqual([
      'V',
      'IV',
      'II',
      'II',
      'II',
      null,
    ]);
    expect(answer.sections[0]).not.toHaveProperty('indicators');
    const detailed = (await get(rig, 'area=here&period=2026-08&detail=indicators&goal=0.6')).json();
    expect(detailed.sections[0].indicators).toHaveLength(2);
    expect(detailed.proportions.goal.isMet).toBe(true);
  });

  it('counts no section whose class may not stand, and says which those are', async () => {
    // Every five minutes 180 readings are 2 % of August: one section that would be the worst, and one that would be fine.
    const few = { parameters: [{ id: 'nh3n', interval: 'PT5M' }, { id: 'codmn' }] };
    const { rig } = await booked({ ...six, f: few, g: few }, (station, parameter) => {
      return parameter === 'codmn' ? 3 : station === 'f' ? 2.5 : 0.3;
    });
    const answer = (await get(rig, 'area=here&period=2026-08')).json();
    expect(answer).toMatchObject({
      proportions: {
        sections: 7,
        assessed: 5,
        good: { count: 5, share: 1 },
        worse: { count: 0 },
        goal: { isMet: true },
      },
      mayNotStand: ['f', 'g'],
      basin: { method: 'proportions', status: { zh: '优' } },
      mainPollutants: [],
      compliance: { sections: 5, met: 5, share: 1, failing: [] },
      valid: 5,
      cwqi: { river: { indices: { nh3n: 0.3 } } },
      changes: { previous: { sections: 5, mayNotStand: ['f', 'g'], compliance: { after: { sections: 5 } } } },
    });
    // With the section it is told all the same: a breach is never hidden.
    expect(answer.sections.at(-2)).toMatchObject({ station: 'f', class: 'worse', valid: false, meetsTarget: false });
    const lenient = (await get(rig, 'area=here&period=2026-08&coverage=0.01')).json();
    expect(lenient).toMatchObject({ proportions: { assessed: 7, worse: { count: 1 } }, mayNotStand: [] });
  });

  it('compares with no period in which a class may not stand', async () => {
    const { rig } = await booked({ a: { parameters }, b: { parameters } }, () => 0.3);
    const { periods } = rig.queries;
    rig.queries.periods = async (query) => {
      const found = await periods(query);
      // Of the first series in the span before.
      for (const column of [found.count, found.valid]) column[query.series.length] = 20;
      return found;
    };
    const { changes } = (await get(rig, 'area=here&period=2026-08')).json();
    expect(changes.previous).toMatchObject({ sections: 1, mayNotStand: ['a'] });
    expect(changes.year).toMatchObject({ sections: 2, mayNotStand: [] });
  });

  it('of fewer than five sections is that of the means', async () => {
    const { rig } = await booked({ a: { parameters }, b: { parameters } }, (station) => (station === 'a' ? 0.2 : 1.6));
    expect((await get(rig, 'area=here&period=2026-08')).json()).toMatchObject({
      proportions: { good: { count: 1 } },
      basin: { method: 'means', class: 'III', status: { zh: '良好' } },
      mainPollutants: null,
      sections: [{ mainPollutants: [] }, { mainPollutants: [{ parameter: 'nh3n', multiple: expect.closeTo(0.6) }] }],
    });
  });

  it('of lakes has their trophic level', async () => {
    const lake: Partial<Station> = {
      waterBody: 'lake',
      kind: 'lake',
      parameters: [{ id: 'chla' }, { id: 'tp' }, { id: 'tn' }],
    };
    const { rig } = await booked({ a: lake }, (_, parameter) => ({ chla: 9, tp: 0.05, tn: 1 })[parameter] ?? null);
    const answer = (await get(rig, 'area=here&period=2026-08')).json();
    expect(answer.trophic).toMatchObject({ level: { en: 'mesotrophic' }, missing: ['sd', 'codmn'] });
    expect(answer.sections[0]).toMatchObject({ class: 'III', beside: [{ parameter: 'tn', class: 'III' }] });
  });
});
