/**
 * Which stored readings of closed hours have a flag that may still change: those of hours that wait to be computed, those
 * whose final flag is on its way into the store, and those that came after one had looked. Asked *before* the store is
 * read: whatever settles in between then counts as unsettled, never the other way round.
 */
import { floorHour } from '#model/calendar.ts';
import type { Database } from '#src/sqlite.ts';
import type { TracedReading } from './store.ts';

type IsUnsettled = (reading: Pick<TracedReading, 'timeMs' | 'seq'>) => boolean;

interface Asked {
  series: number;
  fromMs: number;
  toMs: number;
  /** As known at the clock's time; marks of later entries don't count. Null = as everything is. */
  throughSeq: number | null;
}

export interface Unsettled {
  of(asked: Asked): IsUnsettled;
}

export function openUnsettled(derived: Database): Unsettled {
  const cursor = derived.prepare("SELECT seq FROM cursor WHERE follower = 'readings'");
  const dirty = derived.prepare(
    `SELECT hourMs FROM dirtyHour WHERE series = ? AND hourMs >= ? AND hourMs < ? AND firstSeq <= ?`,
  );
  const reflags = derived.prepare('SELECT timeMs FROM reflag WHERE series = ? AND timeMs >= ? AND timeMs < ?');

  return {
    of({ series, fromMs, toMs, throughSeq }) {
      // The cursor first: what it has passed has left its mark by now.
      const settled = (cursor.get() as { seq: number } | undefined)?.seq ?? Number.MAX_SAFE_INTEGER;
      const marks = dirty.all(series, floorHour(fromMs), toMs, throughSeq ?? Number.MAX_SAFE_INTEGER);
      const waiting = new Set((marks as { hourMs: number }[]).map(({ hourMs }) => hourMs));
      const rows = reflags.all(series, fromMs, toMs) as { timeMs: number }[];
      const times = new Set(rows.map(({ timeMs }) => timeMs));
      return ({ timeMs, seq }) =>
        (seq !== null && seq > settled) || waiting.has(floorHour(timeMs)) || times.has(timeMs);
    },
  };
}
