/**
 * The alerts follower on a journal in memory: register entries, then readings in the order of their arrival, and what
 * became of them. The same evaluation as in the service, with no file, clock or channel.
 */

import { createAlertsFollower } from '#alerts/follower.ts';
import type { AlarmChange } from '#alerts/life/alarm-log.ts';
import { alarms } from '#alerts/records/answers.ts';
import { openDerived } from '#installation/derived.ts';
import type { JournalReader } from '#journal/port.ts';
import { Control } from '#journal/registers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { PLATFORM_RULE } from '#model/alarms/platform.ts';
import type { Entry } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Noun } from '#model/noun.ts';
import type { Censored, Series } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { Maintenance, Rule, Station } from '#model/register.ts';

export interface Arrival {
  station: string;
  parameter: string;
  timeMs: number;
  receivedMs: number;
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
  censored?: Censored | undefined;
}

/** A time in which nobody could be heard: the service was down, or its broker. */
interface Outage {
  of: 'service' | 'broker';
  fromMs: number;
  toMs: number;
}

export interface Script {
  reference: Reference;
  stations: Readonly<Record<string, Station>>;
  rules: Readonly<Record<string, Rule>>;
  allowedLatenessMs: number;
  /** Of rules' calendars; as `WK_TIME_ZONE` has it unless given. */
  timeZone?: string;
  /** In any order; each is a message of its own, of the first gateway that owns its station. */
  arrivals: readonly Arrival[];
  /** By id the stations that each owns; every station has one of its own unless given. */
  gateways?: Readonly<Record<string, readonly string[]>>;
  maintenance?: Readonly<Record<string, Maintenance>>;
  outages?: readonly Outage[];
  /** When it begins; with the first arrival unless given. */
  startMs?: number;
  /** How long time goes on; until the last arrival unless given. */
  untilMs?: number;
}

export interface Played {
  /** Every alarm that there ever was but those about the platform, late records included, by `raisedAt`. */
  alarms: Alarm[];
  changes: AlarmChange[];
}

const ALARMS_MAX = 100_000;
const ZONE = 'Asia/Shanghai';
const SILENT = { info: () => {}, warn: () => {} };
const ACTOR = 'rules:test';

export async function play(script: Script): Promise<Played> {
  const { reference, allowedLatenessMs } = script;
  const [standard] = reference.standards.values();
  if (!standard) throw new Error('the reference data has no standard');
  const entries: Entry[] = [];
  const { happenings, series } = happeningsOf(script);
  const changes: AlarmChange[] = [];
  const derived = openDerived(':memory:');
  try {
    const follower = createAlertsFollower({
      derived,
      reader: readerOf(entries, series),
      control: new Control([]),
      reference,
      standard,
      allowedLatenessMs,
      publicUrl: null,
      timeZone: script.timeZone ?? ZONE,
      log: SILENT,
      onAlarms: (some) => changes.push(...some),
    });
    const append = async (receivedMs: number, content: Content) => {
      entries.push({ ...content, seq: entries.length + 1, receivedMs } as Entry);
      await follower.apply(entries.slice(-1));
    };
    for (const { atMs, content } of happenings) {
      // While the service runs, a tick follows each timer that is due.
      for (let dueMs = follower.nextTimerMs(); dueMs !== null && dueMs < atMs; dueMs = follower.nextTimerMs()) {
        if (isDown(script, dueMs)) break;
        await append(Math.max(dueMs, entries.at(-1)?.receivedMs ?? dueMs), { kind: 'tick' });
      }
      await append(atMs, content);
    }
    const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
    const found = alarms(derived, { ...all, limit: ALARMS_MAX, after: null }).reverse();
    return { alarms: found.filter(({ rule }) => rule !== PLATFORM_RULE), changes };
  } finally {
    derived.close();
  }
}

/** An entry before it has its place. */
type Content = Entry extends infer E ? (E extends Entry ? Omit<E, 'seq' | 'receivedMs'> : never) : never;

interface Happening {
  atMs: number;
  content: Content;
}

function isDown({ outages = [] }: Script, timeMs: number): boolean {
  return outages.some(({ of, fromMs, toMs }) => of === 'service' && fromMs <= timeMs && timeMs < toMs);
}

/** What a journal would have taken, in order. */
function happeningsOf(script: Script): { happenings: Happening[]; series: Series[] } {
  const inOrder = script.arrivals.toSorted((a, b) => a.receivedMs - b.receivedMs);
  const firstMs = inOrder[0]?.receivedMs;
  const startMs = Math.min(script.startMs ?? firstMs ?? 0, firstMs ?? Number.POSITIVE_INFINITY);
  const { messages, series } = messagesOf(inOrder, script);
  const outages = (script.outages ?? []).flatMap(outageHappenings);
  const untilMs = script.untilMs ?? Number.NEGATIVE_INFINITY;
  const last: Happening[] = Number.isFinite(untilMs) ? [{ atMs: untilMs, content: { kind: 'tick' } }] : [];
  const later = [...outages, ...messages, ...last].toSorted((a, b) => a.atMs - b.atMs);
  return { happenings: [...registered(script).map((content) => ({ atMs: startMs, content })), ...later], series };
}

function registered({ stations, rules, gateways, maintenance = {} }: Script): Content[] {
  const owned = gateways ?? Object.fromEntries(Object.keys(stations).map((id) => [`gw.${id}`, [id]]));
  const put = (noun: Noun, id: string, body: unknown): Content => ({
    kind: 'command',
    actor: ACTOR,
    command: { verb: 'put', noun, id, body },
  });
  const all = (noun: Noun, register: object) => Object.entries(register).map(([id, body]) => put(noun, id, body));
  return [
    ...all('station', stations),
    ...Object.entries(owned).map(([id, list]) => put('gateway', id, { stations: list, passwordHash: '' })),
    ...all('maintenance', maintenance),
    ...all('rule', rules),
  ];
}

function outageHappenings({ of, fromMs, toMs }: Outage): Happening[] {
  if (of === 'service') return [{ atMs: toMs, content: { kind: 'start', downSinceMs: fromMs } }];
  const change = (state: 'begun' | 'ended', sinceMs: number): Happening => ({
    atMs: sinceMs,
    content: {
      kind: 'command',
      actor: ACTOR,
      command: { verb: 'platform', condition: 'broker.unreachable', state, sinceMs, detail: '' },
    },
  });
  return [change('begun', fromMs), change('ended', toMs)];
}

/** The messages that a door would have journaled. */
function messagesOf(inOrder: readonly Arrival[], { gateways = {} }: Script) {
  const series: Series[] = [];
  const known = new Map<string, number | null>();
  const messages = inOrder.map(({ station, parameter, timeMs, receivedMs, ...measured }): Happening => {
    const { value } = measured;
    let id = series.find((one) => one.station === station && one.parameter === parameter)?.id;
    if (id === undefined) {
      id = series.length + 1;
      series.push({ id, station, parameter });
    }
    const key = `${id} ${timeMs}`;
    const verdict = !known.has(key) ? 'new' : known.get(key) === value ? 'duplicate' : 'correction';
    known.set(key, value);
    const readings = [{ series: id, timeMs, ...measured, verdict } as const];
    const owner = Object.entries(gateways).find(([, list]) => list.includes(station))?.[0] ?? `gw.${station}`;
    return {
      atMs: receivedMs,
      content: { kind: 'message', source: owner, gatewaySeq: null, readings: [...readings] },
    };
  });
  return { messages, series };
}

/** A journal in memory, as its followers read it. Entry `seq` stands at index `seq` − 1, series `id` likewise. */
export function readerOf(entries: readonly Entry[], series: Series[]): JournalReader {
  return {
    headSeq: () => entries.length,
    oldestSeq: () => 1,
    read: (after, limit) => entries.slice(after, after + limit),
    tail: (limit) => entries.slice(-limit),
    raw: () => undefined,
    seriesById: (id) => series[id - 1],
    seriesByName: (station, parameter) => series.find((one) => one.station === station && one.parameter === parameter),
    allSeries: () => series,
    intakeCounts: () => [],
  };
}
