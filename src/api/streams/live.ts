/**
 * The live follower: what was committed and what alarms did, as server-sent events in the journal's order. A reading is
 * told once the alerts follower has passed its entry, so that every event has one place `seq.n` in one order, and a
 * client that comes back with the last id it saw misses nothing and hears nothing twice.
 */

import type { JournalReader } from '#journal/port.ts';
import type { Alarm, Transition } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import type { Entry } from '#model/entry.ts';
import type { Reference } from '#model/reference.ts';

export const EVENT_NAMES = ['reading', 'alarm', 'health'] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** One event, ready to be written. `station` is null for what concerns everybody. */
export interface LiveEvent {
  seq: number;
  n: number;
  name: EventName;
  station: string | null;
  /** The whole block of the event stream, with its blank line (HTML Living Standard, 9.2.5). */
  text: string;
}

export interface AlarmChange {
  alarm: Alarm;
  transition: Transition;
}

export interface Live {
  /** Entries just committed, in order. */
  committed(entries: readonly Entry[]): void;
  /** What an entry did to alarms; told before `passed` covers it. */
  alarms(changes: readonly AlarmChange[]): void;
  /** The alerts follower has passed `seq`: everything up to it can be told. */
  passed(seq: number): void;
  /** Something about the service itself changed. */
  health(state: unknown): void;
  /** Everything up to here has been told. */
  readonly position: number;
  /** @returns a function that ends the subscription. `reset` is called instead of events when some were lost. */
  subscribe(listener: { events(events: readonly LiveEvent[]): void; reset(): void }): () => void;
}

/** Entries that may wait for the alerts follower before listeners are told to start afresh. */
const HELD_ENTRIES_MAX = 10_000;

type Listener = Parameters<Live['subscribe']>[0];

type Reader = Pick<JournalReader, 'seriesById' | 'read' | 'headSeq'>;
type Vocabulary = Pick<Reference, 'parameters'>;

/** @param position the alerts follower's cursor at start: everything up to this seq is past. */
export function createLive(reader: Reader, reference: Vocabulary, position = 0): Live {
  const listeners = new Set<Listener>();
  // Kept only while somebody listens; `changes` always, since the next `passed` clears them.
  let held: Entry[] = [];
  let heldSeq = 0;
  let changes: AlarmChange[] = [];

  function tell(events: LiveEvent[]): void {
    if (events.length === 0) return;
    for (const listener of [...listeners]) listener.events(events);
  }

  function hold(entries: readonly Entry[]): void {
    held.push(...entries.filter(({ seq }) => seq > heldSeq));
    heldSeq = Math.max(heldSeq, entries.at(-1)?.seq ?? 0);
    if (held.length <= HELD_ENTRIES_MAX) return;
    held = [];
    for (const listener of [...listeners]) listener.reset();
  }

  /** What was committed while nobody listened and is not told yet. */
  function catchUp(): void {
    heldSeq = position;
    const behind = reader.headSeq() - position;
    while (behind <= HELD_ENTRIES_MAX) {
      const entries = reader.read(heldSeq, HELD_ENTRIES_MAX);
      if (entries.length === 0) return;
      hold(entries);
    }
    for (const listener of listeners) listener.reset();
  }

  return {
    committed(entries) {
      if (listeners.size > 0) hold(entries);
    },
    alarms: (changed) => void changes.push(...changed),
    passed(seq) {
      position = Math.max(position, seq);
      const told = changes.filter(({ transition }) => transition.seq <= seq);
      changes = changes.filter(({ transition }) => transition.seq > seq);
      const waiting = held.findIndex((entry) => entry.seq > seq);
      const passed = held.splice(0, waiting < 0 ? held.length : waiting);
      if (listeners.size > 0) tell(toEvents(passed, told, reader, reference));
    },
    health: (state) => tell([healthEvent(state)]),
    get position() {
      return position;
    },
    subscribe(listener) {
      listeners.add(listener);
      if (listeners.size === 1) catchUp();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) held = [];
      };
    },
  };
}

/** Without an id: what is true now needn't be told again to one who comes back. */
export function healthEvent(state: unknown): LiveEvent {
  return { seq: 0, n: 0, name: 'health', station: null, text: `event: health\ndata: ${JSON.stringify(state)}\n\n` };
}

/**
 * The events of consecutive entries, in order: an entry's readings by their place in it, then what it did to alarms.
 * @param changes in the order of their seq.
 */
export function toEvents(
  entries: readonly Entry[],
  changes: readonly AlarmChange[],
  reader: Pick<JournalReader, 'seriesById'>,
  reference: Vocabulary,
): LiveEvent[] {
  const events: LiveEvent[] = [];
  const counts = new Map(entries.map((entry) => [entry.seq, entry.kind === 'message' ? entry.readings.length : 0]));
  for (const entry of entries) if (entry.kind === 'message') events.push(...readingEvents(entry, reader, reference));
  for (const { alarm, transition } of changes) {
    const n = counts.get(transition.seq) ?? 0;
    counts.set(transition.seq, n + 1);
    const { event, atMs, from, to, cause, actor } = transition;
    const data = { event, at: new Date(atMs).toISOString(), from, to, cause, actor, alarm: alarmView(alarm) };
    events.push(placed(transition.seq, n, 'alarm', alarm.station, data));
  }
  return events.sort((a, b) => a.seq - b.seq || a.n - b.n);
}

function readingEvents(
  entry: Extract<Entry, { kind: 'message' }>,
  reader: Pick<JournalReader, 'seriesById'>,
  reference: Vocabulary,
): LiveEvent[] {
  return entry.readings.flatMap((reading, n) => {
    const series = reading.verdict === 'duplicate' ? undefined : reader.seriesById(reading.series);
    if (!series) return [];
    const data = {
      station: series.station,
      parameter: series.parameter,
      unit: reference.parameters.get(series.parameter)?.unit ?? null,
      time: new Date(reading.timeMs).toISOString(),
      value: reading.value,
      flag: reading.flag,
      ...(reading.deviceFlag === null ? {} : { deviceFlag: reading.deviceFlag }),
      ...(reading.censored && { censored: reading.censored }),
      provisional: true,
    };
    return [placed(entry.seq, n, 'reading', series.station, data)];
  });
}

function placed(seq: number, n: number, name: EventName, station: string, data: unknown): LiveEvent {
  return { seq, n, name, station, text: `id: ${seq}.${n}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n` };
}
