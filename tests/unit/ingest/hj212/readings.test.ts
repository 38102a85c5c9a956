/** What of a frame is a reading, of whom, when and in which unit. */
import { describe, expect, it } from 'vitest';
import { hj212 } from '#ingest/codecs/hj212/index.ts';
import { frameOf, readingsIn, segmentOf, senderOf } from '#tests/helpers/ingest/hj212.ts';

const AT = 'DataTime=20261130070000';
const hour = (area: string) => frameOf(segmentOf('2061', `${AT};${area}`));
const AT_MS = Date.parse('2026-11-30T07:00:00+08:00');
const plain = (payload: Uint8Array, sender = senderOf()) =>
  readingsIn(payload, sender).values.map(({ name, value }) => [name, value]);

describe('which fields and commands', () => {
  it('means are readings; the smallest, the largest and sums are not', () => {
    const area = 'w01001-Min=7.9,w01001-Avg=8.0,w01001-Max=8.1;w21003-Min=0.1,w21003-Max=0.2,w21003-Cou=5.5';
    expect(plain(hour(area))).toEqual([['w01001', 8]]);
  });

  it('days are left out unless the entry takes them, and the answer says so', () => {
    const day = frameOf(segmentOf('2031', `${AT};w01001-Avg=8.0`));
    expect(readingsIn(day)).toMatchObject({ values: [], notes: ['message.no-readings'] });
    const taken = senderOf({ dialect: { hj212: { readings: ['2031'] } } });
    expect(readingsIn(day, taken).samples).toMatchObject([{ time: AT_MS, values: { w01001: 8 } }]);
    expect(readingsIn(day, taken).samples[0]?.period).toBeUndefined();
    expect(readingsIn(hour('w01001-Avg=8.0'), taken).values).toEqual([]);
  });

  it("the station's own dialect goes before its gateway's", () => {
    const gateway = { dialect: { hj212: { readings: ['2011' as const] } } };
    const own = { dialectOf: () => ({ hj212: { readings: ['2061' as const] } }) };
    expect(plain(hour('w01001-Avg=8.0'), senderOf(gateway))).toEqual([]);
    expect(plain(hour('w01001-Avg=8.0'), senderOf(gateway, own))).toEqual([['w01001', 8]]);
  });

  it('a mean knows its period, which ends at its time where the dialect says so', () => {
    const [start] = readingsIn(hour('w01001-Avg=8.0')).samples;
    expect(start?.period).toEqual({ fromMs: AT_MS, toMs: AT_MS + 3_600_000 });
    const [end] = readingsIn(hour('w01001-Avg=8.0'), senderOf({ dialect: { stamps: 'end' } })).samples;
    expect(end).toMatchObject({ time: AT_MS, period: { fromMs: AT_MS - 3_600_000, toMs: AT_MS } });
    const [listed] = readingsIn(
      hour('w01001-Avg=8.0'),
      senderOf({ dialect: { hj212: { readings: ['2061'] } } }),
    ).samples;
    expect(listed?.period).toBeUndefined();
    const [instant] = readingsIn(frameOf(segmentOf('2011', `${AT};w01001-Rtd=8.0`))).samples;
    expect(instant?.period).toBeUndefined();
  });

  it('what an analyser found is of when it took its water', () => {
    const area = `DataTime=20261130073000;w21003-SampleTime=20261130040000,w21003-Rtd=0.2;w01001-Rtd=8.1`;
    const { samples } = readingsIn(frameOf(segmentOf('2011', area)));
    expect(samples.map(({ time, values }) => [time, values])).toEqual([
      [Date.parse('2026-11-30T04:00:00+08:00'), { w21003: 0.2 }],
      [Date.parse('2026-11-30T07:30:00+08:00'), { w01001: 8.1 }],
    ]);
  });

  it('a letter alone says that nothing was measured; a letter of the whole frame is that of each value', () => {
    expect(plain(hour('w21003-Flag=M'))).toEqual([['w21003', { value: null, flag: 'M' }]]);
    expect(plain(hour('w21003-Avg=0.2;Flag=M'))).toEqual([['w21003', { value: 0.2, flag: 'M' }]]);
  });

  it('a name that says two things is refused alone, one that says the same twice is taken', () => {
    const { values } = readingsIn(hour('w21003-Avg=0.2;w21003-Avg=0.3;w01001-Avg=8;w01001-Avg=8'));
    expect(values.map(({ name, fault }) => [name, fault?.code])).toEqual([
      ['w21003', 'name.repeated'],
      ['w01001', undefined],
    ]);
  });

  it('text is left to the door to read or to refuse', () => {
    expect(plain(hour('w21003-Avg=<0.02;w01001-Avg=n/a;w01009-Avg=0x1F'))).toEqual([
      ['w21003', '<0.02'],
      ['w01001', 'n/a'],
      ['w01009', '0x1F'],
    ]);
  });

  it('names may be in GBK', () => {
    // 氨氮 (ammonia nitrogen).
    const name = Buffer.from([0xb0, 0xb1, 0xb5, 0xaa]);
    const segment = Buffer.concat([
      Buffer.from(segmentOf('2061', `${AT};`).slice(0, -2)),
      name,
      Buffer.from('-Avg=0.2&&'),
    ]);
    expect(plain(frameOf(segment))).toEqual([['氨氮', 0.2]]);
  });
});

describe('times', () => {
  const timeOf = (stamp: string) => readingsIn(frameOf(segmentOf('2061', `DataTime=${stamp};w01001-Avg=8`))).values[0];

  it.each(['20261131070000', '20261130240000', '20261130076000', '2026113007', 'yesterday', '20261301000000'])(
    '%s is none',
    (stamp) => expect(timeOf(stamp)?.fault).toMatchObject({ code: 'time.malformed' }),
  );

  it('odd seconds are kept', () =>
    expect(timeOf('20201129210001')?.time).toBe(Date.parse('2020-11-29T21:00:01+08:00')));

  it('none at all is a fault of the sample, of a part without its first one that of the message', () => {
    expect(readingsIn(frameOf(segmentOf('2061', 'w01001-Avg=8'))).values[0]?.fault?.code).toBe('sample.malformed');
    const part = segmentOf('2061', 'w01001-Avg=8', 'PNUM=2;PNO=2;');
    expect(readingsIn(frameOf(part)).values[0]?.fault).toMatchObject({
      code: 'message.incomplete',
      message: expect.stringContaining('in one payload'),
    });
  });
});

describe('parts', () => {
  const part = (number: number, area: string, qn = '20261130080000001') =>
    frameOf(segmentOf('2061', area, `PNUM=2;PNO=${number};`).replace(/QN=\d+/, `QN=${qn}`));

  it('share the time of one of them in either order, and only within their message', () => {
    const [first, second] = [part(1, `${AT};w01001-Avg=8`), part(2, 'w21003-Avg=0.2')];
    for (const payload of [Buffer.concat([first, second]), Buffer.concat([second, first])]) {
      expect(readingsIn(payload).values.map(({ time }) => time)).toEqual([AT_MS, AT_MS]);
    }
    const foreign = part(2, 'w21003-Avg=0.2', '20261130080000002');
    const { values } = readingsIn(Buffer.concat([first, foreign]));
    expect(values.map(({ fault }) => fault?.code)).toEqual([undefined, 'message.incomplete']);
  });
});

describe('units', () => {
  const trace = 'w20120-Avg=0.11';

  it('of trace metals are asked for at surface-water stations, and those of table B.1 elsewhere', () => {
    expect(readingsIn(hour(trace)).values[0]?.fault).toMatchObject({
      code: 'unit.unstated',
      message: expect.stringContaining('dialect.hj212.traceUnits'),
    });
    const river = (traceUnits: 'B.1' | 'mg/L') => senderOf({ dialect: { hj212: { traceUnits } } });
    expect(plain(hour(trace), river('B.1'))).toEqual([['w20120', { value: 0.11, unit: 'ug/L' }]]);
    expect(plain(hour(trace), river('mg/L'))).toEqual([['w20120', { value: 0.11, unit: 'mg/L' }]]);
    const outfall = frameOf(segmentOf('2061', `${AT};${trace};w00000-Avg=12`).replace('ST=21', 'ST=32'));
    expect(plain(outfall)).toEqual([
      ['w20120', { value: 0.11, unit: 'ug/L' }],
      ['w00000', { value: 12, unit: 'L/s' }],
    ]);
  });

  it('are what the entry of the device says, as are names; null leaves one out', () => {
    const elements = {
      w00000: { parameter: 'flow', unit: 'm3/s' },
      w20120: { parameter: 'pb', unit: 'mg/L' },
      w99999: null,
      'w00000-Cou': { parameter: 'register', unit: 'm3' },
    };
    const sender = senderOf({ identity: {}, devices: [{ address: 'A410000_0007', station: 'taocha', elements }] });
    const payload = hour('w00000-Avg=12,w00000-Cou=4711;w20120-Avg=0.1;w99999-Avg=1');
    expect(readingsIn(payload, sender).samples).toMatchObject([
      {
        values: {
          'w00000-Cou': { value: 4711, unit: 'm3' },
          w00000: { value: 12, unit: 'm3/s' },
          w20120: { value: 0.1, unit: 'mg/L' },
        },
        means: { 'w00000-Cou': 'register', w00000: 'flow', w20120: 'pb' },
      },
    ]);
  });

  it('old numeric codes of air systems are no water', () => {
    const air = frameOf(segmentOf('2061', `${AT};031-Avg=12;a34004-Avg=9`).replace('ST=21', 'ST=31'));
    expect(plain(air).map(([name]) => name)).toEqual(['ST31/031', 'a34004']);
  });
});

describe('quality controls are no water', () => {
  const control = (payload: Uint8Array, sender = senderOf()) =>
    readingsIn(payload, sender).values.map(({ name, value, control: found }) => [name, value, found]);

  it.each([
    ['2062', 'w21003-Check=0.51,w21003-StandardValue=0.5,w21003-Flag=N', { kind: 'standard', standard: 0.5 }],
    [
      '2063',
      'w21003-Check=0.71,w21003-WaterTime=20261130040000,w21003-Water=0.2,w21003-Flag=N',
      { kind: 'recovery', water: 0.2, waterMs: Date.parse('2026-11-30T04:00:00+08:00') },
    ],
    ['2064', 'w21003-Check=0.21,w21003-Water=0.2,w21003-Flag=N', { kind: 'parallel', water: 0.2 }],
    ['2065', 'w21003-Check=0.00,w21003-StandardValue=0,w21003-Flag=N', { kind: 'zero', standard: 0 }],
    ['2066', 'w21003-Check=1.9,w21003-SpanValue=2,w21003-Flag=N', { kind: 'span', standard: 2 }],
  ])('CN %s', (cn, area, expected) => {
    const found = control(frameOf(segmentOf(cn, `${AT};${area}`)));
    expect(found).toHaveLength(1);
    expect(found[0]![2]).toMatchObject(expected);
  });

  it('CN 2062 is a calibration where pollution sources are reported, whatever Flag says', () => {
    const frame = segmentOf('2062', `${AT};w21003-Check=0.5`);
    expect(control(frameOf(frame.replace('ST=21', 'ST=32')))[0]![2]).toMatchObject({ kind: 'calibration' });
    const told = senderOf({ dialect: { hj212: { commands: 'pollution-source' } } });
    expect(control(frameOf(frame), told)[0]![2]).toMatchObject({ kind: 'calibration' });
    const surface = senderOf({ dialect: { hj212: { commands: 'surface-water' } } });
    expect(control(frameOf(frame.replace('ST=21', 'ST=32')), surface)[0]![2]).toMatchObject({ kind: 'standard' });
  });

  it.each([
    ['sc', 'standard'],
    ['cz', 'zero'],
    ['cs', 'span'],
  ])('the letter %s of the regional variant', (letter, kind) => {
    for (const cn of ['2061', '2051']) {
      const frame = segmentOf(cn, `${AT};w21003-Avg=0.00,w21003-Flag=${letter}`).replace('Flag=9', 'Flag=1');
      expect(control(frameOf(frame))[0]![2]).toMatchObject({ kind });
    }
  });

  it('letters of the entry are added, and one that is explained is what it is explained as', () => {
    const own = senderOf({ dialect: { hj212: { qc: { jz: 'calibration' } }, letters: { sc: 'usual' } } });
    const found = control(hour('w21003-Avg=1,w21003-Flag=jz;w01001-Avg=8,w01001-Flag=sc'), own);
    expect(found.map(([name, , kind]) => [name, (kind as { kind?: string } | undefined)?.kind])).toEqual([
      ['w21003', 'calibration'],
      ['w01001', undefined],
    ]);
  });
});

describe('whose a frame is', () => {
  it('an MN that no entry names is asked for, and so is the right password', () => {
    const frame = hour('w01001-Avg=8');
    expect(readingsIn(frame, senderOf({ identity: {} })).fault).toMatchObject({ code: 'device.unknown' });
    expect(readingsIn(frame, { ...senderOf(), gateway: undefined }).fault?.message).toContain('as a gateway');
    const locked = senderOf({ identity: { mn: 'A410000_0007', password: '654321' } });
    expect(readingsIn(frame, locked).fault?.code).toBe('device.password');
  });

  it('of several devices each has its station', () => {
    const other = hour('w01001-Avg=7').toString('latin1').replace('A410000_0007', 'B410000_0007').slice(6, -6);
    const devices = ['A', 'B'].map((letter) => ({ address: `${letter}410000_0007`, station: `station-${letter}` }));
    const payload = Buffer.concat([hour('w01001-Avg=8'), frameOf(other)]);
    const { samples } = readingsIn(payload, senderOf({ identity: {}, stations: ['station-A', 'station-B'], devices }));
    expect(samples.map(({ station }) => station)).toEqual(['station-A', 'station-B']);
  });
});

describe('what is no frame', () => {
  it('is refused, and JSON is told what to do', () => {
    expect(readingsIn(Buffer.from('hello')).fault?.code).toBe('message.malformed');
    expect(readingsIn(Buffer.from('{"station":"taocha"}')).fault?.message).toContain('`protocol`');
  });

  it('of several frames a damaged one is refused alone', () => {
    const damaged = frameOf(segmentOf('2061', `${AT};w21003-Avg=9`), { checksum: '0000' });
    const { samples, fault } = readingsIn(Buffer.concat([damaged, hour('w01001-Avg=8')]));
    expect(fault).toBeNull();
    expect(samples.map((sample) => sample.fault?.code)).toEqual(['message.checksum', undefined]);
  });

  it('an excerpt holds its values alone, and can be read again', () => {
    const payload = hour('w01001-Avg=8;w21003-Avg=0.2');
    const decoded = hj212.decode(payload, senderOf());
    const excerpt = hj212.excerpt(decoded.samples![0]!, ['w21003']);
    expect(plain(excerpt)).toEqual([['w21003', 0.2]]);
    expect(hj212.path(decoded.samples![0]!, 'w21003')).toBe('samples[0].w21003');
  });
});
