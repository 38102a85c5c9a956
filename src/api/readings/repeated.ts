/**
 * Rows of one import that have the same station, parameter and time: the first one counts. One that says the same is a
 * duplicate, for the door to count; one that says something else is told, not taken in its place.
 */
import { csv } from '#ingest/codecs/csv.ts';
import { TimesSeen } from '#ingest/codecs/files/times-seen.ts';
import { parameterOf } from '#ingest/resolve.ts';
import type { Reference } from '#model/reference.ts';
import type { CsvPiece } from './csv-pieces.ts';

interface RepeatedRow {
  /** Of the file. */
  row: number;
  /** Header and row, as they came. */
  text: string;
  message: string;
}

/** Series of one file; rows of further ones aren't compared. */
const SERIES_MAX = 65_535;

export class RepeatedReadings {
  readonly #seen = new TimesSeen();
  readonly #series = new Map<string, number>();
  readonly #reference: Reference;

  constructor(reference: Reference) {
    this.#reference = reference;
  }

  /** The piece without such rows, in which every other row keeps its number. */
  without(piece: CsvPiece): { payload: Uint8Array; repeated: RepeatedRow[] } {
    const { payload, firstRow } = piece;
    const decoded = csv.decode(payload);
    if (decoded.fault) return { payload, repeated: [] };
    const repeated = new Map<number, number>();
    for (const { station, time, values, index } of decoded.samples) {
      const [name, value] = Object.entries(values ?? {})[0] ?? [];
      const timeMs = typeof time === 'number' ? time : Date.parse(String(time));
      // What is wrong with such rows is for the door to say.
      if (name === undefined || Number.isNaN(timeMs)) continue;
      // `nh3n` and `w21003` are one series.
      const parameter = parameterOf(this.#reference, name)?.id ?? name;
      const before = this.#note(`${station}\n${parameter}`, timeMs, JSON.stringify(value), index + firstRow - 2);
      if (before !== null) repeated.set(index, before);
    }
    if (repeated.size === 0) return { payload, repeated: [] };
    const lines = Buffer.from(payload)
      .toString()
      .split(/\r\n|\n|\r/);
    const rows = [...repeated].map(([line, before]) => {
      const text = `${lines[0]}\n${lines[line - 1]}\n`;
      lines[line - 1] = '';
      const message = `Row ${before} has this station, parameter and time already, and says something else.`;
      return { row: line + firstRow - 2, text, message };
    });
    return { payload: Buffer.from(lines.join('\n')), repeated: rows };
  }

  /** Rows that were compared with each other. */
  get compared(): number {
    return this.#seen.count;
  }

  /** The row that has this key already and says something else. */
  #note(key: string, timeMs: number, says: string, row: number): number | null {
    if (!this.#series.has(key) && this.#series.size < SERIES_MAX) this.#series.set(key, this.#series.size);
    const series = this.#series.get(key);
    if (series === undefined || this.#seen.isFull) return null;
    const before = this.#seen.note(series, timeMs, says, row);
    return before === null || before.isSame ? null : before.line;
  }
}
