/** SZY 206-2016 and SL/T 427-2021 水资源监测数据传输规约: what meters of water resources report. docs/protocols/szy206.md has the rules. */
import type { Fault } from '#model/faults.ts';
import type { Codec, Decoded, Sample, Sender } from '../codec.ts';
import { deviceOf } from '../device.ts';
import { frameCodec } from '../frame-codec.ts';
import { lengthNote, noiseNote } from '../framing.ts';
import { type Observation, Reading, samplesOf } from '../observation.ts';
import { type Frame, faultOf, framesIn, hexOf } from './frame.ts';
import { meaningOf } from './quantities.ts';
import { ALARM_REPORT, ANSWER_NOW, ANSWER_STORED, reportOf, SELF_REPORT } from './report.ts';
import type { Edition } from './stamp.ts';

export const szy206: Codec = frameCodec((payload, sender) => decodeFrames(payload, sender, 'szy206'));
export const slt427: Codec = frameCodec((payload, sender) => decodeFrames(payload, sender, 'slt427'));

const READING = new Reading(meaningOf, (name) => name);
const REPORTS: ReadonlySet<number> = new Set([SELF_REPORT, ALARM_REPORT, ANSWER_NOW, ANSWER_STORED]);
export const LINK_CHECK = 0x02;
/** Typed values, pictures and voltages: reports, but of nothing that is read here. */
const OTHER_REPORTS: ReadonlySet<number> = new Set([0x61, 0x82, 0x83, 0x84]);

export function kindOf({ isDownlink, afn }: Frame): 'report' | 'heartbeat' | 'reply' | 'unknown' {
  if (isDownlink) return 'unknown';
  if (afn === LINK_CHECK) return 'heartbeat';
  if (REPORTS.has(afn) || OTHER_REPORTS.has(afn)) return 'report';
  const isSetting = (afn >= 0x10 && afn <= 0x65) || (afn >= 0x90 && afn <= 0xa2);
  return isSetting ? 'reply' : 'unknown';
}

function decodeFrames(payload: Uint8Array, sender: Sender, edition: Edition): Decoded {
  const [observations, notes]: [Observation[], Fault[]] = [[], []];
  const faults: { fault: Fault; slot: number }[] = [];
  let frames = 0;
  for (const piece of framesIn(payload)) {
    if ('noise' in piece) {
      notes.push(noiseNote(piece.noise));
      continue;
    }
    const slot = FRAME_SLOTS * frames++;
    const frame = 'frame' in piece ? piece.frame : null;
    const read = frame
      ? readFrame(frame, sender, edition, slot)
      : { fault: faultOf((piece as { damaged: Uint8Array }).damaged) };
    const length = frame && lengthNote(frame);
    if (length) notes.push(length);
    if (read.fault) faults.push({ fault: read.fault, slot });
    if (read.note) notes.push(read.note);
    observations.push(...(read.observations ?? []));
  }
  if (frames === 0) return { fault: faultOf(payload) };
  if (frames === 1 && faults.length === 1) return { fault: faults[0]!.fault };
  const decoded = samplesOf(observations, sender.gateway, READING);
  if (decoded.fault || (faults.length === 0 && notes.length === 0)) return decoded;
  const refused = faults.map(({ fault, slot }): Sample => {
    return { station: undefined, time: undefined, values: null, index: slot, fault, sent: null };
  });
  const told = [...notes, ...(decoded.notes ?? [])];
  return { ...decoded, samples: [...decoded.samples, ...refused], ...(told.length > 0 && { notes: told }) };
}

/** A frame holds fewer values than that, so that each has a place of its own whatever became of the others. */
const FRAME_SLOTS = 1_000;

interface Read {
  observations?: Observation[];
  fault?: Fault;
  note?: Fault;
}

function readFrame(frame: Frame, { gateway, arrivalMs }: Sender, edition: Edition, slot: number): Read {
  const { address, afn } = frame;
  const kind = kindOf(frame);
  if (frame.isDownlink) return refused('message.malformed', 'The frame is one that a centre sends.');
  if (kind === 'heartbeat') return {};
  if (kind === 'reply')
    return noted('message.no-readings', `${hexOf(afn)} is about the station itself, and holds no readings.`);
  if (!REPORTS.has(afn)) return refused('function.unknown', `AFN ${hexOf(afn)} is no report that is read here.`);
  if (frame.countdown !== null) {
    return refused(
      'message.incomplete',
      `The message was split, and ${frame.countdown} frames of it were to come; they can't be joined.`,
    );
  }
  const device = deviceOf(gateway, address);
  if ('code' in device) return { fault: device };
  const report = reportOf({ frame, edition, device, arrivalMs });
  if ('code' in report) return { fault: report };
  const observations = report.groups.flatMap(({ time, values }, index) =>
    values.map(({ name, value, unit }): Observation => ({ address, time, name, value, unit, slot: slot + index })),
  );
  return { observations, ...(report.note && noted('time.partial', report.note)) };
}

function refused(code: Fault['code'], message: string): Read {
  return { fault: { code, message } };
}

function noted(code: Fault['code'], message: string): Read {
  return { note: { code, message } };
}
