/** SL 651 and SZY 206 through the whole door: taken, noted, refused for want of an entry, and replayed once it is mended. */
import { describe, expect, it } from 'vitest';
import { crc16 } from '#ingest/codecs/sl651/crc.ts';
import { frameOf } from '#ingest/codecs/szy206/frame.ts';
import { type ApiRig, GATEWAY, NOW_MS, startApi } from '#tests/helpers/api.ts';
import { hex } from '#tests/helpers/ingest/protocols.ts';

const ADDRESS = '0012345678';
const METER = '5301020100';
const BINARY = { 'content-type': 'application/octet-stream' };

function report(elements: string): Buffer {
  const inner = hex(`0007 261122075005 F1F1 ${ADDRESS} 51 F0F0 2611220750 ${elements}`);
  const length = inner.length.toString(16).padStart(4, '0');
  const covered = Buffer.concat([hex(`7E7E 01 ${ADDRESS} 1234 32 ${length} 02`), inner, hex('03')]);
  const crc = crc16(covered);
  return Buffer.concat([covered, Buffer.from([crc >> 8, crc & 0xff])]);
}

/** Flow and total of 21 November, 23:00, without month and year. */
const TOTAL = frameOf(0xb3, METER, 0xc0, hex('0059000000 8261100000 00000000 0000232100'));

const put = (rig: ApiRig, body: object) =>
  rig.call('PUT', `/api/v1/gateways/${GATEWAY.id}`, { body: { stations: ['taocha'], ...body } });
const send = (rig: ApiRig, body: Uint8Array, url = '/api/v1/readings') =>
  rig.call('POST', url, { as: 'gateway', body: Buffer.from(body) as never, headers: BINARY });
const replay = (rig: ApiRig, id: string) => rig.call('POST', `/api/v1/quarantine/${id}/replay`, { as: 'engineer' });
const latest = (rig: ApiRig, parameter: string) => {
  const series = rig.reader.seriesByName('taocha', parameter);
  return series && rig.deps.door.latest(series.id);
};

describe('SL 651', () => {
  const devices = [{ address: ADDRESS, station: 'taocha' }];

  it('is taken, converted and counted; what is sent again is a duplicate', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'sl651', devices });
    const frame = report('3923 00014732 571B 000012 4611FFFF 2619 003113');
    const answer = await send(rig, frame);
    expect([answer.statusCode, answer.json()]).toMatchObject([
      202,
      { accepted: 3, quarantined: [], warnings: [{ code: 'element.left-out' }] },
    ]);
    expect(latest(rig, 'level')).toMatchObject({ timeMs: Date.parse('2026-11-22T07:50:00+08:00'), value: 14.732 });
    expect(latest(rig, 'chla')?.value).toBeCloseTo(12, 12);
    expect(latest(rig, 'ph')).toMatchObject({ value: null, flag: 9 });
    expect((await send(rig, frame)).json()).toMatchObject({ accepted: 0, duplicates: 3 });
  });

  it('asks for what the entry must say, and takes it by replay once it does', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'sl651', devices });
    const answer = (await send(rig, report('3923 00014732 FF33 11 0205 3B23 00015000'))).json();
    expect(answer).toMatchObject({
      accepted: 1,
      quarantined: [
        { code: 'element.unknown', path: 'samples[0].FF33' },
        { code: 'element.unknown', path: 'samples[0].3B' },
      ],
    });
    const elements = { FF33: { parameter: 'temp', unit: '°C' } };
    await put(rig, { protocol: 'sl651', devices: [{ ...devices[0], elements }] });
    const [first, second] = answer.quarantined;
    expect((await replay(rig, first.quarantineId)).json()).toMatchObject({ accepted: 1, quarantined: [] });
    expect((await replay(rig, second.quarantineId)).json()).toMatchObject({
      accepted: 0,
      quarantined: [{ code: 'element.unknown' }],
    });
    expect(latest(rig, 'temp')?.value).toBe(20.5);
  });

  it('a clock that was never set is told by the year 59', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'sl651', devices });
    const frame = hex('7E7E010012345678123432001D020007590101000005F1F1001234567848F0F05901010000392300014732031C58');
    expect((await send(rig, frame)).json()).toMatchObject({ accepted: 0, quarantined: [{ code: 'time.impossible' }] });
  });

  it('two identifiers that an entry makes one parameter are both refused', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'sl651', devices });
    const answer = (await send(rig, report('361B 000110 371B 000120'))).json();
    expect(answer.quarantined.map(({ code }: { code: string }) => code)).toEqual(['name.repeated', 'name.repeated']);
  });

  it('a wrong checksum is answered with its name and quarantined with its frame', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'sl651', devices });
    const frame = report('3923 00014732');
    const swapped = Buffer.concat([frame.subarray(0, -2), frame.subarray(-2).toReversed()]);
    const answer = await send(rig, swapped);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'message.checksum']);
    expect(answer.json().detail).toContain('CRC is Modbus, low byte first');
    expect(rig.reader.quarantine.get(answer.json().quarantineId)?.payload).toEqual(Uint8Array.from(swapped));
  });

  it('POST /decode says what would become of a frame', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'sl651', identity: { stationAddress: ADDRESS } });
    const text = report('3923 00014732 2619 003113').toString('hex');
    const headers = { 'content-type': 'text/plain' };
    const answer = await rig.call('POST', `/api/v1/decode?gateway=${GATEWAY.id}`, {
      as: 'viewer',
      body: text as never,
      headers,
    });
    expect(answer.json()).toMatchObject({
      readings: [{ station: 'taocha', parameter: 'level', time: '2026-11-21T23:50:00.000Z', value: 14.732 }],
      faults: [{ code: 'element.left-out' }],
    });
  });
});

describe('SZY 206', () => {
  const devices = [{ address: METER, station: 'taocha' }];

  it('asks for the layout; replayed weeks later the stamp keeps its month', async () => {
    const rig = await startApi();
    await put(rig, { protocol: 'szy206', devices });
    const refused = await send(rig, TOTAL);
    expect([refused.statusCode, refused.json().code]).toEqual([400, 'layout.unknown']);
    await put(rig, { protocol: 'szy206', devices: [{ ...devices[0], layout: 'flow+total' }] });
    rig.clock.advance(40 * 86_400_000);
    expect((await replay(rig, refused.json().quarantineId)).json()).toMatchObject({ accepted: 2, quarantined: [] });
    expect(latest(rig, 'register')).toMatchObject({ timeMs: Date.parse('2026-11-21T23:00:00+08:00'), value: 106_182 });
    expect(latest(rig, 'flow')?.value).toBeCloseTo(5.9, 12);
    expect(NOW_MS).toBeLessThan(rig.clock.nowMs());
  });

  it('a value that was refused alone keeps its month, too', async () => {
    const rig = await startApi();
    const layout = 'flow+total';
    await put(rig, {
      protocol: 'szy206',
      devices: [{ ...devices[0], layout, elements: { total: { parameter: 'nothing' } } }],
    });
    const answer = (await send(rig, TOTAL)).json();
    expect(answer).toMatchObject({
      accepted: 1,
      quarantined: [{ code: 'parameter.unknown' }],
      warnings: [{ code: 'time.partial' }],
    });
    await put(rig, { protocol: 'szy206', devices: [{ ...devices[0], layout }] });
    rig.clock.advance(40 * 86_400_000);
    expect((await replay(rig, answer.quarantined[0].quarantineId)).json()).toMatchObject({ accepted: 1 });
    expect(latest(rig, 'register')?.timeMs).toBe(Date.parse('2026-11-21T23:00:00+08:00'));
  });
});
