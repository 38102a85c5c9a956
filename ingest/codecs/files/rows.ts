/**
 * Reads the rows of a planned file, piece by piece. Every row comes out once, with what became of it: read = taken + duplicate
 * + repeated + refused + left out.
 */
import type { FaultCode } from '#model/faults.ts';
import { laboratoryResult } from '../result.ts';
import { type Written, writtenTime } from './dates.ts';
import { FileUnreadable, shown, type Text } from './file-problem.ts';
import { LineFeed } from './lines.ts';
import { type Decimal, readNumber } from './numbers.ts';
import { type FilePlan, isComment, timeText } from './plan.ts';
import { isOfWidth } from './profile.ts';
import { USGS_ZONES } from './profiles/usgs-rdb.ts';
import { type FileRecord, RecordFeed } from './records.ts';
import { TimesSeen } from './times-seen.ts';
import { type Instants, zoneReader } from './zones.ts';

/** A value as it goes to the door: text is a laboratory's (`<0.02`, `ND`), for the door to understand. */
export interface FileValue {
  value: number | string | null;
  unit: string | null;
  flag: string | null;
}

/** A cell that is neither a number nor anything else that is known. */
export interface UnreadCell {
  column: string;
  parameter: string;
  text: string;
}

export interface TakenRow {
  /** `duplicate`: an earlier row says just the same. */
  fate: 'taken' | 'duplicate';
  line: number;
  /** As the file or the user names it. */
  station: string;
  timeMs: number;
  values: Record<string, FileValue>;
  unread: UnreadCell[];
}

export type FileRow =
  | TakenRow
  | {
      /** `repeated`: an earlier row has its time and says something else. */
      fate: 'refused' | 'repeated';
      line: number;
      text: string;
      code: FaultCode;
      says: Text;
      isSkippedByClock?: boolean;
    }
  | { fate: 'left-out'; line: number; why: 'where' | 'event' };

/** Names of stations in one file. */
const STATIONS_MAX = 10_000;

export class RowReader {
  readonly #plan: FilePlan;
  readonly #lines: LineFeed;
  readonly #records: RecordFeed;
  readonly #names: readonly string[];
  readonly #seen = new TimesSeen();
  readonly #sees: ((cells: readonly string[]) => void) | undefined;
  readonly #stations = new Map<string, number>();
  /** Newest instant of each station, for local times that come twice. */
  readonly #lastMs = new Map<string, number>();
  readonly #zones = new Map<string, (localMs: number) => Instants>();

  /** @param sees told of the cells of every row that is wanted. */
  constructor(plan: FilePlan, sees?: (cells: readonly string[]) => void) {
    this.#plan = plan;
    this.#names = plan.layout.columns.map(({ name }) => name);
    this.#sees = sees;
    this.#lines = new LineFeed(plan.encoding);
    this.#records = new RecordFeed(plan.layout.separator, plan.layout.quoted, this.#names.length);
  }

  push(bytes: Uint8Array): FileRow[] {
    return this.#rows(this.#records.push(this.#tableLines(this.#lines.push(bytes)), false));
  }

  end(): FileRow[] {
    return this.#rows(this.#records.push(this.#tableLines(this.#lines.end()), true));
  }

  #tableLines<T extends { number: number }>(lines: T[]): T[] {
    return lines.filter(({ number }) => number >= this.#plan.layout.firstLine);
  }

  #rows(records: readonly FileRecord[]): FileRow[] {
    const rows: FileRow[] = [];
    for (const record of records) {
      // A spreadsheet's empty rows (`,,,`) say nothing.
      if (record.cells?.every((cell) => cell === '') || (record.cells && isComment(this.#plan.layout, record.cells)))
        continue;
      rows.push(this.#row(record));
    }
    return rows;
  }

  #row({ line, text, cells }: FileRecord): FileRow {
    const refused = (code: FaultCode, says: Text): FileRow => ({ fate: 'refused', line, text, code, says });
    if (cells === null) {
      return refused('row.malformed', { zh: '引号没有成对', en: 'a quotation mark is not closed' });
    }
    const width = widthFault(cells, this.#names);
    if (width !== null) return refused('row.malformed', width);
    if (!this.#plan.isWanted(cells)) return { fate: 'left-out', line, why: 'where' };
    this.#sees?.(cells);
    const { values, unread, isNothing } = this.#values(cells);
    if (isNothing && this.#plan.layout.columns.some(({ index, isEvent }) => isEvent && cells[index] !== '')) {
      return { fate: 'left-out', line, why: 'event' };
    }
    const station = this.#station(cells);
    const timeMs = this.#timeMs(cells, station);
    if (typeof timeMs !== 'number') return { ...timeMs, fate: 'refused', line, text };
    this.#lastMs.set(station, Math.max(timeMs, this.#lastMs.get(station) ?? Number.NEGATIVE_INFINITY));
    const said = JSON.stringify([values, unread]);
    const before = this.#seen.note(this.#stationNumber(station, line), timeMs, said, line);
    if (before !== null && !before.isSame) {
      const says = {
        zh: `${new Date(timeMs).toISOString()} 在第 ${before.line} 行已有，数值不同`,
        en: `line ${before.line} has ${new Date(timeMs).toISOString()} already, with other values`,
      };
      return { fate: 'repeated', line, text, code: 'row.repeated', says };
    }
    return { fate: before === null ? 'taken' : 'duplicate', line, station, timeMs, values, unread };
  }

  #station(cells: readonly string[]): string {
    const { fixed, column, names } = this.#plan.station;
    if (fixed !== null) return fixed;
    const name = cells[column!] ?? '';
    return names.get(name) ?? name;
  }

  #stationNumber(station: string, line: number): number {
    const known = this.#stations.get(station);
    if (known !== undefined) return known;
    if (this.#stations.size >= STATIONS_MAX) {
      const says = { zh: `超过 ${STATIONS_MAX} 个站点。`, en: `The file names more than ${STATIONS_MAX} stations.` };
      throw new FileUnreadable(says, line, 'message.too-large');
    }
    this.#stations.set(station, this.#stations.size);
    return this.#stations.size - 1;
  }

  #values(cells: readonly string[]): { values: Record<string, FileValue>; unread: UnreadCell[]; isNothing: boolean } {
    const { columns, layout, isMissing, decimal } = this.#plan;
    const values: Record<string, FileValue> = {};
    const unread: UnreadCell[] = [];
    let isNothing = true;
    for (const { column, parameter, unit, flags } of columns) {
      const sent = cells[column.index] ?? '';
      const cell = layout.unwrap ? layout.unwrap(sent) : sent;
      const meaning = flags === null ? {} : (layout.meaningOf?.(cells[flags] ?? '') ?? {});
      const flag = meaning.flag ?? null;
      if (cell === '' || isMissing(cell) || meaning.isMissing) {
        values[parameter] = { value: null, unit: null, flag: null };
        continue;
      }
      isNothing = false;
      const number = readNumber(cell, decimal);
      const result = Number.isFinite(number) ? null : laboratoryText(cell, decimal);
      if (meaning.sign && Number.isFinite(number)) values[parameter] = { value: `${meaning.sign}${cell}`, unit, flag };
      else if (Number.isFinite(number)) values[parameter] = { value: number, unit, flag };
      else if (result !== null) values[parameter] = { value: result, unit, flag };
      else unread.push({ column: column.name, parameter, text: cell });
    }
    return { values, unread, isNothing };
  }

  /** Epoch milliseconds, or why there are none. */
  #timeMs(
    cells: readonly string[],
    station: string,
  ): number | { code: FaultCode; says: Text; isSkippedByClock?: boolean } {
    const { layout, order } = this.#plan;
    const text = timeText(cells, layout);
    if (/^\d{12,14}$/.test(text)) return Number(text);
    if (/^\d{9,10}(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
    const written = writtenTime(text, order);
    if (!('localMs' in written)) return { code: 'time.malformed', says: written };
    const fraction = layout.time.columns[2];
    // The third column is what the second leaves out: `0.25`.
    const beyondMs = fraction === undefined ? 0 : Math.round((Number(cells[fraction] || 0) % 1) * 1000) || 0;
    return this.#instant({ ...written, localMs: written.localMs + beyondMs }, text, cells, station);
  }

  #instant(written: Written, text: string, cells: readonly string[], station: string) {
    if (written.offsetMs !== null) return written.localMs - written.offsetMs;
    const reader = this.#zoneReader(cells);
    if (reader === null) {
      const says = {
        zh: `“${shown(text)}”没有时区`,
        en: `"${shown(text)}" has no offset: say with --tz which zone it is in`,
      };
      return { code: 'time.no-offset' as const, says };
    }
    const [first, second] = reader(written.localMs);
    if (first === undefined) {
      const zone = this.#plan.zone.name;
      const says = {
        zh: `“${shown(text)}”在 ${zone} 不存在（拨快时被跳过）`,
        en: `"${shown(text)}" doesn't exist in ${zone}: the clock skips it`,
      };
      return { code: 'time.malformed' as const, says, isSkippedByClock: true };
    }
    if (second === undefined) return first;
    const { ambiguous } = this.#plan;
    if (ambiguous === undefined) {
      const says = {
        zh: `“${shown(text)}”出现两次（拨慢时）：${iso(first)} 或 ${iso(second)}`,
        en: `"${shown(text)}" comes twice when the clock goes back: ${iso(first)} or ${iso(second)}`,
      };
      return { code: 'time.ambiguous' as const, says };
    }
    if (ambiguous === 'order') return first > (this.#lastMs.get(station) ?? Number.NEGATIVE_INFINITY) ? first : second;
    return ambiguous === 'earlier' ? first : second;
  }

  #zoneReader(cells: readonly string[]): ((localMs: number) => Instants) | null {
    const { instants, layout } = this.#plan;
    if (instants !== null) return instants;
    if (layout.time.zoneColumn === undefined) return null;
    const name = cells[layout.time.zoneColumn] ?? '';
    const offset = Object.hasOwn(USGS_ZONES, name) ? USGS_ZONES[name]! : null;
    if (offset === null) return null;
    const reader = this.#zones.get(offset) ?? zoneReader(offset);
    this.#zones.set(offset, reader);
    return reader;
  }
}

/** A laboratory's result as the door takes it, with a decimal point; null for what is none. */
function laboratoryText(cell: string, decimal: Decimal): string | number | null {
  const text = decimal === ',' ? cell.replace(',', '.') : cell;
  const result = laboratoryResult(text);
  if (result === null) return null;
  return 'value' in result ? result.value : shown(text);
}

function widthFault(cells: readonly string[], names: readonly string[]): Text | null {
  if (isOfWidth(cells, names)) return null;
  return {
    zh: `有 ${cells.length} 格，列名有 ${names.length} 个`,
    en: `${cells.length} cells where the header has ${names.length}`,
  };
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
