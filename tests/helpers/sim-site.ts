/** The installation that is simulated: four stations behind three gateways, two meters, three rules, three recipients. */
import type { Command, Noun } from '#model/entry.ts';
import { channel, meter, routes, rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';

const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const SLOT_MS = 10 * MINUTE_MS;
/** How often every station measures. */
export const INTERVAL_MS = 30 * MINUTE_MS;
export const START_MS = Date.UTC(2026, 10, 21, 23, 5);
export const TIME_ZONE = 'Asia/Shanghai';
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

function aStation(id: string, more: Record<string, unknown>, qc: Record<string, object> = {}): Command {
  const parameters = COURSES.filter((course) => course.station === id).map(({ parameter }) => ({
    id: parameter,
    interval: 'PT30M',
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
const hook = (to: string) => channel.parse({ kind: 'webhook', url: `http://${to}.example/` });

/** What is registered before anything arrives. */
export const SITE: readonly Command[] = [
  aStation('taocha', {}),
  // No neighbour can make these suspect, so what the door says of them is final.
  aStation('weir', { area: WEST }, { nh3n: { spike: [1e6, 1e6] } }),
  aStation('lake', { area: WEST, waterBody: 'lake', kind: 'lake' }),
  aStation('offtake', { kind: 'offtake', target: null }),
  put('meter', 'm-register', meter.parse({ ...offtake, parameter: 'register', kind: 'register', size: 1e6 })),
  put('meter', 'm-flow', meter.parse({ ...offtake, parameter: 'flow', kind: 'flow', unit: 'm3/s' })),
  put(
    'rule',
    'class-target',
    rule.parse({ kind: 'class', severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' } }),
  ),
  put(
    'rule',
    'bloom',
    rule.parse({
      kind: 'threshold',
      parameters: ['chla'],
      op: '<=',
      limit: 12,
      for: 'PT1H',
      clear: { margin: 0.1, for: 'PT30M' },
      severity: 'major',
    }),
  ),
  put('rule', 'sensor-quality', rule.parse({ kind: 'quality', severity: 'minor' })),
  ...['all', 'bad', 'west'].map((id) => put('channel', id, hook(id))),
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
