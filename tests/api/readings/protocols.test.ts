/** How a payload over HTTP meets its codec, and what the register of gateways says of protocols. */
import { describe, expect, it } from 'vitest';
import { type ApiRig, GATEWAY, startApi } from '#tests/helpers/api.ts';
import { frameOf, MN, segmentOf } from '#tests/helpers/ingest/hj212.ts';

const PUT = `/api/v1/gateways/${GATEWAY.id}`;
const AT = 'DataTime=20261122070000';
const FRAME = frameOf(segmentOf('2061', `${AT};w01001-Avg=8.02,w01001-Flag=N;w21003-Avg=0.155`)).toString('latin1');
const ENTRY = {
  stations: ['taocha'],
  protocol: 'hj212',
  identity: { mn: MN, password: '123456', sm4Key: '0'.repeat(16) },
};
const BINARY = { 'content-type': 'application/octet-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };

const put = (rig: ApiRig, body: object, id = GATEWAY.id) => rig.call('PUT', `/api/v1/gateways/${id}`, { body });

describe('POST /readings', () => {
  it.each(['application/octet-stream', 'text/plain', 'application/json', 'application/x-hj212'])(
    'a gateway of HJ 212 sends its frames as %s',
    async (type) => {
      const rig = await startApi();
      await put(rig, ENTRY);
      const headers = { 'content-type': type };
      const answer = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: FRAME, headers });
      expect([answer.statusCode, answer.json()]).toMatchObject([202, { accepted: 2, quarantined: [] }]);
      const series = rig.reader.seriesByName('taocha', 'ph')!;
      const newest = rig.deps.door.latest(series.id);
      expect(newest).toMatchObject({ timeMs: Date.parse('2026-11-22T07:00:00+08:00'), value: 8.02, deviceFlag: 'N' });
      const again = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: FRAME, headers });
      expect(again.json()).toMatchObject({ accepted: 0, duplicates: 2 });
    },
  );

  it('one who is no gateway says what it is', async () => {
    const rig = await startApi();
    const answer = await rig.call('POST', '/api/v1/readings', { as: 'engineer', body: FRAME, headers: BINARY });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      415,
      { code: 'media.unsupported', detail: expect.stringContaining('application/x-hj212') },
    ]);
  });

  it('CSV stays CSV', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const body = 'station,time,parameter,value\ntaocha,2026-11-22T08:00:00+08:00,ph,7.9\n';
    const headers = { 'content-type': 'text/csv' };
    const answer = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body, headers });
    expect(answer.json()).toMatchObject({ accepted: 1 });
  });

  it('a wrong checksum is refused with its frame, and replayed once the entry allows it', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const bad = FRAME.replace(/&&[0-9A-F]{4}\r\n$/, '&&0000\r\n');
    const answer = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: bad, headers: BINARY });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'message.checksum']);
    expect(rig.reader.quarantine.get(answer.json().quarantineId)?.payload).toEqual(Uint8Array.from(Buffer.from(bad)));
  });

  it('what could not be read is read as the entry says by the time it is replayed', async () => {
    const rig = await startApi();
    const refused = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: FRAME, headers: JSON_TYPE });
    expect(refused.json().code).toBe('message.malformed');
    await put(rig, ENTRY);
    const path = `/api/v1/quarantine/${refused.json().quarantineId}/replay`;
    expect((await rig.call('POST', path, { as: 'engineer' })).json()).toMatchObject({ accepted: 2, quarantined: [] });
  });

  it('values of a message are refused one by one, and each can be replayed', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const frame = frameOf(segmentOf('2061', `${AT};w01001-Avg=8;w20120-Avg=0.1`)).toString('latin1');
    const answer = (await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: frame, headers: BINARY })).json();
    expect(answer).toMatchObject({ accepted: 1, quarantined: [{ code: 'unit.unstated', path: 'samples[0].w20120' }] });
    await put(rig, { ...ENTRY, dialect: { hj212: { traceUnits: 'B.1' } } });
    const path = `/api/v1/quarantine/${answer.quarantined[0].quarantineId}/replay`;
    expect((await rig.call('POST', path, { as: 'engineer' })).json()).toMatchObject({ accepted: 1 });
    expect(rig.deps.door.latest(rig.reader.seriesByName('taocha', 'pb')!.id)?.value).toBeCloseTo(0.0001, 12);
  });

  it('a value is found again by its own name once the entry says what it means', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const frame = frameOf(segmentOf('2061', `${AT};w01001-Avg=8;w00000-Avg=12;x1-Avg=3`)).toString('latin1');
    const sent = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: frame, headers: BINARY });
    expect(sent.json().quarantined.map(({ code }: { code: string }) => code)).toEqual([
      'parameter.unknown',
      'unit.unstated',
    ]);
    const elements = { w00000: { parameter: 'flow', unit: 'm3/s' }, x1: { parameter: 'nh3n' } };
    const devices = [{ address: MN, station: 'taocha', elements }];
    await put(rig, { stations: ['taocha'], protocol: 'hj212', devices });
    const answer = await rig.call('POST', '/api/v1/quarantine/replay', { as: 'engineer' });
    expect(answer.json()).toMatchObject({ replayed: 2, left: 0, accepted: 2 });
    expect(rig.deps.door.latest(rig.reader.seriesByName('taocha', 'flow')!.id)?.value).toBe(12);
  });
});

describe('POST /decode', () => {
  it('reads every protocol, for a person by ?gateway= and for the gateway itself', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    for (const [url, as] of [
      [`/api/v1/decode?gateway=${GATEWAY.id}`, 'viewer'],
      ['/api/v1/decode', 'gateway'],
    ] as const) {
      const answer = await rig.call('POST', url, { as, body: FRAME, headers: BINARY });
      expect([answer.statusCode, answer.json()]).toMatchObject([
        200,
        {
          faults: [],
          readings: [{ parameter: 'ph', time: '2026-11-21T23:00:00.000Z', value: 8.02 }, { value: 0.155 }],
        },
      ]);
    }
    expect(rig.reader.seriesByName('taocha', 'ph')).toBeUndefined();
    const other = await rig.call('POST', '/api/v1/decode?gateway=other', {
      as: 'gateway',
      body: FRAME,
      headers: BINARY,
    });
    expect([other.statusCode, other.json().code]).toEqual([403, 'role.too-low']);
  });

  it('shows quality controls beside the readings', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const area = `${AT};w21003-Check=0.51,w21003-StandardValue=0.5,w21003-Flag=N`;
    const body = frameOf(segmentOf('2062', area)).toString('latin1');
    const answer = await rig.call('POST', '/api/v1/decode', { as: 'gateway', body, headers: BINARY });
    expect(answer.json()).toMatchObject({
      readings: [],
      qcResults: [{ kind: 'standard', parameter: 'nh3n', value: 0.51, standard: 0.5, unit: 'mg/L' }],
    });
    expect(answer.json().qcResults[0].deviation).toBeCloseTo(0.02, 12);
  });

  it.each([
    ['[{"station":"taocha","time":0,"values":{}}]', 'put it into `samples`'],
    ['7', 'send { "samples"'],
  ])('names the remedy of %s', async (body, remedy) => {
    const rig = await startApi();
    const { faults } = (await rig.call('POST', '/api/v1/decode', { as: 'viewer', body, headers: JSON_TYPE })).json();
    expect(faults[0]).toMatchObject({ code: 'message.malformed', message: expect.stringContaining(remedy) });
  });

  it('names the remedy of a number in quotation marks', async () => {
    const rig = await startApi();
    const body = { station: 'taocha', time: '2026-11-22T08:00:00+08:00', values: { ph: '7.9' } };
    const { faults } = (await rig.call('POST', '/api/v1/decode', { as: 'viewer', body })).json();
    expect(faults[0].message).toMatch(/send numbers without quotation marks, or set `numbersAsText`/);
  });
});

describe('the register of gateways', () => {
  it('never shows a secret, keeps it when it is left out or `true`, and takes it out for null', async () => {
    const rig = await startApi();
    const answer = await put(rig, ENTRY);
    const shown = { mn: MN, password: true, sm4Key: true };
    expect(answer.json()).toMatchObject({ protocol: 'hj212', identity: shown });
    const read = (await rig.call('GET', PUT, { as: 'viewer' })).json();
    expect(read.identity).toEqual(shown);
    const { items } = (await rig.call('GET', '/api/v1/gateways', { as: 'viewer' })).json();
    expect(items.find(({ id }: { id: string }) => id === GATEWAY.id).identity).toEqual(shown);
    const audit = await rig.call('GET', '/api/v1/audit');
    expect(audit.body).not.toContain('123456');
    expect(audit.body).not.toContain('0'.repeat(16));

    const kept = () => rig.deps.control.get('gateway', GATEWAY.id)?.identity;
    await put(rig, { ...ENTRY, identity: read.identity });
    expect(kept()).toEqual(ENTRY.identity);
    await put(rig, { ...ENTRY, identity: { mn: MN } });
    expect(kept()).toEqual(ENTRY.identity);
    await put(rig, { stations: ['taocha'] });
    expect(kept()).toEqual({ password: '123456', sm4Key: '0'.repeat(16) });
    await put(rig, { ...ENTRY, identity: { mn: MN, password: null } });
    expect(kept()).toEqual({ mn: MN, sm4Key: '0'.repeat(16) });
  });

  it('gives an address to one gateway alone', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const taken = await put(rig, { ...ENTRY, stations: ['other'] }, 'gw-2');
    expect([taken.statusCode, taken.json()]).toMatchObject([
      409,
      { code: 'address.taken', detail: expect.stringContaining(GATEWAY.id) },
    ]);
    const device = { protocol: 'hj212', stations: ['other'], devices: [{ address: MN, station: 'other' }] };
    expect((await put(rig, device, 'gw-2')).json().code).toBe('address.taken');
    // Within a connection of one's own an address is nobody else's business.
    expect((await put(rig, { ...device, protocol: 'senml' }, 'gw-2')).statusCode).toBe(201);
    // Hex, however it is spelled, of the listener that both come to.
    const rtu = (protocol: string, stationAddress: string) => ({
      protocol,
      stations: ['other'],
      identity: { stationAddress },
    });
    expect((await put(rig, rtu('szy206', '10ab000001'), 'gw-3')).statusCode).toBe(201);
    expect((await put(rig, rtu('slt427', '10AB000001'), 'gw-4')).json().code).toBe('address.taken');
    expect((await put(rig, rtu('sl651', '10AB000001'), 'gw-4')).statusCode).toBe(201);
    // Its own may be put again.
    expect((await put(rig, ENTRY)).statusCode).toBe(200);
  });

  it('names stations of its own only, each device once, and one station beside an MN', async () => {
    const rig = await startApi();
    const devices = [
      { address: 'a', station: 'taocha' },
      { address: 'a', station: 'elsewhere' },
    ];
    const answer = await put(rig, { stations: ['taocha', 'other'], protocol: 'hj212', identity: { mn: 'b' }, devices });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors.map(({ path }: { path: string }) => path)).toEqual([
      'devices[1].station',
      'devices[1].address',
      'identity.mn',
    ]);
  });
});
