/**
 * The canal's water in each of many buckets, summed over the meters where they are read: a decade by day is half a million amounts
 * of single meters, and a row of sixteen numbers a day. Runs in the query worker.
 */
import type { BalanceQuery, Balances, BookQueries } from '#books/questions/queries.ts';
import type { Balance, Water } from '#volume/balance.ts';
import { countedWater } from './balance.ts';

const KINDS = ['intake', 'delivery', 'release', 'ecological'] as const;
/** As `Water` has them. */
const FIELDS = 4;
const ROW = KINDS.length * FIELDS;
/** Meters whose buckets are in memory at once. */
const AT_ONCE = 10;

export async function bucketBalances(
  queries: Pick<BookQueries, 'meterVolumes'>,
  { parts, edgesMs, isShifted }: BalanceQuery,
): Promise<Balances> {
  const buckets = new Float64Array((edgesMs.length - 1) * ROW);
  const counted: Balances['counted'] = [];
  const sorted = parts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (let first = 0; first < sorted.length; first += AT_ONCE) {
    const some = await countedWater(queries, sorted.slice(first, first + AT_ONCE), edgesMs, isShifted);
    for (const { buckets: own, ...part } of some) {
      const kind = KINDS.indexOf(part.meter.measures);
      for (const [index, water] of own.entries()) addTo(buckets, index * ROW + kind * FIELDS, water);
      counted.push(part);
    }
  }
  return { buckets, counted };
}

function addTo(
  buckets: Float64Array,
  at: number,
  { measuredLitres, estimatedLitres, unknownMs, meterMs }: Water,
): void {
  buckets[at]! += measuredLitres;
  buckets[at + 1]! += estimatedLitres;
  buckets[at + 2]! += unknownMs;
  buckets[at + 3]! += meterMs;
}

export function balanceAt({ buckets }: Pick<Balances, 'buckets'>, index: number): Balance<Water> {
  const of = (kind: number): Water => {
    const at = index * ROW + kind * FIELDS;
    const [measuredLitres, estimatedLitres, unknownMs, meterMs] = buckets.subarray(at, at + FIELDS);
    return {
      measuredLitres: measuredLitres!,
      estimatedLitres: estimatedLitres!,
      unknownMs: unknownMs!,
      meterMs: meterMs!,
    };
  };
  return { intake: of(0), delivery: of(1), release: of(2), ecological: of(3) };
}
