/** What passes the stages between a transition and the outbox (stages.ts), as plain data, and the hands that they may use. */
import type { Counted } from '#alerts/life/folding.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { Control } from '#journal/registers.ts';
import type { Again, Alarm, AlarmEvent } from '#model/alarms/alarm.ts';
import type { Routes, Station } from '#model/register.ts';
import type { Escalation, Escalations } from './escalation.ts';
import type { Bond } from './grouping.ts';
import type { Announcement } from './notice.ts';

/** One step of an alarm's life. @property before undefined: the alarm is new. */
export interface AlarmStep {
  before: Alarm | undefined;
  now: Alarm;
  /** It was raised by it, or asks once more as if it were. */
  asksAnew: boolean;
  atMs: number;
}

/** One transition of an alarm. */
export interface News {
  event: AlarmEvent;
  /** The alarm as it was right after the event; of several events in one step each has its own. */
  alarm: Alarm;
  /** The alarm before and after the whole step. */
  step: Pick<AlarmStep, 'before' | 'now'>;
  occasion: Occasion;
  again: Again | undefined;
  /** Of a step of an escalation: those whom it names, and nobody else. */
  only: Pick<Escalation, 'channels' | 'after'> | undefined;
  /** Of `counted`: what there is to tell. */
  counted: Counted | undefined;
  /** Found out on the way. */
  station: Station | undefined;
  /** Those that match. */
  routes: Routes;
  /** What makes this telling different from every other one (Announcement). */
  cause: string;
  channels: readonly string[];
  /** The stations whose silence follows from it. */
  covers: readonly string[];
  bond: Bond;
}

/** News on its way to one channel. */
export interface Delivery {
  news: News;
  channel: string;
  /** Until when the channel is left in peace about it; null: it isn't. */
  quietUntilMs: number | null;
}

/** Notices that are about to be written, by themselves or held for a summary. */
export interface Telling {
  /** @param quietUntilMs until when its channel is left in peace about it; null: it isn't. */
  tell(announcement: Announcement, bond: Bond, quietUntilMs: number | null): void;
  /** What an alarm has counted goes into its rolling summary: no notice of its own. */
  count(news: { channel: string; alarm: Alarm; counted: Counted; atMs: number }, quietUntilMs: number | null): void;
  /** A test goes to its channel whatever holds there. */
  test(announcement: Announcement): void;
  /** Tells what is due; at the beginning and at the end of an entry. */
  pass(nowMs: number): void;
  nextMs(): number | null;
  /** Keeps what recipients were told so far, in the transaction that told it. */
  save(): void;
}

/** What an entry finds late, gathered for one digest a channel. */
export interface LateFinds {
  gather(delivery: Delivery): void;
  has(alarm: string): boolean;
  /** Writes the digests of what was found so far; whoever they are for counts as told. */
  tell(occasion: Occasion): void;
}

export interface Desk {
  control: Pick<Control, 'get' | 'list'>;
  store: Pick<AlertStore, 'alarm' | 'told'>;
  timeZone: string;
  telling: Telling;
  late: LateFinds;
  escalations: Escalations;
  /** The stations behind a gateway whose silence is told with it. */
  stationsBehind(alarm: Alarm): string[];
  /** A name for one telling of an occasion: the same at every replay. */
  causeOf(occasion: Occasion): string;
  /** What the alarm's history is to say beside the transition's cause. */
  remark(text: string): void;
}
