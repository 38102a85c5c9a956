/**
 * Asks the query workers, so that no read ever blocks ingest (invariant 7), nor a long question a short one: what operators
 * work with (alarms, their notices) has a worker of its own. In each, credentials take turns (src/process/query-lane.ts).
 */

import type { Queries } from '#api/queries.ts';
import type { DrawnReport, ReportDrawing } from '#api/reports/draw.ts';
import type { Config } from '#model/config.ts';
import { LANE_LIMITS, type LaneCounts, type LaneEvents, type LaneLimits, QueryLane } from './query-lane.ts';

type LaneName = 'short' | 'long';

/**
 * One literal list: a method that is missing here doesn't compile. Short is what reads a page by an index, whatever the range;
 * `reached` is a word about the connections that volumes are answered from, and so goes where they go.
 */
const LANES: Record<keyof Queries, LaneName> = {
  readings: 'long',
  history: 'long',
  trends: 'long',
  trendItems: 'long',
  trendSteps: 'long',
  trendTest: 'long',
  periods: 'long',
  volumes: 'long',
  meterVolumes: 'long',
  balances: 'long',
  volumesAsOf: 'long',
  accountsAsOf: 'long',
  decisions: 'long',
  loads: 'long',
  explained: 'long',
  panel: 'short',
  panels: 'short',
  qcResults: 'short',
  settledCounts: 'short',
  alarms: 'short',
  alarm: 'short',
  alarmFigures: 'long',
  timeline: 'short',
  notices: 'short',
  notice: 'short',
  transitionsAfter: 'short',
  parked: 'short',
  reached: 'long',
};

export interface QueryClient {
  queries: Queries;
  drawReport(drawing: ReportDrawing): Promise<DrawnReport>;
  counts(): Record<LaneName, LaneCounts>;
  close(): Promise<void>;
}

export function startQueryWorkers(config: Config, events: LaneEvents, limits: LaneLimits = LANE_LIMITS): QueryClient {
  const lanes = { short: new QueryLane(config, events, limits), long: new QueryLane(config, events, limits) };
  const asked = (Object.keys(LANES) as (keyof Queries)[]).map((method) => [
    method,
    (query: unknown) => lanes[LANES[method]].ask(method, query),
  ]);
  return {
    queries: Object.fromEntries(asked) as unknown as Queries,
    drawReport: (drawing) => lanes.long.ask('drawReport', drawing) as Promise<DrawnReport>,
    counts: () => ({ short: lanes.short.counts(), long: lanes.long.counts() }),
    async close() {
      await Promise.all([lanes.short.close(), lanes.long.close()]);
    },
  };
}
