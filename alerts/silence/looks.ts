/**
 * What happens when somebody who is expected to speak is looked at: an alarm of a parameter, of a station, or of a gateway
 * with its stations as children is raised, becomes more severe, is told for itself after all, or ends. A look without
 * hands changes nothing and says when one with hands would.
 */

import type { AlarmLog } from '#alerts/life/alarm-log.ts';
import { clear, keyOf, resuppress, type Step, withdraw } from '#alerts/life/lifecycle.ts';
import { isHeldByMaintenance } from '#alerts/life/maintenance.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import type { Timers } from '#alerts/life/timers.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { isMoreSevere } from '#alerts/rules/grades.ts';
import { GATEWAYS_STATION, WHOLE_STATION } from '#model/alarms/alarm.ts';
import { type Phrase, phrase } from '#model/alarms/phrases.ts';
import { nowSilent, raiseSilence, silentSeverity } from './alarms.ts';
import type { Expected, Post, Site } from './expected.ts';
import {
  isQuiet,
  isSilent,
  type MissingRule,
  postSilence,
  restsMs,
  type Silence,
  siteSilence,
  sitesBehind,
  slotSilence,
  slotsOf,
} from './silence.ts';
import type { UpClock } from './up-clock.ts';

export const NEVER = Number.POSITIVE_INFINITY;

export type Hands = { occasion: Occasion; log: AlarmLog };

interface Options {
  store: AlertStore;
  clock: UpClock;
  expected: Expected;
  timers: Timers;
  /** Alarms about silence that stand, by key. */
  standing: Map<string, string>;
  /** Watches for which a message may change something at once. */
  attentive: Set<string>;
  wants: (rule: MissingRule, station: string) => boolean;
}

/** The watch of a rule over a station, and over a gateway: named like the keys of their alarms. */
export function watchOf(rule: string, station: string): string {
  return keyOf(rule, station, WHOLE_STATION);
}

export function postKey(rule: string, { gateway }: Post): string {
  return keyOf(rule, GATEWAYS_STATION, gateway);
}

/** Not split: one closure over who is expected and which alarms stand, shared by short parts. */
export function createLooks({ store, clock, expected, timers, standing, attentive, wants }: Options) {
  const atMs = (upMs: number) => clock.nowMs - (clock.upMs - upMs);

  function write(hands: Hands, step: Step): void {
    const { alarm } = step;
    hands.log.write(step, hands.occasion);
    if (alarm.clearedAtMs === null && alarm.state !== 'withdrawn') standing.set(alarm.key, alarm.id);
    else standing.delete(alarm.key);
  }

  function raise(hands: Hands, key: string, silence: Silence, body: MissingRule, what: Phrase, parent: string | null) {
    const raisedAtMs = atMs(Math.min(clock.upMs, silence.dueUpMs));
    write(hands, raiseSilence(key, silence, { body, what, parent, raisedAtMs, occasion: hands.occasion, clock }));
    return standing.get(key)!;
  }

  /** One that stands: ended when somebody was heard, else made more severe in time. When to look again. */
  function attend(hands: Hands | null, key: string, silence: Silence, body: MissingRule): number {
    const known = store.alarm(standing.get(key)!)!.alarm;
    if (!isSilent(silence, clock)) {
      if (!hands) return clock.upMs;
      // Without a reading since: it was our own hearing.
      const isHeard = silence.since.atMs > known.breachStartMs || clock.deafBy.length === 0;
      const step = isHeard
        ? clear(known, clock.nowMs, nowHeard(silence))
        : withdraw(known, 'nobody could be heard then');
      if (step) write(hands, step);
      return NEVER;
    }
    const { severity, nextUpMs } = silentSeverity(body, silence, clock);
    if (isMoreSevere(severity, known.severity)) {
      if (!hands) return clock.upMs;
      write(hands, nowSilent(known, severity, silence, clock));
    }
    return nextUpMs ?? NEVER;
  }

  function nowHeard(silence: Silence): string {
    return clock.upMs === silence.since.upMs ? 'heard again' : 'the rule waits longer now';
  }

  /**
   * Of which silent gateway a silent station is a consequence. `untilUpMs`: it has been quiet for longer than usual, so
   * that will be known then; `raise` makes its alarm.
   */
  function parent(id: string, body: MissingRule, site: Site): { untilUpMs: number; posts: Post[] } | null {
    const posts = site.gateways.flatMap((gateway) => expected.post(gateway) ?? []);
    let untilUpMs = -NEVER;
    for (const post of posts) {
      const sites = sitesBehind(body, post, expected, wants);
      if (sites.length < 2) return null;
      if (standing.has(postKey(id, post))) continue;
      const silence = postSilence(body, post, sites, clock);
      if (!isQuiet(silence, clock)) return null;
      untilUpMs = Math.max(untilUpMs, silence.dueUpMs);
    }
    return posts.length === 0 ? null : { untilUpMs, posts };
  }

  function offline(hands: Hands, id: string, body: MissingRule, posts: readonly Post[]): string {
    for (const post of posts) {
      const key = postKey(id, post);
      if (standing.has(key)) continue;
      const sites = sitesBehind(body, post, expected, wants);
      raise(
        hands,
        key,
        postSilence(body, post, sites, clock),
        body,
        phrase('silence.gateway', { n: sites.length }),
        null,
      );
      lookAtPost(hands, id, body, post);
    }
    return standing.get(postKey(id, posts[0]!))!;
  }

  function lookAtPost(hands: Hands | null, id: string, body: MissingRule, post: Post): number {
    const key = postKey(id, post);
    if (!standing.has(key)) return NEVER;
    attentive.add(key);
    const sites = sitesBehind(body, post, expected, wants);
    const nextUpMs = sites.length === 0 ? NEVER : attend(hands, key, postSilence(body, post, sites, clock), body);
    schedule(key, nextUpMs);
    if (!standing.has(key)) attentive.delete(key);
    return nextUpMs;
  }

  /** Whether a gateway is silent is known when it is due, or when it speaks. */
  function awaited(id: string, { untilUpMs, posts }: { untilUpMs: number; posts: readonly Post[] }): number {
    for (const post of posts) attentive.add(postKey(id, post));
    return untilUpMs;
  }

  /** The whole of a station: raised at once, or with its gateway, or once that is known. */
  function lookAtWhole(hands: Hands | null, id: string, body: MissingRule, site: Site, silence: Silence): number {
    const key = keyOf(id, site.station, WHOLE_STATION);
    if (standing.has(key)) {
      const nextUpMs = attend(hands, key, silence, body);
      if (standing.has(key)) {
        return isSilent(silence, clock) ? Math.min(nextUpMs, lookAtParent(hands, id, body, site, key)) : nextUpMs;
      }
    }
    if (clock.upMs < silence.dueUpMs) return silence.dueUpMs;
    const above = parent(id, body, site);
    if (above && clock.upMs < above.untilUpMs) return awaited(id, above);
    if (!hands) return clock.upMs;
    const cause = above ? offline(hands, id, body, above.posts) : null;
    raise(hands, key, silence, body, phrase('silence.station'), cause);
    return attend(hands, key, silence, body);
  }

  /** A child whose gateway is back has its grace; after that it is told for itself. */
  function lookAtParent(hands: Hands | null, id: string, body: MissingRule, site: Site, key: string): number {
    const known = store.alarm(standing.get(key)!)!.alarm;
    const by = known.suppressedBy;
    if (by === null || isHeldByMaintenance(by)) return NEVER;
    const above = parent(id, body, site);
    if (above && clock.upMs < above.untilUpMs) return awaited(id, above);
    if (above) {
      if (
        above.posts.every((post) => standing.has(postKey(id, post))) &&
        by === standing.get(postKey(id, above.posts[0]!))
      ) {
        return NEVER;
      }
      if (!hands) return clock.upMs;
      const next = offline(hands, id, body, above.posts);
      if (next !== by) write(hands, resuppress(known, next, 'its gateway is silent again'));
      return NEVER;
    }
    const back = Math.max(...site.gateways.map((gateway) => expected.post(gateway)?.since?.upMs ?? -NEVER));
    const freeUpMs = back + restsMs(site, body);
    if (clock.upMs < freeUpMs) return freeUpMs;
    if (!hands) return clock.upMs;
    write(hands, resuppress(known, null, 'its gateway is back, and it is still silent'));
    return NEVER;
  }

  /** One of several parameters, while the station itself speaks. */
  function lookAtSlots(hands: Hands | null, id: string, body: MissingRule, site: Site, whole: Silence): number {
    let nextUpMs = NEVER;
    let isHeld = false;
    const isWholeTold = standing.has(keyOf(id, site.station, WHOLE_STATION));
    for (const [parameter, slot] of slotsOf(body, site)) {
      const key = keyOf(id, site.station, parameter);
      const silence = slotSilence(body, site, slot, clock);
      if (standing.has(key)) nextUpMs = Math.min(nextUpMs, attend(hands, key, silence, body));
      if (standing.has(key) || isWholeTold || clock.upMs >= whole.dueUpMs) continue;
      if (clock.upMs < silence.dueUpMs) {
        nextUpMs = Math.min(nextUpMs, silence.dueUpMs);
        continue;
      }
      // The station may be about to fall silent as a whole: that is known when it is due, or when it speaks.
      if (isQuiet(whole, clock)) isHeld = true;
      else if (!hands) return clock.upMs;
      else {
        raise(hands, key, silence, body, phrase('silence.parameter', { parameter }), null);
        nextUpMs = Math.min(nextUpMs, attend(hands, key, silence, body));
      }
    }
    if (isHeld) attentive.add(watchOf(id, site.station));
    return nextUpMs;
  }

  function lookAtSite(hands: Hands | null, id: string, body: MissingRule, site: Site): number {
    const name = watchOf(id, site.station);
    const silence = wants(body, site.station) ? siteSilence(body, site, clock) : null;
    attentive.delete(name);
    if (!silence) {
      schedule(name, NEVER);
      return NEVER;
    }
    const whole = lookAtWhole(hands, id, body, site, silence);
    const nextUpMs = Math.min(whole, lookAtSlots(hands, id, body, site, silence));
    schedule(name, nextUpMs);
    const isStanding = slotsOf(body, site).some(([parameter]) => standing.has(keyOf(id, site.station, parameter)));
    if (isStanding || standing.has(name) || clock.upMs >= silence.dueUpMs) attentive.add(name);
    return nextUpMs;
  }

  function schedule(name: string, upMs: number): void {
    timers.set(name, upMs === NEVER ? null : upMs);
  }

  return { lookAtPost, lookAtSite, schedule, parent, write };
}
