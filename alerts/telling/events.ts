/**
 * What each event of an alarm's life means to those who may be told of it: the one table, from which routes, notices,
 * summaries and escalation take what they need.
 */
import type { AlarmEvent } from '#model/alarms/alarm.ts';

interface Meaning {
  /**
   * Who is told: whom the routes name `now`; those who were told of the alarm `before`; `both`, since it says how the alarm
   * goes on; null: it is only recorded, or goes where its sender says (a step of an escalation, a summary, a test).
   */
  tells: 'now' | 'before' | 'both' | null;
  /** It asks somebody to take the alarm over: `anew` as if nobody had heard of it, or of one that waits already, `more`. */
  asks?: 'anew' | 'more';
  /** A new alarm to its recipient: so many of them are a flood. */
  isNew?: true;
  /** What it tells of is over. */
  ends?: true;
}

export const EVENTS: Readonly<Record<AlarmEvent, Meaning>> = {
  raised: { tells: 'now', asks: 'anew', isNew: true },
  escalated: { tells: null, asks: 'more', isNew: true },
  'late-found': { tells: 'now', isNew: true },
  confirmed: { tells: 'now' },
  'severity-changed': { tells: 'both', asks: 'more' },
  unacknowledged: { tells: 'both', asks: 'anew' },
  acknowledged: { tells: 'both' },
  'handed-over': { tells: 'both' },
  returned: { tells: 'both', ends: true },
  latched: { tells: 'both', ends: true },
  cleared: { tells: 'both', ends: true },
  reset: { tells: 'both' },
  withdrawn: { tells: 'before', ends: true },
  shelved: { tells: null },
  unshelved: { tells: null },
  commented: { tells: null },
  chattering: { tells: null },
  folded: { tells: null },
  counted: { tells: 'both' },
  unfolded: { tells: null },
  summary: { tells: null },
  test: { tells: null },
};
