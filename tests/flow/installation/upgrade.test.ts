/** An installation of an older program under this one: books counted anew through a kill, closed periods that stay, and why. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import { journalMigrations } from '#journal/tables.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import { openDatabase } from '#src/sqlite.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
/** 1 January 2025, 00:00 in Shanghai. */
const T0 = Date.UTC(2024, 11, 31, 16);
const at = (hour: number) => new Date(T0 + hour * HOUR).toISOString();
const METERS = ['by-rules', 'by-readings', 'by-both', 'as-ever'];
const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'info', WK_CLOSINGS: 'manual' };
const YEAR = 8760;
let service: TestService;

interface Amount {
  cubicMetres: number;
  unknownHours: number;
}
interface Period {
  rules: number;
  closings: { rules: number; sha256: string; meters: ({ meter: string } & Amount)[] }[];
  sinceLast: ({ meter: string; cause: string } & Amount)[];
}
interface Readiness {
  recounting: { fromRules: number; toRules: number; total: number; done: number } | null;
}

async function call<T>(method: string, path: string, body?: unknown, status = 200): Promise<T> {
  const answer = await service.call<T>(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}
const readiness = async () => (await (await fetch(`${service.url}/readyz`)).json()) as Readiness;
const yearOf = async (meter: string) => {
  const path = `/volumes?meter=${meter}&from=${at(0)}&to=${at(YEAR)}&by=total`;
  return (await call<{ total: Amount }>('GET', path)).total;
};
const january = () => call<Period>('GET', '/periods/2025-01');

/** A year of full hours, 3,600 m³ each. */
async function fill(): Promise<void> {
  const station = { kind: 'offtake', waterBody: 'river', area: 'north', parameters: [{ id: 'register' }] };
  const meter = { parameter: 'register', kind: 'register', unit: 'm3', maxFlow: 60, maxGap: 'PT2H' };
  for (const id of METERS) {
    await call('PUT', `/stations/${id}`, { ...station, name: { zh: id, en: id } }, 201);
    await call('PUT', `/meters/${id}`, { ...meter, station: id, measures: 'delivery', recipient: id }, 201);
    for (let hour = 0; hour <= YEAR; hour += 2000) {
      const samples = Array.from({ length: Math.min(2000, YEAR + 1 - hour) }, (_, n) => ({
        station: id,
        time: at(hour + n),
        values: { register: (hour + n) * 3600 },
      }));
      await call('POST', '/readings', { samples }, 202);
    }
  }
}

/** What an older program would have left: books and a signed month that lack a tenth of a meter, and no number of rules. */
function age(dataDir: string): void {
  const derived = openDerived(join(dataDir, 'derived.db'));
  derived.exec(`UPDATE bookState SET rules = 1;
    UPDATE volumeHour SET measuredLitres = measuredLitres / 2;
    UPDATE volumeDay SET measuredLitres = measuredLitres / 2`);
  derived.close();
  const journal = openDatabase(join(dataDir, 'journal.db'), journalMigrations);
  const { body } = journal.prepare("SELECT body FROM control WHERE noun = 'period'").get() as { body: string };
  const period = JSON.parse(body) as {
    closings: { rules?: number; meters: { meter: string; measuredLitres: number }[] }[];
  };
  delete period.closings[0]!.rules;
  for (const one of period.closings[0]!.meters) {
    if (one.meter === 'by-rules' || one.meter === 'by-both') one.measuredLitres -= 267_840_000;
  }
  journal.prepare("UPDATE control SET body = ? WHERE noun = 'period'").run(JSON.stringify(period));
  journal.close();
}

beforeAll(async () => {
  service = await startTestService({ env: ENV });
  await fill();
  await eventually('January is closed', async () => {
    const { status } = await service.call('POST', '/periods/2025-01/close', {});
    return status === 201 || null;
  });
  await service.end();
  age(service.dataDir);
});
afterAll(async () => {
  await service.end();
  await service.remove();
});

describe('after an upgrade', () => {
  it('the books are counted anew, through a kill in the middle, while readings are taken', async () => {
    service = await startTestService({ dataDir: service.dataDir, env: ENV });
    await eventually('it has begun', () => service.output().includes('recount.begun') || null);
    await service.end('SIGKILL');
    service = await startTestService({ dataDir: service.dataDir, env: ENV });
    await call(
      'POST',
      '/readings',
      { samples: [{ station: 'as-ever', time: at(YEAR + 1), values: { register: (YEAR + 1) * 3600 } }] },
      202,
    );
    await eventually('it is done', async () => (await readiness()).recounting === null || null);
    for (const meter of METERS) {
      expect(await yearOf(meter)).toMatchObject({ cubicMetres: YEAR * 3600, unknownHours: 0 });
    }
    expect(service.output()).toContain('recount.done');
  });

  it('a closed month keeps its figures and says by which rules, and that only the rules have changed since', async () => {
    const { rules, closings, sinceLast } = await january();
    expect([rules, closings.map((closing) => closing.rules)]).toEqual([COUNTING_RULES, [1]]);
    const signed = closings[0]!.meters.find(({ meter }) => meter === 'by-rules')!;
    expect(signed.cubicMetres).toBe(2_678_400 * 0.9);
    expect(sinceLast).toMatchObject([
      { meter: 'by-both', cubicMetres: 267_840, cause: 'rules' },
      { meter: 'by-rules', cubicMetres: 267_840, cause: 'rules' },
    ]);
  });

  it('what is corrected since is told apart from what other rules count otherwise', async () => {
    for (const station of ['by-readings', 'by-both']) {
      const where = { station, parameter: 'register', from: at(0), to: at(1) };
      await call('POST', '/corrections', { ...where, action: 'set', value: 600, reason: 'misread' }, 202);
    }
    const { sinceLast } = await january();
    expect(sinceLast).toMatchObject([
      { meter: 'by-both', cubicMetres: 267_240, cause: 'both' },
      { meter: 'by-readings', cubicMetres: -600, cause: 'readings' },
      { meter: 'by-rules', cubicMetres: 267_840, cause: 'rules' },
    ]);
  });

  it('is restated by a person alone, and then by the rules of now', async () => {
    const before = await january();
    const { closings, sinceLast } = await call<Period>('POST', '/periods/2025-01/restate', { reason: 'rules 2' }, 201);
    expect(closings.map(({ rules }) => rules)).toEqual([1, COUNTING_RULES]);
    expect(closings[0]).toEqual(before.closings[0]);
    expect(sinceLast).toEqual([]);
    expect(closings[1]!.meters.map(({ meter, cubicMetres }) => [meter, cubicMetres])).toEqual([
      ['as-ever', 2_678_400],
      ['by-both', 2_677_800],
      ['by-readings', 2_677_800],
      ['by-rules', 2_678_400],
    ]);
  });
});
