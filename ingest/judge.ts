/**
 * From a payload to judged values: decode, then station, owner, time, parameter and value in that order. Whatever is
 * wrong with one value is said of that value alone; the rest goes on.
 */

import type { Control } from '#journal/registers.ts';
import { isImport, type QcResult } from '#model/entry.ts';
import type { Fault } from '#model/faults.ts';
import { isUnexplained } from '#model/flag.ts';
import { isMetered } from '#model/metered.ts';
import type { Parameter, Reference } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import { type Codec, type Sample, type SentControl, shortened } from './codecs/codec.ts';
import { CODECS } from './codecs/index.ts';
import type { Delivery } from './door.ts';
import type { FaceUnits } from './face-units.ts';
import { instantOf } from './instant.ts';
import { censor, parameterOf, type Quantity, quantityOf } from './resolve.ts';
import type { Slot, Slots } from './series-memory.ts';

export interface Registers {
  control: Control;
  reference: Reference;
  /** The unit that a meter's face has at this station: of values that are sent without one. */
  faceUnits: FaceUnits;
  /** Older readings would be deleted at once (WK_RAW_RETENTION); -Infinity = none is. */
  keptFromMs: number;
  /** What comes from archives may be as old as this, epoch ms. */
  earliestHistoryMs: number;
}

/**
 * Told of each value that is taken, in the order of the payload.
 * @param period what it is a mean of; undefined for what was measured at an instant.
 */
export type Take = (
  slot: Slot,
  timeMs: number,
  quantity: Quantity,
  station: string,
  parameter: string,
  period: Sample['period'],
) => void;

/** A value, or (`names` null) a whole sample, that was not taken. */
export interface Refused {
  fault: Fault;
  sample: Sample;
  /** The value's name, and others of the sample that mean the same parameter. */
  names: readonly string[] | null;
}

export interface Judged {
  fault: null;
  /** The gateway's own number of the message. */
  seq: number | null;
  /** Times of the samples whose time is right; null for none. */
  span: { oldestMs: number; newestMs: number } | null;
  refused: Refused[];
  /** Quality controls: kept beside the readings. */
  controls: QcResult[];
  /** Faults of what was taken nevertheless: `flag.unknown`, and the codec's notes. */
  warnings: Fault[];
}

/** A payload that can't be decoded, with its number as far as that could be read. */
export interface Undecoded {
  fault: Fault;
  seq: number | null;
}

/** Passes every takable value of the delivery to `take`; what can't be decoded at all comes back as its fault. */
export function judge(
  delivery: Delivery,
  registers: Registers,
  slots: Slots,
  arrivalMs: number,
  take: Take,
): Judged | Undecoded {
  const codec = CODECS[delivery.contentType];
  const { source, payload } = delivery;
  const gateway = registers.control.get('gateway', source);
  const dialectOf = (station: string) => registers.control.get('station', station)?.dialect;
  const { topic = null, births, cameMs = arrivalMs } = delivery;
  const decoded = codec.decode(payload, { source, gateway, arrivalMs: cameMs, topic, births, dialectOf });
  if (decoded.fault) return { fault: decoded.fault, seq: decoded.seq ?? null };
  const warnings = [...(decoded.notes ?? [])];
  const judged: Judged = { fault: null, seq: decoded.seq, span: null, refused: [], controls: [], warnings };
  const quantity: Quantity = { value: null, deviceFlag: null, censored: undefined };
  const isTextNumber = gateway?.numbersAsText ?? false;
  for (const sample of decoded.samples) {
    const context = contextOf(sample, registers, delivery, arrivalMs);
    if (sample.values === null) judged.refused.push(refused(codec, context as Fault, sample, null));
    const twins = twinsIn(sample, registers.reference);
    for (const name in sample.values) {
      const names = twins?.get(name);
      const outcome = names ? ambiguous(names) : resolve(context, registers, name, sample, quantity, isTextNumber);
      if ('code' in outcome) {
        judged.refused.push(
          refused(codec, outcome, sample, [name, ...(names ?? []).filter((other) => other !== name)]),
        );
        continue;
      }
      const { station, timeMs } = context as Context;
      if (sample.control) {
        judged.controls.push(controlIn(sample, sample.control, name, outcome, timeMs, quantity));
        continue;
      }
      const slot = slots.slot(sample.station as string, station, outcome);
      censor(quantity, slot.thresholds);
      take(slot, timeMs, quantity, sample.station as string, outcome.id, sample.period);
      if (isUnexplained(quantity.deviceFlag, slot.thresholds.letters))
        judged.warnings.push(unknownFlag(quantity.deviceFlag, codec.path(sample, name)));
    }
    if (!('code' in context)) widen(judged, context.timeMs);
  }
  return judged;
}

function widen(judged: Judged, timeMs: number): void {
  judged.span ??= { oldestMs: timeMs, newestMs: timeMs };
  if (timeMs < judged.span.oldestMs) judged.span.oldestMs = timeMs;
  if (timeMs > judged.span.newestMs) judged.span.newestMs = timeMs;
}

/** A quality control, its other figures converted as its own was. */
function controlIn(
  { station, values }: Sample,
  { kind, standard, water, waterMs }: SentControl,
  name: string,
  parameter: Parameter,
  timeMs: number,
  { value, deviceFlag }: Quantity,
): QcResult {
  const sent = values?.[name];
  const unit = typeof sent === 'object' && sent !== null && 'unit' in sent ? sent.unit : undefined;
  const figure = (number: unknown): number | null => {
    if (typeof number !== 'number') return null;
    const other: Quantity = { value: null, deviceFlag: null, censored: undefined };
    return quantityOf({ value: number, unit }, parameter, other) === null ? other.value : null;
  };
  const figures = { standard: figure(standard), water: figure(water), waterMs };
  return { station: station as string, parameter: parameter.id, timeMs, kind, value, ...figures, deviceFlag };
}

/** What all values of a sample share. */
interface Context {
  station: Station;
  timeMs: number;
}

/** The sample's station and time, or the fault that each of its values has. */
function contextOf(
  sample: Sample,
  { control, earliestHistoryMs }: Pick<Registers, 'control' | 'earliestHistoryMs'>,
  { source, stations }: Delivery,
  arrivalMs: number,
): Context | Fault {
  if (sample.fault !== null) return sample.fault;
  const id = sample.station as string;
  const station = control.get('station', id);
  if (station === undefined) return { code: 'station.unknown', message: `There is no station "${shortened(id)}".` };
  if (stations !== null && !stations.has(id)) {
    return { code: 'gateway.not-owner', message: `This gateway may not write station "${id}".` };
  }
  const timeMs = instantOf(sample.time, arrivalMs, isImport(source) ? earliestHistoryMs : undefined);
  return typeof timeMs === 'number' ? { station, timeMs } : timeMs;
}

/** The parameter of one value, which is read into `quantity`; or the fault for which it is quarantined. */
function resolve(
  context: Context | Fault,
  { reference, faceUnits, keptFromMs }: Registers,
  name: string,
  sample: Sample,
  quantity: Quantity,
  isTextNumber: boolean,
): Parameter | Fault {
  if ('code' in context) return context;
  const parameter = parameterOf(reference, meantBy(sample, name));
  if (parameter === undefined) {
    return { code: 'parameter.unknown', message: `There is no parameter "${shortened(meantBy(sample, name))}".` };
  }
  if (context.timeMs < keptFromMs && !isMetered(parameter.id)) {
    const kept = new Date(keptFromMs).toISOString();
    return { code: 'time.expired', message: `Readings are kept from ${kept} on (WK_RAW_RETENTION).` };
  }
  const faceUnit = faceUnits.of(sample.station as string, parameter.id, context.timeMs);
  return quantityOf(sample.values?.[name], parameter, quantity, faceUnit, isTextNumber, context.station) ?? parameter;
}

/** A name as sent, or what the sender's entry says that it means. */
function meantBy({ means }: Sample, name: string): string {
  return means !== undefined && Object.hasOwn(means, name) ? means[name]! : name;
}

/**
 * Names of one sample that mean one parameter: each → all of them. Null for none, which is nearly always and costs a
 * look-up a name: of ids alone, no two are the same.
 */
function twinsIn(sample: Sample, reference: Reference): ReadonlyMap<string, readonly string[]> | null {
  const { values } = sample;
  let hasAlias = false;
  for (const name in values) hasAlias ||= !reference.parameters.has(name);
  if (!hasAlias) return null;
  const parameter = (name: string) => parameterOf(reference, meantBy(sample, name))?.id;
  const byParameter = Map.groupBy(Object.keys(values ?? {}), parameter);
  const twins = [...byParameter].filter(([id, names]) => id !== undefined && names.length > 1);
  if (twins.length === 0) return null;
  return new Map(twins.flatMap(([, names]) => names.map((name) => [name, names] as const)));
}

/** Two names of one parameter in one sample: which is meant is not guessed, and neither is taken. */
function ambiguous(names: readonly string[]): Fault {
  const shown = names.slice(0, 4).map((name) => `"${shortened(name)}"`);
  return { code: 'name.repeated', message: `${shown.join(' and ')} mean the same parameter in one sample.` };
}

function refused(codec: Codec, fault: Fault, sample: Sample, names: readonly string[] | null): Refused {
  const path = codec.path(sample, names?.[0] ?? null);
  return { fault: path === '' ? fault : { ...fault, path }, sample, names };
}

function unknownFlag(deviceFlag: string | null, path: string): Fault {
  const message = `Nobody has said what the device flag "${deviceFlag}" means: the value is kept and used for nothing.`;
  return { code: 'flag.unknown', message, path };
}
