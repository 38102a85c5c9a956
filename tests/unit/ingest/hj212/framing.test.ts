/** However bytes come in, the same frames are found; a wrong bit is refused; nothing throws. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFramer } from '#ingest/codecs/hj212/framer.ts';
import { hj212 } from '#ingest/codecs/hj212/index.ts';
import { hj212Stream } from '#ingest/codecs/hj212/stream.ts';
import type { Found } from '#ingest/codecs/stream.ts';
import { frameOf, readingsIn, segmentOf, senderOf } from '#tests/helpers/ingest/hj212.ts';

/** Of each codec; the full million by FUZZ_FRAMES. */
const FUZZ_FRAMES = Number(process.env.FUZZ_FRAMES ?? 20_000);

const MODBUS = Buffer.from('010000000006010400C80064', 'hex');
const frame = fc
  .record({
    cn: fc.constantFrom('2011', '2051', '2061', '2062', '3020', '9015'),
    value: fc.double({ min: -10, max: 1000, noNaN: true }),
    length: fc.option(fc.integer({ min: 0, max: 9999 })),
    checksum: fc.option(fc.constantFrom('0000', 'zzzz', '12')),
  })
  .map(({ cn, value, length, checksum }) => {
    const said = { ...(length !== null && { length }), ...(checksum !== null && { checksum }) };
    return frameOf(segmentOf(cn, `DataTime=20261130070000;w01001-Rtd=${value},w01001-Avg=${value}`), said);
  });
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.constantFrom(
    MODBUS,
    Buffer.from('##'),
    Buffer.from('##01'),
    Buffer.from('##0189QN='),
    Buffer.from('AT+REG=1\r\n'),
  ),
);
const stream = fc.array(fc.oneof({ weight: 3, arbitrary: frame }, noise), { maxLength: 8 }).map(Buffer.concat);

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const framesIn = (found: Found[]) =>
  found
    .filter(({ kind }) => kind === 'frame')
    .map((piece) => Buffer.from((piece as { bytes: Uint8Array }).bytes).toString('latin1'));

it('any cut of any stream gives the same frames, and all bytes are accounted for', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (bytes, places) => {
      const whole = createFramer();
      const expected = framesIn([...whole.push(bytes), ...whole.end()]);
      const framer = createFramer();
      const found = [...cut(bytes, places).flatMap((chunk) => framer.push(chunk)), ...framer.end()];
      expect(framesIn(found)).toEqual(expected);
      const single = createFramer();
      const one = [...Array.from(bytes, (byte) => single.push(Uint8Array.of(byte))).flat(), ...single.end()];
      expect(framesIn(one)).toEqual(expected);
      const told = found.reduce((sum, piece) => sum + (piece.kind === 'frame' ? piece.bytes.length : piece.length), 0);
      const blanks = bytes.filter((byte) => byte === 13 || byte === 10 || byte === 32).length;
      expect(told).toBeGreaterThanOrEqual(bytes.length - blanks);
      expect(told).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 300 },
  );
});

it('a sound frame is found after whatever noise that is no heading', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), fc.nat(255), (before, byte) => {
      const bytes = Buffer.from(before.map((one) => (one === 0x23 ? byte & 0x1f : one)));
      const sound = frameOf(segmentOf('2061', 'DataTime=20261130070000;w01001-Avg=8'));
      const framer = createFramer();
      const found = [...framer.push(Buffer.concat([bytes, sound])), ...framer.end()];
      expect(framesIn(found)).toEqual([sound.toString('latin1').slice(0, -2)]);
    }),
    { numRuns: 100 },
  );
});

it('requests of Modbus before a frame are passed over and told', () => {
  const sound = frameOf(segmentOf('2061', 'DataTime=20261130070000;w01001-Avg=8'));
  const { values, notes } = readingsIn(Buffer.concat([MODBUS, MODBUS, sound, MODBUS]));
  expect([values.length, notes]).toEqual([1, ['message.noise', 'message.noise']]);
});

describe('a wrong bit', () => {
  const sound = frameOf(segmentOf('2061', 'DataTime=20261130070000;w01001-Avg=8.02,w01001-Flag=N;w21003-Avg=0.155'));
  const expected = readingsIn(sound).values;

  it('is refused, or changes no value', () => {
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const bytes = Buffer.from(sound);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const { fault, values } = readingsIn(bytes);
      if (fault === null) expect(values).toEqual(expected);
    }
  });

  it('in the length is taken and noted', () => {
    for (const at of [2, 3, 4, 5]) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 1;
      expect(readingsIn(bytes)).toMatchObject({ fault: null, notes: ['message.length'] });
    }
  });
});

it(`${FUZZ_FRAMES} damaged frames: no throw, and every value is taken or refused`, () => {
  const sender = senderOf();
  const sound = frameOf(segmentOf('2061', 'DataTime=20261130070000;w01001-Avg=8.02,w01001-Flag=N;w21003-Avg=0.155'));
  let state = 20_261_130;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  let taken = 0;
  for (let run = 0; run < FUZZ_FRAMES; run++) {
    const bytes = Buffer.from(sound);
    for (let change = 0; change <= random(4); change++) bytes[random(bytes.length)] = random(256);
    const payload = bytes.subarray(random(3) === 0 ? random(20) : 0, bytes.length - (random(3) === 0 ? random(40) : 0));
    const decoded = hj212.decode(payload, sender);
    if (decoded.fault) continue;
    for (const { values, fault } of decoded.samples) if (values !== null && !fault) taken++;
    const heading = hj212Stream.heading(payload);
    hj212Stream.answer(payload, 'durable', 0);
    expect(typeof heading.isSound).toBe('boolean');
  }
  expect(taken).toBeGreaterThan(0);
});
