/** A meter that changes hands, from outside: who gets what, what was signed stays, and how it is corrected. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workbookSheets } from '#tests/helpers/reports/workbook.ts';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
/** 1 January 2025, 00:00 in Shanghai. */
const T0 = Date.UTC(2024, 11, 31, 16);
const iso = (timeMs: number) => new Date(timeMs).toISOString();
const at = (hour: number) => iso(T0 + hour * HOUR);
const METER = {
  parameter: 'register',
  kind: 'register',
  unit: 'm3',
  maxFlow: 60,
  maxGap: 'PT2H',
  measures: 'delivery',
};
let service: TestService;

interface Amount {
  cubicMetres: number;
  measured: number;
  estimated: number;
  unknownHours: number;
}
interface Line extends Amount {
  meter: string;
  recipient: string | null;
  measures: string;
}
interface Period {
  closings: { closedAt: string; query: string; sha256: string; meters: Line[] }[];
  sinceLast: Line[];
}
type Shown = { recipient?: string; recipients?: { recipient: string | null; from: string | null }[] };

async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const answer = await service.call<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}
async function station(id: string): Promise<void> {
  const name = { zh: id, en: id };
  await call(
    'PUT',
    `/stations/${id}`,
    { name, kind: 'offtake', waterBody: 'river', parameters: [{ id: 'register' }] },
    201,
  );
}
const put = (id: string, rest: object, status = 200) =>
  call<Shown>('PUT', `/meters/${id}`, { ...METER, station: id, ...rest }, status);
const read = (name: string, values: number[], from = 0) =>
  call(
    'POST',
    '/readings',
    { samples: values.map((register, hour) => ({ station: name, time: at(from + hour), values: { register } })) },
    202,
  );
const total = async (query: string, from = at(0), to = at(23)) =>
  (await call<{ total: Amount }>('GET', `/volumes?${query}&from=${from}&to=${to}&by=total`)).total;
const hourly = Array.from({ length: 24 }, (_, hour) => 5000 + 100 * hour);
const noon = [
  { recipient: 'north', from: null },
  { recipient: 'south', from: at(12) },
];

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_CLOSINGS: 'manual' } });
});
afterAll(() => service.end());

describe('two meters on the same readings, one after the other', () => {
  it('count 2,300 m³ together, and no hour is unknown', async () => {
    await station('pair');
    await call('PUT', '/meters/first', { ...METER, station: 'pair', recipient: 'one', to: at(12) }, 201);
    await call('PUT', '/meters/then', { ...METER, station: 'pair', recipient: 'two', from: at(12) }, 201);
    await read('pair', hourly);
    expect(await total('recipient=one')).toMatchObject({ measured: 1200, estimated: 0, unknownHours: 0 });
    expect(await total('recipient=two')).toMatchObject({ measured: 1100, estimated: 0, unknownHours: 0 });
    expect(await total('station=pair')).toMatchObject({ measured: 2300, estimated: 0, unknownHours: 0 });
  });
});

describe('a meter that is put with another recipient', () => {
  beforeAll(async () => {
    await station('plain');
    await put('plain', { recipient: 'upper' }, 201);
  });

  it('is simply of that one as long as nothing was read', async () => {
    expect(await put('plain', { recipient: 'lower' })).toMatchObject({ recipient: 'lower' });
    await call('GET', `/volumes?recipient=upper&from=${at(0)}&to=${at(23)}`, undefined, 404);
    const shown = await put('plain', { recipient: 'upper' });
    expect(shown.recipients).toBeUndefined();
  });

  it('is handed over from then on, and who had it keeps answering with what it got', async () => {
    await read('plain', hourly);
    const shown = await put('plain', { recipient: 'lower' });
    const [command] = (await call<{ items: { at: string }[] }>('GET', '/audit?limit=1')).items;
    expect(shown).toMatchObject({
      recipient: 'lower',
      recipients: [
        { recipient: 'upper', from: null },
        { recipient: 'lower', from: command!.at },
      ],
    });
    expect(await call('GET', '/meters/plain')).toEqual(shown);
    expect(await total('recipient=upper')).toMatchObject({ measured: 2300, unknownHours: 0 });
    expect(await total('recipient=lower')).toMatchObject({ measured: 0, unknownHours: 0 });
    const day = `from=${iso(Date.parse(command!.at) - HOUR)}&to=${iso(Date.parse(command!.at) + HOUR)}&by=total`;
    for (const recipient of ['upper', 'lower']) {
      const { total: both } = await call<{ total: Amount }>('GET', `/volumes?recipient=${recipient}&${day}`);
      expect(both.unknownHours).toBe(1);
    }
  });

  it('keeps its history when it is put with the one it has, or as it was answered', async () => {
    const shown = await call<Shown>('GET', '/meters/plain');
    expect(await put('plain', { recipient: 'lower' })).toEqual(shown);
    expect(await call('PUT', '/meters/plain', shown)).toEqual(shown);
    const changed = { ...shown, recipients: [{ recipient: 'elsewhere', from: null }] };
    expect(await call('PUT', '/meters/plain', changed, 400)).toMatchObject({ errors: [{ path: 'recipients' }] });
  });

  it.each([
    [[{ recipient: 'upper', from: at(1) }]],
    [
      [
        { recipient: 'upper', from: null },
        { recipient: 'lower', from: 'noon' },
      ],
    ],
    [[]],
  ])('refuses the history %j', async (recipient) => {
    expect(await put('plain', { recipient }, 400)).toMatchObject({ code: 'request.invalid' });
  });
});

describe('a history', () => {
  let asOf = '';
  let signed: Period;
  const line = (recipient: string, measured: number) => ({ meter: 'held', recipient, measures: 'delivery', measured });

  beforeAll(async () => {
    await station('held');
    await put('held', { recipient: 'north' }, 201);
    await read('held', hourly);
    await call('PUT', '/plans/north/2024-25', { cubicMetres: 10_000 }, 201);
    signed = await call<Period>('POST', '/periods/2025-01/close', {}, 201);
    asOf = signed.closings[0]!.closedAt;
    expect(await put('held', { recipient: noon })).toMatchObject({ recipient: 'south', recipients: noon });
    await call('PUT', '/plans/south/2024-25', { cubicMetres: 10_000 }, 201);
  });

  it('gives each its part: volumes, balances, plans', async () => {
    expect(await total('recipient=north')).toMatchObject({ measured: 1200, unknownHours: 0 });
    expect(await total('recipient=south')).toMatchObject({ measured: 1100, unknownHours: 0 });
    expect(await total('meter=held')).toMatchObject({ measured: 2300, unknownHours: 0 });
    expect(await total('meter=held&recipient=south')).toMatchObject({ measured: 1100 });
    await call('GET', `/volumes?meter=held&recipient=upper&from=${at(0)}`, undefined, 404);
    const { recipients } = await call<{ recipients: { recipient: string; measured: number; meters: object[] }[] }>(
      'GET',
      `/balances?from=${at(0)}&to=${at(23)}`,
    );
    const own = recipients.filter(({ recipient }) => ['north', 'south'].includes(recipient));
    expect(own).toMatchObject([
      { recipient: 'north', measured: 1200, meters: [{ meter: 'held', measured: 1200 }] },
      { recipient: 'south', measured: 1100, meters: [{ meter: 'held', measured: 1100 }] },
    ]);
    expect(recipients.find(({ recipient }) => recipient === 'lower')).toBeUndefined();
    for (const [recipient, measured] of [
      ['north', 1200],
      ['south', 1100],
    ] as const) {
      expect(await call('GET', `/plans/${recipient}/2024-25`)).toMatchObject({ delivered: { measured } });
    }
  });

  it('is in the report of its day, in every format', async () => {
    const report = await call<{ recipients: { recipient: string; measured: number; meters: number }[] }>(
      'GET',
      '/reports/2025-01-01',
    );
    const own = report.recipients.filter(({ recipient }) => ['north', 'south'].includes(recipient));
    expect(own).toMatchObject([
      { recipient: 'north', measured: 1200, meters: 1 },
      { recipient: 'south', measured: 1100, meters: 1 },
    ]);
    expect(report.recipients.reduce((sum, { measured }) => sum + measured, 0)).toBe(2300 + 2300 + 2300);
    expect(await call('GET', '/reports/2025-01-01')).toMatchObject({ total: { measured: 6900, meters: 4 } });
    const file = await fetch(`${service.url}/api/v1/reports/2025-01-01?format=xlsx`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    expect(file.status).toBe(200);
    const rows = workbookSheets(Buffer.from(await file.arrayBuffer())).flatMap((sheet) => sheet.rows);
    for (const [recipient, measured] of [
      ['north', '1200'],
      ['south', '1100'],
    ] as const) {
      const row = rows.find(([name]) => name?.value === recipient)!;
      expect(row.map(({ value }) => value)).toContain(measured);
    }
  });

  it('leaves what was signed, says what it changed, and can be restated', async () => {
    expect(signed.closings[0]!.meters.find(({ meter }) => meter === 'held')).toMatchObject(line('north', 2300));
    const shown = await call<Period>('GET', '/periods/2025-01');
    expect(shown.closings).toEqual(signed.closings);
    expect(shown.sinceLast).toMatchObject([line('north', -1100), line('south', 1100)]);
    const { query } = shown.closings[0]!;
    const again = async (recipient: string, from = query) =>
      (await call<{ total: Amount }>('GET', `${from.replace('/api/v1', '').replace('{meter}', 'held')}${recipient}`))
        .total;
    // As it was known when it was signed, recipients and all.
    expect(await again('')).toMatchObject({ measured: 2300 });
    expect(await again('&recipient=north')).toMatchObject({ measured: 2300 });
    expect(await again('&recipient=south')).toMatchObject({ measured: 0 });
    expect(await total(`recipient=north&asOf=${asOf}`)).toMatchObject({ measured: 2300 });

    const restated = await call<Period>('POST', '/periods/2025-01/restate', { reason: 'handed over at noon' }, 201);
    expect(restated.sinceLast).toEqual([]);
    const last = restated.closings.at(-1)!;
    expect(last.meters.filter(({ meter }) => meter === 'held')).toMatchObject([
      line('north', 1200),
      line('south', 1100),
    ]);
    for (const { recipient, measured } of last.meters.filter(({ meter }) => meter === 'held')) {
      expect(await again(`&recipient=${recipient}`, last.query)).toMatchObject({ measured });
    }
  });

  it('tells when what a meter measures was changed after signing', async () => {
    await put('held', { recipient: 'south', measures: 'release' });
    const { sinceLast } = await call<Period>('GET', '/periods/2025-01');
    expect(sinceLast.map(({ recipient, measures, measured }) => [recipient, measures, measured])).toEqual([
      ['north', 'delivery', -1200],
      ['north', 'release', 1200],
      ['south', 'delivery', -1100],
      ['south', 'release', 1100],
    ]);
    await put('held', { recipient: 'south' });
    expect((await call<Period>('GET', '/periods/2025-01')).sinceLast).toEqual([]);
  });

  it('is the same after books are built anew', async () => {
    await put('held', { recipient: noon, maxFlow: 61 });
    expect(await total('recipient=north')).toMatchObject({ measured: 1200, unknownHours: 0 });
    expect(await total('recipient=south')).toMatchObject({ measured: 1100, unknownHours: 0 });
  });
});

describe("a meter's unit", () => {
  const latest = async () =>
    (await call<{ items: { value: number }[] }>('GET', `/series/faces/register/readings?from=${at(0)}&to=${at(99)}`))
      .items;

  it('changes until something was read, and never after', async () => {
    await station('faces');
    await put('faces', { unit: 'm3' }, 201);
    await put('faces', { unit: 'L' });
    await read('faces', [1000]);
    expect(await latest()).toMatchObject([{ value: 1 }]);
    expect(await put('faces', { unit: 'm3' }, 409)).toMatchObject({ code: 'state.conflict' });
    await put('faces', { unit: 'L', maxFlow: 61 });
  });

  it('is what values without one are in, whatever a second meter of the same readings shows', async () => {
    await call('PUT', '/meters/a-second', { ...METER, station: 'faces', unit: 'm3' }, 201);
    await read('faces', [2000], 1);
    expect(await latest()).toMatchObject([{ value: 1 }, { value: 2 }]);
    const dataDir = service.dataDir;
    await service.end();
    service = await startTestService({
      dataDir,
      env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_CLOSINGS: 'manual' },
    });
    await read('faces', [3000], 2);
    expect(await latest()).toMatchObject([{ value: 1 }, { value: 2 }, { value: 3 }]);
  });

  it('ends with its meter: another face begins with another meter', async () => {
    await put('faces', { unit: 'L', to: at(3) });
    await call('PUT', '/meters/a-second', { ...METER, station: 'faces', unit: 'm3', from: at(3) });
    await read('faces', [4], 3);
    expect((await latest()).map(({ value }) => value)).toEqual([1, 2, 3, 4]);
    expect(await total('station=faces', at(0), at(3))).toMatchObject({ measured: 3, unknownHours: 0 });
  });
});
