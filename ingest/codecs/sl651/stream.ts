/** What SL 651 says over a bare connection: headings, confirmations, questions for stored values, and the clock. */
import { bcdByte, beijingParts } from '../bcd.ts';
import type { Asked, Heading, Outcome, StreamProtocol } from '../stream.ts';
import { crc16 } from './crc.ts';
import { isAskable, symbolOf } from './elements.ts';
import {
  ACK,
  downlink,
  ENQ,
  EOT,
  ESC,
  ETB,
  type Frame,
  frameIn,
  HEX,
  hexOf,
  isSound,
  NAK,
  unhexed,
  written,
} from './frame.ts';
import { framer, framesIn } from './framer.ts';
import { joinsOf, KEEP_ALIVE, kindOf, messagesIn, missingOf, readBody } from './message.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SET_CLOCK = 0x4a;
const STORED = 0x38;

export const sl651Stream: StreamProtocol = { framer, heading, answer, request, setClock };

function heading(bytes: Uint8Array): Heading {
  const frame = frameIn(bytes);
  if (!frame) return { address: null, password: null, kind: 'unknown', part: null, repeatKey: null, isSound: false };
  const { packet } = frame;
  return {
    address: frame.station,
    password: frame.password,
    kind: frame.isDownlink ? 'unknown' : kindOf(frame.function),
    part: packet && { joins: joinsOf(frame), ...packet },
    repeatKey: repeatKeyOf(frame),
    isSound: isSound(bytes),
  };
}

/**
 * Station, function, serial number and what was observed when: the serial number alone starts anew after a power cut, and
 * the time of sending is another when a report is sent again.
 */
function repeatKeyOf({ station, function: code, packet, body, form }: Frame): string {
  const isFirst = packet === null || packet.number === 1;
  const serial = isFirst ? Buffer.from(unhexed(body.subarray(0, 2 * form.width), form)).toString('hex') : '';
  const observed = crc16(body, isFirst ? Math.min(body.length, 8 * form.width) : 0);
  return [station, hexOf(code), serial, packet ? `${packet.number}:${packet.total}` : '', observed].join('/');
}

/**
 * EOT, ESC or (more is to come) ACK with the serial number and time of the report, which is how the station knows it; NAK
 * with the number of a packet that is missing. Nothing at all for what can't be read and for keep-alives (§6.3.1).
 */
function answer(bytes: Uint8Array, outcome: Outcome): Uint8Array | null {
  const frames = framesIn(bytes).flatMap((piece) => ('frame' in piece ? [piece.frame] : []));
  const head = frames.find(({ packet }) => packet === null || packet.number === 1) ?? frames[0];
  if (!head || head.isDownlink || head.function === KEEP_ALIVE || kindOf(head.function) !== 'report') return null;
  const preamble = head.body.subarray(0, 8 * head.form.width);
  if (outcome === 'unreadable') return null;
  if (outcome === 'incomplete') return refusal(frames, head, preamble);
  const isMore = head.packet === null && head.end === ETB;
  const end = isMore ? ACK : outcome === 'durable-stay' ? ESC : EOT;
  const total = head.packet?.total;
  return downlink(head, total === undefined ? null : { number: total, total }, preamble, end);
}

function refusal(frames: readonly Frame[], head: Frame, preamble: Uint8Array): Uint8Array | null {
  if (!head.packet) return null;
  const number = missingOf(frames.filter((frame) => joinsOf(frame) === joinsOf(head)));
  return number === null ? null : downlink(head, { number, total: head.packet.total }, preamble, NAK);
}

/**
 * 38H: whole hours, one element a question, elements that the station's newest report has. Series of five minutes are asked
 * for as they are stored (step 0), everything else by the hour.
 */
function request({ heard }: Asked, fromMs: number, toMs: number, nowMs: number): Uint8Array[] | null {
  const [message] = heard ? messagesIn(heard).messages : [];
  const definitions = new Map<string, number>();
  const body = message && kindOf(message.head.function) === 'report' ? readBody(message, definitions) : null;
  if (!message || !body || 'code' in body) return null;
  const names = [...new Set(body.observations.map(({ name }) => name))];
  const asked = names.filter(isAskable).map((name) => [name, definitions.get(name) ?? 0] as const);
  if (asked.length === 0) return null;
  const questions: Uint8Array[] = [];
  for (let from = fromMs; from < toMs; from += DAY_MS) {
    const to = Math.min(from + DAY_MS, toMs);
    for (const [name, definition] of asked) {
      questions.push(question(message.head, { name, definition }, [from, to], nowMs));
    }
  }
  return questions;
}

function question(
  head: Frame,
  { name, definition }: { name: string; definition: number },
  [fromMs, toMs]: [number, number],
  nowMs: number,
): Uint8Array {
  const hours = [fromMs, Math.ceil(toMs / HOUR_MS) * HOUR_MS].flatMap((ms) => beijingParts(ms).slice(0, 4));
  const fixed = written(Uint8Array.from([0, 0, ...beijingParts(nowMs), ...hours].map(bcdByte)), head.form);
  const isSeries = /^F[5-9A-C]$/.test(name);
  const asked =
    head.form === HEX
      ? Buffer.from([0x04, 0x18, 0, isSeries ? 0 : 1, 0, ...Buffer.from(name, 'hex'), definition])
      : Buffer.from(`DRH${isSeries ? '00' : '01'} ${symbolOf(name)} `);
  return downlink({ ...head, function: STORED }, null, Buffer.concat([fixed, asked]), ENQ);
}

/** 4AH: the time of sending is the time that the station takes over (§6.6.4.24). */
function setClock({ address, password, heard }: Asked, nowMs: number): Uint8Array {
  const [message] = heard ? messagesIn(heard).messages : [];
  const form = message?.head.form ?? HEX;
  const head = {
    form,
    station: address.padStart(10, '0').toUpperCase(),
    centre: message?.head.centre ?? 1,
    password: message?.head.password ?? password ?? '0000',
    function: SET_CLOCK,
  };
  return downlink(head, null, written(Uint8Array.from([0, 0, ...beijingParts(nowMs)].map(bcdByte)), form), ENQ);
}
