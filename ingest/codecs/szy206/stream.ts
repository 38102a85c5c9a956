/** What SZY 206 and SL/T 427 say over a bare connection: headings, confirmations, and questions for stored values. */
import { bcdByte, beijingParts } from '../bcd.ts';
import type { Asked, Heading, Outcome, StreamProtocol } from '../stream.ts';
import { frameIn, frameOf, framer, hexOf, isSound } from './frame.ts';
import { kindOf, LINK_CHECK } from './index.ts';
import { ALARM_REPORT, ANSWER_STORED, SELF_REPORT } from './report.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LOGIN = 0xf0;
const LOGOUT = 0xf1;
/** Kinds of stored values (upper half of the first byte) by the type of a station's own reports. */
const STORED_KIND: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 3, 9: 8 };
/** Answers of the station to these are what a centre asked for: it waits for nothing more. */
const CONFIRMED: ReadonlySet<number> = new Set([SELF_REPORT, ALARM_REPORT]);

export const szy206Stream: StreamProtocol = { hasNoPasswords: true, framer, heading, answer, request };

function heading(bytes: Uint8Array): Heading {
  const frame = frameIn(bytes);
  if (!frame) return { address: null, password: null, kind: 'unknown', part: null, repeatKey: null, isSound: false };
  const { address, afn, data, type } = frame;
  const kind = kindOf(frame);
  return {
    address,
    password: null,
    kind: kind === 'heartbeat' ? linkKind(data[0]) : kind,
    part: null,
    // C counts repeats down; all else of a frame that is sent again is the same.
    repeatKey: [address, hexOf(afn), type, Buffer.from(data).toString('hex')].join('/'),
    isSound: isSound(bytes),
  };
}

function linkKind(state: number | undefined): Heading['kind'] {
  if (state === LOGIN) return 'login';
  return state === LOGOUT ? 'logout' : 'heartbeat';
}

/** Link checks are answered with what they say; reports with one byte 00, which leaves the station in its mode. */
function answer(bytes: Uint8Array, outcome: Outcome): Uint8Array | null {
  const frame = isSound(bytes) ? frameIn(bytes) : null;
  if (!frame || frame.isDownlink || frame.countdown !== null) return null;
  const control = frame.control & 0x7f;
  if (frame.afn === LINK_CHECK) return frameOf(control, frame.address, LINK_CHECK, frame.data.subarray(0, 1));
  if (outcome === 'unreadable' || outcome === 'incomplete' || !CONFIRMED.has(frame.afn)) return null;
  return frameOf(control, frame.address, frame.afn, [0x00]);
}

/** B1: the kind of values that the station's newest report has, first and last hour. */
function request({ address, heard }: Asked, fromMs: number, toMs: number): Uint8Array[] | null {
  const type = heard ? frameIn(heard)?.type : undefined;
  const kind = type === undefined ? undefined : STORED_KIND[type];
  if (type === undefined || kind === undefined) return null;
  const questions: Uint8Array[] = [];
  for (let from = fromMs; from < toMs; from += DAY_MS) {
    const last = Math.ceil(Math.min(from + DAY_MS, toMs) / HOUR_MS) * HOUR_MS - HOUR_MS;
    questions.push(frameOf(type, address, ANSWER_STORED, [(kind << 4) | 1, ...hourOf(from), ...hourOf(last)]));
  }
  return questions;
}

function hourOf(ms: number): number[] {
  const [year, month, day, hour] = beijingParts(ms);
  return [hour, day, month, year].map(bcdByte);
}
