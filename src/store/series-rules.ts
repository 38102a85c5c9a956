/**
 * How the readings of a series are judged and averaged, and which other series that takes: QARTOD's multivariate and
 * neighbour tests look at another one, so what changes there is news here, too.
 */

import type { Series } from '#model/reading.ts';
import type { MeanKind, Reference } from '#model/reference.ts';
import { type Companions, comparableWindow, type FlaggableReading, NO_TESTS } from '#quality/final.ts';
import { effectiveThresholds, type Thresholds } from '#quality/thresholds.ts';
import type { Control } from './control.ts';
import type { JournalReader } from './journal-port.ts';
import type { Pins } from './pins.ts';
import type { ReadingStore, TracedReading } from './reading-store.ts';

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
}

const UNKNOWN: SeriesRules = { thresholds: NO_TESTS, mean: 'arithmetic', companions: [] };

/** A parameter that an older reference knew has no rules: its readings are kept and can't be judged. */
export function rulesOfSeries({ control, reader, reference }: Registers, series: Series | undefined): SeriesRules {
  const parameter = series && reference.parameters.get(series.parameter);
  if (!parameter) return UNKNOWN;
  const thresholds = effectiveThresholds(parameter, control.get('station', series.station));
  const { multivariate, neighbour } = thresholds;
  const companion = (test: Companion['test'], station: string, id: string): Companion[] => {
    const other = reader.seriesByName(station, id);
    const known = reference.parameters.get(id);
    if (!other || !known) return [];
    return [{ test, series: other.id, thresholds: effectiveThresholds(known, control.get('station', station)) }];
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
export function dependants(control: Pick<Control, 'list'>): Map<string, Name[]> {
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

export function nameOf({ station, parameter }: Name): string {
  return `${station} ${parameter}`;
}
