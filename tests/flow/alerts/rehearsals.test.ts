/** Rehearsals in their threads: over the files of a data directory, one at a time, ended at once when told to. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Rehearsal } from '#alerts/looking-back/rehearse.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import { openDerived } from '#installation/derived.ts';
import { openJournal } from '#journal/writer.ts';
import type { Config } from '#model/config.ts';
import { rule, station } from '#model/register.ts';
import { createRehearsals } from '#process/rehearsals.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { loadReference } from '#seeds/reference.ts';
import { anAlarm, NOW_MS } from '#tests/helpers/api.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';
import { message, reading } from '#tests/helpers/journal/fixture.ts';
import { startTestService } from '#tests/helpers/service.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const MINUTE = 60_000;
const REHEARSAL = {
  rule: rule.parse({ kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 0.5, severity: 'minor' }),
  replaces: 'ammonia',
  fromMs: NOW_MS - 600 * MINUTE,
  toMs: NOW_MS,
} as Rehearsal;

const BREACHES = [0.1, 0.6, 0.1, 0.9, 0.1].map((value, n) => ({ timeMs: NOW_MS - (100 - n) * MINUTE, value }));

/** A data directory with one station, these readings, and an alarm that the rule `ammonia` raised. */
async function dataDirectory(stored: { timeMs: number; value: number }[] = BREACHES): Promise<string> {
  const path = tempDir();
  const journal = openJournal({
    path: join(path, 'journal.db'),
    clock: handClock(NOW_MS),
    maxBytes: 1 << 28,
    ackMaxDelayMs: 0,
  });
  const body = station.parse({
    name: { zh: '站', en: 'Station' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'nh3n', interval: 'PT5M' }],
  });
  await journal.appendCommand('test', { verb: 'put', noun: 'station', id: 'weir', body });
  const { series } = journal.seriesFor('weir', 'nh3n');
  // Only a message makes a series durable.
  await journal.appendMessage(message({ readings: [reading({ series: series.id })] }));
  await journal.close();
  const derived = openDerived(join(path, 'derived.db'));
  const atMs = NOW_MS - 97 * MINUTE;
  const times = { breachStartMs: atMs, raisedAtMs: atMs, clearedAtMs: atMs + MINUTE };
  openAlertStore(derived).put(anAlarm({ rule: 'ammonia', station: 'weir', ...times }), atMs);
  derived.close();
  const store = new SqliteReadings(join(path, 'readings.db'));
  await store.write(stored.map((one) => ({ ...one, series: series.id, flag: 1, deviceFlag: null })));
  await store.close();
  return path;
}

async function opened() {
  const config = { dataDir: await dataDirectory(), allowedLatenessMs: 7_200_000, influx: null } as unknown as Config;
  const rehearsals = createRehearsals(config, loadReference());
  onTestFinished(() => rehearsals.close());
  return rehearsals;
}

const never = new AbortController().signal;

describe('a rehearsal', () => {
  it('reads what is stored, and what the present rule raised', async () => {
    const rehearsals = await opened();
    const outcome = await rehearsals.run(REHEARSAL, never);
    expect(outcome).toMatchObject({ readings: 5, series: 1, count: 2, comparison: { present: 1, addedCount: 1 } });
    expect(outcome.alarms.map(({ value }) => value)).toEqual([0.9, 0.6]);
    expect(outcome.comparison!.missed).toEqual([]);
  });

  it('runs alone, and is over at once when it is told to end', async () => {
    const rehearsals = await opened();
    const ending = new AbortController();
    const first = rehearsals.run(REHEARSAL, ending.signal);
    const overloaded = { code: 'overloaded', retryable: true };
    await expect(rehearsals.run(REHEARSAL, never)).rejects.toMatchObject(overloaded);
    ending.abort();
    await expect(first).rejects.toMatchObject(overloaded);
    expect((await rehearsals.run(REHEARSAL, never)).count).toBe(2);
    const last = rehearsals.run(REHEARSAL, never);
    last.catch(() => {});
    await rehearsals.close();
    await expect(last).rejects.toMatchObject(overloaded);
    await expect(rehearsals.run(REHEARSAL, never)).rejects.toMatchObject(overloaded);
  });

  it('passes on why the store can not be read', async () => {
    const config = { dataDir: tempDir(), allowedLatenessMs: 0, influx: null } as unknown as Config;
    const rehearsals = createRehearsals(config, loadReference());
    await expect(rehearsals.run(REHEARSAL, never)).rejects.toThrow(/unable to open|no such file|journal/i);
  });
});

it('holds up neither other requests nor the end of the service', async () => {
  // A slope over as many readings as a window takes, again and again: it takes far longer than this test.
  const many = Array.from({ length: 150_000 }, (_, n) => ({ timeMs: NOW_MS - n * 10_000, value: n % 7 }));
  const service = await startTestService({ dataDir: await dataDirectory(many), env: { WK_SEEDS: 'none' } });
  const body = {
    rule: { kind: 'rate', parameters: ['nh3n'], limit: 1000, over: 'PT24H', severity: 'minor' },
    from: new Date(NOW_MS - 30 * 24 * 60 * MINUTE).toISOString(),
    to: new Date(NOW_MS).toISOString(),
  };
  const ask = () => service.call<{ code: string }>('POST', '/rules/rehearse', body);
  const both = [ask(), ask()];
  // One of them runs, whichever came first.
  expect(await Promise.race(both)).toMatchObject({ status: 503, body: { code: 'overloaded' } });
  expect((await service.call('GET', '/alarms')).status).toBe(200);
  const begunMs = performance.now();
  expect(await service.end()).toEqual({ code: 0, signal: null });
  expect(performance.now() - begunMs).toBeLessThan(10_000);
  await Promise.allSettled(both);
});
