/** A dry run of a CSV with the columns of `POST /readings`, in the shape in which other files are surveyed. */
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import type { Preview } from '#ingest/door.ts';

const FAULTS_SHOWN = 20;
const STATIONS_SHOWN = 100;

/** Faults of values that are taken all the same. */
const WARNINGS: ReadonlySet<string> = new Set(['flag.unknown']);

export class ReadingsSurveyor {
  #read = 0;
  #taken = 0;
  #missing = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  readonly #stations = new Map<string, number>();
  readonly #faults: FileSurvey['faults'] = [];

  /** @param firstRow of the piece in the file; the door counts the rows of a piece from 2. */
  add({ readings, faults }: Preview, firstRow: number, rows: number): void {
    this.#read += rows;
    this.#taken += readings.length;
    for (const { station, timeMs, value } of readings) {
      if (value === null) this.#missing += 1;
      this.#firstMs = Math.min(this.#firstMs, timeMs);
      this.#lastMs = Math.max(this.#lastMs, timeMs);
      if (this.#stations.has(station) || this.#stations.size < STATIONS_SHOWN) {
        this.#stations.set(station, (this.#stations.get(station) ?? 0) + 1);
      }
    }
    for (const { code, message, path } of faults) {
      if (WARNINGS.has(code) || this.#faults.length >= FAULTS_SHOWN) continue;
      const row = Number(/^row (\d+)/.exec(path ?? '')?.[1] ?? 1);
      this.#faults.push({ line: row + firstRow - 2, code, says: { zh: message, en: message } });
    }
  }

  done(): FileSurvey {
    const hasTimes = this.#lastMs >= this.#firstMs;
    const refused = this.#read - this.#taken;
    return {
      profile: 'readings',
      encoding: 'utf-8',
      separator: ',',
      decimal: '.',
      headerLine: 1,
      firstLine: 2,
      dates: 'ymd',
      zone: { name: null, from: 'rows' },
      columns: [],
      rows: { read: this.#read, taken: this.#taken, duplicates: 0, repeated: 0, refused, leftOut: 0 },
      values: this.#taken - this.#missing,
      missing: this.#missing,
      unread: 0,
      first: hasTimes ? new Date(this.#firstMs).toISOString() : null,
      last: hasTimes ? new Date(this.#lastMs).toISOString() : null,
      stations: [...this.#stations].map(([station, rows]) => ({ station, rows })),
      ambiguous: 0,
      faults: this.#faults,
      questions: [],
    };
  }
}
