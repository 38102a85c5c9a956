/** SL 651: all public frames and those of our own making, as they stand in tests/cases/protocols with their sources. */
import { describe, expect, it } from 'vitest';
import { crc16 } from '#ingest/codecs/sl651/crc.ts';
import { sl651 } from '#ingest/codecs/sl651/index.ts';
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

interface Vector {
  hex: string;
  hex_as_sent?: string;
  station: string;
  func: string;
  sent: string;
  elements: [string, unknown, unknown][];
}
interface Vectors {
  hex_bcd: Vector[];
  ascii: { bytes_hex: string }[];
  negative_as_published: { hex: string; why: string }[];
}
const VECTORS = casesOf<Vectors>('sl651-vectors');
const SYNTHETIC = casesOf<{ cases: { name: string; hex: string; expect: Record<string, unknown> }[] }>(
  'sl651-synthetic',
);
const synthetic = (name: string) => hex(SYNTHETIC.cases.find((one) => one.name === name)!.hex);

function checksum(covered: Uint8Array): Uint8Array {
  const crc = crc16(covered);
  return Uint8Array.from([crc >> 8, crc & 0xff]);
}

/** An uplink frame of station 0012345678 with a right checksum. */
function frame(code: string, body: string, mark = '02', end = '03'): Buffer {
  const inner = hex(body);
  const length = inner.length.toString(16).padStart(4, '0');
  const covered = Buffer.concat([hex(`7E7E 01 0012345678 1234 ${code} ${length} ${mark}`), inner, hex(end)]);
  return Buffer.concat([covered, checksum(covered)]);
}

function asciiFrame(code: string, body: string): Buffer {
  const length = body.length.toString(16).padStart(4, '0').toUpperCase();
  const covered = Buffer.from(`\x01010012345678${'1234'}${code}${length}\x02${body}\x03`, 'latin1');
  return Buffer.concat([covered, Buffer.from(Buffer.from(checksum(covered)).toString('hex').toUpperCase())]);
}

function report(elements: string, { stamp = '2611300800', code = '32' } = {}): Buffer {
  return frame(code, `0007 261130080005 F1F1 0012345678 48 F0F0 ${stamp} ${elements}`);
}

/** A report of a level and pH in two packets, cut within the level. */
function packets(): [Buffer, Buffer] {
  const first = frame('34', '002001 0007 261130080005 F1F1 0012345678 48 F0F0 2611300800 3923 0001', '16', '17');
  return [first, frame('34', '002002 4732 4612 0802', '16', '03')];
}

/** Identifiers that are water, with the parameter that each is. */
const MEANT: Record<string, string> = { '27': 'flow', '36': 'velocity', '38': 'voltage', '39': 'level' };
const REPORTS = new Set(['31', '32', '33', '34', '37', '38', '3A']);

function station(address: string, rest: Partial<Device> = {}) {
  return gatewayOf([{ address, station: 's1', ...rest }]);
}
const S1 = station('0012345678');

describe.each(
  VECTORS.hex_bcd.map((vector) => [`${vector.func}H of ${vector.station} ${vector.sent}`, vector] as const),
)('the public frame %s', (_, vector) => {
  // All stations but one stamp the last of their twelve values.
  const layout = vector.func === '34' && vector.station !== '0030301490' ? 'last' : 'first';
  const decoded = decode(sl651, hex(vector.hex), station(vector.station, { layout }));

  it('holds what an independent decoder found', () => {
    expect(decoded.fault === null || decoded.fault.code === 'function.unknown').toBe(true);
    if (!REPORTS.has(vector.func)) return expect(taken(decoded)).toEqual([]);
    const singles = vector.elements.filter(([, id]) => typeof id === 'string' && id.slice(0, 2) in MEANT);
    const expected = singles.map(([, id, value]) => [
      MEANT[(id as string).slice(0, 2)],
      value === 'MISSING(F)' ? null : Number(value),
    ]);
    const found = taken(decoded)
      .flatMap(({ values }) => Object.entries(values))
      .map(([name, value]) => [name.split(' ')[0], value]);
    for (const one of expected) expect(found).toContainEqual(one);
    const series = vector.elements.filter(([name]) => String(name).startsWith('F5'));
    expect(found.length).toBe(expected.length + series.length * 12 - doubles(vector));
  });
});

/** Values of a series that stand in the frame by themselves, too: F5 to the stamp of 39H. */
function doubles({ elements, hex: text }: Vector): number {
  const hasBoth = ['F5(', 'Z m'].every((start) => elements.some(([name]) => String(name).startsWith(start)));
  return hasBoth && text.includes('F5C0') ? 1 : 0;
}

describe('the public frames', () => {
  it('are all there', () => {
    expect([VECTORS.hex_bcd.length, VECTORS.ascii.length, VECTORS.negative_as_published.length]).toEqual([42, 2, 9]);
  });

  it.each(VECTORS.negative_as_published)('$why is refused', ({ hex: text }) => {
    const decoded = decode(sl651, hex(text), S1);
    expect(decoded.fault?.code).toMatch(/^message\.(checksum|malformed)$/);
    expect(decoded.fault?.message).toMatch(/CRC/);
  });

  it('says of a frame what its maker left open', () => {
    const decoded = decode(sl651, hex(VECTORS.hex_bcd[3]!.hex), station('0030746200'));
    expect(codes(decoded)).toEqual(['element.unknown', 'element.unknown', 'element.left-out']);
    expect(messages(decoded)).toContain(
      'FF33H has no parameter here by itself: name one in `elements` of device 0030746200',
    );
    expect(messages(decoded)).toContain('26H (PT), 45H (ZT)');
    expect(decoded.samples?.map(({ index, values }) => [index, values])).toEqual([
      [0, { '38': { value: 12.87, unit: 'V' } }],
      [0, { FF09: 20 }],
      [0, { FF33: 20.5 }],
    ]);
  });

  it('reads one that carries a mark more behind its checksum', () => {
    const vector = VECTORS.hex_bcd.find(({ hex_as_sent }) => hex_as_sent)!;
    const decoded = decode(sl651, hex(vector.hex_as_sent!), station(vector.station));
    expect(codes(decoded)).toEqual(['message.noise', 'element.left-out']);
  });
});

describe('frames of our own making', () => {
  const at8 = { station: 's1', time: '2026-11-30T00:00:00.000Z' };

  it.each([
    ['timed report 32H', [{ ...at8, values: { 'level m': 14.732, 'flow m3/s': 312.5, 'voltage V': 12.68 } }]],
    ['negative level', [{ ...at8, values: { 'level m': -0.172 } }]],
    ['missing level', [{ ...at8, values: { level: null, 'ph pH': 8.02 } }]],
    ['sentinel 9999.999', [{ ...at8, values: { 'level m': 9999.999 } }]],
    [
      'water quality',
      [{ ...at8, values: { 'ph pH': 8.02, 'do mg/L': 9.6, 'ec µS/cm': 28.5, 'nh3n mg/L': 0.15, 'tp mg/L': 0.012 } }],
    ],
    ['test report 30H', []],
    [
      'two observation times',
      [
        { ...at8, values: { 'level m': 14.732 } },
        { station: 's1', time: '2026-11-29T23:00:00.000Z', values: { 'level m': 14.73 } },
      ],
    ],
  ])('%s', (name, expected) => {
    expect(taken(decode(sl651, synthetic(name), S1))).toEqual(expected);
  });

  const HOURLY = VECTORS.hex_bcd.find(({ station: address, func }) => func === '34' && address === '0030700300')!;

  it('asks which of twelve values the stamp is, where the first one would put the last behind the frame', () => {
    const decoded = decode(sl651, hex(HOURLY.hex), station('0030700300'));
    expect(codes(decoded).filter((code) => code === 'layout.unknown')).toHaveLength(12);
    expect(messages(decoded)).toContain(
      'say in `layout` of device 0030700300 whether the stamp is that of the `first`',
    );
    expect(taken(decoded).flatMap(({ values }) => Object.keys(values))).toEqual(['voltage V', 'level m']);
  });

  it('places twelve values before their stamp where the device is said to do so', () => {
    const times = taken(decode(sl651, hex(HOURLY.hex), station('0030700300', { layout: 'last' })));
    expect(times.map(({ time }) => time.slice(11, 16)).toSorted()).toEqual([
      ...['21:05', '21:10', '21:15', '21:20', '21:25', '21:30', '21:35', '21:40', '21:45', '21:50', '21:55', '22:00'],
    ]);
    // The last of the series is the level that stands by itself.
    expect(times.flatMap(({ values }) => Object.keys(values)).filter((name) => name === 'level m')).toHaveLength(12);
  });

  it.each([
    [
      'the hex identifier',
      { '27': { parameter: 'register', unit: 'm3' } },
      { 'level m': 14.732, 'register m3': 312.5, 'voltage V': 12.68 },
    ],
    [
      'the letters of the ASCII form',
      { Q: { parameter: 'velocity' }, VT: null },
      { 'level m': 14.732, 'velocity m3/s': 312.5 },
    ],
  ])('means what the entry says, by %s', (_, elements, values) => {
    const decoded = decode(sl651, synthetic('timed report 32H'), station('0012345678', { elements }));
    expect(taken(decoded)).toEqual([{ ...at8, values }]);
  });

  it.each([
    ['QA, the sum of flows through gates, is no volume and no flow of the section', '302B0000312500'],
    ['SBL1, water of an hour', '6822 00001234'],
    ['ZU, the level above a gate', '3B23 00014732'],
  ])('%s, unless somebody says so', (_, element) => {
    const decoded = decode(sl651, report(element), S1);
    expect(codes(decoded)).toEqual(['element.unknown']);
  });

  it('uniform series: first group at the stamp, then the step; F = missing', () => {
    const decoded = decode(sl651, report('0418 000100 3923 00014732 FFFFFFFF 00014740', { code: '31' }), S1);
    expect(taken(decoded).map(({ time, values }) => [time.slice(11, 16), values])).toEqual([
      ['00:00', { 'level m': 14.732 }],
      ['01:00', { level: null }],
      ['02:00', { 'level m': 14.74 }],
    ]);
  });

  it('several stations in one frame', () => {
    const gateway = gatewayOf([
      { address: '0012345678', station: 's1' },
      { address: '0012345679', station: 's2' },
    ]);
    const more = '3923 00014732 F1F1 0012345679 48 F0F0 2611300700 3923 00001000';
    expect(taken(decode(sl651, report(more), gateway))).toEqual([
      { ...at8, values: { 'level m': 14.732 } },
      { station: 's2', time: '2026-11-29T23:00:00.000Z', values: { 'level m': 1 } },
    ]);
    expect(codes(decode(sl651, report(more), S1))).toEqual(['device.unknown']);
  });

  it.each([
    ['letters in a value', '3923 0001A732 4612 0802', ['value.not-a-number'], { 'ph pH': 8.02 }],
    ['a negative value that is odd', '3923 FF000172', [], { 'level m': -0.172 }],
    ['sixteen digits', '2743 1234567890123456', [], { 'flow m3/s': 1234567890123.456 }],
  ])('%s', (_, element, expected, values) => {
    const decoded = decode(sl651, report(element), S1);
    expect(codes(decoded)).toEqual(expected);
    expect(taken(decoded).map((one) => one.values)).toEqual(values ? [values] : []);
  });

  it.each([
    ['a value that ends behind the body', '3923 000147'],
    ['a value of no bytes', '3900'],
    ['a stamp that is cut off', 'F0F0 261130'],
    ['a series that is cut off', 'F5C0 0001 0002'],
  ])('believes nothing of a body with %s', (_, element) => {
    expect(decode(sl651, report(`3923 00014732 ${element}`), S1).fault?.code).toBe('message.malformed');
  });

  it.each([
    ['month 13', '2613300800'],
    ['the 30th of February', '2602300800'],
    ['24 o’clock', '2611302400'],
    ['letters', '26113008AA'],
  ])('%s is no time', (_, stamp) => {
    const decoded = decode(sl651, report('3923 00014732', { stamp }), S1);
    expect(codes(decoded)).toEqual(['time.malformed']);
  });

  it('a value before any time of observation is refused', () => {
    const body = '0007 261130080005 F1F1 0012345678 48 3923 00014732';
    expect(codes(decode(sl651, frame('32', body), S1))).toEqual(['time.malformed']);
  });

  it('the ASCII form says the same', () => {
    const text = 'ST 0012345678 H TT 2611300800 Z 14.732 Q 312.500 PT M DO M FF33 20.5 ';
    const decoded = decode(sl651, asciiFrame('32', `0007261130080005${text}`), S1);
    expect(taken(decoded)).toEqual([{ ...at8, values: { 'level m': 14.732, 'flow m3/s': 312.5, do: null } }]);
    expect(codes(decoded)).toEqual(['element.unknown', 'element.left-out']);
  });

  it('the ASCII form has series of even steps and of five minutes, too', () => {
    const steps = 'ST 0012345678 H TT 2611300600 DRH01 Z Q 1.5 10 1.6 M ';
    expect(taken(decode(sl651, asciiFrame('31', `0007261130080005${steps}`), S1)).map(({ values }) => values)).toEqual([
      { 'level m': 1.5, 'flow m3/s': 10 },
      { 'level m': 1.6, flow: null },
    ]);
    const series = `ST 0012345678 H TT 2611300600 DRZ1 ${'0064'.repeat(11)}FFFF VT 12.1 `;
    const hour = taken(decode(sl651, asciiFrame('34', `0007261130080005${series}`), S1));
    expect(hour.map(({ time, values }) => [time.slice(11, 16), values])).toEqual([
      ...Array.from({ length: 11 }, (_, index) => [`22:${String(index * 5).padStart(2, '0')}`, { 'level m': 1 }]),
      ['22:55', { level: null }],
      ['22:00', { 'voltage V': 12.1 }],
    ]);
  });

  it.each(VECTORS.ascii)('the public ASCII frame $text', ({ bytes_hex }) => {
    const bytes = hex(bytes_hex);
    const gateway = station('0012341234', { elements: { PJ: null, PT: null } });
    const isTest = bytes.length > 60;
    expect(codes(decode(sl651, bytes, gateway))).toEqual(isTest ? ['message.no-readings'] : []);
    expect(taken(decode(sl651, bytes, gateway))).toEqual([]);
    if (!isTest) return;
    const timed = asciiFrame('32', Buffer.from(bytes.subarray(24, -5)).toString('latin1'));
    expect(taken(decode(sl651, timed, gateway))).toEqual([
      { station: 's1', time: '2017-07-18T03:12:00.000Z', values: { 'level m': 0.301, 'voltage V': 10.91 } },
    ]);
  });

  it('letters that are hex digits, too, are not mistaken for an identifier', () => {
    const cadmium = asciiFrame('32', '0007261130080005ST 0012345678 H TT 2611300800 CD 0.001 ');
    expect(taken(decode(sl651, cadmium, S1))).toEqual([{ ...at8, values: { 'cd mg/L': 0.001 } }]);
    expect(codes(decode(sl651, report('CD12 0001'), S1))).toEqual(['element.unknown']);
  });

  it('packets come together, in any order, and count as one', () => {
    const [first, second] = packets();
    const expected = [{ ...at8, values: { 'level m': 14.732, 'ph pH': 8.02 } }];
    expect(taken(decode(sl651, Buffer.concat([first, second]), S1))).toEqual(expected);
    expect(taken(decode(sl651, Buffer.concat([second, first, second]), S1))).toEqual(expected);
  });

  it('two messages of packets in one payload are two', () => {
    const later = [
      frame('34', '002001 0008 261130090005 F1F1 0012345678 48 F0F0 2611300900 3923 0001', '16', '17'),
      frame('34', '002002 4740 4612 0803', '16', '03'),
    ];
    expect(taken(decode(sl651, Buffer.concat([...packets(), ...later]), S1)).map(({ values }) => values)).toEqual([
      { 'level m': 14.732, 'ph pH': 8.02 },
      { 'level m': 14.74, 'ph pH': 8.03 },
    ]);
  });

  it.each([
    ['twice', '3923 00014732 3923 00014733 4612 0802', 2],
    ['three times', '3923 00014732 3923 00014732 3923 00014733 4612 0802', 3],
  ])('an element that stands %s for one time is not taken', (_, elements, count) => {
    const decoded = decode(sl651, report(elements), S1);
    expect(codes(decoded)).toEqual(Array(count).fill('name.repeated'));
    expect(taken(decoded).map(({ values }) => values)).toEqual([{ 'ph pH': 8.02 }]);
  });

  it('each station of a frame has its own layout', () => {
    const hour = (fill: string) => `F5C0 ${fill.repeat(12)}`;
    const body = `${hour('0064')} F1F1 0012345679 48 F0F0 2611300800 ${hour('00C8')}`;
    const gateway = gatewayOf([
      { address: '0012345678', station: 's1', layout: 'last' },
      { address: '0012345679', station: 's2' },
    ]);
    const decoded = decode(sl651, report(body, { code: '34' }), gateway);
    expect(taken(decoded).map((one) => one.station)).toEqual(Array(12).fill('s1'));
    expect(codes(decoded)).toEqual(Array(12).fill('layout.unknown'));
    expect(messages(decoded)).toContain('device 0012345679');
  });

  it('frames as hex digits are read as what they write', () => {
    const { hex: text } = SYNTHETIC.cases[0]!;
    expect(taken(decode(sl651, Buffer.from(` ${text.toLowerCase()}\r\n`.trim()), S1))).toHaveLength(1);
  });

  it('a wrong length under a right checksum is taken and noted', () => {
    const sound = report('3923 00014732');
    const body = sound.subarray(0, -2);
    body[12] = body[12]! + 5;
    const decoded = decode(sl651, Buffer.concat([body, checksum(body)]), S1);
    expect(taken(decoded)).toEqual([{ ...at8, values: { 'level m': 14.732 } }]);
    expect(codes(decoded)).toEqual(['message.length']);
  });

  it('what is refused for want of an entry comes in once that is mended', () => {
    const payload = hex(VECTORS.hex_bcd[3]!.hex);
    const before = decode(sl651, payload, station('0030746200'));
    const parts = before
      .samples!.filter(({ fault }) => fault)
      .map((sample) => ({ sample, names: Object.keys(sample.values!) }));
    const kept = sl651.excerptOfSeveral(parts);
    const mended = station('0030746200', { elements: { FF33: { parameter: 'temp', unit: '°C' }, FF09: null } });
    expect(taken(decode(sl651, kept, mended)).map(({ values }) => values)).toEqual([{ 'temp °C': 20.5 }]);
    expect(codes(decode(sl651, kept, station('0030746200'))).filter((code) => code === 'element.unknown')).toHaveLength(
      2,
    );
  });

  it('a test report is told and kept from water', () => {
    expect(codes(decode(sl651, synthetic('test report 30H'), S1))).toEqual(['message.no-readings']);
  });

  it('a packet alone is not a message', () => {
    const decoded = decode(sl651, synthetic('M3 packet 1 of 2'), S1);
    expect(decoded.fault).toMatchObject({ code: 'message.incomplete', message: 'Packet 2 of 2 is missing.' });
  });

  it('the year 59 is far ahead of any arrival', () => {
    const [sample] = decode(sl651, synthetic('clock not set (year 59)'), S1).samples!;
    expect(sample!.time).toBe(Date.parse('2059-01-01T01:00:00+08:00'.replace('01:00:00', '00:00:00')));
    expect((sample!.time as number) - ARRIVAL_MS).toBeGreaterThan(600_000);
  });

  it('a wrong checksum is named as the mistake that it is', () => {
    expect(decode(sl651, synthetic('CRC wrong'), S1).fault?.code).toBe('message.checksum');
    expect(decode(sl651, synthetic('CRC low byte first'), S1).fault).toEqual({
      code: 'message.checksum',
      message: 'The CRC is A857, right were 57A8: CRC is Modbus, low byte first; SL 651 wants the high byte first.',
    });
  });
});
