/** The rows that volumes are kept in: hours, the running totals of days, decisions. Written whole, range by range. */
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Database } from '#src/sqlite.ts';
import type { Decision } from '#volume/decisions.ts';
import type { HourVolume, Knot, Run } from '#volume/hours.ts';

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
  /** Hours of [fromMs, toMs), ascending. */
  hours(meter: string, fromMs: number, toMs: number): HourVolume[];
}

export function floorDay(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

const COLUMNS = 'measuredLitres, estimatedLitres, knownMs';
/** What `hourOf` makes an hour of. */
export const HOUR_COLUMNS = `${COLUMNS}, knots`;

export interface HourRow extends Omit<HourVolume, 'knots'> {
  knots: string | null;
}

export function hourOf({ knots, ...hour }: HourRow): HourVolume {
  if (knots === null) return hour;
  const list = JSON.parse(knots) as [number, number, number, number][];
  const toKnot = ([elapsedMs, measuredLitres, estimatedLitres, knownMs]: (typeof list)[number]): Knot => {
    return { elapsedMs, measuredLitres, estimatedLitres, knownMs };
  };
  return { ...hour, knots: list.map(toKnot) };
}

function knotsText({ knots }: HourVolume): string | null {
  if (!knots) return null;
  return JSON.stringify(knots.map((knot) => [knot.elapsedMs, knot.measuredLitres, knot.estimatedLitres, knot.knownMs]));
}

export function openVolumeRows(derived: Database): VolumeRows {
  const insertHour =
    derived.prepare(`INSERT INTO volumeHour (meter, hourMs, ${COLUMNS}, knots) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (meter, hourMs) DO UPDATE SET measuredLitres = excluded.measuredLitres,
      estimatedLitres = excluded.estimatedLitres, knownMs = excluded.knownMs, knots = excluded.knots`);
  const deleteHour = derived.prepare('DELETE FROM volumeHour WHERE meter = ? AND hourMs = ?');
  const selectHours = derived.prepare(
    `SELECT hourMs, ${HOUR_COLUMNS} FROM volumeHour WHERE meter = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs`,
  );
  const deleteDecisions = derived.prepare('DELETE FROM volumeDecision WHERE meter = ? AND timeMs > ? AND timeMs < ?');
  const insertDecision = derived.prepare(
    `INSERT INTO volumeDecision (meter, timeMs, kind, fromMs, before, after, litres, reason, isRuled)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const totals = openRunningTotals(derived);
  const hoursOf = (meter: string, fromMs: number, toMs: number) =>
    (selectHours.all(meter, fromMs, toMs) as unknown as HourRow[]).map(hourOf);

  return {
    replaceHours(meter, fromHourMs, toHourMs, hours) {
      const gone = new Map(hoursOf(meter, fromHourMs, toHourMs).map((hour) => [hour.hourMs, hour]));
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
        insertDecision.run(meter, timeMs, kind, since, before, after, litres, reason, Number(isRuled));
      }
    },
    hours: hoursOf,
  };
}

/** Days from the first to the last that changed are summed anew; all later ones move by what the last one moved. */
function openRunningTotals(derived: Database) {
  const before = derived.prepare(
    `SELECT ${COLUMNS} FROM volumeDay WHERE meter = ? AND dayMs < ? ORDER BY dayMs DESC LIMIT 1`,
  );
  const drop = derived.prepare('DELETE FROM volumeDay WHERE meter = ? AND dayMs >= ? AND dayMs <= ?');
  const sum = derived.prepare(`INSERT INTO volumeDay (meter, dayMs, ${COLUMNS})
    SELECT ?1, dayMs, ?4 + sum(m) OVER running, ?5 + sum(e) OVER running, ?6 + sum(k) OVER running FROM
      (SELECT hourMs - (hourMs % ${DAY_MS} + ${DAY_MS}) % ${DAY_MS} AS dayMs, sum(measuredLitres) m, sum(estimatedLitres) e, sum(knownMs) k
       FROM volumeHour WHERE meter = ?1 AND hourMs >= ?2 AND hourMs < ?3 + ${DAY_MS} GROUP BY 1)
    WINDOW running AS (ORDER BY dayMs)`);
  const move = derived.prepare(`UPDATE volumeDay SET measuredLitres = measuredLitres + ?3,
    estimatedLitres = estimatedLitres + ?4, knownMs = knownMs + ?5 WHERE meter = ?1 AND dayMs > ?2`);
  const at = (meter: string, dayMs: number): RunningTotal =>
    (before.get(meter, dayMs) as RunningTotal | undefined) ?? { measuredLitres: 0, estimatedLitres: 0, knownMs: 0 };
  return {
    renew(meter: string, firstDayMs: number, lastDayMs: number): void {
      const base = at(meter, firstDayMs);
      const old = at(meter, lastDayMs + DAY_MS);
      drop.run(meter, firstDayMs, lastDayMs);
      sum.run(meter, firstDayMs, lastDayMs, base.measuredLitres, base.estimatedLitres, base.knownMs);
      const now = at(meter, lastDayMs + DAY_MS);
      const moved = [
        now.measuredLitres - old.measuredLitres,
        now.estimatedLitres - old.estimatedLitres,
        now.knownMs - old.knownMs,
      ];
      if (moved.some((amount) => amount !== 0)) move.run(meter, lastDayMs, moved[0]!, moved[1]!, moved[2]!);
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
