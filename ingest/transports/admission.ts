/**
 * Who may stay connected when there are too many: a stranger that says nothing costs nobody else his place. Connections
 * that have not sent their CONNECT yet give way, the oldest first; of one credential the oldest gives way to the newest,
 * which is how a gateway looks whose line broke without a word.
 */
import type { AccessLimit } from '#model/access-limits.ts';
import type { Session } from './broker-access.ts';

export interface Admitted {
  address: string;
  session: Session | null;
  /** Its CONNECT has come. */
  hasSpoken: boolean;
  guard: { destroy(): unknown };
}

export interface AdmissionLimits {
  connections: number;
  /** Of one address, before they have sent a CONNECT. */
  silentPerAddress: number;
  connectionsPerCredential: number;
}

export interface Admission {
  /** A connection has been opened. @returns false when there is no room for it. */
  opened(connection: Admitted): boolean;
  /** It has logged in: an older one of the same credential may have to go. */
  loggedIn(connection: Admitted): void;
  closed(connection: Admitted): void;
  readonly size: number;
}

/** @param evicted told of each connection that has to give way, before it is closed, and of the limit that was reached. */
export function createAdmission(
  limits: AdmissionLimits,
  evicted: (connection: Admitted, limit: AccessLimit, reason: string) => void,
): Admission {
  // In the order in which they came.
  const all = new Set<Admitted>();
  const ofAddress = new Map<string, Set<Admitted>>();
  const ofCredential = new Map<string, Set<Admitted>>();

  function evict(connection: Admitted | undefined, limit: AccessLimit, reason: string): boolean {
    if (!connection) return false;
    evicted(connection, limit, reason);
    closed(connection);
    connection.guard.destroy();
    return true;
  }

  function closed(connection: Admitted): void {
    all.delete(connection);
    remove(ofAddress, connection.address, connection);
    if (connection.session) remove(ofCredential, credentialOf(connection.session), connection);
  }

  return {
    get size() {
      return all.size;
    },
    opened(connection) {
      const own = ofAddress.getOrInsertComputed(connection.address, () => new Set());
      const silent = [...own].filter(({ hasSpoken }) => !hasSpoken);
      if (silent.length >= limits.silentPerAddress) {
        evict(silent[0], 'mqtt.silent', 'too many of its address have sent no CONNECT');
      }
      const isFull = all.size >= limits.connections;
      const oldestSilent = isFull ? [...all].find(({ hasSpoken }) => !hasSpoken) : undefined;
      const reason = 'all connections are taken and it has sent no CONNECT';
      if (isFull && !evict(oldestSilent, 'mqtt.connections', reason)) {
        if (own.size === 0) ofAddress.delete(connection.address);
        return false;
      }
      all.add(connection);
      ofAddress.getOrInsertComputed(connection.address, () => new Set()).add(connection);
      return true;
    },
    loggedIn(connection) {
      const own = ofCredential.getOrInsertComputed(credentialOf(connection.session!), () => new Set());
      own.add(connection);
      if (own.size > limits.connectionsPerCredential) {
        evict(own.values().next().value, 'mqtt.credential', 'its credential has too many connections');
      }
    },
    closed,
  };
}

function credentialOf(session: Session): string {
  return session.kind === 'gateway' ? `gateway ${session.gateway}` : `viewer ${session.key}`;
}

function remove<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set?.delete(value) && set.size === 0) sets.delete(key);
}
