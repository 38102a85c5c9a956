/**
 * Volumes of any partition of a period, each a difference of the meter's cumulative functions (design §3): the running
 * total of the day before, the hours of the day, and inside an hour linear, rounded down. So parts always add up to the
 * whole, and a long range costs no more than a short one.
 */

import { floorDay, HOUR_COLUMNS, type HourRow, hourOf, type RunningTotal } from '#books/water/rows.ts';
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { isSoundVolume } from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import { type Database, eachRow, type Statement } from '#src/sqlite.ts';
import { partOfHour } from '#volume/hours.ts';
import type { HourVolume } from '#volume/model.ts';
import type { MeterVolumes, VolumeBucket, VolumeQuery } from './queries.ts';

/** Above so many edges one scan of the hours is cheaper than a look-up per edge. */
const SCAN_ABOVE_EDGES = 400;

/** @returns one bucket per pair of neighbouring edges, summed over the meters; `unknownMs` within their validity. */
export function volumes(derived: Database, query: VolumeQuery): VolumeBucket[] {
  return summed(
    meterVolumes(derived, query).map(({ buckets }) => buckets),
    query.edgesMs,
  );
}

/** The same for each meter, or part of one, by itself. */
export function meterVolumes(derived: Database, { meters, edgesMs }: VolumeQuery): MeterVolumes[] {
  const ids = [...new Set(meters.map(({ id }) => id))];
  const asked = withHandOvers(meters, edgesMs);
  const totals =
    asked.length <= SCAN_ABOVE_EDGES ? totalsByEdge(derived, ids, asked) : totalsByScan(derived, ids, asked);
  const indexOf = new Map(asked.map((edgeMs, index) => [edgeMs, index]));
  const totalsOf = new Map(ids.map((id, index) => [id, totals[index]!]));
  return meters.map((part): MeterVolumes => {
    const clipped = clippedEdges(part, edgesMs);
    const own = totalsOf.get(part.id)!;
    const at = clipped === asked ? own : clipped.map((edgeMs) => own[indexOf.get(edgeMs)!]!);
    return { meter: part.id, buckets: relabelled(bucketsOf(part.meter, clipped, at), edgesMs) };
  });
}

/** The edges, and those within their range at which some part of a meter begins or ends. */
function withHandOvers(meters: VolumeQuery['meters'], edgesMs: readonly number[]): readonly number[] {
  const inner = meters.flatMap((part) => clippedEdges(part, [edgesMs[0]!, edgesMs.at(-1)!]));
  const more = new Set(inner).difference(new Set(edgesMs));
  return more.size === 0 ? edgesMs : [...edgesMs, ...more].sort((a, b) => a - b);
}

/**
 * The edges as a part of a meter sees them: what lies outside its time has no length.
 * @returns as many as there were, all within the range that they had; the very same where the part is there throughout.
 */
export function clippedEdges(part: { fromMs?: number; toMs?: number }, edgesMs: readonly number[]): readonly number[] {
  const { fromMs = -Infinity, toMs = Infinity } = part;
  const first = edgesMs[0]!;
  const last = edgesMs.at(-1)!;
  if (fromMs <= first && toMs >= last) return edgesMs;
  return edgesMs.map((edgeMs) => Math.min(Math.max(edgeMs, Math.min(fromMs, last)), Math.max(toMs, first)));
}

/** Buckets between clipped edges, under the names of the edges that were asked for. */
export function relabelled(buckets: readonly VolumeBucket[], edgesMs: readonly number[]): VolumeBucket[] {
  return buckets.map((bucket, index) => ({ ...bucket, startMs: edgesMs[index]!, endMs: edgesMs[index + 1]! }));
}

/** @param at running totals at the edges. */
export function bucketsOf(meter: Meter, edgesMs: readonly number[], at: readonly RunningTotal[]): VolumeBucket[] {
  const valid = validity(meter);
  return edgesMs.slice(1).map((endMs, index) => {
    const startMs = edgesMs[index]!;
    const before = at[index]!;
    const after = at[index + 1]!;
    const validMs = Math.max(0, Math.min(endMs, valid.toMs) - Math.max(startMs, valid.fromMs));
    return {
      startMs,
      endMs,
      measuredLitres: after.measuredLitres - before.measuredLitres,
      estimatedLitres: after.estimatedLitres - before.estimatedLitres,
      unknownMs: validMs - (after.knownMs - before.knownMs),
    };
  });
}

function summed(parts: readonly VolumeBucket[][], edgesMs: readonly number[]): VolumeBucket[] {
  const buckets = edgesMs.slice(1).map((endMs, index): VolumeBucket => {
    return { startMs: edgesMs[index]!, endMs, measuredLitres: 0, estimatedLitres: 0, unknownMs: 0 };
  });
  for (const part of parts) {
    for (const [index, { measuredLitres, estimatedLitres, unknownMs }] of part.entries()) {
      const bucket = buckets[index]!;
      bucket.measuredLitres += measuredLitres;
      bucket.estimatedLitres += estimatedLitres;
      bucket.unknownMs += unknownMs;
    }
  }
  return buckets;
}

/** When the meter is said to measure. */
function validity(meter: Meter): { fromMs: number; toMs: number } {
  return {
    fromMs: meter.from === undefined ? -Infinity : Temporal.Instant.from(meter.from).epochMilliseconds,
    toMs: meter.to === undefined ? Infinity : Temporal.Instant.from(meter.to).epochMilliseconds,
  };
}

const NOTHING: RunningTotal = { measuredLitres: 0, estimatedLitres: 0, knownMs: 0 };
const COLUMNS = 'measuredLitres, estimatedLitres, knownMs';

type EdgeStatements = Record<'day' | 'hours' | 'part', Statement>;
/** Prepared once per connection: the same three are asked for every edge of every question. */
const prepared = new WeakMap<Database, EdgeStatements>();

/** Answers are in the order of the meters asked (json_each keeps it); a meter may be asked twice. */
function edgeStatements(derived: Database): EdgeStatements {
  const asked = 'json_each(?1) AS asked LEFT JOIN';
  return {
    day: derived.prepare(`SELECT ${COLUMNS}, ${isSoundVolume('dayMs')} AS isSound FROM ${asked} volumeDay ON meter = asked.value
      AND dayMs = (SELECT max(dayMs) FROM volumeDay WHERE meter = asked.value AND dayMs < ?2) ORDER BY asked.key`),
    hours: derived.prepare(`SELECT sum(measuredLitres) AS measuredLitres, sum(estimatedLitres) AS estimatedLitres,
      sum(knownMs) AS knownMs, min(${isSoundVolume('hourMs')}) AS isSound FROM ${asked} volumeHour ON meter = asked.value AND hourMs >= ?2 AND hourMs < ?3
      GROUP BY asked.key ORDER BY asked.key`),
    part: derived.prepare(`SELECT hourMs, ${HOUR_COLUMNS} FROM ${asked} volumeHour ON meter = asked.value AND hourMs = ?2
      ORDER BY asked.key`),
  };
}

/** For each meter its running total at each edge: three look-ups an edge for all meters together. */
function totalsByEdge(derived: Database, meters: readonly string[], edgesMs: readonly number[]): RunningTotal[][] {
  const { day, hours, part } = prepared.getOrInsertComputed(derived, edgeStatements);
  const asked = JSON.stringify(meters);
  const totals = meters.map((): RunningTotal[] => []);
  for (const edgeMs of edgesMs) {
    const dayMs = floorDay(edgeMs);
    const hourMs = floorHour(edgeMs);
    const days = day.all(asked, dayMs) as unknown as MaybeTotal[];
    const whole = hourMs > dayMs ? (hours.all(asked, dayMs, hourMs) as unknown as MaybeTotal[]) : null;
    const broken = edgeMs > hourMs ? (part.all(asked, hourMs) as unknown as MaybeHour[]) : null;
    for (const [index, list] of totals.entries()) {
      const meter = meters[index]!;
      const total = plus(
        sound('volumeDay', meter, edgeMs, days[index]),
        sound('volumeHour', meter, edgeMs, whole?.[index]),
      );
      const hour = broken?.[index];
      const isThere = hour !== undefined && hour.hourMs !== null;
      list.push(plus(total, isThere ? partOfHour(hourOf(meter, hour), edgeMs - hourMs) : undefined));
    }
  }
  return totals;
}

function totalsByScan(derived: Database, meters: readonly string[], edgesMs: readonly number[]): RunningTotal[][] {
  const day = derived.prepare(
    `SELECT ${COLUMNS}, ${isSoundVolume('dayMs')} AS isSound FROM volumeDay WHERE meter = ? AND dayMs < ? ORDER BY dayMs DESC LIMIT 1`,
  );
  const hours = derived.prepare(
    `SELECT hourMs, ${HOUR_COLUMNS} FROM volumeHour WHERE meter = ? AND hourMs >= ? AND hourMs <= ? ORDER BY hourMs`,
  );
  const dayMs = floorDay(edgesMs[0]!);
  return meters.map((meter) => {
    const running = runningTotals(
      sound('volumeDay', meter, dayMs, day.get(meter, dayMs) as MaybeTotal | undefined),
      edgesMs,
    );
    eachRow(hours, [meter, dayMs, edgesMs.at(-1)!], (hour) => {
      running.add(hourOf(meter, hour as unknown as HourRow));
    });
    return running.end();
  });
}

/** A row of nulls where there is none. */
type MaybeTotal = { [Column in keyof RunningTotal]: number | null } & { isSound?: number | null };
type MaybeHour = HourRow | (MaybeTotal & { hourMs: null });

/**
 * @param edgeMs the total is of rows that end there.
 * @throws StoreError `books.damaged`.
 */
function sound(table: string, meter: string, edgeMs: number, row: MaybeTotal | undefined): RunningTotal {
  if (row?.isSound === 0) throw damagedRow(table, meter, edgeMs);
  return plus(NOTHING, row);
}

function plus(a: RunningTotal, b: MaybeTotal | undefined): RunningTotal {
  if (!b || b.measuredLitres === null) return a;
  return {
    measuredLitres: a.measuredLitres + b.measuredLitres,
    estimatedLitres: a.estimatedLitres + b.estimatedLitres!,
    knownMs: a.knownMs + b.knownMs!,
  };
}

/**
 * Running totals at each edge, from a total and the hours after it.
 * @param edgesMs ascending, none before the first hour.
 */
export function runningTotals(base: RunningTotal, edgesMs: readonly number[]) {
  const totals: RunningTotal[] = [];
  let total = base;
  return {
    /** One hour after the other, ascending. */
    add(hour: HourVolume): void {
      const { hourMs } = hour;
      while (totals.length < edgesMs.length && edgesMs[totals.length]! < hourMs + HOUR_MS) {
        totals.push(plus(total, partOfHour(hour, Math.max(0, edgesMs[totals.length]! - hourMs))));
      }
      total = plus(total, hour);
    },
    end(): RunningTotal[] {
      while (totals.length < edgesMs.length) totals.push(total);
      return totals;
    },
  };
}
