/** What balances and reports say of the canal's water: sums by what it is and by who gets it, and pairs of meters. */
import type { Counted, Divergence } from '#store/water-balance.ts';
import { addAmounts, type Balance, litresOf, lossOf, NO_WATER } from '#volume/balance.ts';
import type { BookView } from './book-view.ts';
import type { BalanceAnswer } from './schemas/balances.ts';
import { amountView, cubicMetres } from './volume-views.ts';

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

export function divergenceView({ checked, against, own, base, litres, share }: Divergence) {
  return {
    meter: checked.id,
    against: against.id,
    cubicMetres: cubicMetres(litresOf(own)),
    againstCubicMetres: cubicMetres(litresOf(base)),
    difference: cubicMetres(litres),
    share,
    unknownHours: amountView(addAmounts(own, base)).unknownHours,
  };
}
