/** Rows of a file as messages for the door, and what the door says of a message as rows and columns of the file. */
import type { FilePlan } from '#ingest/codecs/files/plan.ts';
import type { TakenRow } from '#ingest/codecs/files/rows.ts';

interface FileMessage {
  payload: Buffer;
  /** `samples[3].values.ph` → `row 17, pH`. */
  pathOf(path: string | undefined): string | undefined;
}

/** Values of one message, which is judged and journaled in one turn of the event loop; the door takes 5,000. */
const VALUES_MAX = 500;

/** Gathers rows until a message is full. */
export class FileMessages {
  readonly #bytesMax: number;
  readonly #columns: Map<string, string>;
  readonly #stationOf: (name: string) => string;
  #samples: string[] = [];
  #lines: number[] = [];
  #bytes = 0;
  #values = 0;

  /** @param stationOf the id of the station that the file calls so. */
  constructor(plan: FilePlan, bytesMax: number, stationOf: (name: string) => string) {
    this.#bytesMax = bytesMax;
    this.#columns = new Map(plan.columns.map(({ parameter, column }) => [parameter, column.name]));
    this.#stationOf = stationOf;
  }

  /** @returns the message that was full before this row; null = there is still room. */
  add(row: TakenRow): FileMessage | null {
    const sample = JSON.stringify({ station: this.#stationOf(row.station), time: row.timeMs, values: sentValues(row) });
    const bytes = Buffer.byteLength(sample) + 1;
    const values = Object.keys(row.values).length + row.unread.length;
    const isFull = this.#bytes + bytes + 64 > this.#bytesMax || this.#values + values > VALUES_MAX;
    const full = isFull && this.#samples.length > 0 ? this.rest() : null;
    this.#samples.push(sample);
    this.#lines.push(row.line);
    this.#bytes += bytes;
    this.#values += values;
    return full;
  }

  /** What is gathered, if anything. */
  rest(): FileMessage | null {
    if (this.#samples.length === 0) return null;
    const [payload, lines, columns] = [
      Buffer.from(`{"samples":[${this.#samples.join(',')}]}`),
      this.#lines,
      this.#columns,
    ];
    this.#samples = [];
    this.#lines = [];
    this.#bytes = 0;
    this.#values = 0;
    return { payload, pathOf: (path) => (path === undefined ? undefined : rowPath(path, lines, columns)) };
  }
}

/** Cells that couldn't be read go as they stand: the door quarantines them, so that nothing of a file is lost. */
function sentValues({ values, unread }: TakenRow): Record<string, unknown> {
  const sent: Record<string, unknown> = {};
  for (const [parameter, { value, unit, flag }] of Object.entries(values)) {
    sent[parameter] = value === null ? null : { value, ...(unit !== null && { unit }), ...(flag !== null && { flag }) };
  }
  for (const { parameter, text } of unread) sent[parameter] = { value: text.slice(0, 256).toWellFormed() };
  return sent;
}

function rowPath(path: string, lines: readonly number[], columns: ReadonlyMap<string, string>): string {
  const found = /^samples\[(\d+)\](?:\.values\.(.+))?$/.exec(path);
  if (!found) return path;
  const column = found[2] === undefined ? undefined : columns.get(found[2]);
  return `row ${lines[Number(found[1])]}${column === undefined ? '' : `, ${column}`}`;
}
