/**
 * The reading store in InfluxDB (docs/decisions/0010): measurement `reading`, tags `station` and `parameter`, fields `value`,
 * `flag`, `deviceFlag`, `seq`. A series' points go through one write lane with one request in flight, so that no older value
 * lands on a newer one; a request that wasn't answered counts as not written, and writing again changes nothing.
 */
import { HOUR_MS } from '#model/calendar.ts';
import type { InfluxConfig } from '#model/config.ts';
import { type Flag, MISSING, NOT_EVALUATED } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import { storeError, storeTrouble, writeVerdict } from './influx-answers.ts';
import { checkInfluxdb } from './influx-check.ts';
import { createInfluxClient, type InfluxClient, type InfluxTimeouts, type Rows } from './influx-client.ts';
import { deviceFlagOf, linePrefix, MEASUREMENT, quoted, tagFault, toLine } from './influx-lines.ts';
import { stretches } from './influx-stretches.ts';
import type {
  ReadingStore,
  ReadingToStore,
  RejectedReading,
  SeriesName,
  StoreTrouble,
  TracedReading,
} from './reading-store.ts';
import { StoreError } from './sqlite.ts';

/** Requests in flight at once; more gain nothing on the cores of one machine. */
const LANES = 4;
const LINES_MAX = 5000;
const PAGE = 10_000;
const STATEMENTS_MAX = 50;
/** What InfluxDB can date: nanoseconds in 64 bits. */
const TIME_MAX_MS = 9_223_372_036_854;
const HOURS_SLICE_MS = 365 * 24 * HOUR_MS;

export interface InfluxReadingsOptions {
  influx: InfluxConfig;
  name: SeriesName;
  /** For a thread that only asks: it needs no check before its first request. */
  readOnly?: boolean;
  timeouts?: InfluxTimeouts;
}

interface Line {
  text: string;
  reading: ReadingToStore;
}

/** Connects when first asked: an InfluxDB that is away holds up nothing but what is asked of it. */
export function openInfluxReadings(options: InfluxReadingsOptions): ReadingStore {
  return new InfluxReadings(options);
}

class InfluxReadings implements ReadingStore {
  readonly #options: InfluxReadingsOptions;
  readonly #client: InfluxClient;
  readonly #lanes: Promise<unknown>[] = Array(LANES).fill(Promise.resolve());
  readonly #prefixes = new Map<number, { prefix: string; fault: string | null }>();
  /** Whether the server was found fit to be written to, since it last said otherwise. */
  #isFit: boolean;

  constructor(options: InfluxReadingsOptions) {
    this.#options = options;
    this.#client = createInfluxClient(options.influx, options.timeouts);
    this.#isFit = options.readOnly ?? false;
  }

  async check(): Promise<StoreTrouble | null> {
    const trouble = await checkInfluxdb(this.#client, this.#options.influx);
    this.#isFit = trouble === null;
    return trouble;
  }

  async write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    if (readings.length === 0) return [];
    if (!this.#isFit) {
      const trouble = await this.check();
      if (trouble) throw new StoreError(trouble.condition, trouble.detail, true);
    }
    const rejected: RejectedReading[] = [];
    const byLane: Line[][] = Array.from({ length: LANES }, () => []);
    for (const reading of readings) {
      const { prefix, fault } = this.#prefixOf(reading.series);
      if (fault) rejected.push({ reading, reason: fault });
      else byLane[reading.series % LANES]!.push({ text: toLine(prefix, reading), reading });
    }
    // All lanes come to rest before anything is said: nothing may be in flight when the caller tries again.
    const done = await Promise.allSettled(byLane.map((lines, lane) => this.#inLane(lane, lines)));
    for (const one of done) {
      if (one.status === 'rejected') throw one.reason;
      rejected.push(...one.value);
    }
    return rejected;
  }

  async read(series: number, fromMs: number, toMs: number, limit: number): Promise<Reading[]> {
    return (await this.traced(series, fromMs, toMs, limit)).map(untraced);
  }

  async traced(series: number, fromMs: number, toMs: number, limit: number): Promise<TracedReading[]> {
    const found: TracedReading[] = [];
    for (let nextMs = fromMs; nextMs < toMs && found.length < limit; ) {
      const size = Math.min(PAGE, limit - found.length);
      const page = await this.#select(series, nextMs, toMs, `ORDER BY time LIMIT ${size}`);
      for (const reading of page) found.push(reading);
      if (page.length < size) break;
      nextMs = page.at(-1)!.timeMs + 1;
    }
    return found;
  }

  async before(series: number, timeMs: number, count: number): Promise<Reading[]> {
    if (count <= 0) return [];
    const found = await this.#select(series, -TIME_MAX_MS, timeMs, `ORDER BY time DESC LIMIT ${count}`);
    return found.reverse().map(untraced);
  }

  after(series: number, timeMs: number, count: number): Promise<Reading[]> {
    return this.read(series, timeMs, Number.POSITIVE_INFINITY, count);
  }

  async at(keys: readonly { series: number; timeMs: number }[]): Promise<(TracedReading | undefined)[]> {
    const known = new Map<number, Map<number, TracedReading>>();
    const wanted = [...Map.groupBy(keys, ({ series }) => series)].flatMap(([series, those]) => {
      known.set(series, new Map());
      return stretches(those.map(({ timeMs }) => timeMs)).map((stretch) => ({ series, ...stretch }));
    });
    for (let first = 0; first < wanted.length; first += STATEMENTS_MAX) {
      const batch = wanted.slice(first, first + STATEMENTS_MAX);
      const statements = batch.map(({ series, fromMs, toMs }) =>
        this.#statement(series, fromMs, toMs, `LIMIT ${PAGE}`),
      );
      const answers = await this.#client.query(statements);
      for (const [index, { series, toMs }] of batch.entries()) {
        const found = answers[index]!.values.map((row) => toTraced(row, answers[index]!.columns));
        // Denser than the keys: what lies beyond the page is asked for by itself.
        if (found.length === PAGE) {
          found.push(...(await this.traced(series, found.at(-1)!.timeMs + 1, toMs, Number.POSITIVE_INFINITY)));
        }
        const byTime = known.get(series)!;
        for (const reading of found) byTime.set(reading.timeMs, reading);
      }
    }
    return keys.map(({ series, timeMs }) => {
      const reading = known.get(series)!.get(timeMs);
      return reading && { ...reading };
    });
  }

  async deviceFlags(series: number): Promise<string[]> {
    const [found] = await this.#client.query([
      `SELECT distinct("deviceFlag") FROM "${MEASUREMENT}" WHERE ${this.#where(series)}`,
    ]);
    return found!.values.flatMap(([, text]) => deviceFlagOf(text as string | null) ?? []);
  }

  async hours(series: number): Promise<number[]> {
    const where = this.#where(series);
    const [first, last] = await this.#client.query([
      `SELECT first("flag") FROM "${MEASUREMENT}" WHERE ${where}`,
      `SELECT last("flag") FROM "${MEASUREMENT}" WHERE ${where}`,
    ]);
    const oldestMs = first!.values[0]?.[0] as number | undefined;
    const newestMs = last!.values[0]?.[0] as number | undefined;
    const hours: number[] = [];
    if (oldestMs === undefined || newestMs === undefined) return hours;
    for (let fromMs = Math.floor(oldestMs / HOUR_MS) * HOUR_MS; fromMs <= newestMs; fromMs += HOURS_SLICE_MS) {
      const [counted] = await this.#client.query([
        `SELECT count("flag") FROM "${MEASUREMENT}" WHERE ${where} AND time >= ${fromMs}ms ` +
          `AND time < ${fromMs + HOURS_SLICE_MS}ms GROUP BY time(1h) fill(none)`,
      ]);
      for (const [hourMs] of counted!.values) hours.push(hourMs as number);
    }
    return hours;
  }

  async prune(series: number, beforeMs: number): Promise<void> {
    const { api, org, bucket } = this.#options.influx;
    if (api === 'v1') {
      await this.#client.query([
        `DELETE FROM "${MEASUREMENT}" WHERE ${this.#where(series)} AND time < ${clamp(beforeMs)}ms`,
      ]);
      return;
    }
    const { station, parameter } = this.#nameOf(series);
    const text = (value: string) => `"${value.replaceAll('"', '\\"')}"`;
    try {
      await this.#client.api(
        'POST',
        `/api/v2/delete?org=${encodeURIComponent(org ?? '')}&bucket=${encodeURIComponent(bucket)}`,
        {
          start: new Date(0).toISOString(),
          stop: new Date(beforeMs - 1).toISOString(),
          predicate: `_measurement=${text(MEASUREMENT)} AND station=${text(station)} AND parameter=${text(parameter)}`,
        },
      );
    } catch (error) {
      const { statusCode } = error as { statusCode?: number };
      if (statusCode !== undefined && [404, 405, 501].includes(statusCode)) {
        throw new StoreError(
          'store.no-deletion',
          `${this.#client.address} deletes nothing by request: give the bucket a retention instead of WK_RAW_RETENTION`,
          false,
          { cause: error },
        );
      }
      throw storeError(error, `delete at ${this.#client.address}`);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#lanes);
    this.#client.close();
  }

  /** Queues lines behind what the lane has to write; chunk by chunk, one request at a time. */
  #inLane(lane: number, lines: readonly Line[]): Promise<RejectedReading[]> {
    const work = this.#lanes[lane]!.then(async () => {
      const rejected: RejectedReading[] = [];
      for (let first = 0; first < lines.length; first += LINES_MAX) {
        rejected.push(...(await this.#send(lines.slice(first, first + LINES_MAX))));
      }
      return rejected;
    });
    this.#lanes[lane] = work.catch(() => {});
    return work;
  }

  /** Sends lines; what InfluxDB finds wrong with them is halved down to the line (a partial write is written again). */
  async #send(lines: readonly Line[]): Promise<RejectedReading[]> {
    const body = lines.map(({ text }) => text).join('\n');
    try {
      await this.#client.write(body);
      return [];
    } catch (error) {
      const verdict = writeVerdict(error, `write to ${this.#client.address}`);
      if (verdict.kind === 'fail') {
        // The bucket may be another one, or none, when it comes back.
        if (storeTrouble(verdict.error)?.condition !== 'store.overloaded') this.#isFit = false;
        throw verdict.error;
      }
      if (lines.length === 1) return [{ reading: lines[0]!.reading, reason: verdict.reason }];
    }
    const middle = lines.length >> 1;
    return [...(await this.#send(lines.slice(0, middle))), ...(await this.#send(lines.slice(middle)))];
  }

  async #select(series: number, fromMs: number, toMs: number, order: string): Promise<TracedReading[]> {
    if (!(fromMs < toMs)) return [];
    const [rows] = await this.#client.query([this.#statement(series, fromMs, toMs, order)]);
    return rowsOf(rows!);
  }

  #statement(series: number, fromMs: number, toMs: number, order: string): string {
    return (
      `SELECT "value", "flag", "deviceFlag", "censored", "seq" FROM "${MEASUREMENT}" WHERE ${this.#where(series)} ` +
      `AND time >= ${clamp(fromMs)}ms AND time < ${clamp(toMs)}ms ${order}`
    );
  }

  #where(series: number): string {
    const { station, parameter } = this.#nameOf(series);
    return `"station" = ${quoted(station)} AND "parameter" = ${quoted(parameter)}`;
  }

  #nameOf(series: number): { station: string; parameter: string } {
    const name = this.#options.name(series);
    if (!name) throw new Error(`series ${series} has no name`);
    return name;
  }

  #prefixOf(series: number): { prefix: string; fault: string | null } {
    return this.#prefixes.getOrInsertComputed(series, () => {
      const name = this.#nameOf(series);
      return { prefix: linePrefix(name), fault: tagFault(name.station) ?? tagFault(name.parameter) };
    });
  }
}

const clamp = (timeMs: number) => Math.max(-TIME_MAX_MS, Math.min(TIME_MAX_MS, Math.trunc(timeMs)));

const untraced = ({ seq: _, ...reading }: TracedReading): Reading => reading;

function rowsOf({ columns, values }: Rows): TracedReading[] {
  return values.map((row) => toTraced(row, columns));
}

/** A row in the order of `#statement`; one without a flag is somebody else's, and nobody has tested it. */
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
