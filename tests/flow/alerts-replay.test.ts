/**
 * Properties of rules of every kind together with silence, outages and maintenance: neither batches nor restarts nor
 * crashes change the history, order of arrival doesn't change what was, and our own absence is never a silence.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '#model/entry.ts';
import { openDerived } from '#store/derived.ts';
import type { Database } from '#store/sqlite.ts';
import { type AlertsRig, createAlertsRig, MINUTE, type Sent, T0 } from '#tests/helpers/alerts-rig.ts';
import { Crash, mortal } from '#tests/helpers/crash-rig.ts';

/** Hundreds of lives each: a machine with other things to do takes its time. */
const STATIONS = ['a', 'b', 'c'];
const OWNERS = { gw: ['a', 'b'], lone: ['c'] };
const RULES = {
  rise: {
    kind: 'rate',
    parameters: ['nh3n'],
    limit: 1,
    over: 'PT30M',
    severity: 'minor',
    steps: [{ limit: 4, severity: 'major' }],
    latch: true,
    reAlarmAfter: 'PT20M',
  },
  still: { kind: 'flat-line', parameters: ['nh3n'], tolerance: 0.05, over: 'PT20M', severity: 'minor' },
  both: {
    kind: 'expression',
    when: 'nh3n > 1 and do < 5 or nh3n > 2',
    for: 'PT5M',
    severity: 'critical',
    keepFiringFor: 'PT10M',
  },
  silent: { kind: 'missing', severity: 'minor', steps: [{ after: 'PT40M', severity: 'major' }] },
  /** T0 is 08:00 in Shanghai. */
  morning: { kind: 'missing', severity: 'major', reAlarmAfter: 'PT15M', calendar: { hours: ['08:20', '10:00'] } },
  early: {
    kind: 'threshold',
    parameters: ['do'],
    op: '>=',
    limit: 5,
    severity: 'minor',
    calendar: { hours: ['06:00', '08:40'] },
  },
};
const isAboutSilence = ({ rule }: { rule: string }) => rule === 'silent' || rule === 'morning';

/** A rig that gives every series the same number. */
function createRig(derived?: Database): AlertsRig {
  const rig = createAlertsRig(derived ? { derived } : {});
  for (const station of STATIONS) for (const parameter of ['nh3n', 'do']) rig.seriesFor(station, parameter);
  return rig;
}

function registers(rig: AlertsRig): AlertsRig {
  const parameters = ['nh3n', 'do'].map((id) => ({ id, interval: 'PT5M' }));
  for (const id of STATIONS) rig.station(id, { parameters });
  for (const [id, stations] of Object.entries(OWNERS)) {
    rig.command({ verb: 'put', noun: 'gateway', id, body: { stations, passwordHash: '' } });
  }
  for (const [id, body] of Object.entries(RULES)) rig.rule(id, body);
  return rig.channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' }).routes({ channels: ['hook'] });
}

const value = fc.constantFrom(0.1, 0.1, 0.12, 0.5, 1.1, 1.1, 2.5);
const oxygen = fc.constantFrom(3, 7, 7.1);
const reading = fc.record({
  station: fc.constantFrom(...STATIONS),
  value,
  oxygen,
  behind: fc.constantFrom(0, 0, 0, 7, 200),
});

/** What may happen, and how many minutes later. */
const happening = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('message' as const),
      readings: fc.array(reading, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('begun' as const), ago: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ended' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('maintenance' as const),
      station: fc.constantFrom(...STATIONS),
      minutes: fc.integer({ min: 1, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('own' as const), stations: fc.subarray(STATIONS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rule' as const), enabled: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('operator' as const),
      verb: fc.constantFrom('acknowledge', 'acknowledge', 'reset', 'hand-over', 'unacknowledge', 'shelve', 'unshelve'),
      nth: fc.nat(5),
    }),
  },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
const story = fc.array(fc.record({ after: fc.constantFrom(0, 1, 3, 5, 5, 5, 25), what: happening }), {
  minLength: 1,
  maxLength: 25,
});

const sourceOf = (station: string) => Object.entries(OWNERS).find(([, list]) => list.includes(station))![0];

function happen(rig: AlertsRig, what: Happening): void {
  const minutes = (rig.nowMs() - T0) / MINUTE;
  switch (what.kind) {
    case 'message': {
      const [first] = what.readings;
      const sent = what.readings.flatMap(({ station, behind, value: nh3n, oxygen: dissolved }): Sent[] => [
        { station, at: minutes - behind, value: nh3n },
        { station, at: minutes - behind, parameter: 'do', value: dissolved },
      ]);
      const entry = rig.message(...sent);
      if (entry.kind === 'message') entry.source = sourceOf(first!.station);
      return;
    }
    case 'start':
      rig.append({ kind: 'start', seq: rig.entries.length + 1, receivedMs: rig.nowMs(), downSinceMs: rig.nowMs() });
      return;
    case 'begun':
    case 'ended': {
      const sinceMs = rig.nowMs() - ('ago' in what ? what.ago * MINUTE : 0);
      rig.command(
        { verb: 'platform', condition: 'broker.unreachable', state: what.kind, sinceMs, detail: '' },
        'system',
      );
      return;
    }
    case 'maintenance': {
      const [from, to] = [rig.nowMs(), rig.nowMs() + what.minutes * MINUTE].map((ms) => new Date(ms).toISOString());
      rig.command({
        verb: 'put',
        noun: 'maintenance',
        id: 'm',
        body: { stations: [what.station], from, to, reason: 'x' },
      });
      return;
    }
    case 'own':
      rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: what.stations, passwordHash: '' } });
      return;
    case 'operator': {
      const open = [...rig.follower().openAlarms()];
      if (open.length === 0) return;
      const alarm = open[what.nth % open.length]!.id;
      const verb = what.verb as 'acknowledge' | 'reset' | 'hand-over' | 'unacknowledge' | 'shelve' | 'unshelve';
      if (verb === 'hand-over') rig.command({ verb, alarm, to: 'zhao' });
      else if (verb === 'shelve') rig.command({ verb, alarm, untilMs: rig.nowMs() + 12 * MINUTE, reason: 'x' });
      else rig.command({ verb, alarm });
      return;
    }
    case 'rule':
      rig.rule('silent', { ...RULES.silent, enabled: what.enabled });
  }
}

/** The journal of a story as the service would have written it: with a tick for every timer that is due. */
async function lived(steps: readonly { after: number; what: Happening }[]): Promise<AlertsRig> {
  const rig = registers(createRig());
  let minutes = 0;
  for (const { after, what } of [...steps, { after: 60, what: { kind: 'ended' as const } }]) {
    minutes += after;
    await rig.apply(1);
    for (let count = 0; what.kind !== 'start' && count < 200; count++) {
      const dueMs = rig.follower().nextTimerMs();
      if (dueMs === null || dueMs > T0 + minutes * MINUTE) break;
      await rig
        .at((dueMs - T0) / MINUTE)
        .tick()
        .apply(1);
    }
    rig.at(minutes);
    happen(rig, what);
  }
  await rig.apply(1);
  return rig;
}

/** Everything that derived.db says of what happened. */
function history(derived: Database) {
  const rows = (sql: string) =>
    derived
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  return {
    alarms: rows('SELECT body FROM alarm ORDER BY id'),
    transitions: rows('SELECT * FROM transition ORDER BY n'),
    notices: rows('SELECT id, channel, event, alarms, payload FROM notice ORDER BY position'),
  };
}

/** Every notice tells of transitions that happened when it was made; a summary of what its members tell of. */
function told(rig: AlertsRig): void {
  const happened = new Set(rig.changes.map(({ transition: { alarm, event, atMs } }) => `${alarm} ${event} ${atMs}`));
  const notices = rig.derived
    .prepare('SELECT id, event, createdAtMs, alarms, summary FROM notice')
    .all()
    .map((row) => ({ ...row, alarms: JSON.parse(row.alarms as string) as string[] }) as Row);
  for (const { id, event, createdAtMs, alarms } of notices) {
    if (event === 'summary') {
      const members = notices.filter(({ summary }) => summary === id);
      expect(members.length).toBeGreaterThan(0);
      expect(new Set(alarms)).toEqual(new Set(members.flatMap((member) => member.alarms)));
    } else {
      for (const alarm of alarms) expect(happened).toContain(`${alarm} ${event} ${createdAtMs}`);
    }
  }
}

interface Row {
  id: string;
  event: string;
  createdAtMs: number;
  alarms: string[];
  summary: string | null;
}

async function replayed(entries: readonly Entry[], sizes: readonly number[], restartsAfter: ReadonlySet<number>) {
  const rig = createRig();
  rig.append(...entries);
  for (let n = 0; rig.follower().cursor() < entries.length; n++) {
    const { follower } = rig;
    const from = follower().cursor();
    await follower().apply(entries.slice(from, from + sizes[n % sizes.length]!));
    if (restartsAfter.has(n)) {
      if (n % 2 === 0) follower().checkpoint();
      rig.restart();
    }
  }
  expect(rig.warnings).toEqual([]);
  return rig;
}

describe('the same journal', () => {
  it('gives the same history in batches of any size, with restarts anywhere', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(story, sizes, fc.array(fc.nat(40), { maxLength: 10 }), async (steps, batches, restarts) => {
        const live = await lived(steps);
        told(live);
        const again = await replayed(live.entries, batches, new Set(restarts));
        expect(history(again.derived)).toEqual(history(live.derived));
        expect(again.follower().nextTimerMs()).toBe(live.follower().nextTimerMs());
      }),
      { numRuns: 150 },
    );
  });

  it('gives the same history when the process dies between any two steps (invariant 5)', async () => {
    const lives = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(story, lives, fc.integer({ min: 1, max: 7 }), async (steps, statements, size) => {
        const live = await lived(steps);
        const real = openDerived(':memory:');
        const life = mortal(real);
        const rig = createRig(life.database);
        rig.append(...live.entries);
        for (const left of [...statements, Number.POSITIVE_INFINITY]) {
          life.revive();
          life.dieAfter(left);
          await rig
            .restart()
            .apply(size)
            .catch((error: unknown) => {
              if (!(error instanceof Crash) && !life.isDead()) throw error;
            });
        }
        life.revive();
        expect(history(real)).toEqual(history(live.derived));
      }),
      { numRuns: 60 },
    );
  });
});

describe('order of arrival (invariant 3)', () => {
  it('does not change what rules that derive something find, nor do batches and restarts', async () => {
    const readings = fc.array(fc.record({ value, oxygen, isThere: fc.constantFrom(true, true, true, false) }), {
      minLength: 1,
      maxLength: 18,
    });
    const found = async (messages: Sent[][], restarts: ReadonlySet<number>) => {
      const rig = registers(createRig());
      for (const [n, sent] of messages.entries()) {
        await rig.at(90).message(...sent);
        await rig.apply();
        if (restarts.has(n)) rig.restart();
      }
      return rig
        .alarms()
        .filter((alarm) => alarm.state !== 'withdrawn' && !isAboutSilence(alarm))
        .map(({ key, breachStartMs, raisedAtMs, clearedAtMs, severity, value: found, detail }) => ({
          key,
          breachStartMs,
          raisedAtMs,
          clearedAtMs,
          severity,
          value: found,
          detail,
        }))
        .sort((a, b) => a.key.localeCompare(b.key) || a.breachStartMs - b.breachStartMs);
    };
    await fc.assert(
      fc.asyncProperty(
        readings,
        fc.infiniteStream(fc.nat(1000)),
        fc.array(fc.nat(30), { maxLength: 4 }),
        async (list, order, restarts) => {
          const all = list.flatMap(({ isThere, value: nh3n, oxygen: dissolved }, n): Sent[] =>
            isThere
              ? [
                  { station: 'a', at: n * 5, value: nh3n },
                  { station: 'a', at: n * 5, parameter: 'do', value: dissolved },
                ]
              : [],
          );
          const keyed = all.map((one) => ({ one, key: order.next().value }));
          const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => [one]);
          expect(await found(shuffled, new Set(restarts))).toEqual(await found([all], new Set()));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('our own absence (invariant 10)', () => {
  it('is never a silence, when we or the broker were away for however long and whoever can speak speaks', async () => {
    const absences = fc.array(
      fc.record({
        kind: fc.constantFrom('down' as const, 'deaf' as const, 'asleep' as const),
        minutes: fc.integer({ min: 1, max: 300 }),
        after: fc.integer({ min: 1, max: 60 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(absences, async (list) => {
        const rig = registers(createRig());
        let minutes = 0;
        const speak = async () => {
          for (const station of STATIONS)
            happen(rig, { kind: 'message', readings: [{ station, value: 0.1, oxygen: 7, behind: 0 }] });
          await rig.apply();
        };
        await speak();
        for (const { kind, minutes: away, after } of list) {
          if (kind === 'deaf') happen(rig, { kind: 'begun', ago: 0 });
          minutes += away;
          rig.at(minutes);
          if (kind === 'down') {
            rig.restart();
            happen(rig, { kind: 'start' });
          }
          if (kind === 'asleep') rig.tick();
          if (kind === 'deaf') happen(rig, { kind: 'ended' });
          await rig.apply();
          // They speak each five minutes, beginning at most five minutes after they can.
          for (let left = after; left > 0; left -= 5) {
            minutes += Math.min(5, left);
            rig.at(minutes);
            await speak();
          }
        }
        expect(rig.alarms().filter(isAboutSilence)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
