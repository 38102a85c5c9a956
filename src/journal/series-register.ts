/**
 * Which small integer stands for which station and parameter. An id is given at once, in memory, and its row is
 * written in the transaction of the first commit that uses it; ids of failed commits stay given and are written later.
 */
import { ReadingColumns, type Readings } from '#model/columns.ts';
import type { JournaledReading } from '#model/entry.ts';
import type { Series } from '#model/reading.ts';
import { type Database, eachRow, type Statement } from '#src/sqlite.ts';

const NONE: readonly number[] = [];
const idOf = ({ series }: JournaledReading) => series;

export class SeriesRegister {
  readonly #byStation = new Map<string, Map<string, Series>>();
  readonly #unsaved = new Map<number, Series>();
  readonly #insert: Statement;
  #lastId = 0;

  constructor(database: Database) {
    this.#insert = database.prepare('INSERT INTO series (id, station, parameter) VALUES (?, ?, ?)');
    eachRow(database.prepare('SELECT id, station, parameter FROM series ORDER BY id'), [], (row) => {
      this.#add({ ...(row as unknown as Series) });
    });
  }

  /** The series of this pair; `isNew` when this call made it. */
  seriesFor(station: string, parameter: string): { series: Series; isNew: boolean } {
    const known = this.#byStation.get(station)?.get(parameter);
    if (known) return { series: known, isNew: false };
    const series = { id: this.#lastId + 1, station, parameter };
    this.#add(series);
    this.#unsaved.set(series.id, series);
    return { series, isNew: true };
  }

  /** The series of these readings that have no row yet. */
  unsaved(readings: Readings): readonly number[] {
    if (this.#unsaved.size === 0) return NONE;
    const ids = readings instanceof ReadingColumns ? readings.series.subarray(0, readings.length) : readings.map(idOf);
    return [...new Set(ids)].filter((id) => this.#unsaved.has(id));
  }

  /** Writes, in the open transaction, the rows of those of them that still have none; adds their ids to `written`. */
  save(ids: readonly number[], written: Set<number>): void {
    for (const id of ids) {
      const series = this.#unsaved.get(id);
      if (!series || written.has(id)) continue;
      this.#insert.run(id, series.station, series.parameter);
      written.add(id);
    }
  }

  /** Their rows are on disk: call after the commit. */
  saved(ids: Iterable<number>): void {
    for (const id of ids) this.#unsaved.delete(id);
  }

  #add(series: Series): void {
    const parameters = this.#byStation.get(series.station);
    if (parameters) parameters.set(series.parameter, series);
    else this.#byStation.set(series.station, new Map([[series.parameter, series]]));
    this.#lastId = Math.max(this.#lastId, series.id);
  }
}
