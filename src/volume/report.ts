/**
 * The figures of a report by recipient, as plain data: sums of what the books say of each meter, in integer litres. Every
 * sum is made here once, so that all formats show the same.
 */
import { type Amount, addWater, litresOf, NO_METERS, type Water } from './balance.ts';

/** What one meter, or a part of one, counted for a recipient, in the same buckets as every other one's. */
export interface MeterWater {
  meter: string;
  recipient: string;
  buckets: readonly Water[];
}

export interface RecipientSums {
  recipient: string;
  /** The meters that its sums are of, each once. */
  meters: string[];
  /** One for each bucket. */
  buckets: Water[];
  total: Water;
}

/** By recipient in the order of their names; none without a meter. */
export function sumsByRecipient(water: readonly MeterWater[]): RecipientSums[] {
  return [...Map.groupBy(water, ({ recipient }) => recipient)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([recipient, own]) => {
      return sums(
        recipient,
        own,
        own.map(({ meter }) => meter),
      );
    });
}

/** All of them together, as if they were one. */
export function sumOfAll(recipients: readonly RecipientSums[]): RecipientSums {
  return sums(
    '',
    recipients,
    recipients.flatMap(({ meters }) => meters),
  );
}

function sums(
  recipient: string,
  parts: readonly { buckets: readonly Water[] }[],
  meters: readonly string[],
): RecipientSums {
  const buckets = (parts[0]?.buckets ?? []).map((_, index) =>
    parts.map((part) => part.buckets[index]!).reduce(addWater, NO_METERS),
  );
  return { recipient, meters: [...new Set(meters)], buckets, total: buckets.reduce(addWater, NO_METERS) };
}

/** What had run by the end of each bucket. */
export function cumulativeLitres(buckets: readonly Amount[]): number[] {
  let litres = 0;
  return buckets.map((bucket) => {
    litres += litresOf(bucket);
    return litres;
  });
}
