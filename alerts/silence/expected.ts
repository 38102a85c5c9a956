/**
 * Who is expected to say something, and when each was last heard: stations that a gateway owns, with the parameters for
 * which the register gives an interval, and those gateways. Times are those of the up-clock beside `receivedMs`.
 */

import { Dialects } from '#journal/dialects.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import type { Letters } from '#model/dialect.ts';
import { durationMs } from '#model/duration.ts';
import { isImport, type MessageEntry } from '#model/entry.ts';
import { isServiceLetter } from '#model/flag.ts';
import type { Station } from '#model/register.ts';
import type { UpClock } from './up-clock.ts';

/** A moment in both clocks. */
export interface Moment {
  upMs: number;
  atMs: number;
}

/** A parameter of which a reading is expected each `everyMs`, since `from`. */
export interface Slot {
  everyMs: number;
  from: Moment;
  heard: Moment | null;
}

/** Somebody who speaks now and then; `since` = when the stretch began in which no pause was longer than the grace. */
interface Speaker {
  heard: Moment | null;
  since: Moment | null;
}

export interface Site extends Speaker {
  station: string;
  slots: Map<string, Slot>;
  /** The shortest interval. */
  everyMs: number;
  /** Of those who own it, in order. */
  gateways: string[];
}

export interface Post extends Speaker {
  gateway: string;
  /** What it owns, expected or not. */
  owns: string[];
}

const GRACE_MIN_MS = 5 * 60_000;

/** How long who speaks each `everyMs` may take to be heard: three intervals, at least five minutes. */
export function graceMs(everyMs: number): number {
  return Math.max(3 * everyMs, GRACE_MIN_MS);
}

interface Options {
  control: Control;
  reader: Pick<JournalReader, 'seriesById'>;
  clock: UpClock;
}

export interface Expected {
  site(station: string): Site | undefined;
  post(gateway: string): Post | undefined;
  /** In the order of their names. */
  sites(): readonly Site[];
  posts(): readonly Post[];
  /** Takes over what the registers now say of a station, or of a gateway; the stations that this is about. */
  station(id: string): string[];
  gateway(id: string): string[];
  /** Those whom a message lets us hear. */
  hear(entry: MessageEntry): { sites: Iterable<Site>; post: Post | undefined };
  /** What has changed since it was last asked, as JSON by kind and id; null = gone. */
  takeDirty(): { kind: 'site' | 'post'; id: string; body: string | null }[];
  restore(kind: 'site' | 'post', id: string, body: string): void;
}

interface Target {
  site: Site;
  slot: Slot | undefined;
}

/** Not split: one closure over who is expected, shared by short parts. */
export function createExpected({ control, reader, clock }: Options): Expected {
  const dialects = new Dialects(control);
  const sites = new Map<string, Site>();
  const posts = new Map<string, Post>();
  const owners = new Map<string, Set<string>>();
  /** By series; undefined = not looked up yet. */
  let targets: (Target | null | undefined)[] = [];
  const everyMsByPost = new Map<string, number>();
  const dirty = { site: new Set<string>(), post: new Set<string>() };

  const now = (): Moment => ({ upMs: clock.upMs, atMs: clock.nowMs });

  function syncSite(id: string): void {
    targets = [];
    everyMsByPost.clear();
    const intervals = expectedOf(control.get('station', id));
    const gateways = [...(owners.get(id) ?? [])].sort();
    if (intervals.size === 0 || gateways.length === 0) {
      if (sites.delete(id)) dirty.site.add(id);
      return;
    }
    const known = sites.get(id);
    const site: Site = known ?? { station: id, slots: new Map(), everyMs: 0, gateways, heard: null, since: null };
    site.gateways = gateways;
    for (const parameter of site.slots.keys()) if (!intervals.has(parameter)) site.slots.delete(parameter);
    for (const [parameter, everyMs] of intervals) {
      // Another interval is another expectation: it counts from now on.
      if (site.slots.get(parameter)?.everyMs === everyMs) continue;
      site.slots.set(parameter, { everyMs, from: now(), heard: null });
    }
    site.everyMs = Math.min(...intervals.values());
    sites.set(id, site);
    dirty.site.add(id);
  }

  /** The shortest interval of the stations behind a gateway; infinite for none. */
  function everyMsBehind({ gateway, owns }: Post): number {
    return everyMsByPost.getOrInsertComputed(gateway, () =>
      owns.reduce((least, station) => Math.min(least, sites.get(station)?.everyMs ?? least), Number.POSITIVE_INFINITY),
    );
  }

  function own(gateway: string): string[] {
    everyMsByPost.clear();
    const before = posts.get(gateway)?.owns ?? [];
    const after = control.get('gateway', gateway)?.stations ?? null;
    for (const station of before) owners.get(station)?.delete(gateway);
    if (after === null) posts.delete(gateway);
    else posts.set(gateway, { heard: null, since: null, ...posts.get(gateway), gateway, owns: after });
    for (const station of after ?? []) owners.getOrInsertComputed(station, () => new Set()).add(gateway);
    dirty.post.add(gateway);
    return [...new Set([...before, ...(after ?? [])])];
  }

  function targetOf(series: number): Target | null {
    const known = targets[series];
    if (known !== undefined) return known;
    const name = reader.seriesById(series);
    const site = name && sites.get(name.station);
    const target = site ? { site, slot: site.slots.get(name.parameter) } : null;
    // A series that isn't known yet may be so later; those that are stay.
    if (name) targets[series] = target;
    return target;
  }

  function lettersOf(series: number): Letters | undefined {
    const name = reader.seriesById(series);
    return name && dialects.at(name.station).letters;
  }

  function heardFrom(speaker: Speaker, everyMs: number, now: Moment): void {
    const moment = notBefore(speaker.heard, now);
    const isAnew = speaker.heard === null || moment.upMs - speaker.heard.upMs >= graceMs(everyMs);
    if (isAnew || speaker.since === null) speaker.since = moment;
    speaker.heard = moment;
  }

  const nobody = { sites: [], post: undefined };

  return {
    site: (station) => sites.get(station),
    post: (gateway) => posts.get(gateway),
    sites: () => inOrder(sites),
    posts: () => inOrder(posts),
    station(id) {
      syncSite(id);
      return [id];
    },
    gateway(id) {
      const concerned = own(id);
      for (const station of concerned) syncSite(station);
      return concerned;
    },
    hear(entry) {
      // History is no sign of life.
      if (isImport(entry.source)) return nobody;
      const moment = now();
      const post = posts.get(entry.source);
      if (post) {
        heardFrom(post, everyMsBehind(post), moment);
        dirty.post.add(post.gateway);
      }
      const heard = new Set<Site>();
      for (const { series, value, deviceFlag, verdict } of entry.readings) {
        // The same reading again, or "measured nothing" without a letter that says why, is no reading.
        if (verdict === 'duplicate' || (value === null && !isServiceLetter(deviceFlag, lettersOf(series)))) continue;
        const target = targetOf(series);
        if (!target) continue;
        if (target.slot) target.slot.heard = notBefore(target.slot.heard, moment);
        heard.add(target.site);
      }
      for (const site of heard) {
        heardFrom(site, site.everyMs, moment);
        dirty.site.add(site.station);
      }
      return { sites: heard, post };
    },
    takeDirty() {
      const taken = [...dirty.site].map((id) => ({ kind: 'site' as const, id, body: siteBody(sites.get(id)) }));
      const others = [...dirty.post].map((id) => ({ kind: 'post' as const, id, body: postBody(posts.get(id)) }));
      dirty.site.clear();
      dirty.post.clear();
      return [...taken, ...others];
    },
    restore(kind, id, body) {
      if (kind === 'site') sites.set(id, siteFrom(id, body));
      else {
        const post = { gateway: id, ...(JSON.parse(body) as Omit<Post, 'gateway'>) };
        posts.set(id, post);
        for (const station of post.owns) owners.getOrInsertComputed(station, () => new Set()).add(id);
      }
    },
  };
}

/** The up-clock may be set back: nobody is heard before they were. */
function notBefore(heard: Moment | null, now: Moment): Moment {
  return heard !== null && heard.upMs > now.upMs ? { upMs: heard.upMs, atMs: now.atMs } : now;
}

/** By name, so that what happens to several at once doesn't depend on what was restored before. */
function inOrder<T>(named: ReadonlyMap<string, T>): T[] {
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function expectedOf(station: Station | undefined): Map<string, number> {
  const intervals = new Map<string, number>();
  for (const { id, interval } of station?.parameters ?? []) {
    if (interval !== undefined && durationMs(interval) > 0) intervals.set(id, durationMs(interval));
  }
  return intervals;
}

function siteBody(site: Site | undefined): string | null {
  return site ? JSON.stringify({ ...site, station: undefined, slots: [...site.slots] }) : null;
}

function siteFrom(station: string, body: string): Site {
  const saved = JSON.parse(body) as Omit<Site, 'station' | 'slots'> & { slots: [string, Slot][] };
  return { ...saved, station, slots: new Map(saved.slots) };
}

function postBody(post: Post | undefined): string | null {
  return post ? JSON.stringify({ ...post, gateway: undefined }) : null;
}
