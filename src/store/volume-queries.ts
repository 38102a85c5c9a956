/**
 * Volumes of any partition of a period, each a difference of the meter's cumulative functions (design §3): month sums,
 * the hours of the month, and inside an hour linear, rounded down. So parts always add up to the whole.
 */

import { HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { share } from '#volume/hours.ts';
import type { VolumeBucket, VolumeQuery } from './queries.ts';
import type { Database } from './sqlite.ts';
import { monthOf } from './volume-books.ts';

/** Litres and known time of one meter from its birth to some instant. */
interface Cumulative {
  measuredLitres: number;
  estimatedLitres: number;
  knownMs: number;
}

/** Above so many edges one scan of the hours is cheaper than a look-up per edge. */
const SCAN_ABOVE_EDGES = 400;

/** @returns one bucket per pair of neighbouring edges, summed over the meters; `unknownMs` within their validity. */
export function volumes(derived: Database, { meters, edgesMs }: VolumeQuery): VolumeBucket[] {
  const buckets: VolumeBucket[] = edgesMs.slice(1).map((endMs, index) => ({
    startMs: edgesMs[index]!,
    endMs,
    measuredLitres: 0,
    estimatedLitres: 0,
    unknownMs: 0,
  }));
  for (const { id, meter } of meters) {
    const at = cumulatives(derived, id, edgesMs);
    for (const [index, bucket] of buckets.entries()) {
      const before = at[index]!;
      const after = at[index + 1]!;
      bucket.measuredLitres += after.measuredLitres - before.measuredLitres;
      bucket.estimatedLitres += after.estimatedLitres - before.estimatedLitres;
      bucket.unknownMs += validMs(meter, bucket.startMs, bucket.endMs) - (after.knownMs - before.knownMs);
    }
  }
  return buckets;
}

/** How much of [fromMs, toMs) the meter is said to measure. */
function validMs(meter: Meter, fromMs: number, toMs: number): number {
  const from =
    meter.from === undefined ? fromMs : Math.max(fromMs, Temporal.Instant.from(meter.from).epochMilliseconds);
  const to = meter.to === undefined ? toMs : Math.min(toMs, Temporal.Instant.from(meter.to).epochMilliseconds);
  return Math.max(0, to - from);
}

function cumulatives(derived: Database, meter: string, edgesMs: readonly number[]): Cumulative[] {
  const months =
    derived.prepare(`SELECT coalesce(sum(measuredLitres), 0) measuredLitres, coalesce(sum(estimatedLitres), 0) estimatedLitres,
    coalesce(sum(knownMs), 0) knownMs FROM volumeMonth WHERE meter = ? AND monthMs < ?`);
  const hours =
    derived.prepare(`SELECT coalesce(sum(measuredLitres), 0) measuredLitres, coalesce(sum(estimatedLitres), 0) estimatedLitres,
    coalesce(sum(knownMs), 0) knownMs FROM volumeHour WHERE meter = ? AND hourMs >= ? AND hourMs < ?`);
  const hour = derived.prepare(
    'SELECT measuredLitres, estimatedLitres, knownMs FROM volumeHour WHERE meter = ? AND hourMs = ?',
  );
  const partOf = (edgeMs: number): Cumulative => {
    const hourMs = Math.floor(edgeMs / HOUR_MS) * HOUR_MS;
    const row = edgeMs === hourMs ? undefined : (hour.get(meter, hourMs) as Cumulative | undefined);
    const part = (amount: number) => share(amount, edgeMs - hourMs, HOUR_MS);
    return row ? mapped(row, part) : { measuredLitres: 0, estimatedLitres: 0, knownMs: 0 };
  };
  const first = edgesMs[0] ?? 0;
  const monthMs = monthOf(first);
  const untilHour = (edgeMs: number) => Math.floor(edgeMs / HOUR_MS) * HOUR_MS;
  if (edgesMs.length <= SCAN_ABOVE_EDGES) {
    return edgesMs.map((edgeMs) =>
      sum(
        sum(
          months.get(meter, monthOf(edgeMs)) as unknown as Cumulative,
          hours.get(meter, monthOf(edgeMs), untilHour(edgeMs)) as unknown as Cumulative,
        ),
        partOf(edgeMs),
      ),
    );
  }
  const scan = derived
    .prepare(
      'SELECT hourMs, measuredLitres, estimatedLitres, knownMs FROM volumeHour WHERE meter = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs',
    )
    .iterate(meter, monthMs, edgesMs.at(-1)!) as unknown as Iterator<Cumulative & { hourMs: number }>;
  const running = months.get(meter, monthMs) as unknown as Cumulative;
  let next = scan.next();
  return edgesMs.map((edgeMs) => {
    while (!next.done && next.value.hourMs < untilHour(edgeMs)) {
      running.measuredLitres += next.value.measuredLitres;
      running.estimatedLitres += next.value.estimatedLitres;
      running.knownMs += next.value.knownMs;
      next = scan.next();
    }
    return sum(running, partOf(edgeMs));
  });
}

function sum(a: Cumulative, b: Cumulative): Cumulative {
  return {
    measuredLitres: a.measuredLitres + b.measuredLitres,
    estimatedLitres: a.estimatedLitres + b.estimatedLitres,
    knownMs: a.knownMs + b.knownMs,
  };
}

function mapped(row: Cumulative, part: (amount: number) => number): Cumulative {
  return {
    measuredLitres: part(row.measuredLitres),
    estimatedLitres: part(row.estimatedLitres),
    knownMs: part(row.knownMs),
  };
}
