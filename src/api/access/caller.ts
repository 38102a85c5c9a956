/** Who asks, as handlers need it once the credential has been checked. */
import type { FastifyRequest } from 'fastify';
import type { Role } from '#model/register.ts';

/** One who has shown a credential. `key` names the credential for limits and idempotency. */
export type Caller = (
  | { kind: 'user'; key: string; name: string; role: Role; by: 'bearer' | 'cookie' }
  | { kind: 'gateway'; key: string; id: string; stations: ReadonlySet<string> }
) & {
  /** Whether the credential is still good for what it was when it was shown. */
  isCurrent(): boolean;
};

/** A route without public access never runs without a caller. */
export function callerOf(request: Pick<FastifyRequest, 'caller'>): Caller {
  if (!request.caller) throw new Error('A handler that needs a caller was reached without one.');
  return request.caller;
}

/** The actor of a command. */
export function actorOf(request: Pick<FastifyRequest, 'caller'>): string {
  const caller = callerOf(request);
  return caller.kind === 'user' ? caller.name : caller.id;
}

/** The source of readings. */
export function sourceOf(caller: Caller): string {
  return caller.kind === 'user' ? `user:${caller.name}` : caller.id;
}

/** Who it is to people who run the service: the credential's name, never the credential. */
export function nameOf(caller: Caller): string {
  return caller.kind === 'user' ? `token "${caller.name}"` : `gateway ${caller.id}`;
}
