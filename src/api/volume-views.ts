/** Volumes as they are answered: cubic metres with three decimals, and which meters a sum is of. */
import { HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import type { Control } from '#store/control.ts';
import type { VolumeBucket } from '#store/queries.ts';
import type { Amount } from '#volume/balance.ts';

export interface NamedMeter {
  id: string;
  meter: Meter;
}

export function namedMeters(control: Pick<Control, 'list'>): NamedMeter[] {
  return control.list('meter').map(({ id, body }) => ({ id, meter: body }));
}

/** All meters but those that only check another: their water is counted already. */
export function countedMeters(control: Pick<Control, 'list'>): NamedMeter[] {
  return namedMeters(control).filter(({ meter }) => meter.sister === undefined);
}

/** The meters whose sum is what a recipient got: `GET /volumes?recipient=`. */
export function metersOfRecipient(control: Pick<Control, 'list'>, recipient: string): NamedMeter[] {
  return countedMeters(control).filter(({ meter }) => meter.recipient === recipient);
}

/** Dividing an integer by 1000 gives the double that prints with the same three decimals, up to 4e12 m³. */
export function cubicMetres(litres: number): number {
  return litres / 1000;
}

export interface AmountView {
  cubicMetres: number;
  measured: number;
  estimated: number;
  unknownHours: number;
}

export function amountView({ measuredLitres, estimatedLitres, unknownMs }: Amount): AmountView {
  return {
    cubicMetres: cubicMetres(measuredLitres + estimatedLitres),
    measured: cubicMetres(measuredLitres),
    estimated: cubicMetres(estimatedLitres),
    unknownHours: unknownMs / HOUR_MS,
  };
}

export function bucketView(bucket: VolumeBucket, text: (timeMs: number) => string) {
  return { start: text(bucket.startMs), end: text(bucket.endMs), ...amountView(bucket) };
}
