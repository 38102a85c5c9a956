/** Readings into the door over HTTP, and what engineers put right. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '#src/sqlite.ts';
import { type ApiRig, GATEWAY, NOW_MS, startApi } from '#tests/helpers/api.ts';

const POST = '/api/v1/readings';
const sample = (values: object, rest: object = {}) => ({
  station: 'taocha',
  time: '2026-11-22T08:00:00+08:00',
  values,
  ...rest,
});

describe('POST /readings', () => {
  it('takes JSON, quarantines value by value, and names the source', async () => {
    const rig = await startApi();
    const body = { samples: [sample({ ph: 7.9, nh3n: { value: 80, unit: 'ug/L' }, unheard: 1 })] };
    const response = await rig.call('POST', POST, { as: 'engineer', body });
    expect([response.statusCode, response.json()]).toEqual([
      202,
      {
        accepted: 2,
        duplicates: 0,
        corrections: 0,
        pending: 0,
        quarantined: [
          {
            path: 'samples[0].values.unheard',
            code: 'parameter.unknown',
            message: expect.any(String),
            quarantineId: expect.stringMatching(/^[\w-]{16}$/),
          },
        ],
      },
    ]);
    const [entry] = rig.reader.tail(1);
    expect(entry).toMatchObject({ kind: 'message', source: 'user:a-engineer', seq: rig.journal.headSeq });
    const repeated = (await rig.call('POST', POST, { body })).json();
    expect(repeated).toMatchObject({ accepted: 0, duplicates: 2 });
  });

  it('takes CSV, with a charset, and refuses other media types', async () => {
    const rig = await startApi();
    const csv =
      'station,time,parameter,value,unit,flag\ntaocha,2026-11-22T08:00:00+08:00,ph,7.9,,\ntaocha,yesterday,ph,7,,\n';
    const response = await rig.call('POST', POST, {
      body: csv,
      headers: { 'content-type': 'text/csv; charset=utf-8' },
    });
    expect(response.json()).toMatchObject({ accepted: 1, quarantined: [{ path: 'row 3', code: 'time.malformed' }] });
    const xml = await rig.call('POST', POST, { body: '<x/>', headers: { 'content-type': 'application/xml' } });
    expect([xml.statusCode, xml.json().code]).toEqual([415, 'media.unsupported']);
    const nothing = await rig.call('POST', POST);
    expect([nothing.statusCode, nothing.json().code]).toEqual([415, 'media.unsupported']);
  });

  it('lets a gateway write its own stations only', async () => {
    const rig = await startApi();
    const body = { samples: [sample({ ph: 7.9 }), sample({ ph: 7.8 }, { station: 'other' })] };
    const response = await rig.call('POST', POST, { as: 'gateway', body });
    expect(response.json()).toMatchObject({ accepted: 1, quarantined: [{ code: 'gateway.not-owner' }] });
    expect(rig.reader.tail(1)[0]).toMatchObject({ source: GATEWAY.id });
  });

  it.each([
    ['{"samples":', 'application/json', 400, 'message.malformed'],
    ['', 'application/json', 400, 'message.malformed'],
    [`[${'9,'.repeat(20_000)}9]`, 'application/json', 400, 'message.malformed'],
    ['no header at all', 'text/csv', 400, 'message.malformed'],
    ['{'.repeat(70_000), 'application/json', 413, 'message.too-large'],
  ])('quarantines what can not be decoded as a whole (%#)', async (body, type, status, code) => {
    const rig = await startApi();
    const response = await rig.call('POST', POST, { body, headers: { 'content-type': type } });
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
    const item = rig.reader.quarantine.get(response.json().quarantineId)!;
    expect(item).toMatchObject({ code, source: 'user:admin' });
    expect(item.payload.length).toBe(status === 413 ? 4096 : body.length);
    expect(rig.reader.intakeCount('user:admin')).toMatchObject({ received: 1, quarantined: 1 });
  });

  it('does not read a client to its end that sends far too much', async () => {
    const rig = await startApi();
    const response = await rig.call('POST', POST, {
      body: Buffer.alloc(20 << 20, 97),
      headers: { 'content-type': 'text/csv' },
    });
    expect([response.statusCode, response.json().code, response.headers.connection]).toEqual([
      413,
      'message.too-large',
      'close',
    ]);
  });

  it('answers 503 with Retry-After when the journal takes nothing more', async () => {
    const rig = await startApi();
    rig.deps.door = {
      ...rig.deps.door,
      accept: () => Promise.reject(new StoreError('journal.full', 'Nothing more fits.', true)),
    };
    const response = await rig.call('POST', POST, { body: sample({ ph: 7 }) });
    expect([response.statusCode, response.json().code, response.headers['retry-after']]).toEqual([
      503,
      'journal.full',
      '5',
    ]);
  });
});

describe('Idempotency-Key', () => {
  const send = (rig: ApiRig, key: string, body: unknown, as: 'admin' | 'engineer' = 'admin') =>
    rig.call('POST', POST, { as, body, headers: { 'idempotency-key': key } });

  it('gives the same answer to the same request, once written', async () => {
    const rig = await startApi();
    const first = await send(rig, 'k1', sample({ ph: 7.9, unheard: 1 }));
    const { headSeq } = rig.journal;
    const again = await send(rig, 'k1', sample({ ph: 7.9, unheard: 1 }));
    expect([again.statusCode, again.json()]).toEqual([202, first.json()]);
    expect(rig.journal.headSeq).toBe(headSeq);
    const conflict = await send(rig, 'k1', sample({ ph: 8 }));
    expect([conflict.statusCode, conflict.json().code]).toEqual([422, 'idempotency.conflict']);
    // Somebody else's key of the same name is another key.
    expect((await send(rig, 'k1', sample({ ph: 7.9 }), 'engineer')).json()).toMatchObject({ duplicates: 1 });
  });

  it('repeats refusals, too, and requests at the same time are one', async () => {
    const rig = await startApi();
    const refused = await send(rig, 'k2', { samples: 7 });
    expect(refused.statusCode).toBe(400);
    expect((await send(rig, 'k2', { samples: 7 })).json().quarantineId).toBe(refused.json().quarantineId);
    const both = await Promise.all([send(rig, 'k3', sample({ ph: 7 })), send(rig, 'k3', sample({ ph: 7 }))]);
    expect(both.map((answer) => answer.json().accepted)).toEqual([1, 1]);
    expect(rig.reader.intakeCount('user:admin')!.received).toBe(2);
  });

  it('forgets after a day, and does not keep failures that may pass', async () => {
    const rig = await startApi();
    const { door } = rig.deps;
    rig.deps.door = { ...door, accept: () => Promise.reject(new StoreError('journal.full', 'Full.', true)) };
    expect((await send(rig, 'k4', sample({ ph: 7 }))).statusCode).toBe(503);
    rig.deps.door = door;
    expect((await send(rig, 'k4', sample({ ph: 7 }))).json()).toMatchObject({ accepted: 1 });
    rig.clock.advance(24 * 3_600_000 + 1);
    expect((await send(rig, 'k4', sample({ ph: 8 }))).statusCode).toBe(202);
    expect((await send(rig, 'x'.repeat(256), sample({ ph: 8 }))).statusCode).toBe(400);
  });
});

describe('POST /decode', () => {
  it('says what would become of a payload and changes nothing', async () => {
    const rig = await startApi();
    const { headSeq } = rig.journal;
    const body = {
      samples: [sample({ nh3n: { value: 80, unit: 'ug/L' }, unheard: 1 }), sample({ ph: 7 }, { station: 'other' })],
    };
    const response = await rig.call('POST', '/api/v1/decode?gateway=gw-1', { as: 'viewer', body });
    expect(response.json()).toMatchObject({
      readings: [
        {
          station: 'taocha',
          parameter: 'nh3n',
          time: '2026-11-22T00:00:00.000Z',
          value: 0.08,
          unit: 'mg/L',
          class: 'I',
        },
      ],
      faults: [{ code: 'parameter.unknown' }, { code: 'gateway.not-owner' }],
    });
    expect(rig.journal.headSeq).toBe(headSeq);
    expect((await rig.call('POST', '/api/v1/decode?gateway=none', { body })).statusCode).toBe(404);
    const broken = await rig.call('POST', '/api/v1/decode', {
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.json()).toMatchObject({ readings: [], faults: [{ code: 'message.malformed' }] });
  });
});

describe('corrections, quarantine, parked', () => {
  const CORRECTION = {
    station: 'taocha',
    parameter: 'w01001',
    from: '2026-11-22T00:00:00Z',
    to: '2026-11-22T01:00:00Z',
  };

  it('journals a correction with its actor', async () => {
    const rig = await startApi();
    await rig.call('POST', POST, { body: sample({ ph: 7.9 }) });
    const body = { ...CORRECTION, action: 'flag', flag: 4, reason: 'Probe in the air' };
    const response = await rig.call('POST', '/api/v1/corrections', { as: 'engineer', body });
    expect([response.statusCode, response.json().seq]).toEqual([202, rig.journal.headSeq]);
    expect(rig.reader.commands(null, 1)[0]).toMatchObject({
      actor: 'a-engineer',
      command: {
        verb: 'correct',
        station: 'taocha',
        parameter: 'ph',
        fromMs: NOW_MS,
        toMs: NOW_MS + 3_600_000,
        action: 'flag',
        flag: 4,
        reason: 'Probe in the air',
      },
    });
  });

  it.each([
    [{ action: 'set', reason: 'r' }, 400],
    [{ action: 'delete', value: 1, reason: 'r' }, 400],
    [{ action: 'delete', flag: 4, reason: 'r' }, 400],
    [{ action: 'flag', reason: 'r' }, 400],
    [{ action: 'flag', flag: 7, reason: 'r' }, 400],
    [{ action: 'set', value: 1 }, 400],
    [{ action: 'set', value: 1, reason: '  ' }, 400],
    [{ action: 'set', value: 1, reason: 'r', to: '2026-11-21T00:00:00Z' }, 400],
    [{ action: 'set', value: 1, reason: 'r', parameter: 'codmn' }, 404],
    [{ action: 'set', value: 1, reason: 'r', station: 'nowhere' }, 404],
  ])('refuses the correction %j', async (rest, status) => {
    const rig = await startApi();
    await rig.call('POST', POST, { body: sample({ ph: 7.9 }) });
    expect((await rig.call('POST', '/api/v1/corrections', { body: { ...CORRECTION, ...rest } })).statusCode).toBe(
      status,
    );
  });

  it('lists quarantine newest first and replays what has become welcome', async () => {
    const rig = await startApi();
    await rig.call('POST', POST, { as: 'gateway', body: sample({ ph: 7 }, { station: 'new-one' }) });
    await rig.call('POST', POST, { as: 'gateway', body: '{"half":', headers: { 'content-type': 'application/json' } });
    const first = (await rig.call('GET', '/api/v1/quarantine?limit=1', { as: 'engineer' })).json();
    expect(first.items).toEqual([
      {
        id: expect.any(String),
        at: '2026-11-22T00:00:00.000Z',
        gateway: GATEWAY.id,
        code: 'message.malformed',
        message: expect.any(String),
        sample: '{"half":',
      },
    ]);
    const { items } = (await rig.call('GET', `/api/v1/quarantine?cursor=${first.next}`)).json();
    expect(items).toMatchObject([{ code: 'station.unknown', path: 'values.ph' }]);
    const replay = () => rig.call('POST', `/api/v1/quarantine/${items[0].id}/replay`, { as: 'engineer' });
    expect((await replay()).json()).toMatchObject({
      accepted: 0,
      quarantined: [{ code: 'station.unknown', quarantineId: items[0].id }],
    });
    await rig.call('PUT', '/api/v1/stations/new-one', {
      body: { name: { zh: '新', en: 'New' }, kind: 'lake', waterBody: 'lake' },
    });
    await rig.call('PUT', `/api/v1/gateways/${GATEWAY.id}`, { body: { stations: ['taocha', 'new-one'] } });
    expect((await replay()).json()).toMatchObject({ accepted: 1, quarantined: [] });
    expect((await replay()).statusCode).toBe(404);
    const audit = (await rig.call('GET', '/api/v1/audit?limit=1')).json();
    expect(audit.items[0]).toMatchObject({ actor: 'a-engineer', verb: 'replay-quarantine' });
  });

  it('lists parked entries', async () => {
    const rig = await startApi();
    rig.queries.parked = async () => [{ follower: 'books', seq: 7, atMs: NOW_MS, error: 'RangeError: no' }];
    const { items } = (await rig.call('GET', '/api/v1/parked', { as: 'engineer' })).json();
    expect(items).toEqual([{ follower: 'books', seq: 7, at: '2026-11-22T00:00:00.000Z', error: 'RangeError: no' }]);
  });
});
