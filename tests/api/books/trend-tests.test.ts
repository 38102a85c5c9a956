/** Tests for trends as they are asked for: which steps of stored readings count, what a list may hold, what is answered. */
import { describe, expect, it } from 'vitest';
import type { TrendQuery } from '#books/questions/queries.ts';
import { type ApiRig, NOW_MS, startApi } from '#tests/helpers/api.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;

/** A year's cycle without a trend, and what is asked of it. */
async function cyclic(noise: (startMs: number) => number = () => 0): Promise<{ rig: ApiRig; queries: TrendQuery[] }> {
  const rig = await startApi();
  const queries: TrendQuery[] = [];
  const at = (ms: number) => 0.5 + 0.3 * Math.cos((2 * Math.PI * ms) / YEAR_MS);
  rig.queries.trendSteps = async (query) => {
    queries.push(query);
    return query.edgesMs.slice(1).map((endMs, index) => {
      const startMs = query.edgesMs[index]!;
      let [sum, count] = [0, 0];
      for (let ms = startMs; ms < endMs; ms += DAY_MS, count++) sum += at(ms);
      return { value: sum / count + noise(startMs), censored: null };
    });
  };
  return { rig, queries };
}

async function answer(rig: ApiRig, method: string, url: string, options?: { body: object }) {
  const response = await rig.call(method, url, options);
  return { status: response.statusCode, body: response.json() };
}

const texts = (edgesMs: readonly number[]) =>
  edgesMs.map((ms) => new Date(ms + 8 * 3_600_000).toISOString().slice(0, 10));

describe('GET /trends/test', () => {
  const url = '/api/v1/trends/test?station=taocha&parameter=nh3n';

  it('counts no December as a year, and no year that isn’t over', async () => {
    // A little up and down, as years differ.
    const { rig, queries } = await cyclic((startMs) => ((Math.round(startMs / YEAR_MS) * 7) % 5) / 1000);
    const { body } = await answer(rig, 'GET', `${url}&season=P1Y`);
    // The clock stands at 2026-11-22: the range begins on 2016-11-22.
    expect(texts(queries[0]!.edgesMs)).toEqual(
      [2017, 2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025, 2026].map((y) => `${y}-01-01`),
    );
    expect(body).toMatchObject({
      n: 9,
      steps: 9,
      trend: 'no trend',
      from: '2017-01-01T00:00:00+08:00',
      to: '2026-01-01T00:00:00+08:00',
    });
    expect(body.p).toBeGreaterThan(0.3);
  });

  it.each([
    ['P1M', '2025-01-01', '2025-04-01', ['2025-01-01', '2025-02-01', '2025-03-01', '2025-04-01']],
    ['P1M', '2025-01-02', '2025-03-31', ['2025-02-01', '2025-03-01']],
    ['P3M', '2025-02-01', '2025-12-01', ['2025-04-01', '2025-07-01', '2025-10-01']],
    ['P1Y', '2025-01-01', '2026-12-31', ['2025-01-01', '2026-01-01']],
    ['P1M', '2026-09-30', '2027-06-01', ['2026-10-01', '2026-11-01']],
  ])('of %s from %s to %s asks for whole steps that are over', async (season, from, to, edges) => {
    const { rig, queries } = await cyclic();
    await answer(rig, 'GET', `${url}&season=${season}&from=${from}&to=${to}`);
    expect(texts(queries[0]!.edgesMs)).toEqual(edges);
  });

  it('refuses where no step is whole, asking nothing', async () => {
    const { rig, queries } = await cyclic();
    const { body } = await answer(rig, 'GET', `${url}&from=2025-01-02&to=2025-01-20`);
    expect(body).toMatchObject({ n: 0, steps: 0, trend: 'no trend', p: null, slope: null });
    expect(body.refused).toMatch(/too few/);
    expect(queries).toEqual([]);
  });

  it('takes seasons as depending on each other when told to', async () => {
    const { rig } = await cyclic((startMs) => Math.sin(startMs / YEAR_MS) / 10);
    const ask = (more: string) => answer(rig, 'GET', `${url}&method=seasonal-kendall${more}`);
    const [plain, serial] = [await ask('&serial=false'), await ask('&serial=true')];
    expect(serial.body.s).toBe(plain.body.s);
    // Whole years rise and fall together here: the seasons say the same thing twelve times.
    expect(serial.body.varS).toBeGreaterThan(3 * plain.body.varS);
    const elsewhere = await answer(rig, 'GET', `${url}&method=hamed-rao&serial=true`);
    expect(elsewhere).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  });
});

describe('POST /trend-tests', () => {
  const post = async (body: object) => answer(await startApi(), 'POST', '/api/v1/trend-tests', { body });

  it('of ten values below their limits tells no slope, with the reason', async () => {
    const values = [5, 5, 4, 4, 3, 3, 2, 2, 1, 1].map((value) => ({ value, censored: true }));
    const { status, body } = await post({ values });
    expect(status).toBe(200);
    expect(body).toMatchObject({ n: 10, trend: 'no trend', p: 1, s: 0, slope: null, confidence: null });
    expect(body.noSlope).toBeTypeOf('string');
  });

  it('finds no fall in eight values by their memory of lag 1', async () => {
    const { body } = await post({ values: [5, 8, 8, 2, 6, 2, 3, 4], method: 'yue-wang' });
    expect(body).toMatchObject({ n: 8, trend: 'no trend' });
  });

  it('knows values above a range as it knows those below a limit', async () => {
    const values = [1, 2, { value: 3, censored: '>' }, 4, { value: 2, censored: '<' }];
    const { body } = await post({ values });
    // 1 < 2, 1 < >3, 1 < 4, 2 < >3, 2 < 4; of >3 and 4, of 1 and <2 nobody knows; <2 is below 2, >3 and 4.
    expect(body.s).toBe(5 - 3);
  });

  it('answers Spearman two-sided, with the rule’s one-sided table apart', async () => {
    const { body } = await post({ values: [1, 2, 0, 7, 5, 6, 9, 3, 4, 8], method: 'spearman' });
    expect(body).toMatchObject({ trend: 'no trend', z: null, evaluation: { sides: 1, alpha: 0.05, critical: 0.564 } });
    expect(body.evaluation.trend).toBe('increasing');
    expect(body).not.toHaveProperty('critical');
  });

  it('refuses `serial` where it means nothing', async () => {
    const { status, body } = await post({ values: [1, 2, 3, 4], method: 'mann-kendall', serial: true });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'request.invalid' });
  });
});

it('the clock of these tests', () => expect(texts([NOW_MS])).toEqual(['2026-11-22']));
