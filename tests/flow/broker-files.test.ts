/** `npm run broker:files` beside a running service, and what a real Mosquitto makes of its files. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { brokerFiles } from '#src/mosquitto-files.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/mosquitto.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const PASSWORD = 'of the service itself';

describe('the files', () => {
  it('refuse a service user who is also a gateway, or whose name could say more than a name', () => {
    const gateway = { id: 'wellkeeper', passwordHash: '$7$…' };
    expect(() => brokerFiles([gateway], { id: 'wellkeeper', passwordHash: null }, [])).toThrow(/also a gateway/);
    expect(() => brokerFiles([], { id: 'a\ntopic readwrite #', passwordHash: null }, [])).toThrow(/can't be written/);
  });

  it('leave out a service user whose password is kept elsewhere', () => {
    const { passwd, acl } = brokerFiles([{ id: 'gw', passwordHash: 'hash' }], { id: 'wk', passwordHash: null }, [
      'a/+',
    ]);
    expect(passwd).toBe('gw:hash\n');
    expect(acl).toContain('user wk\ntopic read a/+\n');
  });
});

describe('npm run broker:files', () => {
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
      const files = join(directory.path, 'broker');
      const env = { WK_DATA_DIR: service.dataDir, WK_MQTT_PASSWORD: PASSWORD };
      const made = await runCommand('broker-files', [files], env);
      expect(made, made.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('2 gateways') });
      broker = await startMosquitto(directory.path, [
        'allow_anonymous false',
        `password_file ${join(files, 'passwd')}`,
        `acl_file ${join(files, 'acl')}`,
      ]);
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
        expect(statSync(join(directory.path, 'broker', name)).mode & 0o777).toBe(0o600);
      }
      expect(readFileSync(join(directory.path, 'broker/passwd'), 'utf8')).not.toContain('gone');
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

    it('keeps the service from speaking as a gateway', async () => {
      const wellkeeper = await connect('wellkeeper');
      await expect(wellkeeper.publishAsync('wk/v1/a/readings', '{}', { qos: 1 })).rejects.toThrow(/not authorized/i);
    });
  },
);
