/**
 * Browser sessions: a random cookie on the client's side, the token's hash on ours. A session is worth what its token
 * is worth now, so deleting the token ends it.
 */
import type { Clock } from '#src/clock.ts';
import { generateSecret, hashToken } from '#src/secrets.ts';

export const SESSION_COOKIE = 'wk_session';
export const SESSION_MS = 12 * 3_600_000;
const SESSIONS_MAX = 10_000;

export interface Sessions {
  /** @returns the cookie's value. */
  open(tokenHash: string): string;
  /** The token's hash, or undefined for a session that is over or never was. */
  tokenHash(cookie: string): string | undefined;
  close(cookie: string): void;
}

export function createSessions(clock: Clock): Sessions {
  // Keyed by the cookie's hash: what leaks from memory can't be used. The oldest goes first when there are too many.
  const sessions = new Map<string, { tokenHash: string; untilMs: number }>();
  return {
    open(tokenHash) {
      const cookie = generateSecret();
      if (sessions.size >= SESSIONS_MAX) sessions.delete(sessions.keys().next().value!);
      sessions.set(hashToken(cookie), { tokenHash, untilMs: clock.nowMs() + SESSION_MS });
      return cookie;
    },
    tokenHash(cookie) {
      const key = hashToken(cookie);
      const session = sessions.get(key);
      if (session && session.untilMs > clock.nowMs()) return session.tokenHash;
      sessions.delete(key);
      return undefined;
    },
    close: (cookie) => void sessions.delete(hashToken(cookie)),
  };
}
