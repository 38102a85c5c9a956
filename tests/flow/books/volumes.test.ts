/** Volumes from outside: decisions that are overruled and undone, a swap, balances, plans, and a period that is closed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
/** 1 January 2025, 00:00 in Shanghai. */
const T0 = Date.UTC(2024, 11, 31, 16);
const iso = (timeMs: number) => new Date(timeMs).toISOString();
const at = (hour: number) => iso(T0 + hour * HOUR);
let service: TestService;

interface Amount {
  cubicMetres: number;
  measured: number;
  estimated: number;
  unknownHours: number;
}
interface Decision {
  id: string;
  meter: string;
  kind: string;
  booked: number | null;
  reason: string;
  ruledBy: string | null;
}
interface Period {
  closings: {
    closedAt: string;
    query: string;
    sha256: string;
    reason: string | null;
    meters: ({ meter: string } & Amount)[];
  }[];
  sinceLast: ({ meter: string } & Amount)[];
}

const METER = { parameter: 'register', kind: 'register', unit: 'm3', maxFlow: 60, maxGap: 'PT2H', size: 100_000 };

async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const answer = await service.call<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}
async function meter(id: string, rest: object): Promise<void> {
  const names = { zh: id, en: id };
  const station = { name: names, kind: 'offtake', waterBody: 'river', area: 'north', parameters: [{ id: 'register' }] };
  await call('PUT', `/stations/${id}`, station, 201);
  await call('PUT', `/meters/${id}`, { ...METER, station: id, ...rest }, 201);
}
const read = (station: string, values: number[], from = 0) =>
  call(
    'POST',
    '/readings',
    { samples: values.map((register, hour) => ({ station, time: at(from + hour), values: { register } })) },
    202,
  );
const total = async (query: string) => (await call<{ total: Amount }>('GET', `/volumes?${query}&by=total`)).total;
const day = (id: string) => total(`meter=${id}&from=${at(0)}&to=${at(4)}`);
const decisions = async (query: string) =>
  (await call<{ items: Decision[] }>('GET', `/volumes/decisions?${query}`)).items;

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
});
afterAll(() => service.end());

describe('decisions', () => {
  beforeAll(async () => {
    await meter('decided', { measures: 'release' });
    await read('decided', [90_000, 99_950, 50, 150, 250]);
  });

  it('are listed with what was booked and why', async () => {
    expect(await decisions('meter=decided')).toMatchObject([
      { meter: 'decided', kind: 'rollover', booked: 100, ruledBy: null, reason: expect.stringContaining('plausible') },
    ]);
    expect(await decisions('kind=glitch&meter=decided')).toEqual([]);
    expect(await day('decided')).toMatchObject({ measured: 10_250, unknownHours: 0 });
  });

  it('are overruled with a reason, and undone as if they had never been', async () => {
    const before = await decisions('meter=decided');
    const ruling = { meter: 'decided', time: at(2), kind: 'replacement', reason: 'New register, work order 7' };
    const { id } = await call<{ id: string }>('POST', '/volumes/decisions', ruling, 201);
    expect(await decisions('meter=decided')).toMatchObject([
      { id, kind: 'replacement', booked: null, ruledBy: 'admin', reason: ruling.reason },
    ]);
    expect(await day('decided')).toMatchObject({ measured: 10_150, unknownHours: 1 });
    await call('DELETE', `/volumes/decisions/${id}`, undefined, 204);
    expect(await decisions('meter=decided')).toEqual(before);
    expect(await day('decided')).toMatchObject({ measured: 10_250, unknownHours: 0 });
    await call('DELETE', `/volumes/decisions/${id}`, undefined, 404);
  });

  it.each([
    [{ time: '2025-01-01T00:30:00+08:00', kind: 'glitch' }, 404, 'not-found'],
    [{ meter: 'nobody', kind: 'glitch' }, 404, 'not-found'],
    [{ kind: 'pending' }, 400, 'request.invalid'],
    [{ kind: 'glitch', reason: ' ' }, 400, 'request.invalid'],
    [{ kind: 'glitch', time: 'yesterday' }, 400, 'range.invalid'],
  ])('%j is refused with %i %s', async (rest, status, code) => {
    const ruling = { meter: 'decided', time: at(1), reason: 'because', ...rest };
    expect(await call('POST', '/volumes/decisions', ruling, status)).toMatchObject({ code });
  });
});

describe('what nobody can know', () => {
  it('is no reset once the old course is back: the list tells the reset that is undone', async () => {
    await meter('returned', { measures: 'release', maxFlow: 1, maxGap: 'PT4H' });
    await read('returned', [1000, 1100, 0, 0], 100);
    expect(await decisions('meter=returned')).toMatchObject([{ kind: 'reset', booked: null }]);
    await read('returned', [1400, 1500], 104);
    const query = `meter=returned&from=${at(100)}&to=${at(105)}`;
    expect(await total(query)).toMatchObject({ measured: 500, estimated: 0, unknownHours: 0 });
    expect(await decisions('meter=returned')).toMatchObject([
      { kind: 'glitch', booked: null, reason: expect.stringContaining('fits the read before') },
      { kind: 'glitch', booked: null, reason: expect.stringContaining('undoes the reset') },
    ]);
    expect(await total(`${query}&asOf=${encodeURIComponent(new Date().toISOString())}`)).toMatchObject({
      measured: 500,
      unknownHours: 0,
    });
  });

  it('is what ran in a hole of eleven years, or of four days unless maxEstimate says otherwise', async () => {
    const flow = { parameter: 'flow', kind: 'flow', unit: 'm3/s', measures: 'ecological', size: undefined };
    await meter('hole', flow);
    const times = ['2014-12-27T00:00:00+08:00', '2014-12-31T00:00:00+08:00', '2026-01-01T00:00:00+08:00'] as const;
    const samples = times.map((time) => ({ station: 'hole', time, values: { flow: 10 } }));
    await call('POST', '/readings', { samples }, 202);
    const between = (from: string, to: string) =>
      total(`meter=hole&from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`);
    expect(await between(times[1], times[2])).toMatchObject({ cubicMetres: 0, estimated: 0, unknownHours: 4019 * 24 });
    expect(await between(times[0], times[1])).toMatchObject({ cubicMetres: 0, unknownHours: 96 });
    const reason = expect.stringContaining('longer than `maxEstimate`');
    expect(await decisions('meter=hole')).toMatchObject(Array(2).fill({ kind: 'gap', booked: null, reason }));
    const body = { ...METER, ...flow, station: 'hole', maxEstimate: 'P4D' };
    expect(await call('PUT', '/meters/hole', body)).toMatchObject({ maxEstimate: 'P4D' });
    expect(await between(times[0], times[1])).toMatchObject({ measured: 0, estimated: 3_456_000, unknownHours: 0 });
    expect(await between(times[1], times[2])).toMatchObject({ cubicMetres: 0, unknownHours: 4019 * 24 });
  });
});

describe('meters', () => {
  it('refuse to become another one', async () => {
    await meter('once', { measures: 'delivery', recipient: 'somewhere' });
    const other = { ...METER, station: 'decided', measures: 'delivery' };
    expect(await call('PUT', '/meters/once', other, 409)).toMatchObject({ code: 'state.conflict' });
    const same = { ...METER, station: 'once', measures: 'delivery', recipient: 'somewhere' };
    const swapped = { ...same, replacements: [{ at: at(5) }, { at: at(4) }] };
    expect(await call('PUT', '/meters/once', swapped, 400)).toMatchObject({ errors: [{ path: 'replacements' }] });
  });
});

describe('balances and plans', () => {
  beforeAll(async () => {
    await meter('in', { measures: 'intake' });
    await meter('checks-in', { measures: 'intake', sister: 'in' });
    await meter('out-1', { measures: 'delivery', recipient: 'beijing', travelTime: 'PT1H' });
    await meter('out-2', { measures: 'delivery', recipient: 'beijing', travelTime: 'PT1H' });
    await read('in', [0, 1000, 2000, 3000, 4000]);
    await read('checks-in', [0, 1010, 2020, 3030, 4040]);
    await read('out-1', [0, 500, 1200, 1900, 2600, 3300]);
    await read('out-2', [0, 0, 200, 400, 600, 800]);
  });

  it('set deliveries against what was taken in a travel time earlier', async () => {
    const query = `from=${at(0)}&to=${at(4)}`;
    const shifted = await call<Record<string, unknown>>('GET', `/balances?${query}`);
    // Of somewhere nothing is known, a third of all meter-hours: Beijing's share of what is known would be 100 %.
    expect(shifted).toMatchObject({
      total: { intake: { measured: 4000 }, delivery: { measured: 3600 }, release: { measured: 10_250 } },
      recipients: [
        { recipient: 'beijing', cubicMetres: 3600, share: null, meters: [{ meter: 'out-1' }, { meter: 'out-2' }] },
        { recipient: 'somewhere', cubicMetres: 0, unknownHours: 4, share: null },
      ],
      divergences: [{ meter: 'checks-in', against: 'in', difference: 40, share: 0.01, unknownHours: 0 }],
    });
    const asCounted = await call<{ total: object }>('GET', `/balances?${query}&shift=none&by=day`);
    expect(asCounted.total).toMatchObject({ delivery: { measured: 3200 }, loss: 4000 - 3200 - 10_250 });
    expect(asCounted).toMatchObject({ items: [{ intake: { measured: 4000 } }] });
  });

  it('tell how a plan goes, and how the year before went', async () => {
    const plan = { cubicMetres: 6800, source: 'a test' };
    await call('PUT', '/plans/beijing/2024-25', plan, 201);
    const progress = await call('GET', '/plans/beijing/2024-25');
    expect(progress).toMatchObject({
      recipient: 'beijing',
      transferYear: '2024-25',
      start: '2024-11-01T00:00:00+08:00',
      end: '2025-11-01T00:00:00+08:00',
      delivered: { measured: 4100 },
      progress: 4100 / 6800,
      planned: 6800,
      runRate: 0,
      completion: null,
      yearBefore: { transferYear: '2023-24', delivered: { measured: 0 }, change: null },
    });
    expect(await call('GET', '/plans?transferYear=2024-25')).toMatchObject({ items: [{ recipient: 'beijing' }] });
    await call('PUT', '/plans/beijing/2024-25', { ...plan, months: Array(12).fill(1) }, 400);
    await call('PUT', '/plans/atlantis/2024-25', plan, 404);
    await call('PUT', '/plans/beijing/2024-11', plan, 400);
    await call('DELETE', '/plans/beijing/2024-25', undefined, 204);
    await call('GET', '/plans/beijing/2024-25', undefined, 404);
  });
});

describe('a closed period', () => {
  it('stands, shows later corrections as restatement lines, and can be computed again', async () => {
    const closed = await call<Period>('POST', '/periods/2025-01/close', { reason: 'monthly' }, 201);
    const first = closed.closings[0]!;
    expect(closed.sinceLast).toEqual([]);
    expect(first.meters.find(({ meter: id }) => id === 'in')).toMatchObject({ measured: 4000 });
    await call('POST', '/periods/2025-01/close', {}, 409);
    await call('POST', '/periods/2025-01/restate', { reason: 'nothing' }, 409);

    const fix = {
      station: 'in',
      parameter: 'register',
      from: at(4),
      to: at(5),
      action: 'set',
      value: 3900,
      reason: 'misread',
    };
    await call('POST', '/corrections', fix, 202);
    const shown = await call<Period>('GET', '/periods/2025-01');
    expect(shown.closings).toEqual([first]);
    expect(shown.sinceLast).toEqual([
      {
        meter: 'in',
        recipient: null,
        measures: 'intake',
        cubicMetres: -100,
        measured: -100,
        estimated: 0,
        unknownHours: 0,
        cause: 'readings',
      },
    ]);

    const restated = await call<Period>('POST', '/periods/2025-01/restate', { reason: 'misread' }, 201);
    expect(restated.closings).toHaveLength(2);
    expect(restated.closings[0]).toEqual(first);
    expect(restated.closings[1]!.sha256).not.toBe(first.sha256);
    for (const { query, meters } of restated.closings) {
      const { measured } = meters.find(({ meter: id }) => id === 'in')!;
      const again = await call<{ total: Amount }>('GET', query.replace('/api/v1', '').replace('{meter}', 'in'));
      expect(again.total.measured).toBe(measured);
    }
    expect(await call('GET', '/periods')).toMatchObject({ items: [{ period: '2025-01', restatements: 1 }] });
  });

  it.each([
    ['2199-01', 409, 'state.conflict'],
    ['2025-13', 400, 'range.invalid'],
    ['january', 400, 'request.invalid'],
  ])('%s can not be closed: %i %s', async (period, status, code) => {
    expect(await call('POST', `/periods/${period}/close`, {}, status)).toMatchObject({ code });
  });
});
