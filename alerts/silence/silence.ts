/**
 * What a rule of kind `missing` makes of who was heard when: pure questions about one station, one parameter, one gateway.
 * All times are those of the up-clock, so that neither our own absence nor the broker's counts (invariant 10).
 */
import { durationMs } from '#model/duration.ts';
import type { Rule } from '#model/register.ts';
import { type Expected, graceMs, type Moment, type Post, type Site, type Slot } from './expected.ts';
import type { UpClock } from './up-clock.ts';

/** `openedUpMs` = when its calendar last let it look; absent: always. */
export type MissingRule = Rule & { kind: 'missing' } & { openedUpMs?: number };

/** Somebody's silence: `dueUpMs` = when it is to be told. */
export interface Silence {
  since: Moment;
  /** Whether nothing was ever heard. */
  isFromBirth: boolean;
  everyMs: number;
  forMs: number;
  dueUpMs: number;
}

/** The slots of a site that a rule is about. */
export function slotsOf({ parameters }: MissingRule, site: Site): [string, Slot][] {
  return [...site.slots].filter(([parameter]) => !parameters || parameters.includes(parameter));
}

/** The station as a whole; null when the rule expects nothing of it. */
export function siteSilence(rule: MissingRule, site: Site, clock: UpClock): Silence | null {
  const slots = slotsOf(rule, site);
  return slots.length === 0 ? null : silenceOf(rule, site.heard, slots, clock);
}

/** One parameter. A station that is back needs its grace before it is held against its single parameters. */
export function slotSilence(rule: MissingRule, site: Site, slot: Slot, clock: UpClock): Silence {
  const silence = silenceOf(rule, slot.heard, [['', slot]], clock);
  const back = site.since;
  if (back !== null && back.upMs > silence.since.upMs) {
    silence.dueUpMs = Math.max(silence.dueUpMs, back.upMs + graceMs(slot.everyMs));
  }
  return silence;
}

/** The stations behind a gateway of which a rule expects something. */
export function sitesBehind(
  rule: MissingRule,
  post: Post,
  expected: Expected,
  selects: (rule: MissingRule, station: string) => boolean,
): Site[] {
  return post.owns.flatMap((station) => {
    const site = expected.site(station);
    return site && selects(rule, station) && slotsOf(rule, site).length > 0 ? [site] : [];
  });
}

/** The gateway, by the stations behind it (at least one). */
export function postSilence(rule: MissingRule, post: Post, sites: readonly Site[], clock: UpClock): Silence {
  return silenceOf(
    rule,
    post.heard,
    sites.flatMap((site) => slotsOf(rule, site)),
    clock,
  );
}

function silenceOf(rule: MissingRule, heard: Moment | null, slots: readonly [string, Slot][], clock: UpClock): Silence {
  const everyMs = Math.min(...slots.map(([, slot]) => slot.everyMs));
  const from = slots.map(([, slot]) => slot.from).reduce((first, one) => (one.upMs < first.upMs ? one : first));
  const isFromBirth = heard === null || heard.upMs < from.upMs;
  const since = isFromBirth ? from : heard;
  const grace = graceMs(everyMs);
  const forMs = rule.for === undefined ? grace : durationMs(rule.for);
  let dueUpMs = since.upMs + forMs;
  // After a start or an outage everybody has time to be heard.
  if (clock.resumedUpMs > since.upMs) dueUpMs = Math.max(dueUpMs, clock.resumedUpMs + grace);
  // What was silent while the rule didn't look is held against nobody.
  if (rule.openedUpMs !== undefined) dueUpMs = Math.max(dueUpMs, rule.openedUpMs + forMs);
  return { since, isFromBirth, everyMs, forMs, dueUpMs };
}

/** Somebody may be so much later than usual. */
const LEEWAY = 1.5;

/** Whether somebody has been quiet for longer than they usually are, so that they may be about to fall silent. */
export function isQuiet({ since, everyMs, forMs }: Silence, clock: UpClock): boolean {
  return clock.upMs - since.upMs >= Math.min(LEEWAY * everyMs, forMs);
}

/** Whether somebody has been silent for as long as the rule says, whatever the grace. */
export function isSilent({ since, forMs }: Silence, clock: UpClock): boolean {
  return clock.upMs - since.upMs >= forMs;
}

/** How long a station has after its gateway is back. */
export function restsMs(site: Site, rule: MissingRule): number {
  return graceMs(Math.min(...slotsOf(rule, site).map(([, slot]) => slot.everyMs)));
}
