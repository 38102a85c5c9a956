/** The life of a breach towards an operator: the alarm object of contracts §6, its transitions and its notices. */
import type { TargetClass, WaterClass } from '#model/class.ts';
import type { Censored } from '#model/reading.ts';
import type { Said } from './phrases.ts';

export const SEVERITIES = ['minor', 'major', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** `returned` = cleared before anybody acknowledged it; `withdrawn` = it no longer holds on better knowledge. */
export const ALARM_STATES = ['raised', 'acknowledged', 'returned', 'cleared', 'withdrawn'] as const;
export type AlarmState = (typeof ALARM_STATES)[number];

/** The `parameter` of an alarm that is about a station as a whole, and the `station` of one about a gateway. */
export const WHOLE_STATION = '_station';
export const GATEWAYS_STATION = '_gateways';
/** The `station` and the `parameter` of an alarm about what the canal loses. */
export const CANAL_STATION = '_canal';
export const LOSS_PARAMETER = 'loss';

export const ALARM_BASES = ['instantaneous', 'hour', 'day', 'month'] as const;
export type AlarmBasis = (typeof ALARM_BASES)[number];

/** What happened, as notices and timelines name it. `test` and `summary` exist only in notices, `counted` in the stream. */
export const ALARM_EVENTS = [
  'raised',
  'escalated',
  'severity-changed',
  'acknowledged',
  'returned',
  'cleared',
  'withdrawn',
  'confirmed',
  'late-found',
  'shelved',
  'unshelved',
  'commented',
  'latched',
  'reset',
  'handed-over',
  'unacknowledged',
  'chattering',
  'folded',
  'counted',
  'unfolded',
  'summary',
  'test',
] as const;
export type AlarmEvent = (typeof ALARM_EVENTS)[number];

/** The worst that an alarm has been. */
export interface Worst {
  /** The value furthest beyond the limit; null for expressions, which have none. */
  value: number | null;
  /** As in the alarm. */
  censored?: Censored | undefined;
  class: WaterClass | null;
  /** The most severe that the alarm was, whichever reading made it so. */
  severity: Severity;
  /** Event time of that value, or the end of the period that was judged. */
  atMs: number;
}

/** Why an alarm that was told before is `raised` once more, as its notice says. */
export type Again = 'shelf-ended' | 'still-standing' | 'not-cleared';

/** What an alarm counts that stands for a series which chatters too much to be told of. */
export interface Folded {
  /** `receivedMs` from when, and until when, it counted; null: it still does. */
  sinceMs: number;
  untilMs: number | null;
  /** Crossings of the limit, its own first one among them, less those that never were on better knowledge. */
  crossings: number;
  /** Transitions that were counted instead of told by themselves: so many lines. */
  transitions: number;
}

/** Times are event times in epoch milliseconds, except `detectedAtMs`, which is the `receivedMs` of the raising entry. */
export interface Alarm {
  /** Deterministic from the raising entry's seq, the rule and the series. */
  id: string;
  /** `RULE/STATION/PARAMETER`; of one meter against another `RULE/STATION/PARAMETER/METER`. */
  key: string;
  rule: string;
  station: string;
  parameter: string;
  severity: Severity;
  state: AlarmState;
  breachStartMs: number;
  raisedAtMs: number;
  detectedAtMs: number;
  acknowledgedAtMs: number | null;
  acknowledgedBy: string | null;
  clearedAtMs: number | null;
  /**
   * The value that raised it or, later, last changed its severity; null where there is none: platform alarms, silence,
   * expressions.
   */
  value: number | null;
  /** The true value lies below (`<`) or above (`>`) it; absent for one that was measured as it stands. */
  censored?: Censored | undefined;
  unit: string;
  limit: number | null;
  op: '<=' | '>=' | '>' | '<' | null;
  target: TargetClass | null;
  class: WaterClass | null;
  /** (value − limit) / limit; null for pH, DO and temperature (GB 3838 practice). */
  multiple: number | null;
  /** Null where nothing is measured: platform alarms, silence. */
  worst: Worst | null;
  /** What was judged: a single reading, or what the books say of a closed hour, day or month. */
  basis: AlarmBasis;
  late: boolean;
  /** The how-manieth alarm of its key that was raised within an hour; those withdrawn and found late don't count. */
  occurrences: number;
  /** The third one or a further one within an hour. */
  chattering: boolean;
  /** Of the alarms of its station that stood when it was raised, the one whose breach began first; null: it did. */
  firstOut: string | null;
  shelvedUntilMs: number | null;
  /** Why nobody is told of it by design: `maintenance/ID`, or the id of the alarm that this one follows from. */
  suppressedBy: string | null;
  /** What it tells of is over, and it waits for an operator's reset. */
  latched: boolean;
  /** Absent: it never stood for more than itself. */
  folded?: Folded;
  /** Seq of the rule's version that judged it; absent where none did. */
  ruleSeq?: number;
  /** What its numbers can't say: what a platform alarm means, what was not heard, which values made a rule true. */
  detail: string | null;
  /** What was seen, to be said in any language; absent where `detail` is no sentence, and in what an earlier version kept. */
  said?: Said;
}

/** Members of an alarm of which the history says how they changed; the state is in `from` and `to`. */
export const TRACED = [
  'severity',
  'value',
  'class',
  'acknowledgedBy',
  'shelvedUntilMs',
  'suppressedBy',
  'latched',
  'chattering',
] as const satisfies readonly (keyof Alarm)[];

/** What a transition changed of an alarm: `[old, new]` each; old is null for one that has just begun. */
export type Changed = { [K in (typeof TRACED)[number]]?: [Alarm[K] | null, Alarm[K]] };

/** Which limit an alarm was judged by: the seq of the rule's version, and the standard where the limit comes from one. */
export interface LimitVersion {
  rule: number | null;
  standard: string | null;
}

/** One step in an alarm's life, with its cause; append-only. */
export interface Transition {
  alarm: string;
  /** Seq of the entry that caused it. */
  seq: number;
  /** `receivedMs` of that entry. */
  atMs: number;
  event: AlarmEvent;
  from: AlarmState | null;
  to: AlarmState;
  cause: string;
  actor: string | null;
  /** Null, as is `limitVersion`, in what an earlier version wrote down. */
  changed: Changed | null;
  limitVersion: LimitVersion | null;
}
