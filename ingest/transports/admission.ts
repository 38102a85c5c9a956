/**
 * Who may stay connected when there are too many: a stranger that says nothing costs nobody else his place. Connections
 * that have not shown a credential yet give way, the oldest first; of one credential the oldest gives way to the newest,
 * which is how a gateway looks whose line broke without a word.
 */
import type { AccessLimit } from '#model/access-limits.ts';

export interface Admitted {
  readonly address: string;
  /** MQTT: its CONNECT has come; TCP: a frame of a device that is welcome. */
  readonly hasSpoken: boolean;
  readonly guard: { destroy(): unknown };
}

export interface AdmissionLimits {
  connections: number;
  /** Of one address, before they have spoken. */
  silentPerAddress: number;
  connectionsPerCredential: number;
}

export interface Admission<C extends Admitted> {
  /** A connection has been opened. @returns false when there is no room for it. */
  opened(connection: C): boolean;
  /** It has shown its credential: an older one of the same may have to go. */
  loggedIn(connection: C): void;
  closed(connection: C): void;
  readonly size: number;
}

/** What is told of each limit, by whom it concerns. */
type Doorway = 'mqtt' | 'tcp';
const UNSPOKEN = { mqtt: 'no CONNECT', tcp: 'no frame of a device that is welcome' } as const;

/**
 * @param credentialOf what a connection has shown; null before it has.
 * @param evicted told of each connection that has to give way, before it is closed, and of the limit that was reached.
 */
export function createAdmission<C extends Admitted>(
  doorway: Doorway,
  limits: AdmissionLimits,
  credentialOf: (connection: C) => string | null,
  evicted: (connection: C, limit: AccessLimit, reason: string) => void,
): Admission<C> {
  // In the order in which they came.
  const all = new Set<C>();
  const ofAddress = new Map<string, Set<C>>();
  const ofCredential = new Map<string, Set<C>>();

  function evict(connection: C | undefined, limit: AccessLimit, reason: string): boolean {
    if (!connection) return false;
    evicted(connection, limit, reason);
    closed(connection);
    connection.guard.destroy();
    return true;
  }

  function closed(connection: C): void {
    all.delete(connection);
    remove(ofAddress, connection.address, connection);
    const credential = credentialOf(connection);
    if (credential !== null) remove(ofCredential, credential, connection);
  }

  return {
    get size() {
      return all.size;
    },
    opened(connection) {
      const own = ofAddress.getOrInsertComputed(connection.address, () => new Set());
      const silent = [...own].filter(({ hasSpoken }) => !hasSpoken);
      if (silent.length >= limits.silentPerAddress) {
        evict(silent[0], `${doorway}.silent`, `too many of its address have sent ${UNSPOKEN[doorway]}`);
      }
      const isFull = all.size >= limits.connections;
      const oldestSilent = isFull ? [...all].find(({ hasSpoken }) => !hasSpoken) : undefined;
      const reason = `all connections are taken and it has sent ${UNSPOKEN[doorway]}`;
      if (isFull && !evict(oldestSilent, `${doorway}.connections`, reason)) {
        if (own.size === 0) ofAddress.delete(connection.address);
        return false;
      }
      all.add(connection);
      ofAddress.getOrInsertComputed(connection.address, () => new Set()).add(connection);
      return true;
    },
    loggedIn(connection) {
      const own = ofCredential.getOrInsertComputed(credentialOf(connection)!, () => new Set());
      own.add(connection);
      if (own.size > limits.connectionsPerCredential) {
        evict(own.values().next().value, `${doorway}.credential`, 'its credential has too many connections');
      }
    },
    closed,
  };
}

function remove<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}
