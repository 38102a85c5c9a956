/**
 * The follower `alerts`: entries in, alarms and notices out, one derived.db transaction a batch with its cursor.
 * Lanes are saved now and then, not with every batch; what came since is read from the journal again when the lanes
 * are restored, which costs a second at most. An entry that changes how lanes judge saves them at once, so that what
 * is read again is always judged as it was the first time.
 */

import { type AlarmChange, createAlarmLog } from '#alerts/life/alarm-log.ts';
import { createChattering } from '#alerts/life/chatter.ts';
import { askAgain, keyOf, NO_SERIES, namesIn, type Step, unshelve, withdraw } from '#alerts/life/lifecycle.ts';
import { type Occasion, occasionOf } from '#alerts/life/occasion.ts';
import { operate } from '#alerts/life/operate.ts';
import { platformKey, platformStep } from '#alerts/life/platform.ts';
import { createPeriodJudging } from '#alerts/periods/judging.ts';
import type { Books } from '#alerts/periods/verdicts.ts';
import { createPeriodWatch } from '#alerts/periods/watch.ts';
import { createEvaluator } from '#alerts/readings/evaluator.ts';
import { type Lane, standing } from '#alerts/readings/lane.ts';
import { createRejudging } from '#alerts/readings/rejudging.ts';
import { laneFrom, lanePayload } from '#alerts/readings/saved-lane.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import { createWatches } from '#alerts/rules/watches.ts';
import { createMissing } from '#alerts/silence/missing.ts';
import { Cursor } from '#journal/cursor.ts';
import { toStoreError } from '#journal/failure.ts';
import type { Follower } from '#journal/follower.ts';
import { openParked } from '#journal/parked.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { PLATFORM_RULE } from '#model/alarms/platform.ts';
import type { CommandEntry, Entry } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import type { Reference, Standard } from '#model/reference.ts';
import type { Rule } from '#model/register.ts';
import { openAmended } from '#readings/amended.ts';
import { openRejudgedInbox } from '#readings/rejudged.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import type { Log } from './log.ts';

/** Lanes are saved after so many readings or so long, whichever comes first. */
const SAVE_READINGS = 500_000;
const SAVE_MS = 3_600_000;
const REPLAY_ENTRIES = 1000;

export interface AlertsFollowerOptions {
  derived: Database;
  reader: Pick<JournalReader, 'read' | 'seriesById' | 'seriesByName'>;
  /** The registers as of this follower's cursor; it advances them itself. */
  control: Control;
  reference: Reference;
  standard: Standard;
  allowedLatenessMs: number;
  publicUrl: string | null;
  /** Of rules' calendars and of quiet hours. */
  timeZone: string;
  /** Signs the links that acknowledge an alarm; without it, or without a public URL, notices carry none. */
  linkSigner?: LinkSigner;
  log: Log;
  /** What rules about closed periods are judged by; without it none is. */
  books?: Pick<Books, 'queries' | 'reader' | 'timeZone'>;
  /** Told of every value that is held against a rule, and whether it breaks it: for whoever counts. */
  onJudged?: (timeMs: number, isBreach: boolean) => void;
  /** After the commit: what happened to alarms, for each entry that caused it. */
  onAlarms: (changes: AlarmChange[], seq: number) => void;
}

export interface AlertsFollower extends Follower {
  readonly name: 'alerts';
  /** Alarms that are raised, acknowledged or returned; to be gone through before anything is applied. */
  openAlarms(): Iterable<Alarm>;
  /**
   * Takes a batch of what other followers put into the inbox of readings judged anew, in a transaction of its own: to
   * be called between two calls of `apply`. What can't be written now stays for the next call; a reading that can't be
   * digested is left out and logged.
   * @returns whether there may be more to take at once.
   */
  takeRejudged(): boolean;
  /**
   * Judges some of the periods that have closed, or whose books have changed since; to be called like `takeRejudged`, once
   * the follower has passed what the books have.
   * @returns whether there may be more to do at once.
   */
  judgePeriods(): Promise<boolean>;
  /** Entries up to this seq are not read again when the lanes are restored: the journal may forget them. */
  restoresFromSeq(): number;
  /** Saves the lanes, so that the next start reads nothing again. For an orderly end. */
  checkpoint(): void;
}

/** Not split: one closure is what the parts below share, and each of them is short. */
export function createAlertsFollower(options: AlertsFollowerOptions): AlertsFollower {
  const { derived, reader, control, onAlarms } = options;
  const cursor = new Cursor(derived, 'alerts');
  const store = openAlertStore(derived);
  const inbox = openRejudgedInbox(derived);
  const parked = openParked(derived);
  const totalChanges = derived.prepare('SELECT total_changes() AS n');
  const writes = () => (totalChanges.get() as { n: number }).n;
  let parts = restore();
  let receivedMs = parts.receivedMs;
  /** When the lanes were last saved, and what came since. */
  let saved = { seq: store.progress().seq, receivedMs, readings: 0 };
  let mustSave = false;

  /** Everything that is kept in memory, from what is durable. */
  function restore() {
    const watches = createWatches(options);
    const chattering = createChattering();
    const evaluator = createEvaluator({
      ...options,
      watches,
      store,
      amended: openAmended(derived, reader),
      chattering,
    });
    const log = createAlarmLog({ ...options, store, stationsBehind: (alarm) => missing.stationsBehind(alarm) });
    const missing = createMissing({ ...options, store });
    const periods = options.books ? createPeriodWatch({ ...options, ...options.books, store }) : null;
    const worstOf = (alarm: string) => store.alarm(alarm)?.alarm.worst ?? null;
    const add = (lane: Lane) => {
      watches.add(lane);
      chattering.restored(lane);
    };
    for (const { id, body } of store.parts('lane')) {
      add(laneFrom(namesIn(id).rule, NO_SERIES, id, body, watches.intern, worstOf));
    }
    store.lanes(({ rule, series, body }) => {
      const name = reader.seriesById(series);
      if (!name) return;
      const key = keyOf(rule, name.station, name.parameter);
      add(laneFrom(rule, series, key, body, watches.intern, worstOf));
    });
    const progress = store.progress();
    let latestMs = progress.receivedMs;
    for (let seq = progress.seq; seq < cursor.seq; ) {
      const entries = reader.read(seq, Math.min(REPLAY_ENTRIES, cursor.seq - seq));
      const gap = (entries[0]?.seq ?? cursor.seq) - seq - 1;
      if (gap > 0) {
        const fields = { event: 'alerts.pruned', after: seq, entries: gap };
        options.log.warn(fields, 'pruned entries are missing from the alarm windows');
      }
      for (const entry of entries) {
        if (entry.seq > cursor.seq) break;
        const occasion = occasionOf(entry);
        for (const { lane } of chattering.calmed(entry.receivedMs)) evaluator.touch(lane);
        missing.advance(entry, occasion, null);
        if (entry.kind === 'message') {
          evaluator.message(entry, null);
          missing.message(entry, occasion, null);
        }
        latestMs = entry.receivedMs;
      }
      seq = entries.at(-1)?.seq ?? cursor.seq;
    }
    return { watches, chattering, evaluator, log, missing, periods, receivedMs: latestMs };
  }

  function save(seq: number): void {
    for (const lane of parts.evaluator.takeDirty()) {
      const body = lanePayload(lane);
      if (lane.series === NO_SERIES) store.savePart('lane', lane.key, body);
      else store.saveLane({ rule: lane.rule, series: lane.series, body });
    }
    parts.missing.save();
    store.saveProgress(seq, receivedMs);
    saved = { seq, receivedMs, readings: 0 };
    mustSave = false;
  }

  function isSaveDue(): boolean {
    return mustSave || saved.readings >= SAVE_READINGS || receivedMs - saved.receivedMs >= SAVE_MS;
  }

  /**
   * Runs `work` in one transaction and moves the cursor to `seq`; afterwards tells, or forgets, what happened. Entries
   * that left nothing behind don't cost a write to the disk: after a crash they are gone through again.
   */
  function commit(seq: number, work: () => void): void {
    try {
      transaction(derived, () => {
        const before = writes();
        work();
        parts.log.save();
        if (isSaveDue()) save(seq);
        if (writes() > before) cursor.save(seq);
      });
    } catch (error) {
      // Memory has gone ahead of what was rolled back.
      parts = restore();
      receivedMs = parts.receivedMs;
      saved = { seq: store.progress().seq, receivedMs, readings: 0 };
      mustSave = false;
      throw toStoreError(error, derived.location() ?? 'derived.db');
    }
    cursor.moved(seq);
    announce(parts.log.take());
  }

  function announce(changes: AlarmChange[]): void {
    for (const [seq, group] of Map.groupBy(changes, ({ transition }) => transition.seq)) onAlarms(group, seq);
  }

  function digest(entry: Entry): void {
    const occasion = occasionOf(entry);
    receivedMs = entry.receivedMs;
    parts.log.pass(occasion);
    for (const id of parts.log.shelvesDue(receivedMs)) step(id, occasion, (alarm) => unshelve(alarm, null));
    for (const id of parts.log.reAlarmsDue(receivedMs)) step(id, occasion, askAgain);
    calm(occasion);
    parts.missing.advance(entry, occasion, parts.log);
    parts.periods?.advance(receivedMs);
    if (parts.log.isHeldOver(receivedMs)) parts.log.releaseHeld(occasion, parts.missing.parentOf);
    parts.log.escalate(occasion);
    if (entry.kind === 'message') {
      parts.evaluator.message(entry, parts.log);
      if (parts.evaluator.takeHindsight()) mustSave = true;
      parts.missing.message(entry, occasion, parts.log);
      saved.readings += entry.readings.length;
    } else if (entry.kind === 'command') {
      obey(entry, occasion);
    }
    parts.log.end(occasion);
  }

  /** Series whose hour was calm are no longer folded. */
  function calm(occasion: Occasion): void {
    for (const { lane, alarm } of parts.chattering.calmed(occasion.receivedMs)) {
      parts.evaluator.touch(lane);
      parts.log.calmed(lane, alarm, parts.watches.conditionOf(lane)?.latch ?? false, occasion);
    }
  }

  function step(id: string, occasion: Occasion, make: (alarm: Alarm) => Step | null): void {
    const known = store.alarm(id);
    const made = known && make(known.alarm);
    if (made) parts.log.write(made, occasion);
  }

  function obey(entry: CommandEntry, occasion: Occasion): void {
    const { actor, command } = entry;
    if ('alarm' in command) {
      step(command.alarm, occasion, (alarm) => operate(alarm, entry, command));
      return;
    }
    switch (command.verb) {
      case 'put':
      case 'delete':
        control.apply(entry);
        revise(entry, command, occasion);
        return;
      case 'correct': {
        const series = reader.seriesByName(command.station, command.parameter);
        parts.evaluator.correct(series?.id ?? null, command, actor, occasion, parts.log);
        mustSave = true;
        return;
      }
      case 'test-channel':
        parts.log.test(command.channel, occasion);
        return;
      case 'resend':
        store.resend(command.notice, entry.receivedMs);
        return;
      case 'platform': {
        const key = platformKey(command);
        const known = store.openOf(PLATFORM_RULE).find((alarm) => alarm.key === key && alarm.clearedAtMs === null);
        const made = platformStep(command, known, entry);
        if (made) parts.log.write(made, occasion);
        return;
      }
      case 'dismiss-parked':
        parked.dismiss(command.follower, command.seq);
        return;
      case 'replay-quarantine':
      case 'dismiss-quarantine':
      case 'qc-results':
      case 'import':
      case 'close-sequence':
      case 'set-clock':
        return;
    }
  }

  /** After a change of the registers. */
  function revise(entry: CommandEntry, { noun, id }: { noun: Noun; id: string }, occasion: Occasion): void {
    changedWhoIsTold(entry);
    if (noun === 'rule' || noun === 'station') reviseLanes(entry, occasion);
    // Its dialect says what letters mean at its stations.
    if (noun === 'gateway') parts.watches.forget();
    if (noun === 'rule') parts.log.ruleChanged(id);
    if (noun === 'rule' || noun === 'station' || noun === 'gateway') {
      parts.missing.changed(entry, occasion, parts.log);
      mustSave = true;
    }
    if (noun === 'rule' || noun === 'station' || noun === 'meter') {
      parts.periods?.changed(entry, occasion, parts.log, reasonOf(noun, entry));
    }
    if (noun === 'maintenance' || noun === 'gateway') {
      parts.log.windowsChanged();
      parts.log.releaseHeld(occasion, parts.missing.parentOf);
    }
  }

  function changedWhoIsTold({ command }: CommandEntry): void {
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    if (command.noun === 'routes') parts.log.routesChanged();
    if (command.noun === 'station') parts.log.stationChanged(command.id);
  }

  /** After a change of a rule or a station: lanes that no rule wants any more end, their standing alarms withdrawn. */
  function reviseLanes(entry: CommandEntry, occasion: Occasion): void {
    const { actor, command } = entry;
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    parts.watches.forget();
    mustSave = true;
    const isConcerned = (lane: Lane) =>
      command.noun === 'rule' ? lane.rule === command.id : namesIn(lane.key).station === command.id;
    const concerned = [...parts.watches.lanes()].filter(isConcerned);
    // In one order, whatever was restored before.
    for (const lane of concerned.sort((a, b) => (a.key < b.key ? -1 : 1))) {
      if (parts.watches.conditionOf(lane) === null) endLane(lane, reasonOf(command.noun, entry), actor, occasion);
    }
  }

  function endLane(lane: Lane, cause: string, actor: string, occasion: Occasion): void {
    const tracked = standing(lane);
    const alarm = lane.chatter.alarm ?? tracked?.fold ?? tracked?.alarm;
    if (alarm !== undefined) step(alarm, occasion, (known) => withdraw(known, cause, actor));
    parts.chattering.forget(lane);
    parts.watches.drop(lane);
    parts.evaluator.forget(lane);
    if (lane.series === NO_SERIES) store.dropPart('lane', lane.key);
    else store.dropLane(lane.rule, lane.series);
  }

  const takeRejudged = createRejudging({
    inbox,
    commit: (work) => commit(cursor.seq, work),
    judge(reading) {
      const { n, recordOnly: isRecordOnly } = reading;
      const occasion = { origin: `${cursor.seq}r${n}`, seq: cursor.seq, receivedMs, isRecordOnly };
      parts.evaluator.rejudged(reading, occasion, parts.log);
      parts.log.end(occasion);
      mustSave = true;
    },
    log: options.log,
  });

  const judgePeriods = createPeriodJudging({
    watch: () => parts.periods,
    commit: (work) => commit(cursor.seq, work),
    write: (judgement) => parts.periods?.write(judgement, { seq: cursor.seq, receivedMs }, parts.log),
    log: options.log,
  });

  return {
    name: 'alerts',
    cursor: () => cursor.seq,
    async apply(entries) {
      const last = entries.at(-1);
      if (!last) return;
      commit(last.seq, () => {
        for (const entry of entries) digest(entry);
      });
    },
    skip(entry) {
      control.apply(entry);
      parts.watches.forget();
      parts.missing.skip(entry);
      parts.periods?.forget();
      parts.log.windowsChanged();
      mustSave = true;
      commit(entry.seq, () => {
        if (entry.kind === 'command') changedWhoIsTold(entry);
      });
    },
    nextTimerMs() {
      const { log, chattering, missing, periods } = parts;
      const timers = [log, chattering, missing, periods].flatMap((part) => part?.nextMs() ?? []);
      return timers.length === 0 ? null : Math.min(...timers);
    },
    openAlarms: () => store.open(),
    takeRejudged,
    judgePeriods,
    restoresFromSeq: () => saved.seq,
    checkpoint() {
      if (saved.seq === cursor.seq) return;
      mustSave = true;
      commit(cursor.seq, () => {});
    },
  };
}

function reasonOf(noun: Noun, { command }: CommandEntry): string {
  if (command.verb !== 'put') return `${noun} removed`;
  const isDisabled = noun === 'rule' && (command.body as Rule).enabled === false;
  return isDisabled ? 'rule disabled' : `${noun} changed: the rule does not apply here any more`;
}
