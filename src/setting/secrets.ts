/**
 * Credentials: how they are made, hashed and checked. Gateway passwords are kept as Mosquitto's `$7$` hashes, which
 * HiveMQ and EMQX can be given, too (for others: `kept-password.ts`); API tokens as SHA-256, since
 * 256 random bits need no stretching. Nothing here is logged.
 */
import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '#src/clock.ts';

const derive = promisify(pbkdf2);

/**
 * Stretching is for passwords that people choose. Ours are 256 random bits, which no number of iterations makes
 * harder to guess, so this is a little above Mosquitto's own default of 101 and costs under a millisecond.
 */
export const ITERATIONS = 1000;
/** What Mosquitto 2 insists on: `src/password_mosq.h`, SALT_LEN 12 and a whole SHA-512 digest. */
const SALT_BYTES = 12;
const HASH_BYTES = 64;
/** A hash that asks for more is not one of ours; it would occupy a thread for seconds at each log-in. */
const ITERATIONS_MAX = 1_000_000;
/** Longer than any password that was ever given out; hashing megabytes is work for nothing. */
const PASSWORD_BYTES_MAX = 512;

/** A new secret: 32 random bytes as base64url, 43 characters. */
export function generateSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 as hex: how API tokens are kept and looked up. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** True when `token` is the one of which `hash` (hex) is kept; takes the same time for every wrong one. */
export function tokenMatches(token: string, hash: string): boolean {
  const expected = Buffer.from(hash, 'hex');
  const actual = createHash('sha256').update(token).digest();
  return expected.length === actual.length && timingSafeEqual(actual, expected);
}

/** `$7$iterations$salt$hash` as in a Mosquitto password file: PBKDF2 with HMAC-SHA512, base64. */
export async function hashPassword(password: string): Promise<string> {
  // Its bytes are letters: EMQX takes the salt as text. 72 random bits are enough for one.
  const salt = Buffer.from(randomBytes((SALT_BYTES * 6) / 8).toString('base64url'));
  const hash = await derive(password, salt, ITERATIONS, HASH_BYTES, 'sha512');
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** True when `password` is the one that `stored` was made of. A `stored` that is no `$7$` hash matches nothing. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, iterationsText, salt, hash] = /^\$7\$(\d{1,7})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(stored) ?? [];
  const iterations = Number(iterationsText);
  if (!salt || !hash || iterations < 1 || iterations > ITERATIONS_MAX) return false;
  const expected = Buffer.from(hash, 'base64');
  if (expected.length !== HASH_BYTES) return false;
  const actual = await derive(password, Buffer.from(salt, 'base64'), iterations, HASH_BYTES, 'sha512');
  return timingSafeEqual(actual, expected);
}

export interface PasswordVerifier {
  /** As `verifyPassword`; `stored` undefined (nobody of that name) takes as long and is false. */
  verify(password: string, stored: string | undefined): Promise<boolean>;
  /** True when exactly this pair was verified before: free of charge, so it may pass a limit on log-ins. */
  knows(password: string, stored: string | undefined): boolean;
}

/**
 * Verifies with a memory of the successes, so that a thousand gateways that come back at once, or one that sends
 * HTTP Basic with each request, don't each cost a derivation. Keys are digests: no password stays in memory.
 */
export function createPasswordVerifier(remembered = 10_000): PasswordVerifier {
  const known = new Set<string>();
  const nobody = hashPassword(generateSecret());
  const keyOf = (password: string, stored: string): string => `${stored} ${hashToken(password)}`;

  function remember(key: string): void {
    if (known.size >= remembered) known.delete(known.values().next().value!);
    known.add(key);
  }

  return {
    knows: (password, stored) => stored !== undefined && known.has(keyOf(password, stored)),
    async verify(password, stored) {
      if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false;
      if (stored === undefined) {
        await verifyPassword(password, await nobody);
        return false;
      }
      const key = keyOf(password, stored);
      if (known.has(key)) return true;
      const matches = await verifyPassword(password, stored);
      if (matches) remember(key);
      return matches;
    },
  };
}

export interface LogInLimit {
  /** False when this address has failed too often lately: refuse without looking at the credential. */
  allows(address: string): boolean;
  failed(address: string): void;
}

/**
 * At most `perMinute` failed log-ins an address in any minute; contracts §2. Remembers at most 10,000 addresses.
 * @param limited told of each address that is refused unchecked.
 */
export function createLogInLimit(
  clock: Clock,
  perMinute = 10,
  limited: (address: string) => void = () => {},
): LogInLimit {
  const failures = new Map<string, number[]>();
  const recent = (address: string): number[] => {
    const since = clock.monotonicMs() - 60_000;
    return (failures.get(address) ?? []).filter((atMs) => atMs > since);
  };
  return {
    allows(address) {
      const isAllowed = recent(address).length < perMinute;
      if (!isAllowed) limited(address);
      return isAllowed;
    },
    failed(address) {
      const times = [...recent(address), clock.monotonicMs()].slice(-perMinute);
      // Deleting first moves the address to the end, so that the one longest quiet is the one forgotten.
      failures.delete(address);
      if (failures.size >= 10_000) failures.delete(failures.keys().next().value!);
      failures.set(address, times);
    },
  };
}
