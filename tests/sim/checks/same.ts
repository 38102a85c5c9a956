/**
 * Invariant 3 and, with it, 10: neither order, batching, repetition nor any fault shows in final flags, statistics and
 * volumes, to the bit, nor in the alarms; so no downtime can look like anything that a station did or didn't do.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Alarm, WHOLE_STATION } from '#model/alarms/alarm.ts';
import { PLATFORM_STATION } from '#model/alarms/platform.ts';
import { isImport } from '#tests/sim/commanded.ts';
import { type Arrival, arrivalsOf, type Model, seriesKey } from '#tests/sim/model.ts';
import type { Outcome } from '#tests/sim/outcome.ts';
import { EDITED_RULE, SILENCE_RULE } from '#tests/sim/world/site.ts';
import type { WorldOptions } from '#tests/sim/world/world.ts';

/** Rules that come and go by command, so that what they say depends on when what they judge was journaled. */
const COMMANDED: ReadonlySet<string> = new Set([EDITED_RULE, SILENCE_RULE]);

export interface Sameness {
  problems: string[];
  /** Series whose alarms could be compared, and how many alarms those were. */
  comparedSeries: number;
  comparedAlarms: number;
}

export function checkSame(
  found: Outcome,
  expected: Outcome,
  model: Model,
  { allowedLatenessMs, site }: Pick<WorldOptions, 'allowedLatenessMs' | 'site'>,
): Sameness {
  const { timeZone } = site.pace;
  const problems: string[] = [];
  for (const [key, readings] of expected.readings) {
    const others = found.readings.get(key) ?? [];
    if (!isDeepStrictEqual(others, readings)) problems.push(firstDifference(`readings of ${key}`, others, readings));
  }
  for (const name of Object.keys(expected.books) as (keyof Outcome['books'])[]) {
    const [rows, others] = [expected.books[name], found.books[name]];
    if (!isDeepStrictEqual(others, rows)) problems.push(firstDifference(name, others, rows));
  }
  const comparable = comparableSeries(found, expected, model, allowedLatenessMs);
  let comparedAlarms = 0;
  for (const key of comparable) {
    const [alarms, others] = [alarmsOf(key, expected), alarmsOf(key, found)];
    comparedAlarms += alarms.length;
    if (!isDeepStrictEqual(others, alarms)) problems.push(firstDifference(`alarms of ${key}`, others, alarms));
  }
  problems.push(...checkEvidence(found, model), ...checkDays(found, timeZone));
  return { problems, comparedSeries: comparable.length, comparedAlarms };
}

/**
 * The design promises the same alarms for what is not late: a late breach is a record, and a flag that changes when the
 * hour closes (quality tests that look at neighbours) is news that may come too late to page. All other series are
 * compared exactly, and with all series of a station what is judged by several of them. What an engineer has corrected,
 * or a file has brought, was told when it was found.
 */
function comparableSeries(found: Outcome, expected: Outcome, model: Model, allowedLatenessMs: number): string[] {
  const keys = [...model.series].flatMap(([key, cells]) => {
    if (found.reflagged.has(key) || expected.reflagged.has(key)) return [];
    const isLate = [...cells.values()].some((cell) => {
      const arrivals = arrivalsOf(cell);
      const isFixed = cell.events.length > arrivals.length;
      return isFixed || arrivals.some((arrival, n) => isBeyond(arrival, arrivals[n - 1], allowedLatenessMs));
    });
    return isLate ? [] : [key];
  });
  const stations = Map.groupBy(model.series.keys(), (key) => key.split('/')[0]!);
  const whole = [...stations].filter(([, own]) => own.every((key) => keys.includes(key)));
  return [...keys, ...whole.map(([station]) => `${station}/${WHOLE_STATION}`)];
}

/** Whether it came too late to page, or as history that pages nobody. */
function isBeyond({ receivedMs, timeMs, value, source }: Arrival, before: Arrival | undefined, latenessMs: number) {
  return isImport(source) || (receivedMs - timeMs > latenessMs && value !== before?.value);
}

/** Every hour is in the one day that the calendar of the zone has it in, also where a day has 23 hours or 25. */
function checkDays({ books }: Outcome, timeZone: string): string[] {
  // Days that aren't made of whole UTC hours have no books (docs/decisions/0006).
  if (books.days.length === 0) return [];
  const left = new Map(books.days.map(({ series, dayMs, count }) => [`${series} ${dayMs}`, count as number]));
  for (const { series, hourMs, count } of books.hours) {
    const time = Temporal.Instant.fromEpochMilliseconds(hourMs as number).toZonedDateTimeISO(timeZone);
    const day = `${series} ${time.startOfDay().epochMilliseconds}`;
    left.set(day, (left.get(day) ?? 0) - (count as number));
  }
  return [...left].flatMap(([day, n]) => (n === 0 ? [] : [`day ${day} counts ${n} readings more than its hours`]));
}

/** The not-withdrawn alarms of a series with their event times. */
function alarmsOf(key: string, { alarms }: Outcome) {
  return alarms
    .filter((alarm) => seriesKey(alarm) === key && alarm.state !== 'withdrawn' && !COMMANDED.has(alarm.rule))
    .map(({ rule, severity, breachStartMs, raisedAtMs, clearedAtMs, value, late }) => {
      return { rule, severity, breachStartMs, raisedAtMs, clearedAtMs, value, late };
    })
    .sort((a, b) => (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : a.breachStartMs - b.breachStartMs));
}

/**
 * Every event time of an alarm about a station is the time of a reading of that station: no tick, no start, no absence
 * of ours raises or clears anything. What is wrong with us is told of `_platform` alone.
 */
function checkEvidence({ alarms }: Outcome, model: Model): string[] {
  const times = (alarm: Alarm) =>
    [alarm.breachStartMs, alarm.raisedAtMs, alarm.clearedAtMs].filter((at) => at !== null);
  return alarms
    .filter(({ station, rule }) => station !== PLATFORM_STATION && rule !== SILENCE_RULE)
    .flatMap((alarm) => {
      const isWhole = alarm.parameter === WHOLE_STATION;
      const series = [...model.series].filter(([key]) =>
        isWhole ? key.startsWith(`${alarm.station}/`) : key === seriesKey(alarm),
      );
      const strays = times(alarm).filter((timeMs) => !series.some(([, cells]) => cells.has(timeMs)));
      return strays.length === 0 ? [] : [`alarm ${alarm.key} speaks of ${strays}, when nothing was measured`];
    });
}

function firstDifference(what: string, found: readonly unknown[], expected: readonly unknown[]): string {
  const n = expected.findIndex((one, index) => !isDeepStrictEqual(one, found[index]));
  const at = n < 0 ? expected.length : n;
  return `${what}: no. ${at} is ${JSON.stringify(found[at])}, should be ${JSON.stringify(expected[at])}`;
}
