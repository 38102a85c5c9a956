/**
 * The reading store in InfluxDB (docs/decisions/0010): measurement `reading`, tags `station` and `parameter`, fields `value`,
 * `flag`, `deviceFlag`, `seq`. One call is written after the other, and in it a series' points by one lane with one request in
 * flight, so that no older value lands on a newer one; a request that wasn't answered counts as not written, and writing again
 * changes nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Installation } from '#journal/installation.ts';
import { HOUR_MS } from '#model/calendar.ts';
import type { InfluxConfig } from '#model/config.ts';
import type { Reading } from '#model/reading.ts';
import type {
  ReadingStore,
  ReadingToStore,
  RejectedReading,
  SeriesName,
  StoreCapabilities,
  StoreMark,
  StoreTrouble,
  TracedReading,
} from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';
import { storeTrouble, untilShard, writeVerdict } from './answers.ts';
import { checkInfluxdb } from './check.ts';
import { createInfluxClient, type InfluxClient, type InfluxTimeouts, type Rows, TIMEOUTS } from './client.ts';
import { deleteReadings, noDeletion } from './deletion.ts';
import { deviceFlagOf, linePrefix, MEASUREMENT, tagFault, toLine } from './lines.ts';
import { readMark, writeMark } from './mark.ts';
import { type Page, type Place, pageOf, selectReadings, TIME_MIN_MS, untraced, whereSeries, within } from './rows.ts';
import { untilSeen } from './seen.ts';
import { stretches } from './stretches.ts';

/** Requests in flight at once; more gain nothing on the cores of one machine. */
const LANES = 4;
/** Fewer go with others in one request: each costs both sides more than the lines of a small one. */
const LANE_LINES = 2500;
const LINES_MAX = 5000;
const PAGE = 10_000;
const STATEMENTS_MAX = 50;
const MARK_AGAIN_MS = 200;
const HOURS_SLICE_MS = 365 * 24 * HOUR_MS;

export interface InfluxReadingsOptions {
  influx: InfluxConfig;
  name: SeriesName;
  clock: { nowMs(): number };
  /** For a thread that only asks: it needs no check before its first request, and tries nothing out. */
  readOnly?: boolean;
  /** WK_RAW_RETENTION is set: a server that deletes nothing by request is unfit. */
  mustDelete?: boolean;
  /** Who writes: a bucket of somebody else is refused. Null: a new installation; undefined: nobody asks. */
  owner?: Installation | null | undefined;
  timeouts?: Partial<InfluxTimeouts> | undefined;
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
  #writing: Promise<unknown> = Promise.resolve();
  readonly #prefixes = new Map<number, { prefix: string; fault: string | null }>();
  readonly #timeouts: InfluxTimeouts;
  /** What the server was found to do, until it says or shows that it may be another one. */
  #capabilities: StoreCapabilities | null = null;
  #checking: Promise<StoreTrouble | null> | null = null;
  #marked: { found: StoreMark | null } | undefined;
  /** Odd while a mark is being written: what a check reads meanwhile may be the mark before. */
  #marks = 0;

  constructor(options: InfluxReadingsOptions) {
    this.#options = options;
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.#client = createInfluxClient(options.influx, this.#timeouts);
  }

  capabilities(): StoreCapabilities | null {
    return this.#capabilities;
  }

  /** One at a time: two canaries would overwrite each other. */
  check(): Promise<StoreTrouble | null> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  async #check(): Promise<StoreTrouble | null> {
    const { influx, clock, readOnly, mustDelete, owner } = this.#options;
    const known = this.#capabilities;
    const marks = this.#marks;
    const found = await checkInfluxdb(this.#client, influx, {
      known,
      isTried: !readOnly,
      mustDelete: mustDelete ?? false,
      owner,
      nowMs: clock.nowMs(),
      seenMs: this.#timeouts.seenMs,
    });
    this.#capabilities = found.capabilities;
    if (marks === this.#marks && marks % 2 === 0) this.#marked = found.marked;
    return found.trouble;
  }

  mark(): { found: StoreMark | null } | undefined {
    return this.#marked;
  }

  async keepMark(mark: StoreMark): Promise<void> {
    this.#marks++;
    try {
      await writeMark(this.#client, mark);
      if (this.#capabilities?.isSeenLate) await this.#untilMarked(mark);
      this.#marked = { found: mark };
    } finally {
      this.#marks++;
    }
  }

  /** A mark of before that is shown on would be taken for a loss. */
  async #untilMarked({ seq, generation }: StoreMark): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += MARK_AGAIN_MS) {
      const found = await readMark(this.#client);
      if (found?.seq === seq && found.generation === generation) return;
      if (waitedMs >= this.#timeouts.seenMs) {
        throw new StoreError('store.overloaded', `the mark at ${this.#client.address} is not seen`, true);
      }
      await delay(MARK_AGAIN_MS);
    }
  }

  /** In the order of the calls. */
  write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    const written = this.#writing.then(() => this.#write(readings));
    this.#writing = written.catch(() => {});
    return written;
  }

  async #write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    if (readings.length === 0) return [];
    if (!this.#capabilities) {
      const trouble = await this.check();
      if (trouble) throw new StoreError(trouble.condition, trouble.detail, true);
    }
    const rejected: RejectedReading[] = [];
    const lanes = Math.min(LANES, Math.ceil(readings.length / LANE_LINES));
    const byLane: Line[][] = Array.from({ length: lanes }, () => []);
    for (const reading of readings) {
      const { prefix, fault } = this.#prefixOf(reading.series);
      const reason = fault ?? this.#timeFault(reading.timeMs);
      if (reason) rejected.push({ reading, reason });
      else byLane[reading.series % lanes]!.push({ text: toLine(prefix, reading), reading });
    }
    // All lanes come to rest before anything is said: nothing may be in flight when the caller tries again.
    const done = await Promise.allSettled(byLane.map((lines) => this.#inLane(lines)));
    for (const one of done) {
      if (one.status === 'rejected') throw one.reason;
      rejected.push(...one.value);
    }
    if (this.#capabilities?.isSeenLate) await this.#untilSeen(readings, rejected);
    return rejected;
  }

  /** Whoever is told that this was written reads it: the books would count hours without it. */
  async #untilSeen(readings: readonly ReadingToStore[], rejected: readonly RejectedReading[]): Promise<void> {
    const refused = new Set(rejected.map(({ reading }) => reading));
    const written = refused.size === 0 ? readings : readings.filter((reading) => !refused.has(reading));
    const unseen = await untilSeen(written, (keys) => this.at(keys), this.#timeouts.seenMs);
    if (unseen === 0) return;
    const said = `${unseen} series do not show what was confirmed ${this.#timeouts.seenMs / 1000} s ago`;
    throw new StoreError('store.overloaded', `write to ${this.#client.address}: ${said}`, true);
  }

  async read(series: number, fromMs: number, toMs: number, limit: number): Promise<Reading[]> {
    return (await this.traced(series, fromMs, toMs, limit)).map(untraced);
  }

  async traced(series: number, fromMs: number, toMs: number, limit: number): Promise<TracedReading[]> {
    const found: TracedReading[] = [];
    for (let nextMs = fromMs; nextMs < toMs && found.length < limit; ) {
      const size = Math.min(PAGE, limit - found.length);
      const page = await this.#select(series, nextMs, toMs, `ORDER BY time LIMIT ${size}`);
      for (const reading of page.readings) found.push(reading);
      if (page.rows < size) break;
      nextMs = page.lastMs! + 1;
    }
    return found;
  }

  async before(series: number, timeMs: number, count: number): Promise<Reading[]> {
    if (count <= 0) return [];
    const found: TracedReading[] = [];
    for (let beforeMs = timeMs; found.length < count; ) {
      const size = count - found.length;
      const page = await this.#select(series, TIME_MIN_MS, beforeMs, `ORDER BY time DESC LIMIT ${size}`);
      found.push(...page.readings);
      if (page.rows < size) break;
      beforeMs = page.lastMs!;
    }
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
      const answers = await this.#ask(statements);
      for (const [index, { series, toMs }] of batch.entries()) {
        const { readings: found, rows, lastMs } = pageOf(answers[index]!);
        // Denser than the keys: what lies beyond the page is asked for by itself.
        if (rows === PAGE) found.push(...(await this.traced(series, lastMs! + 1, toMs, Number.POSITIVE_INFINITY)));
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
    const [found] = await this.#ask([
      `SELECT distinct("deviceFlag") FROM "${MEASUREMENT}" WHERE ${this.#where(series)}`,
    ]);
    return found!.values.flatMap(([, text]) => deviceFlagOf(text as string | null) ?? []);
  }

  async hours(series: number): Promise<number[]> {
    const where = this.#where(series);
    const [first, last] = await this.#ask([
      `SELECT first("flag") FROM "${MEASUREMENT}" WHERE ${where}`,
      `SELECT last("flag") FROM "${MEASUREMENT}" WHERE ${where}`,
    ]);
    const oldestMs = first!.values[0]?.[0] as number | undefined;
    const newestMs = last!.values[0]?.[0] as number | undefined;
    const hours: number[] = [];
    if (oldestMs === undefined || newestMs === undefined) return hours;
    for (let fromMs = Math.floor(oldestMs / HOUR_MS) * HOUR_MS; fromMs <= newestMs; fromMs += HOURS_SLICE_MS) {
      const [counted] = await this.#ask([
        `SELECT count("flag") FROM "${MEASUREMENT}" WHERE ${where}${within(fromMs, fromMs + HOURS_SLICE_MS)} ` +
          `GROUP BY time(1h) fill(none)`,
      ]);
      for (const [hourMs] of counted!.values) hours.push(hourMs as number);
    }
    return hours;
  }

  async prune(series: number, beforeMs: number): Promise<void> {
    if (this.#capabilities?.deletes === false) throw noDeletion(this.#client.address);
    await deleteReadings(this.#client, this.#options.influx, this.#placeOf(series), beforeMs);
  }

  async close(): Promise<void> {
    await this.#writing;
    this.#client.close();
  }

  /** Chunk by chunk, one request at a time. */
  async #inLane(lines: readonly Line[]): Promise<RejectedReading[]> {
    const rejected: RejectedReading[] = [];
    for (let first = 0; first < lines.length; first += LINES_MAX) {
      rejected.push(...(await this.#send(lines.slice(first, first + LINES_MAX))));
    }
    return rejected;
  }

  /** Sends lines; what InfluxDB finds wrong with them is halved down to the line (a partial write is written again). */
  async #send(lines: readonly Line[]): Promise<RejectedReading[]> {
    const body = lines.map(({ text }) => text).join('\n');
    try {
      await untilShard(() => this.#client.write(body));
      return [];
    } catch (error) {
      const verdict = writeVerdict(error, `write to ${this.#client.address}`);
      if (verdict.kind === 'fail') {
        // The bucket may be another one, or none, when it comes back, and so may the server.
        if (storeTrouble(verdict.error)?.condition !== 'store.overloaded') this.#capabilities = null;
        throw verdict.error;
      }
      if (lines.length === 1) return [{ reading: lines[0]!.reading, reason: verdict.reason }];
    }
    const middle = lines.length >> 1;
    return [...(await this.#send(lines.slice(0, middle))), ...(await this.#send(lines.slice(middle)))];
  }

  async #select(series: number, fromMs: number, toMs: number, order: string): Promise<Page> {
    if (!(fromMs < toMs)) return { readings: [], rows: 0, lastMs: null };
    const [rows] = await this.#ask([this.#statement(series, fromMs, toMs, order)]);
    return pageOf(rows!);
  }

  /** Asks; what was refused is told by what is behind it: a token that may only write, or that was deactivated. */
  async #ask(statements: readonly string[]): Promise<Rows[]> {
    try {
      return await this.#client.query(statements);
    } catch (error) {
      const isRefused = error instanceof StoreError && error.code === 'store.unauthorized';
      const exact = isRefused && !this.#options.readOnly ? await this.check() : null;
      throw exact ? new StoreError(exact.condition, exact.detail, true, { cause: error }) : error;
    }
  }

  #statement(series: number, fromMs: number, toMs: number, order: string): string {
    return selectReadings(this.#placeOf(series), fromMs, toMs, order);
  }

  #where(series: number): string {
    return whereSeries(this.#nameOf(series));
  }

  #placeOf(series: number): Place {
    return { measurement: MEASUREMENT, ...this.#nameOf(series) };
  }

  #nameOf(series: number): { station: string; parameter: string } {
    const name = this.#options.name(series);
    if (!name) throw new Error(`series ${series} has no name`);
    return name;
  }

  /** Such a line among others is dropped there, and the request confirmed (openGemini). */
  #timeFault(timeMs: number): string | null {
    const earliestMs = this.#capabilities?.earliestMs ?? null;
    if (earliestMs === null || timeMs >= earliestMs) return null;
    return `${this.#client.address} holds nothing before ${new Date(earliestMs).toISOString()}`;
  }

  #prefixOf(series: number): { prefix: string; fault: string | null } {
    return this.#prefixes.getOrInsertComputed(series, () => {
      const name = this.#nameOf(series);
      return { prefix: linePrefix(name), fault: tagFault(name.station) ?? tagFault(name.parameter) };
    });
  }
}
