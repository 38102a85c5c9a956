/**
 * Stories of alarms for property tests, with everything on at once: rules of every kind that readings and silence are judged by,
 * with latch, calendar and re-alarm; outages, maintenance, operators, storms of alarms, chattering; routes with quiet hours and
 * escalation.
 */
import fc from 'fast-check';
import type { Channel } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';
import { rowsOf } from '#tests/helpers/rows.ts';
import { type AlertsRig, createAlertsRig, MINUTE, type Sent, T0 } from './rig.ts';

export const STATIONS = ['a', 'b', 'c'];
/** Where it breaks loose at once. */
const STORM = Array.from({ length: 12 }, (_, n) => `storm${n}`);
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
  /** Back and forth within minutes: it chatters. */
  'class-target': { kind: 'class', severity: { III: 'minor', IV: 'major', worse: 'critical' }, reAlarmAfter: 'PT15M' },
  early: {
    kind: 'threshold',
    parameters: ['do'],
    op: '>=',
    limit: 5,
    severity: 'minor',
    calendar: { hours: ['06:00', '08:40'] },
  },
};
export const isAboutSilence = ({ rule }: { rule: string }) => rule === 'silent' || rule === 'morning';

const OWNER = { name: 'Wang', channels: ['owner'] };
export const CHANNELS: Record<string, Channel> = Object.fromEntries(
  ['hook', 'night', 'chief', 'owner'].map((id) => [id, { kind: 'webhook', url: 'http://127.0.0.1:1/', to: id }]),
);

/** A rig that gives every series the same number. */
export function createStoryRig(derived?: Database): AlertsRig {
  const rig = createAlertsRig(derived ? { derived } : {});
  for (const station of STATIONS) for (const parameter of ['nh3n', 'do']) rig.seriesFor(station, parameter);
  for (const station of STORM) rig.seriesFor(station, 'nh3n');
  return rig;
}

export function registers(rig: AlertsRig): AlertsRig {
  const parameters = ['nh3n', 'do'].map((id) => ({ id, interval: 'PT5M' }));
  for (const id of STATIONS) rig.station(id, { parameters, river: 'han' });
  for (const [n, id] of STORM.entries()) rig.station(id, { river: n % 2 ? 'han' : 'dan', owner: OWNER });
  for (const [id, stations] of Object.entries(OWNERS)) {
    rig.command({ verb: 'put', noun: 'gateway', id, body: { stations, passwordHash: '' } });
  }
  for (const [id, body] of Object.entries(RULES)) rig.rule(id, body);
  for (const [id, body] of Object.entries(CHANNELS)) rig.channel(id, body);
  return rig.routes(
    { channels: ['hook'] },
    { channels: ['night'], quiet: { from: '08:30', to: '09:00', severities: ['minor'] } },
    { channels: ['chief'], after: 'PT10M' },
    { match: { severity: ['critical'] }, to: ['owner'], after: 'PT20M' },
  );
}

export const value = fc.constantFrom(0.1, 0.1, 0.12, 0.5, 1.1, 1.1, 2.5);
export const oxygen = fc.constantFrom(3, 7, 7.1);
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
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('storm' as const), value: fc.constantFrom(0.1, 0.8, 0.8, 9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('burst' as const), station: fc.constantFrom(...STATIONS) }),
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
export const story = fc.array(fc.record({ after: fc.constantFrom(0, 1, 3, 5, 5, 5, 25), what: happening }), {
  minLength: 1,
  maxLength: 25,
});

const sourceOf = (station: string) => Object.entries(OWNERS).find(([, list]) => list.includes(station))![0];

export function happen(rig: AlertsRig, what: Happening): void {
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
    case 'storm':
      rig.message(...STORM.map((station) => ({ station, at: minutes, value: what.value })));
      return;
    case 'burst': {
      // By turns above and below the limit, a second apart: more than anybody is told one by one.
      const at = (n: number) => minutes + (n - 130) / 60;
      const entry = rig.message(
        ...Array.from({ length: 130 }, (_, n) => ({ station: what.station, at: at(n), value: n % 2 ? 0.1 : 0.8 })),
      );
      if (entry.kind === 'message') entry.source = sourceOf(what.station);
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
export async function lived(steps: readonly { after: number; what: Happening }[]): Promise<AlertsRig> {
  const rig = registers(createStoryRig());
  let minutes = 0;
  for (const { after, what } of [...steps, { after: 120, what: { kind: 'ended' as const } }]) {
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
export function history(derived: Database) {
  const rows = (sql: string) => rowsOf(derived, sql);
  return {
    alarms: rows('SELECT body FROM alarm ORDER BY id'),
    transitions: rows('SELECT * FROM transition ORDER BY n'),
    crossings: rows('SELECT * FROM crossing ORDER BY id'),
    counted: rows('SELECT * FROM countedLine ORDER BY n'),
    /** As the follower wrote them; the dispatcher may put more than go in a minute into summaries of its own. */
    notices: rows(
      `SELECT id, channel, event, alarms, payload FROM notice
       WHERE event <> 'summary' OR payload LIKE '%"group":%' ORDER BY id`,
    ),
  };
}
