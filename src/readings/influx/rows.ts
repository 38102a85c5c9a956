/** What is asked of InfluxDB for readings, and what its rows become. Pure. */
import { type Flag, MISSING, NOT_EVALUATED } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import type { TracedReading } from '#readings/store.ts';
import type { Rows } from './client.ts';
import { deviceFlagOf, quoted } from './lines.ts';

/** What InfluxDB can date, nanoseconds in 64 bits: here by whole days, since openGemini refuses the last hours of it. */
export const TIME_MIN_MS = Date.UTC(1677, 8, 22);
const TIME_MAX_MS = 9_223_372_036_854;

/** Where the readings of a series stand. */
export interface Place {
  measurement: string;
  station: string;
  parameter: string;
}

const clamp = (timeMs: number) => Math.max(TIME_MIN_MS, Math.min(TIME_MAX_MS, Math.trunc(timeMs)));

/** A time as InfluxQL takes it. Negative numbers are InfluxDB's own; the others that speak its language want a date. */
function instant(timeMs: number): string {
  const whole = clamp(timeMs);
  return whole < 0 ? `'${new Date(whole).toISOString()}'` : `${whole}ms`;
}

export function whereSeries({ station, parameter }: Pick<Place, 'station' | 'parameter'>): string {
  return `"station" = ${quoted(station)} AND "parameter" = ${quoted(parameter)}`;
}

/** `AND …` of a range [fromMs, toMs); a bound that is left out is none. */
export function within(fromMs: number | null, toMs: number | null): string {
  const from = fromMs === null ? '' : ` AND time >= ${instant(fromMs)}`;
  return toMs === null ? from : `${from} AND time < ${instant(toMs)}`;
}

/** @param order what follows the range, such as `LIMIT 5`. */
export function selectReadings(place: Place, fromMs: number, toMs: number, order: string): string {
  return (
    `SELECT "value", "flag", "deviceFlag", "censored", "seq" FROM "${place.measurement}" ` +
    `WHERE ${whereSeries(place)}${within(fromMs, toMs)} ${order}`
  );
}

export const untraced = ({ seq: _, ...reading }: TracedReading): Reading => reading;

/** Readings among rows, and how far the rows went. */
export interface Page {
  readings: TracedReading[];
  rows: number;
  /** The time of the last row; null: there is none. */
  lastMs: number | null;
}

/**
 * A row that has neither a value nor the flag of a missing one is no reading: openGemini keeps the other fields of a line
 * whose value it has refused.
 */
export function pageOf({ columns, values }: Rows): Page {
  const readings = values.map((row) => toTraced(row, columns));
  return {
    readings: readings.filter(({ value, flag }) => value !== null || flag === MISSING),
    rows: values.length,
    lastMs: readings.at(-1)?.timeMs ?? null,
  };
}

/** A row of `selectReadings`; one without a flag is somebody else's, and nobody has tested it. */
function toTraced(row: Rows['values'][number], columns: readonly string[]): TracedReading {
  const cell = (name: string) => row[columns.indexOf(name)] ?? null;
  const flag = (cell('flag') ?? NOT_EVALUATED) as Flag;
  const value = flag === MISSING ? null : (cell('value') as number | null);
  const censored = cell('censored');
  return {
    timeMs: cell('time') as number,
    value,
    flag,
    deviceFlag: deviceFlagOf(cell('deviceFlag') as string | null),
    censored: value !== null && (censored === '<' || censored === '>') ? censored : undefined,
    seq: cell('seq') as number | null,
  };
}
