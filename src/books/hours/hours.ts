/**
 * Computes closed hours whole from the reading store: final flags, then statistics. Nothing is ever added to an hour,
 * so neither order, batching nor repetition of readings can show in it (invariant 3). Any step may be the last one:
 * a mark goes in the transaction that writes the rows that it asked for.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HOUR_MS } from '#model/calendar.ts';
import type { Flag } from '#model/flag.ts';
import type { SeriesReading } from '#model/reading.ts';
import type { MeanKind } from '#model/reference.ts';
import { addReading, emptyStatistics } from '#model/statistics.ts';
import { finalFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { openPins } from '#readings/pins.ts';
import type { ReadingStore, TracedReading } from '#readings/store.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import type { DayBooks } from './days.ts';
import { type HourRun, hourRuns, runsOf } from './plan.ts';
import { type ComputedHour, type HourRecords, openHourRecords } from './records.ts';
import { readCompanions, readPinned, type SeriesRules } from './series-rules.ts';

/** Marks looked at in one go. */
const PLAN_HOURS = 10_000;
/** Readings looked at in one step and one transaction: about 20 ms. */
const SLICE_READINGS = 5000;
const RUN_HOURS = 168;

export interface HourBooksParts {
  derived: Database;
  store: ReadingStore;
  days: DayBooks;
  rulesOf: (series: number) => SeriesRules;
  /** Series whose flags look at this one. */
  dependantsOf: (series: number) => readonly number[];
  /** In the open transaction: final flags have changed readings of this series in [fromMs, toMs]. */
  onRowsChanged: (series: number, fromMs: number, toMs: number) => void;
  /** In the open transaction: hours of a series whose statistics are others than before. */
  onChanged: (series: number, hoursMs: readonly number[]) => void;
  /** In the open transaction: the same of hours that a recount has changed. */
  onRecounted?: (series: number, hoursMs: readonly number[]) => void;
  /** Flags that changed, once they are stored; may be told twice after a crash. `isRecount`: only by other rules. */
  onReflagged: (readings: SeriesReading[], isRecount: boolean) => void;
}

export interface HourBooks {
  /**
   * Computes some of the dirty hours before `openMs` whose readings the store holds: about 20 ms of work.
   * @param storedSeq what the store holds all of: the cursor of the `readings` follower.
   * @param clockMs the time that superseded flags are given.
   * @returns whether there is more to do.
   */
  step(openMs: number, storedSeq: number, clockMs: number): Promise<boolean>;
  /**
   * Computes hours of a series that have rows anew, by the rules of this program; hours that wait for `step` are left to it.
   * @param also runs in the transaction that writes them.
   */
  recount(series: number, hoursMs: readonly number[], now: Now, also: () => void): Promise<void>;
}

/** As of `step`. */
interface Now {
  storedSeq: number;
  clockMs: number;
}

/** Some dirty hours, being worked off; `throughSeq` = what the store held when they were looked up. */
interface Plan {
  throughSeq: number;
  slices: AsyncGenerator<ComputedHour[]>;
}

export function createHourBooks(parts: HourBooksParts): HourBooks {
  const dirtyHours = openDirtyHours(parts.derived);
  const records = openHourRecords(parts.derived);
  const compute = createHourComputation(parts);
  let plan: Plan | null = null;

  function newPlan(openMs: number, throughSeq: number): Plan {
    const due = dirtyHours.due(throughSeq, openMs, PLAN_HOURS);
    // Marks beyond it are of readings on their way into the store: there will be another time.
    const marks = due.filter((mark) => mark.lastSeq <= throughSeq);
    const runs = hourRuns(marks, { records, ...compute, dependantsOf: parts.dependantsOf });
    return { throughSeq, slices: slices(runs, compute.run) };
  }

  return {
    async step(openMs, storedSeq, clockMs) {
      // What an earlier run of the program left behind.
      await flush(parts, records);
      const begun = plan;
      const current = begun ?? newPlan(openMs, storedSeq);
      // A plan that throws is forgotten: its marks are still there.
      plan = null;
      const slice = await current.slices.next();
      // While a plan was worked off, more may have become due.
      if (slice.done) return begun !== null;
      commit(parts, records, slice.value, { storedSeq: current.throughSeq, clockMs });
      await flush(parts, records);
      plan = current;
      return true;
    },
    async recount(series, hoursMs, now, also) {
      await flush(parts, records);
      const computed: ComputedHour[] = [];
      for (const run of runsOf(compute, series, hoursMs, false)) {
        for (const hour of await compute.run(run)) computed.push({ ...hour, isRecount: true });
      }
      commit(parts, records, computed, now, also);
      await flush(parts, records);
    },
  };
}

/** Computes runs and hands over their hours when there are enough for one transaction. */
async function* slices(
  runs: Iterable<HourRun>,
  compute: (run: HourRun) => Promise<ComputedHour[]>,
): AsyncGenerator<ComputedHour[]> {
  let slice: ComputedHour[] = [];
  let readings = 0;
  for (const run of runs) {
    for (const hour of await compute(run)) {
      slice.push(hour);
      readings += hour.readings + 1;
    }
    if (readings < SLICE_READINGS) continue;
    yield slice;
    slice = [];
    readings = 0;
  }
  if (slice.length > 0) yield slice;
}

function createHourComputation({ derived, store, rulesOf }: HourBooksParts) {
  const pins = openPins(derived);
  /** Hours read in one go where that isn't RUN_HOURS: fewer for series that report every second. */
  const hoursMaxOf = new Map<number, number>();

  async function run({ series, hoursMs, isMarked }: HourRun): Promise<ComputedHour[]> {
    const { thresholds, mean, companions } = rulesOf(series);
    const fromMs = hoursMs[0]! - reachBackMs(thresholds);
    const toMs = hoursMs.at(-1)! + HOUR_MS + reachForwardMs(thresholds);
    const limit = hoursMs.length === 1 ? Number.MAX_SAFE_INTEGER : 2 * SLICE_READINGS;
    const window = await readPinned(store, pins, series, [fromMs, toMs], limit);
    if (window.length === limit) {
      const half = hoursMs.length >> 1;
      hoursMaxOf.set(series, half);
      const first = await run({ series, hoursMs: hoursMs.slice(0, half), isMarked });
      await nextTurn();
      return [...first, ...(await run({ series, hoursMs: hoursMs.slice(half), isMarked }))];
    }
    const { holeMs } = thresholds;
    const others = await readCompanions(store, pins, companions, { fromMs, toMs, holeMs });
    const flags = finalFlags(window, thresholds, others);
    const readings = window.length / hoursMs.length;
    return foldHours(window, flags, hoursMs, mean).map((hour) => ({ ...hour, series, isMarked, readings }));
  }

  return {
    run,
    thresholdsOf: (series: number) => rulesOf(series).thresholds,
    hoursMax: (series: number) => hoursMaxOf.get(series) ?? RUN_HOURS,
  };
}

function foldHours(
  window: readonly TracedReading[],
  flags: readonly Flag[],
  hoursMs: readonly number[],
  kind: MeanKind,
) {
  let i = 0;
  return hoursMs.map((hourMs) => {
    const statistics = emptyStatistics();
    const reflagged: ComputedHour['reflagged'] = [];
    while (i < window.length && window[i]!.timeMs < hourMs) i++;
    for (; i < window.length && window[i]!.timeMs < hourMs + HOUR_MS; i++) {
      const reading = window[i]!;
      addReading(statistics, reading.value, flags[i]!, kind, reading.censored);
      if (flags[i] !== reading.flag) reflagged.push({ before: reading, flag: flags[i]! });
    }
    return { hourMs, statistics, reflagged };
  });
}

/** Writes what has been computed, in one transaction. */
function commit(
  { derived, days, onRowsChanged, onChanged, onRecounted = () => {} }: HourBooksParts,
  records: HourRecords,
  computed: readonly ComputedHour[],
  { storedSeq: throughSeq, clockMs }: Now,
  also = () => {},
): void {
  transaction(derived, () => {
    also();
    const news = new Set(computed.filter(records.isNews));
    const kept = computed.filter((hour) => records.keep(hour, throughSeq, clockMs));
    for (const [series, hours] of Map.groupBy(kept, (hour) => hour.series)) {
      const hoursMs = hours.map((hour) => hour.hourMs).sort((a, b) => a - b);
      days.fold(series, hoursMs);
      const newsMs = hours.flatMap((hour) => (news.has(hour) ? hour.hourMs : []));
      // A transaction is all of a recount, or nothing.
      const tell = hours[0]!.isRecount ? onRecounted : onChanged;
      if (newsMs.length > 0) tell(series, newsMs);
    }
    for (const { series, reflagged, isRecount } of kept) {
      // The recount comes to the meters by itself.
      if (reflagged.length > 0 && !isRecount)
        onRowsChanged(series, reflagged[0]!.before.timeMs, reflagged.at(-1)!.before.timeMs);
    }
  });
}

/** Gives the store the final flags that it hasn't got yet. */
async function flush({ derived, store, onReflagged }: HourBooksParts, records: HourRecords): Promise<void> {
  for (;;) {
    const waiting = records.waiting(SLICE_READINGS);
    if (waiting.length === 0) return;
    // No await between this question and the call of `write`: a value that settles later is written later.
    const current = waiting.filter((reflag) => !records.isOvertaken(reflag));
    if (current.length > 0) {
      // A flag that the store refuses (its reading is beyond the bucket's retention, say) changes nothing that is read.
      await store.write(current.map(toReading));
      for (const recounted of [0, 1]) {
        const readings = current.filter((one) => one.recounted === recounted).map(toReading);
        if (readings.length > 0) onReflagged(readings, recounted === 1);
      }
    }
    transaction(derived, () => {
      records.forget(waiting);
      records.storeHas(store.commits?.());
    });
  }
}

function toReading({ series, timeMs, value, flag, deviceFlag, censored }: SeriesReading): SeriesReading {
  return { series, timeMs, value, flag, deviceFlag, censored };
}
