/** Who is logged in. The credential itself is a cookie that no script can read. */
import { effect, signal } from '@preact/signals';
import { type Answer, ask, Failure, loggedOut } from './api.ts';
import { remember, remembered } from './memory.ts';

export type Session = Answer<'GET /session'>;

/** undefined = not known yet, null = nobody. */
export const session = signal<Session | null | undefined>(undefined);
/** Why it isn't known: the service can't be reached. */
export const sessionFailure = signal<Failure | null>(null);

const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether the reader may do what takes this role. The service decides; this only spares them buttons that fail. */
export const may = (role: Role): boolean =>
  session.value !== null && session.value !== undefined && ROLES.indexOf(session.value.role) >= ROLES.indexOf(role);

/** Scripts can't see the cookie: whether it is worth asking who is logged in is remembered beside it. */
const KNOWN = 'known';
effect(() => {
  if (session.value !== undefined) remember(KNOWN, session.value === null ? '' : 'yes');
});

effect(() => {
  if (loggedOut.value) session.value = null;
});

export async function resumeSession(): Promise<void> {
  sessionFailure.value = null;
  if ((remembered(KNOWN) ?? '') === '') {
    session.value = null;
    return;
  }
  try {
    session.value = await ask('GET /session');
    loggedOut.value = false;
  } catch (error) {
    if (error instanceof Failure && error.status === 401) session.value = null;
    else sessionFailure.value = error as Failure;
  }
}

/** @throws Failure */
export async function logIn(token: string): Promise<void> {
  const answer = await ask('POST /session', { body: { token } });
  loggedOut.value = false;
  session.value = answer;
}

export async function logOut(): Promise<void> {
  await ask('DELETE /session').catch(() => undefined);
  session.value = null;
}
