/** SL 651-2014 水文监测数据通信规约: what hydrological stations report, in both forms. docs/protocols/sl651.md has the rules. */
import type { Fault } from '#model/faults.ts';
import type { Gateway } from '#model/register.ts';
import { type Decoded, type Sample, type Sender, shortened } from '../codec.ts';
import { deviceOf } from '../device.ts';
import { frameCodec } from '../frame-codec.ts';
import { type Observation, Reading, samplesOf } from '../observation.ts';
import { type Body, SERIES, SERIES_STEP_MS } from './body.ts';
import { meaningOf, shownElement } from './elements.ts';
import { faultOf, hexOf } from './frame.ts';
import { isReport, KEEP_ALIVE, kindOf, type Message, messagesIn, readBody, TEST } from './message.ts';

export const sl651 = frameCodec(decodeFrames);

const READING = new Reading(meaningOf, shownElement);

function decodeFrames(payload: Uint8Array, { gateway }: Sender): Decoded {
  const { messages, faults, notes } = messagesIn(payload);
  const observations: Observation[] = [];
  let slots = 0;
  for (const message of messages) {
    const read = observationsIn(message, gateway);
    if ('note' in read) notes.push(read.note);
    else if ('fault' in read) faults.push(read.fault);
    else {
      for (const one of read.observations) {
        // Every message counts on from the one before.
        one.slot += slots;
        observations.push(one);
      }
    }
    slots = Math.max(slots, 1 + (observations.at(-1)?.slot ?? -1));
  }
  if (messages.length === 0 && faults.length === 0) return { fault: faultOf(payload) };
  if (messages.length <= 1 && faults.length === 1 && observations.length === 0) return { fault: faults[0]! };
  const decoded = samplesOf(observations, gateway, READING);
  if (decoded.fault || (faults.length === 0 && notes.length === 0)) return decoded;
  const refused = faults.map((fault, index) => refusedWhole(fault, slots + index));
  const told = [...notes, ...(decoded.notes ?? [])];
  return { ...decoded, samples: [...decoded.samples, ...refused], ...(told.length > 0 && { notes: told }) };
}

function refusedWhole(fault: Fault, index: number): Sample {
  return { station: undefined, time: undefined, values: null, index, fault, sent: null };
}

type Read = { observations: Observation[] } | { fault: Fault } | { note: Fault };

function observationsIn(message: Message, gateway: Gateway | undefined): Read {
  const { function: code, isDownlink } = message.head;
  if (isDownlink) return { fault: { code: 'message.malformed', message: 'The frame is one that a centre sends.' } };
  if (!isReport(code)) return withoutReadings(code);
  const body = readBody(message);
  if ('code' in body) return { fault: body };
  return { observations: placed(body, gateway) };
}

function withoutReadings(code: number): Read {
  const kind = kindOf(code);
  if (code === KEEP_ALIVE) return { observations: [] };
  if (code === TEST) return noReadings('30H is a test report: its values are never water');
  if (kind === 'reply') return noReadings(`${hexOf(code)} is about the station itself, and holds no readings`);
  const what = kind === 'report' ? 'carries what somebody typed, or a picture' : 'is no report of the standard';
  return { fault: { code: 'function.unknown', message: `${hexOf(code)} ${what}: nothing of it is read here.` } };
}

function noReadings(message: string): Read {
  return { note: { code: 'message.no-readings', message: `${message}.` } };
}

/**
 * Times of the twelve values of an hour: the stamp is the first one's (§6.6.4.7), unless `layout` says that it is the last
 * one's. Where that would put values behind the moment of sending, the station can't mean it, and it is asked for.
 */
function placed({ observations, sentMs }: Body, gateway: Gateway | undefined): Observation[] {
  for (const one of observations) {
    if (one.place === undefined) continue;
    one.isSeries = true;
    if (typeof one.time !== 'number') continue;
    const device = deviceOf(gateway, one.address);
    const layout = 'code' in device ? undefined : device.layout;
    const lastMs = one.time + (SERIES - 1 - one.place) * SERIES_STEP_MS;
    const isAhead = sentMs !== null && lastMs > sentMs + SERIES_STEP_MS;
    if (layout === 'last') one.time -= (SERIES - 1) * SERIES_STEP_MS;
    else if (layout === undefined ? isAhead : layout !== 'first') one.time = unplaced(layout, one.address);
  }
  return observations;
}

function unplaced(layout: string | undefined, station: string): Fault {
  const why =
    layout === undefined
      ? 'the last of the twelve values of the hour would be younger than the frame'
      : `"${shortened(layout)}" is no layout of SL 651`;
  const message = `${why}: say in \`layout\` of device ${station} whether the stamp is that of the \`first\` or the \`last\` value.`;
  return { code: 'layout.unknown', message };
}
