/** How a reading stands in a row of any table: its flag and censoring are one number in the column `flag` (`toMark`). */
import { censoredOfMark, flagOfMark, type Reading, type SeriesReading } from '#model/reading.ts';

type Row = Record<string, unknown>;

export function toReading(row: Row): Reading {
  const mark = row.flag as number;
  const reading: Reading = {
    timeMs: row.timeMs as number,
    value: row.value as number | null,
    flag: flagOfMark(mark),
    deviceFlag: row.deviceFlag as string | null,
  };
  const censored = censoredOfMark(mark);
  if (censored !== undefined) reading.censored = censored;
  return reading;
}

export function toSeriesReading(row: Row): SeriesReading {
  return { series: row.series as number, ...toReading(row) };
}
