/** A broker of several addresses: which is tried when, and what is told of those that fail. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, it } from 'vitest';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { endAll, endings, flood, numbersOf, type Rig, startRig } from '#tests/helpers/brokers/outside-rig.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { freePort } from '#tests/helpers/free-port.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

afterEach(endAll);

const OPEN = ['allow_anonymous true', 'max_queued_messages 0'];

function directory(): string {
  const { path, remove } = makeTempDir();
  endings.push(remove);
  return path;
}

async function mosquitto(given: { port?: number } = {}): Promise<Mosquitto> {
  const server = await startMosquitto(directory(), OPEN, given);
  endings.push(() => server.stop());
  return server;
}

const urlsOf = (...ports: number[]) => ports.map((port) => `mqtt://127.0.0.1:${port}`);
const up = (rig: Rig) => eventually('subscribed', () => rig.broker.isUp);
const addressOf = (rig: Rig) =>
  rig.logged.findLast(({ fields }) => fields.event === 'mqtt.subscribed')?.fields.broker as string;

/** A server that does one thing to every connection's first packet. */
async function serverThat(answers: (connect: Buffer) => Buffer): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (packet) => {
      socket.end(answers(packet as Buffer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(() => server.close());
  return (server.address() as { port: number }).port;
}

describe.skipIf(!hasMosquitto)('several addresses (needs mosquitto)', () => {
  it('are tried in turn after each failure, those that refuse and the one that is killed', async () => {
    const away = await freePort();
    const [one, other] = [await mosquitto(), await mosquitto()];
    const rig = startRig(0, directory(), { urls: urlsOf(away, one.port, other.port) });
    await up(rig);
    expect(addressOf(rig)).toBe(`mqtt://127.0.0.1:${one.port}`);
    await one.kill();
    await eventually('at the other', () => addressOf(rig) === `mqtt://127.0.0.1:${other.port}`);
    await flood(other.port, 0, 10);
    await eventually('ten', () => numbersOf(rig.door).length === 10);
  });

  it('are left also when the first hangs (SIGSTOP), before the session and in it', async () => {
    const [first, second] = [await mosquitto(), await mosquitto()];
    first.freeze();
    const limits = { connectTimeoutMs: 500, keepaliveSeconds: 1 };
    const rig = startRig(0, directory(), { urls: urlsOf(first.port, second.port), limits });
    await up(rig);
    expect(addressOf(rig)).toBe(`mqtt://127.0.0.1:${second.port}`);
    first.thaw();
    second.freeze();
    await eventually('back at the first', () => addressOf(rig) === `mqtt://127.0.0.1:${first.port}`);
    await flood(first.port, 0, 10);
    await eventually('ten', () => numbersOf(rig.door).length === 10);
  });

  it('of one cluster are one broker to the memory of the session, also when the list has grown', async () => {
    const path = directory();
    const server = await mosquitto();
    const first = startRig(0, path, { urls: urlsOf(server.port) });
    await up(first);
    await first.broker.close();
    await flood(server.port, 0, 5);
    const second = startRig(0, path, { urls: urlsOf(await freePort(), server.port) });
    await eventually('five', () => second.door.accepted.length === 5);
    expect(second.logged.map(({ fields }) => fields.event)).not.toContain('mqtt.session-left');
    expect(second.lost).toEqual([]);
  });
});

describe('what is told of a broker that can not be used', () => {
  it('has the reason of every address, and follows the newest', async () => {
    const away = await freePort();
    let code = 4;
    const refusing = await serverThat(() => Buffer.from([0x20, 2, 0, code]));
    const rig = startRig(0, directory(), { urls: urlsOf(away, refusing) });
    await eventually('both', () => rig.troubles.at(-1)?.[0] === 'broker.unauthorized');
    const [, bad] = rig.troubles.at(-1)!;
    expect(bad).toMatch(new RegExp(`mqtt://127.0.0.1:${away}: .*ECONNREFUSED.*; mqtt://127.0.0.1:${refusing}: `));
    code = 5;
    await eventually('another reason', () => rig.troubles.at(-1)![1] !== bad);
    expect(rig.troubles.at(-1)).toEqual(['broker.unauthorized', expect.stringMatching(/[Nn]ot authorized/)]);
  });

  it.each([
    ['says so', (_: Buffer): Buffer | null => Buffer.from([0x20, 2, 0, 1])],
    ['hangs up', () => null],
  ])('is nothing at all of one that speaks 3.1.1 only and %s', async (_, answer) => {
    const aedes = await Aedes.createBroker();
    const server = createServer((socket) => {
      socket.once('data', (packet: Buffer) => {
        const said = packet[packet.indexOf('MQTT') + 4] === 5 ? answer(packet) : undefined;
        if (said) socket.end(said);
        else if (said === null) socket.destroy();
        else {
          socket.unshift(packet);
          aedes.handle(socket);
        }
      });
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endings.push(async () => {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
    });
    const rig = startRig((server.address() as { port: number }).port, directory());
    await up(rig);
    expect(rig.logged.map(({ fields }) => fields.event)).not.toContain('mqtt.trouble');
    expect(rig.troubles).toEqual([['broker.unreachable', null]]);
  });
});
