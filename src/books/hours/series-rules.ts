/**
 * How the readings of a series are judged and averaged, and which other series that takes: QARTOD's multivariate and
 * neighbour tests look at another one, so what changes there is news here, too.
 */

import { Dialects } from '#journal/dialects.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import type { Series } from '#model/reading.ts';
import type { MeanKind, Reference } from '#model/reference.ts';
import { type Companions, comparableWindow, type FlaggableReading, NO_TESTS, reachBackMs } from '#quality/final.ts';
import { effectiveThresholds, type Thresholds } from '#quality/thresholds.ts';
import type { Pins } from '#readings/pins.ts';
import type { ReadingStore, TracedReading } from '#readings/store.ts';

/** Another series that a test compares with. */
export interface Companion {
  test: 'multivariate' | 'neighbour';
  series: number;
  /** Of its own: what fails by itself there is no evidence here. */
  thresholds: Thresholds;
}

export interface SeriesRules {
  thresholds: Thresholds;
  mean: MeanKind;
  companions: readonly Companion[];
}

interface Registers {
  control: Pick<Control, 'get' | 'list'>;
  reader: Pick<JournalReader, 'seriesById' | 'seriesByName'>;
  reference: Reference;
  /** Made for the question when there is none. */
  dialects?: Dialects;
}

const UNKNOWN: SeriesRules = { thresholds: NO_TESTS, mean: 'arithmetic', companions: [] };

/** A parameter that an older reference knew has no rules: its readings are kept and can't be judged. */
export function rulesOfSeries(
  { control, reader, reference, dialects }: Registers,
  series: Series | undefined,
): SeriesRules {
  const parameter = series && reference.parameters.get(series.parameter);
  if (!parameter) return UNKNOWN;
  const spoken = dialects ?? new Dialects(control);
  const at = (station: string) => spoken.at(station).letters;
  const thresholds = effectiveThresholds(parameter, control.get('station', series.station), at(series.station));
  const { multivariate, neighbour } = thresholds;
  const companion = (test: Companion['test'], station: string, id: string): Companion[] => {
    const other = reader.seriesByName(station, id);
    const known = reference.parameters.get(id);
    if (!other || !known) return [];
    return [
      { test, series: other.id, thresholds: effectiveThresholds(known, control.get('station', station), at(station)) },
    ];
  };
  return {
    thresholds,
    mean: parameter.mean,
    companions: [
      ...(multivariate ? companion('multivariate', series.station, multivariate.with) : []),
      ...(neighbour ? companion('neighbour', neighbour.station, series.parameter) : []),
    ],
  };
}

/** Readings of [fromMs, toMs), at most `limit`, with the flags that engineers have set. */
export async function readPinned(
  store: Pick<ReadingStore, 'traced'>,
  pins: Pick<Pins, 'flags'>,
  series: number,
  [fromMs, toMs]: readonly [number, number],
  limit = Number.MAX_SAFE_INTEGER,
): Promise<(TracedReading & FlaggableReading)[]> {
  const readings = await store.traced(series, fromMs, toMs, limit);
  const pinned = pins.flags(series, fromMs, toMs);
  return pinned.size === 0 ? readings : readings.map((one) => ({ ...one, pinned: pinned.get(one.timeMs) }));
}

/** What the tests against other series look at for readings of [fromMs, toMs) of a series with this `holeMs`. */
export async function readCompanions(
  store: Pick<ReadingStore, 'traced'>,
  pins: Pick<Pins, 'flags'>,
  companions: readonly Companion[],
  { fromMs, toMs, holeMs }: { fromMs: number; toMs: number; holeMs: number },
): Promise<Companions> {
  const found: Companions = {};
  for (const { test, series, thresholds } of companions) {
    const readings = await readPinned(store, pins, series, [fromMs - holeMs, toMs + holeMs]);
    found[test] = comparableWindow(readings, thresholds);
  }
  return found;
}

type Name = Pick<Series, 'station' | 'parameter'>;

/** By `nameOf` of a series: those whose flags look at it, by what stations' `qc` says. Few stations say anything. */
function dependants(control: Pick<Control, 'list'>): Map<string, Name[]> {
  const found = new Map<string, Name[]>();
  const add = (other: Name, dependant: Name) => found.getOrInsertComputed(nameOf(other), () => []).push(dependant);
  for (const { id: station, body } of control.list('station')) {
    for (const { id: parameter, qc } of body.parameters) {
      if (qc?.multivariate) add({ station, parameter: qc.multivariate.with }, { station, parameter });
      if (qc?.neighbour) add({ station: qc.neighbour.station, parameter }, { station, parameter });
    }
  }
  return found;
}

function nameOf({ station, parameter }: Name): string {
  return `${station} ${parameter}`;
}

interface RulesParts extends Registers {
  control: Pick<Control, 'get' | 'list' | 'onChange'>;
}

/** Rules of a series, and what depends on it, known until a station or a gateway changes: that counts for the hours computed after it. */
export function createSeriesRules(parts: RulesParts) {
  const { reader, control } = parts;
  const dialects = new Dialects(control);
  const known = new Map<number, SeriesRules>();
  /** Made when it is asked for: stations come by the hundred at a first start. */
  let byOther: ReturnType<typeof dependants> | null = null;
  control.onChange(({ command }) => {
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    if (command.noun !== 'station' && command.noun !== 'gateway') return;
    known.clear();
    if (command.noun === 'station') byOther = null;
  });
  return {
    rulesOf(series: number): SeriesRules {
      const rules = known.get(series) ?? rulesOfSeries({ ...parts, dialects }, reader.seriesById(series));
      const { multivariate, neighbour } = rules.thresholds;
      // What it is compared with may have had no reading yet: asked again next time.
      const isWhole = rules.companions.length === Number(!!multivariate) + Number(!!neighbour);
      if (isWhole) known.set(series, rules);
      return rules;
    },
    dependantsOf(series: number): number[] {
      byOther ??= dependants(control);
      const named = byOther.size > 0 ? reader.seriesById(series) : undefined;
      const names = (named && byOther.get(nameOf(named))) ?? [];
      return names.flatMap(({ station, parameter }) => reader.seriesByName(station, parameter)?.id ?? []);
    },
  };
}

/** How far before an hour the readings lie that its final flags, or those of who is compared with it, look at. */
export function lookBackMs({ rulesOf, dependantsOf }: ReturnType<typeof createSeriesRules>, series: number): number {
  const own = reachBackMs(rulesOf(series).thresholds);
  const others = dependantsOf(series).map((dependant) => {
    const { thresholds } = rulesOf(dependant);
    return reachBackMs(thresholds) + thresholds.holeMs;
  });
  return Math.max(own, ...others);
}
