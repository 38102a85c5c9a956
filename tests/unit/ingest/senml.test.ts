import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { senml } from '#ingest/codecs/senml/index.ts';
import type { Device } from '#model/protocol.ts';
import {
  ARRIVAL_MS,
  casesOf,
  FUZZ_FRAMES,
  faultsOf,
  gatewayOf,
  mangled,
  senderOf,
  valuesOf,
} from '#tests/helpers/ingest/codecs.ts';

interface Vector {
  name: string;
  source: string;
  address: string;
  elements?: Device['elements'];
  json?: unknown;
  cbor?: string;
  values: [name: string, timeMs: number, value: number, unit: string | null][];
}

const VECTORS = casesOf<Vector[]>('senml');
const payloadOf = ({ json, cbor }: Vector) =>
  cbor === undefined ? Buffer.from(JSON.stringify(json)) : Buffer.from(cbor, 'hex');
const behind = (address: string, elements?: Device['elements']) =>
  senderOf(gatewayOf({ devices: [{ address, station: 'st-31', elements }] }));
const LONE = senderOf(gatewayOf({}));

const read = (pack: unknown, sender = LONE) => senml.decode(Buffer.from(JSON.stringify(pack)), sender);
const readCbor = (pack: unknown, sender = LONE) => senml.decode(encode(pack), sender);

describe('SenML vectors', () => {
  it.each(VECTORS)('$name', (vector) => {
    const decoded = senml.decode(payloadOf(vector), behind(vector.address, vector.elements));
    expect(decoded.fault).toBeNull();
    expect(faultsOf(senml, decoded.samples)).toEqual([]);
    const told = valuesOf(decoded.samples).map(({ time, name, value }) => {
      const { value: number, unit = null } = typeof value === 'object' ? (value as Record<string, unknown>) : { value };
      return [name, time, number, unit];
    });
    const inOrder = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).toSorted();
    expect(inOrder(told)).toEqual(inOrder(vector.values));
  });
});

describe('a pack', () => {
  it('takes base fields on from record to record, and a new one from there on', () => {
    const { samples } = read([
      { bn: 'a:', bt: 1_796_025_000, bu: 'mg/l', bv: 1, n: 'do', v: 8 },
      { n: 'nh3n', v: 0.5, t: 60 },
      { bv: 0, n: 'codmn', v: 2, u: 'mg/L' },
      { bs: 100, n: 'flow', u: 'm3/s', v: 3, s: 5 },
    ]);
    expect(valuesOf(samples).map(({ name, time, value }) => [name, time, value])).toEqual([
      ['do', 1_796_025_000_000, { value: 9, unit: 'mg/l' }],
      ['codmn', 1_796_025_000_000, { value: 2, unit: 'mg/L' }],
      ['flow', 1_796_025_000_000, { value: 3, unit: 'm3/s' }],
      ['register', 1_796_025_000_000, { value: 105, unit: 'm3' }],
      ['nh3n', 1_796_025_060_000, { value: 1.5, unit: 'mg/l' }],
    ]);
  });

  it('counts times below 2^28 s from now, before and behind it', () => {
    const times = (t: number) => valuesOf(read([{ n: 'ph', v: 7, t }]).samples)[0]!.time;
    expect(times(-60)).toBe(ARRIVAL_MS - 60_000);
    expect(times(0)).toBe(ARRIVAL_MS);
    expect(times(2 ** 28 - 1)).toBe(ARRIVAL_MS + (2 ** 28 - 1) * 1000);
    expect(times(2 ** 28)).toBe(2 ** 28 * 1000);
    expect(times(1_796_025_600.25)).toBe(1_796_025_600_250);
  });

  it('sums rates up to volumes, and takes a sum without a value', () => {
    const named = (u: string | undefined, n = 'flow') => valuesOf(read([{ n, u, s: 12 }]).samples);
    expect(named('m3/s')).toMatchObject([{ name: 'register', value: { value: 12, unit: 'm3' } }]);
    expect(named('l/s')).toMatchObject([{ name: 'register', value: { value: 12, unit: 'l' } }]);
    // A sum that is no volume has no parameter: it is refused as `temp/s`, and the value beside it is taken.
    expect(named('Cel', 'temp')).toMatchObject([{ name: 'temp/s', value: 12 }]);
    const own = behind('d', { 'flow/s': { parameter: 'total', unit: 'm3' }, flow: null });
    expect(valuesOf(read([{ n: 'd:flow', u: 'm3/s', v: 1, s: 12 }], own).samples)).toMatchObject([
      { name: 'total', value: { value: 12, unit: 'm3' } },
    ]);
  });

  it('gives values by the unit of the entry before that of the record', () => {
    const sender = behind('d', { ammonia: { parameter: 'nh3n', unit: 'ug/L' } });
    expect(valuesOf(read([{ n: 'd/ammonia', u: 'mg/l', v: 155 }], sender).samples)).toMatchObject([
      { name: 'nh3n', value: { value: 155, unit: 'ug/L' } },
    ]);
  });

  it('finds the device by the beginning of the name, the most specific one, and whole words only', () => {
    const devices = [
      { address: 'st-3', station: 'three' },
      { address: 'st-31', station: 'thirty-one' },
      { address: 'st-31:deep', station: 'deep' },
    ];
    const sender = senderOf(gatewayOf({ stations: ['three', 'thirty-one', 'deep'], devices }));
    const { samples } = read(
      [
        { n: 'st-31:ph', v: 7 },
        { n: 'st-31:deep:ph', v: 8 },
        { n: 'st-311:ph', v: 9 },
      ],
      sender,
    );
    expect(valuesOf(samples).map(({ station, value }) => [station, value])).toEqual([
      ['thirty-one', 7],
      ['deep', 8],
    ]);
    expect(faultsOf(senml, samples)).toEqual([{ code: 'device.unknown', path: 'records[2].st-311:ph' }]);
  });

  it('is the same in JSON and in CBOR, whichever labels are numbers', () => {
    const numbered = readCbor([
      new Map<unknown, unknown>([
        [-2, 'x:'],
        [-3, 1_796_025_600],
        ['n', 'ph'],
        [2, 7.9],
      ]),
    ]);
    expect(valuesOf(numbered.samples)).toEqual([{ station: 'st-31', time: ARRIVAL_MS, name: 'ph', value: 7.9 }]);
  });
});

describe('what a pack may not say', () => {
  it.each([
    ['a version beyond 10', [{ bver: 11, n: 'ph', v: 7 }]],
    ['a version as text', [{ bver: '10', n: 'ph', v: 7 }]],
    ['a field that must be understood', [{ n: 'ph', v: 7, method_: 'x' }]],
  ])('%s: nothing of it is taken', (_, pack) => {
    expect(read(pack).fault?.code).toBe('senml.not-understood');
    expect(readCbor(pack).fault?.code).toBe('senml.not-understood');
  });

  it('understands the features of version 26, and passes over fields that it may', () => {
    expect(valuesOf(read([{ bver: 26, n: 'ph', v: 7, method: { nested: [1, { a: 2 }] } }]).samples)).toHaveLength(1);
    expect(valuesOf(readCbor([{ bver: 5, n: 'ph', v: 7, method: { nested: [1, { a: 2 }] } }]).samples)).toHaveLength(1);
  });

  it.each([
    ['no array', { n: 'ph', v: 7 }],
    ['a text', 'ph'],
  ])('%s: the message is refused, and the message says what to do', (_, pack) => {
    expect(read(pack).fault).toMatchObject({ code: 'message.malformed', message: expect.stringContaining('[ ]') });
  });

  it.each<[string, unknown]>([
    ['no object', 7],
    ['no name', { v: 7 }],
    ['a name with a space', { n: 'p h', v: 7 }],
    ['two values', { n: 'ph', v: 7, vs: '7' }],
    ['no value', { n: 'ph' }],
    ['a time as text', { n: 'ph', v: 7, t: '0' }],
    ['a sum as text', { n: 'ph', s: '0' }],
  ])('%s: that record alone is refused', (_, record) => {
    for (const decoded of [read([record, { n: 'do', v: 8 }]), readCbor([record, { n: 'do', v: 8 }])]) {
      expect(faultsOf(senml, decoded.samples)).toEqual([{ code: 'sample.malformed', path: 'records[0]' }]);
      expect(valuesOf(decoded.samples)).toMatchObject([{ name: 'do', value: 8 }]);
    }
  });

  it('refuses what stands twice for one time, both times', () => {
    const { samples } = read([
      { n: 'ph', v: 7 },
      { n: 'do', v: 8 },
      { n: 'ph', v: 7.5 },
    ]);
    expect(valuesOf(samples)).toMatchObject([{ name: 'do' }]);
    expect(faultsOf(senml, samples)).toEqual([
      { code: 'name.repeated', path: 'records[0].ph' },
      { code: 'name.repeated', path: 'records[2].ph' },
    ]);
    expect(senml.decode(Buffer.from('[{"n":"ph","v":7,"v":8}]'), LONE).fault?.message).toContain('twice');
    expect(senml.decode(Buffer.from('81a3006270680207' + '0208', 'hex'), LONE).fault?.message).toContain('twice');
  });

  it('gives what is no number as it is, for the value to be refused', () => {
    const value = (pack: string) => valuesOf(senml.decode(Buffer.from(pack), LONE).samples)[0]?.value;
    expect(value('[{"n":"ph","v":NaN}]')).toBe('NaN');
    expect(value('[{"n":"ph","vs":"off"}]')).toBe('off');
    expect(value('[{"n":"ph","vb":true}]')).toBe(true);
    expect(value('[{"n":"ph","v":null}]')).toBeNull();
    expect(valuesOf(readCbor([{ n: 'ph', v: Number.NaN }]).samples)[0]?.value).toBeNaN();
  });

  it('does not know a device that no entry names', () => {
    for (const sender of [senderOf(undefined), senderOf(gatewayOf({ stations: ['a', 'b'] }))]) {
      const { samples } = read([{ bn: 'urn:x:', n: 'flow', u: 'm3/s', v: 1, s: 2 }], sender);
      expect(faultsOf(senml, samples).map(({ code }) => code)).toEqual(['device.unknown', 'device.unknown']);
    }
  });

  it.each([
    ['an array of 2^40 records', '9b0000010000000000'],
    ['a map of 2^40 fields', '81bb0000010000000000'],
    ['a text of 2^40 bytes', '81a1007b0000010000000000'],
    ['no end', '9f'],
    ['something behind it', '8000'],
    ['a decimal fraction with a billion zeros', '81a20062706802c4821a3b9aca0001'],
  ])('CBOR bombs: %s', (_, hex) => {
    const startedMs = performance.now();
    const decoded = senml.decode(Buffer.from(hex, 'hex'), LONE);
    expect(performance.now() - startedMs).toBeLessThan(100);
    if (decoded.fault) expect(decoded.fault.code).toBe('message.malformed');
    else expect(valuesOf(decoded.samples)).toEqual([expect.objectContaining({ value: Number.POSITIVE_INFINITY })]);
  });

  it.each([0x81, 0xa1, 0x9f, 0xc4, 0x5b])('nesting without end (%i)', (byte) => {
    const deep = new Uint8Array(256 << 10).fill(byte);
    deep[0] = 0x81;
    expect(senml.decode(deep, LONE).fault?.code).toBe('message.malformed');
    const inField = Buffer.concat([Buffer.from('81a20062706861780', 'hex'), deep]);
    expect(senml.decode(inField, LONE).fault?.code).toBe('message.malformed');
    expect(senml.decode(Buffer.from('['.repeat(100_000)), LONE).fault?.code).toBe('message.malformed');
  });

  it('refuses more than 5,000 values', () => {
    const many = Array.from({ length: 5_001 }, (_, n) => ({ n: `p${n}`, v: n }));
    expect(read(many).fault?.code).toBe('message.too-many-values');
    expect(readCbor(many).fault?.code).toBe('message.too-many-values');
  });
});

describe('what is kept of a pack', () => {
  const pack = [
    { bn: 'd:', bt: 1_796_025_000, bu: 'mg/l', bv: 1, n: 'do', v: 8, t: -5 },
    { n: 'flow', u: 'm3/s', v: 2, s: 7 },
    { n: 'nh3n', v: Number.NaN },
    { bt: 0, n: 'codmn', vs: '<0.5' },
  ];

  it('is read again to the same values, one by one and together, whenever that is', () => {
    const { samples = [] } = readCbor(pack, behind('d'));
    const later = { ...behind('d'), arrivalMs: ARRIVAL_MS + 3_600_000 };
    for (const sample of samples) {
      for (const [name, value] of Object.entries(sample.values!)) {
        const again = senml.decode(senml.excerpt(sample, [name]), later);
        const expected = Number.isNaN((value as { value: number }).value) ? { value: 'NaN', unit: 'mg/l' } : value;
        expect(valuesOf(again.samples)).toEqual([{ station: 'st-31', time: sample.time, name, value: expected }]);
      }
    }
    const parts = samples.map((sample) => ({ sample, names: Object.keys(sample.values!) }));
    expect(valuesOf(senml.decode(senml.excerptOfSeveral(parts), later).samples)).toHaveLength(5);
  });

  it('can be read once the device is known', () => {
    const unknown = read(pack.slice(0, 2), senderOf(gatewayOf({ stations: ['a', 'b'] })));
    const names = unknown.samples!.flatMap((sample) =>
      valuesOf(senml.decode(senml.excerpt(sample, Object.keys(sample.values!)), behind('d')).samples),
    );
    expect(names.map(({ name }) => name)).toEqual(['do', 'flow', 'register']);
  });
});

describe('any bytes', () => {
  it('are read or refused, and nothing is thrown', () => {
    const seeds = VECTORS.map(payloadOf);
    for (const bytes of mangled(seeds, FUZZ_FRAMES)) {
      const decoded = senml.decode(bytes, LONE);
      for (const sample of decoded.samples ?? []) senml.decode(senml.excerpt(sample, null), LONE);
    }
  }, 600_000);

  it('a pack says the same in JSON and in CBOR', () => {
    const record = fc.record(
      {
        n: fc.constantFrom('ph', 'do', 'flow', ''),
        bn: fc.constantFrom('a:', 'b/', ''),
        v: fc.double({ noNaN: true, noDefaultInfinity: true }),
        s: fc.integer(),
        t: fc.integer({ min: -1e6, max: 2e9 }),
        bt: fc.integer({ min: 0, max: 2e9 }),
        u: fc.constantFrom('mg/l', 'm3/s'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), (pack) => {
        const told = (decoded: ReturnType<typeof read>) => [
          valuesOf(decoded.samples),
          faultsOf(senml, decoded.samples),
        ];
        const plain = pack.map((one) => Object.fromEntries(Object.entries(one).map(([k, v]) => [k, v === 0 ? 0 : v])));
        const asJson = senml.decode(Buffer.from(JSON.stringify(plain)), LONE);
        const asCbor = senml.decode(encode(plain, { float64: true }), LONE);
        expect(told(asCbor)).toEqual(told(asJson));
      }),
    );
  });
});
