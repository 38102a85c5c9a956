import { describe, expect, it } from 'vitest';
import { shortest } from '#ingest/codecs/shortest.ts';
import { type Births, birthOf } from '#ingest/codecs/sparkplug-b/births.ts';
import { sparkplugB } from '#ingest/codecs/sparkplug-b/index.ts';
import { integerOf, readPayload, rebirthCommand } from '#ingest/codecs/sparkplug-b/payload.ts';
import { parseSparkplugTopic } from '#ingest/codecs/sparkplug-b/topic.ts';
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
import { aMetric, aPayload } from '#tests/helpers/ingest/sparkplug.ts';

interface Vector {
  name: string;
  topic: string;
  base64: string;
}
const VECTORS = casesOf<Vector[]>('sparkplug-b');
const vector = (name: string) => VECTORS.find((one) => one.name === name)!;
const payloadOf = ({ base64 }: Vector) => Buffer.from(base64, 'base64');

const MINUTE_MS = 60_000;
const SONDE: Device = {
  address: 'sonde',
  station: 'st-31',
  elements: { total: { parameter: 'register', unit: 'm3' } },
};
const GATEWAY = gatewayOf({ protocol: 'sparkplug-b', devices: [SONDE, { address: 'taocha', station: 'st-31' }] });
const BIRTH = birthOf(readPayload(payloadOf(vector('dbirth'))));

function births(rest: Partial<Births> = {}): Births {
  return { birth: BIRTH, missed: null, ended: [], ...rest };
}

const DDATA = 'spBv1.0/SNWD/DDATA/taocha/sonde';
const DBIRTH = 'spBv1.0/SNWD/DBIRTH/taocha/sonde';

function read(payload: Uint8Array, topic = DDATA, heard: Births | undefined = births(), gateway = GATEWAY) {
  return sparkplugB.decode(payload, senderOf(gateway, { topic, births: heard }));
}

const readVector = (name: string, heard?: Births) => read(payloadOf(vector(name)), vector(name).topic, heard);

const shown = (decoded: ReturnType<typeof read>) =>
  valuesOf(decoded.samples).map(({ name, value, time }) => [name, value, ((time as number) - ARRIVAL_MS) / MINUTE_MS]);

describe('Sparkplug B vectors', () => {
  it('a node is born: its own metrics, without what is about the node itself', () => {
    expect(shown(readVector('nbirth'))).toEqual([['level', 147.32, 0]]);
  });

  it('a device is born: floats as they were meant, signed integers, null, qualities and units', () => {
    const decoded = readVector('dbirth');
    expect(shown(decoded)).toEqual([
      ['ph', 8.02, 0],
      ['nh3n', 0.155, 0],
      ['temp', -3, 0],
      ['register', { value: 81_234_567, unit: 'm3', flag: undefined }, 0],
      ['ice', false, 0],
      ['make', 'WQ-9', 0],
      ['do', null, 0],
      ['turbidity', { value: 12, unit: 'NTU', flag: 9 }, 0],
    ]);
    expect(decoded).toMatchObject({ fault: null, notes: [] });
  });

  it('data by aliases, without datatypes', () => {
    const decoded = readVector('ddata');
    expect(shown(decoded)).toEqual([
      ['ph', 7.93, 1],
      ['temp', -3, 1],
    ]);
    // 2^53 + 1 m3 is no double: nothing near it is taken for it.
    expect(faultsOf(sparkplugB, decoded.samples)).toEqual([{ code: 'sample.malformed', path: 'metrics[2].register' }]);
    expect(shown(readVector('sparkplug-payload-no-datatype'))).toEqual([['ph', 7.93, 4]]);
  });

  it('history is given with its own time', () => {
    expect(shown(readVector('ddata-historical'))).toEqual([
      ['ph', 7.5, -60],
      ['temp', -3, 2],
    ]);
  });

  it('aliases before their birth are refused, what has a name is not', () => {
    for (const heard of [undefined, births({ birth: null })]) {
      const decoded = sparkplugB.decode(payloadOf(vector('ddata')), senderOf(GATEWAY, { topic: DDATA, births: heard }));
      expect(valuesOf(decoded.samples)).toEqual([]);
      expect(faultsOf(sparkplugB, decoded.samples)).toEqual(
        [0, 1, 2].map((index) => ({ code: 'sparkplug.no-birth', path: `metrics[${index}]` })),
      );
    }
  });

  it('after a hole aliases are refused, since they may mean something else; names are taken and the hole is told', () => {
    const missed = births({ missed: 'seq 9 came where 3 was next' });
    const decoded = readVector('ddata', missed);
    expect(faultsOf(sparkplugB, decoded.samples).map(({ code }) => code)).toEqual(Array(3).fill('sparkplug.missed'));
    const byName = read(
      aPayload({ timestamp: ARRIVAL_MS, metrics: [aMetric({ name: 'ph', double: 7.1 })] }),
      DDATA,
      missed,
    );
    expect(shown(byName)).toEqual([['ph', 7.1, 0]]);
    expect(byName).toMatchObject({ notes: [{ code: 'sparkplug.missed' }] });
  });

  it('a death says of each number that it is not measured any more, once its device is known', () => {
    const ended = [{ device: 'sonde', birth: BIRTH }];
    const missing = (unit?: string) => ({ value: null, unit, flag: 9 });
    const names = [
      ['ph', missing(), 3],
      ['nh3n', missing(), 3],
      ['temp', missing(), 3],
      ['register', missing('m3'), 3],
      ['do', missing(), 3],
      ['turbidity', missing(), 3],
    ];
    expect(shown(readVector('ddeath', births({ ended })))).toEqual(names);
    // A will has the time of the connection that it was left with: the death is when it comes.
    expect(shown(readVector('ndeath', births({ ended })))).toEqual(names.map(([name, value]) => [name, value, 0]));
    expect(shown(readVector('ddeath'))).toEqual([]);
  });
});

describe('whose metrics', () => {
  const metrics = [aMetric({ name: 'ph', double: 7.1 })];
  const station = (devices: Device[], topic: string, stations = ['a', 'b']) => {
    const decoded = read(
      aPayload({ timestamp: ARRIVAL_MS, metrics }),
      topic,
      undefined,
      gatewayOf({ stations, devices }),
    );
    return valuesOf(decoded.samples)[0]?.station ?? faultsOf(sparkplugB, decoded.samples)[0]?.code;
  };

  it.each<[string, string[]]>([
    ['sonde', ['SNWD/taocha/sonde', 'taocha/sonde', 'sonde']],
    ['the node', ['SNWD/taocha', 'taocha']],
  ])('%s is found by its longer names first', (which, addresses) => {
    const topic = which === 'sonde' ? DDATA : 'spBv1.0/SNWD/NDATA/taocha';
    for (const [index, address] of addresses.entries()) {
      const others = addresses.slice(index + 1).map((other) => ({ address: other, station: 'b' }));
      expect(station([{ address, station: 'a' }, ...others], topic)).toBe('a');
    }
  });

  it('a gateway of one station needs no devices, one of several does', () => {
    expect(station([], DDATA, ['a'])).toBe('a');
    expect(station([], DDATA)).toBe('device.unknown');
    expect(station([{ address: 'other', station: 'a' }], DDATA, ['a'])).toBe('device.unknown');
  });

  it('leaves out what the entry leaves out', () => {
    const devices = [{ address: 'sonde', station: 'a', elements: { ph: null } }];
    expect(station(devices, DDATA)).toBeUndefined();
  });
});

describe('topics', () => {
  it.each([
    ['spBv1.0/G/NDATA/N', { group: 'G', type: 'NDATA', node: 'N', device: null }],
    ['spBv1.0/G/DDEATH/N/D', { group: 'G', type: 'DDEATH', node: 'N', device: 'D' }],
  ])('%s', (topic, parsed) => expect(parseSparkplugTopic(topic)).toEqual(parsed));

  it.each([
    'spBv1.0/G/NCMD/N',
    'spBv1.0/STATE/host',
    'spBv1.0/G/NDATA/N/D',
    'spBv1.0/G/DDATA/N',
    'spBv1.0/G/DDATA/N/',
    'spBv1.0//NDATA/N',
    'spAv1.0/G/NDATA/N',
    'wk/v1/g/readings',
  ])('%s is nothing that a node says', (topic) => {
    expect(parseSparkplugTopic(topic)).toBeNull();
    expect(read(payloadOf(vector('ddata')), topic).fault).toMatchObject({
      code: 'message.malformed',
      message: expect.stringContaining('`topics`'),
    });
  });

  it('a payload that came by no topic can not be placed', () => {
    expect(sparkplugB.decode(payloadOf(vector('ddata')), senderOf(GATEWAY)).fault?.code).toBe('message.malformed');
  });
});

describe('values', () => {
  it.each([
    [1, 0xfdn, -3n],
    [1, 0xfffffffdn, -3n],
    [1, 0x7fn, 127n],
    [1, 0x1ffn, undefined],
    [2, 0xfffdn, -3n],
    [2, 0xfffffffdn, -3n],
    [2, 0x1_0000n, undefined],
    [3, 0xfffffffdn, -3n],
    [7, 0xfffffffdn, 4_294_967_293n],
  ])('32 bits of datatype %i: %i is %i', (datatype, raw, value) => {
    expect(integerOf({ bits: 32, raw }, datatype)).toBe(value);
  });

  it('64 bits are signed by their datatype', () => {
    expect(integerOf({ bits: 64, raw: 2n ** 64n - 5n }, 4)).toBe(-5n);
    expect(integerOf({ bits: 64, raw: 2n ** 64n - 5n }, 8)).toBe(2n ** 64n - 5n);
  });

  it.each([
    [Math.fround(7.9), 7.9],
    [Math.fround(0.2), 0.2],
    [Math.fround(147.32), 147.32],
    [Math.fround(-0.000155), -0.000155],
    [Math.fround(123_456.7), 123_456.7],
    [Math.fround(16_777_217), 16_777_216],
    [0, 0],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])('the float %d is %d', (single, decimal) => expect(shortest(single)).toBe(decimal));

  it('every float comes back from its shortest decimal', () => {
    const view = new DataView(new ArrayBuffer(4));
    for (let bits = 1; bits < 2 ** 32; bits += 4_294_967) {
      view.setUint32(0, bits);
      const single = view.getFloat32(0);
      if (Number.isNaN(single)) continue;
      expect(Math.fround(shortest(single))).toBe(single);
    }
  });

  const one = (metric: Uint8Array, topic = DDATA) =>
    read(aPayload({ timestamp: ARRIVAL_MS, metrics: [metric] }), topic, births({ birth: null }));

  it.each([
    [0, 4],
    [192, undefined],
    [500, 9],
    [524, 'quality 524'],
    [-2_147_483_136, 'quality -2147483136'],
  ])('a quality of %i is the flag %s', (quality, flag) => {
    const [told] = valuesOf(one(aMetric({ name: 'ph', double: 7.1, quality })).samples);
    expect(told?.value).toEqual(flag === undefined ? 7.1 : { value: 7.1, unit: undefined, flag });
  });

  it('an integer without a datatype is nothing before a birth says whether it is signed, and a fault in a birth', () => {
    expect(faultsOf(sparkplugB, one(aMetric({ name: 'temp', int: 3 })).samples)[0]?.code).toBe('sparkplug.no-birth');
    const born = one(aMetric({ name: 'temp', int: 3 }), DBIRTH);
    expect(faultsOf(sparkplugB, born.samples)[0]?.code).toBe('sample.malformed');
  });

  it('a metric without name, alias or value is refused', () => {
    expect(faultsOf(sparkplugB, one(aMetric({ double: 1 })).samples)[0]?.code).toBe('sample.malformed');
    expect(faultsOf(sparkplugB, one(aMetric({ name: 'ph' })).samples)[0]?.code).toBe('sample.malformed');
  });

  it('a metric twice for one time is refused, both times', () => {
    const twice = [aMetric({ name: 'ph', double: 7 }), aMetric({ name: 'ph', double: 8 })];
    const decoded = read(aPayload({ timestamp: ARRIVAL_MS, metrics: twice }));
    expect(faultsOf(sparkplugB, decoded.samples).map(({ code }) => code)).toEqual(['name.repeated', 'name.repeated']);
  });

  it('refuses more than 5,000 values, compressed payloads and what is no Sparkplug', () => {
    const many = Array.from({ length: 5_001 }, (_, n) => aMetric({ name: `p${n}`, double: n }));
    expect(read(aPayload({ metrics: many })).fault?.code).toBe('message.too-many-values');
    const compressed = read(aPayload({ uuid: 'SPBV1.0_COMPRESSED' }));
    expect(compressed.fault?.message).toContain('switch compression off');
    for (const bytes of ['hello', '\u00ff\u00ff', '{"metrics":7}', '{}']) {
      expect(read(Buffer.from(bytes, 'latin1')).fault?.code).toBe('message.malformed');
    }
    expect(read(Buffer.from('1301'.repeat(50_000), 'hex')).fault?.code).toBe('message.malformed');
  });

  it('the command for births is Node Control/Rebirth = true', () => {
    expect(readPayload(rebirthCommand(ARRIVAL_MS))).toMatchObject({
      timestamp: ARRIVAL_MS,
      metrics: [{ name: 'Node Control/Rebirth', datatype: 11, value: true }],
    });
  });
});

describe('what is kept of a message', () => {
  const UNKNOWN = gatewayOf({ stations: ['a', 'b'] });

  it('is read again to the same values once the device is known, whatever aliases mean by then', () => {
    for (const name of ['dbirth', 'ddata', 'ddata-historical']) {
      const known = readVector(name);
      const refused = read(payloadOf(vector(name)), vector(name).topic, births(), UNKNOWN);
      expect(valuesOf(refused.samples)).toEqual([]);
      const parts = refused.samples!.map((sample) => ({ sample, names: sample.values && Object.keys(sample.values) }));
      const later = senderOf(GATEWAY, { arrivalMs: ARRIVAL_MS + 1e6 });
      const again = sparkplugB.decode(sparkplugB.excerptOfSeveral(parts), later);
      expect(valuesOf(again.samples)).toEqual(valuesOf(known.samples));
      const alone = parts.flatMap(({ sample, names }) =>
        valuesOf(sparkplugB.decode(sparkplugB.excerpt(sample, names), later).samples),
      );
      expect(alone).toEqual(valuesOf(known.samples));
    }
  });

  it('stays refused where nobody knows what the alias was', () => {
    const refused = readVector('ddata', births({ birth: null }));
    const again = sparkplugB.decode(sparkplugB.excerpt(refused.samples![0]!, null), senderOf(GATEWAY));
    expect(faultsOf(sparkplugB, again.samples).map(({ code }) => code)).toEqual(['sparkplug.no-birth']);
  });

  it('NaN stays NaN, and is not made null', () => {
    const refused = read(aPayload({ timestamp: ARRIVAL_MS, metrics: [aMetric({ name: 'ph', double: Number.NaN })] }));
    const again = sparkplugB.decode(sparkplugB.excerpt(refused.samples![0]!, ['ph']), senderOf(GATEWAY));
    expect(valuesOf(again.samples)[0]?.value).toBe('NaN');
  });
});

describe('any bytes', () => {
  it('are read or refused, and nothing is thrown', () => {
    const seeds = VECTORS.map(payloadOf);
    for (const bytes of mangled(seeds, FUZZ_FRAMES)) {
      const decoded = read(bytes);
      for (const sample of decoded.samples ?? [])
        sparkplugB.decode(sparkplugB.excerpt(sample, null), senderOf(GATEWAY));
    }
  }, 600_000);
});
