/**
 * HJ 212 over a bare connection: whose a frame is, what the station is told, and what it can be asked. Answers and requests
 * speak the edition (version bits of Flag) and the system (ST) that the station itself speaks.
 */
import { isAscii } from 'node:buffer';
import type { Asked, Heading, Outcome, StreamProtocol } from '../stream.ts';
import { stampOf } from './area.ts';
import { checksumOf, hex4 } from './checksum.ts';
import { createFramer } from './framer.ts';
import { messageKey } from './index.ts';
import { isSurfaceWater } from './samples.ts';
import { open, type Segment, segmentIn } from './segment.ts';

export const hj212Stream: StreamProtocol = { framer: createFramer, heading, answer, request, setClock };

/** Table 9: what the station is answered when it wants to be. */
const DATA_KEPT = '9014';
const NOTICE_KEPT = '9013';
const HEARTBEAT = '9015';
const REPLIES = ['9011', '9012', '9013', '9014'];
const ANSWER_WANTED = 1;
const VERSION_BITS = ~3;
/** Flag of HJ 212-2017, of surface water and of the edition of 2025, as a request has it. */
const VERSION_2017 = 4;
const VERSION_2 = 8;

const DAY_MS = 86_400_000;

function heading(frame: Uint8Array, gateway?: Asked['gateway']): Heading {
  const segment = segmentIn(frame);
  const opened = open(frame, segment, gateway?.identity?.sm4Key, gateway?.dialect?.hj212?.checksum);
  const { mn, pw, qn, cn, part } = segment;
  return {
    address: mn,
    password: pw,
    kind: kindOf(cn),
    part: part && { joins: messageKey(segment), ...part },
    repeatKey: qn === null ? null : `${messageKey(segment)} ${part?.number ?? 1}`,
    isSound: opened.fault === null,
  };
}

function kindOf(cn: string | null): Heading['kind'] {
  if (cn === null || !/^\d{4}$/.test(cn)) return 'unknown';
  if (cn === HEARTBEAT) return 'heartbeat';
  if (REPLIES.includes(cn)) return 'reply';
  return cn[0] === '2' || cn[0] === '3' ? 'report' : 'unknown';
}

/** Each packet is answered for itself; silence for what can't be read, as annex A wants it: the station sends it again. */
function answer(frames: Uint8Array, outcome: Outcome): Uint8Array | null {
  if (outcome === 'unreadable') return null;
  const framer = createFramer();
  const found = [...framer.push(frames), ...framer.end()];
  const answers = found.flatMap((one) => (one.kind === 'frame' ? (answerTo(one.bytes) ?? []) : []));
  return answers.length === 0 ? null : Buffer.concat(answers);
}

function answerTo(frame: Uint8Array): Uint8Array | null {
  const { qn, pw, mn, cn, flag } = segmentIn(frame);
  const isWanted = flag !== null && (flag & ANSWER_WANTED) !== 0;
  if (!isWanted || cn === null || REPLIES.includes(cn)) return null;
  const isData = cn[0] === '2' || cn[0] === '3';
  const kept = isData ? DATA_KEPT : NOTICE_KEPT;
  return framed({ qn, st: '91', cn: kept, pw, mn, flag: flag & VERSION_BITS }, '');
}

type Head = Pick<Segment, 'qn' | 'st' | 'cn' | 'pw' | 'mn' | 'flag'>;

/** What could break out of its field is left out of it. */
function framed({ qn, st, cn, pw, mn, flag }: Head, body: string): Uint8Array {
  const fields = { QN: qn, ST: st, CN: cn, PW: pw, MN: mn, Flag: flag };
  const head = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value};`)
    .join('');
  const segment = Buffer.from(`${head}CP=&&${body}&&`, 'latin1');
  const length = String(segment.length).padStart(4, '0');
  return Buffer.concat([Buffer.from(`##${length}`), segment, Buffer.from(`${hex4(checksumOf(segment))}\r\n`)]);
}

/** What a request to this station begins with; its answer is awaited (9011, then the data, then 9012). */
function headOf({ address, password, heard, gateway }: Asked, cn: string, nowMs: number): Head {
  const spoken = heard && segmentIn(heard);
  const isSurface = isSurfaceWater(gateway?.dialect?.hj212 ?? {}, spoken?.st ?? '21');
  const version = spoken ? (spoken.flag ?? 0) & VERSION_BITS : isSurface ? VERSION_2 : VERSION_2017;
  const st = spoken?.st ?? (isSurface ? '21' : '32');
  const pw = password ?? spoken?.pw ?? null;
  const mn = isAscii(Buffer.from(address)) ? address : null;
  return { qn: stampOf(nowMs, true), st, cn, pw, mn, flag: version | ANSWER_WANTED };
}

/** The stored means of a period: those of minutes or hours that are this station's readings, surface water's of hours. */
function request(asked: Asked, fromMs: number, toMs: number, nowMs: number): Uint8Array[] {
  const dialect = asked.gateway?.dialect?.hj212 ?? {};
  const isSurface = isSurfaceWater(dialect, asked.heard ? segmentIn(asked.heard).st : '21');
  const isHourly = dialect.readings ? !dialect.readings.includes('2051') : isSurface;
  const cn = isHourly ? '2061' : '2051';
  const requests: Uint8Array[] = [];
  for (let beginMs = fromMs; beginMs < toMs; beginMs += DAY_MS) {
    const endMs = Math.min(beginMs + DAY_MS, toMs);
    // One QN a request: no two within a millisecond.
    const head = headOf(asked, cn, nowMs + requests.length);
    requests.push(framed(head, `BeginTime=${stampOf(beginMs)},EndTime=${stampOf(endMs)}`));
  }
  return requests;
}

/** CN 1012; 1014 where the entry says that surface water's commands are spoken: elsewhere that is a new key (HJ 212-2025). */
function setClock(asked: Asked, nowMs: number): Uint8Array {
  const cn = asked.gateway?.dialect?.hj212?.commands === 'surface-water' ? '1014' : '1012';
  return framed(headOf(asked, cn, nowMs), `SystemTime=${stampOf(nowMs)}`);
}
