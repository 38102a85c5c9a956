/**
 * How meters hang together: who counts, who checks whom, who fills whose gaps, and what engineers have ruled about each.
 */

import type { Control } from '#journal/registers.ts';
import { type Holding, holdingsOf } from '#model/recipients.ts';
import type { Meter } from '#model/register.ts';
import type { Rulings } from '#volume/points.ts';

/**
 * The meter that gaps of this one are filled from: its sister (either of the two may name the other), or the first
 * register at its station. Null when there is none.
 */
export function otherMeter(control: Control, id: string, meter: Meter): string | null {
  if (meter.gap === 'sister') return sisterOf(control, id, meter);
  if (meter.gap !== 'register') return null;
  const register = control
    .list('meter')
    .find((other) => other.body.station === meter.station && other.body.parameter === 'register');
  return register?.id ?? null;
}

/** The meter that it names as its sister, or the first that names it. */
function sisterOf(control: Control, id: string, meter: Meter): string | null {
  if (meter.sister !== undefined) return control.get('meter', meter.sister) ? meter.sister : null;
  return control.list('meter').find(({ body }) => body.sister === id)?.id ?? null;
}

/** Meters whose gaps are filled from this one. */
export function dependents(control: Control, id: string): string[] {
  return control
    .list('meter')
    .filter(({ id: other, body }) => other !== id && otherMeter(control, other, body) === id)
    .map(({ id: other }) => other);
}

export function rulingsOf(control: Control, meter: string): Rulings {
  const own = control.list('ruling').filter(({ body }) => body.meter === meter);
  return new Map(own.map(({ body: { timeMs, kind, reason } }) => [timeMs, { kind, reason }]));
}

export interface NamedMeter {
  id: string;
  meter: Meter;
}

/** For how long of a range the meter, or the part of one, is said to measure: what its unknown time is a share of. */
export function measuringMs(named: NamedMeter & Partial<Holding>, startMs: number, endMs: number): number {
  const { meter, fromMs = -Infinity, toMs = Infinity } = named;
  const sinceMs = meter.from === undefined ? fromMs : Math.max(fromMs, Date.parse(meter.from));
  const untilMs = meter.to === undefined ? toMs : Math.min(toMs, Date.parse(meter.to));
  return Math.max(0, Math.min(endMs, untilMs) - Math.max(startMs, sinceMs));
}

type Registers = Pick<Control, 'list'>;

export function namedMeters(control: Registers): NamedMeter[] {
  return control.list('meter').map(({ id, body }) => ({ id, meter: body }));
}

/** All meters but those that only check another: their water is counted already. */
export function countedMeters(control: Registers): NamedMeter[] {
  return namedMeters(control).filter(({ meter }) => meter.sister === undefined);
}

/** A meter while one recipient had it: all of it, unless it was handed over. */
export interface MeterPart extends NamedMeter, Holding {}

/** Together they are the meters, whatever changed hands. */
export function partsOf(meters: readonly NamedMeter[]): MeterPart[] {
  return meters.flatMap((named) => holdingsOf(named.meter).map((holding) => ({ ...named, ...holding })));
}

/** The parts of meters whose sum is what a recipient got: `GET /volumes?recipient=`. */
export function metersOfRecipient(control: Registers, recipient: string): MeterPart[] {
  return partsOf(countedMeters(control)).filter((part) => part.recipient === recipient);
}

/** Whether somebody had the meter at some time of [fromMs, toMs); a meter that was never handed over he always had. */
export function isHeldIn({ fromMs, toMs }: Holding, sinceMs: number, untilMs: number): boolean {
  return fromMs < untilMs && toMs > sinceMs;
}

/** Two meters of the same water. */
export interface MeterPair {
  checked: NamedMeter;
  against: NamedMeter;
}

/** Declared sisters, and register and flow of one station that measure the same. */
export function meterPairs(control: Registers): MeterPair[] {
  const meters = namedMeters(control);
  return meters.flatMap((checked): MeterPair[] => {
    const against = meters.find((other) => isSameWater(checked, other));
    return against ? [{ checked, against }] : [];
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

/** A meter whose water another one of its station has counted already, and which. */
export interface LeftOutMeter {
  meter: string;
  reason: 'sister' | 'register' | 'same-readings';
  of: string;
}

/**
 * The meters that say what water passed a station, each water once. Out are, in this order: who checks another (`sister`); a
 * flow where a register of the same direction measures the same; and of those that count the same readings in the same
 * direction at the same time all but the first by id. One that takes over from another counts after it.
 */
export function weighingMeters(
  control: Registers,
  station: string,
): { weighing: NamedMeter[]; leftOut: LeftOutMeter[] } {
  const weighing: NamedMeter[] = [];
  const leftOut: LeftOutMeter[] = [];
  const here = namedMeters(control).filter(({ meter }) => meter.station === station);
  const registers = here.filter(({ meter }) => meter.parameter === 'register' && meter.sister === undefined);
  for (const one of here.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const { id, meter } = one;
    const register = registers.find((other) => other.meter.direction === meter.direction && isSameWater(one, other));
    const same = weighing.find((other) => countsSameReadings(one, other));
    if (meter.sister !== undefined) leftOut.push({ meter: id, reason: 'sister', of: meter.sister });
    else if (register) leftOut.push({ meter: id, reason: 'register', of: register.id });
    else if (same) leftOut.push({ meter: id, reason: 'same-readings', of: same.id });
    else weighing.push(one);
  }
  return { weighing, leftOut };
}

/**
 * Meters of one sum that count the same water in [fromMs, toMs), so that it is in the sum twice: a register and a flow of one
 * station, or two meters on the same readings, of which nobody has said (`sister`) that one only checks the other.
 */
export function countedTwice(
  summed: readonly (NamedMeter & Partial<Holding>)[],
  fromMs: number,
  toMs: number,
): [string, string][] {
  const pairs = [...Map.groupBy(summed, ({ meter }) => meter.station).values()].flatMap((here) =>
    here.flatMap((one): [string, string][] => {
      const twin = here.find((other) => isTwin(one, other) && overlapMs([one, other], fromMs, toMs) > 0);
      return twin ? [[one.id, twin.id]] : [];
    }),
  );
  // Of a meter that was handed over there are several parts.
  return [...new Map(pairs.map((pair) => [pair.join(' '), pair])).values()];
}

/** A flow has its register for a twin, and of meters on the same readings each has those before it by id. */
function isTwin(one: NamedMeter, other: NamedMeter): boolean {
  if (one.id === other.id || one.meter.direction !== other.meter.direction) return false;
  return isSameWater(one, other) || (other.id < one.id && countsSameReadings(one, other));
}

/** For how long of [fromMs, toMs) all of them measure, each while it was the recipient's that is summed. */
function overlapMs(meters: readonly (NamedMeter & Partial<Holding>)[], fromMs: number, toMs: number): number {
  const starts = meters.map(({ meter, fromMs: since = -Infinity }) => Math.max(since, timeOf(meter.from, -Infinity)));
  const ends = meters.map(({ meter, toMs: until = Infinity }) => Math.min(until, timeOf(meter.to, Infinity)));
  return Math.min(toMs, ...ends) - Math.max(fromMs, ...starts);
}

const timeOf = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Date.parse(text));

/** Of one station: it has one series of each parameter. */
function countsSameReadings({ meter: a }: NamedMeter, { meter: b }: NamedMeter): boolean {
  const [open, end] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return (
    a.parameter === b.parameter &&
    a.direction === b.direction &&
    timeOf(a.from, open) < timeOf(b.to, end) &&
    timeOf(b.from, open) < timeOf(a.to, end)
  );
}
