/** The rows that volumes are kept in: hours, the running totals of days, decisions. Written whole, range by range. */
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import { fieldsChecksum, isSoundFields, isSoundVolume, litresChecksum, volumeChecksum } from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import type { Database } from '#src/sqlite.ts';
import type { Decision } from '#volume/decisions.ts';
import type { HourVolume, Knot, Run } from '#volume/model.ts';

/** Litres and known time of one meter from its birth to some instant. */
export type RunningTotal = Run;

export interface VolumeRows {
  /**
   * In the caller's open transaction: replaces the hours of [fromHourMs, toHourMs) and the running totals after them.
   * @returns the hours that are others than before, and the span of those in which what was measured is another; null when
   * none is.
   */
  replaceHours(
    meter: string,
    fromHourMs: number,
    toHourMs: number,
    hours: readonly HourVolume[],
  ): { changedMs: readonly number[]; remeasured: { fromMs: number; toMs: number } | null };
  /** Replaces the decisions of the open range (fromMs, toMs). */
  replaceDecisions(meter: string, fromMs: number, toMs: number, decisions: readonly Decision[]): void;
  /** Hours of [fromMs, toMs), ascending, without those that are damaged: `onDamaged` is told each. */
  hours(meter: string, fromMs: number, toMs: number, onDamaged: (hourMs: number) => void): HourVolume[];
}

export function floorDay(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

const COLUMNS = 'measuredLitres, estimatedLitres, knownMs';
/** What `hourOf` makes an hour of. */
export const HOUR_COLUMNS = `${COLUMNS}, knots, ${isSoundVolume('hourMs')} AS isSound`;

export interface HourRow extends Omit<HourVolume, 'knots'> {
  knots: string | null;
  /** 0: its checksum doesn't fit; null: it has none. */
  isSound: number | null;
}

/** @throws StoreError `books.damaged`. */
export function hourOf(meter: string, row: HourRow): HourVolume {
  const hour = soundHour(row);
  if (!hour) throw damagedRow('volumeHour', meter, row.hourMs);
  return hour;
}

type KnotCells = [elapsedMs: number, measuredLitres: number, estimatedLitres: number, knownMs: number];

/** Null for a damaged one. */
function soundHour({ knots: text, isSound, ...hour }: HourRow): HourVolume | null {
  if (isSound === 0) return null;
  if (text === null) return hour;
  const knots = knotsOf(text);
  return knots && { ...hour, knots };
}

/** Knots have a checksum of their own at the end of the list. */
export function knotsOf(text: string): Knot[] | null {
  let list: KnotCells[];
  try {
    list = JSON.parse(text) as KnotCells[];
    const last: unknown = list.at(-1);
    const checksum = typeof last === 'number' ? (list.pop() as unknown as number) : null;
    if (!isSoundFields(list.flat(), checksum)) return null;
  } catch {
    return null;
  }
  return list.map(([elapsedMs, measuredLitres, estimatedLitres, knownMs]) => {
    return { elapsedMs, measuredLitres, estimatedLitres, knownMs };
  });
}

function knotsText({ knots }: HourVolume): string | null {
  if (!knots) return null;
  const list = knots.map((knot) => [knot.elapsedMs, knot.measuredLitres, knot.estimatedLitres, knot.knownMs]);
  return JSON.stringify([...list, fieldsChecksum(list.flat())]);
}

export function openVolumeRows(derived: Database): VolumeRows {
  const insertHour = derived.prepare(`INSERT INTO volumeHour (meter, hourMs, ${COLUMNS}, knots, checksum)
    SELECT meter, hourMs, ${COLUMNS}, knots, ${volumeChecksum('hourMs')} FROM
      (SELECT ? AS meter, ? AS hourMs, ? AS measuredLitres, ? AS estimatedLitres, ? AS knownMs, ? AS knots) WHERE true
    ON CONFLICT (meter, hourMs) DO UPDATE SET measuredLitres = excluded.measuredLitres,
      estimatedLitres = excluded.estimatedLitres, knownMs = excluded.knownMs, knots = excluded.knots, checksum = excluded.checksum`);
  const deleteHour = derived.prepare('DELETE FROM volumeHour WHERE meter = ? AND hourMs = ?');
  const selectHours = derived.prepare(
    `SELECT hourMs, ${HOUR_COLUMNS} FROM volumeHour WHERE meter = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs`,
  );
  const deleteDecisions = derived.prepare('DELETE FROM volumeDecision WHERE meter = ? AND timeMs > ? AND timeMs < ?');
  const insertDecision = derived.prepare(
    `INSERT INTO volumeDecision (meter, timeMs, kind, fromMs, before, after, litres, reason, isRuled, checksum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const totals = openRunningTotals(derived);
  const rowsOf = (meter: string, fromMs: number, toMs: number) =>
    selectHours.all(meter, fromMs, toMs) as unknown as HourRow[];

  return {
    replaceHours(meter, fromHourMs, toHourMs, hours) {
      const gone = new Map(rowsOf(meter, fromHourMs, toHourMs).map((row) => [row.hourMs, soundHour(row)]));
      const touched: number[] = [];
      const remeasured: number[] = [];
      for (const hour of hours) {
        const old = gone.get(hour.hourMs);
        gone.delete(hour.hourMs);
        if (old && isSame(old, hour)) continue;
        const { hourMs, measuredLitres, estimatedLitres, knownMs } = hour;
        insertHour.run(meter, hourMs, measuredLitres, estimatedLitres, knownMs, knotsText(hour));
        touched.push(hour.hourMs);
        if (!old || isMeasuredOtherwise(old, hour)) remeasured.push(hour.hourMs);
      }
      for (const hourMs of gone.keys()) {
        deleteHour.run(meter, hourMs);
        touched.push(hourMs);
        remeasured.push(hourMs);
      }
      const changed = spanOf(touched);
      if (changed) totals.renew(meter, floorDay(changed.fromMs), floorDay(changed.toMs - 1));
      return { changedMs: touched, remeasured: spanOf(remeasured) };
    },
    replaceDecisions(meter, fromMs, toMs, decisions) {
      deleteDecisions.run(meter, fromMs, toMs);
      for (const { timeMs, kind, fromMs: since, before, after, litres, reason, isRuled } of decisions) {
        if (timeMs <= fromMs || timeMs >= toMs) continue;
        const fields = [meter, timeMs, kind, since, before, after, litres, reason, Number(isRuled)];
        insertDecision.run(...fields, fieldsChecksum(fields));
      }
    },
    hours: (meter, fromMs, toMs, onDamaged) =>
      rowsOf(meter, fromMs, toMs).flatMap((row) => {
        const hour = soundHour(row);
        if (!hour) onDamaged(row.hourMs);
        return hour ?? [];
      }),
  };
}

/**
 * Days from the first to the last that changed are summed anew; all later ones move by what the last one moved. What is
 * damaged stays so: a day's checksum carries what those of its hours, and of the day before, are off by.
 */
function openRunningTotals(derived: Database) {
  const isOff = (at: string) => `coalesce(NOT (${isSoundVolume(at)}), 0)`;
  const before = derived.prepare(
    `SELECT ${COLUMNS}, ${isOff('dayMs')} AS off FROM volumeDay WHERE meter = ? AND dayMs < ? ORDER BY dayMs DESC LIMIT 1`,
  );
  const drop = derived.prepare('DELETE FROM volumeDay WHERE meter = ? AND dayMs >= ? AND dayMs <= ?');
  const sum = derived.prepare(`INSERT INTO volumeDay (meter, dayMs, ${COLUMNS}, checksum)
    SELECT ?1, dayMs, ${COLUMNS}, ${volumeChecksum('dayMs')} + off FROM
      (SELECT dayMs, ?4 + sum(m) OVER running AS measuredLitres, ?5 + sum(e) OVER running AS estimatedLitres,
         ?6 + sum(k) OVER running AS knownMs, ?7 + sum(off) OVER running AS off FROM
        (SELECT hourMs - (hourMs % ${DAY_MS} + ${DAY_MS}) % ${DAY_MS} AS dayMs, sum(measuredLitres) m,
           sum(estimatedLitres) e, sum(knownMs) k, sum(${isOff('hourMs')}) AS off
         FROM volumeHour WHERE meter = ?1 AND hourMs >= ?2 AND hourMs < ?3 + ${DAY_MS} GROUP BY 1)
      WINDOW running AS (ORDER BY dayMs))`);
  const move = derived.prepare(`UPDATE volumeDay SET measuredLitres = measuredLitres + ?3,
    estimatedLitres = estimatedLitres + ?4, knownMs = knownMs + ?5, checksum = checksum + ${litresChecksum('?3', '?4', '?5')} + ?6
    WHERE meter = ?1 AND dayMs > ?2`);
  const at = (meter: string, dayMs: number) =>
    (before.get(meter, dayMs) as (RunningTotal & { off: number }) | undefined) ?? {
      measuredLitres: 0,
      estimatedLitres: 0,
      knownMs: 0,
      off: 0,
    };
  return {
    renew(meter: string, firstDayMs: number, lastDayMs: number): void {
      const base = at(meter, firstDayMs);
      const old = at(meter, lastDayMs + DAY_MS);
      drop.run(meter, firstDayMs, lastDayMs);
      sum.run(meter, firstDayMs, lastDayMs, base.measuredLitres, base.estimatedLitres, base.knownMs, base.off);
      const now = at(meter, lastDayMs + DAY_MS);
      const moved = [
        now.measuredLitres - old.measuredLitres,
        now.estimatedLitres - old.estimatedLitres,
        now.knownMs - old.knownMs,
        now.off - old.off,
      ] as const;
      if (moved.some((amount) => amount !== 0)) move.run(meter, lastDayMs, ...moved);
    },
  };
}

function isSame(a: HourVolume, b: HourVolume): boolean {
  return (
    a.measuredLitres === b.measuredLitres &&
    a.estimatedLitres === b.estimatedLitres &&
    a.knownMs === b.knownMs &&
    knotsText(a) === knotsText(b)
  );
}

/** Whether another meter that fills its gaps from this one has to look again. */
function isMeasuredOtherwise(a: HourVolume, b: HourVolume): boolean {
  return (
    a.measuredLitres !== b.measuredLitres ||
    a.knownMs !== b.knownMs ||
    (a.estimatedLitres === 0) !== (b.estimatedLitres === 0)
  );
}

function spanOf(hours: readonly number[]): { fromMs: number; toMs: number } | null {
  if (hours.length === 0) return null;
  let fromMs = hours[0]!;
  let lastMs = fromMs;
  for (const hourMs of hours) {
    fromMs = Math.min(fromMs, hourMs);
    lastMs = Math.max(lastMs, hourMs);
  }
  return { fromMs, toMs: lastMs + HOUR_MS };
}
