/** Loads against hand-computed figures, and why a reading has its flag; both through the real service. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Midnight in Shanghai, three days ago. */
const dayMs = Math.floor((Date.now() + 8 * HOUR) / (24 * HOUR)) * 24 * HOUR - 8 * HOUR - 72 * HOUR;
let service: TestService;

interface Load {
  kilograms: number;
  flowWeightedMean: number | null;
  cubicMetres: number;
  unweighed: number;
  unknownShare: number | null;
  unknownHours: number;
  coverage: number;
}
interface Loads {
  items: Load[];
  total: Load;
}

const iso = (ms: number) => new Date(ms).toISOString();
const loads = (query: object) =>
  service.call<Loads & { code?: string }>(
    'GET',
    `/loads?${new URLSearchParams({ station: 's', parameter: 'nh3n', ...query })}`,
  );
const range = { from: iso(dayMs), to: iso(dayMs + 24 * HOUR) };

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_ALLOWED_LATENESS: 'PT1M' } });
  const names = { zh: '断面', en: 'Section' };
  const station = { name: names, kind: 'river-section', waterBody: 'river' };
  await service.call('PUT', '/stations/s', {
    ...station,
    parameters: ['flow', 'nh3n', 'ph'].map((id) => ({ id, interval: 'PT10M' })),
  });
  // Analysers that measure every four hours, at stations with a register and a flow meter of the same water.
  for (const id of ['four', 'ends']) {
    await service.call('PUT', `/stations/${id}`, {
      ...station,
      ...(id === 'ends' ? { dialect: { stamps: 'end' } } : {}),
      parameters: [
        { id: 'flow', interval: 'PT10M' },
        { id: 'register', interval: 'PT1H' },
        { id: 'nh3n', interval: 'PT4H' },
        { id: 'tp', interval: 'PT4H', detectionLimit: 0.02 },
      ],
    });
    const meter = { station: id, maxFlow: 100, measures: 'release' };
    await service.call('PUT', `/meters/${id}-flow`, { ...meter, parameter: 'flow', kind: 'flow', unit: 'm3/s' });
    await service.call('PUT', `/meters/${id}-register`, {
      ...meter,
      parameter: 'register',
      kind: 'register',
      unit: 'm3',
      size: 1e9,
    });
  }
  await service.call('PUT', '/stations/dry', { ...station, parameters: [] });
  await service.call('PUT', '/meters/m', {
    station: 's',
    parameter: 'flow',
    kind: 'flow',
    unit: 'm3/s',
    maxFlow: 100,
    measures: 'release',
  });
  // 2 m³/s until noon and 4 m³/s from then on; 0.5 mg/L until noon, then 0.25 mg/L, and nothing from 20:00 to 22:00.
  const lines = ['station,time,parameter,value,unit,flag'];
  for (let ms = dayMs - HOUR; ms <= dayMs + 25 * HOUR; ms += 10 * MINUTE) {
    const hour = (ms - dayMs) / HOUR;
    lines.push(`s,${iso(ms)},flow,${hour < 12 ? 2 : 4},m3/s,`);
    if (hour < 20 || hour >= 22) lines.push(`s,${iso(ms)},nh3n,${hour < 12 ? 0.5 : 0.25},mg/L,`);
    lines.push(`s,${iso(ms)},ph,${ms === dayMs + 6 * HOUR ? 14.5 : 7.5},,${ms === dayMs ? 'C' : ''}`);
  }
  for (let ms = dayMs - HOUR; ms <= dayMs + 25 * HOUR; ms += 10 * MINUTE) {
    for (const id of ['four', 'ends']) {
      lines.push(`${id},${iso(ms)},flow,10,m3/s,`);
      if (ms % HOUR === 0) lines.push(`${id},${iso(ms)},register,${1e6 + ((ms - dayMs) / HOUR) * 36_000},m3,`);
    }
  }
  // 0.2 and 0.4 mg/L by turns; where the end is stamped, each of the four hours before.
  for (let turn = 0; turn < 6; turn++) {
    const value = turn % 2 === 0 ? 0.2 : 0.4;
    lines.push(`four,${iso(dayMs + turn * 4 * HOUR)},nh3n,${value},mg/L,`);
    lines.push(`four,${iso(dayMs + turn * 4 * HOUR)},tp,0.004,mg/L,`);
    lines.push(`ends,${iso(dayMs + (turn + 1) * 4 * HOUR)},nh3n,${value},mg/L,`);
  }
  const { status } = await service.call('POST', '/readings', lines.join('\n'));
  expect(status).toBe(202);
  await eventually('books', async () => {
    for (const station of ['s', 'four', 'ends']) {
      const { body } = await loads({ ...range, station, by: 'hour' });
      if (body.items?.at(-1)?.coverage !== 1) return false;
    }
    return true;
  });
});
afterAll(() => service.remove());

describe('GET /loads', () => {
  it('weighs each hour by its water, and says what it could not weigh', async () => {
    const { body } = await loads(range);
    expect(body).toMatchObject({ unit: 'kg', by: 'day', meters: ['m'], items: { length: 1 } });
    const [day] = body.items as [Load];
    // 11 h at 7,200 m³ and the hour in which the flow rises to 14,400 m³, linear over its last ten minutes: 7,800 m³;
    // then 12 h at 14,400 m³, of which two have no concentration.
    const weighedAtHalf = 11 * 7200 + 7800;
    const weighedAtQuarter = 10 * 14_400;
    expect(day.cubicMetres).toBe(weighedAtHalf + 12 * 14_400);
    expect(day.unweighed).toBe(2 * 14_400);
    const kilograms = (weighedAtHalf * 0.5 + weighedAtQuarter * 0.25) / 1000;
    expect(day.kilograms).toBeCloseTo(kilograms, 9);
    expect(day.flowWeightedMean).toBeCloseTo((kilograms * 1000) / (weighedAtHalf + weighedAtQuarter), 12);
    expect(day.unknownShare).toBeCloseTo(28_800 / day.cubicMetres, 12);
    expect(day.coverage).toBeCloseTo(22 / 24, 12);
    expect(body.total).toEqual(day);
  });

  it('adds up over any step', async () => {
    const { body: hours } = await loads({ ...range, by: 'hour' });
    expect(hours.items).toHaveLength(24);
    const sum = hours.items.reduce((total, { kilograms }) => total + kilograms, 0);
    expect(sum).toBeCloseTo(hours.total.kilograms, 9);
    expect(hours.items[20]).toMatchObject({ kilograms: 0, flowWeightedMean: null, unknownShare: 1, coverage: 0 });
    expect(hours.items[3]).toMatchObject({ cubicMetres: 7200, coverage: 1, unweighed: 0 });
    expect(hours.items[3]!.kilograms).toBeCloseTo(3.6, 12);
  });

  it('of a substance that was never measured says how much water went unweighed', async () => {
    const { body } = await loads({ ...range, parameter: 'codmn' });
    expect(body.items).toMatchObject([{ kilograms: 0, flowWeightedMean: null, unknownShare: 1, coverage: 0 }]);
    expect(body.total.unweighed).toBe(body.total.cubicMetres);
    expect(body.total.cubicMetres).toBeGreaterThan(0);
  });

  it.each(['four', 'ends'])(
    'lets a reading of four hours stand for four, and weighs water once: %s',
    async (station) => {
      const { body } = await loads({ ...range, station });
      expect(body).toMatchObject({
        meters: [`${station}-register`],
        notWeighed: [{ meter: `${station}-flow`, reason: 'register', of: `${station}-register` }],
      });
      const [day] = body.items as [Load];
      expect(day).toMatchObject({ cubicMetres: 864_000, unweighed: 0, unknownShare: 0, unknownHours: 0, coverage: 1 });
      expect(day.kilograms).toBeCloseTo(259.2, 9);
      expect(day.flowWeightedMean).toBeCloseTo(0.3, 12);
      const { body: hours } = await loads({ ...range, station, by: 'hour' });
      const carried = hours.items.map(({ kilograms }) => Number(kilograms.toFixed(6)));
      expect(carried).toEqual(Array.from({ length: 24 }, (_, hour) => (hour % 8 < 4 ? 7.2 : 14.4)));
    },
  );

  it('weighs what lies below a detection limit with half of the limit', async () => {
    const { body } = await loads({ ...range, station: 'four', parameter: 'tp' });
    expect(body.total.kilograms).toBeCloseTo(0.01 * 864, 9);
  });

  it.each([
    ['pH, which is no concentration', { parameter: 'ph' }, 400, 'request.invalid'],
    ['a station without a meter', { station: 'dry' }, 404, 'not-found'],
    ['a station that is not there', { station: 'none' }, 404, 'not-found'],
    ['a zone off the UTC hours', { tz: 'Asia/Kolkata' }, 400, 'range.invalid'],
  ])('refuses %s', async (_, query, status, code) => {
    expect(await loads({ ...range, ...query })).toMatchObject({ status, body: { code } });
  });

  it('of a time without any water is nothing, and says that it knows nothing', async () => {
    const before = { from: iso(dayMs - 240 * HOUR), to: iso(dayMs - 216 * HOUR) };
    const { body } = await loads(before);
    expect(body.total).toMatchObject({
      kilograms: 0,
      cubicMetres: 0,
      flowWeightedMean: null,
      unknownShare: null,
      unknownHours: 24,
      coverage: 0,
    });
  });
});

describe('GET /series/…/quality', () => {
  const quality = (ms: number) => service.call('GET', `/series/s/ph/quality?time=${encodeURIComponent(iso(ms))}`);

  it('says which test doubts a reading', async () => {
    const { body } = await quality(dayMs + 6 * HOUR);
    expect(body).toMatchObject({ value: 14.5, flag: 4, engineer: null, tests: { grossRange: 4 } });
    expect(body.flag).toBe(body.final);
    expect(Math.max(...Object.values(body.tests as Record<string, number>))).toBe(body.final);
    expect(body.thresholds).toMatchObject({ fail: [0, 14], intervalMs: 10 * MINUTE });
  });

  it('tells the device’s own verdict and an engineer’s apart', async () => {
    expect((await quality(dayMs)).body).toMatchObject({
      flag: 4,
      deviceFlag: 'C',
      tests: { device: 4, grossRange: 1 },
    });
    const at = dayMs + 3 * HOUR;
    const correction = {
      station: 's',
      parameter: 'ph',
      from: iso(at),
      to: iso(at + 1),
      action: 'flag',
      flag: 4,
      reason: 'x',
    };
    await service.call('POST', '/corrections', correction);
    const { body } = await eventually('the correction', async () => {
      const answer = await quality(at);
      return answer.body.engineer === 4 ? answer : null;
    });
    expect(body).toMatchObject({ flag: 4, final: 4, tests: { grossRange: 1 } });
  });

  it('knows no reading that isn’t there', async () => {
    expect(await quality(dayMs + 1)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});
