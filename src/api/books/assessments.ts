/**
 * Answers `GET /assessments`: which sections and periods are meant, what the books say of them, and the pure assessment of
 * it. Three periods are asked for at once: the one meant, the one before it, and the same a year earlier.
 */

import type { z } from 'zod';
import type {
  AreaAssessment,
  AreaChangeView,
  periodAssessmentQuery,
  SectionChangeView,
  SectionView,
  StationAssessment,
} from '#api/books/schemas/period-assessments.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, zonedTexts } from '#api/instants.ts';
import { invalid, notFound } from '#api/problems.ts';
import { stationOf } from '#api/series.ts';
import { surfaceWaterEdition } from '#api/standards.ts';
import { inOwnTurn, inTurns } from '#api/turns.ts';
import { type AreaSection, areaPollutants, basinStatus, compliance, exceeding, proportions } from '#assess/area.ts';
import { areaChange, type Comparable, comparable, sectionChange } from '#assess/changes.ts';
import { cityCwqi, meansOver } from '#assess/cwqi.ts';
import { type Period, periodOf, previousPeriod, yearBefore } from '#assess/periods.ts';
import { assessSection, mayStand, type PeriodStatistic, type SectionAssessment } from '#assess/section.ts';
import { trophicState } from '#assess/trophic.ts';
import { divided, periodStatistics, type SectionPlan, sectionPlanner } from '#books/questions/section-plans.ts';
import type { Standard } from '#model/reference.ts';
import { registersThen } from './registers-then.ts';

type Query = z.infer<typeof periodAssessmentQuery>;

/** A section over the period meant. */
interface Assessed {
  plan: SectionPlan;
  assessment: SectionAssessment;
  provisional: boolean;
  compared: Compared;
}

/** A section over any of the periods, as far as comparisons go; `stands`: its class may stand for the period. */
type Compared = AreaSection & { indicators: readonly Comparable[]; stands: boolean };

interface Found {
  now: Assessed[];
  /** In the same order; none of a period that there isn't. */
  previous: Compared[];
  year: Compared[];
}

interface Context {
  deps: ApiDeps;
  query: Query;
  standard: Standard;
  period: Period;
  /** Null where the calendar has no such period. */
  previous: Period | null;
  year: Period | null;
}

/** @throws Problem for a period, station or area that isn't one. */
export async function assessPeriod(parts: ApiDeps, query: Query): Promise<StationAssessment | AreaAssessment> {
  const { timeZone } = parts.config;
  if ((query.station === undefined) === (query.area === undefined)) {
    throw invalid('station', 'give exactly one of station and area');
  }
  const period = periodOf(query.period, timeZone);
  if (!period)
    throw invalid('period', `"${query.period}" is no period such as 2026-11-22, 2026-W47, 2026-11, 2026-Q4, 2026`);
  const earlier = yearBefore(period.text);
  const deps = await withStationsOf(parts, asOfMs(query, timeZone));
  const context: Context = {
    deps,
    query,
    standard: surfaceWaterEdition(deps, period.lastDay),
    period,
    previous: periodOf(previousPeriod(period.text), timeZone),
    year: earlier === null ? null : periodOf(earlier, timeZone),
  };
  return query.station === undefined ? assessArea(context, query.area!) : assessStation(context, query.station);
}

function asOfMs({ asOf }: Query, timeZone: string): number | null {
  return asOf === undefined ? null : instantMs(asOf, 'asOf', timeZone);
}

/** As of an earlier time stations have the targets and areas of then; before there were any, those of now. */
async function withStationsOf(deps: ApiDeps, thenMs: number | null): Promise<ApiDeps> {
  if (thenMs === null) return deps;
  const control = await registersThen(deps.queries, thenMs);
  return control.list('station').length === 0 ? deps : { ...deps, control };
}

async function assessStation(context: Context, id: string): Promise<StationAssessment> {
  const { deps, standard } = context;
  const station = stationOf(deps, id);
  if (station.kind === 'outfall') {
    throw invalid('station', `${id} is an outfall: judge it by a discharge standard, POST /assessments/discharge`);
  }
  const { plans } = divided([sectionPlanner(deps, standard, true)(station)]);
  const { now, previous, year } = await assessAll(context, plans);
  return {
    ...headOf(context),
    ...sectionView(context, now[0]!),
    changes: {
      previous: sectionChangeView(context, context.previous, previous[0], now[0]!),
      year: sectionChangeView(context, context.year, year[0], now[0]!),
    },
  };
}

async function assessArea(context: Context, area: string): Promise<AreaAssessment> {
  const { deps, standard, query } = context;
  const { parameters } = deps.reference;
  const stations = deps.control.list('station').filter(({ body }) => body.area === area);
  if (stations.length === 0) throw notFound(`station in the area "${area}"`);
  const planOf = sectionPlanner(deps, standard, false);
  const { plans, leftOut } = divided(await inTurns(stations, ({ id, body }) => planOf({ ...body, id })));
  const { now, previous, year } = await assessAll(context, plans);
  const sections = now.map(({ compared }) => compared);
  // A class that may not stand for the period is told with its section, and in no figure about all of them.
  const headline = sections.map((section) => (section.stands ? section : { ...section, class: null }));
  const lakes = sections.filter(({ waterBody, stands }) => waterBody === 'lake' && stands);
  const assessed = headline.filter((section) => section.class !== null);
  return {
    ...headOf(context),
    area,
    basis: 'assessed',
    provisional: now.some(({ provisional }) => provisional),
    proportions: proportions(headline, query.goal),
    mayNotStand: unfit(sections),
    basin: await inOwnTurn(() => basinStatus(standard, parameters, headline, query.rounding)),
    mainPollutants: areaPollutants(
      await inTurns(now, (one, index) => ({
        class: headline[index]!.class,
        exceeding: exceeding(standard, parameters, one.plan.waterBody, one.assessment.indicators),
      })),
    ),
    compliance: compliance(headline),
    valid: now.filter(({ assessment }) => assessment.valid === true).length,
    trophic: lakes.length === 0 ? null : await inOwnTurn(() => trophicState(meansOver(parameters, lakes))),
    cwqi: await inOwnTurn(() => cityCwqi(standard, parameters, assessed)),
    sections: await inTurns(now, (one) => {
      const { indicators, cwqi, ...brief } = sectionView(context, one);
      return query.detail === 'indicators' ? { ...brief, indicators, cwqi } : brief;
    }),
    leftOut,
    changes: {
      previous: await inOwnTurn(() => areaChangeView(context, context.previous, previous, sections)),
      year: await inOwnTurn(() => areaChangeView(context, context.year, year, sections)),
    },
  };
}

async function assessAll(context: Context, plans: readonly SectionPlan[]): Promise<Found> {
  const { deps, query, standard, period } = context;
  const { parameters } = deps.reference;
  const { timeZone } = deps.config;
  const nowMs = deps.clock.nowMs();
  await deps.caughtUp('books');
  const periods = { period, others: [context.previous, context.year] };
  const { queries } = deps;
  const { own, others } = await periodStatistics({ queries, timeZone }, plans, periods, {
    asOfMs: asOfMs(query, timeZone),
    nowMs,
  });
  const rules = { kind: period.kind, rounding: query.rounding, coverageMin: query.coverage };
  const compared = ({ station, waterBody, target }: SectionPlan, statistics: readonly PeriodStatistic[]): Compared => {
    const means = new Map(statistics.map(({ parameter, mean }) => [parameter, mean]));
    const found = comparable(standard, parameters, waterBody, means, query.rounding);
    const classed = new Set(found.indicators.flatMap((one) => (one.class === null ? [] : one.parameter)));
    return { station, waterBody, target, means, ...found, stands: mayStand(statistics, classed, rules) };
  };
  const [before, yearAgo] = others;
  const comparedAll = (list: NonNullable<typeof before> = []) =>
    inTurns(list, ({ statistics }, index) => compared(plans[index]!, statistics));
  const [previous, year] = [await comparedAll(before), await comparedAll(yearAgo)];
  const now = await inTurns(own, ({ statistics, provisional }, index): Assessed => {
    const plan = plans[index]!;
    const section = { waterBody: plan.waterBody, target: plan.target, statistics };
    const assessment = assessSection(standard, parameters, section, rules);
    return { plan, assessment, provisional, compared: compared(plan, statistics) };
  });
  return { now, previous, year };
}

function headOf({ deps, period, standard, query }: Context) {
  const { timeZone } = deps.config;
  const text = zonedTexts(timeZone);
  const { kind, startMs, endMs } = period;
  const { id, edition, effective } = standard;
  return {
    period: { text: period.text, kind, start: text(startMs), end: text(endMs), timeZone },
    standard: { id, edition, effective },
    coverageMin: query.coverage,
  };
}

function sectionView({ deps }: Context, { plan, assessment, provisional }: Assessed): SectionView {
  const { parameters } = deps.reference;
  return {
    station: plan.station,
    waterBody: plan.waterBody,
    target: plan.target,
    ...assessment,
    provisional,
    indicators: assessment.indicators.map(({ headroom, ...one }) => ({
      ...one,
      unit: parameters.get(one.parameter)!.unit,
      headroom: headroom && { op: headroom.op, limit: headroom.limit, amount: headroom.amount, share: headroom.share },
    })),
  };
}

function sectionChangeView(
  { deps }: Context,
  period: Period | null,
  before: Compared | undefined,
  now: Assessed,
): SectionChangeView {
  const then = before?.indicators ?? [];
  const found = sectionChange(deps.reference.parameters, then, now.compared.indicators);
  return { period: period?.text ?? null, reason: reasonOf(period, found.class !== null), ...found };
}

function areaChangeView(
  { deps, standard, query }: Context,
  period: Period | null,
  before: readonly Compared[],
  now: readonly Compared[],
): AreaChangeView {
  const pairs = before.map((one, index) => ({ before: one, after: now[index]! }));
  const standing = pairs.filter((pair) => pair.before.stands && pair.after.stands);
  const found = areaChange(standard, deps.reference.parameters, standing, query.rounding);
  return {
    period: period?.text ?? null,
    reason: reasonOf(period, found.sections > 0),
    ...found,
    mayNotStand: [...new Set(pairs.flatMap((pair) => unfit([pair.before, pair.after])))],
  };
}

/** Sections with a class that may not stand for the period. */
function unfit(sections: readonly Compared[]): string[] {
  return sections.flatMap((one) => (one.class !== null && !one.stands ? one.station : []));
}

function reasonOf(period: Period | null, isComparable: boolean): 'no-such-period' | 'nothing-in-common' | null {
  if (!period) return 'no-such-period';
  return isComparable ? null : 'nothing-in-common';
}
