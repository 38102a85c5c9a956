/**
 * What docs/deployment.md says of outside brokers, of each that is installed: the files of `npm run broker:files` load
 * in it, and nothing that it has acknowledged is lost on the way to our store.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MqttClient, openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import { OUTSIDE_BROKERS, type RunningBroker, type TestBroker } from '#tests/helpers/brokers/outside.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { startTestService, type TestService } from '#tests/helpers/service.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const PASSWORD = 'of the service itself';
const SERVICE = { WK_MQTT_USERNAME: 'wellkeeper', WK_MQTT_PASSWORD: PASSWORD };
const STATION = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river', parameters: [] };
const BASE_MS = Date.parse('2026-11-01T00:00:00Z');
const BEFORE = 1000;
const AWAY = 10_000;

describe.each(OUTSIDE_BROKERS)('$name $version', (kind) => {
  describe.skipIf(kind.missing !== null)(kind.missing ?? 'as it is installed', () => trial(kind));
});

function trial(kind: TestBroker): void {
  const directory = makeTempDir();
  const home = join(directory.path, 'broker');
  const files = join(directory.path, 'files');
  const dataDir = join(directory.path, 'data');
  let broker: RunningBroker;
  let service: TestService;
  let passwords: Record<string, string>;

  const writeFiles = (...more: string[]) =>
    runCommand('broker-files', ['--for', kind.name, ...more, files], { WK_DATA_DIR: dataDir, ...SERVICE });
  const startService = () =>
    startTestService({
      dataDir,
      env: { ...SERVICE, WK_MQTT_URL: `mqtt://127.0.0.1:${broker.port}`, WK_SEEDS: 'none' },
    });
  const connect = async (username: string, more: object = {}) => {
    const password = passwords[username]!;
    const client = openMqtt({ port: broker.port, username, password, clientId: username, ...more });
    expect((await client.connack()).returnCode).toBe(0);
    return client;
  };

  beforeAll(async () => {
    const made = await writeFiles('--first-start');
    expect(made, made.stderr).toMatchObject({ code: 0 });
    mkdirSync(home);
    broker = await kind.start(home, files);
    service = await startService();
    await service.call('PUT', '/stations/s', STATION);
    passwords = {
      wellkeeper: PASSWORD,
      gw: await service.gateway('gw', ['s']),
      other: await service.gateway('other', ['s']),
      'gw.2': await service.gateway('gw.2', ['s']),
    };
  });
  afterAll(async () => {
    await service?.remove();
    await broker?.stop();
    await broker?.end();
    directory.remove();
  });

  it('takes the files anew, and is told which gateways it can not have', async () => {
    const { code, stdout, stderr } = await writeFiles();
    if (kind.dots === 'split') {
      expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('left out: gw.2: ') });
      expect(stdout).toContain('2 gateways');
    } else {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('3 gateways');
    }
    for (const password of Object.values(passwords)) expect(stdout + stderr).not.toContain(password);
    await broker.reload();
    await eventually('the new users', async () => (await answer(broker.port, 'gw', passwords.gw!)) === 0);
  });

  it('is tried by the canary', async () => {
    const levels = { kept: 'kept', split: 'split', refused: 'untried' }[kind.dots];
    await eventually('tried', () => said(service, 'mqtt.canary').length > 0);
    expect(said(service, 'mqtt.canary')[0]).toMatchObject({ levels });
  });

  it('brings 1,000 messages of a gateway into the store', async () => {
    const gateway = await connect('gw');
    await publish(gateway, 'gw', 0, BEFORE);
    await stored(service, 'gw', BEFORE);
    await gateway.end();
  });

  it('never takes from a gateway with a dot what does not arrive', async () => {
    if (kind.dots === 'split') {
      // Left out of its users; and who has it all the same is told.
      expect(await answer(broker.port, 'gw.2', passwords['gw.2']!)).not.toBe(0);
      await eventually('the alarm', async () => {
        const { body } = await service.call<{ items: { key: string }[] }>('GET', '/alarms?station=_platform');
        return body.items.some(({ key }) => key === 'platform/_platform/broker.levels-split');
      });
      return;
    }
    const gateway = await connect('gw.2', { clientId: 'gw-2' });
    const taken = await publish(gateway, 'gw.2', 50_000, 50_005).then(
      () => true,
      () => false,
    );
    expect(taken).toBe(kind.dots === 'kept');
    if (taken) await stored(service, 'gw.2', 5);
    await gateway.end();
  });

  it('lets nobody in with a wrong password, or without one', async () => {
    expect(await answer(broker.port, 'gw', 'wrong')).not.toBe(0);
    expect(await answer(broker.port, 'gw', passwords.other!)).not.toBe(0);
    expect(await answer(broker.port)).not.toBe(0);
  });

  it('lets a gateway publish and hear on its own topics only', async () => {
    const spy = await connect('other');
    for (const filter of ['#', 'wk/v1/gw/rejected', 'wk/alarms/v1/#']) await spy.subscribe(filter).catch(() => []);
    const stranger = await connect('gw');
    const outcome = await stranger.publish('wk/v1/other/readings', '{}').then(
      () => 'dropped',
      () => 'hung up',
    );
    expect(outcome).toBe(kind.elsewhere);
    const gateway = await connect('gw');
    expect(await gateway.subscribe('wk/v1/gw/rejected', 'wk/v1/gw/ledger')).toEqual([1, 1]);
    await gateway.publish('wk/v1/gw/readings', 'no JSON');
    await gateway.message('wk/v1/gw/rejected');
    expect((await ledgerOf(service, 'other')).received).toBe(0);
    expect(topicsHeard(spy).filter((topic) => !topic.startsWith('wk/v1/other/'))).toEqual([]);
    for (const client of [spy, stranger, gateway]) await client.end();
  });

  const ending = kind.survivesKill ? 'killed' : 'restarted';
  it(`keeps ${AWAY} messages while we are away, also when it is ${ending} meanwhile`, async () => {
    await service.end();
    const gateway = await connect('gw');
    await publish(gateway, 'gw', BEFORE, BEFORE + AWAY);
    await gateway.end();
    await (kind.survivesKill ? broker.kill() : broker.stop());
    broker = await broker.startAgain();
    service = await startService();
    await stored(service, 'gw', BEFORE + AWAY);
    expect([...said(service, 'mqtt.session-lost'), ...said(service, 'mqtt.session-older')]).toEqual([]);
  });
}

/** The code of CONNACK; null when there is none. */
async function answer(port: number, username?: string, password?: string): Promise<number | null> {
  const client = openMqtt({ port, clientId: 'somebody', ...(username ? { username, password } : {}) });
  const code = await client.connack().then(
    ({ returnCode }) => returnCode ?? null,
    () => null,
  );
  await client.end();
  return code;
}

/** Messages of one reading each, from one number up to another; resolves when all are acknowledged. */
async function publish(gateway: MqttClient, id: string, from: number, to: number): Promise<void> {
  for (let n = from; n < to; ) {
    let last = 0;
    for (const end = Math.min(to, n + 1000); n < end; n++) {
      const reading = { station: 's', time: BASE_MS + n * 1000, values: { ph: 7 } };
      last = gateway.post(`wk/v1/${id}/readings`, JSON.stringify(reading));
    }
    await gateway.acknowledged(last);
  }
}

interface Ledger {
  received: number;
  stored: number;
  quarantined: number;
  pending: number;
}

const ledgerOf = async (service: TestService, gateway: string): Promise<Ledger> =>
  (await service.call<Ledger & Record<string, unknown>>('GET', `/gateways/${gateway}/ledger`)).body;

/** What a broker sends twice is a duplicate, and stored once. */
async function stored(service: TestService, gateway: string, count: number): Promise<void> {
  await eventually(`${count} of ${gateway} stored`, async () => {
    const ledger = await ledgerOf(service, gateway);
    return ledger.pending === 0 && ledger.stored >= count;
  });
  expect(await ledgerOf(service, gateway)).toMatchObject({ stored: count, pending: 0 });
}

const topicsHeard = (client: MqttClient): string[] =>
  client.packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []));

/** The lines of the log that tell of an event. */
function said(service: TestService, event: string): Record<string, unknown>[] {
  const lines = service
    .output()
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
