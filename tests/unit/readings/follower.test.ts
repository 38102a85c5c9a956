/** The `readings` follower case by case: verdicts, versions, counts, dirty hours, corrections, pins, parking. */
import { describe, expect, it } from 'vitest';
import type { Entry } from '#model/entry.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { openPins } from '#readings/pins.ts';
import { openSeriesState } from '#readings/series-state.ts';
import { openVersions } from '#readings/versions.ts';
import { correction, FAULTS, journaled, MINUTE, message, readingsRig, T } from '#tests/helpers/readings/rig.ts';

const unsettled = { verdict: 'unsettled' } as const;
const values = (rows: readonly { value: number | null }[]) => rows.map(({ value }) => value);
const at = (minute: number) => T + minute * MINUTE;

describe('settling', () => {
  it('stores what is new and counts it for its source', async () => {
    const rig = readingsRig();
    await rig.apply([
      message(1, [journaled(1, 0, 7), journaled(2, 0, null)]),
      message(2, [journaled(1, 5, 8)], 'gw-2'),
    ]);
    expect(values(await rig.all())).toEqual([7, 8]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 2, duplicate: 0 });
    expect(await rig.queries.settledCounts({ source: 'gw-2' })).toEqual({ stored: 1, duplicate: 0 });
    expect(await rig.queries.settledCounts({ source: 'nobody' })).toEqual({ stored: 0, duplicate: 0 });
    expect(rig.follower().cursor()).toBe(2);
    await rig.close();
  });

  it('settles an old value from the store: new, duplicate or correction', async () => {
    const rig = readingsRig();
    await rig.apply([message(1, [journaled(1, 0, 7), journaled(1, 5, 8)])]);
    await rig.apply([
      message(2, [
        journaled(1, -60, 1, unsettled),
        journaled(1, 0, 7, { ...unsettled, flag: 3 }),
        journaled(1, 5, 9, unsettled),
      ]),
    ]);
    expect(await rig.all()).toMatchObject([
      { value: 1, flag: 1 },
      { value: 7, flag: 1 },
      { value: 9, flag: 1 },
    ]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 4, duplicate: 1 });
    await rig.close();
  });

  it('settles against what the same batch and the same message hold', async () => {
    const rig = readingsRig();
    await rig.apply([
      message(1, [journaled(1, 0, 1)]),
      message(2, [journaled(1, 0, 1, unsettled)]),
      message(3, [
        journaled(1, 0, 2, unsettled),
        journaled(1, 0, 2, unsettled),
        journaled(1, 0, 3, { verdict: 'correction' }),
      ]),
      message(4, [journaled(1, 9, 5, unsettled), journaled(1, 9, null, unsettled)]),
    ]);
    expect(values(await rig.all())).toEqual([3, null]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 5, duplicate: 2 });
    expect(values(await rig.queries.history({ series: 1, timeMs: T }))).toEqual([3, 2, 1]);
    await rig.close();
  });

  it("settles the door's correction again: a value that is there already is a duplicate", async () => {
    const rig = readingsRig();
    await rig.apply([message(1, [journaled(1, 0, 7)]), message(2, [journaled(1, 0, 7, { verdict: 'correction' })])]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 1, duplicate: 1 });
    expect((await rig.queries.history({ series: 1, timeMs: T })).length).toBe(1);
    await rig.close();
  });

  it('moves over ticks, starts and commands that are not about readings', async () => {
    const rig = readingsRig();
    await rig.apply([
      { kind: 'start', seq: 1, receivedMs: T, downSinceMs: null },
      { kind: 'tick', seq: 2, receivedMs: T },
      { kind: 'command', seq: 3, receivedMs: T, actor: 'li', command: { verb: 'delete', noun: 'rule', id: 'r' } },
    ]);
    expect(rig.follower().cursor()).toBe(3);
    rig.restart();
    expect(rig.follower().cursor()).toBe(3);
    await rig.close();
  });

  it('cuts a long batch into runs without losing the order', async () => {
    const rig = readingsRig();
    const entries = Array.from({ length: 6 }, (_, index) =>
      message(
        index + 1,
        Array.from({ length: 5000 }, (_, n) =>
          journaled(n % 50, Math.floor(n / 50), index, index === 0 ? {} : unsettled),
        ),
      ),
    );
    await rig.apply(entries);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 30_000, duplicate: 0 });
    expect(new Set(values(await rig.all(7)))).toEqual(new Set([5]));
    expect((await rig.queries.history({ series: 7, timeMs: T })).length).toBe(6);
    await rig.close();
  });

  it('keeps the newest reading of each series by event time', async () => {
    const rig = readingsRig();
    const state = openSeriesState(rig.derived);
    await rig.apply([message(1, [journaled(1, 5, 1), journaled(2, 0, 9)]), message(2, [journaled(1, 3, 2)])]);
    expect(state.all()).toEqual([
      { series: 1, timeMs: at(5), value: 1, flag: 1, deviceFlag: null },
      { series: 2, timeMs: at(0), value: 9, flag: 1, deviceFlag: null },
    ]);
    await rig.apply([message(3, [journaled(1, 5, 4, unsettled)])]);
    expect(state.of(1)).toMatchObject({ timeMs: at(5), value: 4 });
    expect(state.of(3)).toBeUndefined();
    await rig.close();
  });
});

describe('dirty hours', () => {
  it('are marked by everything stored and by nothing else', async () => {
    const rig = readingsRig();
    const hours = openDirtyHours(rig.derived);
    await rig.apply([message(1, [journaled(1, 0, 1), journaled(1, 61, 2)]), message(2, [journaled(2, 5, 2)])]);
    const mark = (series: number, hour: number, seq: number) => ({
      series,
      hourMs: at(60 * hour),
      firstSeq: seq,
      lastSeq: seq,
    });
    expect(hours.due(2, at(1000), 99)).toEqual([mark(1, 0, 2), mark(2, 0, 2), mark(1, 1, 2)]);
    for (const { series, hourMs } of hours.due(2, at(1000), 99)) hours.clear(series, hourMs, 2);
    await rig.apply([message(3, [journaled(1, 0, 1, unsettled), journaled(1, 61, 2, { verdict: 'duplicate' })])]);
    expect(hours.count()).toBe(0);
    await rig.apply([message(4, [journaled(1, 61, 3, { verdict: 'correction' })])]);
    expect(hours.due(4, at(1000), 99)).toEqual([mark(1, 1, 4)]);
    await rig.close();
  });

  it('are due once closed and written, and a later mark outlives clearing', () => {
    const rig = readingsRig();
    const hours = openDirtyHours(rig.derived);
    hours.mark(1, at(0), 5);
    hours.mark(1, at(0), 9);
    hours.mark(1, at(60), 5);
    expect(hours.due(4, at(1000), 9)).toEqual([]);
    expect(hours.due(5, at(60), 9)).toEqual([{ series: 1, hourMs: at(0), firstSeq: 5, lastSeq: 9 }]);
    expect(hours.due(5, at(1000), 1).length).toBe(1);
    hours.clear(1, at(0), 5);
    expect(hours.due(5, at(60), 9)).toEqual([]);
    expect(hours.due(9, at(60), 9)).toEqual([{ series: 1, hourMs: at(0), firstSeq: 6, lastSeq: 9 }]);
    hours.clear(1, at(0), 9);
    expect(hours.count()).toBe(1);
    rig.derived.close();
  });
});

describe('corrections by an engineer', () => {
  const start = [message(1, [journaled(1, 0, 7, { deviceFlag: 'N' }), journaled(1, 5, 8), journaled(1, 10, null)])];

  it('set a value: the old one becomes a version with who and why', async () => {
    const rig = readingsRig();
    await rig.apply([...start, correction(2, { action: 'set', value: 7.5, toMs: at(5) })]);
    expect(await rig.all()).toMatchObject([{ value: 7.5, flag: 2, deviceFlag: null }, { value: 8 }, { value: null }]);
    expect(await rig.queries.history({ series: 1, timeMs: T })).toEqual([
      {
        value: 7.5,
        flag: 2,
        deviceFlag: null,
        source: 'li',
        receivedMs: T + 2000,
        by: null,
        reason: null,
        supersededAtMs: null,
      },
      {
        value: 7,
        flag: 1,
        deviceFlag: 'N',
        source: 'gw-1',
        receivedMs: T + 1000,
        by: 'li',
        reason: 'probe fouled',
        supersededAtMs: T + 2000,
      },
    ]);
    expect(rig.reflagged).toEqual([{ series: 1, timeMs: T, value: 7.5, flag: 2, deviceFlag: null }]);
    // An engineer's values are not a gateway's: the ledger of gw-1 stays.
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 3, duplicate: 0 });
    expect(await rig.queries.settledCounts({ source: 'li' })).toEqual({ stored: 0, duplicate: 0 });
    await rig.close();
  });

  it('delete: a tombstone, and a backfill of the deleted value does not bring it back', async () => {
    const rig = readingsRig();
    await rig.apply([...start, correction(2, { action: 'delete' })]);
    expect(await rig.all()).toMatchObject([
      { value: null, flag: 9 },
      { value: null, flag: 9 },
      { value: null, flag: 9 },
    ]);
    expect(rig.reflagged.length).toBe(2);
    await rig.apply([message(3, [journaled(1, 0, 7, unsettled), journaled(1, 5, 8.5, unsettled)])]);
    expect(values(await rig.all())).toEqual([null, 8.5, null]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 4, duplicate: 1 });
    await rig.close();
  });

  it('twice over: the value first replaced still does not come back, one that a gateway replaced does', async () => {
    const rig = readingsRig();
    await rig.apply([
      message(1, [journaled(1, 0, 6)]),
      message(2, [journaled(1, 0, 7, { verdict: 'correction' })]),
      correction(3, { action: 'set', value: 5 }),
      correction(4, { action: 'set', value: 4 }),
      message(5, [journaled(1, 0, 7, unsettled), journaled(1, 0, 5, unsettled), journaled(1, 0, 4, unsettled)]),
    ]);
    expect(values(await rig.all())).toEqual([4]);
    await rig.apply([message(6, [journaled(1, 0, 6, unsettled)])]);
    expect(values(await rig.queries.history({ series: 1, timeMs: T }))).toEqual([6, 4, 5, 7, 6]);
    await rig.close();
  });

  it('flag: pins it, keeps the value, skips what has none; a new value drops the pin', async () => {
    const rig = readingsRig();
    const pins = openPins(rig.derived);
    await rig.apply([...start, correction(2, { action: 'flag', flag: 4 })]);
    expect(await rig.all()).toMatchObject([
      { value: 7, flag: 4, deviceFlag: 'N' },
      { value: 8, flag: 4 },
      { value: null, flag: 9 },
    ]);
    expect([...pins.flags(1, T, at(60))]).toEqual([
      [at(0), 4],
      [at(5), 4],
    ]);
    expect([...pins.flags(1, at(1), at(5))]).toEqual([]);
    await rig.apply([message(3, [journaled(1, 0, 7, unsettled), journaled(1, 5, 9, unsettled)])]);
    expect([...pins.flags(1, T, at(60)).keys()]).toEqual([at(0)]);
    expect(await rig.all()).toMatchObject([{ flag: 4 }, { value: 9, flag: 1 }, { flag: 9 }]);
    await rig.close();
  });

  it('pin a flag that is there already, and a set value with its flag; another set or a delete drops the pin', async () => {
    const rig = readingsRig();
    const pins = openPins(rig.derived);
    const pinned = () => [...pins.flags(1, T, at(60)).values()];
    await rig.apply([message(1, [journaled(1, 0, 7)]), correction(2, { action: 'flag', flag: 1 })]);
    expect(pinned()).toEqual([1]);
    expect((await rig.queries.history({ series: 1, timeMs: T })).length).toBe(1);
    await rig.apply([correction(3, { action: 'set', value: 6, flag: 3 })]);
    expect(pinned()).toEqual([3]);
    await rig.apply([correction(4, { action: 'set', value: 5 })]);
    expect(pinned()).toEqual([]);
    await rig.apply([correction(5, { action: 'flag', flag: 2 }), correction(6, { action: 'delete' })]);
    expect(pinned()).toEqual([]);
    await rig.close();
  });

  it('touch the range [from, to) of one series; an unknown series or an empty range changes nothing', async () => {
    const rig = readingsRig();
    await rig.apply([
      message(
        1,
        [0, 5, 10].map((minute) => journaled(1, minute, minute)),
      ),
      message(2, [journaled(2, 5, 5)]),
      correction(3, { action: 'delete', fromMs: at(5), toMs: at(10) }),
      correction(4, { action: 'delete', parameter: 'nothing' }),
      correction(5, { action: 'delete', fromMs: at(500), toMs: at(600) }),
    ]);
    expect(values(await rig.all())).toEqual([0, null, 10]);
    expect(values(await rig.all(2))).toEqual([5]);
    expect(rig.follower().cursor()).toBe(5);
    await rig.close();
  });

  it('are exact over pages of the store', async () => {
    const rig = readingsRig();
    const count = 25_000;
    await rig.apply([
      message(
        1,
        Array.from({ length: count }, (_, n) => journaled(1, n, n)),
      ),
    ]);
    await rig.apply([correction(2, { action: 'flag', flag: 3, toMs: at(count - 1) })]);
    expect((await rig.all()).filter(({ flag }) => flag === 3).length).toBe(count - 1);
    await rig.close();
  });

  it.each([
    { action: 'set' } as const,
    { action: 'set', value: Number.NaN } as const,
    { action: 'flag' } as const,
    { action: 'flag', flag: 9 } as const,
  ])('that say nothing definite are parked, not guessed: %o', async (change) => {
    const rig = readingsRig();
    await rig.apply(start);
    const entry = correction(2, change);
    await expect(rig.apply([entry])).rejects.toThrow(RangeError);
    rig.follower().skip(entry);
    expect(rig.follower().cursor()).toBe(2);
    expect(values(await rig.all())).toEqual([7, 8, null]);
    await rig.close();
  });
});

describe('crash and parking', () => {
  const entries: Entry[] = [
    message(1, [journaled(1, 0, 1), journaled(1, 5, 2)]),
    message(2, [
      journaled(1, 5, 2, { verdict: 'duplicate' }),
      journaled(1, 0, 3, unsettled),
      journaled(1, 10, 4, unsettled),
    ]),
    correction(3, { action: 'set', value: 9, fromMs: at(5), toMs: at(6) }),
    message(4, [journaled(1, 5, 2, unsettled), journaled(1, 10, 5, { verdict: 'correction' })]),
  ];

  it.each(FAULTS)('after dying at "%s" everything is settled once and written', async (fault) => {
    const rig = readingsRig();
    for (let tries = 0; tries < 3; tries++) {
      const rest = entries.filter(({ seq }) => seq > rig.follower().cursor());
      expect(await rig.applyFailing(rest, fault)).toBe(true);
      rig.restart();
    }
    await rig.apply(entries.filter(({ seq }) => seq > rig.follower().cursor()));
    expect(values(await rig.all())).toEqual([3, 9, 5]);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 5, duplicate: 2 });
    for (const [minute, expected] of [
      [0, [3, 1]],
      [5, [9, 2]],
      [10, [5, 4]],
    ] as const) {
      expect(values(await rig.queries.history({ series: 1, timeMs: at(minute) }))).toEqual(expected);
    }
    expect(rig.reflagged.length).toBeGreaterThanOrEqual(1);
    expect(rig.derived.prepare('SELECT count(*) AS n FROM unwritten').get()).toMatchObject({ n: 0 });
    await rig.close();
  });

  it('takes what is settled in smaller batches when the store comes back', async () => {
    const rig = readingsRig();
    expect(await rig.applyFailing(entries.slice(0, 2), 'before-write')).toBe(true);
    expect([rig.follower().cursor(), rig.follower().settled()]).toEqual([0, 2]);
    await rig.apply(entries.slice(0, 1));
    expect(rig.follower().cursor()).toBe(1);
    expect(values(await rig.all())).toEqual([1, 2]);
    await rig.apply(entries.slice(1));
    expect(rig.follower().cursor()).toBe(4);
    expect(values(await rig.all())).toEqual([3, 9, 5]);
    await rig.close();
  });

  it('says that a full disk under derived.db will pass, so that nothing is parked for it', async () => {
    const rig = readingsRig();
    rig.derived.exec('PRAGMA max_page_count = 1');
    const big = Array.from({ length: 300 }, (_, n) => message(n + 1, [journaled(n, 0, 1, unsettled)], `gateway-${n}`));
    await expect(rig.apply(big)).rejects.toMatchObject({ name: 'StoreError', retryable: true });
    rig.derived.exec('PRAGMA max_page_count = 1000000');
    await rig.apply(big);
    expect(rig.follower().cursor()).toBe(300);
    await rig.close();
  });

  it('a parked entry is pending again, whether it was settled or not', async () => {
    const rig = readingsRig();
    await rig.apply([message(1, [journaled(1, 0, 1)])]);
    const settledOnly = message(2, [journaled(1, 0, 2, unsettled), journaled(1, 5, 1), journaled(1, 0, 2, unsettled)]);
    await rig.applyFailing([settledOnly], 'before-write');
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 1, duplicate: 0 });
    // Until the store has the new value, history doesn't show the old one twice.
    expect(values(await rig.queries.history({ series: 1, timeMs: T }))).toEqual([1]);
    rig.follower().skip(settledOnly);
    expect(await rig.queries.settledCounts({ source: 'gw-1' })).toEqual({ stored: 1, duplicate: 0 });
    expect(openVersions(rig.derived).of(1, T)).toEqual([]);
    rig.follower().skip(message(3, [journaled(1, 9, 1)]));
    expect([rig.follower().cursor(), rig.follower().settled()]).toEqual([3, 3]);
    await rig.apply([message(4, [journaled(1, 20, 8)])]);
    expect(values(await rig.all())).toEqual([1, 8]);
    await rig.close();
  });

  it('writing again after a crash leaves the final flag of a duplicate alone', async () => {
    const rig = readingsRig();
    await rig.apply([message(1, [journaled(1, 0, 1)])]);
    await rig.store.write([{ series: 1, timeMs: T, value: 1, flag: 3, deviceFlag: null }]);
    const next = message(2, [
      journaled(1, 0, 1, unsettled),
      journaled(1, 0, 1, { verdict: 'duplicate' }),
      journaled(1, 5, 2),
    ]);
    await rig.applyFailing([next], 'after-write');
    rig.restart();
    await rig.apply([next]);
    expect(await rig.all()).toMatchObject([{ flag: 3 }, { value: 2 }]);
    await rig.close();
  });
});
