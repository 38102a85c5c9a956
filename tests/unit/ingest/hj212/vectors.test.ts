/** Frames from public code and of our own making: tests/cases/protocols/hj212, each with its source. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checksumOf, hex4, variantOf } from '#ingest/codecs/hj212/checksum.ts';
import { createFramer } from '#ingest/codecs/hj212/framer.ts';
import { hj212 } from '#ingest/codecs/hj212/index.ts';
import { open, segmentIn } from '#ingest/codecs/hj212/segment.ts';
import { hj212Stream } from '#ingest/codecs/hj212/stream.ts';
import { frameOf, gatewayOf, readingsIn, senderOf } from '#tests/helpers/ingest/hj212.ts';

const ROOT = fileURLToPath(new URL('../../../cases/protocols/hj212/', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(`${ROOT}${name}`, 'utf8'));

interface Vector {
  frame: string;
  crc_ok: boolean;
  length_ok: boolean;
  crc_computed: string;
  crc_variant?: string;
}
const frames: Vector[] = [...read('vectors.json').frames, ...read('earlier-vectors.json').vectors];

/** What the sender's own entry would be. */
const senderFor = (frame: Uint8Array) => senderOf({ identity: { mn: segmentIn(frame).mn ?? 'none' } });
const NAMES: Record<string, string> = { w01001: 'ph', w01009: 'do', w21003: 'nh3n', w21011: 'tp' };

describe('the checksum of annex A', () => {
  it.each([
    ['123456789', '2F80'],
    ['', 'FFFF'],
    ['QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&', '1C80'],
    ['QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&', '2200'],
    ['QN=20160801085857223;ST=21;CN=1062;PW=123456;MN=A220582_0001;Flag=9;CP=&&RtdInterval=10&&', 'E381'],
  ])('of %s is %s', (text, crc) => expect(hex4(checksumOf(Buffer.from(text)))).toBe(crc));

  it('is not that of Modbus, which is known by its name', () => {
    expect(variantOf(Buffer.from('123456789'), 0x4b37)).toBe('modbus');
    expect(variantOf(Buffer.from('123456789'), 0x374b)).toBe('modbus-low-first');
  });
});

describe.each(frames)('$frame', ({ frame, crc_ok, length_ok, crc_computed, crc_variant }) => {
  const bytes = Buffer.from(`${frame.trimEnd()}\r\n`);
  const result = readingsIn(bytes, senderFor(bytes));

  it('is taken exactly when its checksum is right, whatever its length', () => {
    expect(hex4(checksumOf(bytes, 6, bytes.length - 6))).toBe(crc_computed);
    expect(result.fault === null).toBe(crc_ok);
    if (!crc_ok) expect(result.fault?.code).toBe('message.checksum');
    if (crc_variant === 'modbus, bytes swapped')
      expect(result.fault?.message).toContain('CRC is Modbus, low byte first');
    expect(result.notes.includes('message.length')).toBe(crc_ok && !length_ok);
  });

  it('is one sound frame to a connection, exactly then', () => {
    const framer = createFramer();
    const found = [...framer.push(bytes), ...framer.end()];
    expect(found.map(({ kind }) => kind)).toEqual(['frame']);
    const [piece] = found;
    expect(piece?.kind === 'frame' && hj212Stream.heading(piece.bytes).isSound).toBe(crc_ok);
  });
});

it('the split message of the field gives all values at its time', () => {
  const [first, second] = frames.filter(({ frame }) => /PNO=\d;PNUM=2/.test(frame)).map(({ frame }) => `${frame}\r\n`);
  const { values } = readingsIn(Buffer.from(first! + second!), senderOf({ identity: { mn: 'DM000001' } }));
  expect(values).toHaveLength(8);
  expect(new Set(values.map(({ time }) => time))).toEqual(new Set([Date.UTC(2019, 11, 25, 7, 52)]));
  expect(values.find(({ name }) => name === 'w01019')?.value).toEqual({ value: 91.579, flag: 'N' });
});

interface Case {
  name: string;
  base64: string;
  expect: {
    values?: Record<string, number> | number;
    answer?: string | null;
    answerFlag?: number;
    dataTime?: string;
    time?: string;
    reject?: string;
    variant?: string;
    log?: string;
    frames?: number;
    pending?: number;
    key_hex?: string;
  };
}
const cases: Case[] = read('synthetic.json').cases;

describe.each(cases)('$name', ({ base64, expect: expected }) => {
  const bytes = Buffer.from(base64, 'base64');
  const key = expected.key_hex && Buffer.from(expected.key_hex, 'hex').toString('latin1');
  const sender = senderOf(key ? { identity: { mn: 'A410000_0007', sm4Key: key } } : {});
  const result = readingsIn(bytes, sender);
  const taken = Object.fromEntries(
    result.values.map(({ name, value }) => [NAMES[name] ?? name, (value as { value?: unknown })?.value ?? value]),
  );

  it('has these values', () => {
    if (expected.reject === 'crc') return expect(result.fault?.code).toBe('message.checksum');
    if (typeof expected.values === 'object') expect(taken).toMatchObject(expected.values);
    if (typeof expected.values === 'number') expect(result.values).toHaveLength(expected.values);
    const time = expected.time ?? expected.dataTime;
    if (time) expect(result.values[0]?.time).toBe(Date.parse(time));
    expect(result.fault).toBeNull();
  });

  it('is answered so', () => {
    const framer = createFramer();
    const found = [...framer.push(bytes), ...framer.end()].filter((piece) => piece.kind === 'frame');
    const answered = hj212Stream.answer(found[0]!.bytes, 'durable', 0);
    const text = answered && Buffer.from(answered).toString('latin1');
    if (expected.answer !== undefined) expect(text).toBe(expected.answer);
    if (expected.answerFlag !== undefined) expect(text).toContain(`;Flag=${expected.answerFlag};CP=&&&&`);
    expect(hj212Stream.answer(found[0]!.bytes, 'unreadable', 0)).toBeNull();
  });
});

const caseOf = (name: string) => Buffer.from(cases.find((one) => one.name.startsWith(name))!.base64, 'base64');

it('the empty value is nothing measured, under its letter', () => {
  const { values } = readingsIn(caseOf('maintenance'));
  expect(values.map(({ name, value }) => [name, value])).toEqual([
    ['w21003', { value: null, flag: 'M' }],
    ['w01001', { value: 8.1, flag: 'N' }],
  ]);
});

it('the wrong checksum is named', () => {
  expect(readingsIn(caseOf('Modbus CRC')).fault?.message).toMatch(/: CRC is Modbus; set `dialect.hj212.checksum`/);
  expect(readingsIn(caseOf('Modbus CRC, bytes swapped')).fault?.message).toContain('CRC is Modbus, low byte first');
  expect(readingsIn(caseOf('one bit wrong')).fault?.message).not.toContain('CRC is');
  const allowed = senderOf({ dialect: { hj212: { checksum: 'modbus-low-first' } } });
  expect(readingsIn(caseOf('Modbus CRC, bytes swapped'), allowed).values).toHaveLength(3);
  expect(readingsIn(caseOf('Modbus CRC'), allowed).fault?.code).toBe('message.checksum');
});

it('the log in GBK is read and is no reading', () => {
  const bytes = caseOf('GBK');
  const { samples, notes } = readingsIn(bytes);
  expect([samples.length, notes]).toEqual([0, ['message.no-readings']]);
  const decoded = hj212.decode(bytes, senderOf());
  expect(decoded.fault === null && decoded.notes?.[0]?.message).toContain('采水泵故障');
});

it('the stream gives two frames, and the third once its rest has come', () => {
  const bytes = caseOf('stream');
  const framer = createFramer();
  const found = framer.push(bytes);
  expect(found.map(({ kind }) => kind)).toEqual(['noise', 'frame', 'frame']);
  const rest = bytes.subarray(bytes.lastIndexOf('##'));
  expect(rest).toHaveLength(90);
  const whole = Buffer.from(caseOf('hour 2061')).toString('latin1').replace('000001;ST', '000017;ST');
  const missing = Buffer.from(whole).subarray(90);
  expect(framer.push(missing).map(({ kind }) => kind)).toEqual(['frame']);
});

describe('SM4', () => {
  const { key_hex, examples } = read('vectors.json').hj212_2025_encryption;
  const key = Buffer.from(key_hex, 'hex');

  it.each((examples as { plain_region?: string; cipher_hex: string; plain_tail: string; crc: string }[]).slice(0, 2))(
    'the example of the standard with CRC $crc is decrypted',
    ({ plain_region, cipher_hex, plain_tail }) => {
      const head = 'QN=20240520210601011;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&';
      const plain = Buffer.from(`${head}${plain_region}&&`);
      const body = Buffer.concat([Buffer.from(cipher_hex, 'hex'), Buffer.from(plain_tail)]);
      const sent = Buffer.concat([Buffer.from(head), body, Buffer.from('&&')]);
      const frame = frameOf(sent, { checksum: hex4(checksumOf(plain)) }).subarray(0, -2);
      const opened = open(frame, segmentIn(frame), key.toString('latin1'), undefined);
      expect(opened.fault === null && Buffer.from(opened.body).toString()).toBe(plain_region);
    },
  );

  it('asks for the key, and says that it is another one', () => {
    const bytes = caseOf('SM4');
    expect(readingsIn(bytes).fault).toMatchObject({
      code: 'message.encrypted',
      message: expect.stringMatching('sm4Key'),
    });
    const other = senderOf({ identity: { mn: 'A410000_0007', sm4Key: 'another-old-key!' } });
    expect(readingsIn(bytes, other).fault?.message).toContain('another key');
    const heading = (gateway?: ReturnType<typeof gatewayOf>) => hj212Stream.heading(bytes.subarray(0, -2), gateway);
    expect(heading().isSound).toBe(false);
    expect(heading(gatewayOf({ identity: { mn: 'x', sm4Key: key.toString('latin1') } })).isSound).toBe(true);
  });
});
