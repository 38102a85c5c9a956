/**
 * What rules about closed periods make of the books: for each subject (a station, a checked meter, the canal) and period
 * the verdicts, one for each alarm that there could be. What isn't known well enough has no verdict: it neither raises nor
 * clears. The same functions answer `GET /assessments` and `GET /balances`.
 */

import { keyOf } from '#alerts/life/lifecycle.ts';
import type { Log } from '#alerts/log.ts';
import { type Bound, type Condition, selects, targetOf } from '#alerts/rules/conditions.ts';
import { BREACH_UNCLASSED, CLEAR, type Grade, gradeOfClass } from '#alerts/rules/grades.ts';
import { assessSection, COVERAGE_MIN, type Indicator, type SectionAssessment } from '#assess/section.ts';
import { editionAt } from '#assess/standards.ts';
import type { BookQueries } from '#books/questions/queries.ts';
import { divided, periodStatistics, type SectionPlan, sectionPlanner } from '#books/questions/section-plans.ts';
import { balanceOf, countedWater, type Divergence, divergences } from '#books/water/balance.ts';
import { type MeterPair, meterPairs, type NamedMeter } from '#books/water/meter-relations.ts';
import type { Control } from '#journal/registers.ts';
import { CANAL_STATION, LOSS_PARAMETER } from '#model/alarms/alarm.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Series } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { PeriodRule } from '#model/register.ts';
import { type Amount, addAmounts, type Balance, litresOf, lossOf } from '#volume/balance.ts';
import { balancedMeters, calendarPeriod, type Span } from './closed-periods.ts';

/** The series of standards that sections are assessed by. */
const SURFACE_WATER = 'gb3838';

export type PeriodQueries = Pick<BookQueries, 'periods' | 'meterVolumes'>;

export interface Books {
  control: Control;
  reference: Reference;
  reader: { seriesOfStation(station: string): Series[] };
  queries: PeriodQueries;
  timeZone: string;
  log: Log;
}

/** Some subjects of one rule over one period. */
export interface Question {
  rule: string;
  body: PeriodRule;
  period: Span;
  subjects: readonly string[];
}

/** The key is of the alarm that a breach would be; `condition` is the one that is broken, null where none is. */
export interface Verdict {
  key: string;
  subject: string;
  grade: Grade;
  value: number;
  condition: Condition | null;
  note: string | null;
}

type Of<Kind extends PeriodRule['kind']> = Question & { body: PeriodRule & { kind: Kind } };

/** @param clockMs the books' clock, after the period has closed. */
export async function verdictsOf(question: Question, books: Books, clockMs: number): Promise<Verdict[]> {
  const { body } = question;
  switch (body.kind) {
    case 'assessed':
      return assessed({ ...question, body }, books, clockMs);
    case 'volume-balance':
      return balanced({ ...question, body }, books);
    case 'meter-disagreement':
      return compared({ ...question, body }, books);
  }
}

async function assessed({ rule, body, period: span, subjects }: Of<'assessed'>, books: Books, clockMs: number) {
  const { control, reference, timeZone } = books;
  const period = calendarPeriod(body.period, span.startMs, timeZone);
  const standard = editionAt(reference.standards.values(), SURFACE_WATER, period.lastDay);
  if (!standard) return [];
  const stations = subjects.flatMap((id) => {
    const station = control.get('station', id);
    return station && selects(body, id, station) ? [{ ...station, id, target: targetOf(body, station) }] : [];
  });
  const { plans } = divided(stations.map(sectionPlanner(books, standard, true)));
  const { own } = await periodStatistics(books, plans, { period, others: [] }, { asOfMs: null, nowMs: clockMs });
  const rules = { kind: period.kind, rounding: 'evaluation', coverageMin: COVERAGE_MIN } as const;
  const found = [...own];
  return plans.flatMap((plan, index) => {
    if (plan.target === null) return [];
    const section = { waterBody: plan.waterBody, target: plan.target, statistics: found[index]!.statistics };
    const assessment = assessSection(standard, reference.parameters, section, rules);
    return assessment.indicators.flatMap((indicator): Verdict[] => {
      const { parameter, participates, class: reached, invalid, value } = indicator;
      if (body.parameters && !body.parameters.includes(parameter)) return [];
      if (!participates || reached === null || invalid !== null || value === null) return [];
      const about = { key: keyOf(rule, plan.station, parameter), subject: plan.station, value };
      const breach = assessment.breaches.find((one) => one.parameter === parameter);
      if (!breach) return [{ ...about, grade: CLEAR, condition: null, note: null }];
      const condition = missed(body, plan, breach, reference);
      return [{ ...about, grade: gradeOfClass(breach.class), condition, note: meanInWords(indicator, condition.unit) }];
    });
  });
}

function missed(
  rule: PeriodRule & { kind: 'assessed' },
  { target, waterBody }: SectionPlan,
  { parameter: id, op, limit }: SectionAssessment['breaches'][number],
  { parameters }: Reference,
): Condition {
  const { unit, multiple } = parameters.get(id)!;
  const bound: Bound = { op, value: limit };
  return { ...conditionOf(rule, id, unit, bound, 1), target, waterBody, statesMultiple: multiple };
}

/** `mean 0.5063 mg/L of 283 readings, 98 % of those expected`. */
function meanInWords({ mean, valid, coverage }: Indicator, unit: string): string {
  const share = coverage === null ? '' : `, ${percent(coverage)} of those expected`;
  return `mean ${Number(mean!.toPrecision(6))} ${unit} of ${valid} readings${share}`;
}

async function balanced({ rule, body, period }: Of<'volume-balance'>, books: Books): Promise<Verdict[]> {
  const { control, queries, log } = books;
  const edgesMs = [period.startMs, period.endMs];
  const counted = await countedWater(queries, balancedMeters(body, control), edgesMs, body.shift === 'travel');
  const balance = balanceOf(counted, ({ total }) => total);
  const unknown = counted.filter(({ total }) => total.unknownMs > 0);
  if (unknown.length > 0) {
    const hours = unknown.reduce((sum, { total }) => sum + total.unknownMs, 0) / HOUR_MS;
    const meters = unknown.map(({ id }) => id);
    notKnown(log, rule, period, meters, hours);
    return [];
  }
  const { litres, share } = lossOf(balance);
  if (share === null || litresOf(balance.intake) < body.minIntake * 1000) return [];
  const bound = lossBound(body);
  const isMet = share <= body.maxLossShare && share >= (body.minLossShare ?? Number.NEGATIVE_INFINITY);
  const steps = (body.steps ?? []).map(({ limit, severity }) => {
    return { severity, bound: { op: '<=', value: limit } as const, afterMs: 0 };
  });
  return [
    {
      key: keyOf(rule, CANAL_STATION, LOSS_PARAMETER),
      subject: CANAL_STATION,
      value: share,
      grade: isMet ? CLEAR : BREACH_UNCLASSED,
      condition: isMet ? null : { ...conditionOf(body, LOSS_PARAMETER, '1', bound, body.periods), steps },
      note: isMet ? null : balanceInWords(balance, litres),
    },
  ];
}

/** A period of which something isn't known says nothing; this is where one sees why. */
function notKnown(log: Log, rule: string, { startMs, endMs }: Span, meters: readonly string[], hours: number): void {
  const fields = { event: 'alerts.period-unknown', rule, from: iso(startMs), to: iso(endMs), meters, hours };
  log.info(fields, 'volumes have unknown hours, so the period is not judged');
}

function lossBound({ minLossShare, maxLossShare }: PeriodRule & { kind: 'volume-balance' }): Bound {
  return minLossShare === undefined
    ? { op: '<=', value: maxLossShare }
    : { op: 'range', value: [minLossShare, maxLossShare] };
}

function balanceInWords({ intake, delivery, release, ecological }: Balance, lossLitres: number): string {
  const parts: [string, Amount][] = [
    ['intake', intake],
    ['deliveries', delivery],
    ['releases', release],
    ['ecological supply', ecological],
  ];
  const inWords = parts.map(([name, amount]) => `${name} ${metered(amount)}`);
  return `${inWords.join(', ')}: loss ${cubicMetres(lossLitres)} m3`;
}

async function compared({ rule, body, period, subjects }: Of<'meter-disagreement'>, books: Books): Promise<Verdict[]> {
  const { control, queries, log } = books;
  const pairs = checkedPairs(body, control).filter(
    ({ checked, against }) => subjects.includes(checked.id) && [checked, against].every((one) => isInUse(one, period)),
  );
  const found = await divergences(queries, pairs, [period.startMs, period.endMs]);
  return found.flatMap((divergence): Verdict[] => {
    const { checked, against, own, base, litres, share } = divergence;
    const { unknownMs } = addAmounts(own, base);
    if (unknownMs > 0) {
      notKnown(log, rule, period, [checked.id, against.id], unknownMs / HOUR_MS);
      return [];
    }
    // Where the other one counted nothing, all that this one counted is too much.
    const value = litres === 0 ? 0 : Math.abs(share ?? 1);
    const isMet = value <= body.maxShare || Math.abs(litres) < body.minDifference * 1000;
    const { station, parameter } = checked.meter;
    const bound: Bound = { op: '<=', value: body.maxShare };
    return [
      {
        key: `${keyOf(rule, station, parameter)}/${checked.id}`,
        subject: checked.id,
        value,
        grade: isMet ? CLEAR : BREACH_UNCLASSED,
        condition: isMet ? null : conditionOf(body, parameter, '1', bound, body.periods),
        note: isMet ? null : divergenceInWords(divergence),
      },
    ];
  });
}

/** The pairs that a rule is about: those whose checked meter is at a station that it selects. */
export function checkedPairs(rule: PeriodRule, control: Control): MeterPair[] {
  return meterPairs(control).filter(({ checked: { meter } }) => {
    const station = control.get('station', meter.station);
    return station !== undefined && selects(rule, meter.station, station);
  });
}

/** Whether a meter is said to measure throughout the period: one that isn't counts nothing, and that is no disagreement. */
function isInUse({ meter: { from, to } }: NamedMeter, { startMs, endMs }: Span): boolean {
  return (from === undefined || Date.parse(from) <= startMs) && (to === undefined || Date.parse(to) >= endMs);
}

function divergenceInWords({ checked, against, own, base, litres }: Divergence): string {
  return `${checked.id} ${metered(own)}, ${against.id} ${metered(base)}: difference ${cubicMetres(litres)} m3`;
}

/** Verdicts further apart than this many periods are not in a row. */
const HOLE_PERIODS = 3;
const LENGTH_MS: Record<PeriodRule['period'], number> = { hour: HOUR_MS, day: DAY_MS, month: 31 * DAY_MS };

/** A breach is raised after `inARow` periods, and over with the first one that meets the limit. */
function conditionOf(rule: PeriodRule, parameter: string, unit: string, bound: Bound, inARow: number): Condition {
  return {
    parameter,
    unit,
    bound,
    derive: null,
    period: rule.period,
    margin: 0,
    forMs: 0,
    clearForMs: 0,
    minBreaches: inARow,
    keepMs: 0,
    stepDownMs: 0,
    steps: [],
    ...(rule.latch ? { latch: true } : {}),
    holeMs: HOLE_PERIODS * LENGTH_MS[rule.period],
    severity: rule.severity,
    target: null,
    waterBody: null,
    statesMultiple: false,
  };
}

function metered(amount: Amount): string {
  const estimated = amount.estimatedLitres === 0 ? '' : ` (${cubicMetres(amount.estimatedLitres)} estimated)`;
  return `${cubicMetres(litresOf(amount))} m3${estimated}`;
}

function cubicMetres(litres: number): string {
  return String(litres / 1000);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
