/** From stations to what is asked of the books for an assessment, and from their answer to statistics of each section. */
import { meanOf } from '#assess/period-mean.ts';
import type { Period } from '#assess/periods.ts';
import type { PeriodStatistic } from '#assess/section.ts';
import { TROPHIC_INDICATORS } from '#assess/trophic.ts';
import { bucketEdges, floorHour, HOUR_MS } from '#model/calendar.ts';
import type { TargetClass, WaterBody } from '#model/class.ts';
import { durationMs } from '#model/duration.ts';
import type { Series } from '#model/reading.ts';
import type { Parameter, Reference, Standard } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import { cellAt } from './period-cells.ts';
import type { BookQueries, PeriodCells, PeriodQuery } from './queries.ts';

const MONTHS_MAX = 13;

export interface SectionPlan {
  station: string;
  waterBody: WaterBody;
  target: TargetClass | null;
  /** What it lists or has had readings of, as far as it is assessed. `series` null: never a reading. */
  measures: { parameter: Parameter; series: number | null; intervalMs: number | null }[];
}

type NamedStation = Station & { id: string };
export interface LeftOut {
  station: string;
  reason: 'outfall' | 'no-indicator';
}

/**
 * @param isWanted whether a station is a section also if it measures nothing that makes a class.
 * @returns for each station its plan, or why it has none.
 */
export function sectionPlanner(
  { reference, reader }: { reference: Reference; reader: { seriesOfStation(station: string): Series[] } },
  standard: Standard,
  isWanted: boolean,
): (station: NamedStation) => SectionPlan | LeftOut {
  const relevant = new Set<string>([...standard.items.map(({ parameter }) => parameter), ...TROPHIC_INDICATORS]);
  const taking = new Set(standard.items.flatMap((item) => (item.participates ? item.parameter : [])));
  return (station) => {
    const series = new Map(reader.seriesOfStation(station.id).map(({ parameter, id }) => [parameter, id]));
    const listed = new Map(station.parameters.map((one) => [one.id, one.interval]));
    const ids = [...new Set([...listed.keys(), ...series.keys()])].filter((id) => relevant.has(id));
    const isSection = ids.some((id) => taking.has(id));
    if (station.kind === 'outfall') return { station: station.id, reason: 'outfall' };
    if (!isSection && !isWanted) return { station: station.id, reason: 'no-indicator' };
    const measures = ids.map((id) => {
      const interval = listed.get(id);
      const intervalMs = interval === undefined ? null : durationMs(interval) || null;
      return { parameter: reference.parameters.get(id)!, series: series.get(id) ?? null, intervalMs };
    });
    const { id, waterBody, target = null } = station;
    return { station: id, waterBody, target, measures };
  };
}

export function divided(all: readonly (SectionPlan | LeftOut)[]): { plans: SectionPlan[]; leftOut: LeftOut[] } {
  const plans: SectionPlan[] = [];
  const leftOut: LeftOut[] = [];
  for (const one of all) {
    if ('reason' in one) leftOut.push(one);
    else plans.push(one);
  }
  return { plans, leftOut };
}

/** A section over the period meant. */
interface SectionStatistics {
  statistics: PeriodStatistic[];
  provisional: boolean;
}

/** Made as they are taken, so that whoever takes them says how many in one turn of the event loop. */
export interface PeriodsFound {
  /** All in the plans' order. */
  own: Iterable<SectionStatistics>;
  /** Of each period that is compared with, without extremes; no sections of one that there isn't. */
  others: Iterable<SectionStatistics>[];
}

/** @param period the one meant. @param others those that it is compared with. */
export async function periodStatistics(
  { queries, timeZone }: { queries: Pick<BookQueries, 'periods'>; timeZone: string },
  plans: readonly SectionPlan[],
  { period, others }: { period: Period; others: readonly (Period | null)[] },
  { asOfMs, nowMs }: { asOfMs: number | null; nowMs: number },
): Promise<PeriodsFound> {
  const compared = others.map((other) => other && likePart(period, other, nowMs));
  const spansOf = [period, ...compared].map((one) => (one ? spans(one, timeZone, one !== period) : []));
  const series: PeriodQuery['series'] = [];
  for (const { measures } of plans) {
    for (const { series: id, parameter } of measures) if (id !== null) series.push({ id, mean: parameter.mean });
  }
  const cells = await queries.periods({ series, spans: spansOf.flat(), timeZone, asOfMs, nowMs });
  const counting = countingSpans(period, spansOf[0]!, nowMs);
  let nextSpan = 0;
  const [own, ...theirs] = spansOf.map((own, index): Iterable<SectionStatistics> => {
    const first = nextSpan;
    nextSpan += own.length;
    const one = index === 0 ? period : compared[index - 1]!;
    // Of a year that isn't over the same months are compared: its summer isn't held against a winter.
    const length = index === 0 ? own.length : Math.min(own.length, counting);
    return one === null
      ? []
      : statisticsOfAll(plans, one, { cells, series: series.length, first, length, counting }, nowMs);
  });
  return { own: own!, others: theirs };
}

/**
 * Of what a period that isn't over is compared with as long a beginning, in whole hours: ten days of a month aren't held
 * against a whole one. A year has its months for that.
 */
function likePart({ kind, startMs, endMs }: Period, other: Period, nowMs: number): Period {
  if (kind === 'year' || endMs <= nowMs) return other;
  const elapsedMs = Math.max(floorHour(nowMs) - floorHour(startMs), HOUR_MS);
  return { ...other, endMs: Math.min(other.endMs, other.startMs + elapsedMs) };
}

/** A year is averaged by its months, everything else at once. */
function spans({ kind, startMs, endMs }: Period, timeZone: string, meansOnly: boolean): PeriodQuery['spans'] {
  if (kind !== 'year') return [{ startMs, endMs, meansOnly }];
  const edges = bucketEdges(startMs, endMs, 'month', timeZone, MONTHS_MAX);
  return edges.slice(1).map((toMs, index) => ({ startMs: edges[index]!, endMs: toMs, meansOnly }));
}

/**
 * How many of the spans make the mean: of a year the months that are over, since a few days of one would weigh as much as a
 * whole one; in January the one that there is.
 */
function countingSpans({ kind }: Period, list: PeriodQuery['spans'], nowMs: number): number {
  if (kind !== 'year') return list.length;
  return Math.max(1, list.filter(({ endMs }) => endMs <= nowMs).length);
}

/** Some spans of an answer. */
interface Spans {
  cells: PeriodCells;
  /** How many series a span has. */
  series: number;
  first: number;
  length: number;
  /** How many of them make the mean. */
  counting: number;
}

function* statisticsOfAll(plans: readonly SectionPlan[], period: Period, spans: Spans, nowMs: number) {
  let asked = 0;
  for (const plan of plans) {
    yield statisticsOf(plan, period, { ...spans, asked }, nowMs);
    asked += plan.measures.filter(({ series }) => series !== null).length;
  }
}

/** @param spans.asked how many series were asked for before those of this section. */
function statisticsOf(
  { measures }: SectionPlan,
  { kind, startMs, endMs }: Period,
  { cells, series: seriesCount, first, length, counting, asked }: Spans & { asked: number },
  nowMs: number,
): SectionStatistics {
  let provisional = endMs > nowMs;
  let index = asked;
  const elapsedMs = Math.max(0, Math.min(endMs, nowMs) - startMs);
  const statistics = measures.map(({ parameter, series, intervalMs }): PeriodStatistic => {
    const found: PeriodStatistic = {
      parameter: parameter.id,
      count: 0,
      valid: 0,
      mean: null,
      min: null,
      max: null,
      expected: intervalMs === null ? null : Math.floor(elapsedMs / intervalMs),
      months: null,
    };
    const means: number[] = [];
    for (let span = 0; series !== null && span < length; span++) {
      const cell = cellAt(cells, (first + span) * seriesCount + index);
      if (!cell) continue;
      found.count += cell.count;
      found.valid += cell.valid;
      if (cell.mean !== null && span < counting) means.push(cell.mean);
      if (cell.min !== null) found.min = found.min === null ? cell.min : Math.min(found.min, cell.min);
      if (cell.max !== null) found.max = found.max === null ? cell.max : Math.max(found.max, cell.max);
      provisional ||= cell.provisional;
    }
    if (series !== null) index++;
    found.mean = meanOf(means, parameter.mean);
    if (kind === 'year') found.months = means.length;
    return found;
  });
  return { statistics, provisional };
}
