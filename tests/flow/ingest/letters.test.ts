/**
 * What device letters do to figures and alarms, from outside: a check sample under a letter that nobody has explained is
 * no river water, and what lies below detection makes no water dirtier (contracts §3 "Flags"; 环办监测函〔2020〕82号, point 7).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SHANGHAI_MS = 8 * HOUR_MS;
const nowMs = Date.now();
/** The last whole hour, and the start of yesterday in Shanghai, which has closed. */
const hourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
const dayMs = Math.floor((nowMs + SHANGHAI_MS) / DAY_MS) * DAY_MS - SHANGHAI_MS - 2 * DAY_MS;
const iso = (ms: number) => new Date(ms).toISOString();

interface Item {
  time: string;
  value: number | null;
  flag: number;
  deviceFlag?: string;
  censored?: string;
}
interface Alarm {
  id: string;
  rule: string;
  station: string;
  state: string;
  detail: string | null;
}

let service: TestService;
const station = (over: object = {}, nh3n: object = {}) => ({
  name: { zh: '断面', en: 'Section' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'nh3n', interval: 'PT1H', ...nh3n }],
  ...over,
});
const sample = (id: string, ms: number, nh3n: unknown) => ({ station: id, time: iso(ms), values: { nh3n } });
const send = async (gateway: string, samples: object[]) => {
  const headers = { authorization: `Basic ${Buffer.from(`${gateway}:${passwords.get(gateway)}`).toString('base64')}` };
  const { status, body } = await service.call('POST', '/readings', { samples }, headers);
  expect(status).toBe(202);
  return body as { warnings?: { code: string; message: string }[] };
};
const passwords = new Map<string, string>();
const gateway = async (id: string, stations: string[], dialect?: object) => {
  const { body } = await service.call<{ password?: string }>('PUT', `/gateways/${id}`, { stations, dialect });
  if (body.password) passwords.set(id, body.password);
};
const readings = async (id: string, query = '') =>
  (await service.call<{ items: Item[] }>('GET', `/series/${id}/nh3n/readings?from=${iso(dayMs)}${query}`)).body.items;
const alarmsOf = async (query: string) =>
  (await service.call<{ items: Alarm[] }>('GET', `/alarms?${query}`)).body.items;
const day = async (id: string, fromMs = dayMs) => {
  const query = `station=${id}&parameter=nh3n&from=${iso(fromMs)}&to=${iso(fromMs + DAY_MS)}&interval=P1D`;
  return (await service.call<{ items: Record<string, number>[] }>('GET', `/trends?${query}`)).body.items[0]!;
};
/** A day of hourly values: 18 below detection, then 6 that were measured. */
const dayOf = (id: string, below: unknown) =>
  Array.from({ length: 24 }, (_, hour) =>
    sample(id, dayMs + hour * HOUR_MS, hour < 18 ? below : { value: 0.12, flag: 'N' }),
  );

beforeAll(async () => {
  service = await startTestService({ env: { WK_LOG_LEVEL: 'warn' } });
  for (const id of ['checked', 'control', 'plain', 'other-limit', 'said-nothing']) {
    await service.call('PUT', `/stations/${id}`, station());
  }
  await service.call('PUT', '/stations/limited', station({}, { detectionLimit: 0.04 }));
  await gateway('gw-checks', ['checked', 'control']);
  await gateway('gw-below', ['plain', 'limited', 'other-limit'], {
    letters: { L: 'below-detection', '>': 'above-range' },
  });
  await gateway('gw-silent', ['said-nothing']);
});
afterAll(async () => {
  await service.end();
  await service.remove();
});

describe('a standard check of 2.0 under `sc` after a day of 0.12 under `N`', () => {
  it('changes neither class nor mean, alarms nobody, and one platform condition names the letter', async () => {
    const day = Array.from({ length: 24 }, (_, n) =>
      sample('checked', hourMs - (24 - n) * HOUR_MS, { value: 0.12, flag: 'N' }),
    );
    await send('gw-checks', day);
    const before = await service.call<{ class: string }>('GET', '/stations/checked/latest');
    const meanOf = async () => {
      const query = `station=checked&parameter=nh3n&from=${iso(hourMs - DAY_MS)}&to=${iso(hourMs + HOUR_MS)}&interval=PT1H`;
      const { items } = (
        await service.call<{ items: { mean: number | null; valid: number }[] }>('GET', `/trends?${query}`)
      ).body;
      return items.map(({ mean, valid }) => [mean, valid]);
    };
    const means = await meanOf();
    for (const [n, letter] of ['sc', 'cz', 'cs', 'HD', 'z'].entries()) {
      const { warnings } = await send('gw-checks', [
        sample('checked', nowMs - (9 - n) * 1000, { value: 2, flag: letter }),
      ]);
      expect(warnings?.map(({ code, message }) => [code, message])).toEqual([
        [
          'flag.unknown',
          `Nobody has said what the device flag "${letter}" means: the value is kept and used for nothing.`,
        ],
      ]);
    }
    // What would have paged: the same value as river water.
    await send('gw-checks', [sample('control', nowMs - 2000, { value: 2, flag: 'N' })]);
    await eventually('an alarm of the other station', async () => (await alarmsOf('station=control')).length > 0);

    expect(await alarmsOf('station=checked')).toEqual([]);
    expect(before.body.class).toBe('I');
    expect(await meanOf()).toEqual(means);
    const last = (await readings('checked')).at(-1)!;
    expect(last).toMatchObject({ value: 2, flag: 3, deviceFlag: 'z' });
    const why = await service.call('GET', `/series/checked/nh3n/quality?time=${last.time}`);
    expect(why.body).toMatchObject({ final: 3, letter: 'unexplained', tests: { device: 3 } });

    const [platform] = await eventually('a platform alarm with all letters', async () => {
      const found = await alarmsOf('station=_platform');
      return found[0]?.detail?.includes('gw-checks sends HD, cs, cz, sc, z') ? found : null;
    });
    expect(await alarmsOf('station=_platform')).toHaveLength(1);

    const meaning = 'maintenance';
    await gateway('gw-checks', ['checked', 'control'], {
      letters: { sc: meaning, cz: meaning, cs: meaning, HD: 'usual', z: meaning },
    });
    await eventually('the platform alarm is over', async () => {
      const { body } = await service.call<Alarm>('GET', `/alarms/${platform!.id}`);
      return ['cleared', 'returned'].includes(body.state);
    });
    const { warnings } = await send('gw-checks', [sample('checked', nowMs - 500, { value: 0.12, flag: 'HD' })]);
    expect(warnings).toBeUndefined();
    expect((await readings('checked')).at(-1)).toMatchObject({ value: 0.12, flag: 1, deviceFlag: 'HD' });
  });
});

describe('18 readings below detection and 6 of 0.12', () => {
  it('have a day mean of (18 × 0.01 + 6 × 0.12) / 24 where the dialect says what `L` means', async () => {
    await send('gw-below', dayOf('plain', { value: 0.02, flag: 'L' }));
    const { mean, min, max, count, valid } = await day('plain');
    expect(mean).toBeCloseTo(0.0375, 12);
    expect([min, max, count, valid]).toEqual([0.02, 0.12, 24, 24]);
    const closed = await eventually('the day has closed', async () => {
      const found = await day('plain');
      return found.provisional ? null : found;
    });
    expect(closed.mean).toBeCloseTo(0.0375, 12);
    expect(await alarmsOf('station=plain')).toEqual([]);
    const items = await readings('plain');
    expect(items[0]).toMatchObject({ value: 0.02, flag: 1, deviceFlag: 'L', censored: '<' });
    expect(items.slice(0, 18).every(({ flag, censored }) => flag === 1 && censored === '<')).toBe(true);
    expect(items.at(-1)).not.toHaveProperty('censored');
    const csv = await service.call('GET', `/series/plain/nh3n/readings?from=${iso(dayMs)}`, undefined, {
      authorization: 'Bearer administrator-of-a-test',
      accept: 'text/csv',
    });
    expect(String(csv.body).split('\n').slice(0, 2)).toEqual([
      'station,time,parameter,value,unit,flag,deviceFlag,censored',
      `plain,${iso(dayMs)},nh3n,0.02,mg/L,1,L,<`,
    ]);
  });

  it('a configured limit goes before the value sent, and needs no letter', async () => {
    await send('gw-below', dayOf('limited', { value: 0.013, flag: 'L' }));
    expect((await day('limited')).mean).toBeCloseTo((18 * 0.02 + 6 * 0.12) / 24, 12);
    await send('gw-below', [sample('limited', hourMs - HOUR_MS, 0.03), sample('limited', hourMs, 0.04)]);
    const items = await readings('limited');
    expect(items[0]).toMatchObject({ value: 0.04, flag: 1, deviceFlag: 'L', censored: '<' });
    expect(items.slice(-2).map(({ value, censored }) => [value, censored])).toEqual([
      [0.04, '<'],
      [0.04, undefined],
    ]);
    const { body } = await service.call<{ items: Item[] }>('GET', '/stations/limited/latest');
    expect(body.items[0]).toMatchObject({ value: 0.04 });
    expect(await alarmsOf('station=limited')).toEqual([]);
  });

  it('are suspect without a dialect, as ever', async () => {
    await send('gw-silent', dayOf('said-nothing', { value: 0.02, flag: 'L' }));
    expect(await day('said-nothing')).toMatchObject({ count: 24, valid: 6, min: 0.12 });
    expect((await readings('said-nothing'))[0]).toMatchObject({ value: 0.02, flag: 3, deviceFlag: 'L' });
  });

  it('a measured value after a limit of the same number is a correction, and so is the way back', async () => {
    const at = hourMs - 2 * HOUR_MS;
    await send('gw-below', [sample('other-limit', at, { value: 0.02, flag: 'L' })]);
    await send('gw-below', [sample('other-limit', at, { value: 0.02, flag: 'L' })]);
    await send('gw-below', [sample('other-limit', at, 0.02)]);
    await send('gw-below', [sample('other-limit', at, { value: 0.02, censored: '<' })]);
    const { body } = await service.call<{ items: Item[] }>('GET', `/series/other-limit/nh3n/history?time=${iso(at)}`);
    expect(body.items.map(({ value, censored }) => [value, censored])).toEqual([
      [0.02, '<'],
      [0.02, undefined],
      [0.02, '<'],
    ]);
  });

  it('an engineer corrects a limit to a value and flags one as a limit that stays one', async () => {
    const correct = (over: object) =>
      service.call('POST', '/corrections', {
        station: 'plain',
        parameter: 'nh3n',
        from: iso(dayMs),
        to: iso(dayMs + HOUR_MS),
        reason: 'test',
        ...over,
      });
    await correct({ action: 'flag', flag: 3 });
    expect((await readings('plain'))[0]).toMatchObject({ value: 0.02, flag: 3, censored: '<' });
    await correct({ action: 'set', value: 0.02 });
    expect((await readings('plain'))[0]).not.toHaveProperty('censored');
  });
});

describe('above the measuring range', () => {
  it('breaks an upper limit for sure, and is never silence where it can not', async () => {
    // The first leaps and is doubted for it, as any value would be; the next bears it out.
    for (const minutes of [3, 2, 1]) {
      await send('gw-below', [sample('other-limit', nowMs - minutes * MINUTE_MS, { value: 10, flag: '>' })]);
    }
    const rules = async () => (await alarmsOf('station=other-limit')).map(({ rule }) => rule).sort();
    await eventually('both alarms', async () => (await rules()).length === 2);
    expect(await rules()).toEqual(['class-target', 'sensor-quality']);
    expect((await readings('other-limit')).at(-1)).toMatchObject({ value: 10, censored: '>' });
  });
});
