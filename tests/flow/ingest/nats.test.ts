/**
 * NATS as the outside broker, as docs/deployment.md says; runs where Debian's `nats-server` is installed
 * (`apt-get install nats-server`).
 */
import { afterEach, describe, expect, it } from 'vitest';
import { openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import { hasNats, natsTakesDots, startNats } from '#tests/helpers/brokers/nats.ts';
import { endAll, endings, flood, numbersOf, type Rig, startRig } from '#tests/helpers/brokers/outside-rig.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

afterEach(endAll);

const limits = { canaryMs: 60_000, canaryQuietMs: 10_000 };

async function nats(): Promise<{ path: string; port: number; stop(): Promise<void>; kill(): Promise<void> }> {
  const { path, remove } = makeTempDir();
  endings.push(remove);
  const server = await startNats(path);
  endings.push(() => server.stop());
  return { path, ...server };
}

const verdict = (rig: Rig) => eventually('tried', () => rig.canaries.length > 0, 20_000);

describe.skipIf(!hasNats)('NATS (needs nats-server)', () => {
  it('is tried by the canary, and keeps 1,500 messages while we are away', async () => {
    const { path, port } = await nats();
    const first = startRig(port, path, { limits });
    await verdict(first);
    // Before 2.10 it refuses every topic with a dot, as the canary's is.
    expect(first.canaries).toMatchObject([{ levels: natsTakesDots ? 'kept' : 'untried' }]);
    await first.broker.close();
    await flood(port, 0, 1500);
    const second = startRig(port, path, { limits });
    await eventually('all', () => new Set(numbersOf(second.door)).size === 1500, 30_000);
    await verdict(second);
    expect(second.lost).toEqual([]);
    expect(second.logged.map(({ fields }) => fields.event)).not.toContain('mqtt.trouble');
  });

  it('killed while they wait loses none of them', async () => {
    const { path, port, kill } = await nats();
    const first = startRig(port, path, { limits });
    await verdict(first);
    await first.broker.close();
    await flood(port, 0, 1500);
    await kill();
    const again = await startNats(path, { port });
    endings.push(() => again.stop());
    const second = startRig(port, path, { limits });
    await eventually('all', () => new Set(numbersOf(second.door)).size === 1500, 30_000);
    await verdict(second);
    expect(second.lost).toEqual([]);
  });

  it.skipIf(!natsTakesDots)(
    'refuses a client id with a dot (2.10 and later), which is why WK_MQTT_CLIENT_ID takes none',
    async () => {
      const { port } = await nats();
      const client = openMqtt({ port, clientId: 'well.keeper', clean: false });
      expect((await client.connack()).returnCode).toBe(2);
      await client.closed;
    },
  );
});
