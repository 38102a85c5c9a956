/**
 * Loads: what a section carries of a substance, hour by hour the concentration that was measured for it times the water that
 * passed; water that no reading stands for is said and never guessed. Runs in the query worker, read-only.
 */
import { concentrationByHour, type HourMean, type Stand, stands, standsOfHours } from '#assess/load.ts';
import { HOUR_MS } from '#model/calendar.ts';
import { isUsable } from '#model/flag.ts';
import { counted } from '#model/mean.ts';
import { isSoundStatistics, isSoundVolume, STATISTICS_COLUMNS, type StatisticsCells } from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import type { ReadingQueries } from '#readings/queries.ts';
import { type Database, eachRow } from '#src/sqlite.ts';
import type { BookQueries, LoadBucket, LoadQuery } from './queries.ts';

interface WaterRow {
  hourMs: number;
  litres: number;
  knownMs: number;
}

const MG_PER_KG = 1e6;
const PAGE = 10_000;

export interface LoadQueriesParts {
  /** A read-only connection to derived.db. */
  derived: Database;
  readings: ReadingQueries['readings'];
}

export function createLoadQueries({ derived, readings }: LoadQueriesParts): Pick<BookQueries, 'loads'> {
  const frozen = openFrozenHours(derived);
  const water = derived.prepare(
    `SELECT hourMs, sum(measuredLitres + estimatedLitres) AS litres, min(knownMs) AS knownMs,
       min(${isSoundVolume('hourMs')}) AS isSound FROM volumeHour WHERE meter IN (SELECT value FROM json_each(?1)) AND hourMs >= ?2 AND hourMs < ?3
     GROUP BY hourMs ORDER BY hourMs`,
  );
  const means = derived.prepare(
    `SELECT hourMs, ${STATISTICS_COLUMNS} FROM hourStat
     WHERE series = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs`,
  );
  means.setReturnArrays(true);
  const hourMeans = (series: number, fromMs: number, toMs: number): HourMean[] =>
    (means.all(series, fromMs, toMs) as unknown as StatisticsCells[]).flatMap((row) => {
      const [hourMs, , valid, sum] = row;
      if (!isSoundStatistics(series, row)) throw damagedRow('hourStat', `series ${series}`, hourMs);
      return valid > 0 ? [{ hourMs, mean: sum / valid, valid }] : [];
    });

  /** From the books where readings come at least hourly; else from readings, and where these have gone from the books. */
  async function standsOf(series: number, { intervalMs, stamps, edgesMs }: LoadQuery): Promise<Stand[]> {
    const reachMs = Math.ceil((intervalMs ?? HOUR_MS) / HOUR_MS) * HOUR_MS;
    const [fromMs, toMs] = [edgesMs[0]! - reachMs, edgesMs.at(-1)! + reachMs];
    if (intervalMs === null || intervalMs <= HOUR_MS) {
      return standsOfHours(hourMeans(series, fromMs, toMs), intervalMs, stamps);
    }
    const goneMs = Math.min(Math.max(fromMs, frozen.beforeMs(series)), toMs);
    const values = hourMeans(series, fromMs, goneMs).map(({ hourMs, mean }) => ({ timeMs: hourMs, value: mean }));
    for (let nextMs = goneMs; nextMs < toMs; ) {
      const page = await readings({ series, fromMs: nextMs, toMs, limit: PAGE, asOfMs: null });
      for (const { timeMs, value, flag, censored } of page) {
        if (value !== null && isUsable(flag)) values.push({ timeMs, value: counted(value, censored) });
      }
      if (page.length < PAGE) break;
      nextMs = page.at(-1)!.timeMs + 1;
    }
    return stands(values, intervalMs, stamps);
  }

  return {
    async loads(query) {
      const { series, meters, edgesMs } = query;
      const concentrationIn = concentrationByHour(series === null ? [] : await standsOf(series, query));
      const buckets = edgesMs.slice(1).map((endMs, index) => emptyBucket(edgesMs[index]!, endMs));
      let index = 0;
      eachRow(water, [JSON.stringify(meters), edgesMs[0]!, edgesMs.at(-1)!], (row) => {
        const hour = row as unknown as WaterRow;
        if (row.isSound === 0) throw damagedRow('volumeHour', meters.join(', '), hour.hourMs);
        while (hour.hourMs >= buckets[index]!.endMs) index++;
        add(buckets[index]!, hour, concentrationIn(hour.hourMs));
      });
      return buckets;
    },
  };
}

function emptyBucket(startMs: number, endMs: number): LoadBucket {
  return { startMs, endMs, kilograms: 0, litres: 0, unweighedLitres: 0, coveredMs: 0 };
}

/** Within an hour water passes evenly. mg/L × L = mg. */
function add(
  bucket: LoadBucket,
  { litres, knownMs }: WaterRow,
  { value, coveredMs }: { value: number | null; coveredMs: number },
): void {
  const weighed = (litres * coveredMs) / HOUR_MS;
  bucket.litres += litres;
  bucket.unweighedLitres += litres - weighed;
  bucket.kilograms += ((value ?? 0) * weighed) / MG_PER_KG;
  bucket.coveredMs += Math.min(knownMs, coveredMs);
}
