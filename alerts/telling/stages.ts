/**
 * The way of a notice from top to bottom: the one list by which everything is told (docs/notices.md tells the same). Each
 * stage is a small function, named for what it is about; it hands on what it is given with what it found out, or keeps it.
 *
 * Down to `outbox` all is done in the transaction that writes the transition down, by `received` alone, so that a replay tells
 * the same; below it the dispatcher goes by the wall clock, and at least once (decisions 17 and 25).
 */
import { fallback, receipts, retry } from './answer.ts';
import { attempt } from './attempt.ts';
import type { AlarmStep, Delivery, Desk, News } from './desk.ts';
import { chatteringSummary, floodSummary, type Place, quietSummary } from './grouping.ts';
import type { Answer, Sender, Turn } from './sending.ts';
import { allowance, limitSummary, turns } from './turn.ts';
import { chatteringFold, lateDigest, outbox, quietHours } from './when.ts';
import { escalation, lateFinds, nobodyTold, recipients, routes, silenced } from './whom.ts';

/** @returns what it was given, with what the stage found out; null: its way ends here, since it is told to nobody, or waits. */
type Stage<T, Hands> = (thing: T, hands: Hands) => T | null;

interface Stages {
  transition: readonly Stage<News, Desk>[];
  channel: readonly Stage<Delivery, Desk>[];
  place: readonly Place[];
  unanswered: readonly Stage<AlarmStep, Desk>[];
  turn: readonly Stage<Turn, Sender>[];
  attempt: typeof attempt;
  answer: readonly Stage<Answer, Sender>[];
}

export const STAGES: Stages = {
  /** A transition of an alarm: whether it is told, and whom. */
  transition: [
    silenced, // shelved, suppressed, maintenance, history: only recorded
    routes, // the routes that match
    nobodyTold, // its history says so
    lateFinds, // what was found late of the same alarm is told before
    recipients, // those whom the routes name, those who heard of it, or those whom an escalation names
  ],
  /** To each of these channels: when, and as what. */
  channel: [
    quietHours, // until when the channel is left in peace
    chatteringFold, // what is only counted goes into a rolling summary
    lateDigest, // what is found late comes in one digest
    outbox, // a row, by itself or held (place)
  ],
  /** Where it may have to wait for a summary: the first place that has an answer decides, and none leaves it by itself. */
  place: [
    quietSummary, // until the quiet hours end
    floodSummary, // one for each river and cause
    chatteringSummary, // a rolling one of its own
  ],
  /** What nobody has acknowledged waits: when a step is due it comes in again at the top, as `escalated`. */
  unanswered: [escalation],
  /** Out of the outbox, a channel's turn: what begins now. */
  turn: [
    allowance, // how many the limit per minute leaves
    limitSummary, // when more wait than that, they go together
    turns, // newcomers and retries
  ],
  /** Through the channel. */
  attempt,
  /** What came of it. */
  answer: [
    receipts, // whom behind the channel it has reached
    retry, // what failed for now: when it goes again, or not any more
    fallback, // what failed for good: who takes over
  ],
};

/** From stage to stage, until one keeps it. */
export function through<T, Hands>(stages: readonly Stage<T, Hands>[], thing: T, hands: Hands): T | null {
  let passing: T | null = thing;
  for (const stage of stages) {
    if (passing === null) return null;
    passing = stage(passing, hands);
  }
  return passing;
}
