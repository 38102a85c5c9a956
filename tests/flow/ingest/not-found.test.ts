/** What a laboratory or a logger didn't find, from outside: JSON, rows of readings, and files of loggers mean the same by it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR_MS = 3_600_000;
const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 48 * HOUR_MS;
const iso = (hour: number) => new Date(hourMs + hour * HOUR_MS).toISOString();
const BELOW = { value: 0.025, censored: '<' };

interface Receipt {
  accepted: number;
  quarantined: { code: string; message: string; quarantineId: string }[];
}

let service: TestService;
const body = (parameters: object[]) => ({
  name: { zh: '断面', en: 'Section' },
  kind: 'river-section',
  waterBody: 'river',
  parameters,
});
const readings = async (parameter: string) => {
  const { items } = (
    await service.call<{ items: { value: number; censored?: string; flag: number }[] }>(
      'GET',
      `/series/s/${parameter}/readings?from=${iso(0)}&to=${iso(40)}`,
    )
  ).body;
  return items;
};
const csv = (path: string, text: string) =>
  service.call<Receipt>('POST', path, text, { authorization: `Bearer ${ADMIN}`, 'content-type': 'text/csv' });

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  await service.call('PUT', '/stations/s', body([{ id: 'nh3n', detectionLimit: 0.025 }, { id: 'tp' }]));
});
afterAll(async () => {
  await service.end();
  await service.remove();
});

describe('what was not found', () => {
  it('is below the limit that is written or known, in JSON and in rows', async () => {
    const sent = ['ND', '未检出', '<0.025', '＜0.025', '0.025L'];
    const samples = sent.map((nh3n, hour) => ({ station: 's', time: iso(hour), values: { nh3n } }));
    const { status, body: receipt } = await service.call<Receipt>('POST', '/readings', { samples });
    expect([status, receipt]).toMatchObject([202, { accepted: 5, quarantined: [] }]);
    const rows = sent.map((value, hour) => `s,${iso(hour + 5)},nh3n,${value},mg/L`);
    expect((await csv('/readings', ['station,time,parameter,value,unit', ...rows].join('\n'))).body).toMatchObject({
      accepted: 5,
      quarantined: [],
    });
    const found = await eventually('ten readings', async () => {
      const items = await readings('nh3n');
      return items.length === 10 ? items : null;
    });
    expect(found.every(({ value, censored }) => value === BELOW.value && censored === BELOW.censored)).toBe(true);
  });

  it('is the same in the table of a logger, also with decimal commas and in another unit', async () => {
    const names = 'map=nh3n%3Dnh3n,tp%3Dtp&station=s&tz=UTC';
    const table = ['time;nh3n;tp', `${iso(20)};0,031;0,05`, `${iso(21)};未检出;<0,01`, `${iso(22)};0,025L;0,06`];
    const { body: answer } = await csv(`/import?id=table&${names}`, table.join('\n'));
    expect(answer).toMatchObject({ accepted: 6, quarantined: 0 });
    const found = await eventually('three readings', async () => {
      const items = (await readings('nh3n')).slice(-3);
      return items.length === 3 && items[0]!.value === 0.031 ? items : null;
    });
    expect(found).toMatchObject([{ value: 0.031 }, BELOW, BELOW]);
    expect(await readings('tp')).toMatchObject([{ value: 0.05 }, { value: 0.01, censored: '<' }, { value: 0.06 }]);
  });

  it('waits in quarantine where nobody knows below what, with the remedy, and is taken once it is known', async () => {
    const sample = { station: 's', time: iso(30), values: { tp: 'ND' } };
    const { body: receipt } = await service.call<Receipt>('POST', '/readings', { samples: [sample] });
    expect(receipt).toMatchObject({ accepted: 0, quarantined: [{ code: 'value.not-a-number' }] });
    const [{ message, quarantineId }] = receipt.quarantined as [Receipt['quarantined'][number]];
    expect(message).toContain('set the detectionLimit of tp at the station');
    const limits = [
      { id: 'nh3n', detectionLimit: 0.025 },
      { id: 'tp', detectionLimit: 0.01 },
    ];
    await service.call('PUT', '/stations/s', body(limits));
    expect((await service.call('POST', `/quarantine/${quarantineId}/replay`, {})).status).toBeLessThan(300);
    const found = await eventually('the reading', async () => (await readings('tp'))[3] ?? null);
    expect(found).toMatchObject({ value: 0.01, censored: '<' });
  });
});
