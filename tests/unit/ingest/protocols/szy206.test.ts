/** SZY 206 and SL/T 427: all public frames and those of our own making, as they stand in tests/cases/protocols. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Found } from '#ingest/codecs/stream.ts';
import { crc8, frameOf } from '#ingest/codecs/szy206/frame.ts';
import { slt427, szy206 } from '#ingest/codecs/szy206/index.ts';
import { szy206Stream } from '#ingest/codecs/szy206/stream.ts';
import type { Device } from '#model/protocol.ts';
import {
  ARRIVAL_MS,
  casesOf,
  codes,
  decode,
  gatewayOf,
  hex,
  messages,
  taken,
} from '#tests/helpers/ingest/protocols.ts';

const VECTORS = casesOf<{ frames: { hex: string; addr: string; edition: number; source: string }[] }>(
  'szy206-vectors',
).frames;
const SYNTHETIC = casesOf<{ cases: { name: string; hex: string }[] }>('szy206-synthetic').cases;
const synthetic = (name: string) => hex(SYNTHETIC.find((one) => one.name === name)!.hex);

const ADDRESS = '5301020100';
const meter = (rest: Partial<Device> = { layout: 'flow+total' }, address = ADDRESS) =>
  gatewayOf([{ address, station: 's1', ...rest }]);
/** Alarm, state and a stamp of 2026-11-30 08:00:05 in the form of 2021. */
const TAIL = '00000000 05000830112600';
const report = (type: string, data: string, tail = TAIL, afn = 0xc0) =>
  frameOf(Number.parseInt(`B${type}`, 16), ADDRESS, afn, hex(data + tail));
const at8 = { station: 's1', time: '2026-11-30T00:00:05.000Z' };

it('the checksum is that of the standard', () => {
  expect(crc8(Buffer.from('123456789'))).toBe(0xf7);
  expect(crc8(Uint8Array.from([0, 1, 2]))).toBe(0xa6);
});

describe('public frames', () => {
  const expected: [string, object][] = [
    ['2026-11-09T00:45:00.000Z', { 'flow m3/s': 5.9, 'register m3': 106_182 }],
    ['2026-11-14T08:00:00.000Z', { 'flow m3/s': 0.584, 'register m3': 0 }],
    ['2026-10-31T16:00:00.000Z', { flow: null }],
    ['2026-05-12T06:15:30.000Z', { 'velocity m/s': 44.555 }],
  ];

  it.each(VECTORS.map((vector, index) => [vector.source, vector, expected[index]!] as const))(
    '%s',
    (_, vector, [time, values]) => {
      const layout = vector.hex.length > 60 ? { layout: 'flow+total' } : {};
      const codec = vector.edition === 2016 ? szy206 : slt427;
      const decoded = decode(codec, hex(vector.hex), meter(layout, vector.addr));
      expect(taken(decoded)).toEqual([{ station: 's1', time, values }]);
      expect(codes(decoded)).toEqual(vector.edition === 2016 ? ['time.partial'] : []);
    },
  );
});

describe('frames of our own making', () => {
  it.each([
    ['flow and total, 5-byte Tp', { 'flow m3/s': 5.9, 'register m3': 106_182 }],
    ['flow in m3/h', { 'flow m3/h': 21_240, 'register m3': 106_182 }],
    ['backward flow, negative total', { 'flow m3/s': -0.5, 'register m3': -123 }],
    ['missing', { flow: null, register: null }],
  ])('%s', (name, values) => {
    const expected = [{ ...at8, values }];
    expect(taken(decode(szy206, synthetic(name), meter()))).toEqual(expected);
    expect(taken(decode(slt427, synthetic(name), meter()))).toEqual(expected);
  });

  it('a link check holds nothing', () => {
    const decoded = decode(szy206, synthetic('login'), meter());
    expect([taken(decoded), codes(decoded)]).toEqual([[], []]);
  });

  it.each([
    ['on the day itself', '2026-11-30T08:10:00+08:00', '2026-11-30T00:00:05.000Z'],
    ['on the 1st, from the month before', '2026-12-01T00:00:10+08:00', '2026-11-30T00:00:05.000Z'],
    ['with a clock a little ahead', '2026-11-30T07:59:00+08:00', '2026-11-30T00:00:05.000Z'],
    ['hours before, from the month before', '2026-11-30T06:00:00+08:00', '2026-10-30T00:00:05.000Z'],
    ['in March, over a February without the 30th', '2027-03-01T00:00:00+08:00', '2027-01-30T00:00:05.000Z'],
    ['over the turn of the year', '2027-01-02T00:00:00+08:00', '2026-12-30T00:00:05.000Z'],
  ])('a stamp without month and year is the latest such day: %s', (_, arrival, time) => {
    const decoded = decode(szy206, synthetic('flow and total, 5-byte Tp'), meter(), Date.parse(arrival));
    expect(taken(decoded).map((one) => one.time)).toEqual([time]);
    expect(codes(decoded)).toEqual(['time.partial']);
  });

  it('keeps the day that it came, when it is read again after weeks', () => {
    const payload = synthetic('flow and total, 5-byte Tp');
    const before = decode(
      szy206,
      payload,
      meter({ layout: 'flow+total', elements: { total: { parameter: 'nothing' } } }),
    );
    const kept = szy206.excerpt(before.samples![0]!, ['total']);
    const later = decode(szy206, kept, meter(), Date.parse('2027-02-20T08:00:00+08:00'));
    expect(taken(later)).toEqual([{ ...at8, values: { 'register m3': 106_182 } }]);
  });

  it.each([
    [
      '10 bytes of flow and perhaps total',
      '3',
      '00590000008261100000',
      {},
      /10 bytes are flow and total, or flows alone/,
    ],
    ['a layout of another length', '3', '0059000000', { layout: 'flow+total' }, /no report of type 3 with the layout/],
    ['a text that is no layout', '3', '0059000000', { layout: 'flow and total' }, /is no layout/],
    ['type E in the edition of 2016', 'E', '20 0059000000', {}, /rain in SZY 206-2016 and composite in SL\/T 427-2021/],
  ])('asks for %s', (_, type, data, rest, message) => {
    const decoded = decode(szy206, report(type, data), meter(rest));
    expect(decoded.fault?.code).toMatch(/^(layout\.unknown|message\.malformed)$/);
    expect(messages(decoded)).toMatch(message);
  });

  it('several meters of one device go by their numbers', () => {
    const data = '0059000000 8261100000 0001000000 2301000000';
    const elements = { flow1: { parameter: 'flow' }, total1: { parameter: 'register' }, flow2: null, total2: null };
    expect(taken(decode(slt427, report('3', data), meter({ layout: '2×flow+total', elements })))).toEqual([
      { ...at8, values: { 'flow m3/s': 5.9, 'register m3': 106_182 } },
    ]);
    expect(codes(decode(slt427, report('3', data), meter({ layout: '2×flow+total' })))).toEqual(
      Array(4).fill('element.unknown'),
    );
  });

  it.each([
    ['level', '2', '32470100', { 'level m': 14.732 }],
    ['negative level', '2', '720100F0', { 'level m': -0.172 }],
    ['velocity', '4', '554504', { 'velocity m/s': 44.555 }],
    ['water temperature', '9', '8502', { 'temp °C': 28.5 }],
    [
      'qualities: temperature, pH, oxygen, conductivity, ammonia, coliforms',
      'A',
      '1702000100 85020000 02080000 96000000 85020000 15000000 0012000000',
      { 'temp °C': 28.5, 'ph pH': 8.02, 'do mg/L': 9.6, 'ec µS/cm': 285, 'nh3n mg/L': 0.15, 'fcoli count/L': 1200 },
    ],
    ['qualities: a redox potential below zero', 'A', '2000000000 150000F0', { 'orp mV': -1.5 }],
  ])('%s', (_, type, data, values) => {
    expect(taken(decode(slt427, report(type, data), meter({})))).toEqual([{ ...at8, values }]);
    expect(taken(decode(szy206, report(type, data), meter({})))).toEqual([{ ...at8, values }]);
  });

  it('a composite goes by its bits, and by the layout where flow may have a total', () => {
    const quality = '02000000 00 02080000';
    const parts = `E1 ${quality} 0059000000 8261100000 32470100 550000`;
    const values = { 'ph pH': 8.02, 'flow m3/s': 5.9, 'register m3': 106_182, 'level m': 14.732 };
    expect(taken(decode(slt427, report('E', parts), meter()))).toEqual([{ ...at8, values }]);
    expect(codes(decode(slt427, report('E', parts), meter()))).toEqual(['element.left-out']);
    expect(codes(decode(slt427, report('E', parts), meter({})))).toEqual(['layout.unknown']);
    expect(taken(decode(slt427, report('E', '60 0059000000 32470100'), meter({})))).toEqual([
      { ...at8, values: { 'flow m3/s': 5.9, 'level m': 14.732 } },
    ]);
  });

  it('an alarm report says where its alarm word is, or is asked', () => {
    const after = report('2', '32470100', TAIL, 0x81);
    const before = report('2', '0100 32470100 0200', '05000830112600', 0x81);
    expect(codes(decode(slt427, after, meter({})))).toEqual(['layout.unknown']);
    const expected = [{ ...at8, values: { 'level m': 14.732 } }];
    expect(taken(decode(slt427, after, meter({ layout: 'values' })))).toEqual(expected);
    expect(taken(decode(slt427, before, meter({ layout: 'alarm' })))).toEqual(expected);
  });

  it('an answer of this moment is of the moment of its arrival', () => {
    const decoded = decode(slt427, report('2', '32470100', '', 0xb0), meter({}));
    const time = new Date(ARRIVAL_MS).toISOString();
    expect(taken(decoded)).toEqual([{ station: 's1', time, values: { 'level m': 14.732 } }]);
    expect(codes(decoded)).toEqual(['time.partial']);
  });

  it('stored values follow each other at the step of the entry', () => {
    const totals = ['9200000000', '9300000000', 'FFFFFFFFFF', '9500000000'].join('');
    const answer = report('3', `21 00291126 03291126 ${totals}`, '', 0xb1);
    const decoded = decode(szy206, answer, meter({ layout: 'flow+total, @PT1H' }));
    expect(taken(decoded).map(({ time, values }) => [time, values])).toEqual([
      ['2026-11-28T16:00:00.000Z', { 'register m3': 92 }],
      ['2026-11-28T17:00:00.000Z', { 'register m3': 93 }],
      ['2026-11-28T18:00:00.000Z', { register: null }],
      ['2026-11-28T19:00:00.000Z', { 'register m3': 95 }],
    ]);
    expect(codes(decode(szy206, answer, meter()))).toEqual(['layout.unknown']);
    expect(codes(decode(szy206, answer, meter({ layout: '@PT30M' })))).toEqual(['layout.unknown']);
  });

  it('a public answer of stored values: eighteen of ten minutes', () => {
    // From a comment in the source of a public tool for stations (package com.blg.rtu.protocol.p206.cdB1).
    const bytes = hex(`686A68B21100004200B121 00221216 02221216 ${'9200000000'.repeat(18)} F416`);
    const decoded = decode(szy206, bytes, meter({ layout: 'total, @PT10M' }, '1100004200'));
    expect(taken(decoded)).toHaveLength(18);
    expect(taken(decoded)[17]).toEqual({
      station: 's1',
      time: '2016-12-21T18:50:00.000Z',
      values: { 'register m3': 92 },
    });
  });

  it.each([
    ['a month 13', '00000000 05000830132600', 'time.malformed'],
    ['the day 0', '00000000 0500080000', 'time.malformed'],
    ['letters in a stamp', '00000000 050008300F2600', 'time.malformed'],
  ])('%s is no time', (_, tail, code) => {
    expect(codes(decode(szy206, report('2', '32470100', tail), meter({})))).toEqual([code]);
  });

  it.each([
    ['letters', '2', '324F0100'],
    ['a unit that is none', '3', '0059000010'],
    ['a sign that is none', '3', '0059000040'],
  ])('%s are no number', (_, type, data) => {
    expect(codes(decode(slt427, report(type, data), meter({})))).toEqual(['value.not-a-number']);
  });

  it('names the checksums that others use', () => {
    const sum = Buffer.from(report('2', '32470100'));
    sum[sum.length - 2] = sum.subarray(3, -2).reduce((total, byte) => (total + byte) & 0xff, 0);
    const { fault } = decode(slt427, sum, meter({}));
    expect(fault).toMatchObject({ code: 'message.checksum' });
    expect(fault!.message).toMatch(/it is a sum of bytes, as DL\/T 645 has it\.$/);
  });

  it.each([
    ['typed values', 0x82, 'function.unknown'],
    ['settings', 0x50, 'message.no-readings'],
    ['functions that nobody has defined', 0xee, 'function.unknown'],
  ])('%s are no water', (_, afn, code) => {
    expect(codes(decode(slt427, report('2', '32470100', TAIL, afn), meter({})))).toEqual([code]);
  });

  it('one part of a split message is not read as a whole', () => {
    const split = frameOf(0xf2, `02${ADDRESS}`, 0xc0, hex(`32470100${TAIL}`));
    expect(codes(decode(slt427, split, meter({})))).toEqual(['message.incomplete']);
  });

  it('a foreign device is asked for, and what it sent is read once it is there', () => {
    const decoded = decode(szy206, synthetic('flow in m3/h'), meter({}, '0000000001'));
    expect(decoded.fault).toMatchObject({ code: 'device.unknown' });
    const only = gatewayOf([], { stations: ['s1'], identity: { stationAddress: ADDRESS } });
    expect(taken(decode(slt427, report('2', '32470100'), only))).toHaveLength(1);
  });

  it('several frames of one payload stand for themselves', () => {
    const damaged = Buffer.from(report('2', '32470100'));
    damaged[12]! ^= 1;
    const decoded = decode(slt427, Buffer.concat([damaged, report('4', '554504')]), meter({}));
    expect(taken(decoded)).toEqual([{ ...at8, values: { 'velocity m/s': 44.555 } }]);
    expect(codes(decoded)).toEqual(['message.checksum']);
  });
});

describe('over a connection', () => {
  const shown = (bytes: Uint8Array | null) => (bytes ? Buffer.from(bytes).toString('hex').toUpperCase() : null);

  it('a link check is answered with what it says', () => {
    const login = synthetic('login');
    expect(szy206Stream.heading(login)).toMatchObject({ address: ADDRESS, kind: 'login', isSound: true });
    const answer = szy206Stream.answer(login, 'durable', 0);
    expect(shown(answer)).toBe(shown(frameOf(0x30, ADDRESS, 0x02, [0xf0])));
  });

  it('a report is confirmed once it is on disk, and not at all where it can’t be read', () => {
    const bytes = synthetic('flow in m3/h');
    expect(shown(szy206Stream.answer(bytes, 'durable', 0))).toBe(shown(frameOf(0x33, ADDRESS, 0xc0, [0])));
    expect(szy206Stream.answer(bytes, 'unreadable', 0)).toBeNull();
    expect(szy206Stream.answer(report('2', '32470100', '', 0xb0), 'durable', 0)).toBeNull();
  });

  it('a frame that is sent again differs in its countdown alone', () => {
    const [first, second] = [0xb3, 0xa3].map((control) => frameOf(control, ADDRESS, 0xc0, hex(`0059000000${TAIL}`)));
    expect(szy206Stream.heading(first!).repeatKey).toBe(szy206Stream.heading(second!).repeatKey);
    const other = frameOf(0xb3, ADDRESS, 0xc0, hex('0059000000 00000000 06000830112600'));
    expect(szy206Stream.heading(other).repeatKey).not.toBe(szy206Stream.heading(first!).repeatKey);
  });

  it('stored values are asked for by B1, a day at most', () => {
    const heard = synthetic('flow in m3/h');
    const [from, to] = [Date.parse('2026-11-28T20:00:00+08:00'), Date.parse('2026-11-30T02:30:00+08:00')];
    const questions = szy206Stream.request!({ address: ADDRESS, password: null, heard }, from, to, 0)!;
    expect(questions.map(shown)).toEqual([
      shown(frameOf(0x03, ADDRESS, 0xb1, hex('21 20281126 19291126'))),
      shown(frameOf(0x03, ADDRESS, 0xb1, hex('21 20291126 02301126'))),
    ]);
    expect(szy206Stream.request!({ address: ADDRESS, password: null }, from, to, 0)).toBeNull();
  });

  const FRAMES = [...VECTORS, ...SYNTHETIC].map((one) => hex(one.hex));
  const cut = (chunks: readonly Uint8Array[]) => {
    const framer = szy206Stream.framer();
    const found: Found[] = [...chunks.flatMap((chunk) => framer.push(chunk)), ...framer.end()];
    return {
      frames: found.flatMap((piece) => (piece.kind === 'frame' ? [shown(piece.bytes)] : [])),
      noise: found.reduce((sum, piece) => sum + (piece.kind === 'noise' ? piece.length : 0), 0),
    };
  };

  it('any split of any bytes into chunks gives the same frames', () => {
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...FRAMES) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
      { weight: 1, arbitrary: fc.constantFrom(hex('68'), hex('680868'), hex('681A68B3')) },
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.array(fc.nat(64), { minLength: 1, maxLength: 40 }),
        (pieces, sizes) => {
          const stream = Buffer.concat(pieces);
          const chunks: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = sizes[turn % sizes.length]! + 1;
            chunks.push(stream.subarray(at, at + size));
            at += size;
          }
          expect(cut(chunks)).toEqual(cut([stream]));
        },
      ),
      { numRuns: 1_000 },
    );
    expect(cut([Buffer.concat(FRAMES)])).toEqual({ frames: FRAMES.map(shown), noise: 0 });
  });

  it('any bit that flips is refused, but in the length, which the checksum leaves out: that is taken as it was and noted', () => {
    for (const { hex: text, addr } of VECTORS) {
      const bytes = hex(text);
      const gateway = meter(text.length > 60 ? { layout: 'flow+total' } : {}, addr);
      const sound = taken(decode(slt427, bytes, gateway));
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const decoded = decode(slt427, flipped, gateway);
        const isLength = bit >> 3 === 1;
        expect([bit, taken(decoded)]).toEqual([bit, isLength ? sound : []]);
        expect(codes(decoded)).not.toEqual([]);
        if (isLength) expect(codes(decoded)).toContain('message.length');
      }
    }
  });
});
