/** The installation that is simulated: four stations behind three gateways, two meters, rules of every kind, four recipients. */
import type { Command } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import { channel, meter, routes, rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** How fast life goes there: months of slow stations have about as many slots as days of quick ones. */
export interface Pace {
  startMs: number;
  /** How often every station measures. */
  intervalMs: number;
  slotMs: number;
  timeZone: string;
}

export const EDITED_RULE = 'turbid';
/** The rule that listens for whoever falls silent; there only now and then. */
export const SILENCE_RULE = 'silence';
/** The area that recipient `west` hears of: `weir` and `lake`. */
const WEST = 'west';

export const reference = loadReference();
export const standard = [...reference.standards.values()].find(({ id }) => id === 'gb3838-2002')!;

/** How a series moves: from `start` by at most `step` an interval within [min, max]; totals only rise. */
export interface Course {
  station: string;
  parameter: string;
  start: number;
  step: number;
  min: number;
  max: number;
  isTotal?: true;
  /** Now and then it measures the value that the store refuses. */
  isPoisonous?: true;
}

export const COURSES: readonly Course[] = [
  { station: 'taocha', parameter: 'nh3n', start: 0.35, step: 0.15, min: 0.05, max: 1.2 },
  { station: 'taocha', parameter: 'ph', start: 8, step: 0.6, min: 6.5, max: 9.5 },
  { station: 'weir', parameter: 'nh3n', start: 0.45, step: 0.2, min: 0.1, max: 2.5 },
  { station: 'weir', parameter: 'do', start: 6.5, step: 1, min: 2, max: 11 },
  { station: 'lake', parameter: 'chla', start: 9, step: 4, min: 1, max: 30, isPoisonous: true },
  { station: 'lake', parameter: 'level', start: 147, step: 0.2, min: 140, max: 150, isPoisonous: true },
  { station: 'offtake', parameter: 'register', start: 900_000, step: 9000, min: 0, max: 1e6, isTotal: true },
  { station: 'offtake', parameter: 'flow', start: 30, step: 8, min: 0, max: 49 },
];

/** Gateway → the stations that it writes. */
export const GATEWAYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['gw-a', ['taocha']],
  ['gw-b', ['weir', 'lake']],
  ['gw-c', ['offtake']],
]);

const put = (noun: Noun, id: string, body: unknown): Command => ({ verb: 'put', noun, id, body });

/** No neighbour makes a value suspect, however far it leaps. */
const CALM = { spike: [1e6, 1e6], ratePerHour: [1e6, 1e6] };

const minutes = (ms: number) => `PT${ms / MINUTE_MS}M`;

function aStation(
  { intervalMs }: Pace,
  id: string,
  more: Record<string, unknown>,
  qc: Record<string, object> = {},
): Command {
  const parameters = COURSES.filter((course) => course.station === id).map(({ parameter }) => ({
    id: parameter,
    interval: minutes(intervalMs),
    ...(qc[parameter] && { qc: qc[parameter] }),
  }));
  const name = { zh: id, en: id };
  return put(
    'station',
    id,
    station.parse({ name, kind: 'canal-section', waterBody: 'river', target: 'II', parameters, ...more }),
  );
}

const offtake = { station: 'offtake', unit: 'm3', direction: 1, maxFlow: 50, measures: 'delivery' };
const aRule = (id: string, body: Record<string, unknown>) => put('rule', id, rule.parse(body));
const aChannel = (id: string, more: Record<string, unknown> = {}) =>
  put('channel', id, channel.parse({ kind: 'webhook', url: `http://${id}.example/`, ...more }));

/** What a seed has otherwise than the next one. */
export interface SiteOptions {
  pace: Pace;
  /** Notices a minute that recipient `bad` takes; beyond that they go together. */
  badPerMinute: number;
  /** After so many attempts `spare` stands in for `west`. */
  fallbackAfter: number;
}

/** What is registered before anything arrives. */
export function siteOf({ pace, badPerMinute, fallbackAfter }: SiteOptions): Command[] {
  return [
    ...stationsOf(pace),
    ...[...GATEWAYS].map(([id, stations]) => put('gateway', id, { stations: [...stations], passwordHash: 'none' })),
    put('meter', 'm-register', meter.parse({ ...offtake, parameter: 'register', kind: 'register', size: 1e6 })),
    put('meter', 'm-flow', meter.parse({ ...offtake, parameter: 'flow', kind: 'flow', unit: 'm3/s' })),
    ...rulesOf(pace),
    aChannel('all'),
    aChannel('bad', { perMinute: badPerMinute }),
    aChannel('west', { fallback: 'spare', fallbackAfter }),
    aChannel('spare'),
    put(
      'routes',
      'routes',
      routes.parse([
        { match: {}, channels: ['all'] },
        { match: { severity: ['major', 'critical'] }, channels: ['bad'] },
        { match: { area: [WEST] }, channels: ['west', 'all'] },
      ]),
    ),
  ];
}

function stationsOf(pace: Pace): Command[] {
  return [
    aStation(pace, 'taocha', {}),
    // No neighbour can make these suspect, so what the door says of them is final.
    aStation(pace, 'weir', { area: WEST }, { nh3n: CALM, do: CALM }),
    aStation(pace, 'lake', { area: WEST, waterBody: 'lake', kind: 'lake' }),
    aStation(pace, 'offtake', { kind: 'offtake', target: null }),
  ];
}

function rulesOf({ intervalMs }: Pace): Command[] {
  const hours = intervalMs / HOUR_MS;
  const over = minutes(3 * intervalMs);
  return [
    aRule('class-target', { kind: 'class', severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' } }),
    aRule('bloom', {
      kind: 'threshold',
      parameters: ['chla'],
      op: '<=',
      limit: 12,
      for: minutes(2 * intervalMs),
      clear: { margin: 0.1, for: minutes(intervalMs) },
      severity: 'major',
    }),
    aRule('sensor-quality', { kind: 'quality', severity: 'minor' }),
    aRule('oxygen-falls', {
      kind: 'rate',
      parameters: ['do'],
      direction: 'falling',
      limit: 0.5 / hours,
      over,
      severity: 'minor',
    }),
    aRule('level-stuck', { kind: 'flat-line', parameters: ['level'], tolerance: 0.15, over, severity: 'minor' }),
    aRule('foul', { kind: 'expression', when: 'nh3n > 0.8 and do < 6', severity: 'critical' }),
    turbid(0.5),
  ];
}

export const SILENCE: Command = aRule(SILENCE_RULE, { kind: 'missing', severity: 'minor' });

/** The rule that engineers can't leave alone. */
export function turbid(limit: number, enabled = true): Command {
  return aRule(EDITED_RULE, {
    kind: 'threshold',
    parameters: ['nh3n'],
    select: { stations: ['taocha'] },
    op: '<=',
    limit,
    severity: 'minor',
    enabled,
  });
}
