/**
 * The figures of a report by recipient, as plain data: sums of what the books say of each meter, in integer litres. Every
 * sum is made here once, so that all formats show the same.
 */
import { type Amount, addWater, litresOf, NO_METERS, type Water } from './balance.ts';

/** One meter's water in the same buckets as every other one's. */
export interface MeterWater {
  recipient: string;
  buckets: readonly Water[];
}

export interface RecipientSums {
  recipient: string;
  /** How many meters its sums are of. */
  meters: number;
  /** One for each bucket. */
  buckets: Water[];
  total: Water;
}

/** By recipient in the order of their names; none without a meter. */
export function sumsByRecipient(water: readonly MeterWater[]): RecipientSums[] {
  return [...Map.groupBy(water, ({ recipient }) => recipient)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([recipient, own]) => sums(recipient, own));
}

/** All of them together, as if they were one. */
export function sumOfAll(recipients: readonly RecipientSums[]): RecipientSums {
  const all = sums('', recipients);
  return { ...all, meters: recipients.reduce((count, { meters }) => count + meters, 0) };
}

function sums(recipient: string, parts: readonly { buckets: readonly Water[] }[]): RecipientSums {
  const buckets = (parts[0]?.buckets ?? []).map((_, index) =>
    parts.map((part) => part.buckets[index]!).reduce(addWater, NO_METERS),
  );
  return { recipient, meters: parts.length, buckets, total: buckets.reduce(addWater, NO_METERS) };
}

/** What had run by the end of each bucket. */
export function cumulativeLitres(buckets: readonly Amount[]): number[] {
  let litres = 0;
  return buckets.map((bucket) => {
    litres += litresOf(bucket);
    return litres;
  });
}
