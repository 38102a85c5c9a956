/** What balances and reports say of the canal's water: sums by what it is and by who gets it, and pairs of meters. */

import type { BalanceAnswer } from '#api/books/schemas/balances.ts';
import { type Counted, type Divergence, waterOf } from '#books/water/balance.ts';
import type { MeterPart } from '#books/water/meter-relations.ts';
import { HOUR_MS } from '#model/calendar.ts';
import { addAmounts, type Balance, isUnknown, knownLossOf, litresOf, shareOf, type Water } from '#volume/balance.ts';
import type { BookView } from './book-view.ts';
import { amountView, cubicMetres } from './volume-views.ts';

/** @param tolerance how much of the intake's time may be unknown before there is no loss to tell. */
export function balanceView(all: Balance<Water>, tolerance: number) {
  const { litres, share, unknownMs } = knownLossOf(all, tolerance);
  return {
    intake: amountView(all.intake),
    delivery: amountView(all.delivery),
    release: amountView(all.release),
    ecological: amountView(all.ecological),
    loss: litres === null ? null : cubicMetres(litres),
    lossShare: share,
    lossUnknownHours: unknownMs / HOUR_MS,
  };
}

/** Whoever gets water, with the offtakes that it comes through. */
export function recipientBalances(
  { control }: Pick<BookView, 'control'>,
  counted: readonly Omit<Counted<MeterPart>, 'buckets'>[],
  tolerance: number,
): BalanceAnswer['recipients'] {
  const delivered = counted.filter(({ recipient, meter }) => recipient !== null && meter.measures !== 'intake');
  const all = waterOf(delivered.map(({ total }) => total));
  return [...Map.groupBy(delivered, ({ recipient }) => recipient!)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([recipient, own]) => {
      const sum = waterOf(own.map(({ total }) => total));
      return {
        recipient,
        ...amountView(sum),
        share: shareOf(sum, all, tolerance),
        // A recipient that had a meter twice had one meter.
        meters: [...Map.groupBy(own, ({ id }) => id)].map(([id, parts]) => {
          const { meter } = parts[0]!;
          return {
            meter: id,
            station: meter.station,
            area: control.get('station', meter.station)?.area ?? null,
            measures: meter.measures,
            ...amountView(waterOf(parts.map(({ total }) => total))),
          };
        }),
      };
    });
}

export function divergenceView({ checked, against, own, base, litres, share }: Divergence, tolerance: number) {
  const isKnown = !isUnknown(own, tolerance) && !isUnknown(base, tolerance);
  return {
    meter: checked.id,
    against: against.id,
    cubicMetres: cubicMetres(litresOf(own)),
    againstCubicMetres: cubicMetres(litresOf(base)),
    difference: isKnown ? cubicMetres(litres) : null,
    share: isKnown ? share : null,
    unknownHours: amountView(addAmounts(own, base)).unknownHours,
  };
}
