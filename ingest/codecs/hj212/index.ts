/**
 * HJ/T 212-2005, HJ 212-2017, HJ 212-2025 and the surface-water protocol of HJ 1404-2024, which share a frame. A payload is
 * one frame or several; those of one message (MN, QN, CN) share the time that only one of them may have. What frames mean
 * here, and what of them is a reading: docs/protocols/hj212.md.
 */
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';
import { type Codec, type Decoded, MAX_VALUES, type Sample, type Sender } from '../codec.ts';
import { frameCodec } from '../frame-codec.ts';
import { areaIn, textOf } from './area.ts';
import { piecesOf } from './framer.ts';
import { type Frame, hj212Dialect, samplesOf } from './samples.ts';
import { open, quoted, type Segment, segmentIn } from './segment.ts';

export const hj212: Codec = frameCodec(decodeFrames);

/** A frame that was read, with what is to be said of it; or why it wasn't. */
type Read = { fault: null; frame: Frame; segment: Segment; notes: Fault[] } | { fault: Fault };

function decodeFrames(payload: Uint8Array, sender: Sender): Decoded {
  const reads: Read[] = [];
  const notes: Fault[] = [];
  for (const piece of piecesOf(payload)) {
    if (piece.kind === 'frame') reads.push(readFrame(piece.bytes, sender));
    else notes.push({ code: 'message.noise', message: `${piece.length} bytes belong to no frame.` });
  }
  if (reads.length === 0) return { fault: { code: 'message.malformed', message: noFrame(payload) } };
  const [only] = reads;
  if (reads.length === 1 && only!.fault) return { fault: only!.fault };
  if (reads.length > 1) shareTimes(reads);
  const samples = reads.flatMap((read, index) => {
    if (read.fault) return [damaged(read.fault, index)];
    const made = samplesOf(read.frame, sender, index);
    notes.push(...read.notes, ...made.notes);
    return made.samples;
  });
  if (countValues(samples) > MAX_VALUES) {
    const message = `The message holds more than ${MAX_VALUES} values.`;
    return { fault: { code: 'message.too-many-values', message } };
  }
  return { fault: null, seq: null, samples, notes };
}

function readFrame(bytes: Uint8Array, sender: Sender): Read {
  const { gateway } = sender;
  const segment = segmentIn(bytes);
  const owned = deviceOf(gateway, segment.mn);
  const dialect = hj212Dialect(sender, owned?.station ?? '');
  const opened = open(bytes, segment, gateway?.identity?.sm4Key, dialect.checksum);
  if (opened.fault) return opened;
  if (owned === null) return { fault: unknownDevice(gateway, segment.mn) };
  const { password } = gateway?.identity ?? {};
  if (password !== undefined && segment.pw !== password) {
    const message = `PW ${quoted(segment.pw)} of MN ${quoted(segment.mn)} is not the one in \`identity.password\`.`;
    return { fault: { code: 'device.password', message } };
  }
  const area = areaIn(textOf(opened.body));
  const { cn, st, part } = segment;
  const { device, station } = owned;
  const { dataTime } = area;
  const isPart = part !== null;
  const frame: Frame = { cn: cn ?? '', st: st ?? '', station, device, area, dataTime, isPart, dialect };
  return { fault: null, frame, segment, notes: opened.notes };
}

/** Whose station an MN is: a device's of the entry, or the one station of a gateway that is the device itself. */
function deviceOf(
  gateway: Gateway | undefined,
  mn: string | null,
): { station: string; device: Device | undefined } | null {
  if (!gateway || mn === null) return null;
  const device = gateway.devices?.find(({ address }) => address === mn);
  if (device) return { station: device.station, device };
  const [station] = gateway.stations;
  return gateway.identity?.mn === mn && station !== undefined ? { station, device: undefined } : null;
}

function unknownDevice(gateway: Gateway | undefined, mn: string | null): Fault {
  const remedy = gateway
    ? 'put it into `identity.mn` of the entry, or into `devices` with its station'
    : 'send the frame as a gateway whose entry names it';
  return { code: 'device.unknown', message: `MN ${quoted(mn)} is no device of this sender: ${remedy}.` };
}

/** A time may stand in one part of a message alone. */
function shareTimes(reads: readonly Read[]): void {
  const times = new Map<string, string>();
  const parts = reads.flatMap((read) => (read.fault === null && read.frame.isPart ? [read] : []));
  for (const { frame, segment } of parts.toSorted((a, b) => a.segment.part!.number - b.segment.part!.number)) {
    const key = messageKey(segment);
    if (frame.dataTime !== null) times.set(key, times.get(key) ?? frame.dataTime);
  }
  for (const { frame, segment } of parts) frame.dataTime ??= times.get(messageKey(segment)) ?? null;
}

/** Parts of one message have these in common. */
export function messageKey({ mn, qn, cn }: Segment): string {
  return `${mn} ${qn ?? ''} ${cn}`;
}

function damaged(fault: Fault, index: number): Sample {
  return { station: undefined, time: undefined, values: null, index, fault, sent: null };
}

function countValues(samples: readonly Sample[]): number {
  let count = 0;
  for (const { values } of samples) count += values === null ? 1 : Object.keys(values).length;
  return count;
}

function noFrame(payload: Uint8Array): string {
  const isJson = payload[0] === 0x7b || payload[0] === 0x5b;
  const remedy = isJson ? ': it looks like JSON; set `protocol` of the gateway to json' : '';
  return `The payload holds no frame of HJ 212, which begins with ## and four digits${remedy}.`;
}
