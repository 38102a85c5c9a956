/**
 * Who may stay connected over HTTP when there are too many: strangers that ask nothing cost nobody else his place. Of one
 * address only a share may be connected without having shown a credential, and the oldest of them that isn't being answered
 * gives way to the newest; so it does when all connections are taken, and of one credential's connections likewise. A request
 * whose head or body is still on its way is no request yet, unless it came with a credential.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Api } from '#api/api.ts';
import type { TellCrowded } from '#model/access-limits.ts';
import { nameOf } from './caller.ts';

export interface ConnectionLimits {
  connections: number;
  /** Of one address, before they have shown a credential. */
  strangersPerAddress: number;
  perCredential: number;
}

export const CONNECTION_LIMITS: Readonly<ConnectionLimits> = {
  connections: 5000,
  strangersPerAddress: 1000,
  perCredential: 1000,
};

interface Connection {
  socket: Socket;
  address: string;
  /** Of the last request that had one. */
  credential: string | null;
  /** What is being answered. */
  request: IncomingMessage | null;
}

/** Called once the hook that knows the caller is in place. */
export function admitConnections(api: Api, limits: ConnectionLimits, crowded: TellCrowded): void {
  // All in the order in which they came; so are those of one address, and of one credential as they showed it.
  const all = new Set<Connection>();
  const strangers = new Map<string, Set<Connection>>();
  const ofCredential = new Map<string, Set<Connection>>();
  const bySocket = new WeakMap<Socket, Connection>();

  function forget(connection: Connection): void {
    all.delete(connection);
    remove(strangers, connection.address, connection);
    if (connection.credential !== null) remove(ofCredential, connection.credential, connection);
  }

  function giveWay(connection: Connection | undefined): boolean {
    if (!connection) return false;
    forget(connection);
    connection.socket.destroy();
    return true;
  }

  function open(socket: Socket): void {
    const address = socket.remoteAddress ?? 'unknown';
    const own = strangers.get(address);
    if (own && own.size >= limits.strangersPerAddress) {
      crowded('http.address', address);
      giveWay(first(own, isIdle) ?? own.values().next().value);
    }
    if (all.size >= limits.connections) {
      crowded('http.connections', address);
      const isStranger = (one: Connection) => one.credential === null && isIdle(one);
      if (!giveWay(first(all, isStranger) ?? first(all, isIdle))) return void socket.destroy();
    }
    const connection: Connection = { socket, address, credential: null, request: null };
    all.add(connection);
    bySocket.set(socket, connection);
    strangers.getOrInsertComputed(address, () => new Set()).add(connection);
    socket.once('close', () => forget(connection));
  }

  function know(connection: Connection, credential: string, who: string): void {
    if (connection.credential === credential || !all.has(connection)) return;
    forget(connection);
    connection.credential = credential;
    all.add(connection);
    const own = ofCredential.getOrInsertComputed(credential, () => new Set());
    own.add(connection);
    if (own.size <= limits.perCredential) return;
    crowded('http.credential', who);
    giveWay(first(own, isIdle));
  }

  // Node drops what is beyond its own limit unseen; ours decides before.
  api.server.maxConnections = limits.connections + limits.strangersPerAddress;
  api.server.on('connection', open);
  api.addHook('onRequest', async (request, reply) => {
    const connection = bySocket.get(request.raw.socket);
    if (!connection) return;
    connection.request = request.raw;
    reply.raw.once('close', () => {
      if (connection.request === request.raw) connection.request = null;
    });
    const { caller } = request;
    if (caller) know(connection, caller.key, nameOf(caller));
  });
}

function isIdle({ request, credential }: Connection): boolean {
  return request === null || (credential === null && !request.complete);
}

function first(connections: Iterable<Connection>, isMeant: (one: Connection) => boolean): Connection | undefined {
  for (const one of connections) if (isMeant(one)) return one;
  return undefined;
}

function remove<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}
