/**
 * Turns what main sees of the platform into journaled changes: each condition begun once and ended once, in turns,
 * whatever flaps, and told later when the journal can't take it now. The follower `alerts` makes alarms of them.
 */

import type { OpenJournalReader } from '#journal/reader.ts';
import { asTold, type Told } from '#model/alarms/phrases.ts';
import { PLATFORM_CONDITIONS, type PlatformCondition } from '#model/alarms/platform.ts';
import type { PlatformChange, PlatformSubject } from '#model/entry.ts';
import type { Clock } from '#src/clock.ts';

/** A condition as it is seen. `detail` = what was seen, in words; never a secret. */
export interface Seen extends Told {
  /** Wall clock when it began. */
  sinceMs: number;
}

type Subject = Pick<PlatformChange, 'condition' | 'about'>;
/** A condition, what it is about, and what was seen of it. */
export type Standing = Subject & Pick<PlatformChange, 'detail'>;

export interface PlatformWatch {
  /** Conditions that the journal says have begun and not ended: what earlier processes left. Before all else. */
  standing(conditions: Iterable<Standing>): void;
  /**
   * That a condition is there, or (null) that it is not. Costs nothing to say again; the first `sinceMs` counts.
   * @param about of a condition that each gateway has for itself; other letters than before are told.
   */
  set(condition: PlatformCondition, seen: Seen | null, about?: PlatformSubject): void;
  /** Something that happened and has no length: begun and ended at once. Within a minute of the last it is only logged. */
  event(condition: PlatformCondition, sinceMs: number, seen: string | Told): void;
  /** To be called each second: begins what has lasted, ends what stayed away, tries again to tell. */
  tick(): void;
  /** Tells what waits, once; what can't be told now is found by the next process. Nothing is appended afterwards. */
  close(): Promise<void>;
}

export interface PlatformWatchOptions {
  /** Journals a change; rejects when it can't be now. */
  append: (change: PlatformChange) => Promise<unknown>;
  clock: Clock;
  log: Record<'info' | 'warn', (fields: object, message: string) => void>;
}

/** What may be over by itself in a moment is told only when it lasts so long. */
const DELAY_MS = 5000;
const DELAYED: ReadonlySet<PlatformCondition> = new Set<PlatformCondition>([
  'store.unreachable',
  'store.overloaded',
  'broker.unreachable',
  // Who sets an installation up routes in a moment.
  'routes.nobody',
]);
/** What is read of the registers or the journal doesn't flutter. */
const EXACT: ReadonlySet<PlatformCondition> = new Set<PlatformCondition>([
  'routes.nobody',
  'letters.unexplained',
  'sequence.holes',
]);
/** A condition that comes and goes stands until it has been away for so long; another reason is told so long after the last. */
const QUIET_MS = 60_000;
/** Other holes than those that were told: they may come in rows, and each telling is an entry of the audit. */
const HOLES_MS = 600_000;
/** One trouble that gives way to another of its group within this has not ended. */
const GAP_MS = 500;
/** These have no length: they are told by `event` alone. */
const EVENTS: ReadonlySet<PlatformCondition> = new Set<PlatformCondition>([
  'broker.session-lost',
  'broker.messages-dropped',
  'device.contested',
  'followers.restarting',
  'reads.stale',
  'journal.lost',
  'journal.damaged',
  'readings.lost',
  'derived.lost',
]);
const DETAIL_MAX = 500;

/** Times are readings of the monotonic clock, unless they say otherwise. */
interface Watched {
  readonly condition: PlatformCondition;
  about: PlatformSubject | undefined;
  /** Begun and not ended, as far as the journal knows or will know once everything is told. */
  isTold: boolean;
  /** What was told of it last, and when. */
  told: { detail: string; atMs: number };
  seen: Seen | null;
  /** Since when it isn't there, with the wall clock of that moment; null while it is there or nobody has said. */
  away: { atMs: number; wallMs: number } | null;
  /** Not begun again before this: another one of its group has taken its place. */
  replacedUntilMs: number;
  lastEventMs: number;
}

/** What a condition is known by: each gateway's is another. */
function nameOf({ condition, about }: Subject): string {
  return about === undefined ? condition : `${condition}:${about.gateway}`;
}

/** Conditions of one group exclude each other: of the stores only one trouble stands at a time. */
function groupOf(one: Subject): string {
  return one.condition.startsWith('store.') ? 'store' : nameOf(one);
}

/** Whether its detail is the reason that somebody else gives, or names whom it is about: told again when it is another one. */
const isReasoned = ({ condition }: Subject) => /^(?:store|broker|sequence)\./.test(condition);

const tellable = (detail: string) => detail.slice(0, DETAIL_MAX).toWellFormed();

/** Not split: one closure over the conditions and what waits to be told, shared by short parts. */
export function createPlatformWatch({ append, clock, log }: PlatformWatchOptions): PlatformWatch {
  const conditions = new Map<string, Watched>();
  /** Since when a group has had one of its conditions, and when it last lost one. */
  const troubles = new Map<string, { sinceMs: number; lastMs: number }>();
  /** In order; the first is under way while `isSending`. At most four for each condition (`tell`). */
  let waiting: PlatformChange[] = [];
  let isSending = false;
  let sending = Promise.resolve();
  let isFailing = false;
  let isClosed = false;

  function watched(condition: PlatformCondition, about?: PlatformSubject): Watched {
    return conditions.getOrInsertComputed(nameOf({ condition, about }), () => ({
      condition,
      about,
      isTold: false,
      told: { detail: '', atMs: Number.NEGATIVE_INFINITY },
      seen: null,
      away: null,
      replacedUntilMs: Number.NEGATIVE_INFINITY,
      lastEventMs: Number.NEGATIVE_INFINITY,
    }));
  }

  function* groupWith(one: Watched): Generator<Watched> {
    for (const other of conditions.values()) if (groupOf(other) === groupOf(one)) yield other;
  }

  function tell(change: PlatformChange): void {
    const { state } = change;
    const sent = isSending ? 1 : 0;
    const name = nameOf(change);
    // What is said anew of a condition that stands replaces what waits to be said of it.
    const said = waiting.findLastIndex((other, n) => n >= sent && nameOf(other) === name);
    if (said >= 0 && state === 'begun' && waiting[said]!.state === 'begun') {
      waiting[said] = change;
      return;
    }
    const end = waiting.findIndex((other, n) => n >= sent && nameOf(other) === name && other.state === 'ended');
    // What begins again before its end could be told has not ended, and what of its group came between is past: so
    // what waits can't grow.
    if (state === 'begun' && end >= 0) {
      waiting = waiting.filter((other, n) => n < end || groupOf(other) !== groupOf(change));
    } else waiting.push(change);
  }

  /** Called when a step is complete, so that a step is told as a whole. */
  function wake(): void {
    if (!isSending && waiting.length > 0) sending = send();
  }

  async function send(): Promise<void> {
    isSending = true;
    try {
      while (waiting.length > 0) {
        await append(waiting[0]!);
        waiting.shift();
        isFailing = false;
      }
    } catch (error) {
      if (!isFailing) {
        const fields = { event: 'platform.untold', err: error, waiting: waiting.length };
        log.warn(fields, 'a change of the platform can not be journaled now; it is tried again each second');
      }
      isFailing = true;
    } finally {
      isSending = false;
    }
  }

  function begin(one: Watched, { sinceMs, detail: given, said }: Seen): void {
    for (const other of groupWith(one)) if (other !== one && other.isTold) replace(other, one.condition);
    one.isTold = true;
    const { condition, about } = one;
    const detail = tellable(given);
    one.told = { detail, atMs: clock.monotonicMs() };
    const { meaning, remedy } = PLATFORM_CONDITIONS[condition];
    log.warn({ event: 'platform.begun', condition, detail, remedy }, meaning);
    const words = { detail, ...(said && given === detail && { said }) };
    tell({ verb: 'platform', condition, state: 'begun', sinceMs, ...words, ...(about && { about }) });
  }

  /** @param sinceMs wall clock. */
  function end(one: Watched, sinceMs: number, detail: string): void {
    one.isTold = false;
    const { condition, about } = one;
    log.info({ event: 'platform.ended', condition, detail }, `over: ${condition}`);
    tell({ verb: 'platform', condition, state: 'ended', sinceMs, detail, ...(about && { about }) });
  }

  function replace(one: Watched, by: PlatformCondition): void {
    one.replacedUntilMs = clock.monotonicMs() + QUIET_MS;
    end(one, clock.nowMs(), `it is ${by} now`);
  }

  function arrive(one: Watched, seen: Seen): void {
    const nowMs = clock.monotonicMs();
    const others = [...groupWith(one)].filter((other) => other !== one && other.seen);
    const trouble = troubles.get(groupOf(one));
    const goesOn = one.seen !== null || others.length > 0 || (trouble && nowMs - trouble.lastMs < GAP_MS);
    if (!goesOn) troubles.set(groupOf(one), { sinceMs: nowMs, lastMs: nowMs });
    for (const other of others) leave(other);
    one.seen = { ...seen, sinceMs: one.seen?.sinceMs ?? seen.sinceMs };
    one.away = null;
  }

  function leave(one: Watched): void {
    if (one.seen) troubles.get(groupOf(one))!.lastMs = clock.monotonicMs();
    one.seen = null;
    one.away ??= { atMs: clock.monotonicMs(), wallMs: clock.nowMs() };
  }

  /** Begins or ends a condition if it is time to. */
  function judge(one: Watched): void {
    const { condition, seen, away, isTold } = one;
    const nowMs = clock.monotonicMs();
    if (seen && !isTold) {
      const lastedMs = nowMs - troubles.get(groupOf(one))!.sinceMs;
      if (nowMs >= one.replacedUntilMs && (lastedMs >= DELAY_MS || !DELAYED.has(condition))) begin(one, seen);
    } else if (seen && isReasoned(one) && one.told.detail !== tellable(seen.detail)) {
      // Its alarm follows the newest reason.
      if (nowMs - one.told.atMs >= (condition === 'sequence.holes' ? HOLES_MS : QUIET_MS)) begin(one, seen);
    } else if (away && isTold && nowMs - away.atMs >= (EXACT.has(condition) ? 0 : QUIET_MS)) {
      end(one, away.wallMs, `not seen since ${new Date(away.wallMs).toISOString()}`);
    }
  }

  return {
    standing(found) {
      for (const { condition, about, detail } of found) {
        const one = watched(condition, about);
        one.isTold = true;
        one.told.detail = detail;
        if (EVENTS.has(condition)) end(one, clock.nowMs(), 'it was over at once');
      }
      wake();
    },
    set(condition, seen, about) {
      if (isClosed) return;
      const one = watched(condition, about);
      const isNews = String(one.about?.letters) !== String(about?.letters);
      if (seen) arrive(one, seen);
      else leave(one);
      if (isNews) {
        one.about = about;
        if (seen && one.isTold) begin(one, one.seen!);
      }
      judge(one);
      wake();
    },
    event(condition, sinceMs, words) {
      if (isClosed) return;
      const one = watched(condition);
      const nowMs = clock.monotonicMs();
      const seen = asTold(words);
      const isRepeated = nowMs - one.lastEventMs < QUIET_MS;
      one.lastEventMs = nowMs;
      if (isRepeated) {
        log.warn(
          { event: 'platform.repeated', condition, detail: seen.detail },
          PLATFORM_CONDITIONS[condition].meaning,
        );
        return;
      }
      if (!one.isTold) begin(one, { ...seen, sinceMs });
      end(one, clock.nowMs(), 'it was over at once');
      wake();
    },
    tick() {
      if (isClosed) return;
      for (const one of conditions.values()) judge(one);
      wake();
    },
    async close() {
      isClosed = true;
      wake();
      await sending;
    },
  };
}

const PAGE = 1000;

/** The conditions that begun in the journal and didn't end, by its commands: for `standing`. */
export function standingConditions(reader: Pick<OpenJournalReader, 'commands'>): Standing[] {
  const newest = new Map<string, PlatformChange>();
  for (let before: number | null = null; ; ) {
    const entries = reader.commands(before, PAGE);
    for (const { command } of entries) {
      if (command.verb === 'platform') newest.getOrInsert(nameOf(command), command);
    }
    const last = entries.at(-1);
    if (!last || entries.length < PAGE) break;
    before = last.seq;
  }
  const begun = [...newest.values()].filter(({ state }) => state === 'begun');
  return begun.map(({ condition, about, detail }) => ({ condition, detail, ...(about && { about }) }));
}
