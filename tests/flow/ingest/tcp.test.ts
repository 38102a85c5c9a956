/** Devices over TCP against the real service: their own frames in, their own answers out, and bad ones disturb nobody. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hj212 } from '#seeds/simulation/rtus/hj212.ts';
import type { TcpSpeaker } from '#seeds/simulation/rtus/rtu.ts';
import { sl651 } from '#seeds/simulation/rtus/sl651.ts';
import { szy206 } from '#seeds/simulation/rtus/szy206.ts';
import { connectRtu, type RtuClient } from '#tests/helpers/ingest/rtu-client.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const KINDS = { hj212, sl651, szy206 } as const satisfies Record<string, TcpSpeaker>;
type Kind = keyof typeof KINDS;
const WATER = { temp: 12.3, ph: 7.92, do: 9.1, nh3n: 0.08, tp: 0.02 };
const METERED = { flow: 28.066, register: 2_467_284_706 };
const MINUTE = 60_000;
/** Whole minutes: SL 651 has no seconds. */
const NOW_MS = Math.floor(Date.now() / MINUTE) * MINUTE;

let service: TestService;
const rtuOf = (kind: Kind) => ({ id: `rtu-${kind}`, station: `s-${kind}`, ...KINDS[kind].identify(0) });
const valuesOf = (kind: Kind) => (kind === 'szy206' ? METERED : WATER);
const report = (kind: Kind, timeMs: number, number = 1, values: Record<string, number> = valuesOf(kind)) =>
  Buffer.from(KINDS[kind].report(rtuOf(kind), values, timeMs, number));

async function connected(kind: Kind): Promise<RtuClient> {
  return connectRtu(service.portOf(kind));
}

async function readings(kind: Kind, parameter: string): Promise<{ time: string; value: number }[]> {
  const range = `from=${encodeURIComponent(new Date(NOW_MS - 86_400_000).toISOString())}&to=${encodeURIComponent(new Date(NOW_MS + 86_400_000).toISOString())}`;
  const { body } = await service.call<{ items: { time: string; value: number }[] }>(
    'GET',
    `/series/s-${kind}/${parameter}/readings?${range}`,
  );
  return body.items ?? [];
}

async function quarantined(code: string): Promise<{ gateway: string; message: string }[]> {
  const { body } = await service.call<{ items: { gateway: string; code: string; message: string }[] }>(
    'GET',
    '/quarantine',
  );
  return body.items.filter((item) => item.code === code);
}

async function counter(event: string): Promise<number> {
  const text = String((await service.call('GET', '/metrics')).body);
  return Number(new RegExp(`^wellkeeper_tcp_events_total\\{event="${event}"\\} (\\d+)`, 'm').exec(text)![1]);
}

beforeAll(async () => {
  const ports = Object.keys(KINDS).map((kind) => [`WK_TCP_${kind.toUpperCase()}`, '127.0.0.1:0']);
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'info', ...Object.fromEntries(ports) } });
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const name = { zh: '断面', en: 'Section' };
    const parameters = [{ id: 'ph', interval: 'PT5M' }];
    await service.call('PUT', `/stations/s-${kind}`, { name, kind: 'river-section', waterBody: 'river', parameters });
    const { station: _station, ...rtu } = rtuOf(kind);
    const entry = { stations: [`s-${kind}`], ...KINDS[kind].entry({ ...rtu, station: `s-${kind}` }) };
    expect((await service.call('PUT', `/gateways/rtu-${kind}`, entry)).status).toBe(201);
  }
});
afterAll(() => service?.remove());

describe.each(Object.keys(KINDS) as Kind[])('%s', (kind) => {
  const parameter = kind === 'szy206' ? 'register' : 'ph';
  const value = kind === 'szy206' ? METERED.register : WATER.ph;

  it('takes a report behind a registration packet, confirms it, and again when it comes again', async () => {
    const device = await connected(kind);
    device.send('REG:460012345678901');
    device.send(report(kind, NOW_MS));
    await eventually('the confirmation', () => KINDS[kind].confirms(device.heard()));
    expect(await readings(kind, parameter)).toEqual([
      expect.objectContaining({ time: new Date(NOW_MS).toISOString(), value }),
    ]);
    const first = device.heard();
    device.send(report(kind, NOW_MS));
    await eventually('the confirmation again', () => device.heard().length >= 2 * first.length);
    const { body } = await service.call<Record<string, number>>('GET', `/gateways/rtu-${kind}/ledger`);
    expect(body).toMatchObject({ stored: Object.keys(valuesOf(kind)).length, duplicate: body.stored, quarantined: 0 });
    const { lastSeen } = (await service.call('GET', `/gateways/rtu-${kind}`)).body;
    expect(Date.parse(String(lastSeen))).toBeGreaterThan(Date.now() - 60_000);
    device.socket.destroy();
  });

  it('finds a report in sticky and half packets behind 4 KiB of noise and requests of Modbus', async () => {
    const device = await connected(kind);
    device.send(Buffer.alloc(4096, 0x55));
    device.send(Buffer.from('010000000006010400C80064', 'hex'));
    const bytes = Buffer.concat([report(kind, NOW_MS - 2 * MINUTE, 2), report(kind, NOW_MS - MINUTE, 3)]);
    for (let at = 0; at < bytes.length; at += 7) device.send(bytes.subarray(at, at + 7));
    await eventually('both', async () => (await readings(kind, parameter)).length === 3);
    await eventually('the confirmation', () => KINDS[kind].confirms(device.heard()));
    device.socket.destroy();
  });

  it('quarantines a damaged frame with its code and goes on with the next', async () => {
    const device = await connected(kind);
    const damaged = report(kind, NOW_MS - 3 * MINUTE, 4);
    damaged[Math.floor(damaged.length / 2)]! ^= 0x01;
    device.send(damaged);
    device.send(report(kind, NOW_MS - 4 * MINUTE, 5));
    await eventually('the next', async () => (await readings(kind, parameter)).length === 4);
    const own = async () => (await quarantined('message.checksum')).filter(({ gateway }) => gateway === `rtu-${kind}`);
    await eventually('the damaged one', async () => (await own()).length === 1);
    device.socket.destroy();
  });

  it('quarantines what nobody has registered, and does not answer it', async () => {
    const device = await connected(kind);
    device.send(
      Buffer.from(KINDS[kind].report({ ...rtuOf(kind), ...KINDS[kind].identify(7) }, valuesOf(kind), NOW_MS, 1)),
    );
    const foreign = async () =>
      (await quarantined('device.unknown')).filter(({ gateway }) => gateway === `tcp:${kind}`);
    const [item] = await eventually('the item', async () => ((await foreign()).length === 1 ? foreign() : null));
    expect(item!.message).toContain(KINDS[kind].identify(7).address);
    expect(device.heard()).toHaveLength(0);
    expect(await counter(`${kind}.unwelcome`)).toBe(1);
    device.socket.destroy();
  });

  it('sets the clock of a device that is connected, where the protocol can', async () => {
    const device = await connected(kind);
    device.send(report(kind, NOW_MS));
    await eventually('the confirmation', () => KINDS[kind].confirms(device.heard()));
    const before = device.heard().length;
    const set = await service.call('POST', `/gateways/rtu-${kind}/clock`, {});
    if (kind === 'szy206') {
      // Setting clocks is none of its standard commands here.
      expect(set.status).toBe(409);
      device.socket.destroy();
      return;
    }
    expect([set.status, set.body]).toEqual([200, { told: [rtuOf(kind).address], away: [] }]);
    await eventually('the command', () => device.heard().length > before);
    device.socket.destroy();
    await eventually(
      'the end',
      async () => (await service.call('POST', `/gateways/rtu-${kind}/clock`, {})).status === 409,
    );
  });
});
