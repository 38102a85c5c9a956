/** A service that was away for weeks, and one that is killed while it makes up for it: everything due is made, once. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '#api/reports/schemas/reports.ts';
import { openJournal } from '#journal/writer.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';
import { nameAt } from '#volume/calendar-names.ts';
import { duePeriods } from '#volume/due-periods.ts';

const ZONE = 'Asia/Shanghai';
const DAY_MS = 86_400_000;
const LATENESS_MS = 7_200_000;
/** So long ago that a month has ended since. */
const BEGUN_MS = Date.now() - 40 * DAY_MS;
const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'info', WK_TIME_ZONE: ZONE };
const METER = { parameter: 'register', kind: 'register', unit: 'm3', direction: 1, maxFlow: 60, maxGap: 'PT1H' };

interface Listed {
  period: string;
  state: string;
  by: string | null;
}
interface Audited {
  actor: string;
  command: { verb: string; noun?: string; id?: string };
}

const directory = makeTempDir();
let service: TestService;

/** The journal of a service that registered its meters and was never seen again. */
beforeAll(async () => {
  const clock = handClock(BEGUN_MS);
  const journal = openJournal({ path: join(directory.path, 'journal.db'), clock, maxBytes: 1 << 28, ackMaxDelayMs: 0 });
  await journal.start();
  for (const id of ['beijing', 'tianjin']) {
    const names = { zh: id, en: id };
    const station = { name: names, kind: 'offtake', waterBody: 'river', parameters: [{ id: 'register' }] };
    await journal.appendCommand('admin', { verb: 'put', noun: 'station', id, body: station });
    const meter = { ...METER, station: id, measures: 'delivery', recipient: id };
    await journal.appendCommand('admin', { verb: 'put', noun: 'meter', id, body: meter });
  }
  await journal.close();
});
afterAll(async () => {
  await service?.remove();
  directory.remove();
});

const listed = async () => (await service.call<{ items: Listed[] }>('GET', '/reports?limit=1000')).body.items;
const onRecord = async () => {
  const { body } = await service.call<{ items: Audited[] }>('GET', '/audit?limit=1000');
  return body.items.filter(({ command }) => command.noun === 'report' || command.noun === 'period');
};
const expected = () =>
  duePeriods({ sinceMs: BEGUN_MS, nowMs: Date.now(), allowedLatenessMs: LATENESS_MS, timeZone: ZONE }).map(
    ({ name }) => name,
  );

describe('after forty days away', () => {
  it('everything that is due is made by the system, once each, also by a service that is killed in between', async () => {
    service = await startTestService({ dataDir: directory.path, env: ENV });
    await eventually('the first reports', async () => (await onRecord()).length >= 3);
    await service.end('SIGKILL');
    service = await startTestService({ dataDir: directory.path, env: ENV });
    await eventually('all that is due', async () => (await listed()).every(({ state }) => state !== 'due'), 90_000);
    const made = await onRecord();
    expect(made.map(({ command }) => command.id!).sort()).toEqual(expected().sort());
    expect(new Set(made.map(({ actor }) => actor))).toEqual(new Set(['system']));
    const items = await listed();
    expect(items.map(({ period }) => period).sort()).toEqual(expected().sort());
    expect(items.filter(({ period }) => period.length === 7).map(({ state }) => state)).toContain('closed');
  });

  it('a kept day comes again by its own query, and shows what came in since', async () => {
    const day = nameAt('day', Date.now() - 5 * DAY_MS, ZONE);
    const noonMs = Date.parse(`${day}T12:00:00+08:00`);
    const samples = [0, 1].map((hour) => {
      const time = new Date(noonMs + hour * 3_600_000).toISOString();
      return { station: 'beijing', time, values: { register: 1000 + hour * 7.5 } };
    });
    expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
    const report = (await service.call<Report>('GET', `/reports/${day}`)).body;
    expect(report).toMatchObject({
      total: { cubicMetres: 7.5, unknownHours: 47 },
      closing: { kind: 'kept', by: 'system' },
    });
    expect(report.closing!.sinceLast).toEqual([
      {
        meter: null,
        recipient: 'beijing',
        measures: 'delivery',
        cubicMetres: 7.5,
        measured: 7.5,
        estimated: 0,
        unknownHours: -1,
      },
    ]);
    const then = (await service.call<Report>('GET', report.closing!.query.replace('/api/v1', ''))).body;
    expect(then.total).toMatchObject({ cubicMetres: 0, unknownHours: 48 });
  });
});
