/**
 * Readings as line protocol and as InfluxQL: what is escaped how, and what a device flag becomes. Pure.
 * https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 */
import { MISSING } from '#model/flag.ts';
import type { ReadingToStore } from '#readings/store.ts';

export const MEASUREMENT = 'reading';

/** Why a tag's value can't be carried by line protocol; null when it can. */
export function tagFault(value: string): string | null {
  if (value === '') return 'a tag must not be empty';
  // A newline ends the line whatever stands before it, and a backslash before a delimiter swallows it.
  return /[\n\r\\]/.test(value) ? 'a tag can hold neither line breaks nor backslashes' : null;
}

const tag = (value: string) => value.replace(/[,= ]/g, '\\$&');

/** `reading,station=…,parameter=…`: what the lines of a series begin with. */
export function linePrefix(
  { station, parameter }: { station: string; parameter: string },
  measurement = MEASUREMENT,
): string {
  return `${measurement},parameter=${tag(parameter)},station=${tag(station)}`;
}

/**
 * One line, milliseconds. `value` and `flag` stand together, as floats; a reading without a value only writes its flag 9,
 * since a made-up number would stand in users' charts, and whatever value merges under it isn't read. Without `seq` the
 * store keeps the one it has (fields of one point merge), and so it does with `censored`, which most points never have. So few
 * have a device flag that only a reading in another one's place says that it has none.
 */
export function toLine(
  prefix: string,
  { timeMs, value, flag, deviceFlag, censored, uncensors, isFirst, seq }: ReadingToStore,
): string {
  const measured = value === null ? `flag=${MISSING}` : `value=${value + 0},flag=${flag}`;
  const limit = value !== null && censored ? `,censored="${censored}"` : uncensors ? ',censored=""' : '';
  const device = isFirst && deviceFlag === null ? '' : `,deviceFlag="${fieldText(deviceFlag)}"`;
  const origin = seq === undefined ? '' : `,seq=${seq}`;
  return `${prefix} ${measured}${device}${limit}${origin} ${timeMs}`;
}

/** Null is written as '', so that it replaces what was there; what was sent as '' or begins with `~` gets a `~` before it. */
function fieldText(deviceFlag: string | null): string {
  if (deviceFlag === null) return '';
  const text = deviceFlag === '' || deviceFlag.startsWith('~') ? `~${deviceFlag}` : deviceFlag;
  return text.replace(/["\\]/g, '\\$&');
}

/** The device flag that a stored text means. */
export function deviceFlagOf(text: string | null): string | null {
  if (text === null || text === '') return null;
  return text.startsWith('~') ? text.slice(1) : text;
}

/** A string literal of InfluxQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

/** An identifier of InfluxQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
