/**
 * The way of a notice from top to bottom: the one list by which everything is told (docs/notices.md tells the same). Each
 * stage is a small function of plain data, named for what it is about; it hands on what it is given, or keeps it.
 *
 * `transition`, `channel` and `place` run in the transaction that writes the transition down, by `received` alone, so that a
 * replay tells the same; what they tell is a row of the outbox (decision 17).
 */
import type { AlarmStep, Delivery, News, Stage } from './desk.ts';
import { flood, type Place, rolling, untilMorning } from './grouping.ts';
import { chatteringFold, lateDigest, outbox, quietHours } from './when.ts';
import { addressed, afterLateFinds, escalation, reaching, routed, silenced } from './whom.ts';

interface Stages {
  transition: readonly Stage<News>[];
  channel: readonly Stage<Delivery>[];
  place: readonly Place[];
  unanswered: readonly Stage<AlarmStep>[];
}

export const STAGES: Stages = {
  /** A transition of an alarm: whether it is told, and whom. */
  transition: [
    silenced, // shelved, suppressed, maintenance, history: recorded only
    routed, // the routes that match
    reaching, // told to nobody? then its history says so
    afterLateFinds, // what was found late of it is told before
    addressed, // those whom the routes name, those who heard of it, or those whom an escalation names
  ],
  /** To each of these channels: when, and as what. */
  channel: [
    quietHours, // until when the channel is left in peace
    chatteringFold, // what is only counted goes into a rolling summary
    lateDigest, // what is found late comes in one digest
    outbox, // a row, by itself or held
  ],
  /** Where it waits for a summary; the first that has a place for it decides, and none leaves it by itself. */
  place: [
    untilMorning, // quiet hours
    flood, // one summary for each river and cause
    rolling, // a chattering alarm has its own
  ],
  /** What nobody acknowledges comes in again at the top, as `escalated`, when a step of an escalation is due. */
  unanswered: [escalation],
};
