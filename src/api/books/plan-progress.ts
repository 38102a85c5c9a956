/** How a recipient's transfer year goes against its plan, from the books: for `/plans` and for reports. */

import { isoText } from '#api/instants.ts';
import { meteredWater, waterOf } from '#books/water/balance.ts';
import { type MeterPart, metersOfRecipient } from '#books/water/meter-relations.ts';
import type { Control } from '#journal/registers.ts';
import type { Plan } from '#model/accounting.ts';
import { bucketEdges, DAY_MS, HOUR_MS } from '#model/calendar.ts';
import { isUnknown, litresOf, NO_METERS, type Water } from '#volume/balance.ts';
import { namedRange } from '#volume/calendar-names.ts';
import { type Progress, progressOf } from '#volume/progress.ts';
import type { BookView } from './book-view.ts';
import { amountView, cubicMetres } from './volume-views.ts';

const RECENT_MS = 30 * DAY_MS;
const LITRES = 1000;

export interface PlanKey {
  recipient: string;
  transferYear: string;
}

export interface PlanSoFar {
  atMs: number;
  delivered: Water;
  /** Of the last 30 days of the year so far. */
  recent: Water;
  progress: Progress;
}

/** Where plans are looked at: the zone of their years, and how much of a time may be unknown. */
export interface PlanTerms {
  timeZone: string;
  unknownTolerance: number;
}

/** @param untilMs how far the year is looked at; as far as it has got unless told. */
export async function progressOfPlan(
  books: BookView,
  { timeZone, unknownTolerance }: PlanTerms,
  key: PlanKey,
  plan: Plan,
  untilMs = books.nowMs,
): Promise<PlanSoFar> {
  const year = namedRange(key.transferYear, timeZone);
  const atMs = Math.min(Math.max(untilMs, year.fromMs), year.toMs);
  const recentFromMs = Math.max(year.fromMs, atMs - RECENT_MS);
  const [delivered, recent] = await Promise.all([
    delivery(books, key.recipient, year.fromMs, atMs),
    delivery(books, key.recipient, recentFromMs, atMs),
  ]);
  const progress = progressOf({
    ...plannedLitres(plan),
    edgesMs: bucketEdges(year.fromMs, year.toMs, 'month', timeZone, 13),
    atMs,
    deliveredLitres: litresOf(delivered),
    recentLitres: litresOf(recent),
    recentFromMs,
    isUnknown: [delivered, recent].some((water) => isUnknown(water, unknownTolerance)),
  });
  return { atMs, delivered, recent, progress };
}

/** As `plannedBy` wants them. */
export function plannedLitres({ cubicMetres: amount, months }: Plan) {
  return { planLitres: amount * LITRES, monthLitres: months?.map((month) => month * LITRES) ?? null };
}

export function progressFigures({ delivered, recent, progress }: PlanSoFar) {
  const orNull = (litres: number | null) => (litres === null ? null : cubicMetres(litres));
  return {
    delivered: amountView(delivered),
    progress: progress.share,
    planned: cubicMetres(progress.plannedLitres),
    runRate: orNull(progress.runRateLitresPerDay),
    runRateUnknownHours: recent.unknownMs / HOUR_MS,
    projected: orNull(progress.projectedLitres),
    completion: isoText(progress.completionMs),
  };
}

/** Plans are about deliveries: what is released or supplied beyond them doesn't fulfil one. */
export function deliveryMeters(control: Pick<Control, 'list'>, recipient: string): MeterPart[] {
  return metersOfRecipient(control, recipient).filter(({ meter }) => meter.measures === 'delivery');
}

export async function delivery(books: BookView, recipient: string, fromMs: number, toMs: number): Promise<Water> {
  if (fromMs >= toMs) return NO_METERS;
  const counted = await meteredWater(books, deliveryMeters(books.control, recipient), [fromMs, toMs]);
  return waterOf(counted.map(({ total }) => total));
}
