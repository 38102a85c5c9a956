/** What a station is told and asked over its connection. */
import { expect, it } from 'vitest';
import { hj212Stream } from '#ingest/codecs/hj212/stream.ts';
import { frameOf, gatewayOf, MN, segmentOf } from '#tests/helpers/ingest/hj212.ts';

const bare = (frame: Buffer) => frame.subarray(0, -2);
const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('latin1');
const NOW_MS = Date.parse('2026-11-30T08:00:00.123+08:00');
const report = bare(frameOf(segmentOf('2061', 'DataTime=20261130070000;w01001-Avg=8')));

it('a heading says whose a frame is, what it belongs to and by what it is known again', () => {
  expect(hj212Stream.heading(report)).toEqual({
    address: MN,
    password: '123456',
    kind: 'report',
    part: null,
    repeatKey: `${MN} 20261130080000001 2061 1`,
    isSound: true,
  });
  const part = bare(frameOf(segmentOf('2061', 'w01001-Avg=8', 'PNO=2;PNUM=3;')));
  expect(hj212Stream.heading(part)).toMatchObject({
    part: { joins: `${MN} 20261130080000001 2061`, number: 2, total: 3 },
    repeatKey: `${MN} 20261130080000001 2061 2`,
  });
});

it.each([
  ['2011', 'report'],
  ['3020', 'report'],
  ['9015', 'heartbeat'],
  ['9011', 'reply'],
  ['9012', 'reply'],
  ['1011', 'unknown'],
])('CN %s is a %s', (cn, kind) => {
  expect(hj212Stream.heading(bare(frameOf(segmentOf(cn, '')))).kind).toBe(kind);
});

it('of a damaged frame it says what can be read', () => {
  const damaged = Buffer.from(report);
  damaged[damaged.length - 1] = 0x30;
  expect(hj212Stream.heading(damaged)).toMatchObject({ address: MN, isSound: false });
  expect(hj212Stream.heading(Buffer.from('##0000'))).toMatchObject({ address: null, isSound: false });
});

it('a checksum that the entry allows is sound', () => {
  const swapped = bare(frameOf(segmentOf('9015', ''), { checksum: '1CE4' }));
  const dialect = { hj212: { checksum: 'modbus-low-first' as const } };
  const asModbus = Buffer.from(swapped);
  asModbus.set(Buffer.from(modbusOf(swapped.subarray(6, -4))), swapped.length - 4);
  expect(hj212Stream.heading(asModbus).isSound).toBe(false);
  expect(hj212Stream.heading(asModbus, gatewayOf({ dialect })).isSound).toBe(true);
});

function modbusOf(bytes: Uint8Array): string {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  const swapped = ((crc & 0xff) << 8) | (crc >> 8);
  return swapped.toString(16).toUpperCase().padStart(4, '0');
}

it.each([
  [9, '8', '2061', '9014'],
  [5, '4', '2061', '9014'],
  [1, '0', '2061', '9014'],
  [11, '8', '2061', '9014'],
  [9, '8', '9015', '9013'],
])('Flag %i is answered with %s: CN %s by %s', (flag, answered, cn, by) => {
  const frame = bare(frameOf(segmentOf(cn, '').replace('Flag=9', `Flag=${flag}`)));
  const answer = text(hj212Stream.answer(frame, 'durable', NOW_MS));
  expect(answer).toContain(`QN=20261130080000001;ST=91;CN=${by};PW=123456;MN=${MN};Flag=${answered};CP=&&&&`);
});

it.each(['Flag=8', 'Flag=4'])('%s wants no answer, replies get none', (flag) => {
  expect(hj212Stream.answer(bare(frameOf(segmentOf('2061', '').replace('Flag=9', flag))), 'durable', 0)).toBeNull();
  expect(hj212Stream.answer(bare(frameOf(segmentOf('9012', 'ExeRtn=1'))), 'durable', 0)).toBeNull();
});

it('a period is asked for in the edition that the station speaks, a day a request', () => {
  const [from, to] = [Date.parse('2026-11-28T00:00:00+08:00'), Date.parse('2026-11-29T06:00:00+08:00')];
  const asked = { address: MN, password: '123456', heard: report };
  const requests = hj212Stream.request!(asked, from, to, NOW_MS)!.map(text);
  expect(requests).toHaveLength(2);
  expect(requests[0]).toContain(
    `QN=20261130080000123;ST=21;CN=2061;PW=123456;MN=${MN};Flag=9;CP=&&BeginTime=20261128000000,EndTime=20261129000000&&`,
  );
  expect(requests[1]).toContain('BeginTime=20261129000000,EndTime=20261129060000');
  const outfall = bare(frameOf(segmentOf('2011', '').replace('ST=21', 'ST=32').replace('Flag=9', 'Flag=5')));
  const minutes = hj212Stream.request!({ ...asked, heard: outfall }, from, from + 3_600_000, NOW_MS)!.map(text);
  expect(minutes[0]).toContain(`ST=32;CN=2051;PW=123456;MN=${MN};Flag=5;`);
  const hours = gatewayOf({ dialect: { hj212: { readings: ['2011', '2061'] } } });
  const told = hj212Stream.request!({ ...asked, heard: outfall, gateway: hours }, from, from + 1, NOW_MS)!;
  expect(text(told[0]!)).toContain('CN=2061');
});

it('a clock is set by 1012, by 1014 only where the entry says surface water', () => {
  const asked = { address: MN, password: '123456', heard: report };
  expect(text(hj212Stream.setClock!(asked, NOW_MS))).toContain(';CN=1012;');
  expect(text(hj212Stream.setClock!(asked, NOW_MS))).toContain('CP=&&SystemTime=20261130080000&&');
  const gateway = gatewayOf({ dialect: { hj212: { commands: 'surface-water' } } });
  expect(text(hj212Stream.setClock!({ ...asked, gateway }, NOW_MS))).toContain(';CN=1014;');
});
