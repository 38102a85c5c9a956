/**
 * The longest turn of the event loop that the dearest request of each kind takes on the main thread, in processor time. As
 * measured, none is above 10 ms, save single messages (see `MESSAGE` in main-thread.test.ts); garbage and a slow machine have
 * four times as much. The least of five is held against it: the first one is cold.
 */
import { describe, expect, it } from 'vitest';
import { checkRule } from '#alerts/rules/rules.ts';
import { type ApiRig, METER, startApi, TAOCHA } from '#tests/helpers/api.ts';
import { expectShortTurns, JSON_TYPE, MESSAGE_MS } from '#tests/helpers/short-turns.ts';

const TIME = '2026-11-01T00:00:00Z';
const CSV = { 'content-type': 'text/csv' };
const COLUMNS = 'station,time,parameter,value\n';

function many(count: number, of: (n: number) => string, between = ''): string {
  return Array.from({ length: count }, (_, n) => of(n)).join(between);
}
function minute(n: number): string {
  return new Date(Date.UTC(2026, 9, 1) + n * 60_000).toISOString();
}

const messages: [string, Record<string, string>, string, number][] = [
  [
    'samples of one value each',
    JSON_TYPE,
    `{"samples":[${many(3500, (n) => `{"station":"taocha","time":"${minute(n)}","values":{"ph":7}}`, ',')}]}`,
    202,
  ],
  [
    'names that nobody knows',
    JSON_TYPE,
    `{"station":"taocha","time":"${TIME}","values":{${many(4900, (n) => `"p${n}":1`, ',')}}}`,
    202,
  ],
  [
    'names that stand twice',
    JSON_TYPE,
    `{"station":"taocha","time":"${TIME}","values":{${many(4900, (n) => `"p${n % 2450}":1`, ',')}}}`,
    202,
  ],
  [
    'bare NaN',
    JSON_TYPE,
    `{"station":"taocha","time":"${TIME}","values":{${many(4900, (n) => `"p${n}":NaN`, ',')}}}`,
    202,
  ],
  ['rows', CSV, COLUMNS + many(5000, (n) => `taocha,${minute(n)},ph,7\n`), 202],
  ['quoted rows', CSV, COLUMNS + many(5000, () => `"taocha","a","b","c"\n`), 202],
  ['rows with open quotation marks', CSV, COLUMNS + many(5000, () => `"\n`), 202],
  ['long rows with open quotation marks', CSV, COLUMNS + many(20, () => `"${'y,'.repeat(6000)}\n`), 202],
];

describe('a message of readings holds the main thread up for no longer than it may', () => {
  const config = { maxMessageBytes: 256 << 10 };
  it.each(messages)('%s', async (_, headers, body, status) => {
    await expectShortTurns(
      await startApi({ config }),
      { method: 'POST', url: '/readings', headers, body },
      status,
      MESSAGE_MS,
    );
  });
  it.each(messages)('as a question what would become of it: %s', async (_, headers, body) => {
    await expectShortTurns(
      await startApi({ config }),
      { method: 'POST', url: '/decode', headers, body },
      200,
      MESSAGE_MS,
    );
  });

  const nested = [
    { body: '['.repeat(120_000) + ']'.repeat(120_000), status: 400 },
    { body: `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`, status: 400 },
    {
      body: `{"station":"taocha","time":"${TIME}","values":{"ph":${'['.repeat(120_000)}${']'.repeat(120_000)}}}`,
      status: 202,
    },
  ];
  it.each(nested)('nested without end, which is refused', async ({ body, status }) => {
    const rig = await startApi({ config });
    // Of readings it costs the value, or a message that is none; of anything else the body.
    await expectShortTurns(rig, { method: 'POST', url: '/readings', body }, status, MESSAGE_MS);
    const asked = await expectShortTurns(rig, { method: 'POST', url: '/trend-tests', body }, 400);
    expect(asked.json().code).toBe('message.too-deep');
  });
});

describe('an import holds the main thread up for no longer than a piece of it takes', () => {
  const rows = COLUMNS + many(40_000, (n) => `taocha,${minute(n)},ph,7\n`);
  const logger = 'time,ph,do\n';
  const named = 'station=taocha&tz=Asia/Shanghai&map=ph%3Dph';
  it.each([
    ['rows of our own', '', rows, 200],
    ['a dry run of them', 'dryRun=true', rows, 200],
    ['a file of a logger', named, logger + many(20_000, (n) => `${minute(n)},7.1,8.2\n`), 200],
    ['a dry run of one', `${named}&dryRun=true`, logger + many(20_000, (n) => `${minute(n)},7.1,8.2\n`), 200],
    ['quoted cells', named, logger + many(20_000, (n) => `"${minute(n)}","7.1","8.2"\n`), 200],
    ['nothing but open quotation marks', named, logger + many(200_000, () => `"\n`), 400],
    ['long lines with open quotation marks', named, logger + many(300, () => `"${'y,'.repeat(500)}\n`), 400],
    ['the longest lines of them', named, logger + many(8, () => `"${'y,'.repeat(30_000)}\n`), 400],
  ] as const)('%s', async (_, query, body, status) => {
    await expectShortTurns(
      await startApi(),
      { method: 'POST', url: `/import?id=a&${query}`, headers: CSV, body },
      status,
    );
  });
});

describe('large registers and answers are made in turns', () => {
  const tags = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`tag-${n}`, 'x'.repeat(200)]));
  async function withStations(count: number): Promise<ApiRig> {
    const rig = await startApi();
    for (let n = 0; n < count; n++) {
      const body = { ...TAOCHA, tags };
      await rig.journal.appendCommand('test', { verb: 'put', noun: 'station', id: `s-${n}`, body });
    }
    for (let n = 0; n < Math.min(count, 30); n++) {
      const body = { ...METER, station: `s-${n}` };
      await rig.journal.appendCommand('test', { verb: 'put', noun: 'meter', id: `m-${n}`, body });
    }
    rig.deps.checkRule = (rule) => checkRule(rule, rig.deps.control, rig.deps.reference);
    return rig;
  }

  it.each([
    '/stations?limit=1000',
    '/audit?limit=1000',
    '/latest?limit=1000',
    '/trends?station=taocha&parameter=ph&interval=PT1H&from=2025-01-01T00:00:00Z&to=2026-02-20T00:00:00Z',
    '/volumes?recipient=beijing&by=hour&from=2025-01-01T00:00:00Z&to=2025-12-01T00:00:00Z',
  ])('GET %s', async (url) => {
    await expectShortTurns(await withStations(400), { method: 'GET', url }, 200);
  });

  it('a rule for 5,000 stations that aren’t there: a hundred mistakes are listed, and how many there are', async () => {
    const rig = await withStations(400);
    const stations = Array.from({ length: 5000 }, (_, n) => `nowhere-${n}`);
    const body = {
      kind: 'threshold',
      severity: 'minor',
      parameters: ['ph'],
      above: 9,
      for: 'PT0S',
      select: { stations },
    };
    const answer = await expectShortTurns(rig, { method: 'PUT', url: '/rules/r', body }, 400);
    expect(answer.json()).toMatchObject({ code: 'rule.invalid', errorCount: 5000 });
    expect(answer.json().errors).toHaveLength(100);
    expect(answer.text().length).toBeLessThan(10_000);
  });

  it('an expression as long as one may be', async () => {
    const rig = await withStations(1);
    const when = many(76, () => 'ph > 7.25', ' or ');
    const body = {
      kind: 'expression',
      severity: 'minor',
      when,
      for: 'PT0S',
      select: { stations: ['taocha'] },
    };
    await expectShortTurns(rig, { method: 'PUT', url: '/rules/r', body }, 201);
  });

  it.each([0.123456, { below: 0.1 }])('an assessment of as many samples as one may have: %o', async (one) => {
    const rig = await startApi();
    const names = [...rig.deps.reference.parameters.keys()];
    const each = Math.floor((typeof one === 'number' ? 9900 : 4900) / names.length);
    const values = Object.fromEntries(names.map((name) => [name, Array.from({ length: each }, () => one)]));
    const body = { waterBody: 'river', target: 'II', drinkingSource: true, alternatives: true, values };
    await expectShortTurns(rig, { method: 'POST', url: '/assessments', body }, 200);
  });
});

describe('a file of panels', () => {
  const HEADER = 'sample,station,time,parameter,value\n';
  const fill = (row: (n: number) => string) => {
    const rows = [HEADER];
    for (let n = 0, bytes = HEADER.length; bytes < (4 << 20) - 61_000; n++)
      bytes += rows[rows.push(row(n)) - 1]!.length;
    return rows.join('');
  };

  it.each([
    // Each held the thread up for 2 to 188 s where a file was taken at once.
    [
      'full samples',
      (ids: string[]) => (n: number) => `p${Math.floor(n / ids.length)},taocha,${TIME},${ids[n % ids.length]},7\n`,
      201,
    ],
    ['a sample in each row', () => (n: number) => `q${n},taocha,${TIME},ph,7\n`, 400],
    ['nothing but mistakes', () => () => `w,taocha,${TIME},nope,n.d.\n`, 400],
    ['open quotation marks', () => () => `p,taocha,"x\n`, 400],
    ['long lines with open quotation marks', () => () => `"${'y,'.repeat(30_000)}\n`, 400],
  ] as const)('of 4 MiB is taken in turns: %s', async (_, rowOf, status) => {
    const rig = await startApi();
    const body = fill(rowOf([...rig.deps.reference.parameters.keys()]));
    await expectShortTurns(rig, { method: 'POST', url: '/panels', headers: CSV, body }, status);
  });
});
