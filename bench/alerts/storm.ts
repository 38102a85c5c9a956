/**
 * What a bad hour costs: 10,000 alarms raised within a minute, and a start with 100,000 open ones. Part of the benchmark
 * `alerts`. Every alarm has a notice to one channel, a step of an escalation ahead of it, and a place in derived.db on disk.
 */
import { join } from 'node:path';
import { type AlertsFollower, createAlertsFollower } from '#alerts/follower.ts';
import { createDispatcher } from '#alerts/telling/dispatch.ts';
import { atMost, type Figure, figure, inDirectory, median } from '#bench/shared/figure.ts';
import { openDerived } from '#installation/derived.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import type { Entry } from '#model/entry.ts';
import type { Series } from '#model/reading.ts';
import { routes, rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { systemClock } from '#src/clock.ts';
import { readerOf } from '#src/rule-tests/play.ts';
import type { Database } from '#src/sqlite.ts';

const PARAMETERS = ['nh3n', 'codmn', 'do', 'ph', 'temp', 'turbidity', 'ec', 'tp', 'tn', 'chla'];
const RIVERS = 10;
const T0 = Date.UTC(2026, 10, 22);
const MINUTE_MS = 60_000;
const BATCH = 200;
const STARTS = 3;
const reference = loadReference();

interface Spent {
  ms: number;
  cpuMs: number;
}

export async function storm(): Promise<Figure[]> {
  return [...(await inAMinute(1000)), ...(await started(10_000))];
}

/** Ten alarms a station. */
async function inAMinute(stations: number): Promise<Figure[]> {
  const alarms = stations * PARAMETERS.length;
  const derived = openDerived(':memory:');
  const world = worldOf(stations);
  const follower = followerOf(world, derived);
  const beganMs = systemClock.monotonicMs();
  await raise(world, follower);
  const seconds = (systemClock.monotonicMs() - beganMs) / 1000;
  const inMinute = count(derived, "SELECT count(*) AS n FROM notice WHERE state = 'pending'");
  // The flood passes; nobody is escalated to.
  for (let due = follower.nextTimerMs(); due !== null; due = follower.nextTimerMs()) await tick(world, follower, due);
  const told = count(derived, "SELECT count(*) AS n FROM notice WHERE state = 'pending'");
  const recorded = count(
    derived,
    "SELECT count(*) AS n FROM notice WHERE event = 'raised' AND state IN ('pending', 'grouped')",
  );
  const standing = count(derived, "SELECT count(*) AS n FROM alarm WHERE state = 'raised'");
  derived.close();
  if (standing !== alarms || recorded !== alarms)
    throw new Error(`of ${alarms} alarms ${standing} stand, ${recorded} are told`);
  return [
    atMost(100, `${alarms} alarms raised in a minute: notices until the flood is over`, told, 'notices'),
    figure('of these within the minute', inMinute, 'notices'),
    figure(`${alarms} alarms raised and told`, seconds, 's'),
  ];
}

/** From opening derived.db to a follower and a dispatcher that go on, and to what the dashboard is told. */
async function started(stations: number): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'derived.db');
    const world = worldOf(stations, true);
    const first = openDerived(path);
    const follower = followerOf(world, first);
    await raise(world, follower);
    // Half an hour on, so that the flood is told and nobody reads it in one piece.
    await tick(world, follower, T0 + 30 * MINUTE_MS);
    const open = [...follower.openAlarms()].length;
    const afterKill: Spent[] = [];
    for (let start = 0; start < STARTS; start++) afterKill.push(startOnce(world, path));
    follower.checkpoint();
    first.close();
    const afterEnd: Spent[] = [];
    for (let start = 0; start < STARTS; start++) afterEnd.push(startOnce(world, path));
    return [
      ...spent(`start with ${open} open alarms`, afterEnd),
      ...spent('the same after a kill, with an hour of the journal read again', afterKill),
    ];
  });
}

/** On a machine that does other things, too, the time of the processor says what it costs. */
function spent(name: string, starts: readonly Spent[]): Figure[] {
  return [
    atMost(3000, name, median(starts.map(({ ms }) => ms)), 'ms'),
    figure(`${name}: of the processor`, median(starts.map(({ cpuMs }) => cpuMs)), 'ms'),
  ];
}

function startOnce(world: World, path: string): Spent {
  const beganMs = systemClock.monotonicMs();
  const cpuBegan = process.cpuUsage();
  const derived = openDerived(path);
  const follower = followerOf(world, derived);
  const dispatcher = createDispatcher({
    derived,
    channel: () => ({ kind: 'log' }),
    ports: {
      clock: systemClock,
      log: { info: () => {}, warn: () => {} },
      policy: { allow: [], allowLoopback: false },
      publish: async () => {},
    },
    // Nothing is sent: what there is to send is only looked through.
    delay: () => () => {},
    senders: { log: () => new Promise(() => {}) },
  });
  dispatcher.wake();
  let open = 0;
  for (const _alarm of follower.openAlarms()) open++;
  if (open === 0 || follower.nextTimerMs() === null) throw new Error('nothing is open');
  const ms = systemClock.monotonicMs() - beganMs;
  const { user, system } = process.cpuUsage(cpuBegan);
  derived.close();
  return { ms, cpuMs: (user + system) / 1000 };
}

interface World {
  versions: ControlVersion[];
  series: Series[];
  entries: Entry[];
  stations: number;
}

const stationId = (n: number) => `s${String(n).padStart(5, '0')}`;

/** @param escalates with a step of an escalation a day ahead. */
function worldOf(stations: number, escalates = false): World {
  const version = (noun: ControlVersion['noun'], id: string, body: unknown): ControlVersion => {
    return { noun, id, seq: 1, atMs: T0, actor: 'bench', body };
  };
  const sites = Array.from({ length: stations }, (_, n) => {
    const names = { zh: '站', en: 'Station' };
    const parameters = PARAMETERS.map((id) => ({ id, interval: 'PT5M' }));
    const place = { kind: 'river-section', waterBody: 'river', target: 'III', river: `river-${n % RIVERS}` };
    return version('station', stationId(n), station.parse({ name: names, ...place, parameters }));
  });
  const rules = PARAMETERS.map((parameter) => {
    const body = { kind: 'threshold', parameters: [parameter], op: '<=', limit: -1, severity: 'major' };
    return version('rule', `high-${parameter}`, rule.parse(body));
  });
  const steps = escalates ? [{ channels: ['hook'], after: 'PT24H' }] : [];
  const told = version('routes', 'routes', routes.parse([{ channels: ['hook'] }, ...steps]));
  const series = Array.from({ length: stations * PARAMETERS.length }, (_, n) => ({
    id: n + 1,
    station: stationId(Math.floor(n / PARAMETERS.length)),
    parameter: PARAMETERS[n % PARAMETERS.length]!,
  }));
  return {
    versions: [...sites, ...rules, version('channel', 'hook', { kind: 'log' }), told],
    series,
    entries: [],
    stations,
  };
}

function followerOf({ versions, series, entries }: World, derived: Database): AlertsFollower {
  return createAlertsFollower({
    derived,
    reader: readerOf(entries, series),
    control: new Control(versions),
    reference,
    standard: [...reference.standards.values()][0]!,
    allowedLatenessMs: 2 * 3_600_000,
    publicUrl: 'https://wells.example/',
    timeZone: 'Asia/Shanghai',
    log: { info: () => {}, warn: () => {} },
    onAlarms: () => {},
  });
}

/** One message a station, all of them within a minute, in the batches of a follower that keeps up. */
async function raise({ entries, stations }: World, follower: AlertsFollower): Promise<void> {
  for (let n = 0; n < stations; n++) {
    const timeMs = T0 + Math.floor((n * MINUTE_MS) / stations);
    const readings = PARAMETERS.map((_, k) => {
      const series = n * PARAMETERS.length + k + 1;
      return { series, timeMs, value: 1, flag: 1, deviceFlag: null, verdict: 'new' } as const;
    });
    const seq = entries.length + 1;
    entries.push({ kind: 'message', seq, receivedMs: timeMs, source: 'gw', gatewaySeq: null, readings });
  }
  while (follower.cursor() < entries.length) {
    await follower.apply(entries.slice(follower.cursor(), follower.cursor() + BATCH));
  }
}

async function tick({ entries }: World, follower: AlertsFollower, receivedMs: number): Promise<void> {
  entries.push({ kind: 'tick', seq: entries.length + 1, receivedMs });
  await follower.apply(entries.slice(-1));
}

function count(derived: Database, sql: string): number {
  return (derived.prepare(sql).get() as { n: number }).n;
}
