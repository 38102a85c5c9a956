/** A listener of the plainest protocol with a door that answers when the test says, and devices that talk to it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startTcp, type TcpListeners, type TcpOptions } from '#ingest/transports/tcp.ts';
import { Control } from '#journal/registers.ts';
import type { Gateway } from '#model/register.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { type HandClock, handClock } from '#tests/helpers/hand-clock.ts';
import { createFakeDoor, type FakeDoor } from './fake-door.ts';
import { plainProtocol } from './plain-protocol.ts';

/** 2026-11-22T08:00:00Z. */
export const NOW_MS = 1_795_334_400_000;

interface TestDevice {
  socket: Socket;
  send(text: string | Uint8Array): void;
  /** All that it was answered. */
  heard(): string;
  /** Resolves once it was answered so. */
  hears(text: string): Promise<unknown>;
  /** Resolves once the listener has ended it. */
  ended: Promise<unknown>;
}

export interface TcpRig {
  tcp: TcpListeners;
  door: FakeDoor;
  control: Control;
  clock: HandClock;
  logged: { fields: Record<string, unknown>; message: string }[];
  crowded: string[];
  contested: string[];
  put(id: string, entry: Partial<Gateway> | null): void;
  count(what: string): number;
  /** @param from the address that it comes from, of loopback. */
  device(from?: string): Promise<TestDevice>;
}

const endings: (() => unknown)[] = [];
export async function endAll(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}

/** Starts one with gateway `gw` of station `s`, device `A1` with password `pw`; it ends with `endAll`. */
export async function runTcp(
  options: Pick<TcpOptions, 'limits'> & Partial<Pick<TcpOptions, 'newestMs' | 'cycleMs'>> = {},
): Promise<TcpRig> {
  const door = createFakeDoor();
  const control = new Control([]);
  const clock = handClock(NOW_MS);
  const logged: TcpRig['logged'] = [];
  const crowded: string[] = [];
  const contested: string[] = [];
  const note = (fields: object, message: string) => logged.push({ fields: fields as Record<string, unknown>, message });
  let seq = 0;
  const put = (id: string, entry: Partial<Gateway> | null) => {
    const change = { kind: 'command', seq: ++seq, receivedMs: NOW_MS, actor: 'admin' } as const;
    const body = { stations: ['s'], passwordHash: '', protocol: 'hj212', ...entry };
    if (entry === null) control.apply({ ...change, command: { verb: 'delete', noun: 'gateway', id } });
    else control.apply({ ...change, command: { verb: 'put', noun: 'gateway', id, body } });
  };
  put('gw', { identity: { mn: 'A1', password: 'pw' } });
  const tcp = await startTcp({
    addresses: { hj212: { host: '127.0.0.1', port: 0 }, sl651: null, szy206: null },
    protocols: { hj212: plainProtocol },
    door,
    control,
    clock,
    log: { info: note, warn: note, error: note },
    crowded: (limit, who) => void crowded.push(`${limit} ${who}`),
    contested: ({ address }, here, there) => void contested.push(`${address} ${here} ${there}`),
    newestMs: () => null,
    cycleMs: () => null,
    ...options,
  });
  endings.push(() => tcp.close());
  return {
    tcp,
    door,
    control,
    clock,
    logged,
    crowded,
    contested,
    put,
    count: (what) => tcp.counters()[`hj212.${what}`]!,
    device: (from = '127.0.0.1') => openDevice(tcp.ports.get('hj212')!, from),
  };
}

async function openDevice(port: number, from: string): Promise<TestDevice> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  socket.on('error', () => {});
  endings.push(() => socket.destroy());
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return {
    socket,
    send: (text) => void socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text),
    heard: () => heard,
    hears: (text) => eventually(`the answer ${JSON.stringify(text)}`, () => heard.includes(text)),
    ended,
  };
}
