/**
 * The time that silence is measured in: the journal's `received`, standing still while we, or the broker, were not there
 * to hear anybody (invariant 10). A function of the entries alone, so that a replay measures the same.
 */
import type { Entry } from '#model/entry.ts';

export interface UpClock {
  /** Milliseconds that we could have heard somebody in. */
  upMs: number;
  /** `receivedMs` of the newest entry. */
  nowMs: number;
  /** Platform conditions that stand, under which nobody can be heard. */
  deafBy: string[];
  /** `upMs` when we could last hear again after we couldn't; who speaks rarely needs time to be heard after that. */
  resumedUpMs: number;
  /** By rule: `upMs` when its calendar last let it look, who was silent before isn't held to that. */
  openedUpMs?: Record<string, number>;
}

export function newUpClock(nowMs: number): UpClock {
  return { upMs: 0, nowMs, deafBy: [], resumedUpMs: 0 };
}

/** While somebody is listened for, an entry comes at least so often: a tick when nothing else does. */
const PULSE_MS = 60_000;
/** A longer pause than this says that we were not running: suspended, or the clock was set forward. */
const PAUSE_MS = 2 * PULSE_MS;

/** Conditions under which nothing can reach the journal. */
function isDeafening(condition: string): boolean {
  return condition.startsWith('broker.') || condition === 'journal.unwritable';
}

/** Moves the clock to an entry. Of a time in which we were not running only what a pulse may take is counted. */
export function advance(clock: UpClock, entry: Entry): void {
  const passedMs = entry.receivedMs - clock.nowMs;
  clock.nowMs = entry.receivedMs;
  if (clock.deafBy.length > 0) return;
  const wasAway = entry.kind === 'start' || passedMs > PAUSE_MS;
  if (entry.kind !== 'start') clock.upMs += Math.min(passedMs, wasAway ? PULSE_MS : PAUSE_MS);
  if (wasAway) clock.resumedUpMs = clock.upMs;
}

/**
 * Takes over what an entry says about our hearing; after `advance`.
 * @returns whether the clock was set back: what was told since then may have been our own deafness.
 */
export function listen(clock: UpClock, entry: Entry): boolean {
  if (entry.kind !== 'command' || entry.command.verb !== 'platform') return false;
  const { condition, state, sinceMs } = entry.command;
  if (!isDeafening(condition)) return false;
  if (state === 'ended') {
    clock.deafBy = clock.deafBy.filter((other) => other !== condition);
    if (clock.deafBy.length === 0) clock.resumedUpMs = clock.upMs;
    return false;
  }
  const heardMs = clock.upMs;
  // It began before it could be told; what was before the last start doesn't count twice.
  if (clock.deafBy.length === 0) {
    const begunUpMs = clock.upMs - Math.max(0, entry.receivedMs - sinceMs);
    clock.upMs = Math.max(begunUpMs, Math.min(clock.resumedUpMs, clock.upMs));
  }
  if (!clock.deafBy.includes(condition)) clock.deafBy.push(condition);
  return clock.upMs < heardMs;
}

/**
 * The `receivedMs` at which an entry is needed so that a timer goes off at `upMs`: then, or for the next pulse. Null while
 * the clock stands still.
 */
export function neededAt(clock: UpClock, upMs: number): number | null {
  return clock.deafBy.length > 0 ? null : clock.nowMs + Math.min(PULSE_MS, Math.max(0, upMs - clock.upMs));
}
