/** The registers through HTTP: put, read, list, delete, and what contradicts the other registers. */
import { describe, expect, it } from 'vitest';
import { verifyPassword } from '#setting/secrets.ts';
import { GATEWAY, startApi, TAOCHA } from '#tests/helpers/api.ts';

const METER = {
  station: 'taocha',
  parameter: 'register',
  kind: 'register',
  size: 10_000_000,
  unit: 'm3',
  maxFlow: 420,
  measures: 'intake',
};
const RULE = { kind: 'class', severity: 'major' };
const WORK = {
  stations: ['taocha'],
  from: '2026-11-22T08:00:00+08:00',
  to: '2026-11-22T12:00:00+08:00',
  reason: 'The pump is changed',
};

describe('stations, meters, rules, channels', () => {
  it.each([
    ['stations', { ...TAOCHA, target: 'III' }, {}],
    ['meters', METER, { direction: 1, maxGap: 'PT1H' }],
    ['rules', RULE, { target: 'station', for: 'PT0S', enabled: true, clear: { margin: 0.05, for: 'PT0S' } }],
    ['channels', { kind: 'log', language: 'zh' }, { hasSecret: false }],
    ['maintenance', WORK, {}],
  ])('%s are put with 201, replaced with 200, read, and deleted with 204', async (plural, body, defaults) => {
    const rig = await startApi();
    const url = `/api/v1/${plural}/new-one`;
    const created = await rig.call('PUT', url, { body });
    expect([created.statusCode, created.json()]).toEqual([
      201,
      expect.objectContaining({ id: 'new-one', ...body, ...defaults }),
    ]);
    const read = await rig.call('GET', url, { as: 'viewer' });
    expect(read.json()).toEqual(created.json());
    const { hasSecret: _hasSecret, ...same } = read.json();
    expect((await rig.call('PUT', url, { body: same })).statusCode).toBe(200);
    const { items } = (await rig.call('GET', `/api/v1/${plural}`)).json();
    expect(items).toContainEqual(read.json());
    expect((await rig.call('DELETE', url)).statusCode).toBe(204);
    expect((await rig.call('GET', url)).statusCode).toBe(404);
    expect((await rig.call('DELETE', url)).statusCode).toBe(404);
    const audit = (await rig.call('GET', '/api/v1/audit?limit=3')).json();
    expect(audit.items.map(({ verb, actor }: { verb: string; actor: string }) => [verb, actor])).toEqual([
      ['delete', 'admin'],
      ['put', 'admin'],
      ['put', 'admin'],
    ]);
  });

  it('refuses a body that names another id than its path', async () => {
    const rig = await startApi();
    const response = await rig.call('PUT', '/api/v1/stations/one', { body: { ...TAOCHA, id: 'two' } });
    expect([response.statusCode, response.json().errors[0].path]).toEqual([400, 'id']);
  });

  it.each([
    ['maintenance/x', { ...WORK, stations: ['taocha', 'atlantis'] }, 'stations[1]'],
    ['maintenance/x', { ...WORK, gateways: ['nobody'] }, 'gateways[0]'],
    ['maintenance/x', { ...WORK, to: WORK.from }, 'to'],
    ['maintenance/x', { from: WORK.from, to: WORK.to, reason: 'all' }, 'stations'],
    ['maintenance/x', { ...WORK, reason: '' }, 'reason'],
    ['stations/x', { ...TAOCHA, parameters: [{ id: 'ph' }, { id: 'unheard-of' }] }, 'parameters[1].id'],
    ['stations/x', { ...TAOCHA, parameters: [{ id: 'ph' }, { id: 'ph' }] }, 'parameters[1].id'],
    ['stations/x', { ...TAOCHA, parameters: [{ id: 'ph', interval: 'PT0S' }] }, 'parameters[0].interval'],
    [
      'stations/x',
      { ...TAOCHA, chiefs: [{ level: 'town', name: 'Li', channels: ['nobody'] }] },
      'chiefs[0].channels[0]',
    ],
    ['stations/x', { ...TAOCHA, owner: { name: 'Wang', channels: ['duty', 'nobody'] } }, 'owner.channels[1]'],
    ['meters/x', { ...METER, station: 'nowhere' }, 'station'],
    ['meters/x', { ...METER, unit: 'furlong' }, 'unit'],
    ['meters/x', { ...METER, parameter: 'flow' }, 'kind'],
    ['meters/x', { ...METER, from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'to'],
    ['routes', [{ match: {}, channels: ['duty', 'nobody'] }], '[0].channels[1]'],
    ['routes', [{ match: { station: ['nowhere'] }, channels: ['duty'] }], '[0].match.station[0]'],
    ['routes', [{ match: { rule: ['none'] }, channels: ['duty'] }], '[0].match.rule[0]'],
    ['routes', [{ match: {} }], '[0].channels'],
    ['routes', [{ to: ['emperor'] }], '[0].to[0]'],
    ['routes', [{ to: [] }], '[0].to'],
    ['routes', [{ to: ['owner'], quiet: { from: '22:00', to: '22:00', severities: ['minor'] } }], '[0].quiet.to'],
    ['routes', [{ to: ['owner'], quiet: { from: '24:00', to: '07:00', severities: ['minor'] } }], '[0].quiet.from'],
  ])('PUT %s says what does not exist or fit (%#)', async (path, body, where) => {
    const rig = await startApi();
    const response = await rig.call('PUT', `/api/v1/${path}`, { body });
    expect([response.statusCode, response.json().code]).toEqual([400, 'request.invalid']);
    expect(response.json().errors.map((error: { path: string }) => error.path)).toEqual([where]);
  });

  it('asks the alert rules and the address check, and passes their codes on', async () => {
    const rig = await startApi();
    rig.deps.checkRule = () => [{ code: 'rule.invalid', message: 'It names nothing.', path: 'select' }];
    rig.deps.checkChannel = async () => [{ code: 'channel.address-refused', message: '10.0.0.1 is private.' }];
    const rule = await rig.call('PUT', '/api/v1/rules/r', { body: RULE });
    expect([rule.statusCode, rule.json().code, rule.json().errors]).toEqual([
      400,
      'rule.invalid',
      [{ path: 'select', message: 'It names nothing.' }],
    ]);
    const channel = await rig.call('PUT', '/api/v1/channels/c', { body: { kind: 'webhook', url: 'http://10.0.0.1/' } });
    expect([channel.statusCode, channel.json().code]).toEqual([400, 'channel.address-refused']);
    expect(rig.deps.control.get('channel', 'c')).toBeUndefined();
  });

  it('says back what a rule does, and takes it back as it was read', async () => {
    const rig = await startApi();
    const body = { kind: 'threshold', parameters: ['nh3n'], above: 0.5, for: 'PT10M', severity: 'minor' };
    const says = {
      zh: '2 个站点的氨氮高于 0.5 mg/L，持续 10 分钟时报警',
      en: 'alarms when ammonia nitrogen is above 0.5 mg/L for 10 minutes at 2 stations',
    };
    expect((await rig.call('PUT', '/api/v1/rules/high', { body })).json()).toMatchObject({ above: 0.5, says });
    const read = (await rig.call('GET', '/api/v1/rules/high')).json();
    expect(read.says).toEqual(says);
    const again = await rig.call('PUT', '/api/v1/rules/high', { body: read });
    expect([again.statusCode, again.json()]).toEqual([200, read]);
    expect(rig.deps.control.get('rule', 'high')).not.toHaveProperty('says');
    const { items } = (await rig.call('GET', '/api/v1/rules')).json();
    expect(items.every((rule: { says: object }) => 'says' in rule)).toBe(true);
  });

  it('keeps what something else needs', async () => {
    const rig = await startApi();
    await rig.call('PUT', '/api/v1/meters/m', { body: METER });
    await rig.call('PUT', '/api/v1/routes', { body: [{ channels: ['duty'] }] });
    for (const url of ['/api/v1/stations/taocha', '/api/v1/channels/duty']) {
      const response = await rig.call('DELETE', url);
      expect([response.statusCode, response.json().code]).toEqual([409, 'state.conflict']);
    }
  });

  it('never shows a channel’s secret, shows its address to administrators only, and keeps the secret of an unchanged address', async () => {
    const rig = await startApi();
    const url = 'https://robot.example/send?key=12345';
    const body = { kind: 'webhook', url, secret: 'hush' };
    const put = await rig.call('PUT', '/api/v1/channels/robot', { body });
    expect(put.json()).toEqual({ id: 'robot', kind: 'webhook', url, hasSecret: true });
    const seen = await rig.call('GET', '/api/v1/channels/robot', { as: 'engineer' });
    expect(seen.json()).toEqual({ id: 'robot', kind: 'webhook', url: 'https://robot.example', hasSecret: true });
    await rig.call('PUT', '/api/v1/channels/robot', { body: { kind: 'webhook', url, language: 'en' } });
    expect(rig.deps.control.get('channel', 'robot')).toEqual({ kind: 'webhook', url, language: 'en', secret: 'hush' });
    await rig.call('PUT', '/api/v1/channels/robot', { body: { kind: 'webhook', url: 'https://thief.example/' } });
    expect(rig.deps.control.get('channel', 'robot')).toEqual({ kind: 'webhook', url: 'https://thief.example/' });
    expect((await rig.call('GET', '/api/v1/audit')).body).not.toContain('hush');
  });

  it('lists by pages in the order of ids', async () => {
    const rig = await startApi();
    for (const id of ['b', 'a', 'c', 'B']) await rig.call('PUT', `/api/v1/stations/${id}`, { body: TAOCHA });
    const seen: string[] = [];
    let url = '/api/v1/stations?limit=2';
    for (;;) {
      const { items, next } = (await rig.call('GET', url)).json<{ items: { id: string }[]; next: string | null }>();
      seen.push(...items.map(({ id }) => id));
      if (next === null) break;
      url = `/api/v1/stations?limit=2&cursor=${next}`;
    }
    expect(seen).toEqual(['B', 'a', 'b', 'c', 'other', 'taocha']);
  });

  it('tests a channel and puts routes by commands', async () => {
    const rig = await startApi();
    expect((await rig.call('GET', '/api/v1/routes', { as: 'viewer' })).json()).toEqual([]);
    const routes = [{ match: { severity: ['critical'] }, channels: ['duty'], after: 'PT15M' }];
    // This channel is the service's own log, which is nobody.
    const warning = expect.objectContaining({ code: 'routes.nobody' });
    expect((await rig.call('PUT', '/api/v1/routes', { body: routes })).json()).toEqual([{ ...routes[0], warning }]);
    expect((await rig.call('GET', '/api/v1/routes', { as: 'viewer' })).json()).toEqual(routes);
    const test = await rig.call('POST', '/api/v1/channels/duty/test');
    expect([test.statusCode, test.json()]).toEqual([202, { seq: rig.journal.headSeq, at: '2026-11-22T00:00:00.000Z' }]);
    expect(rig.reader.commands(null, 1)[0]!.command).toEqual({ verb: 'test-channel', channel: 'duty' });
    expect((await rig.call('POST', '/api/v1/channels/nobody/test')).statusCode).toBe(404);
  });

  it('statements are read only', async () => {
    const rig = await startApi();
    const body = {
      kind: 'milestone',
      route: 'middle',
      counts: 'transferred',
      at: '2024',
      volume1e8m3: 700,
      comparison: '>',
      confidence: 'H',
      source: 'MWR',
    };
    await rig.journal.appendCommand('seed', { verb: 'put', noun: 'statement', id: 'm1', body });
    expect((await rig.call('GET', '/api/v1/statements', { as: 'viewer' })).json()).toEqual({
      items: [{ id: 'm1', ...body }],
      next: null,
    });
    expect((await rig.call('GET', '/api/v1/statements/m1')).json()).toEqual({ id: 'm1', ...body });
    expect((await rig.call('PUT', '/api/v1/statements/m1', { body })).statusCode).toBe(405);
  });
});

describe('gateways', () => {
  it('give their password once, and again only on rotation, which disconnects', async () => {
    const rig = await startApi();
    const created = await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { name: 'Cabinet', stations: ['taocha'] } });
    const { password } = created.json<{ password: string }>();
    expect([created.statusCode, password.length]).toEqual([201, 43]);
    const stored = rig.deps.control.get('gateway', 'gw-2')!.passwordHash;
    expect(await verifyPassword(password, stored)).toBe(true);

    const changed = await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { stations: ['taocha', 'other'] } });
    expect([changed.statusCode, changed.json()]).toEqual([200, { id: 'gw-2', stations: ['taocha', 'other'] }]);
    expect(rig.disconnected).toEqual([]);
    // The forms for outside brokers go with the password, and are shown as little.
    const kept = rig.deps.control.get('gateway', 'gw-2')!;
    expect(kept.passwordHash).toBe(stored);
    expect(kept.otherHashes).toEqual({ sha256: expect.any(String), bcrypt: expect.stringMatching(/^\$2b\$04\$/) });
    const seen = await rig.call('GET', '/api/v1/gateways/gw-2');
    expect(Object.keys(seen.json()).filter((key) => /hash/i.test(key))).toEqual([]);

    const rotated = await rig.call('PUT', '/api/v1/gateways/gw-2?rotate=true', { body: { stations: ['taocha'] } });
    expect(rotated.json().password).not.toBe(password);
    expect(rig.disconnected).toEqual(['gw-2']);
    expect(rig.deps.control.get('gateway', 'gw-2')!.otherHashes).not.toEqual(kept.otherHashes);
    expect(await verifyPassword(password, rig.deps.control.get('gateway', 'gw-2')!.passwordHash)).toBe(false);

    expect((await rig.call('DELETE', '/api/v1/gateways/gw-2')).statusCode).toBe(204);
    expect(rig.disconnected).toEqual(['gw-2', 'gw-2']);
    expect((await rig.call('GET', '/api/v1/gateways/gw-2')).statusCode).toBe(404);
  });

  it('name no station twice, and are told which ones are not registered yet', async () => {
    const rig = await startApi();
    const twice = await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { stations: ['taocha', 'other', 'taocha'] } });
    expect([twice.statusCode, twice.json()]).toMatchObject([
      400,
      { code: 'request.invalid', errors: [{ path: 'stations[2]', message: '"taocha" is named twice' }] },
    ]);
    expect(rig.deps.control.get('gateway', 'gw-2')).toBeUndefined();
    const known = await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { stations: ['taocha'] } });
    expect([known.headers['wk-warning'], known.json().warning]).toEqual([undefined, undefined]);
    const early = await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { stations: ['taocha', 'to-come'] } });
    expect([early.statusCode, early.headers['wk-warning'], early.json()]).toEqual([
      200,
      'station.unknown',
      { id: 'gw-2', stations: ['taocha', 'to-come'], warning: 'station.unknown', unknownStations: ['to-come'] },
    ]);
  });

  it('show the possible gaps that their ledger shows, from when they were counted on', async () => {
    const rig = await startApi();
    const gap = (id: string, fromMs: number, toMs: number) =>
      rig.journal.appendCommand('system', {
        verb: 'put',
        noun: 'gap',
        id,
        body: { fromMs, toMs, cause: 'the broker had forgotten our session' },
      });
    const nowMs = rig.clock.nowMs();
    await gap('broker-1', nowMs - 7_200_000, nowMs - 3_600_000);
    await gap('broker-2', nowMs - 60_000, nowMs + 60_000);
    const shown = async (path: string) => (await rig.call('GET', `/api/v1/gateways${path}`, { as: 'viewer' })).json();
    expect((await shown(`/${GATEWAY.id}`)).possibleGaps).toBeUndefined();
    const body = { station: 'taocha', time: nowMs, values: { ph: 7.9 } };
    await rig.call('POST', '/api/v1/readings', { as: 'gateway', body });
    const possibleGaps = [
      {
        from: new Date(nowMs - 60_000).toISOString(),
        to: new Date(nowMs + 60_000).toISOString(),
        cause: 'the broker had forgotten our session',
      },
    ];
    expect(await shown(`/${GATEWAY.id}`)).toMatchObject({ possibleGaps });
    expect((await shown('')).items[0]).toMatchObject({ id: GATEWAY.id, possibleGaps });
    expect(await shown(`/${GATEWAY.id}/ledger`)).toMatchObject({ possibleGaps });
  });

  it('show when they were heard, how their clock runs, and what their numbering left out', async () => {
    const rig = await startApi();
    const silent = (await rig.call('GET', `/api/v1/gateways/${GATEWAY.id}`, { as: 'viewer' })).json();
    expect(silent).toMatchObject({ lastSeen: null, clockOffsetMs: null, sequence: { missing: 0, last: null } });
    // The broker refused it, though its password was right: that is a sign of life.
    rig.deps.gatewaySeenMs = () => rig.clock.nowMs();
    const refused = (await rig.call('GET', `/api/v1/gateways/${GATEWAY.id}`, { as: 'viewer' })).json();
    expect(refused.lastSeen).toBe(new Date(rig.clock.nowMs()).toISOString());
    rig.deps.gatewaySeenMs = () => null;
    rig.deps.gatewayUntold = () => 7;
    expect((await rig.call('GET', `/api/v1/gateways/${GATEWAY.id}`, { as: 'viewer' })).json().untold).toBe(7);
    rig.deps.gatewayUntold = () => 0;
    for (const seq of [1, 4]) {
      rig.clock.advance(60_000);
      const time = rig.clock.nowMs() - 350;
      await rig.call('POST', '/api/v1/readings', {
        as: 'gateway',
        body: { seq, samples: [{ station: 'taocha', time, values: { ph: 7 + seq / 10 } }] },
      });
    }
    const { items } = (await rig.call('GET', '/api/v1/gateways', { as: 'viewer' })).json();
    expect(items).toEqual([
      {
        id: GATEWAY.id,
        stations: ['taocha'],
        lastSeen: '2026-11-22T00:02:00.000Z',
        clockOffsetMs: 350,
        sequence: {
          missing: 2,
          last: 4,
          holes: [{ from: 2, to: 3, count: 2, since: '2026-11-22T00:02:00.000Z' }],
          lost: { count: 0 },
        },
      },
    ]);
  });

  it('have a ledger that adds up, which they may read themselves', async () => {
    const rig = await startApi();
    const values = { ph: 7.9, nh3n: 0.1, 'un-known': 1 };
    await rig.call('POST', '/api/v1/readings', {
      as: 'gateway',
      body: { station: 'taocha', time: rig.clock.nowMs(), values },
    });
    rig.queries.settledCounts = async ({ source }) => ({ stored: source === GATEWAY.id ? 1 : 99, duplicate: 0 });
    const response = await rig.call('GET', `/api/v1/gateways/${GATEWAY.id}/ledger`, { as: 'gateway' });
    expect(response.json()).toEqual({
      received: 3,
      stored: 1,
      duplicate: 0,
      quarantined: 1,
      pending: 1,
      since: '2026-11-22T00:00:00.000Z',
    });
    await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { stations: [] } });
    expect((await rig.call('GET', '/api/v1/gateways/gw-2/ledger', { as: 'gateway' })).statusCode).toBe(403);
    const empty = (await rig.call('GET', '/api/v1/gateways/gw-2/ledger')).json();
    expect(empty).toMatchObject({ received: 0, stored: 99, since: null });
    expect((await rig.call('GET', '/api/v1/gateways/gw-9/ledger')).statusCode).toBe(404);
  });
});

describe('reference data', () => {
  it('are answered as data', async () => {
    const rig = await startApi();
    const { items } = (await rig.call('GET', '/api/v1/parameters', { as: 'viewer' })).json();
    expect(items.find(({ id }: { id: string }) => id === 'codmn').aliases).toContain('w01019');
    const standards = (await rig.call('GET', '/api/v1/standards', { as: 'viewer' })).json();
    expect(standards.items.map(({ id }: { id: string }) => id)).toEqual(['gb3838-2002', 'gb18918-2002']);
    const standard = (await rig.call('GET', '/api/v1/standards/gb3838-2002', { as: 'viewer' })).json();
    const nh3n = standard.items.find(({ parameter }: { parameter: string }) => parameter === 'nh3n');
    expect(nh3n.river).toEqual({ I: '0.15', II: '0.5', III: '1.0', IV: '1.5', V: '2.0' });
    expect((await rig.call('GET', '/api/v1/standards/none')).statusCode).toBe(404);
  });
});
