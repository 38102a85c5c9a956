// biome-ignore-all lint/suspicious/noTemplateCurlyInString: brokers' own placeholders
/** What `npm run broker:files` writes for each broker; that brokers take it tests/flow/ingest/outside-brokers.test.ts shows. */
import { createHash, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { keepPassword } from '#setting/kept-password.ts';
import type { BrokerAccess, BrokerFiles } from '#src/brokers/access.ts';
import { BROKER_NAMES, type BrokerName, brokerFiles } from '#src/brokers/files.ts';

const PASSWORD = 'of everybody here';
const kept = await keepPassword(PASSWORD);

const access = (more: Partial<BrokerAccess> = {}): BrokerAccess => ({
  gateways: [{ id: 'gw', ...kept }],
  gone: [],
  service: { id: 'wellkeeper', ...kept },
  clientId: 'wellkeeper',
  topics: { read: ['wk/v1/+/readings'], write: ['ops/alarms'] },
  ...more,
});
const written = (broker: BrokerName, more: Partial<BrokerAccess> = {}): BrokerFiles =>
  brokerFiles(broker, access(more));
const json = <T>({ files }: BrokerFiles, name: string): T => JSON.parse(files[name]!) as T;

describe.each(BROKER_NAMES)('files for %s', (broker) => {
  it('hold no password, and the topic of the canary', () => {
    const { files, leftOut, next } = written(broker);
    const all = Object.values(files).join('');
    expect(leftOut).toEqual([]);
    expect(next.length).toBeGreaterThan(0);
    expect(all).not.toContain(PASSWORD);
    // Each in its own words: as it is, as a pattern of AMQP, as a subject of NATS.
    expect(all).toMatch(
      /wk\/v1\/_wk\.canary\/readings|wk\\\\\.v1\\\\\._wk\\\\\.canary\\\\\.readings|wk\.v1\._wk\/\/canary\.readings/,
    );
  });

  it('leave out a service whose password is kept elsewhere, and refuse one that is a gateway', () => {
    const { leftOut } = written(broker, { service: { id: 'wellkeeper', passwordHash: null } });
    expect(leftOut).toEqual([]);
    expect(() => written(broker, { service: { id: 'gw', ...kept } })).toThrow(/also a gateway/);
  });
});

describe('topics of gateways’ own', () => {
  const ownTopics = ['spBv1.0/G/+/N/#', 'v1/gateway/telemetry'];
  const gateways = [
    { id: 'gw', ...kept, ownTopics },
    { id: 'other', ...kept },
  ];

  it('are the gateway’s and the service’s in the access list of Mosquitto, and the service commands edge nodes', () => {
    const acl = written('mosquitto', { gateways }).files.acl!;
    const own = 'topic readwrite spBv1.0/G/+/N/#\ntopic readwrite v1/gateway/telemetry\n';
    expect(acl.split('\n\n').at(-1)).toBe(`user gw\n${own}`);
    const service = acl.split('\n\n').find((part) => part.startsWith('user wellkeeper'));
    expect(service).toContain('topic readwrite spBv1.0/G/+/N/#\ntopic read v1/gateway/telemetry\n');
    expect(acl).not.toContain('user other');
  });

  it('are the gateway’s alone in the files of the others', () => {
    const emqx = written('emqx', { gateways }).files['acl.conf']!;
    expect(emqx).toContain(
      '{allow, {username, "gw"}, publish, ["spBv1.0/G/+/N/#", "v1/gateway/telemetry"]}.\n{allow, {username, "gw"}, subscribe, ["spBv1.0/G/+/N/#", "v1/gateway/telemetry"]}.\n{allow, all,',
    );
    const hivemq = written('hivemq', { gateways }).files['credentials.xml']!;
    expect(hivemq).toContain('<roles><id>gateway</id><id>own-gw</id></roles>');
    expect(hivemq).toContain(
      '<id>own-gw</id>\n      <permissions>\n        <permission><topic>spBv1.0/G/+/N/#</topic><activity>ALL',
    );
    expect(hivemq).not.toContain('own-other');
    const nats = written('nats', { gateways }).files['users.conf']!;
    expect(nats.match(/"spBv1\/\/0\.G\.\*\.N\.>"/g)).toHaveLength(4);
  });

  it('have no dot where RabbitMQ is the broker, which would make a slash of it', () => {
    const { files, leftOut } = written('rabbitmq', { gateways });
    expect(leftOut).toEqual([{ who: 'topic "spBv1.0/G/+/N/#"', why: expect.stringContaining('dot') }]);
    expect(files['definitions.json']).toContain('v1\\\\.gateway\\\\.telemetry');
    expect(files['definitions.json']).not.toContain('spBv1');
  });
});

describe('passwords that an earlier version made', () => {
  // Its salts were any bytes, and it kept no other forms.
  const old = {
    id: 'former-gw',
    passwordHash: `$7$1000$${Buffer.alloc(12, 0x8f).toString('base64')}$${'A'.repeat(86)}==`,
  };

  it.each(['rabbitmq', 'nats', 'emqx'] as const)(
    'are left out of the files for %s, by name and with what to do',
    (broker) => {
      const { files, leftOut } = written(broker, { gateways: [old, { id: 'gw', ...kept }] });
      expect(leftOut).toEqual([{ who: 'former-gw', why: expect.stringContaining('?rotate=true') }]);
      expect(Object.values(files).join('')).not.toContain('former-gw');
    },
  );

  it.each(['mosquitto', 'hivemq'] as const)('stand in the files for %s', (broker) => {
    const { files, leftOut } = written(broker, { gateways: [old] });
    expect(leftOut).toEqual([]);
    expect(Object.values(files).join('')).toContain('former-gw');
  });
});

describe('the forms of a password', () => {
  const [, iterations, salt, hash] = kept.passwordHash.split('$').slice(1);

  it('are what each broker computes itself', () => {
    const users = json<{ users: { name: string; password_hash: string }[] }>(
      written('rabbitmq'),
      'definitions.json',
    ).users;
    const rabbit = Buffer.from(users.find(({ name }) => name === 'gw')!.password_hash, 'base64');
    const digest = createHash('sha256').update(rabbit.subarray(0, 4)).update(PASSWORD).digest();
    expect(rabbit.subarray(4)).toEqual(digest);

    expect(written('hivemq').files['credentials.xml']).toContain(`<password>${salt}:${iterations}:${hash}</password>`);

    const [emqx] = json<{ user_id: string; password_hash: string; salt: string }[]>(
      written('emqx'),
      'users.json',
    ).slice(1);
    expect(emqx).toMatchObject({ user_id: 'gw', is_superuser: false });
    expect(emqx!.salt).toMatch(/^[A-Za-z0-9_-]{12}$/);
    expect(emqx!.password_hash).toBe(pbkdf2Sync(PASSWORD, emqx!.salt, 1000, 64, 'sha512').toString('hex'));
  });

  it('lack the one of NATS for a password that bcrypt would cut off', async () => {
    const long = { id: 'wellkeeper', ...(await keepPassword('x'.repeat(72))) };
    expect(written('nats', { service: long }).leftOut).toEqual([
      { who: 'wellkeeper', why: 'NATS takes passwords of at most 71 bytes' },
    ]);
    expect(written('rabbitmq', { service: long }).leftOut).toEqual([]);
  });
});

describe('rights', () => {
  interface Definitions {
    users: { name: string; password_hash: string }[];
    permissions: { user: string; configure: string; write: string; read: string }[];
    topic_permissions: { user: string; write: string; read: string }[];
  }

  it('at RabbitMQ are patterns of routing keys, and of the one queue of one’s own client id', () => {
    const { permissions, topic_permissions } = json<Definitions>(
      written('rabbitmq', { clientId: 'wk-1' }),
      'definitions.json',
    );
    const of = <T extends { user: string }>(list: T[], id: string) => list.find(({ user }) => user === id)!;
    const gw = of(topic_permissions, 'gw');
    expect(gw).toMatchObject({
      write: '^wk\\.v1\\.gw\\.readings$|^wk\\.v1\\.gw\\.hj212$|^wk\\.v1\\.gw\\.senml$',
      read: '^wk\\.v1\\.gw\\.hj212\\.reply$|^wk\\.v1\\.gw\\.rejected$|^wk\\.v1\\.gw\\.ledger$',
    });
    const service = of(topic_permissions, 'wellkeeper');
    const may = (pattern: string, key: string) => new RegExp(pattern).test(key);
    for (const key of [
      'wk.v1.*.readings',
      'wk.v1.gw.readings',
      'wk.v1._wk.canary.readings',
      'wk.alarms.v1.#',
      '$SYS.broker.publish.messages.dropped',
    ])
      expect([key, may(service.read, key)]).toEqual([key, true]);
    for (const key of ['wk.v1.gw.ledger', 'wk.alarms.v1.s.1', 'ops.alarms', 'wk.v1._wk.canary.readings'])
      expect([key, may(service.write, key)]).toEqual([key, true]);
    for (const key of ['wk.v1.gw.readings', 'wk.v1.a.b.ledger', 'ops.alarms.x', 'wk.alarms.v2.s'])
      expect([key, may(service.write, key)]).toEqual([key, false]);
    expect(of(permissions, 'wellkeeper').configure).toBe('^mqtt-subscription-wk-1qos[01]$');
    expect(of(permissions, 'gw').configure).toBe('^mqtt-subscription-gwqos[01]$');
  });

  it('at RabbitMQ are not for a gateway with a dot, and take the password from one who is gone', () => {
    const dotted = written('rabbitmq', { gateways: [{ id: 'gw.2', ...kept }], gone: ['gone'] });
    expect(dotted.leftOut).toEqual([{ who: 'gw.2', why: expect.stringContaining('two levels of a dot') }]);
    const { users, permissions } = json<Definitions>(dotted, 'definitions.json');
    expect(users.map(({ name, password_hash }) => [name, password_hash === ''])).toEqual([
      ['wellkeeper', false],
      ['gone', true],
    ]);
    expect(permissions.map(({ user }) => user)).toEqual(['wellkeeper']);
  });

  it('at NATS are subjects: of dots `//`, and of `a/#` also `a`', () => {
    const topics = { read: ['wk/v1/+/readings'], write: ['ops/alarms', 'of an office/alarms', '/lead', 'v1.2/x'] };
    const { files, leftOut, next } = written('nats', { gateways: [{ id: 'gw.2', ...kept }], topics });
    const lines = files['users.conf']!.split('\n').filter((line) => line.includes('permissions'));
    expect(lines[0]).toContain('"wk.alarms.v1.>", "wk.alarms.v1"');
    expect(lines[0]).toContain('"ops.alarms", "/.lead", "v1//2.x"');
    expect(lines[1]).toContain(
      'publish: ["wk.v1.gw//2.readings", "wk.v1.gw//2.hj212", "wk.v1.gw//2.senml"], subscribe: ["wk.v1.gw//2.hj212.reply", "wk.v1.gw//2.rejected", "wk.v1.gw//2.ledger", "$MQTT.sub.>"]',
    );
    expect(leftOut).toEqual([{ who: 'topic "of an office/alarms"', why: 'NATS takes no spaces' }]);
    expect(next.join('\n')).toContain('gw.2: they need NATS 2.10');
  });

  it('at HiveMQ and EMQX name the user by their own placeholder', () => {
    expect(written('hivemq').files['credentials.xml']).toContain(
      '<permission><topic>wk/v1/${{username}}/readings</topic><activity>PUBLISH</activity></permission>',
    );
    const acl = written('emqx').files['acl.conf']!.split('\n');
    expect(acl.slice(-4)).toEqual([
      '{allow, all, publish, ["wk/v1/${username}/readings", "wk/v1/${username}/hj212", "wk/v1/${username}/senml"]}.',
      '{allow, all, subscribe, ["wk/v1/${username}/hj212/reply", "wk/v1/${username}/rejected", "wk/v1/${username}/ledger"]}.',
      '{deny, all}.',
      '',
    ]);
    expect(acl[1]).toBe(
      '{allow, {username, "wellkeeper"}, publish, ["wk/v1/+/rejected", "wk/v1/+/hj212/reply", "wk/v1/+/ledger", "wk/v1/_wk.canary/readings", "wk/alarms/v1/#", "ops/alarms"]}.',
    );
  });
});
