/** Decoding alone, on one core: each protocol beside our JSON in the same run, frames and payloads of the same values. */
import { type Figure, figure } from '#bench/shared/figure.ts';
import type { Codec, Sender } from '#ingest/codecs/codec.ts';
import { json } from '#ingest/codecs/json.ts';
import { crc16 } from '#ingest/codecs/sl651/crc.ts';
import { sl651 } from '#ingest/codecs/sl651/index.ts';
import { crc8 } from '#ingest/codecs/szy206/frame.ts';
import { slt427 } from '#ingest/codecs/szy206/index.ts';
import type { Gateway } from '#model/register.ts';
import { systemClock } from '#src/clock.ts';

const ADDRESS = '0012345678';
const gateway: Gateway = { stations: ['s1'], devices: [{ address: ADDRESS, station: 's1' }], passwordHash: '' };
const sender: Sender = { source: 'g', gateway, arrivalMs: Date.parse('2026-11-30T08:00:10+08:00'), topic: null };

/** Identifier and definition of SL 651, digits, and the same for JSON. */
const VALUES: readonly (readonly [string, string, string, number])[] = [
  ['3923', '00014732', 'level', 14.732],
  ['2733', '000000312500', 'flow', 312.5],
  ['361B', '000110', 'velocity', 0.11],
  ['3812', '1268', 'voltage', 12.68],
  ['0311', '0185', 'temp', 18.5],
  ['4612', '0802', 'ph', 8.02],
  ['4711', '0096', 'do', 9.6],
  ['4819', '002850', 'ec', 285],
  ['4908', '12', 'turbidity', 12],
  ['4A11', '0021', 'codmn', 2.1],
  ['4C1A', '000015', 'nh3n', 0.15],
  ['4D1B', '000012', 'tp', 0.012],
  ['4E1A', '000110', 'tn', 1.1],
  ['571A', '000002', 'chla', 0.02],
];
/** Qualities of SL/T 427 by bit, with their digits. */
const QUALITIES: readonly (readonly [number, string])[] = [
  [0, '85010000'],
  [1, '02080000'],
  [2, '96000000'],
  [3, '21000000'],
  [4, '85020000'],
  [6, '12000000'],
  [7, '50010000'],
  [9, '15000000'],
  [10, '10010000'],
  [13, '20000000'],
];

const AIM = 0.8;
const ROUNDS = 40;
const ROUND_MS = 50;

export async function run(): Promise<Figure[]> {
  const codecs: [string, Codec, Uint8Array, number][] = [
    ['json', json, jsonPayload(), VALUES.length],
    ['sl651', sl651, hydrologyFrame(), VALUES.length],
    ['slt427', slt427, qualityFrame(), QUALITIES.length],
  ];
  const perSecond = codecs.map(() => 0);
  // By turns, so that a slower moment of the machine costs all of them.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [place, [name, codec, payload, values]] of codecs.entries()) {
      const speed = speedOf(name, codec, payload, values);
      if (round > 0) perSecond[place] = Math.max(perSecond[place]!, speed);
    }
  }
  return codecs.map(([name], place) => {
    const speed = figure(`decoding ${name}`, perSecond[place]!, 'readings/s');
    const share = perSecond[place]! / perSecond[0]!;
    return name === 'json' ? speed : { ...speed, aim: `>= ${AIM} x JSON`, ofAim: Number((share / AIM).toPrecision(3)) };
  });
}

function speedOf(name: string, codec: Codec, payload: Uint8Array, values: number): number {
  const beganMs = systemClock.monotonicMs();
  let payloads = 0;
  let elapsedMs = 0;
  while (elapsedMs < ROUND_MS) {
    for (let turn = 0; turn < 100; turn++) {
      const decoded = codec.decode(payload, sender);
      if (Object.keys(decoded.samples?.[0]?.values ?? {}).length !== values)
        throw new Error(`${name} reads something else`);
    }
    payloads += 100;
    elapsedMs = systemClock.monotonicMs() - beganMs;
  }
  return (payloads * values) / (elapsedMs / 1000);
}

function jsonPayload(): Uint8Array {
  const values = Object.fromEntries(VALUES.map(([, , parameter, value]) => [parameter, value]));
  return Buffer.from(
    JSON.stringify({ seq: 7, samples: [{ station: 's1', time: '2026-11-30T08:00:00+08:00', values }] }),
  );
}

function hydrologyFrame(): Uint8Array {
  const elements = VALUES.map(([id, digits]) => id + digits).join('');
  const body = Buffer.from(`0007261130080005F1F1${ADDRESS}51F0F02611300800${elements}`, 'hex');
  const heading = Buffer.from(`7E7E01${ADDRESS}123432${body.length.toString(16).padStart(4, '0')}02`, 'hex');
  const covered = Buffer.concat([heading, body, Buffer.from([0x03])]);
  const crc = crc16(covered);
  return Buffer.concat([covered, Buffer.from([crc >> 8, crc & 0xff])]);
}

function qualityFrame(): Uint8Array {
  const bits = Buffer.alloc(5);
  for (const [bit] of QUALITIES) bits[bit >> 3]! |= 1 << (bit & 7);
  const digits = QUALITIES.map(([, text]) => text).join('');
  const inner = Buffer.from(`BA${ADDRESS}C0${bits.toString('hex')}${digits}0000000005000830112600`, 'hex');
  return Buffer.concat([Buffer.from([0x68, inner.length, 0x68]), inner, Buffer.from([crc8(inner), 0x16])]);
}
