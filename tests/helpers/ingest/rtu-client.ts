/** A device's end of a TCP connection, which counts what was confirmed. */
import { connect, type Socket } from 'node:net';
import { eventually } from '#tests/helpers/eventually.ts';

export interface RtuClient {
  socket: Socket;
  /** All that came down. */
  heard(): Buffer;
  /** Resolves once what came down has this in it. */
  hears(part: string | Uint8Array): Promise<unknown>;
  send(bytes: string | Uint8Array): void;
  closed: Promise<unknown>;
}

export async function connectRtu(port: number, from = '127.0.0.1'): Promise<RtuClient> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  const chunks: Buffer[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed]);
  const heard = () => Buffer.concat(chunks);
  return {
    socket,
    heard,
    hears: (part) => eventually(`an answer with ${Buffer.from(part).toString('latin1')}`, () => heard().includes(part)),
    send: (bytes) => void socket.write(bytes),
    closed,
  };
}
