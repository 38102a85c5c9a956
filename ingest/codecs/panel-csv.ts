/**
 * Laboratory panels as CSV: a header naming `sample,station,time,parameter,value` and perhaps `lab,unit,method,limit` in any
 * order, then one indicator a row. Results as laboratories write them (./result.ts): `<0.005`, `0.005L`, `>24000`; `ND` takes
 * its detection limit from the column `limit`, else from the station. Rows of a sample need not stand together.
 *
 * Read as files of loggers are (./files), record by record, so that whoever reads can leave off in between.
 */
import { PANEL_ITEMS_MAX, type Panel, type PanelItem } from '#model/panel.ts';
import { NUMBER, shortened } from './codec.ts';
import type { Encoding } from './files/encoding.ts';
import { LineFeed } from './files/lines.ts';
import { type FileRecord, RecordFeed } from './files/records.ts';
import { laboratoryResult } from './result.ts';

const REQUIRED = ['sample', 'station', 'time', 'parameter', 'value'] as const;
const COLUMNS = [...REQUIRED, 'lab', 'unit', 'method', 'limit'] as const;
/** Samples of one file: a year of a hundred sections, each month and more. */
const PANELS_MAX = 5000;
/** Nobody mends more of them at once. */
export const PANEL_FAULTS_MAX = 100;
/** Taken apart at once: about a millisecond. */
const PIECE_BYTES = 2048;

interface PanelRowFault {
  /** Of the file, as an editor counts; 1 is the header. */
  row: number;
  message: string;
}

export interface SentPanel {
  id: string;
  panel: Panel;
  /** Of the items, in their order. */
  rows: number[];
}

export interface SentPanels {
  panels: SentPanel[];
  faults: PanelRowFault[];
}

type Row = Partial<Record<(typeof COLUMNS)[number], string>>;

/** The detection limit of a parameter, however it is called, at a station, with its unit; null = none is known. */
export type DetectionLimitOf = (station: string, parameter: string) => { below: number; unit: string } | null;

/** @throws FileUnreadable for bytes that are no text in this encoding, and for lines beyond 65,536 characters. */
export function* panelRecords(bytes: Uint8Array, encoding: Encoding): Generator<FileRecord> {
  const lines = new LineFeed(encoding);
  const records = new RecordFeed(',', true);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield* records.push(lines.push(bytes.subarray(at, at + PIECE_BYTES)), false);
  }
  yield* records.push(lines.end(), true);
}

/** Gathers the panels of a file in the order of their first rows, and everything that is wrong with it, up to a limit. */
export class PanelFile {
  readonly #detectionLimitOf: DetectionLimitOf;
  readonly #panels = new Map<string, SentPanel>();
  readonly #faults: PanelRowFault[] = [];
  /** The names of the columns, once the header has come. */
  #names: string[] | null = null;
  #isHopeless = false;

  constructor(detectionLimitOf: DetectionLimitOf) {
    this.#detectionLimitOf = detectionLimitOf;
  }

  /** Whether there is no use in reading on. */
  get isSpoilt(): boolean {
    return this.#isHopeless || this.#faults.length >= PANEL_FAULTS_MAX;
  }

  add({ line, cells }: FileRecord): void {
    if (cells?.every((cell) => cell === '')) return;
    const message = cells === null ? 'the quotation marks do not close' : this.#take(cells, line);
    if (message !== null) this.#faults.push({ row: line, message });
  }

  done(): SentPanels {
    const isEmpty = this.#panels.size === 0 && this.#faults.length === 0;
    return {
      panels: [...this.#panels.values()],
      faults: isEmpty ? [{ row: 1, message: 'there are no rows' }] : this.#faults,
    };
  }

  /** @returns what is wrong with the row, or null. */
  #take(cells: readonly string[], line: number): string | null {
    if (this.#names === null) {
      this.#names = cells.map((name) => name.toLowerCase());
      const missing = REQUIRED.filter((name) => !this.#names!.includes(name));
      return missing.length > 0 ? this.#spoil(`the header lacks ${missing.join(', ')}`) : null;
    }
    if (cells.length !== this.#names.length) return `${cells.length} cells under ${this.#names.length} columns`;
    const record: Row = {};
    for (const name of COLUMNS) {
      const at = this.#names.indexOf(name);
      if (at >= 0) record[name] = cells[at]!;
    }
    return this.#takeRow(record, line);
  }

  /** What is wrong with all of the file. */
  #spoil(message: string): string {
    this.#isHopeless = true;
    return message;
  }

  #takeRow(record: Row, row: number): string | null {
    const { sample = '', station = '', time = '', parameter = '', lab, unit, method } = record;
    if (sample === '') return 'the sample has no id';
    if (this.#panels.size === PANELS_MAX && !this.#panels.has(sample)) {
      return this.#spoil(`the file has more than ${PANELS_MAX} samples; send it in parts`);
    }
    const known = this.#panels.getOrInsertComputed(sample, () => ({
      id: sample,
      panel: { station, time, ...(lab ? { lab } : {}), items: [] },
      rows: [],
    }));
    const { panel } = known;
    if (panel.station !== station || panel.time !== time) return `sample ${sample} has another station or time above`;
    const result = resultOf(record, this.#detectionLimitOf);
    if (typeof result === 'string') return result;
    if (panel.items.length === PANEL_ITEMS_MAX) return `sample ${sample} has more than ${PANEL_ITEMS_MAX} items`;
    panel.items.push({ parameter, ...(unit ? { unit } : {}), ...(method ? { method } : {}), ...result });
    known.rows.push(row);
    return null;
  }
}

type Result = Pick<PanelItem, 'value' | 'below' | 'above' | 'unit'>;

/** @returns what was found, or what is wrong with it. */
function resultOf(
  { station = '', parameter = '', value = '', limit = '' }: Row,
  of: DetectionLimitOf,
): Result | string {
  const result = laboratoryResult(value);
  if (result === null) {
    return `"${shortened(value)}" is no result such as 0.12, <0.005, 0.005L, >24000, or ND with a detection limit`;
  }
  if (!('notFound' in result)) return result;
  if (NUMBER.test(limit) && Number(limit) > 0) return { below: Number(limit) };
  const known = of(station, parameter);
  return known ?? `"${shortened(value)}" says no limit: write <0.005, fill the column limit, or set the detectionLimit`;
}
