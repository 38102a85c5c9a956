/**
 * The door's memory: for each series its ring and what it is judged by. It is ahead of the journal by the messages whose
 * commit is under way; when the journal fails, what they changed is undone before anything else is judged by it.
 */

import type { Dialects } from '#journal/dialects.ts';
import type { Journal } from '#journal/port.ts';
import type { Correction, Entry, JournaledReading } from '#model/entry.ts';
import type { Reading } from '#model/reading.ts';
import type { Parameter } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import { effectiveThresholds, type Thresholds } from '#quality/thresholds.ts';
import { AHEAD_MS_MAX } from './instant.ts';
import { Ring } from './ring.ts';
import { UndoLog } from './undo-log.ts';

/** One series as the door judges it. */
export interface Slot {
  /** Series id; 0 in a preview of a series that has none yet. */
  series: number;
  ring: Ring;
  thresholds: Thresholds;
}

/** Where a value finds its slot: the memory itself, or a scratch copy of it for a preview. */
export interface Slots {
  slot(stationId: string, station: Station, parameter: Parameter): Slot;
}

/** Changes of the log, from `from` to before `end`. */
interface Span {
  from: number;
  end: number;
}

export class SeriesMemory implements Slots {
  readonly #journal: Journal;
  readonly #dialects: Dialects;
  readonly #slots = new Map<string, Map<Parameter, Slot>>();
  /** By series id. */
  readonly #rings: (Ring | undefined)[] = [];
  /** Told of every change, by those who judge. */
  readonly log = new UndoLog();
  /** What of the log each message has made whose commit is under way, in the order of their entries. */
  readonly #uncommitted = new Set<Span>();

  constructor(journal: Journal, dialects: Dialects) {
    this.#journal = journal;
    this.#dialects = dialects;
  }

  slot(stationId: string, station: Station, parameter: Parameter): Slot {
    const known = this.#slots.get(stationId)?.get(parameter);
    return known ?? this.#open(stationId, station, parameter);
  }

  /** Slots that may be judged with and then thrown away. */
  scratch(): Slots {
    const copies = new Map<string, Slot>();
    return {
      slot: (stationId, station, parameter) => {
        const key = `${stationId}/${parameter.id}`;
        const made = copies.get(key);
        if (made) return made;
        const known = this.#slots.get(stationId)?.get(parameter);
        const thresholds = known?.thresholds ?? this.#thresholds(stationId, station, parameter);
        const copy = { series: 0, ring: known?.ring.clone() ?? new Ring(Number.NEGATIVE_INFINITY), thresholds };
        copies.set(key, copy);
        return copy;
      },
    };
  }

  /** The station's parameters may have changed: its thresholds are worked out again when next needed. */
  forgetThresholds(stationId: string): void {
    this.#slots.delete(stationId);
  }

  /** A gateway's dialect may have changed, which speaks for any number of stations. */
  forgetDialects(): void {
    this.#slots.clear();
  }

  newest(series: number): Reading | undefined {
    return this.#rings[series]?.newest();
  }

  settle(series: number, reading: Reading): void {
    this.#rings[series]?.settle(reading);
  }

  /** An engineer changes readings behind the door, which can't tell duplicates of them any more. */
  doubt({ station, parameter, fromMs, toMs }: Correction): void {
    this.#rings[this.#journal.seriesFor(station, parameter).series.id]?.doubt(fromMs, toMs);
  }

  /**
   * Keeps what a message changed until its commit succeeds or fails.
   * @param from where the log ended before the message was judged.
   */
  async whileUncommitted<T>(from: number, commit: Promise<T>): Promise<T> {
    const span = { from, end: this.log.end };
    this.#uncommitted.add(span);
    try {
      return await commit;
    } catch (error) {
      // Not undone by `undoUncommitted`: this append failed alone, and others may have built on it since.
      if (this.#uncommitted.has(span)) {
        for (let number = span.from; number < span.end; number++) {
          const { ring, timeMs } = this.log.at(number);
          ring.unsettle(timeMs);
        }
      }
      throw error;
    } finally {
      this.#uncommitted.delete(span);
      const [oldest] = this.#uncommitted;
      this.log.forget(oldest?.from ?? this.log.end);
    }
  }

  /** Everything under way was lost: back to what the journal holds. */
  undoUncommitted(): void {
    for (const { from, end } of [...this.#uncommitted].reverse()) {
      for (let number = end - 1; number >= from; number--) {
        const change = this.log.at(number);
        change.ring.undo(change);
      }
    }
    this.#uncommitted.clear();
  }

  /**
   * Starts again from the journal's newest entries (ascending) and the newest stored reading of each series. A time
   * beyond the newest known is then new, one that is known is decided exactly, and the rest is unsettled.
   */
  rebuild(tail: Iterable<Entry>, newest: ReadonlyMap<number, Reading>): void {
    this.#slots.clear();
    this.#rings.length = 0;
    this.#uncommitted.clear();
    for (const entry of tail) {
      if (entry.kind === 'message') {
        for (const reading of entry.readings) this.#restore(reading);
      } else if (entry.kind === 'command' && entry.command.verb === 'correct') this.doubt(entry.command);
    }
    for (const [series, reading] of newest) this.#ring(series).settle(reading);
    for (const ring of this.#rings) {
      if (ring) ring.floorMs = Math.max(ring.floorMs, ring.newest()?.timeMs ?? Number.NEGATIVE_INFINITY);
    }
  }

  #restore(reading: JournaledReading): void {
    const { series, timeMs, verdict } = reading;
    const ring = this.#ring(series);
    // Of a repeat whose first coming lies before the tail it isn't known whether an engineer has taken it out since.
    const isOpen = verdict === 'unsettled' || (verdict === 'duplicate' && !ring.knows(timeMs));
    ring.restore(reading);
    if (isOpen) ring.unsettle(timeMs);
  }

  #open(stationId: string, station: Station, parameter: Parameter): Slot {
    const { series, isNew } = this.#journal.seriesFor(stationId, parameter.id);
    // Of a series that is neither new nor was rebuilt nothing is known: any time up to the latest that the door could
    // have taken may be stored already.
    const floorMs = isNew ? Number.NEGATIVE_INFINITY : this.#journal.receivedNowMs() + AHEAD_MS_MAX;
    const ring = this.#ring(series.id, floorMs);
    const slot = { series: series.id, ring, thresholds: this.#thresholds(stationId, station, parameter) };
    const slots = this.#slots.get(stationId);
    if (slots) slots.set(parameter, slot);
    else this.#slots.set(stationId, new Map([[parameter, slot]]));
    return slot;
  }

  #thresholds(stationId: string, station: Station, parameter: Parameter): Thresholds {
    return effectiveThresholds(parameter, station, this.#dialects.at(stationId).letters);
  }

  /** The series' ring, made with this floor if there is none. */
  #ring(series: number, floorMs = Number.NEGATIVE_INFINITY): Ring {
    const ring = this.#rings[series] ?? new Ring(floorMs);
    this.#rings[series] = ring;
    return ring;
  }
}
