/** SL 651, SZY 206 and SL/T 427 under what a bad line, a foreign program or an enemy sends; the full number by WK_FUZZ_FRAMES. */
import { describe, expect, it } from 'vitest';
import type { Codec, Decoded } from '#ingest/codecs/codec.ts';
import { crc16 } from '#ingest/codecs/sl651/crc.ts';
import { sl651 } from '#ingest/codecs/sl651/index.ts';
import { sl651Stream } from '#ingest/codecs/sl651/stream.ts';
import type { StreamProtocol } from '#ingest/codecs/stream.ts';
import { crc8 } from '#ingest/codecs/szy206/frame.ts';
import { slt427, szy206 } from '#ingest/codecs/szy206/index.ts';
import { szy206Stream } from '#ingest/codecs/szy206/stream.ts';
import type { Gateway } from '#model/register.ts';
import { ARRIVAL_MS, casesOf, decode, gatewayOf, hex } from '#tests/helpers/ingest/protocols.ts';

const FRAMES = Number(process.env.WK_FUZZ_FRAMES ?? 20_000);

interface Case {
  hex: string;
}
const HYDROLOGY = casesOf<{ hex_bcd: (Case & { station: string })[]; ascii: { bytes_hex: string }[] }>('sl651-vectors');
const SYNTHETIC = casesOf<{ cases: Case[] }>('sl651-synthetic').cases;
const METERS = [
  ...casesOf<{ frames: Case[] }>('szy206-vectors').frames,
  ...casesOf<{ cases: Case[] }>('szy206-synthetic').cases,
];

/** 32 bits a step (mulberry32): the same frames in every run. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Bytes changed, cut out, put in or doubled; half of the frames with a right checksum, so that their bodies are read. */
function* mangled(seeds: readonly Uint8Array[], seal: (bytes: Buffer) => void): Generator<Uint8Array> {
  const random = dice(651);
  for (let run = 0; run < FRAMES; run++) {
    let bytes = Buffer.from(seeds[random(seeds.length)]!);
    for (let change = random(4); change >= 0; change--) {
      const at = random(bytes.length + 1);
      const kind = random(6);
      if (kind < 3 && at < bytes.length) bytes[at] = random(256);
      else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(12))]);
      else if (kind === 4)
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random(12), random(256)), bytes.subarray(at)]);
      else bytes = Buffer.concat([bytes, seeds[random(seeds.length)]!.subarray(0, random(60))]);
    }
    if (random(2) === 0 && bytes.length > 20) seal(bytes);
    yield bytes;
  }
}

const SEALS = {
  sl651(bytes: Buffer) {
    if (bytes[0] === 0x7e) bytes.writeUInt16BE(Math.min(bytes.length - 17, 4_095), 11);
    bytes[bytes.length - 3] = 0x03;
    bytes.writeUInt16BE(crc16(bytes, 0, bytes.length - 2), bytes.length - 2);
  },
  szy206(bytes: Buffer) {
    bytes[1] = bytes.length - 5;
    bytes[bytes.length - 1] = 0x16;
    bytes[bytes.length - 2] = crc8(bytes.subarray(3, -2));
  },
};

/** Values that were taken, refused, or (a message or frame of which nothing could be read) one. */
function count(decoded: Decoded): number {
  if (decoded.fault) return 1;
  return decoded.samples.reduce((sum, { values }) => sum + (values === null ? 1 : Object.keys(values).length), 0);
}

function demand(holds: boolean, otherwise: string): 1 {
  if (!holds) throw new Error(otherwise);
  return 1;
}

/** Holds what every payload must: what is refused says why, and comes back as the same from what is kept of it. */
function judge(codec: Codec, payload: Uint8Array, gateway: Gateway): number {
  const decoded = decode(codec, payload, gateway);
  if (decoded.fault) return demand(decoded.fault.message.length < 400, 'a long message');
  for (const { fault, station, values, ...sample } of decoded.samples) {
    if (!fault) {
      demand(station === 's1', 'a foreign station');
      for (const sent of Object.values(values!)) {
        demand(sent === null || Number.isFinite((sent as { value: number }).value), 'a value that is no number');
      }
      continue;
    }
    const names = values && Object.keys(values);
    const kept = codec.excerpt({ ...sample, station, values, fault }, names);
    const again = decode(codec, kept, gateway, ARRIVAL_MS + 40 * 86_400_000);
    demand(
      (again.samples ?? []).some((one) => one.fault?.code === fault.code),
      `another fault than ${fault.code}`,
    );
  }
  return count(decoded);
}

const STATION = gatewayOf(
  [...new Set([...HYDROLOGY.hex_bcd.map(({ station }) => station), '0012345678', '0012341234'])].map((address) => ({
    address,
    station: 's1',
  })),
);
const METER = gatewayOf(
  ['5303810D00', '140431591B', '4406070001', '0102030405', '5301020100'].map((address) => ({
    address,
    station: 's1',
    layout: 'flow+total',
  })),
);

const WORLDS: [string, Codec, StreamProtocol, Gateway, readonly Uint8Array[], (bytes: Buffer) => void][] = [
  [
    'sl651',
    sl651,
    sl651Stream,
    STATION,
    [...HYDROLOGY.hex_bcd, ...SYNTHETIC]
      .map((one) => hex(one.hex))
      .concat(HYDROLOGY.ascii.map((one) => hex(one.bytes_hex))),
    SEALS.sl651,
  ],
  ['szy206', szy206, szy206Stream, METER, METERS.map((one) => hex(one.hex)), SEALS.szy206],
  ['slt427', slt427, szy206Stream, METER, METERS.map((one) => hex(one.hex)), SEALS.szy206],
];

describe.each(WORLDS)('%s', (_, codec, protocol, gateway, seeds, seal) => {
  it(`${FRAMES} damaged frames: nothing throws, and every value is taken or refused with a reason`, () => {
    let values = 0;
    for (const payload of mangled(seeds, seal)) {
      const where = Buffer.from(payload).toString('hex');
      try {
        values += judge(codec, payload, gateway);
        const heading = protocol.heading(payload);
        const answer = protocol.answer(payload, heading.isSound ? 'durable' : 'unreadable', ARRIVAL_MS);
        if (answer) demand(protocol.heading(answer).isSound, 'an answer that is no frame');
        protocol.request?.({ address: '0012345678', password: null, heard: payload }, 0, 86_400_000, ARRIVAL_MS);
      } catch (error) {
        throw new Error(`of ${where}`, { cause: error });
      }
    }
    expect(values).toBeGreaterThan(FRAMES / 2);
  });

  it('a connection that sends all of it holds no more than a frame', () => {
    const framer = protocol.framer();
    let bytes = 0;
    let found = 0;
    for (const payload of mangled(seeds, seal)) {
      bytes += payload.length;
      for (const piece of framer.push(payload)) found += piece.kind === 'frame' ? piece.bytes.length : piece.length;
      demand(bytes - found < 9_000, 'more than a frame is held');
    }
    for (const piece of framer.end()) found += piece.kind === 'frame' ? piece.bytes.length : piece.length;
    expect(found).toBe(bytes);
  });
});
