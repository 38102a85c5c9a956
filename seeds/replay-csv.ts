/**
 * From a CSV file to samples, pure: which columns are which parameters, what means missing, and what instant a local
 * time is. A row that can't be read is a value with a reason, never an exception; a wrong plan is a `PlanError`.
 */
import { csvRecords } from './csv-records.ts';

/** What the user asked for, as text of the command line. */
export interface ReplayRequest {
  station: string;
  /** `column=parameter,…` */
  map: string;
  /** Column of the time; absent: `time`, `datetime` or `timestamp`, else the first. */
  time?: string;
  /** `±HH:MM` or an IANA zone, for times that have no offset of their own. */
  tz?: string;
  /** Cells that mean "nothing was measured", comma-separated; an empty cell always does. */
  missing?: string;
  /** `column=unit,…` */
  units?: string;
}

export interface ReplaySample {
  station: string;
  time: number;
  values: Record<string, number | null | { value: number; unit: string }>;
}

/** One row: what it says, and what of it could not be read. `sample` null = nothing of it. */
export interface ReplayRow {
  line: number;
  sample: ReplaySample | null;
  faults: string[];
  values: number;
  missing: number;
}

/** The request doesn't fit the file or itself: a mistake of the one who typed it. */
export class PlanError extends Error {}

/**
 * @throws PlanError for a column that the file doesn't have, a map that is none, or an unknown zone.
 */
export function replayRows(text: string, request: ReplayRequest): Generator<ReplayRow> {
  const records = csvRecords(text);
  const first = records.next();
  if (first.done) throw new PlanError('the file is empty');
  const header = first.value.cells.map((cell) => cell.trim());
  const toInstant = instantReader(request.tz);
  const missing = missingCells(request.missing ?? '');
  const columnOf = (name: string) => {
    const index = header.indexOf(name);
    if (index === -1) throw new PlanError(`there is no column "${name}"; the file has ${header.join(', ')}`);
    return index;
  };
  const time = request.time === undefined ? defaultTime(header) : columnOf(request.time);
  const units = new Map(pairs(request.units ?? '', '--units').map(([name, unit]) => [columnOf(name), unit]));
  const columns = pairs(request.map, '--map').map(([name, parameter]) => {
    const index = columnOf(name);
    return { index, name, parameter, unit: units.get(index) ?? null };
  });
  const repeated = columns.find(
    ({ parameter }, i) => columns.findIndex((other) => other.parameter === parameter) !== i,
  );
  if (repeated) throw new PlanError(`--map names parameter "${repeated.parameter}" twice`);
  if (columns.length === 0) throw new PlanError('--map names no column');
  return readRows(records, { station: request.station, width: header.length, time, columns, missing, toInstant });
}

interface Plan {
  station: string;
  width: number;
  time: number;
  columns: { index: number; name: string; parameter: string; unit: string | null }[];
  missing: (cell: string) => boolean;
  toInstant: (text: string) => number | string;
}

function* readRows(
  records: Iterable<{ line: number; cells: string[]; fault: string | null }>,
  plan: Plan,
): Generator<ReplayRow> {
  for (const { line, cells, fault } of records) {
    const width = cells.length === plan.width ? null : `${cells.length} cells where the header has ${plan.width}`;
    const time = plan.toInstant((cells[plan.time] ?? '').trim());
    const broken = fault ?? width ?? (typeof time === 'string' ? time : null);
    if (broken !== null) yield { line, sample: null, faults: [broken], values: 0, missing: 0 };
    else yield { line, ...readValues(cells, time as number, plan) };
  }
}

function readValues(cells: readonly string[], time: number, plan: Plan): Omit<ReplayRow, 'line'> {
  const values: ReplaySample['values'] = {};
  const faults: string[] = [];
  let measured = 0;
  let missing = 0;
  for (const { index, name, parameter, unit } of plan.columns) {
    const cell = cells[index]!.trim();
    const value = Number(cell);
    if (cell === '' || plan.missing(cell)) {
      values[parameter] = null;
      missing += 1;
    } else if (!Number.isFinite(value)) {
      faults.push(`${name}: "${cell}" is no number`);
    } else {
      values[parameter] = unit === null ? value : { value, unit };
      measured += 1;
    }
  }
  const sample = measured + missing > 0 ? { station: plan.station, time, values } : null;
  return { sample, faults, values: measured, missing };
}

function defaultTime(header: readonly string[]): number {
  const known = header.findIndex((name) => /^(time|datetime|date_time|timestamp)$/i.test(name));
  return Math.max(known, 0);
}

/** `a=b,c=d`; a value may hold `=`, a name may not. */
function pairs(text: string, option: string): [string, string][] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => {
    const at = part.indexOf('=');
    const [name, value] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (at < 1 || name === '' || value === '') throw new PlanError(`${option}: "${part}" is not column=…`);
    return [name, value];
  });
}

/** Text or number: `-9999` also means -9999.0. */
function missingCells(text: string): (cell: string) => boolean {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const texts = new Set(words);
  const numbers = new Set(words.map(Number).filter((number) => !Number.isNaN(number)));
  return (cell) => texts.has(cell) || numbers.has(Number(cell));
}

const LOCAL = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?$/;
const OFFSET = /(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * A reader of times: epoch milliseconds, or the reason why there are none. Understood are RFC 3339 and its cousins
 * (blank for T, slashes, no seconds, a date alone) and epoch milliseconds. An offset in the text wins over `tz`. In a
 * zone with daylight saving, the hour that comes twice is taken as the first, the hour that is left out as if the
 * clock had not yet changed (Temporal's "compatible").
 */
export function instantReader(tz: string | undefined): (text: string) => number | string {
  const zone = tz === undefined ? null : zoneOf(tz);
  return (text) => {
    if (/^\d{12,14}$/.test(text)) return Number(text);
    const own = OFFSET.exec(text);
    const local = LOCAL.exec(own ? text.slice(0, own.index).trim() : text);
    if (!local) return `"${text}" is no time`;
    if (!own && zone === null) return `"${text}" has no offset: say with --tz which zone it is in`;
    const [year, month, day, hour, minute, second] = local.slice(1, 7).map((part) => Number(part ?? 0)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const millisecond = Number((local[7] ?? '').padEnd(3, '0').slice(0, 3));
    const utcMs = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
    // Date.UTC carries 31 April over into May; a time that doesn't come back as it went in doesn't exist.
    const back = new Date(utcMs);
    if (
      back.getUTCMonth() !== month - 1 ||
      back.getUTCDate() !== day ||
      back.getUTCHours() !== hour ||
      minute > 59 ||
      second > 59
    ) {
      return `"${text}" is no time that exists`;
    }
    if (own) return utcMs - offsetMs(own[1]!);
    return zone!(utcMs);
  };
}

/** A fixed offset or a zone as a function from local time, written as if it were UTC, to the instant. */
function zoneOf(tz: string): (localMs: number) => number {
  if (OFFSET.test(tz)) {
    const shift = offsetMs(tz);
    return (localMs) => localMs - shift;
  }
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(tz);
  } catch (error) {
    if (error instanceof RangeError)
      throw new PlanError(`--tz: "${tz}" is neither ±HH:MM nor a zone such as America/Denver`);
    throw error;
  }
  return (localMs) => {
    const plain = Temporal.Instant.fromEpochMilliseconds(localMs).toZonedDateTimeISO('UTC').toPlainDateTime();
    return plain.toZonedDateTime(tz).epochMilliseconds;
  };
}

function offsetMs(text: string): number {
  if (/^z$/i.test(text)) return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.slice(1).replace(':', '');
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}
