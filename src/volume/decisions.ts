/** What can be decided about a read that can't simply be subtracted from the one before, by rule or by an engineer. */

import { RULING_KINDS } from '#model/accounting.ts';

/** `pending`: nothing is booked until a following read decides. `gap`: a plain read after longer than `maxGap`. */
export const DECISION_KINDS = [...RULING_KINDS, 'pending', 'gap'] as const;
export type DecisionKind = (typeof DECISION_KINDS)[number];

/** Amounts are integer litres on the register; for a flow meter litres per second. */
export interface Decision {
  timeMs: number;
  kind: DecisionKind;
  /** The read that this one was compared with; null where there is none. */
  fromMs: number | null;
  before: number | null;
  /** Null where a replacement doesn't say with what the new register began. */
  after: number | null;
  /** What was booked from `fromMs` on, along the meter's direction; null = unknown, nothing is booked. */
  litres: number | null;
  reason: string;
  isRuled: boolean;
}

/** Why, in the words that the list of decisions shows. */
export const REASONS = {
  rollover: "fell, and with the register's size added the rise is plausible",
  scheduledReset: 'fell as a register does that is zeroed by schedule: what stands on it has run since',
  reset: 'its successor confirms the new level, and no rollover explains it',
  contradicted: 'its successor fits the read before it',
  undone: 'a return to the old course within maxGap undoes the reset that it looked like',
  alone: 'neither the read before nor its successor fits it',
  pending: 'no following read decides yet',
  reverse: 'a signed register fell, within the plausible flow',
  beyondFlow: 'more than the largest plausible flow',
  replacement: 'the register was replaced',
} as const;
