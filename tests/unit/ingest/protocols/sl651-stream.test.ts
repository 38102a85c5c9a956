/** SL 651 over a bare connection: frames out of bytes however they are cut, answers byte for byte, questions, the clock. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framerOf } from '#ingest/codecs/framing.ts';
import { crc16 } from '#ingest/codecs/sl651/crc.ts';
import { sl651 } from '#ingest/codecs/sl651/index.ts';
import { sl651Stream } from '#ingest/codecs/sl651/stream.ts';
import type { Found } from '#ingest/codecs/stream.ts';
import { casesOf, codes, decode, gatewayOf, hex, taken } from '#tests/helpers/ingest/protocols.ts';

const VECTORS = casesOf<{
  hex_bcd: { hex: string; func: string; station: string }[];
  downlink_acks: { hex: string; end: string }[];
  ascii: { bytes_hex: string }[];
}>('sl651-vectors');
const SYNTHETIC = casesOf<{ cases: { name: string; hex: string; expect: { answer?: string } }[] }>(
  'sl651-synthetic',
).cases;
const FRAMES = [...VECTORS.hex_bcd.map((vector) => hex(vector.hex)), ...VECTORS.ascii.map((one) => hex(one.bytes_hex))];
const NOW_MS = Date.parse('2026-11-30T08:00:10+08:00');

const shown = (bytes: Uint8Array | null | undefined) =>
  bytes ? Buffer.from(bytes).toString('hex').toUpperCase() : null;
const framesOf = (found: readonly Found[]) =>
  found.flatMap((piece) => (piece.kind === 'frame' ? [shown(piece.bytes)] : []));

/** Everything that a framer makes of chunks, noise put together. */
function cut(chunks: readonly Uint8Array[]): { frames: (string | null)[]; noise: number } {
  const framer = sl651Stream.framer();
  const found = [...chunks.flatMap((chunk) => framer.push(chunk)), ...framer.end()];
  const noise = found.reduce((sum, piece) => sum + (piece.kind === 'noise' ? piece.length : 0), 0);
  return { frames: framesOf(found), noise };
}

function frame(code: string, body: string, mark = '02', end = '03', heading = '7E7E 01 0012345678 1234'): Buffer {
  const inner = hex(body);
  const length = inner.length.toString(16).padStart(4, '0');
  return sealed(Buffer.concat([hex(`${heading} ${code} ${length} ${mark}`), inner, hex(end)]));
}

function sealed(covered: Uint8Array): Buffer {
  const crc = crc16(covered);
  return Buffer.concat([covered, Buffer.from([crc >> 8, crc & 0xff])]);
}

const PACKETS = [
  frame('34', '003001 0007 261130080005 F1F1 0012345678 48 F0F0 2611300800 3923 0001', '16', '17'),
  frame('34', '003002 4732 4612', '16', '17'),
  frame('34', '003003 0802', '16', '03'),
] as const;

describe('answers', () => {
  it.each(SYNTHETIC.filter((one) => 'answer' in one.expect))('$name', ({ hex: text, expect: { answer } }) => {
    const bytes = hex(text);
    const outcome = sl651Stream.heading(bytes).isSound ? 'durable' : 'unreadable';
    expect(shown(sl651Stream.answer(bytes, outcome, NOW_MS))).toBe(answer ?? null);
  });

  it.each([
    // The reports that these public confirmations answer.
    [frame('30', '0003 591011154947'), 'durable-stay', VECTORS.downlink_acks[0]!.hex],
    [
      frame('32', '0034 170718110016', '02', '03', '7E7E 05 0011223344 03E8'),
      'durable-stay',
      VECTORS.downlink_acks[1]!.hex,
    ],
    [frame('32', '000C 200724172349', '02', '17', '7E7E 01 0010100001 A000'), 'durable', VECTORS.downlink_acks[2]!.hex],
  ] as const)('a public one: %#', (report, outcome, answer) => {
    expect(shown(sl651Stream.answer(report, outcome, NOW_MS))).toBe(answer);
  });

  it('silence for keep-alives, for what can’t be read, and for the station’s own affairs', () => {
    const keepAlive = hex(VECTORS.hex_bcd.find(({ func }) => func === '2F')!.hex);
    expect(sl651Stream.answer(keepAlive, 'durable', NOW_MS)).toBeNull();
    expect(
      sl651Stream.answer(hex(SYNTHETIC.find(({ name }) => name === 'CRC wrong')!.hex), 'unreadable', NOW_MS),
    ).toBeNull();
    expect(sl651Stream.answer(frame('45', '0003 591011154947'), 'durable', NOW_MS)).toBeNull();
    expect(sl651Stream.answer(Buffer.from('noise'), 'durable', NOW_MS)).toBeNull();
  });

  it('a message of packets is confirmed once, with the number of the last one', () => {
    const answer = sl651Stream.answer(Buffer.concat(PACKETS), 'durable', NOW_MS);
    expect(shown(answer)).toBe(shown(sealed(hex('7E7E 0012345678 01 1234 34 800B 16 003003 0007 261130080005 04'))));
  });

  it('a packet that is missing is asked for', () => {
    const answer = sl651Stream.answer(Buffer.concat([PACKETS[0], PACKETS[2]]), 'incomplete', NOW_MS);
    expect(shown(answer)).toBe(shown(sealed(hex('7E7E 0012345678 01 1234 34 800B 16 003002 0007 261130080005 15'))));
  });

  it('in the form of the question', () => {
    const report = hex(VECTORS.ascii[1]!.bytes_hex);
    const text = Buffer.from(sl651Stream.answer(report, 'durable', NOW_MS)!).toString('latin1');
    expect(text.slice(0, -4)).toBe('\x0100123412340604D2308010\x020019170718111204\x04');
    expect(text.slice(-4)).toMatch(/^[0-9A-F]{4}$/);
  });
});

describe('headings', () => {
  it('tell whose frame it is and what kind', () => {
    const kinds = VECTORS.hex_bcd.map(({ func, hex: text }) => [func, sl651Stream.heading(hex(text)).kind]);
    for (const [func, kind] of kinds) {
      const expected = func === '2F' ? 'heartbeat' : func! < '40' ? 'report' : 'reply';
      expect([func, kind]).toEqual([func, expected]);
    }
    expect(sl651Stream.heading(frame('E5', '0003 591011154947')).kind).toBe('unknown');
    const [first] = SYNTHETIC;
    expect(sl651Stream.heading(hex(first!.hex))).toMatchObject({
      address: '0012345678',
      password: '1234',
      part: null,
      isSound: true,
    });
    expect(sl651Stream.heading(Buffer.from('noise'))).toMatchObject({ address: null, isSound: false });
  });

  it('of packets say what belongs together', () => {
    const parts = PACKETS.map((packet) => sl651Stream.heading(packet).part);
    expect(new Set(parts.map((part) => part!.joins)).size).toBe(1);
    expect(parts.map((part) => [part!.number, part!.total])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  it('know a report that is sent again, even later, and one of the same number after a power cut', () => {
    const body = (sent: string, stamp: string) => `0007 ${sent} F1F1 0012345678 48 F0F0 ${stamp} 3923 00014732`;
    const key = (sent: string, stamp: string) => sl651Stream.heading(frame('32', body(sent, stamp))).repeatKey;
    expect(key('261130080005', '2611300800')).toBe(key('261130080025', '2611300800'));
    expect(key('261130080005', '2611300800')).not.toBe(key('261130090005', '2611300900'));
  });
});

describe('questions', () => {
  it('38H: an element a question, a day at most, as the station defines it', () => {
    const heard = hex(SYNTHETIC[0]!.hex);
    const [from, to] = [Date.parse('2026-11-28T20:00:00+08:00'), Date.parse('2026-11-30T02:30:00+08:00')];
    const questions = sl651Stream.request!({ address: '0012345678', password: '1234', heard }, from, to, NOW_MS)!;
    const question = (hours: string, element: string) =>
      shown(sealed(hex(`7E7E 0012345678 01 1234 38 8017 02 0000 261130080010 ${hours} 0418 000100 ${element} 05`)));
    expect(questions.map(shown)).toEqual([
      question('26112820 26112920', '3923'),
      question('26112820 26112920', '2733'),
      question('26112920 26113003', '3923'),
      question('26112920 26113003', '2733'),
    ]);
  });

  it('in the ASCII form by its letters', () => {
    const heard = hex(VECTORS.ascii[1]!.bytes_hex);
    const [question, ...others] = sl651Stream.request!(
      { address: '0012341234', password: null, heard },
      0,
      3_600_000,
      NOW_MS,
    )!;
    expect(others).toEqual([]);
    expect(Buffer.from(question!).toString('latin1').slice(1, -5)).toBe(
      '00123412340604D2388028\x02000026113008001070010108' + '70010109DRH01 Z ',
    );
  });

  it('without a report nobody knows what to ask for', () => {
    expect(sl651Stream.request!({ address: '0012345678', password: '1234' }, 0, 1, NOW_MS)).toBeNull();
  });

  it('4AH sets the clock', () => {
    const asked = { address: '0012345678', password: '1234', heard: hex(SYNTHETIC[0]!.hex) };
    const expected = shown(sealed(hex('7E7E 0012345678 01 1234 4A 8008 02 0000 261130080010 05')));
    expect(shown(sl651Stream.setClock!(asked, NOW_MS))).toBe(expected);
  });
});

describe('frames in a stream', () => {
  it.each([
    ['one', 1],
    ['seven', 7],
    ['a thousand', 1000],
  ])('are found in chunks of %s bytes', (_, size) => {
    const stream = Buffer.concat(FRAMES);
    const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (__, index) =>
      stream.subarray(index * size, (index + 1) * size),
    );
    expect(cut(chunks)).toEqual({ frames: FRAMES.map(shown), noise: 0 });
  });

  it('are found behind 4 KB of noise, a registration packet and requests of another protocol', () => {
    const noise = Buffer.alloc(4096, 'AT+CSQ 7E');
    const modbus = hex('01 03 0000 000A C5CD 7E 68 01');
    expect(cut([noise, FRAMES[0]!, modbus, FRAMES[1]!])).toEqual({
      frames: [shown(FRAMES[0]), shown(FRAMES[1])],
      noise: noise.length + modbus.length,
    });
  });

  it('a frame that lost bytes costs none of those behind it', () => {
    const lost = Buffer.concat([FRAMES[0]!.subarray(0, 30), FRAMES[0]!.subarray(33)]);
    expect(cut([lost, FRAMES[1]!, FRAMES[2]!]).frames).toEqual([shown(lost), shown(FRAMES[1]), shown(FRAMES[2])]);
  });

  it('a frame with a wrong checksum is one damaged frame, at once', () => {
    const damaged = Buffer.from(FRAMES[0]!);
    damaged[damaged.length - 1]! ^= 1;
    expect(framesOf(sl651Stream.framer().push(damaged))).toEqual([shown(damaged)]);
    expect(sl651Stream.heading(damaged)).toMatchObject({ address: '40590235C2', isSound: false });
  });

  it('a packet whose length leaves out its own three bytes is taken', () => {
    const body = hex('002001 0007 261130080005 F1F1 0012345678 48 F0F0 2611300800 3923 0001');
    const short = sealed(Buffer.concat([hex('7E7E 01 0012345678 1234 34 0016 16'), body, hex('17')]));
    short[12] = body.length - 3;
    const packet = sealed(short.subarray(0, -2));
    expect(cut([packet, FRAMES[0]!]).frames).toEqual([shown(packet), shown(FRAMES[0])]);
  });

  it('headings without frames are read a bounded number of times', () => {
    let read = 0;
    const framer = framerOf({
      startIn: (bytes, from) => bytes.indexOf(0x7e, from),
      measured: (bytes, at) => (at + 2 > bytes.length ? 'more' : 4_000),
      isSound: (bytes) => {
        read += bytes.length;
        return false;
      },
      least: 2,
    });
    const flood = Buffer.alloc(200_000, 0x7e);
    framer.push(flood);
    framer.end();
    expect(read).toBeLessThan(5 * flood.length);
  });
});

describe('properties', () => {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...FRAMES, ...PACKETS) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(hex('7E'), hex('7E7E'), hex('01'), hex('7E7E01001234567812343202')) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...FRAMES), fc.nat(), fc.nat()).map(([bytes, at, length]) => {
        const from = at % bytes.length;
        return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + (length % 9))]);
      }),
    },
  );

  it('any split of any bytes into chunks gives the same frames', () => {
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
          const whole = cut([stream]);
          expect(cut(chunks)).toEqual(whole);
          const framed = whole.frames.reduce((sum, one) => sum + one!.length / 2, 0);
          expect(framed + whole.noise).toBe(stream.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('any bit that flips is refused', () => {
    for (const vector of VECTORS.hex_bcd) {
      const bytes = hex(vector.hex);
      const gateway = gatewayOf([{ address: vector.station, station: 's1' }]);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const decoded = decode(sl651, flipped, gateway);
        expect([bit, taken(decoded)]).toEqual([bit, []]);
        expect(codes(decoded)).not.toEqual([]);
      }
    }
  });
});
