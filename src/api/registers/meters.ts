/** Meters in the register: what one may say, what it becomes when it is handed over, and how it is shown. */
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '#api/access/caller.ts';
import type { ApiDeps } from '#api/deps.ts';
import { invalid, Problem, type ProblemError } from '#api/problems.ts';
import { handedOver, historyOf, type RecipientHistory, recipientAt } from '#model/recipients.ts';
import type { Meter } from '#model/register.ts';

/** As answered: `recipient` is the present one, and `recipients` the history of one that was handed over. */
export interface ShownMeter extends Omit<Meter, 'recipient'> {
  recipient?: string;
  recipients?: RecipientHistory;
}

export function shownMeter(meter: Meter, _caller: Caller, nowMs: number): ShownMeter {
  const { recipient, ...rest } = meter;
  const present = recipientAt(meter, nowMs);
  return {
    ...rest,
    ...(present === null ? {} : { recipient: present }),
    ...(typeof recipient === 'object' ? { recipients: recipient } : {}),
  };
}

/**
 * A meter that was read and is put back names its history; it is no way to change that.
 * @throws Problem `request.invalid`.
 */
export function withoutShown(given: Meter & { recipients?: RecipientHistory }, before: Meter | undefined): Meter {
  const { recipients, ...meter } = given;
  if (recipients !== undefined && !(before && isDeepStrictEqual(recipients, historyOf(before)))) {
    throw invalid('recipients', 'is only answered: a history is given as a list in `recipient`');
  }
  return meter;
}

/** Another recipient than it had takes over from here on, if anything was ever read there. */
export function receivedMeter({ control, reader }: ApiDeps, meter: Meter, id: string, receivedMs: number): Meter {
  const isRead = reader.seriesByName(meter.station, meter.parameter) !== undefined;
  return handedOver(meter, control.get('meter', id), receivedMs, isRead);
}

/**
 * What was read without a unit was taken in that of the meter's face, and its size and steps are in it: another unit would
 * make other figures of readings that stand.
 * @throws Problem `state.conflict`.
 */
export async function refuseOtherUnit(deps: ApiDeps, body: Meter, id: string): Promise<void> {
  const known = deps.control.get('meter', id);
  const parameter = deps.reference.parameters.get(body.parameter);
  if (!known || !parameter || known.unit === body.unit) return;
  const factor = (unit: string) => (unit === parameter.unit ? 1 : parameter.units[unit]?.factor);
  if (factor(known.unit) === factor(body.unit)) return;
  const series = deps.reader.seriesByName(known.station, known.parameter);
  if (!series) return;
  await deps.caughtUp('readings');
  const fromMs = known.from === undefined ? -8.64e15 : Date.parse(known.from);
  const toMs = known.to === undefined ? 8.64e15 : Date.parse(known.to);
  const standing = await deps.queries.readings({ series: series.id, fromMs, toMs, limit: 1, asOfMs: null });
  if (standing.length === 0) return;
  const other = 'a face in another unit is another meter: end this one with `to`, begin the other with `from`';
  throw new Problem('state.conflict', `Readings stand on the meter "${id}" in ${known.unit}; ${other}.`);
}

/**
 * A meter elsewhere is another meter: under this id its readings would take the place of the first one's history.
 * @throws Problem `state.conflict`.
 */
export function refuseOtherMeter({ control }: ApiDeps, body: Meter, id: string): void {
  const known = control.get('meter', id);
  if (!known || (known.station === body.station && known.parameter === body.parameter)) return;
  throw new Problem(
    'state.conflict',
    `The meter "${id}" measures ${known.parameter} at ${known.station}: another meter needs another id.`,
  );
}

export function meterErrors({ control, reference }: ApiDeps, body: Meter, id: string): ProblemError[] {
  const errors: ProblemError[] = [];
  if (!control.get('station', body.station))
    errors.push({ path: 'station', message: `there is no station "${body.station}"` });
  const parameter = reference.parameters.get(body.parameter);
  if (!parameter || (body.unit !== parameter.unit && !Object.hasOwn(parameter.units, body.unit))) {
    errors.push({ path: 'unit', message: `"${body.unit}" is no unit of ${body.parameter}` });
  }
  if (body.from !== undefined && body.to !== undefined && Date.parse(body.from) >= Date.parse(body.to)) {
    errors.push({ path: 'to', message: 'must lie after from' });
  }
  if (body.sister !== undefined && (body.sister === id || !control.get('meter', body.sister))) {
    errors.push({ path: 'sister', message: `there is no other meter "${body.sister}"` });
  } else if (body.sister !== undefined && control.get('meter', body.sister)!.sister !== undefined) {
    errors.push({ path: 'sister', message: `the meter "${body.sister}" only checks another itself` });
  }
  return errors;
}
