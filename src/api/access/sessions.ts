/**
 * Browser sessions: a random cookie on the client's side, the token's hash on ours. A session is worth what its token
 * is worth now, so deleting the token ends it.
 */
import type { TellCrowded } from '#model/access-limits.ts';
import { generateSecret, hashToken } from '#setting/secrets.ts';
import type { Clock } from '#src/clock.ts';

export const SESSION_COOKIE = 'wk_session';
export const SESSION_MS = 12 * 3_600_000;
const SESSIONS_MAX = 10_000;
/** Of one token: who opens session after session pushes out none but its own. */
const SESSIONS_OF_TOKEN_MAX = 100;

export interface Sessions {
  /**
   * @param holder the token's name.
   * @returns the cookie's value.
   */
  open(tokenHash: string, holder: string): string;
  /** The token's hash, or undefined for a session that is over or never was. */
  tokenHash(cookie: string): string | undefined;
  close(cookie: string): void;
  /** Tells of every session that is closed. */
  onClose(listener: () => void): void;
}

export function createSessions(clock: Clock, crowded: TellCrowded): Sessions {
  // Keyed by the cookie's hash: what leaks from memory can't be used. The oldest goes first when there are too many.
  const sessions = new Map<string, { tokenHash: string; untilMs: number }>();
  const listeners: (() => void)[] = [];
  function end(key: string): void {
    if (sessions.delete(key)) for (const listener of listeners) listener();
  }
  return {
    open(tokenHash, holder) {
      const cookie = generateSecret();
      const own = [...sessions].filter(([, session]) => session.tokenHash === tokenHash);
      if (own.length >= SESSIONS_OF_TOKEN_MAX) {
        crowded('session.token', `token "${holder}"`);
        end(own[0]![0]);
      }
      if (sessions.size >= SESSIONS_MAX) end(sessions.keys().next().value!);
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
    close: (cookie) => end(hashToken(cookie)),
    onClose: (listener) => void listeners.push(listener),
  };
}
