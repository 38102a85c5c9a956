/** Queries about readings: ranges, provisional hours, what was known when, and every version of a reading. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReadingQueries } from '#readings/answers.ts';
import type { ReadingRow } from '#readings/queries.ts';
import { newestReadings } from '#readings/series-state.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { openVersions } from '#readings/versions.ts';
import { openReadOnly, transaction } from '#src/sqlite.ts';
import { correction, journaled, MINUTE, message, readingsRig, T } from '#tests/helpers/readings/rig.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const HOUR = 60 * MINUTE;
const values = (rows: readonly ReadingRow[]) => rows.map(({ value }) => value);
/** When entry `seq` of the rig was received. */
const received = (seq: number) => T + seq * 1000;

describe('readings', () => {
  it('are a half-open range, ascending, with a limit', async () => {
    const rig = readingsRig();
    await rig.apply([
      message(
        1,
        [2, 0, 1, 3].map((minute) => journaled(1, minute, minute)),
      ),
    ]);
    const ask = (from: number, to: number, limit = 9, asOfMs: number | null = null) =>
      rig.queries
        .readings({ series: 1, fromMs: T + from * MINUTE, toMs: T + to * MINUTE, limit, asOfMs })
        .then((rows) => values(rows));
    expect(await ask(1, 3)).toEqual([1, 2]);
    expect(await ask(0, 9, 2)).toEqual([0, 1]);
    expect(await ask(0, 9, 2, received(1))).toEqual([0, 1]);
    expect(await ask(3, 3)).toEqual([]);
    await rig.close();
  });

  it('say provisional until their hour has closed, seen from the time that is asked about', async () => {
    const rig = readingsRig();
    // The rig's books stand at T + 6 h, hours close 2 h after their end.
    await rig.apply([
      message(
        1,
        [0, 239, 240, 300].map((minute) => journaled(1, minute, 1)),
      ),
    ]);
    const flags = async (asOfMs: number | null) => (await rig.asOf(1, asOfMs)).map(({ provisional }) => provisional);
    expect(await flags(null)).toEqual([false, false, true, true]);
    expect(await flags(T + 3 * HOUR)).toEqual([false, true, true, true]);
    expect(await flags(T + 3 * HOUR - 1)).toEqual([true, true, true, true]);
    expect(await flags(T + 1000 * HOUR)).toEqual([false, false, true, true]);
    await rig.close();
  });

  it('as of a time leave out what came later and fill the page from what is left', async () => {
    const rig = readingsRig();
    const late = Array.from({ length: 40 }, (_, n) => journaled(1, 2 * n + 1, -1, { verdict: 'unsettled' }));
    await rig.apply([
      message(
        1,
        Array.from({ length: 41 }, (_, n) => journaled(1, 2 * n, n)),
      ),
      message(2, late),
      correction(3, { action: 'delete', fromMs: T, toMs: T + 2 * MINUTE }),
    ]);
    const page = { series: 1, fromMs: T, toMs: T + HOUR, limit: 10 };
    expect(values(await rig.queries.readings({ ...page, asOfMs: received(1) }))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(values(await rig.queries.readings({ ...page, asOfMs: received(2) })).slice(0, 3)).toEqual([0, -1, 1]);
    expect(values(await rig.queries.readings({ ...page, asOfMs: received(3) })).slice(0, 3)).toEqual([null, null, 1]);
    expect(values(await rig.queries.readings({ ...page, asOfMs: received(0) }))).toEqual([]);
    await rig.close();
  });

  it('that came past the journal have always been known', async () => {
    const rig = readingsRig();
    await rig.store.write([{ series: 1, timeMs: T, value: 1, flag: 1, deviceFlag: null }]);
    expect(values(await rig.asOf(1, 0))).toEqual([1]);
    await rig.apply([message(1, [journaled(1, 0, 2, { verdict: 'unsettled' })])]);
    expect(values(await rig.asOf(1, received(0)))).toEqual([1]);
    expect(values(await rig.asOf(1, received(1)))).toEqual([2]);
    expect(await rig.queries.history({ series: 1, timeMs: T })).toMatchObject([
      { value: 2, source: 'gw-1', receivedMs: received(1) },
      { value: 1, source: 'unknown', receivedMs: null, by: 'gw-1' },
    ]);
    await rig.close();
  });
});

describe('history', () => {
  it('of a reading that never was is empty', async () => {
    const rig = readingsRig();
    expect(await rig.queries.history({ series: 1, timeMs: T })).toEqual([]);
    await rig.close();
  });

  it('names source and arrival of every value, newest first, a final flag among them', async () => {
    const rig = readingsRig();
    await rig.apply([
      message(1, [journaled(1, 0, 7)], 'gw-1'),
      message(2, [journaled(1, 0, 8, { verdict: 'unsettled', deviceFlag: 'T', flag: 3 })], 'user:wang'),
    ]);
    const [before] = await rig.store.traced(1, T, T + 1, 1);
    transaction(rig.derived, () =>
      openVersions(rig.derived).keep({
        ...before!,
        series: 1,
        cause: 'quality',
        by: 'quality',
        reason: null,
        supersededAtMs: received(9),
        supersededSeq: 2,
      }),
    );
    await rig.store.write([{ series: 1, timeMs: T, value: 8, flag: 4, deviceFlag: 'T' }]);
    const story = (await rig.queries.history({ series: 1, timeMs: T })).map(
      ({ value, flag, source, receivedMs, by, supersededAtMs }) => [
        value,
        flag,
        source,
        receivedMs,
        by,
        supersededAtMs,
      ],
    );
    expect(story).toEqual([
      [8, 4, 'user:wang', received(2), null, null],
      [8, 3, 'user:wang', received(2), 'quality', received(9)],
      [7, 1, 'gw-1', received(1), 'user:wang', received(2)],
    ]);
    const flagAsOf = async (asOfMs: number) => (await rig.asOf(1, asOfMs)).map(({ flag }) => flag);
    expect(await flagAsOf(received(1))).toEqual([1]);
    expect(await flagAsOf(received(2))).toEqual([3]);
    expect(await flagAsOf(received(9))).toEqual([4]);
    // The final flag changed no value: the gateway may send its value again, and it still is a duplicate.
    await rig.apply([message(3, [journaled(1, 0, 8, { verdict: 'unsettled' })])]);
    expect(await flagAsOf(received(10))).toEqual([4]);
    await rig.close();
  });
});

describe('over files', () => {
  it('run on read-only connections beside the writer', async () => {
    const directory = tempDir();
    const derivedPath = join(directory, 'derived.db');
    const readingsPath = join(directory, 'readings.db');
    expect(newestReadings(derivedPath)).toEqual(new Map());
    const rig = readingsRig(new SqliteReadings(readingsPath), derivedPath);
    await rig.apply([message(1, [journaled(1, 0, 7), journaled(1, 5, 8), journaled(2, 5, null)])]);
    const derived = openReadOnly(derivedPath);
    const store = new SqliteReadings(readingsPath, { readOnly: true });
    const queries = createReadingQueries({ derived, store, booksClockMs: () => T, allowedLatenessMs: HOUR });
    await rig.apply([message(2, [journaled(1, 0, 9, { verdict: 'unsettled' })])]);
    expect((await queries.history({ series: 1, timeMs: T })).map(({ value }) => value)).toEqual([9, 7]);
    expect(await queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 4, duplicate: 0 });
    expect(
      values(await queries.readings({ series: 1, fromMs: 0, toMs: T + HOUR, limit: 9, asOfMs: received(1) })),
    ).toEqual([7, 8]);
    expect(newestReadings(derivedPath)).toEqual(
      new Map([
        [1, { timeMs: T + 5 * MINUTE, value: 8, flag: 1, deviceFlag: null }],
        [2, { timeMs: T + 5 * MINUTE, value: null, flag: 9, deviceFlag: null }],
      ]),
    );
    derived.close();
    await store.close();
    await rig.close();
  });
});
