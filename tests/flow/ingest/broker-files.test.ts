/** `npm run broker:files` beside a running service, and what a real Mosquitto makes of its files. */
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { BrokerUser, ServiceTopics } from '#src/brokers/access.ts';
import { brokerFiles } from '#src/brokers/files.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { packagedSettings } from '#tests/helpers/brokers/packaged-mosquitto.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { readDocument } from '#tests/helpers/repository/documents.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const PASSWORD = 'of the service itself';

/** Exit code of the check in docker-compose.yml, asked of this port. */
async function healthCheck(port: number): Promise<number | null> {
  const { services } = parseYaml(readDocument('docker-compose.yml'), { merge: true }) as {
    services: { mosquitto: { healthcheck: { test: [string, string] } } };
  };
  const command = services.mosquitto.healthcheck.test[1].replaceAll('$$', '$').replace(' -h ', ` -p ${port} -h `);
  const child = spawn('sh', ['-c', command], { stdio: 'ignore' });
  return new Promise((resolve) => child.once('close', resolve));
}

const mosquitto = (gateways: BrokerUser[], service: BrokerUser, topics: ServiceTopics) =>
  brokerFiles('mosquitto', { gateways, gone: [], service, clientId: 'wellkeeper', topics }).files;

describe('the files', () => {
  it('refuse a service user who is also a gateway, or whose name could say more than a name', () => {
    const gateway = { id: 'wellkeeper', passwordHash: '$7$…' };
    const none = { read: [], write: [] };
    const files = (gateways: BrokerUser[], id: string) => mosquitto(gateways, { id, passwordHash: null }, none);
    expect(() => files([gateway], 'wellkeeper')).toThrow(/also a gateway/);
    expect(() => files([], 'a\ntopic readwrite #')).toThrow(/can't be written/);
  });

  it('leave out a service user whose password is kept elsewhere', () => {
    const topics = { read: ['a/+'], write: [] };
    const { passwd, acl } = mosquitto([{ id: 'gw', passwordHash: 'hash' }], { id: 'wk', passwordHash: null }, topics);
    expect(passwd).toBe('gw:hash\n');
    expect(acl).toContain('user wk\ntopic read a/+\n');
  });
});

describe('rights to channels', () => {
  it('are given for names of topics alone', () => {
    const write = ['ops/alarms', 'ops/alarms', 'ops/#', '+', 'a\ntopic readwrite #', 'a\u0085b'];
    const { acl } = mosquitto([], { id: 'wk', passwordHash: null }, { read: [], write });
    expect(acl!.split('\n').filter((line) => /ops|readwrite|a.b|\+$/.test(line))).toEqual([
      'topic readwrite wk/v1/_wk.canary/readings',
      'topic readwrite wk/alarms/v1/#',
      'topic write ops/alarms',
    ]);
  });
});

describe('npm run broker:files', () => {
  it('makes files without gateways before the first start, when told so', async () => {
    const { path, remove } = makeTempDir();
    try {
      const env = { WK_DATA_DIR: join(path, 'none'), WK_MQTT_PASSWORD: PASSWORD };
      const made = await runCommand('broker-files', ['--first-start', path], env);
      expect(made, made.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('0 gateways') });
      expect(readFileSync(join(path, 'passwd'), 'utf8')).toMatch(/^wellkeeper:\$7\$\S+\n$/);
      expect(readFileSync(join(path, 'acl'), 'utf8')).toContain('user wellkeeper\ntopic read wk/v1/+/readings\n');
    } finally {
      remove();
    }
  });

  it('says what is missing, and how it is called', async () => {
    const { path, remove } = makeTempDir();
    try {
      const missing = await runCommand('broker-files', [], { WK_DATA_DIR: join(path, 'none') });
      expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining("journal.db isn't there") });
      expect(await runCommand('broker-files', ['a', 'b'])).toMatchObject({ code: 2 });
      expect(await runCommand('broker-files', [], { WK_HTTP_PORT: 'x' })).toMatchObject({ code: 78 });
    } finally {
      remove();
    }
  });
});

describe.skipIf(!hasMosquitto)(
  `Mosquitto with these files${hasMosquitto ? '' : ' (mosquitto is not installed)'}`,
  () => {
    const directory = makeTempDir();
    const clients: MqttClient[] = [];
    let service: TestService;
    let broker: Mosquitto;
    let passwords: Record<string, string>;
    const files = join(directory.path, 'broker');

    async function writeFiles(): Promise<string> {
      const env = { WK_DATA_DIR: service.dataDir, WK_MQTT_PASSWORD: PASSWORD };
      const made = await runCommand('broker-files', [files], env);
      expect(made, made.stderr).toMatchObject({ code: 0 });
      return made.stdout;
    }

    beforeAll(async () => {
      service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
      await service.call('PUT', '/stations/s', {
        name: { zh: '断面', en: 'Section' },
        kind: 'river-section',
        waterBody: 'river',
        parameters: [],
      });
      passwords = { a: await service.gateway('a', ['s']), b: await service.gateway('b', ['s']), wellkeeper: PASSWORD };
      await service.gateway('gone', ['s']);
      await service.call('DELETE', '/gateways/gone');
      await service.call('PUT', '/channels/ops', { kind: 'mqtt', to: 'ops/alarms' });
      expect(await writeFiles()).toContain('2 gateways');
      // The configuration that docker-compose.yml mounts.
      broker = await startMosquitto(directory.path, packagedSettings(files));
    });
    afterEach(async () => {
      for (const client of clients.splice(0)) await client.endAsync(true);
    });
    afterAll(async () => {
      await broker?.stop();
      await service?.remove();
      directory.remove();
    });

    async function connect(username: string, password = passwords[username]!): Promise<MqttClient> {
      const url = `mqtt://127.0.0.1:${broker.port}`;
      const client = await connectAsync(url, { username, password, protocolVersion: 5, reconnectPeriod: 0 }, false);
      clients.push(client);
      return client;
    }

    /** Topics that the client hears from now on. */
    async function hearing(client: MqttClient, topics: string[]): Promise<string[]> {
      const heard: string[] = [];
      client.on('message', (topic) => heard.push(topic));
      await client.subscribeAsync(topics, { qos: 1 });
      return heard;
    }

    it('are readable by their owner alone', () => {
      for (const name of ['passwd', 'acl']) {
        expect(statSync(join(files, name)).mode & 0o777).toBe(0o600);
      }
      expect(readFileSync(join(files, 'passwd'), 'utf8')).not.toContain('gone');
    });

    it('refuses a wrong password, a deleted gateway and anonymous clients', async () => {
      await expect(connect('a', 'wrong')).rejects.toThrow(/not authorized/i);
      await expect(connect('gone', 'whatever')).rejects.toThrow(/not authorized/i);
      await expect(connect('a', passwords.b)).rejects.toThrow(/not authorized/i);
      await expect(connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 }, false)).rejects.toThrow();
    });

    it("lets a gateway publish on its own topic, and not on another's", async () => {
      const heard = await hearing(await connect('wellkeeper'), ['wk/v1/+/readings']);
      const gateway = await connect('a');
      const refused = gateway.publishAsync('wk/v1/b/readings', '{}', { qos: 1 });
      await expect(refused).rejects.toThrow(/not authorized/i);
      await gateway.publishAsync('wk/v1/a/readings', '{}', { qos: 1 });
      await eventually('the reading', () => heard.length > 0);
      expect(heard).toEqual(['wk/v1/a/readings']);
    });

    it('brings a gateway what is said to it, and nothing else', async () => {
      const a = await hearing(await connect('a'), ['#', 'wk/v1/a/rejected', 'wk/v1/a/ledger']);
      const b = await hearing(await connect('b'), ['#']);
      const wellkeeper = await connect('wellkeeper');
      for (const topic of [
        'wk/alarms/v1/s/1',
        'wk/v1/b/rejected',
        'wk/v1/b/ledger',
        'wk/v1/a/rejected',
        'wk/v1/a/ledger',
      ])
        await wellkeeper.publishAsync(topic, 'x', { qos: 1 });
      await eventually('what is theirs', () => a.includes('wk/v1/a/ledger') && b.includes('wk/v1/b/ledger'));
      expect(new Set(a)).toEqual(new Set(['wk/v1/a/rejected', 'wk/v1/a/ledger']));
      expect(new Set(b)).toEqual(new Set(['wk/v1/b/rejected', 'wk/v1/b/ledger']));
    });

    it("brings the service all readings and no more, and takes its channels' notices", async () => {
      const wellkeeper = await connect('wellkeeper');
      const heard = await hearing(wellkeeper, ['#']);
      for (const gateway of ['a', 'b']) {
        await (await connect(gateway)).publishAsync(`wk/v1/${gateway}/readings`, '{}', { qos: 1 });
      }
      await wellkeeper.publishAsync('ops/alarms', 'x', { qos: 1 });
      await wellkeeper.publishAsync('wk/alarms/v1/s/1', 'x', { qos: 1 });
      await eventually('what it may hear', () => heard.includes('wk/alarms/v1/s/1'));
      expect(heard).toEqual(['wk/v1/a/readings', 'wk/v1/b/readings', 'wk/alarms/v1/s/1']);
      await expect(wellkeeper.publishAsync('ops/other', 'x', { qos: 1 })).rejects.toThrow(/not authorized/i);
    });

    it('lets in who was registered, and throws out who was deleted, at a SIGHUP', async () => {
      passwords.late = await service.gateway('late', ['s']);
      await expect(connect('late')).rejects.toThrow(/not authorized/i);
      await writeFiles();
      broker.reload();
      const late = await eventually('the new gateway', () => connect('late').catch(() => null));
      const closed = new Promise((resolve) => late.once('close', () => resolve('closed')));
      await service.call('DELETE', '/gateways/late');
      await writeFiles();
      broker.reload();
      expect(await closed).toBe('closed');
    });

    it('is well by the health check that docker-compose.yml has, and ill when it is gone', async () => {
      expect(await healthCheck(broker.port)).toBe(0);
      expect(await healthCheck(1)).not.toBe(0);
    });

    it('keeps the service from speaking as a gateway', async () => {
      const wellkeeper = await connect('wellkeeper');
      await expect(wellkeeper.publishAsync('wk/v1/a/readings', '{}', { qos: 1 })).rejects.toThrow(/not authorized/i);
    });
  },
);
