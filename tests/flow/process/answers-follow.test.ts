/** No question freezes the answers after it: volumes in more than 400 buckets that end inside a meter's data, then new readings. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
const DAYS = 40;
/** 1 January 2025, 00:00 in Shanghai. */
const T0 = Date.UTC(2024, 11, 31, 16);
const at = (hour: number) => new Date(T0 + hour * HOUR).toISOString();
const range = (from: number, to: number) => `from=${at(from)}&to=${at(to)}`;
let service: TestService;

interface Closed {
  closings: { meters: { meter: string }[] }[];
}

async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const answer = await service.call<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}
/** 1 m³/s on the face of the register, 3,600 m³ an hour. */
const send = (from: number, hours: number, station = 'offtake') =>
  call(
    'POST',
    '/readings',
    {
      samples: Array.from({ length: hours }, (_, n) => ({
        station,
        time: at(from + n),
        values: { register: (from + n) * 3600 },
      })),
    },
    202,
  );
const countOf = async (from: number, to: number) => {
  const path = `/trends?station=offtake&parameter=register&${range(from, to)}&interval=P1D`;
  const { items } = await call<{ items: { count: number }[] }>('GET', path);
  return items.reduce((sum, { count }) => sum + count, 0);
};
/** The question that left its iterator open. */
const hourly = () => call<{ items: unknown[] }>('GET', `/volumes?meter=m&${range(0, 25 * 24)}&by=hour`);

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_CLOSINGS: 'manual' } });
  const station = {
    name: { zh: '分水口', en: 'Offtake' },
    kind: 'offtake',
    waterBody: 'river',
    area: 'north',
    parameters: [
      { id: 'register', interval: 'PT1H' },
      { id: 'turbidity', interval: 'PT1H' },
    ],
  };
  for (const id of ['offtake', 'later']) await call('PUT', `/stations/${id}`, station, 201);
  const meter = { parameter: 'register', kind: 'register', unit: 'm3', maxFlow: 60, maxGap: 'PT2H' };
  const counted = { measures: 'delivery', recipient: 'beijing', direction: 1 };
  await call('PUT', '/meters/m', { ...meter, ...counted, station: 'offtake' }, 201);
  await call('PUT', '/meters/later', { ...meter, ...counted, station: 'later' }, 201);
  const rule = { kind: 'threshold', select: { stations: ['offtake'] }, parameters: ['turbidity'], op: '<=', limit: 30 };
  await call('PUT', '/rules/murky', { ...rule, severity: 'minor', enabled: true }, 201);
  await send(0, DAYS * 24);
});
afterAll(async () => {
  await service.end();
  await service.remove();
});

describe('after a question for more than 400 buckets that ends inside the data', () => {
  const wal = () => statSync(join(service.dataDir, 'derived.db-wal')).size;

  it('trends count new readings at once, and the next hours are volumes at once', async () => {
    expect((await hourly()).items).toHaveLength(600);
    const day = DAYS * 24;
    expect(await countOf(day - 24, day + 24)).toBe(24);
    await send(day, 24);
    expect(await countOf(day - 24, day + 24)).toBe(48);
    const { total } = await call<{ total: object }>('GET', `/volumes?meter=m&${range(day, day + 23)}&by=total`);
    expect(total).toMatchObject({ cubicMetres: 23 * 3600, unknownHours: 0 });
  });

  it('a new alarm can be opened and acknowledged at once', async () => {
    await hourly();
    const time = new Date(Date.now() - 60_000).toISOString();
    await call('POST', '/readings', { samples: [{ station: 'offtake', time, values: { turbidity: 99 } }] }, 202);
    const { items } = await call<{ items: { id: string; state: string }[] }>('GET', '/alarms?rule=murky');
    expect(items).toMatchObject([{ state: 'raised' }]);
    const path = `/alarms/${items[0]!.id}`;
    expect(await call('GET', path)).toMatchObject({ state: 'raised' });
    await call('POST', `${path}/acknowledge`, {});
    expect(await call('GET', path)).toMatchObject({ state: 'acknowledged' });
  });

  it('the WAL of derived.db is reset, however much is written', async () => {
    const hours = 24;
    let next = (DAYS + 1) * 24;
    const write = async (days: number) => {
      for (let n = 0; n < days; n++) {
        await hourly();
        await send(next, hours);
        next += hours;
      }
    };
    // 1,000 pages of 4 KiB are where SQLite checkpoints by itself; a reader that stays would let it grow for ever.
    await write(60);
    const grown = wal();
    await write(60);
    expect(wal()).toBeLessThan(Math.max(grown, 1000 * 4120) * 1.5);
  }, 120_000);

  it('a month is closed with the water that ran since: 2,678,400 m³, none of its 744 hours unknown', async () => {
    await hourly();
    // March 2025, read on every full hour from its first to the first of April.
    const march = (31 + 28) * 24;
    await send(march, 31 * 24 + 1, 'later');
    const closed = await eventually('March is closed', async () => {
      const answer = await service.call<Closed>('POST', '/periods/2025-03/close', {});
      if (answer.status === 201) return answer.body;
      expect(answer.status, JSON.stringify(answer.body)).toBe(409);
      return null;
    });
    const { meters } = closed.closings[0]!;
    expect(meters.find(({ meter }) => meter === 'later')).toMatchObject({
      cubicMetres: 2_678_400,
      measured: 2_678_400,
      unknownHours: 0,
    });
  });
});
