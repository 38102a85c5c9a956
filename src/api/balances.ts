/** What balances and reports have in common: meters' water over the range, summed by what it is and by who gets it. */
import { durationMs } from '#model/duration.ts';
import type { VolumeBucket } from '#store/queries.ts';
import { type Amount, addAmounts, type Balance, divergenceOf, litresOf, lossOf, NO_WATER } from '#volume/balance.ts';
import { type BookView, totalOf } from './book-view.ts';
import type { BalanceAnswer } from './schemas/balances.ts';
import { amountView, cubicMetres, type NamedMeter, namedMeters } from './volume-views.ts';

/** One meter's amounts in each bucket of the range. */
export interface Counted extends NamedMeter {
  buckets: VolumeBucket[];
  total: Amount;
}

/** Meters with the same travel time share their edges, so there are as many questions as travel times. */
export async function countedWater(
  books: BookView,
  meters: readonly NamedMeter[],
  edgesMs: readonly number[],
  isShifted: boolean,
): Promise<Counted[]> {
  const shiftOf = ({ meter }: NamedMeter) => (isShifted && meter.travelTime ? durationMs(meter.travelTime) : 0);
  const counted: Counted[] = [];
  for (const [shiftMs, group] of Map.groupBy(meters, shiftOf)) {
    const answers = await books.meterVolumes(
      group,
      edgesMs.map((edgeMs) => edgeMs + shiftMs),
    );
    for (const [index, answer] of answers.entries()) {
      counted.push({ ...group[index]!, buckets: answer.buckets, total: totalOf([answer]) });
    }
  }
  return counted.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function balanceOf(meters: readonly Counted[], of: (meter: Counted) => Amount): Balance {
  const all: Balance = { intake: NO_WATER, delivery: NO_WATER, release: NO_WATER, ecological: NO_WATER };
  for (const counted of meters) all[counted.meter.measures] = addAmounts(all[counted.meter.measures], of(counted));
  return all;
}

export function balanceView(all: Balance) {
  const { litres, share } = lossOf(all);
  return {
    intake: amountView(all.intake),
    delivery: amountView(all.delivery),
    release: amountView(all.release),
    ecological: amountView(all.ecological),
    loss: cubicMetres(litres),
    lossShare: share,
  };
}

/** Whoever gets water, with the offtakes that it comes through. */
export function recipientBalances(
  { control }: Pick<BookView, 'control'>,
  counted: readonly Counted[],
): BalanceAnswer['recipients'] {
  const delivered = counted.filter(({ meter }) => meter.recipient !== undefined && meter.measures !== 'intake');
  const all = litresOf(delivered.map(({ total }) => total).reduce(addAmounts, NO_WATER));
  return [...Map.groupBy(delivered, ({ meter }) => meter.recipient!)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([recipient, own]) => {
      const sum = own.map(({ total }) => total).reduce(addAmounts, NO_WATER);
      return {
        recipient,
        ...amountView(sum),
        share: all === 0 ? null : litresOf(sum) / all,
        meters: own.map(({ id, meter, total }) => ({
          meter: id,
          station: meter.station,
          area: control.get('station', meter.station)?.area ?? null,
          measures: meter.measures,
          ...amountView(total),
        })),
      };
    });
}

/** Pairs that measure the same water: declared sisters, and register and flow of one station that measure the same. */
export async function divergences(books: BookView, edgesMs: readonly number[]): Promise<BalanceAnswer['divergences']> {
  const meters = namedMeters(books.control);
  const pairs = meters.flatMap((checked): [NamedMeter, NamedMeter][] => {
    const against = meters.find((other) => isSameWater(checked, other));
    return against ? [[checked, against]] : [];
  });
  const asked = [...new Map(pairs.flat().map((named) => [named.id, named])).values()];
  const answers = await books.meterVolumes(asked, edgesMs);
  const totals = new Map(answers.map((answer) => [answer.meter, totalOf([answer])]));
  return pairs.map(([checked, against]) => {
    const own = totals.get(checked.id) ?? NO_WATER;
    const base = totals.get(against.id) ?? NO_WATER;
    const { litres, share } = divergenceOf(own, base);
    return {
      meter: checked.id,
      against: against.id,
      cubicMetres: cubicMetres(litresOf(own)),
      againstCubicMetres: cubicMetres(litresOf(base)),
      difference: cubicMetres(litres),
      share,
      unknownHours: amountView(addAmounts(own, base)).unknownHours,
    };
  });
}

function isSameWater(checked: NamedMeter, other: NamedMeter): boolean {
  if (checked.meter.sister !== undefined) return other.id === checked.meter.sister;
  return (
    checked.meter.parameter === 'flow' &&
    other.meter.parameter === 'register' &&
    other.meter.sister !== checked.id &&
    other.meter.station === checked.meter.station &&
    other.meter.measures === checked.meter.measures
  );
}
