/** Bearer tokens by their hash: the register's and the bootstrap administrator's, kept up to date by commands. */

import type { Control } from '#journal/registers.ts';
import type { Role } from '#model/register.ts';
import { hashToken } from '#setting/secrets.ts';

/** Whose token it is. `name` is the actor of what is done with it. */
export interface TokenHolder {
  name: string;
  role: Role;
}

export interface Tokens {
  /** Who holds this token; undefined for none that is valid now. */
  holder(token: string): TokenHolder | undefined;
  /** The same by `hashToken(token)`: what a session remembers. */
  holderOfHash(hash: string): TokenHolder | undefined;
}

/** The actor of what is done with the bootstrap administrator's token. */
export const ADMIN_ACTOR = 'admin';

/** @param adminToken from WK_ADMIN_TOKEN or the data directory; valid whatever the register says. */
export function createTokens(control: Control, adminToken: string): Tokens {
  const adminHash = hashToken(adminToken);
  let holders = index();
  control.onChange(({ command }) => {
    if ('noun' in command && command.noun === 'token') holders = index();
  });

  function index(): Map<string, TokenHolder> {
    const all = control.list('token').map(({ body }) => [body.hash, { name: body.name, role: body.role }] as const);
    return new Map<string, TokenHolder>([...all, [adminHash, { name: ADMIN_ACTOR, role: 'admin' }]]);
  }

  // Looking a hash up tells nothing by its timing: whoever can choose the hash can't find the token that gives it.
  const holderOfHash = (hash: string) => holders.get(hash);
  return { holderOfHash, holder: (token) => holderOfHash(hashToken(token)) };
}
