/**
 * The alerts follower on a journal in memory: a test appends readings and commands, and sees alarms, transitions and
 * notices. `restart` throws the follower away and makes a new one from derived.db, as after a crash.
 */

import { type AlertsFollower, createAlertsFollower } from '#alerts/follower.ts';
import type { AlarmChange } from '#alerts/life/alarm-log.ts';
import { alarms, timeline } from '#alerts/records/answers.ts';
import { openDerived } from '#installation/derived.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import { createLinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Command, Entry, JournaledReading } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Series } from '#model/reading.ts';
import { type Rule, rule, station } from '#model/register.ts';
import { loadReference } from '#seeds/reference.ts';
import { readerOf } from '#src/rule-tests/play.ts';
import type { Database } from '#src/sqlite.ts';

export const reference = loadReference();
export const standard = [...reference.standards.values()][0]!;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
/** As the service would make it of its installation's key. */
export const linkSigner = createLinkSigner('installation-key-of-these-tests');
export const T0 = Date.UTC(2026, 10, 22);

export interface Sent {
  parameter?: string;
  station?: string;
  /** Event time, minutes after T0. */
  at: number;
  value: number | null;
  flag?: Flag;
  deviceFlag?: string;
  verdict?: JournaledReading['verdict'];
  censored?: JournaledReading['censored'];
}

export interface AlertsRigOptions {
  allowedLatenessMs?: number;
  derived?: Database;
  timeZone?: string;
  onAlarms?: (changes: AlarmChange[], seq: number) => void;
}

export function createAlertsRig(options: AlertsRigOptions = {}) {
  const derived = options.derived ?? openDerived(':memory:');
  const entries: Entry[] = [];
  const series: Series[] = [];
  let nowMs = T0;
  let follower: AlertsFollower | undefined;
  let control: Control | undefined;
  const changes: AlarmChange[] = [];

  const reader = readerOf(entries, series);

  function seriesFor(name: string, parameter: string): number {
    const known = reader.seriesByName(name, parameter);
    if (known) return known.id;
    series.push({ id: series.length + 1, station: name, parameter });
    return series.length;
  }

  function versions(through: number): ControlVersion[] {
    const newest = new Map<string, ControlVersion>();
    for (const entry of entries.slice(0, through)) {
      if (entry.kind !== 'command' || (entry.command.verb !== 'put' && entry.command.verb !== 'delete')) continue;
      const { noun, id } = entry.command;
      const body = entry.command.verb === 'put' ? entry.command.body : null;
      newest.set(`${noun} ${id}`, { noun, id, seq: entry.seq, atMs: entry.receivedMs, actor: entry.actor, body });
    }
    return [...newest.values()];
  }

  function cursorOf(): number {
    const row = derived.prepare("SELECT seq FROM cursor WHERE follower = 'alerts'").get() as
      | { seq: number }
      | undefined;
    return row?.seq ?? 0;
  }

  function start(): AlertsFollower {
    control = new Control(versions(cursorOf()));
    follower = createAlertsFollower({
      derived,
      reader,
      control,
      reference,
      standard,
      allowedLatenessMs: options.allowedLatenessMs ?? 2 * HOUR,
      publicUrl: 'https://wells.example/',
      timeZone: options.timeZone ?? 'Asia/Shanghai',
      linkSigner,
      log: { info: () => {}, warn: (fields, message) => rig.warnings.push({ fields, message }) },
      onAlarms: (some, seq) => {
        changes.push(...some);
        options.onAlarms?.(some, seq);
      },
    });
    return follower;
  }

  const started = () => follower ?? start();

  const rig = {
    derived,
    entries,
    changes,
    warnings: [] as { fields: object; message: string }[],
    control: () => control!,
    follower: started,
    seriesFor,
    nowMs: () => nowMs,
    /** Moves the journal's clock to so many minutes after T0. */
    at(minutes: number) {
      nowMs = Math.max(nowMs, T0 + minutes * MINUTE);
      return rig;
    },
    append(...some: Entry[]) {
      entries.push(...some);
    },
    /** Applies what was appended, in batches of `size`. */
    async apply(size = 1000) {
      const target = started();
      while (target.cursor() < entries.length) await target.apply(reader.read(target.cursor(), size));
      return rig;
    },
    message(...sent: Sent[]): Entry {
      const readings = sent.map(({ station: name = 'weir', parameter = 'nh3n', at, ...rest }) => ({
        series: seriesFor(name, parameter),
        timeMs: T0 + at * MINUTE,
        value: rest.value,
        flag: rest.flag ?? (rest.value === null ? 9 : 1),
        deviceFlag: rest.deviceFlag ?? null,
        verdict: rest.verdict ?? 'new',
        ...(rest.censored && { censored: rest.censored }),
      }));
      const entry: Entry = {
        kind: 'message',
        seq: entries.length + 1,
        receivedMs: nowMs,
        source: 'gw',
        gatewaySeq: null,
        readings,
      };
      entries.push(entry);
      return entry;
    },
    /** One message with these readings, applied. The clock goes to the newest of them unless it is later. */
    async send(...sent: Sent[]) {
      rig.at(Math.max(...sent.map(({ at }) => at)));
      rig.message(...sent);
      return rig.apply();
    },
    command(command: Command, actor = 'wang') {
      entries.push({ kind: 'command', seq: entries.length + 1, receivedMs: nowMs, actor, command });
      return rig;
    },
    tick() {
      entries.push({ kind: 'tick', seq: entries.length + 1, receivedMs: nowMs });
      return rig;
    },
    /** Lets time pass until so many minutes after T0, with a tick for every timer that is due, as the service would. */
    async pass(minutes: number) {
      await rig.apply();
      const endMs = T0 + minutes * MINUTE;
      for (let due = started().nextTimerMs(); due !== null && due <= endMs; due = started().nextTimerMs()) {
        nowMs = Math.max(nowMs, due);
        await rig.tick().apply();
      }
      return rig.at(minutes);
    },
    station(id: string, body: Record<string, unknown> = {}) {
      const whole = station.parse({
        name: { zh: '站', en: 'Station' },
        kind: 'river-section',
        waterBody: 'river',
        target: 'II',
        parameters: [{ id: 'nh3n', interval: 'PT5M' }],
        ...body,
      });
      return rig.command({ verb: 'put', noun: 'station', id, body: whole });
    },
    rule(id: string, body: Record<string, unknown>) {
      return rig.command({ verb: 'put', noun: 'rule', id, body: rule.parse(body) as Rule });
    },
    channel(id: string, body: Record<string, unknown>) {
      return rig.command({ verb: 'put', noun: 'channel', id, body });
    },
    routes(...body: Record<string, unknown>[]) {
      return rig.command({
        verb: 'put',
        noun: 'routes',
        id: 'routes',
        body: body.map((one) => ({ match: {}, ...one })),
      });
    },
    restart() {
      follower = undefined;
      return rig;
    },
    alarms(): Alarm[] {
      const all = { state: null, station: null, severity: null, rule: null, fromMs: null, toMs: null };
      return alarms(derived, { ...all, limit: 1000, after: null }).reverse();
    },
    timeline: (id: string) => timeline(derived, { id }),
    /** `event state` of each transition, in order. */
    story(): string[] {
      return changes.map(({ transition }) => `${transition.event} ${transition.to}`);
    },
    notices(): { channel: string; event: string; state: string; alarms: string[]; payload: Record<string, unknown> }[] {
      return derived
        .prepare('SELECT channel, event, state, alarms, payload FROM notice ORDER BY position')
        .all()
        .map((row) => ({
          channel: row.channel as string,
          event: row.event as string,
          state: row.state as string,
          alarms: JSON.parse(row.alarms as string) as string[],
          payload: JSON.parse(row.payload as string) as Record<string, unknown>,
        }));
    },
  };
  return rig;
}
export type AlertsRig = ReturnType<typeof createAlertsRig>;

/** A rig with the station `weir` (river, target II), the rule `class-target` and a channel for everything. */
export function createWeirRig(options: AlertsRigOptions = {}, ruleBody: Record<string, unknown> = {}) {
  return createAlertsRig(options)
    .station('weir', {
      area: 'shiyan',
      parameters: ['nh3n', 'do', 'ph', 'temp'].map((id) => ({ id, interval: 'PT5M' })),
    })
    .rule('class-target', {
      kind: 'class',
      severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' },
      ...ruleBody,
    })
    .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .routes({ channels: ['hook'] });
}
