/** Messages of SL 651: one frame, or the packets of several (SYN) put together again. */
import type { Fault } from '#model/faults.ts';
import { lengthNote, noiseNote } from '../framing.ts';
import { type Body, bodyOf } from './body.ts';
import { type Frame, faultOf, HEX } from './frame.ts';
import { framesIn } from './framer.ts';
import { textBodyOf } from './text.ts';

/** 30H to 3AH report; 2FH keeps a connection up, 40H and above are about the station itself (table B.1). */
export const KEEP_ALIVE = 0x2f;
export const TEST = 0x30;
const REPORTS: ReadonlySet<number> = new Set([0x31, 0x32, 0x33, 0x34, 0x37, 0x38, 0x3a]);
/** Texts that somebody typed, and pictures: no values, but not the station's own affairs either. */
const TYPED: ReadonlySet<number> = new Set([0x35, 0x36, 0x39]);

export function kindOf(code: number): 'report' | 'heartbeat' | 'reply' | 'unknown' {
  if (code === KEEP_ALIVE) return 'heartbeat';
  if (code === TEST || REPORTS.has(code) || TYPED.has(code)) return 'report';
  return code >= 0x40 && code <= 0x51 ? 'reply' : 'unknown';
}

export const isReport = (code: number) => REPORTS.has(code);

/** A frame without packets, or all packets of one message. */
export interface Message {
  head: Frame;
  body: Uint8Array;
}

export interface Messages {
  messages: Message[];
  /** Frames that can't be read, and messages of which packets are missing. */
  faults: Fault[];
  notes: Fault[];
}

export function messagesIn(payload: Uint8Array): Messages {
  const [messages, faults, notes]: [Message[], Fault[], Fault[]] = [[], [], []];
  const packets: Frame[] = [];
  for (const piece of framesIn(payload)) {
    if ('noise' in piece) notes.push(noiseNote(piece.noise));
    else if ('damaged' in piece) faults.push(faultOf(piece.damaged));
    else {
      const { frame } = piece;
      if (frame.packet) packets.push(frame);
      else messages.push({ head: frame, body: frame.body });
      const note = lengthNote(frame);
      if (note) notes.push(note);
    }
  }
  for (const group of groupsOf(packets)) {
    const joined = joinedOf(group);
    if ('code' in joined) faults.push(joined);
    else messages.push(joined);
  }
  return { messages, faults, notes };
}

export function joinsOf({ station, function: code, packet }: Frame): string {
  return `${station}/${code}/${packet?.total ?? 0}`;
}

/** Packets of one message by their numbers. */
type Packets = ReadonlyMap<number, Frame>;

/** A packet that is there already with something else in it begins another message; the same again is the same. */
function groupsOf(packets: readonly Frame[]): Packets[] {
  const groups: Packets[] = [];
  const open = new Map<string, Map<number, Frame>>();
  for (const packet of packets) {
    const key = joinsOf(packet);
    const { number } = packet.packet!;
    const known = open.get(key)?.get(number);
    if (known && Buffer.compare(known.body, packet.body) === 0) continue;
    if (known || !open.has(key)) {
      open.set(key, new Map());
      groups.push(open.get(key)!);
    }
    open.get(key)!.set(number, packet);
  }
  return groups;
}

/** The first packet that isn't there, from 1; null where all are. */
export function missingOf(packets: readonly Frame[]): number | null {
  const [group = new Map<number, Frame>()] = groupsOf(packets.filter(({ packet }) => packet !== null));
  return firstMissing(group, packets[0]?.packet?.total ?? 0);
}

function firstMissing(packets: Packets, total: number): number | null {
  for (let number = 1; number <= total; number++) if (!packets.has(number)) return number;
  return null;
}

function joinedOf(packets: Packets): Message | Fault {
  const [{ packet }] = [...packets.values()] as [Frame];
  const { total } = packet!;
  const missing = firstMissing(packets, total);
  const head = packets.get(1);
  if (missing !== null || !head) {
    return { code: 'message.incomplete', message: `Packet ${missing ?? 1} of ${total} is missing.` };
  }
  const bodies = Array.from({ length: total }, (_, index) => packets.get(index + 1)!.body);
  return { head, body: Buffer.concat(bodies) };
}

/** @param definitions is told the byte that defines each element */
export function readBody({ head, body }: Message, definitions?: Map<string, number>): Body | Fault {
  if (head.form === HEX) return bodyOf(body, head.station, head.function, definitions);
  return textBodyOf(body, head.station);
}
