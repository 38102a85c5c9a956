/**
 * Assembles a report from the books: every figure by the functions that answer `/volumes`, `/balances` and `/plans`.
 * What it gives is JSON; the other formats (src/api/reports/) are pictures of it and compute nothing.
 */

import { balanceView, divergenceView } from '#api/books/balances.ts';
import { AS_OF_MAX_MS, type BookView } from '#api/books/book-view.ts';
import { rulesOf, sinceKept, sinceLastClosing } from '#api/books/closings.ts';
import { CODE_VERSION } from '#api/books/code-version.ts';
import { decisionView } from '#api/books/decision-view.ts';
import {
  type PlanSoFar,
  type PlanTerms,
  plannedLitres,
  progressFigures,
  progressOfPlan,
} from '#api/books/plan-progress.ts';
import { amountView, cubicMetres, twiceNotes, type VolumeNote } from '#api/books/volume-views.ts';
import { isoText, zonedTexts } from '#api/instants.ts';
import { Problem } from '#api/problems.ts';
import type { Report } from '#api/reports/schemas/reports.ts';
import { balanceOf, countedWater, divergences, meteredWater, waterOf } from '#books/water/balance.ts';
import {
  countedMeters,
  countedTwice,
  isHeldIn,
  type MeterPart,
  meterPairs,
  namedMeters,
  partsOf,
} from '#books/water/meter-relations.ts';
import { type KeptFigure, type Plan, planId } from '#model/accounting.ts';
import { bucketEdges, DAY_MS } from '#model/calendar.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import type { Statement } from '#model/register.ts';
import { changeOf, litresOf, NO_METERS, shareOf, type Water } from '#volume/balance.ts';
import {
  INAUGURATION_MS,
  type NamedRange,
  nameAt,
  namedRange,
  type ReportKind,
  reportRange,
  yearBefore,
} from '#volume/calendar-names.ts';
import { plannedBy } from '#volume/progress.ts';
import { cumulativeLitres, type RecipientSums, sumOfAll, sumsByRecipient } from '#volume/report.ts';

const DECISIONS_MAX = 500;
const FINER = { day: 'hour', month: 'day', 'transfer-year': 'month' } as const;
const BUCKETS_MAX = 400;

interface Request extends PlanTerms {
  period: string;
  allowedLatenessMs: number;
  /** Newest entry that is in the books; null with `asOf`. */
  throughSeq: number | null;
  /** Hours may stand as an older program counted them. */
  isRecounting: boolean;
}

/** The period, the transfer year that it lies in, and how far both have got. */
interface Scope extends PlanTerms {
  named: NamedRange<ReportKind>;
  year: NamedRange & { name: string };
  untilMs: number;
}

/** @throws CalendarError `range.invalid` for what is no period; Problem `range.invalid` for one that has not begun. */
export async function reportOf(books: BookView, request: Request): Promise<Report> {
  const { period, timeZone, allowedLatenessMs } = request;
  const scope = scopeOf(books, request);
  const { named, year, untilMs } = scope;
  const edgesMs = bucketEdges(named.fromMs, untilMs, FINER[named.kind], timeZone, BUCKETS_MAX);
  const parts = recipientParts(books);
  // Whoever gave all his meters away before this year is in the sums of earlier years alone.
  const meters = parts.filter((part) => isHeldIn(part, year.fromMs, untilMs));
  const recipients = new Set(meters.map(({ recipient }) => recipient));
  const notes = notesOf(meters, year.fromMs, untilMs);
  const [finer, months, compared, plans, balance, decisions, closing] = await Promise.all([
    sumsOver(books, meters, edgesMs),
    sumsOver(books, meters, bucketEdges(year.fromMs, untilMs, 'month', timeZone, 13)),
    comparisons(books, parts, scope),
    plansOf(books, scope, recipients),
    waterBalance(books, [named.fromMs, untilMs], scope.unknownTolerance),
    decisionsIn(books, named.fromMs, untilMs),
    closingView(books, period),
  ]);
  const text = zonedTexts(timeZone);
  return {
    period,
    kind: named.kind,
    timeZone,
    start: text(named.fromMs),
    end: text(named.toMs),
    through: text(untilMs),
    provisional: request.isRecounting || books.nowMs < named.toMs + allowedLatenessMs,
    unit: 'm3',
    transferYear: year.name,
    ...figuresOf(finer, { months, ...compared, plans }, scope),
    breakdown: { by: FINER[named.kind], items: breakdown(finer, edgesMs, text) },
    yearByMonth: yearByMonth(months, plans, scope),
    ...balance,
    ...(notes.length > 0 && { notes }),
    decisions,
    closing,
    published: published(books, year.toMs, timeZone),
    source: sourceOf(books, request),
  };
}

function scopeOf(books: BookView, { period, timeZone, unknownTolerance }: Request): Scope {
  const named = reportRange(period, timeZone);
  if (named.fromMs >= books.nowMs) throw new Problem('range.invalid', `${period} has not begun.`);
  const name = nameAt('transfer-year', named.fromMs, timeZone);
  const year = { name, ...namedRange(name, timeZone) };
  return { named, year, untilMs: Math.min(named.toMs, books.nowMs), timeZone, unknownTolerance };
}

type RecipientPart = MeterPart & { recipient: string };

/** Whoever gets water, as `GET /volumes?recipient=` sums it. */
function recipientParts(books: BookView): RecipientPart[] {
  return partsOf(countedMeters(books.control)).filter((part): part is RecipientPart => part.recipient !== null);
}

/** Whose water is counted twice in what somebody got. */
function notesOf(meters: readonly RecipientPart[], fromMs: number, toMs: number): VolumeNote[] {
  const sums = [...Map.groupBy(meters, ({ recipient }) => recipient).values()];
  return twiceNotes(sums.flatMap((parts) => countedTwice(parts, fromMs, toMs)));
}

async function sumsOver(
  books: BookView,
  meters: readonly RecipientPart[],
  edgesMs: readonly number[],
): Promise<RecipientSums[]> {
  const counted = await meteredWater(books, meters, edgesMs);
  return sumsByRecipient(counted.map(({ id, recipient, buckets }) => ({ meter: id, recipient, buckets })));
}

interface Comparisons {
  before: { name: string; sums: RecipientSums[] };
  /** Null: further back than the books can be seen as of then. */
  everSince: RecipientSums[] | null;
}

async function comparisons(
  books: BookView,
  meters: readonly RecipientPart[],
  { year, untilMs, timeZone }: Scope,
): Promise<Comparisons> {
  const { name, fromMs, atMs } = yearBefore(year.name, timeZone, untilMs);
  const over = (startMs: number, endMs: number) =>
    startMs < endMs ? sumsOver(books, meters, [startMs, endMs]) : Promise.resolve([]);
  const isInReach = untilMs - INAUGURATION_MS <= books.longestMs;
  const [sums, everSince] = await Promise.all([over(fromMs, atMs), isInReach ? over(INAUGURATION_MS, untilMs) : null]);
  return { before: { name, sums }, everSince };
}

/** The plans that the recipients have for this transfer year, and how they go. */
async function plansOf(
  books: BookView,
  { year, untilMs, ...terms }: Scope,
  recipients: Iterable<string>,
): Promise<Map<string, PlanSoFar & { plan: Plan }>> {
  const planned = Array.from(recipients, (recipient) => {
    const plan = books.control.get('plan', planId(recipient, year.name));
    return plan ? [{ recipient, plan }] : [];
  }).flat();
  const plans = planned.map(async ({ recipient, plan }) => {
    const soFar = await progressOfPlan(books, terms, { recipient, transferYear: year.name }, plan, untilMs);
    return [recipient, { plan, ...soFar }] as const;
  });
  return new Map(await Promise.all(plans));
}

interface Sums extends Comparisons {
  months: RecipientSums[];
  plans: Map<string, PlanSoFar & { plan: Plan }>;
}

function figuresOf(finer: readonly RecipientSums[], sums: Sums, scope: Scope): Pick<Report, 'recipients' | 'total'> {
  const { months, before, everSince, plans } = sums;
  const { unknownTolerance } = scope;
  const totalIn = (list: readonly RecipientSums[], recipient: string) =>
    list.find((one) => one.recipient === recipient)?.total ?? NO_METERS;
  const view = (own: RecipientSums, of: (list: readonly RecipientSums[]) => Water) => ({
    meters: own.meters.length,
    ...amountView(own.total),
    transferYear: amountView(of(months)),
    yearBefore: {
      transferYear: before.name,
      ...amountView(of(before.sums)),
      change: changeOf(of(months), of(before.sums), unknownTolerance),
    },
    sinceInauguration: everSince && amountView(of(everSince)),
  });
  const all = sumOfAll(finer);
  const recipients = finer.map((own) => {
    const soFar = plans.get(own.recipient);
    return {
      recipient: own.recipient,
      ...view(own, (list) => totalIn(list, own.recipient)),
      share: shareOf(own.total, all.total, unknownTolerance),
      plan: soFar
        ? {
            cubicMetres: soFar.plan.cubicMetres,
            source: soFar.plan.source ?? null,
            ...progressFigures(soFar),
          }
        : null,
    };
  });
  const plan = planOfAll(finer, plans, scope);
  return { recipients, total: { ...view(all, (list) => sumOfAll(list).total), plan } };
}

/** Null unless every recipient has a plan: the sum of some would be taken for that of all. */
function planOfAll(
  recipients: readonly RecipientSums[],
  plans: Sums['plans'],
  { year, timeZone }: Scope,
): Report['total']['plan'] {
  if (recipients.length === 0 || recipients.some(({ recipient }) => !plans.has(recipient))) return null;
  const all = [...plans.values()];
  const litres = all.reduce((sum, { plan }) => sum + plannedLitres(plan).planLitres, 0);
  const delivered = waterOf(all.map((one) => one.delivered));
  const ends = bucketEdges(year.fromMs, year.toMs, 'month', timeZone, 13).slice(1);
  const text = zonedTexts(timeZone);
  return {
    cubicMetres: cubicMetres(litres),
    delivered: amountView(delivered),
    progress: litresOf(delivered) / litres,
    planned: cubicMetres(all.reduce((sum, { progress }) => sum + progress.plannedLitres, 0)),
    months: ends.map((endMs) => ({
      end: text(endMs),
      planned: cubicMetres(plannedOfAll(plans, year, endMs, timeZone)),
    })),
  };
}

function plannedOfAll(plans: Sums['plans'], year: NamedRange, atMs: number, timeZone: string): number {
  const edgesMs = bucketEdges(year.fromMs, year.toMs, 'month', timeZone, 13);
  return [...plans.values()].reduce((sum, { plan }) => sum + plannedBy({ ...plannedLitres(plan), edgesMs, atMs }), 0);
}

function breakdown(
  finer: readonly RecipientSums[],
  edgesMs: readonly number[],
  text: (timeMs: number) => string,
): Report['breakdown']['items'] {
  const all = sumOfAll(finer);
  return edgesMs.slice(1).map((endMs, index) => ({
    start: text(edgesMs[index]!),
    end: text(endMs),
    ...amountView(all.buckets[index] ?? NO_METERS),
    recipients: finer.map(({ recipient, buckets }) => ({ recipient, ...amountView(buckets[index]!) })),
  }));
}

function yearByMonth(
  months: readonly RecipientSums[],
  plans: Sums['plans'],
  { year, untilMs, timeZone }: Scope,
): Report['yearByMonth'] {
  const text = zonedTexts(timeZone);
  const edgesMs = bucketEdges(year.fromMs, untilMs, 'month', timeZone, 13);
  const { buckets } = sumOfAll(months);
  const cumulative = cumulativeLitres(buckets);
  const isPlanned = months.length > 0 && months.every(({ recipient }) => plans.has(recipient));
  return edgesMs.slice(1).map((endMs, index) => ({
    start: text(edgesMs[index]!),
    end: text(endMs),
    ...amountView(buckets[index] ?? NO_METERS),
    cumulative: cubicMetres(cumulative[index] ?? 0),
    planned: isPlanned ? cubicMetres(plannedOfAll(plans, year, endMs, timeZone)) : null,
  }));
}

async function waterBalance(
  books: BookView,
  edgesMs: number[],
  tolerance: number,
): Promise<Pick<Report, 'balance' | 'divergences'>> {
  const [counted, apart] = await Promise.all([
    countedWater(books, countedMeters(books.control), edgesMs, true),
    divergences(books, meterPairs(books.control), edgesMs),
  ]);
  return {
    balance: {
      shift: 'travel',
      ...balanceView(
        balanceOf(counted, ({ total }) => total),
        tolerance,
      ),
    },
    divergences: apart.map((pair) => divergenceView(pair, tolerance)),
  };
}

async function decisionsIn(books: BookView, fromMs: number, toMs: number): Promise<Report['decisions']> {
  const meters = namedMeters(books.control).map(({ id }) => id);
  const rows = await books.decisions(meters, fromMs, toMs, DECISIONS_MAX + 1);
  const items = rows.slice(0, DECISIONS_MAX).map((row) => decisionView(books.control, row));
  return { items, more: rows.length > DECISIONS_MAX };
}

async function closingView(books: BookView, period: string): Promise<Report['closing']> {
  const kept = books.control.get('report', period);
  if (kept) {
    const { madeAtMs, by, sha256, query, throughSeq, codeVersion } = kept;
    const made = { at: isoText(madeAtMs), by, reason: null, restatements: 0 };
    const record = { ...made, sha256, query, throughSeq, codeVersion, rules: rulesOf(kept) };
    const lines = (await sinceKept(books, kept)).map((line) => ({ meter: null, ...line }));
    return { kind: 'kept', ...record, sinceLast: lines.map(lineView) };
  }
  const closed = books.control.get('period', period);
  if (!closed) return null;
  const last = closed.closings.at(-1)!;
  const { closedAtMs, by, reason, sha256, query, throughSeq, codeVersion } = last;
  const made = { at: isoText(closedAtMs), by, reason, restatements: closed.closings.length - 1 };
  const record = { ...made, sha256, query, throughSeq, codeVersion, rules: rulesOf(last) };
  return { kind: 'closed', ...record, sinceLast: (await sinceLastClosing(books, closed)).map(lineView) };
}

function lineView(line: { meter: string | null; recipient: string | null; measures: string } & KeptFigure) {
  const { meter, recipient, measures } = line;
  return { meter, recipient, measures, ...amountView(line) };
}

/** Statements stand as they were published; nothing is added to them. */
function published(books: BookView, yearEndMs: number, timeZone: string): Report['published'] {
  const endDay = nameAt('day', yearEndMs, timeZone);
  return books.control
    .list('statement')
    .filter(({ body }) => body.at.slice(0, 10) < endDay)
    .map(({ id, body }): { id: string } & Statement => ({ id, ...body }))
    .sort((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1));
}

function sourceOf(
  books: BookView,
  { period, allowedLatenessMs, throughSeq, unknownTolerance }: Request,
): Report['source'] {
  const path = `/api/v1/reports/${period}`;
  const asOf = isoText(books.asOfMs);
  // What is journaled in this very millisecond may come after these figures.
  const again = `${path}?asOf=${asOf ?? isoText(books.nowMs - 1)}`;
  return {
    query: asOf === null ? path : again,
    again,
    asOf,
    madeAt: isoText(books.nowMs),
    throughSeq,
    limits: { allowedLatenessMs, unknownTolerance, decisionsMax: DECISIONS_MAX, asOfDaysMax: AS_OF_MAX_MS / DAY_MS },
    codeVersion: CODE_VERSION,
    rules: COUNTING_RULES,
  };
}
