import { describe, expect, it } from 'vitest';
import { PLATFORM_CONDITIONS, type PlatformCondition } from '#model/alarms/platform.ts';
import { platformDetail } from '#model/alarms/platform-says.ts';
import { judgePlatform, type PlatformSample, type PlatformVerdict } from '#platform/conditions.ts';
import { NO_DAMAGE } from '#process/seen-damage.ts';

const T0 = Date.UTC(2026, 10, 22);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const WELL: PlatformSample = {
  nowMs: T0,
  monotonicMs: 0,
  receivedNowMs: T0,
  journal: { usedShare: 0.1, commits: 10, failedCommits: 0, failure: null },
  quarantineDropped: 0,
  lagSeconds: { readings: 0, books: 0, alerts: 0 },
  parked: 0,
  recount: null,
  store: null,
  broker: null,
  canary: null,
  dotted: [],
  isAnybodyTold: true,
  typeConflict: null,
  damage: NO_DAMAGE,
  crowded: null,
  holes: null,
};

/** Judges samples so many milliseconds after the start; what isn't said is well. */
function createRig() {
  let verdict: PlatformVerdict | null = null;
  let sample = WELL;
  return {
    at(ms: number, rest: Partial<PlatformSample> = {}) {
      const nowMs = rest.nowMs ?? T0 + ms;
      sample = { ...WELL, receivedNowMs: nowMs, ...rest, nowMs, monotonicMs: ms };
      verdict = judgePlatform(sample, verdict);
      return {
        /** As it is seen, in English. */
        of(condition: PlatformCondition) {
          const seen = verdict!.conditions.get(condition);
          return seen && { sinceMs: seen.sinceMs, detail: seen.detail };
        },
        said: (condition: PlatformCondition) => verdict!.conditions.get(condition)?.said,
        standing: [...verdict.conditions].filter(([, seen]) => seen).map(([condition]) => condition),
      };
    },
  };
}

const journal = (rest: Partial<PlatformSample['journal']>) => ({ journal: { ...WELL.journal, ...rest } });

describe('the first sample', () => {
  it('of a sound platform says of each condition that it is not there, but for what only time shows', () => {
    const { of, standing } = createRig().at(0);
    expect(standing).toEqual([]);
    // Letters are the door's to see, losses the start's.
    const silent: PlatformCondition[] = [
      'quarantine.full',
      'readings.type-conflict',
      'books.damaged',
      'readings.damaged',
      'access.crowded',
      'broker.session-lost',
      'broker.messages-dropped',
      'device.contested',
      'followers.restarting',
      'reads.stale',
      'journal.lost',
      'journal.damaged',
      'readings.lost',
      'derived.lost',
      'letters.unexplained',
    ];
    const unsaid = (Object.keys(PLATFORM_CONDITIONS) as PlatformCondition[]).filter(
      (condition) => of(condition) === undefined,
    );
    expect(unsaid.sort()).toEqual(silent.sort());
  });

  it('says nothing about parts that have not been heard yet', () => {
    const lagSeconds = { readings: null, books: null, alerts: null };
    const { of } = createRig().at(0, { lagSeconds, parked: null, store: undefined, broker: undefined });
    for (const condition of ['follower.behind', 'follower.parked', 'store.unreachable', 'broker.unreachable'] as const)
      expect(of(condition)).toBeUndefined();
  });
});

describe('journal.filling', () => {
  it('begins at 70 %, ends below 60 %, and keeps when it began', () => {
    const rig = createRig();
    expect(rig.at(0, journal({ usedShare: 0.6999 })).of('journal.filling')).toBeNull();
    expect(rig.at(1000, journal({ usedShare: 0.7 })).of('journal.filling')).toEqual({
      sinceMs: T0 + 1000,
      detail: '70 % of WK_JOURNAL_MAX_BYTES',
    });
    expect(rig.at(2000, journal({ usedShare: 0.6 })).of('journal.filling')).toMatchObject({ sinceMs: T0 + 1000 });
    expect(rig.at(3000, journal({ usedShare: 0.5999 })).of('journal.filling')).toBeNull();
    expect(rig.at(4000, journal({ usedShare: 0.65 })).of('journal.filling')).toBeNull();
  });

  it('says when it will be full at the rate of the last minutes', () => {
    const rig = createRig();
    // 1 % in ten minutes, then 4 %: the older rate is forgotten.
    for (let minute = 0; minute <= 20; minute++) {
      const usedShare = minute <= 10 ? 0.6 + minute / 1000 : 0.61 + (minute - 10) / 100;
      const { of } = rig.at(minute * MINUTE, journal({ usedShare }));
      if (minute < 19) expect(of('journal.filling')).toBeNull();
      if (minute === 20)
        expect(of('journal.filling')!.detail).toBe('71 % of WK_JOURNAL_MAX_BYTES; full in about 29 min at this rate');
    }
    expect(rig.at(21 * MINUTE, journal({ usedShare: 0.65 })).of('journal.filling')!.detail).not.toContain('full in');
    expect(rig.at(40 * MINUTE, journal({ usedShare: 1 })).of('journal.filling')!.detail).toBe(
      '100 % of WK_JOURNAL_MAX_BYTES',
    );
  });
});

describe('journal.unwritable', () => {
  it('begins with a refused commit and ends with one that went in a later sample', () => {
    const rig = createRig();
    const of = (ms: number, commits: number, failedCommits: number, failure: string | null = 'disk full') =>
      rig.at(ms, journal({ commits, failedCommits, failure })).of('journal.unwritable');
    expect(of(0, 10, 0)).toBeNull();
    expect(of(1000, 10, 1)).toEqual({ sinceMs: T0 + 1000, detail: 'disk full' });
    expect(of(2000, 10, 1)).toMatchObject({ sinceMs: T0 + 1000 });
    expect(of(3000, 10, 3)).toMatchObject({ sinceMs: T0 + 1000 });
    // In the same second one went and one didn't: which came first isn't known.
    expect(of(4000, 11, 4)).toMatchObject({ sinceMs: T0 + 1000 });
    expect(of(5000, 11, 4)).toMatchObject({ sinceMs: T0 + 1000 });
    expect(of(6000, 12, 4)).toBeNull();
    expect(of(7000, 12, 4)).toBeNull();
    expect(of(8000, 12, 5, null)).toMatchObject({ sinceMs: T0 + 8000, detail: '5 commits were refused' });
  });

  it('is not known before any commit', () => {
    expect(
      createRig()
        .at(0, journal({ commits: 0 }))
        .of('journal.unwritable'),
    ).toBeUndefined();
  });
});

describe('routes.nobody', () => {
  it('stands for as long as no route names anybody', () => {
    const rig = createRig();
    const of = (ms: number, isAnybodyTold: boolean) => rig.at(ms, { isAnybodyTold }).of('routes.nobody');
    expect(of(0, false)).toEqual({ sinceMs: T0, detail: 'no route names a channel other than the log' });
    expect(of(1000, false)).toMatchObject({ sinceMs: T0 });
    expect(of(2000, true)).toBeNull();
    expect(of(3000, false)).toMatchObject({ sinceMs: T0 + 3000 });
  });
});

describe('quarantine.full', () => {
  it('begins when something is pushed out and ends after an hour without', () => {
    const rig = createRig();
    const of = (ms: number, quarantineDropped: number) => rig.at(ms, { quarantineDropped }).of('quarantine.full');
    expect(of(0, 70)).toBeUndefined();
    expect(of(MINUTE, 72)).toEqual({ sinceMs: T0 + MINUTE, detail: '2 items were pushed out' });
    expect(of(50 * MINUTE, 73)).toMatchObject({ sinceMs: T0 + MINUTE, detail: '1 item was pushed out' });
    expect(of(109 * MINUTE, 73)).toMatchObject({ sinceMs: T0 + MINUTE });
    expect(of(110 * MINUTE, 73)).toBeNull();
    expect(of(110 * MINUTE + 1000, 74)).toMatchObject({ sinceMs: T0 + 110 * MINUTE + 1000 });
  });

  it('is known not to be there after a quiet hour', () => {
    const rig = createRig();
    expect(rig.at(0, { quarantineDropped: 70 }).of('quarantine.full')).toBeUndefined();
    expect(rig.at(HOUR - 1, { quarantineDropped: 70 }).of('quarantine.full')).toBeUndefined();
    expect(rig.at(HOUR, { quarantineDropped: 70 }).of('quarantine.full')).toBeNull();
  });
});

describe('readings.type-conflict', () => {
  it('begins with a value that clashes, says the newest, and ends after an hour without', () => {
    const rig = createRig();
    const of = (ms: number, atMs: number | null, detail = 'field type conflict') =>
      rig.at(ms, { typeConflict: atMs === null ? null : { atMs, detail } }).of('readings.type-conflict');
    expect(of(0, null)).toBeUndefined();
    expect(of(MINUTE, MINUTE)).toEqual({ sinceMs: T0 + MINUTE, detail: 'field type conflict' });
    expect(of(50 * MINUTE, 40 * MINUTE, 'another')).toEqual({ sinceMs: T0 + MINUTE, detail: 'another' });
    expect(of(99 * MINUTE, 40 * MINUTE)).toMatchObject({ sinceMs: T0 + MINUTE });
    expect(of(100 * MINUTE, 40 * MINUTE)).toBeNull();
  });
});

describe('clock.behind', () => {
  it('begins beyond a minute behind what was received, and ends within half of one', () => {
    const rig = createRig();
    const of = (ms: number, behindMs: number) =>
      rig.at(ms, { nowMs: T0 - behindMs, receivedNowMs: T0 }).of('clock.behind');
    expect(of(0, MINUTE)).toBeNull();
    expect(of(1000, HOUR)).toEqual({
      sinceMs: T0 - HOUR,
      detail: 'it says 2026-11-21T23:00:00.000Z, and entries have come at 2026-11-22T00:00:00.000Z',
    });
    expect(of(2000, MINUTE / 2 + 1)).toMatchObject({ sinceMs: T0 - HOUR });
    expect(of(3000, MINUTE / 2)).toBeNull();
  });
});

describe('followers', () => {
  const lags = (readings: number | null, books: number | null = 0, alerts: number | null = 0) => ({
    lagSeconds: { readings, books, alerts },
  });

  it('are behind beyond five minutes and until within one, and it began when the oldest entry came', () => {
    const rig = createRig();
    rig.at(0);
    expect(rig.at(HOUR, lags(300)).of('follower.behind')).toBeNull();
    expect(rig.at(HOUR + 1000, lags(301, 5400, 2)).of('follower.behind')).toEqual({
      sinceMs: T0 + HOUR + 1000 - 5_400_000,
      detail: 'readings by 5 min, books by 1.5 h',
    });
    expect(rig.at(HOUR + 2000, lags(61)).standing).toEqual(['follower.behind']);
    expect(rig.at(HOUR + 3000, lags(null, null, null)).standing).toEqual(['follower.behind']);
    expect(rig.at(HOUR + 4000, lags(60, 0)).of('follower.behind')).toBeNull();
  });

  it('are not slow when old entries waited for a process', () => {
    const rig = createRig();
    expect(rig.at(0, lags(1e6)).of('follower.behind')).toBeUndefined();
    expect(rig.at(4.9 * MINUTE, lags(1e6)).of('follower.behind')).toBeUndefined();
    expect(rig.at(5 * MINUTE, lags(1e6)).of('follower.behind')!.detail).toBe('readings by 12 days');
  });

  it('have parked entries until there are none', () => {
    const rig = createRig();
    expect(rig.at(0, { parked: 1 }).of('follower.parked')).toEqual({ sinceMs: T0, detail: '1 entry is parked' });
    expect(rig.at(1000, { parked: 3 }).of('follower.parked')).toEqual({ sinceMs: T0, detail: '3 entries are parked' });
    expect(rig.at(2000, { parked: null }).of('follower.parked')).toMatchObject({ sinceMs: T0 });
    expect(rig.at(3000, { parked: 0 }).of('follower.parked')).toBeNull();
  });
});

describe('the store and the broker', () => {
  it('are taken at their word: one trouble each, with when it was first heard', () => {
    const rig = createRig();
    const store = { condition: 'store.unauthorized', detail: '401 from http://127.0.0.1:8086' } as const;
    const broker = { condition: 'broker.unreachable', detail: 'ECONNREFUSED' } as const;
    expect(rig.at(0, { store, broker }).standing).toEqual(['store.unauthorized', 'broker.unreachable']);
    const second = rig.at(1000, { store: { ...store, detail: '403' }, broker: undefined });
    expect(second.of('store.unauthorized')).toEqual({ sinceMs: T0, detail: '403' });
    expect(second.of('broker.unreachable')).toMatchObject({ sinceMs: T0 });
    const third = rig.at(2000, { store: { condition: 'store.read-only', detail: 'x' }, broker: null });
    expect(third.standing).toEqual(['store.read-only']);
    expect(third.of('store.unauthorized')).toBeNull();
    expect(third.of('broker.unreachable')).toBeNull();
  });
});

describe('what the canary has shown of a broker', () => {
  const split = { levels: 'split', detail: 'a.b arrived as a/b' } as const;

  it('is told where dots become levels and a gateway has one', () => {
    const rig = createRig();
    expect(rig.at(0, { canary: undefined }).of('broker.levels-split')).toBeUndefined();
    expect(rig.at(1000, { canary: split }).of('broker.levels-split')).toBeNull();
    expect(rig.at(2000, { canary: split, dotted: ['gw.2'] }).of('broker.levels-split')).toEqual({
      sinceMs: T0 + 2000,
      detail: 'a.b arrived as a/b; gateway gw.2 is not heard',
    });
    const two = rig.at(3000, { canary: split, dotted: ['gw.2', 'gw.3'] });
    expect(two.of('broker.levels-split')?.detail).toContain('2 gateways, gw.2 among them, are not heard');
    expect(rig.at(4000, { canary: { levels: 'untried', detail: 'x' } }).of('broker.levels-split')).not.toBeNull();
    expect(rig.at(5000, { canary: { levels: 'kept', detail: '' } }).standing).toEqual([]);
  });

  it('is told where it did not come back', () => {
    const rig = createRig();
    const canary = { levels: 'untried', detail: 'it did not come back' } as const;
    expect(rig.at(0, { canary }).of('broker.untried')).toEqual({ sinceMs: T0, detail: 'it did not come back' });
    expect(rig.at(1000, { canary: undefined }).of('broker.untried')).not.toBeNull();
    expect(rig.at(2000, { canary: { levels: 'kept', detail: '' } }).of('broker.untried')).toBeNull();
  });
});

describe('what people are told', () => {
  it('closes each sentence once, also where the recount has something to say besides', () => {
    const notes = ['Values under the device letter "sc" (weir) no longer count until a dialect says what it means.'];
    const recount = { fromRules: 1, toRules: 2, total: 10, done: 3, frozen: 0, leftOut: 0, notes };
    const { detail } = createRig().at(0, { recount }).of('books.recounting')!;
    expect(detail).toBe(
      'rules 1 to 2, 3 of 10 hours, 30 %. Values under the device letter "sc" (weir) no longer count until a dialect says what it means',
    );
    expect(platformDetail('books.recounting', detail)).not.toContain('..');
  });

  it('is what it means, what was seen and what to do', () => {
    expect(platformDetail('store.unauthorized', '401 from http://127.0.0.1:8086')).toBe(
      'InfluxDB refuses the credential (401 or 403): readings wait in the journal. Seen: 401 from http://127.0.0.1:8086. What to do: Give a token that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
    );
    expect(platformDetail('clock.behind', '')).not.toContain('Seen');
  });
});

describe('access.crowded', () => {
  it('stands while somebody reached a limit within the last hour, and says who and which', () => {
    const rig = createRig();
    expect(rig.at(0).of('access.crowded')).toBeUndefined();
    const crowded = 'event streams of one credential (stream.credential), last by token "wall"';
    expect(rig.at(MINUTE, { crowded: { detail: crowded } }).of('access.crowded')).toEqual({
      sinceMs: T0 + MINUTE,
      detail: crowded,
    });
    const newer = `sessions of one token (session.token), last by token "x"; ${crowded}`;
    expect(rig.at(2 * MINUTE, { crowded: { detail: newer } }).of('access.crowded')).toEqual({
      sinceMs: T0 + MINUTE,
      detail: newer,
    });
    expect(rig.at(HOUR + 2 * MINUTE).of('access.crowded')).toBeNull();
  });

  it('that an earlier process told of is over after an hour without', () => {
    const rig = createRig();
    expect(rig.at(0).of('access.crowded')).toBeUndefined();
    expect(rig.at(HOUR - 1).of('access.crowded')).toBeUndefined();
    expect(rig.at(HOUR).of('access.crowded')).toBeNull();
  });
});
