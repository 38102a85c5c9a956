/** One decision about a read of a meter, as it is listed. */

import { isoText } from '#api/instants.ts';
import type { DecisionRow } from '#books/questions/queries.ts';
import type { Control } from '#journal/registers.ts';
import { rulingId } from '#model/accounting.ts';
import { cubicMetres } from './volume-views.ts';

export function decisionView(control: Pick<Control, 'version'>, row: DecisionRow) {
  const { meter, timeMs, kind, fromMs, before, after, litres, reason, isRuled } = row;
  const id = rulingId(meter, timeMs);
  const version = isRuled ? control.version('ruling', id) : undefined;
  const amount = (value: number | null) => (value === null ? null : cubicMetres(value));
  return {
    id,
    meter,
    time: isoText(timeMs),
    kind,
    since: isoText(fromMs),
    before: amount(before),
    after: amount(after),
    booked: amount(litres),
    reason,
    ruledBy: version?.actor ?? null,
    ruledAt: isoText(version?.atMs ?? null),
  };
}
