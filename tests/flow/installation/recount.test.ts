/**
 * Books of an older program are counted anew in the background: whenever the process dies, with readings arriving
 * meanwhile, and without anybody being told of old breaches.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTrendQueries } from '#books/questions/trends.ts';
import { openRecountMarks } from '#books/recount/state.ts';
import { openDerived } from '#installation/derived.ts';
import { COUNTING_CHANGES, COUNTING_RULES } from '#model/counting-rules.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import { type Database, StoreError } from '#src/sqlite.ts';
import { Crash, mortal } from '#tests/helpers/alerts/crash-rig.ts';
import {
  createPeriodRig,
  DAY,
  LATENESS,
  MIDNIGHT,
  type PeriodReading,
  type PeriodRig,
} from '#tests/helpers/alerts/period-rig.ts';
import { HOUR } from '#tests/helpers/alerts/rig.ts';
import { readDocument } from '#tests/helpers/repository/documents.ts';
import { rowsOf } from '#tests/helpers/rows.ts';

const DAYS = 12;
const END = MIDNIGHT + DAYS * DAY;
/** What an older program made less of: a day's values, one reading's flag. */
const CHANGED_DAY = 3;
/** The first series that is heard of. */
const NH3N = 1;
const DOUBTED_MS = MIDNIGHT + 6 * DAY + 12 * HOUR;

const valueAt = (hour: number, isOld: boolean) => {
  const timeMs = MIDNIGHT + hour * HOUR;
  if (timeMs === DOUBTED_MS) return 0.6;
  return Math.floor(hour / 24) === CHANGED_DAY && !isOld ? 0.6 : 0.4;
};

function readings(isOld: boolean): PeriodReading[] {
  return Array.from({ length: DAYS * 24 }, (_, hour): PeriodReading[] => {
    const timeMs = MIDNIGHT + hour * HOUR;
    return [
      { timeMs, value: valueAt(hour, isOld), ...(isOld && timeMs === DOUBTED_MS ? { flag: 3 } : {}) },
      { station: 'head', parameter: 'register', timeMs, value: hour * 3600 },
      { station: 'tail', parameter: 'register', timeMs, value: hour * 1800 },
    ];
  }).flat();
}

function watchedRig(derived: Database): PeriodRig {
  return createPeriodRig({ derived })
    .put('station', 'weir', { parameters: [{ id: 'nh3n', interval: 'PT1H' }] })
    .put('station', 'head', { kind: 'canal-section', target: null, parameters: [] })
    .put('station', 'tail', { kind: 'canal-section', target: null, parameters: [] })
    .put('meter', 'in', { station: 'head', maxGap: 'PT2H' })
    .put('meter', 'out', { station: 'tail', measures: 'delivery', recipient: 'beijing', maxGap: 'PT2H' })
    .put('rule', 'class-target', { kind: 'class', select: {}, target: 'station', severity: 'major', enabled: true })
    .put('rule', 'daily', { kind: 'assessed', period: 'day', severity: 'major' });
}

async function settled(derived: Database, isOld: boolean): Promise<PeriodRig> {
  const rig = watchedRig(derived);
  for (let day = 0; day < DAYS; day++) {
    const own = readings(isOld).filter(({ timeMs }) => Math.floor((timeMs - MIDNIGHT) / DAY) === day);
    await rig
      .at(MIDNIGHT + (day + 1) * DAY)
      .message(own)
      .settle();
  }
  await rig
    .at(END + LATENESS + 1)
    .tick()
    .settle();
  return rig.recount();
}

/** An installation as an older program left it: its books fit the readings by other rules than today's. */
async function oldInstallation(derived: Database): Promise<PeriodRig> {
  const rig = await settled(derived, true);
  // Today's rules see in the readings what the older ones did not.
  await rig.store.write(
    Array.from({ length: 24 }, (_, n) => {
      const hour = CHANGED_DAY * 24 + n;
      return { series: NH3N, timeMs: MIDNIGHT + hour * HOUR, value: valueAt(hour, false), flag: 1, deviceFlag: null };
    }),
  );
  derived.exec(`UPDATE bookState SET rules = 1;
    UPDATE hourStat SET checksum = NULL; UPDATE dayStat SET checksum = NULL; UPDATE volumeHour SET checksum = NULL;
    UPDATE volumeHour SET measuredLitres = measuredLitres - 1000000, estimatedLitres = 500000 WHERE hourMs % 5 = 0 OR meter = 'in';
    DELETE FROM volumeDay;
    INSERT INTO volumeDay (meter, dayMs, measuredLitres, estimatedLitres, knownMs)
    SELECT meter, dayMs, sum(m) OVER running, sum(e) OVER running, sum(k) OVER running FROM
      (SELECT meter, hourMs - hourMs % 86400000 AS dayMs, sum(measuredLitres) m, sum(estimatedLitres) e, sum(knownMs) k
       FROM volumeHour GROUP BY 1, 2)
      WINDOW running AS (PARTITION BY meter ORDER BY dayMs)`);
  return rig;
}

const kept = (derived: Database) => {
  const all = (sql: string) => rowsOf(derived, sql);
  return {
    hours: all('SELECT series, hourMs, count, valid, sum, min, max FROM hourStat ORDER BY 1, 2'),
    // Without checksums: what an older program counted has none where today's rules say the same.
    days: all('SELECT series, dayMs, count, valid, sum, min, max FROM dayStat ORDER BY 1, 2'),
    volumes: all('SELECT meter, hourMs, measuredLitres, estimatedLitres, knownMs, knots FROM volumeHour ORDER BY 1, 2'),
    totals: all('SELECT meter, dayMs, measuredLitres, estimatedLitres, knownMs FROM volumeDay ORDER BY 1, 2'),
    decisions: all('SELECT * FROM volumeDecision ORDER BY 1, 2, 3'),
    verdicts: all('SELECT key, endMs, grade, value FROM periodVerdict ORDER BY 1, 2'),
    rules: all('SELECT rules FROM bookState'),
    left: all('SELECT (SELECT count(*) FROM recount) + (SELECT count(*) FROM recountPart) AS n'),
  };
};

let expected: ReturnType<typeof kept>;
let real: Database;
let life: ReturnType<typeof mortal>;
let base: PeriodRig;
beforeEach(async () => {
  const now = openDerived(':memory:');
  await settled(now, false);
  expected = kept(now);
  now.close();
  real = openDerived(':memory:');
  life = mortal(real);
  base = await oldInstallation(life.database);
});
afterEach(() => real.close());

describe('the rules of counting', () => {
  it('have a number, and a line in the documentation for each thing that it changed', () => {
    const numbers = Object.keys(COUNTING_CHANGES).map(Number);
    expect(numbers).toEqual(Array.from({ length: COUNTING_RULES }, (_, n) => n + 1));
    const [, section = ''] = readDocument('docs/numbers.md').split('\n## The rules of counting\n');
    const lines = [...section.split('\n## ')[0]!.matchAll(/^\| (\d+) \| (.+) \|$/gm)];
    const told = lines.map(([, rules, change]) => [Number(rules), change]);
    expect(told).toEqual(numbers.flatMap((n) => COUNTING_CHANGES[n]!.map((change) => [n, change])));
  });
});

describe('books of an older program', () => {
  it('are those of today once they are counted anew, by how much is told all the while', async () => {
    expect(kept(real)).not.toEqual(expected);
    const { recount } = base.restart().followers();
    expect(recount.progress()).toMatchObject({ fromRules: 1, toRules: COUNTING_RULES, total: 0 });
    const shares: number[] = [];
    while (await recount.step()) {
      const progress = recount.progress();
      if (progress) shares.push(progress.done / progress.total);
    }
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect([shares[0], shares.at(-1)]).toEqual([0, 1]);
    expect(shares.length).toBeGreaterThan(6);
    expect(recount.progress()).toBeNull();
    await base.settle();
    expect(kept(real)).toEqual(expected);
    expect(base.logged.map(({ event }) => event)).toEqual(expect.arrayContaining(['recount.begun', 'recount.done']));
  });

  it('page nobody: a day that breaks its limit by today’s rules is a record, and no old reading raises or withdraws', async () => {
    const before = { told: base.told(), alarms: base.alarms() };
    await base.restart().recount();
    const flags = (await base.store.read(1, DOUBTED_MS, DOUBTED_MS + 1, 1)).map(({ flag }) => flag);
    expect(flags).toEqual([1]);
    expect(base.told()).toEqual(before.told);
    const found = base.alarms().filter(({ id }) => !before.alarms.some((one) => one.id === id));
    expect(found).toMatchObject([
      { key: 'daily/weir/nh3n', state: 'cleared', late: true, breachStartMs: MIDNIGHT + CHANGED_DAY * DAY },
    ]);
    expect(base.alarms().filter(({ id }) => id !== found[0]!.id)).toEqual(before.alarms);
  });

  it('are counted anew between batches: what arrives meanwhile is settled and closes as ever', async () => {
    const { recount, books, alerts } = base.restart().followers();
    for (let n = 0; n < 3; n++) await recount.step();
    const timeMs = END + LATENESS + HOUR;
    await base
      .at(timeMs)
      .message([{ timeMs, value: 3 }])
      .settle();
    expect(recount.progress()).not.toBeNull();
    expect([books.cursor(), alerts.cursor()]).toEqual([base.entries.length, base.entries.length]);
    expect(base.told().at(-1)).toBe('raised class-target/weir/nh3n');
  });

  it('are provisional in trends until their turn has come', async () => {
    const trends = () =>
      createTrendQueries({
        derived: real,
        readings: async () => [],
        allowedLatenessMs: LATENESS,
      }).trends({
        series: 1,
        mean: 'arithmetic',
        edgesMs: Array.from({ length: DAYS + 1 }, (_, day) => MIDNIGHT + day * DAY),
        interval: 'P1D',
        timeZone: 'Asia/Shanghai',
        asOfMs: null,
      });
    const provisional = async () => (await trends()).map((bucket) => bucket.provisional);
    expect(await provisional()).not.toContain(true);
    const { recount } = base.restart().followers();
    await recount.step();
    expect(await provisional()).not.toContain(false);
    while (openRecountMarks(real).olderFromMs(1) < MIDNIGHT) await recount.step();
    expect(openRecountMarks(real).olderFromMs(1)).toBe(MIDNIGHT + 167 * HOUR + 1);
    expect(await provisional()).toEqual(Array.from({ length: DAYS }, (_, day) => day >= 6));
    await base.recount();
    expect(await provisional()).not.toContain(true);
  });

  it('wait for today’s rules before a period that closes meanwhile is judged, which then is in time', async () => {
    const day = Array.from({ length: 24 }, (_, hour) => ({ timeMs: END + hour * HOUR, value: 0.6 }));
    await base
      .restart()
      .at(END + DAY)
      .message(day)
      .settle();
    await base
      .at(END + DAY + LATENESS + 1)
      .tick()
      .settle();
    const daily = () => base.told().filter((line) => line.endsWith('daily/weir/nh3n'));
    // The day that has closed, and its hours.
    expect([daily(), base.waiting()]).toEqual([[], 2]);
    await base.recount();
    expect([daily(), base.waiting()]).toEqual([['raised daily/weir/nh3n'], 0]);
  });

  it('stay as they were where WK_RAW_RETENTION has deleted the readings, and that is said', async () => {
    const beforeMs = MIDNIGHT + 5 * DAY;
    openFrozenHours(real).freeze(1, beforeMs);
    await base.store.prune(1, beforeMs);
    const hours = () => kept(real).hours.filter(({ series, hourMs }) => series === 1 && Number(hourMs) < beforeMs);
    const before = hours();
    const { recount } = base.restart().followers();
    await recount.step();
    expect(recount.progress()).toMatchObject({ frozen: 120 });
    await base.recount();
    expect(hours()).toEqual(before);
    expect(kept(real).rules).toEqual([{ rules: COUNTING_RULES }]);
    expect(base.logged.findLast(({ event }) => event === 'recount.done')).toMatchObject({ frozen: 120 });
  });

  it('wait while the store is away, and go on', async () => {
    const { recount } = base.restart().followers();
    await recount.step();
    const traced = base.store.traced.bind(base.store);
    base.store.traced = async () => {
      throw new StoreError('store.unavailable', 'it is away', true);
    };
    expect(await recount.step()).toBe(false);
    expect(base.logged.at(-1)).toMatchObject({ event: 'recount.waits' });
    base.store.traced = traced;
    expect(await recount.step()).toBe(false);
    await base.at(base.nowMs() + 11_000).recount();
    expect(kept(real)).toEqual(expected);
  });
});

describe('a process that dies between any two statements', () => {
  it('counts on where it was, to the same books, and nobody is told', async () => {
    const told = base.told();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 2500 }), { minLength: 1, maxLength: 6 }), async (lives) => {
        real.exec(
          'UPDATE bookState SET rules = 1; UPDATE hourStat SET sum = sum + 1, checksum = NULL; UPDATE volumeHour SET measuredLitres = 0, checksum = NULL',
        );
        for (const statements of [...lives, Number.POSITIVE_INFINITY]) {
          life.revive();
          life.dieAfter(statements);
          await Promise.resolve()
            .then(() => base.restart().settle())
            .then(() => base.recount())
            .catch((error: unknown) => {
              if (!(error instanceof Crash) && !life.isDead()) throw error;
            });
        }
        life.revive();
        const { totals: _, ...now } = kept(real);
        const { totals: _totals, ...then } = expected;
        expect(now).toEqual(then);
        expect(base.told()).toEqual(told);
      }),
      { numRuns: 25 },
    );
  });
});
