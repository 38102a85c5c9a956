/** Bad input over HTTP that isn't about single values: the same time twice, CSV, and rules that name nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '#tests/helpers/service.ts';

interface Receipt {
  accepted: number;
  duplicates: number;
  corrections: number;
  pending: number;
  quarantined: { code: string; path?: string; quarantineId: string }[];
}

let service: TestService;
/** A time of its own for every value that shall be new. */
let clockMs = Date.now() - 3_600_000;
const nextMs = () => {
  clockMs += 1000;
  return clockMs;
};
const storedAt = async (parameter: string, timeMs: number) =>
  (
    await service.call<{ items: { value: number | null; flag: number }[] }>(
      'GET',
      `/series/s1/${parameter}/readings?from=${timeMs}&to=${timeMs + 1}`,
    )
  ).body.items[0];

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  await service.call('PUT', '/stations/s1', {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [],
  });
});
afterAll(() => service.remove());

describe('the same time twice', () => {
  it('the same value again is a duplicate, another one a correction of which both versions are kept', async () => {
    const time = nextMs();
    const send = async (value: number) =>
      (await service.call<Receipt>('POST', '/readings', { station: 's1', time, values: { nh3n: value } })).body;
    expect(await send(0.1)).toMatchObject({ accepted: 1, duplicates: 0, corrections: 0 });
    expect(await send(0.1)).toMatchObject({ accepted: 0, duplicates: 1, corrections: 0 });
    expect(await send(0.2)).toMatchObject({ accepted: 0, duplicates: 0, corrections: 1 });
    expect(await storedAt('nh3n', time)).toMatchObject({ value: 0.2 });
    const history = await service.call<{ items: { value: number }[] }>('GET', `/series/s1/nh3n/history?time=${time}`);
    expect(history.body.items.map(({ value }) => value)).toEqual([0.2, 0.1]);
  });

  it('two values for one time in one message: the later one stands', async () => {
    const time = nextMs();
    const { body } = await service.call<Receipt>('POST', '/readings', {
      samples: [
        { station: 's1', time, values: { nh3n: 0.3 } },
        { station: 's1', time, values: { nh3n: 0.4 } },
      ],
    });
    expect(body).toMatchObject({ accepted: 1, corrections: 1, quarantined: [] });
    expect(await storedAt('nh3n', time)).toMatchObject({ value: 0.4 });
  });
});

describe('CSV', () => {
  it('with a byte order mark, CRLF and quotes is taken', async () => {
    const [a, b] = [nextMs(), nextMs()];
    const { status, body } = await service.call<Receipt>(
      'POST',
      '/readings',
      `\uFEFFstation,time,parameter,value,unit,flag\r\ns1,${new Date(a).toISOString()},"do",9.1,mg/L,N\r\ns1,${b},nh3n,80,ug/L,\r\n`,
    );
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 2, quarantined: [] });
    expect(await storedAt('nh3n', b)).toMatchObject({ value: 0.08 });
  });

  it('with a broken row: that row is named, the rest is taken', async () => {
    const time = nextMs();
    const { status, body } = await service.call<Receipt>(
      'POST',
      '/readings',
      `station,time,parameter,value,unit,flag\ns1,${time},do,9.2,mg/L,\ns1,${time}\ns1,${time},ph,abc,,\ns1,${time},nh3n,0.1,mg/L,\n`,
    );
    expect(status).toBe(202);
    expect(body).toMatchObject({
      accepted: 2,
      quarantined: [
        { code: 'row.malformed', path: 'row 3' },
        { code: 'value.not-a-number', path: 'row 4' },
      ],
    });
  });

  it('without the columns is refused whole', async () => {
    const { status, body } = await service.call('POST', '/readings', 'a,b\n1,2\n');
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'message.malformed', quarantineId: expect.any(String) });
  });
});

describe('a rule that names nothing', () => {
  const rule = (over: object) => ({
    kind: 'threshold',
    select: {},
    parameters: ['ph'],
    op: '<=',
    limit: 9,
    severity: 'major',
    ...over,
  });
  it.each([
    ['an unknown station', rule({ select: { stations: ['nowhere'] } }), 'rule.invalid'],
    ['an unknown parameter', rule({ parameters: ['unobtainium'] }), 'rule.invalid'],
    ['no stations', rule({ select: { stations: [] } }), 'rule.invalid'],
    ['a unit that does not fit', rule({ unit: 'mg/L' }), 'rule.invalid'],
    ['an unknown kind', rule({ kind: 'guess' }), 'request.invalid'],
    ['no parameters', rule({ parameters: [] }), 'request.invalid'],
  ])('%s', async (_name, body, code) => {
    const { status, body: problem } = await service.call('PUT', '/rules/empty', body);
    expect(status).toBe(400);
    expect(problem).toMatchObject({ code, errors: [{ path: expect.any(String), message: expect.any(String) }] });
    expect((await service.call('GET', '/rules/empty')).status).toBe(404);
  });
});
