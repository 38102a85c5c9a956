/**
 * Rules of kind `missing`: what the register expects and nobody hears becomes an alarm, of the parameter, of the station,
 * or of the gateway with its stations as children. Raised by timers and cleared by the first reading. A timer may be early;
 * then it is set anew.
 */

import type { AlarmLog } from '#alerts/life/alarm-log.ts';
import { clear, namesIn, OUT_OF_CALENDAR, withdraw } from '#alerts/life/lifecycle.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import { createTimers } from '#alerts/life/timers.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { selects } from '#alerts/rules/conditions.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import { type Alarm, GATEWAYS_STATION, WHOLE_STATION } from '#model/alarms/alarm.ts';
import type { CommandEntry, Entry, MessageEntry } from '#model/entry.ts';
import { createExpected } from './expected.ts';
import { createLooks, type Hands, NEVER, postKey, watchOf } from './looks.ts';
import { createOpenings } from './openings.ts';
import { type MissingRule, sitesBehind, slotsOf } from './silence.ts';
import { advance, listen, neededAt, newUpClock, type UpClock } from './up-clock.ts';

interface Options {
  store: AlertStore;
  control: Control;
  reader: Pick<JournalReader, 'seriesById'>;
  /** Of rules' calendars. */
  timeZone: string;
}

export interface Missing {
  /** Before anything else of an entry: time passes, and what is due by then happens. `log` null: nothing is told. */
  advance(entry: Entry, occasion: Occasion, log: AlarmLog | null): void;
  /** After that: those whom a message lets us hear. */
  message(entry: MessageEntry, occasion: Occasion, log: AlarmLog | null): void;
  /** A rule, station or gateway has changed, in the registers already. */
  changed(entry: CommandEntry, occasion: Occasion, log: AlarmLog): void;
  /** The `receivedMs` at which something is due, or a pulse of the clock while something will be; or null. */
  nextMs(): number | null;
  /** The alarm that this one is a consequence of now, or null. */
  parentOf(alarm: Alarm): string | null;
  /** The stations whose silence is a consequence of what a gateway's alarm is about; none for any other alarm. */
  stationsBehind(alarm: Alarm): string[];
  /** An entry that can't be digested: time passes all the same. Its change is in the registers already. */
  skip(entry: Entry): void;
  save(): void;
}

/** Not split: one closure over who is expected and which alarms stand, shared by short parts. */
export function createMissing({ store, control, reader, timeZone }: Options): Missing {
  const clock: UpClock = restoredClock(store);
  const expected = createExpected({ control, reader, clock });
  const timers = createTimers();
  const openings = createOpenings(control, clock, timeZone);
  /** Those that look now. */
  let rules: { id: string; body: MissingRule }[] = [];
  /** Alarms about silence that stand, by key. */
  const standing = new Map<string, string>();
  /** Stations and gateways that a message may change something for at once. */
  const attentive = new Set<string>();

  function wants(rule: MissingRule, station: string): boolean {
    const body = control.get('station', station);
    return rule.enabled && body !== undefined && selects(rule, station, body);
  }

  function readRules(): void {
    openings.read();
    rules = openings.rules();
  }

  /** The calendars of rules let them look, or no longer: then what stands is cleared. */
  function openAndClose(hands: Hands | null): void {
    const passed = openings.pass();
    if (passed.length === 0) return;
    rules = openings.rules();
    if (!hands) return;
    for (const { id, isOpen, atMs } of passed) {
      for (const [key, alarm] of [...standing].sort(byName)) {
        if (namesIn(key).rule !== id) continue;
        write(hands, clear(store.alarm(alarm)!.alarm, atMs, OUT_OF_CALENDAR));
        attentive.delete(key);
        schedule(key, NEVER);
      }
      const body = isOpen ? ruleOf(id) : undefined;
      if (body) lookEverywhere(hands, id, body);
    }
  }

  function lookEverywhere(hands: Hands | null, id: string, body: MissingRule): void {
    for (const post of expected.posts()) lookAtPost(hands, id, body, post);
    for (const site of expected.sites()) lookAtSite(hands, id, body, site);
  }

  const ruleOf = (id: string) => rules.find((rule) => rule.id === id)?.body;
  const { lookAtPost, lookAtSite, schedule, parent, write } = createLooks({
    store,
    clock,
    expected,
    timers,
    standing,
    attentive,
    wants,
  });

  /** A station's or a gateway's watch by its name. */
  function look(hands: Hands | null, name: string): number {
    const { rule: id, station, parameter } = namesIn(name);
    const body = ruleOf(id);
    const post = station === GATEWAYS_STATION ? expected.post(parameter) : undefined;
    const site = expected.site(station);
    if (body && post) return lookAtPost(hands, id, body, post);
    if (body && site) return lookAtSite(hands, id, body, site);
    schedule(name, NEVER);
    return NEVER;
  }

  /** What stands was perhaps our own deafness. */
  function lookAgain(hands: Hands, key: string): void {
    const { rule, station } = namesIn(key);
    look(hands, station === GATEWAYS_STATION ? key : watchOf(rule, station));
  }

  /** When the next timer is truly due. */
  function nextUpMs(): number | null {
    for (let first = timers.first(); first; first = timers.first()) {
      const dueMs = look(null, first.name);
      if (dueMs <= first.dueMs) return dueMs;
    }
    return null;
  }

  /** A timer may have been early, so what is due at once is looked at in the order of the names. */
  function sweep(hands: Hands): void {
    for (let names = timers.take(clock.upMs); names.length > 0; names = timers.take(clock.upMs)) {
      for (const name of names.sort()) look(hands, name);
    }
  }

  /** At these gateways and stations, and at what is behind those gateways: each may wait for the others. */
  function lookAround(hands: Hands, gateways: ReadonlySet<string>, stations: ReadonlySet<string>): void {
    const posts = [...gateways].sort().flatMap((gateway) => expected.post(gateway) ?? []);
    const around = new Set([...stations, ...posts.flatMap(({ owns }) => owns)]);
    const sites = [...around].sort().flatMap((station) => expected.site(station) ?? []);
    for (const { id, body } of rules) {
      for (const post of posts) lookAtPost(hands, id, body, post);
      for (const site of sites) lookAtSite(hands, id, body, site);
    }
  }

  /** Ends what nothing is expected for any more. */
  function endUnexpected(hands: Hands, actor: string, cause: string, isConcerned: (key: string) => boolean): void {
    for (const [key, alarm] of [...standing].sort(byName)) {
      if (!isConcerned(key) || isExpected(key)) continue;
      const step = withdraw(store.alarm(alarm)!.alarm, cause, actor);
      if (step) write(hands, step);
      attentive.delete(key);
      schedule(key, NEVER);
    }
  }

  function isExpected(key: string): boolean {
    const { rule: id, station, parameter } = namesIn(key);
    const body = ruleOf(id);
    if (!body) return false;
    if (station === GATEWAYS_STATION) {
      const post = expected.post(parameter);
      return post !== undefined && sitesBehind(body, post, expected, wants).length >= 2;
    }
    const site = expected.site(station);
    if (!site || !wants(body, station)) return false;
    const slots = slotsOf(body, site);
    return parameter === WHOLE_STATION ? slots.length > 0 : slots.some(([name]) => name === parameter);
  }

  function restore(): void {
    for (const kind of ['site', 'post'] as const) {
      for (const { id, body } of store.parts(kind)) expected.restore(kind, id, body);
    }
    readRules();
    // What an earlier version has left: everybody is expected from now on.
    for (const { id } of control.list('gateway')) if (!expected.post(id)) expected.gateway(id);
    // Also of rules that don't look now: they may have looked when the alarm was raised, after what is read again.
    for (const { id, body } of control.list('rule')) {
      if (body.kind !== 'missing') continue;
      for (const alarm of store.openOf(id)) if (alarm.clearedAtMs === null) standing.set(alarm.key, alarm.id);
    }
  }

  /** Everything is looked at once, without a hand, so that every timer is set. */
  function wake(): void {
    for (const { id, body } of rules) lookEverywhere(null, id, body);
    isAwake = true;
  }

  let isAwake = false;
  restore();

  return {
    advance(entry, occasion, log) {
      if (log && !isAwake) wake();
      advance(clock, entry);
      openAndClose(log && { occasion, log });
      if (log) sweep({ occasion, log });
      if (listen(clock, entry) && log) for (const key of [...standing.keys()].sort()) lookAgain({ occasion, log }, key);
    },
    message(entry, occasion, log) {
      const { sites, post } = expected.hear(entry);
      if (!log) return;
      const hands = { occasion, log };
      const stations = new Set([...sites].map(({ station }) => station));
      for (const { id, body } of rules) {
        const isWaitedFor = post !== undefined && attentive.delete(postKey(id, post));
        if (isWaitedFor) lookAtPost(hands, id, body, post);
        const concerned = isWaitedFor ? new Set([...stations, ...post.owns]) : stations;
        for (const station of concerned) {
          const site = attentive.has(watchOf(id, station)) ? expected.site(station) : undefined;
          if (site) lookAtSite(hands, id, body, site);
        }
      }
    },
    changed({ actor, command }, occasion, log) {
      if (command.verb !== 'put' && command.verb !== 'delete') return;
      if (!isAwake) wake();
      const hands = { occasion, log };
      const { noun, id } = command;
      const isGone = command.verb === 'delete';
      if (noun === 'rule') {
        readRules();
        endUnexpected(hands, actor, isGone ? 'rule removed' : 'rule changed', (key) => namesIn(key).rule === id);
        const body = ruleOf(id);
        if (body) lookEverywhere(hands, id, body);
        return;
      }
      const concerned = new Set(noun === 'gateway' ? expected.gateway(id) : expected.station(id));
      const around = expected.posts().filter(({ owns }) => owns.some((station) => concerned.has(station)));
      const posts = new Set([id, ...around.map(({ gateway }) => gateway)]);
      const cause = isGone ? `${noun} removed` : `${noun} changed: nothing is expected here any more`;
      endUnexpected(hands, actor, cause, (key) => {
        const { station, parameter } = namesIn(key);
        return station === GATEWAYS_STATION ? posts.has(parameter) : concerned.has(station);
      });
      lookAround(hands, posts, concerned);
    },
    nextMs() {
      if (!isAwake) wake();
      const upMs = nextUpMs();
      const times = [upMs === null ? null : neededAt(clock, upMs), openings.nextMs()].filter((time) => time !== null);
      return times.length === 0 ? null : Math.min(...times);
    },
    parentOf({ key }) {
      const { rule: id, station, parameter } = namesIn(key);
      const body = ruleOf(id);
      const site = expected.site(station);
      if (!body || !site || parameter !== WHOLE_STATION) return null;
      const above = parent(id, body, site);
      return (above && standing.get(postKey(id, above.posts[0]!))) ?? null;
    },
    stationsBehind({ rule, station, parameter }) {
      const body = ruleOf(rule);
      const post = station === GATEWAYS_STATION ? expected.post(parameter) : undefined;
      return body && post ? sitesBehind(body, post, expected, wants).map((site) => site.station) : [];
    },
    skip(entry) {
      advance(clock, entry);
      listen(clock, entry);
      if (entry.kind !== 'command' || (entry.command.verb !== 'put' && entry.command.verb !== 'delete')) return;
      const { noun, id } = entry.command;
      if (noun === 'rule') readRules();
      if (noun === 'gateway') expected.gateway(id);
      if (noun === 'station') expected.station(id);
    },
    save() {
      store.savePart('clock', '', JSON.stringify(clock));
      for (const { kind, id, body } of expected.takeDirty()) {
        if (body === null) store.dropPart(kind, id);
        else store.savePart(kind, id, body);
      }
    },
  };
}

function restoredClock(store: AlertStore): UpClock {
  const [saved] = store.parts('clock');
  return saved ? (JSON.parse(saved.body) as UpClock) : newUpClock(store.progress().receivedMs);
}

/** What happens at once happens in one order, whatever was restored before. */
function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
