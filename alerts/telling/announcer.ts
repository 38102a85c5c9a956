/**
 * Takes what happens to alarms through the stages (stages.ts), in the follower's open transaction: whatever is told stands
 * in the outbox when that is committed. What time brings is done here, too: summaries, and steps of escalations.
 */

import type { Counted } from '#alerts/life/folding.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import { openEscalations } from '#alerts/records/escalations.ts';
import { openHeldNotices } from '#alerts/records/held-notices.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { Control } from '#journal/registers.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Database } from '#src/sqlite.ts';
import type { AlarmStep, Desk, News } from './desk.ts';
import { createEscalations, type Escalation } from './escalation.ts';
import { createLateFinds } from './late-finds.ts';
import { sampleAlarm } from './notice.ts';
import { STAGES, through } from './stages.ts';
import { createTelling } from './telling.ts';

export interface AnnouncerOptions {
  store: AlertStore;
  control: Control;
  publicUrl: string | null;
  linkSigner?: LinkSigner;
  timeZone: string;
  derived: Database;
  /** The stations behind a gateway whose silence is told with it. */
  stationsBehind: (alarm: Alarm) => string[];
}

/** What happened, as it comes in at the top. */
type Happened = Pick<News, 'event' | 'alarm' | 'step' | 'occasion' | 'again' | 'only'>;

export interface Announcer {
  /** @returns what the history is to say beside the transition's cause; mostly ''. */
  announce(happened: Happened): string;
  /** An alarm has made a step, told or not. */
  follow(step: AlarmStep): void;
  /** What a folded alarm has counted in an occasion. */
  count(alarm: Alarm, counted: Counted, occasion: Occasion): void;
  test(channel: string, occasion: Occasion): void;
  /** What was found late so far is told now. */
  tellLate(occasion: Occasion): void;
  /** Time passes: summaries that are due by then are told. */
  pass(nowMs: number): void;
  /** Steps of escalations that are due: each is to be written as a transition, with `only` those whom it names. */
  escalated(nowMs: number): Escalation[];
  /** When a summary or a step of an escalation is due. */
  nextMs(): number | null;
  /** After a change of the routes, or of one station. */
  changed(station?: string): void;
  save(): void;
}

export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { store, control, derived, timeZone, stationsBehind } = options;
  const telling = createTelling({ ...options, held: openHeldNotices(derived) });
  const late = createLateFinds(telling);
  const escalations = createEscalations({ store, control, escalations: openEscalations(derived) });
  const causeOf = countingCauses();
  let remarks = '';
  const remark = (text: string) => {
    remarks += text;
  };
  const desk: Desk = { control, store, timeZone, telling, late, escalations, stationsBehind, causeOf, remark };

  function announce(happened: Happened, counted?: Counted): string {
    remarks = '';
    const news = through(STAGES.transition, { ...UNKNOWN, ...happened, counted }, desk);
    for (const channel of news?.channels ?? []) {
      through(STAGES.channel, { news: news!, channel, quietUntilMs: null }, desk);
    }
    return remarks;
  }

  return {
    announce,
    follow(step) {
      through(STAGES.unanswered, step, desk);
    },
    count(alarm, counted, occasion) {
      const step = { before: alarm, now: alarm };
      announce({ event: 'counted', alarm, step, occasion, again: undefined, only: undefined }, counted);
    },
    test(channel, occasion) {
      const alarms = [sampleAlarm(occasion.receivedMs)];
      telling.test({ cause: causeOf(occasion), event: 'test', channel, alarms, atMs: occasion.receivedMs });
    },
    tellLate: late.tell,
    pass: telling.pass,
    escalated: escalations.due,
    nextMs() {
      const times = [telling.nextMs(), escalations.nextMs()].filter((at) => at !== null);
      return times.length === 0 ? null : Math.min(...times);
    },
    changed: escalations.changed,
    save: telling.save,
  };
}

/** What no stage has found out yet. */
const UNKNOWN = {
  station: undefined,
  routes: [],
  cause: '',
  channels: [],
  covers: [],
  bond: { kind: 'rest', name: null },
} satisfies Partial<News>;

/** Numbers the tellings of an occasion: the same at every replay, since the same things happen in it. */
function countingCauses(): Desk['causeOf'] {
  let counted = { origin: '', count: 0 };
  return ({ origin }) => {
    counted = counted.origin === origin ? { origin, count: counted.count + 1 } : { origin, count: 0 };
    return `${origin}/${counted.count}`;
  };
}
