/**
 * What may be asked of the books, away from the main thread (`src/api/queries.ts`). Everything is plain data that a structured clone carries. Times are epoch ms, ranges half-open.
 */
import type { Stamps } from '#assess/load.ts';
import type { TrendValue } from '#assess/ranks.ts';
import type { TrendTest, TrendTestOptions } from '#assess/trend-test.ts';
import type { Companion } from '#books/hours/series-rules.ts';
import type { MeterPart } from '#books/water/meter-relations.ts';
import type { QcKind } from '#model/dialect.ts';
import type { QcResult } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import type { Panel } from '#model/panel.ts';
import type { Censored } from '#model/reading.ts';
import type { MeanKind, Parameter } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';
import type { ExplainedFlag } from '#quality/final.ts';
import type { Thresholds } from '#quality/thresholds.ts';
import type { Water } from '#volume/balance.ts';
import type { Decision, DecisionKind } from '#volume/decisions.ts';

export type TrendInterval = 'PT1H' | 'P1D' | 'P1W' | 'P1M' | 'P1Y';

export interface TrendBucket {
  startMs: number;
  endMs: number;
  /** Readings whatever their flag, 9 excepted. */
  count: number;
  /** Readings with flags 1 and 2: those that mean, min and max come from. */
  valid: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  provisional: boolean;
}

export interface TrendQuery {
  /** Null when the series has never had a reading: every bucket is empty. */
  series: number | null;
  mean: MeanKind;
  /** Bucket edges, ascending; n + 1 edges make n buckets (src/model/calendar.ts computes them). */
  edgesMs: number[];
  interval: TrendInterval;
  timeZone: string;
  asOfMs: number | null;
}

interface QcQuery {
  station: string;
  parameter: string | null;
  kind: QcKind | null;
  fromMs: number;
  toMs: number;
  limit: number;
  /** The last of the page before, null = from the newest. */
  before: { timeMs: number; parameter: string; kind: string } | null;
}

/** `source` reported it first, or last with other figures, at `atMs`. */
export interface KeptQcResult extends QcResult {
  source: string;
  atMs: number;
}

interface TrendTestQuery extends TrendTestOptions {
  values: (TrendValue | null)[];
}

/** Many series over a few spans of time, all at once. */
export interface PeriodQuery {
  series: { id: number; mean: MeanKind }[];
  /**
   * Whole local days of `timeZone`; a year that is averaged by months comes as twelve. Of what is only compared with the
   * means will do: then `count` is `valid`, and `min` and `max` are null.
   */
  spans: { startMs: number; endMs: number; meansOnly: boolean }[];
  timeZone: string;
  asOfMs: number | null;
  nowMs: number;
}

/**
 * The readings of each series in each span, as columns: objects by the ten thousand would hold up the thread that is told.
 * Span `s` of series `i`, both in the order of the question, stands at `s * series.length + i`; NaN = null.
 */
export interface PeriodCells {
  /** 0: no readings. */
  count: Float64Array;
  valid: Float64Array;
  mean: Float64Array;
  min: Float64Array;
  max: Float64Array;
  provisional: Uint8Array;
}

/** Integer litres; `unknownMs` = time of the range for which nothing is known, summed over meters. */
export interface VolumeBucket {
  startMs: number;
  endMs: number;
  measuredLitres: number;
  estimatedLitres: number;
  unknownMs: number;
}

export interface BalanceQuery {
  parts: readonly MeterPart[];
  edgesMs: readonly number[];
  /** Whether a meter's water is set against what was taken in its `travelTime` earlier. */
  isShifted: boolean;
}

export interface Balances {
  /** A row of sixteen numbers a bucket (src/books/water/bucket-balances.ts), and not an object a meter and bucket. */
  buckets: Float64Array;
  /** Each part over the whole range, in the order of ids. */
  counted: (MeterPart & { total: Water })[];
}

export interface VolumeQuery {
  /** Of a part of a meter only what ran in its time [fromMs, toMs) counts, the unknown alike; a meter may have several. */
  meters: readonly { id: string; meter: Meter; fromMs?: number; toMs?: number }[];
  edgesMs: readonly number[];
}

export interface VolumesAsOf {
  meters: string[];
  edgesMs: number[];
  asOfMs: number;
  /** The parameter `register`: knows the units of meters' faces. */
  register: Parameter;
  /** As of `ReadingQueries.readings`. */
  todaysFlags?: boolean;
}

export interface MeterVolumes {
  meter: string;
  buckets: VolumeBucket[];
}

export interface MeterVolumesAsOf extends MeterVolumes {
  /** About reads within the edges, oldest first. */
  decisions: Decision[];
}

export interface DecisionFilter {
  meters: string[];
  kind: DecisionKind | null;
  /** Of the read that was decided about. */
  fromMs: number;
  toMs: number;
  limit: number;
  before: { timeMs: number; meter: string; kind: string } | null;
}

export interface DecisionRow extends Decision {
  meter: string;
}

export interface LoadQuery {
  /** Null: never measured, so that no water can be weighed. */
  series: number | null;
  /** How long a reading stands, from its time on or up to it; null: for its hour. */
  intervalMs: number | null;
  stamps: Stamps;
  meters: string[];
  /** Whole hours, ascending. */
  edgesMs: number[];
}

export interface LoadBucket {
  startMs: number;
  endMs: number;
  kilograms: number;
  litres: number;
  /** Of time that no usable concentration stands for. */
  unweighedLitres: number;
  /** Time for which both concentration and volume are known. */
  coveredMs: number;
}

/** A reading, and what each quality test says of it now. */
interface ExplainedReading extends Omit<ExplainedFlag, 'flag'> {
  value: number | null;
  /** As stored: provisional until its hour closes. */
  flag: Flag;
  deviceFlag: string | null;
  censored?: Censored | undefined;
  /** Set by hand; it stands above the tests. */
  engineer: Flag | null;
  /** What the tests make of it together. */
  final: Flag;
}

export interface BookQueries {
  trends(query: TrendQuery): Promise<TrendBucket[]>;
  /** The mean of each bucket, or the limit that all its readings lie beyond; null without a valid reading. */
  trendSteps(query: TrendQuery): Promise<(TrendValue | null)[]>;
  /** Nothing stored: it is asked here because long lists take longer than the main thread has. */
  trendTest(query: TrendTestQuery): Promise<TrendTest>;
  /** For each span the series that have readings in it, in any order. */
  periods(query: PeriodQuery): Promise<PeriodCells>;
  volumes(query: VolumeQuery): Promise<VolumeBucket[]>;
  /** What came in and went out in each bucket, and each part of a meter over the whole range. */
  balances(query: BalanceQuery): Promise<Balances>;
  /** Each meter by itself. */
  meterVolumes(query: VolumeQuery): Promise<MeterVolumes[]>;
  /** As the readings, meters and rulings were known then; meters that weren't there are left out. */
  volumesAsOf(query: VolumesAsOf): Promise<MeterVolumesAsOf[]>;
  /** The registers that volumes are accounted by, as they were then: what a `Control` is made of, as JSON lists of `ControlVersion`. */
  accountsAsOf(query: { asOfMs: number }): Promise<string[]>;
  /** Newest first. */
  decisions(query: DecisionFilter): Promise<DecisionRow[]>;
  /** What a station's water carried, in whole hours. */
  loads(query: LoadQuery): Promise<LoadBucket[]>;
  panel(query: { id: string }): Promise<Panel | null>;
  /** Newest sample first; `before` = the last one of the page before. */
  panels(query: {
    station: string | null;
    fromMs: number;
    toMs: number;
    limit: number;
    before: { time: string; id: string } | null;
  }): Promise<{ id: string; panel: Panel }[]>;
  /** What a station's instruments made of known samples, newest first. */
  qcResults(query: QcQuery): Promise<KeptQcResult[]>;
  /** Null when there is no reading of this time. */
  explained(query: {
    series: number;
    timeMs: number;
    thresholds: Thresholds;
    companions: readonly Companion[];
  }): Promise<ExplainedReading | null>;
}
