/**
 * Sparkplug B 3.0: what edge nodes and their devices say. A birth names metrics, their aliases and datatypes; data may
 * leave all of these out, so a message is read with what its sender's births have said (`Sender.births`, which is
 * ../../transports/sparkplug-host.ts's to know). docs/protocols/sparkplug-b.md has a message worked through.
 */
import type { Fault } from '#model/faults.ts';
import { type Codec, type Sender, shortened } from '../codec.ts';
import { type Behind, behind, elementOf, measured } from '../devices.ts';
import { type Entries, type Entry, entryCodec } from '../entries.ts';
import { type Birth, type Births, type Definition, isMeasured } from './births.ts';
import { aliasOf, integerOf, type Metric, type Payload, readPayload, type Wire } from './payload.ts';
import { parseSparkplugTopic, type SparkplugTopic } from './topic.ts';

export const sparkplugB: Codec = entryCodec({
  list: 'metrics',
  read: (payload, sender) => (payload[0] === 0x7b ? readKept(payload, sender) : read(payload, sender)),
  excerpt: (kept) => Buffer.from(JSON.stringify({ metrics: kept })),
});

/** Int8 … UInt64, Float and Double; those above are no numbers (§6.4.16). */
const DATATYPE_NUMBER_MAX = 10;
/** `Quality` (§6.4.9.1) as a flag: BAD is a failure; STALE is not measured now, as the node says itself. */
const QUALITY_FLAGS: Readonly<Record<number, number | undefined>> = { 0: 4, 192: undefined, 500: 9 };
const COMPRESSED = 'SPBV1.0_COMPRESSED';

function read(payload: Uint8Array, sender: Sender): Entries {
  const topic = sender.topic === null ? null : parseSparkplugTopic(sender.topic);
  if (topic === null) {
    const message =
      'Sparkplug B is published to spBv1.0/{group}/{type}/{node}, with /{device} for a device: name these in the `topics` of the gateway.';
    return { fault: { code: 'message.malformed', message } };
  }
  const births = sender.births ?? NONE_HEARD;
  if (topic.type === 'NDEATH') return { fault: null, entries: deaths(births, topic, sender, sender.arrivalMs) };
  let message: Payload;
  try {
    message = readPayload(payload);
  } catch (error) {
    const reason = shortened((error as Error).message, 160);
    return { fault: { code: 'message.malformed', message: `The payload is not Sparkplug B: ${reason}.` } };
  }
  if (message.uuid === COMPRESSED) {
    const remedy = 'The payload is compressed; switch compression off at the edge node.';
    return { fault: { code: 'message.malformed', message: remedy } };
  }
  const timeMs = message.timestamp;
  if (topic.type === 'DDEATH') {
    return { fault: null, entries: deaths(births, topic, sender, timeMs ?? sender.arrivalMs) };
  }
  const place = behind(sender.gateway, addressesOf(topic, topic.device));
  const context: Context = { topic, place, births, isBirth: topic.type.endsWith('BIRTH') };
  const entries = message.metrics.flatMap((metric, index) => entryOf(metric, index, timeMs, context) ?? []);
  return { fault: null, entries, notes: births.missed === null ? undefined : [missedFault(births.missed)] };
}

const NONE_HEARD: Births = { birth: null, missed: null, ended: [] };

/** What all metrics of a message share. */
interface Context {
  topic: SparkplugTopic;
  place: Behind | Fault;
  births: Births;
  isBirth: boolean;
}

/** The names of a device in a gateway's `devices`, the most specific first; the ids of Sparkplug have no slash. */
function addressesOf({ group, node }: SparkplugTopic, device: string | null): string[] {
  if (device === null) return [`${group}/${node}`, node];
  return [`${group}/${node}/${device}`, `${node}/${device}`, device];
}

/** Undefined for what is no measurement, and what the entry leaves out. */
function entryOf(metric: Metric, index: number, timeMs: number | undefined, context: Context): Entry | undefined {
  const { place, births, isBirth } = context;
  const definition = isBirth ? undefined : definitionOf(metric, births.birth);
  const name = metric.name ?? definition?.name;
  if (name !== undefined && !(definition?.isMeasured ?? isMeasured(name))) return undefined;
  const time = metric.timestamp ?? timeMs;
  const sent = metric.isNull ? null : sentValue(metric.value, metric.datatype ?? definition?.datatype, isBirth);
  const wrong = isFault(sent) ? sent : null;
  const fault = nameFault(metric, name, births) ?? wrong ?? (isFault(place) ? place : null);
  const kept = () => keptMetric(metric, definition, time, context);
  const value = wrong === null ? sent : undefined;
  if (isFault(place) || name === undefined) {
    return { index, station: undefined, time, name: name ?? null, value, fault, kept };
  }
  const unit = metric.properties?.unit ?? definition?.properties?.unit;
  const quality = metric.properties?.quality ?? definition?.properties?.quality;
  const meant = elementOf(place, name);
  if (meant === null) return undefined;
  const given = measured(value, meant, unit, flagOf(quality));
  return { index, station: place.station, time, name: meant?.parameter ?? name, value: given, fault, kept };
}

/** A metric in words: what is needed to place it and to read it again. */
interface Kept {
  topic: string;
  name?: string | undefined;
  alias?: string;
  datatype: number | undefined;
  time: number | undefined;
  quality: number | undefined;
  unit: string | undefined;
  value?: Exclude<Wire, object> | null;
  bits?: 32 | 64;
  raw?: string;
}

function keptMetric(
  { name, alias, datatype, properties, isNull, value }: Metric,
  definition: Definition | undefined,
  time: number | undefined,
  { topic }: Context,
): Kept {
  const meant = name ?? definition?.name;
  return {
    topic: topicText(topic),
    ...(meant === undefined ? { alias: String(alias) } : { name: meant }),
    datatype: datatype ?? definition?.datatype,
    time,
    quality: properties?.quality ?? definition?.properties?.quality,
    unit: properties?.unit ?? definition?.properties?.unit,
    ...keptValue(isNull ? null : value),
  };
}

function flagOf(quality: number | undefined): number | string | undefined {
  if (quality === undefined) return undefined;
  // A maker's own number is a letter that nobody has explained, until a dialect does.
  return quality in QUALITY_FLAGS ? QUALITY_FLAGS[quality] : `quality ${quality}`;
}

function definitionOf({ name, alias }: Metric, birth: Birth | null): Definition | undefined {
  if (name !== undefined) return birth?.names.get(name);
  return alias === undefined ? undefined : birth?.aliases.get(alias);
}

/** Why nobody knows for certain which metric this is; null where it is known. */
function nameFault({ name: sent, alias }: Metric, name: string | undefined, { missed }: Births): Fault | null {
  if (sent === undefined && alias === undefined) {
    return { code: 'sample.malformed', message: 'The metric has neither a name nor an alias.' };
  }
  if (name === undefined) {
    const message = `No birth has said what alias ${alias} is; the births are asked for (Node Control/Rebirth).`;
    return { code: 'sparkplug.no-birth', message };
  }
  return sent === undefined && missed !== null ? missedFault(missed) : null;
}

function missedFault(missed: string): Fault {
  const message = `${missed}: what was missed may have been a birth, which gives aliases another meaning; the births are asked for.`;
  return { code: 'sparkplug.missed', message };
}

function sentValue(
  wire: Wire | undefined,
  datatype: number | undefined,
  isBirth: boolean,
): Exclude<Wire, object> | Fault {
  if (wire === undefined) return { code: 'sample.malformed', message: 'The metric has no value and is not null.' };
  if (typeof wire !== 'object' || wire === null) return wire;
  if (datatype === undefined) {
    if (isBirth) return { code: 'sample.malformed', message: 'A birth has to say the datatype of each metric.' };
    const message = 'Neither the metric nor a birth has said whether the integer is signed; the births are asked for.';
    return { code: 'sparkplug.no-birth', message };
  }
  const integer = integerOf(wire, datatype);
  if (integer === undefined) {
    return { code: 'sample.malformed', message: `${wire.raw} is no number of the datatype ${datatype}.` };
  }
  const value = Number(integer);
  if (BigInt(value) === integer) return value;
  return {
    code: 'sample.malformed',
    message: `${integer} has more digits than can be kept; send it in a larger unit.`,
  };
}

const isFault = (found: unknown): found is Fault => typeof found === 'object' && found !== null && 'code' in found;
const topicText = ({ group, type, node, device }: SparkplugTopic): string =>
  ['spBv1.0', group, type, node, ...(device === null ? [] : [device])].join('/');

/** Long texts can never become a reading. */
function keptValue(value: Wire | undefined): Pick<Kept, 'value' | 'bits' | 'raw'> {
  if (typeof value === 'string') return { value: shortened(value, 256) };
  if (typeof value === 'object' && value !== null) return { bits: value.bits, raw: String(value.raw) };
  if (value === undefined) return {};
  // JSON has no word for what isn't finite, and null would mean "measured nothing".
  return { value: typeof value === 'number' && !Number.isFinite(value) ? String(value) : value };
}

/** Values of a device or node that has ended: from here on nothing is measured, as the gateway says itself. */
function deaths({ ended }: Births, topic: SparkplugTopic, { gateway }: Sender, time: number): Entry[] {
  const entries: Entry[] = [];
  for (const { device, birth } of ended) {
    const place = behind(gateway, addressesOf(topic, device));
    // Whose values nobody could place has been told when they came.
    if (isFault(place)) continue;
    const context: Context = { topic: { ...topic, device }, place, births: NONE_HEARD, isBirth: false };
    for (const { name, datatype = 0, isMeasured } of birth.names.values()) {
      if (!isMeasured || datatype < 1 || datatype > DATATYPE_NUMBER_MAX) continue;
      const entry = entryOf({ ...ENDED, name, datatype, timestamp: time }, entries.length, time, context);
      if (entry) entries.push(entry);
    }
  }
  return entries;
}

const ENDED: Metric = {
  name: undefined,
  alias: undefined,
  timestamp: undefined,
  datatype: undefined,
  isNull: true,
  properties: { quality: 500 },
  value: undefined,
};

function readKept(payload: Uint8Array, sender: Sender): Entries {
  let metrics: Kept[];
  try {
    ({ metrics } = JSON.parse(Buffer.from(payload).toString('utf8')) as { metrics: Kept[] });
    const entries = metrics.flatMap((kept, index) => keptEntry(kept, index, sender) ?? []);
    return { fault: null, entries };
  } catch {
    return { fault: { code: 'message.malformed', message: 'The payload is JSON and no Sparkplug B.' } };
  }
}

function keptEntry(kept: Kept, index: number, { gateway, births = NONE_HEARD }: Sender): Entry | undefined {
  const { topic: text, name, alias, datatype, time, value, bits, raw } = kept;
  const topic = parseSparkplugTopic(text)!;
  const metric: Metric = {
    name,
    alias: alias === undefined ? undefined : aliasOf(BigInt(alias)),
    timestamp: time,
    datatype,
    isNull: value === null,
    properties: { quality: kept.quality, unit: kept.unit },
    value: bits ? { bits, raw: BigInt(raw!) } : value,
  };
  const place = behind(gateway, addressesOf(topic, topic.device));
  return entryOf(metric, index, undefined, { topic, place, births, isBirth: false });
}
