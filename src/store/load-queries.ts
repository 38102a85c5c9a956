/**
 * Loads: what a section carries of a substance, hour by hour the mean concentration times the water that passed. Both come
 * from the books; an hour that lacks either is said and never guessed. Runs in the query worker, read-only.
 */
import { HOUR_MS } from '#model/calendar.ts';
import type { LoadBucket, Queries } from './queries.ts';
import { type Database, eachRow } from './sqlite.ts';

interface Row {
  hourMs: number;
  litres: number;
  knownMs: number;
  /** Of the concentration's valid readings; null without an hour in the books. */
  sum: number | null;
  valid: number | null;
}

const MG_PER_KG = 1e6;

export function createLoadQueries(derived: Database): Pick<Queries, 'loads'> {
  const hoursOf = derived.prepare(
    `SELECT v.hourMs, sum(v.measuredLitres + v.estimatedLitres) AS litres, min(v.knownMs) AS knownMs, h.sum, h.valid
     FROM volumeHour AS v LEFT JOIN hourStat AS h ON h.series = ?1 AND h.hourMs = v.hourMs
     WHERE v.meter IN (SELECT value FROM json_each(?2)) AND v.hourMs >= ?3 AND v.hourMs < ?4
     GROUP BY v.hourMs ORDER BY v.hourMs`,
  );
  return {
    async loads({ series, meters, edgesMs }) {
      const buckets = edgesMs.slice(1).map((endMs, index) => emptyBucket(edgesMs[index]!, endMs));
      let index = 0;
      eachRow(hoursOf, [series, JSON.stringify(meters), edgesMs[0]!, edgesMs.at(-1)!], (row) => {
        const hour = row as unknown as Row;
        while (hour.hourMs >= buckets[index]!.endMs) index++;
        add(buckets[index]!, hour);
      });
      return buckets;
    },
  };
}

function emptyBucket(startMs: number, endMs: number): LoadBucket {
  return { startMs, endMs, kilograms: 0, litres: 0, unweighedLitres: 0, coveredMs: 0 };
}

/** mg/L × L = mg. */
function add(bucket: LoadBucket, { litres, knownMs, sum, valid }: Row): void {
  bucket.litres += litres;
  if (sum === null || !valid) {
    bucket.unweighedLitres += litres;
    return;
  }
  bucket.kilograms += ((sum / valid) * litres) / MG_PER_KG;
  bucket.coveredMs += Math.min(knownMs, HOUR_MS);
}
