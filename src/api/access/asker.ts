/**
 * On whose behalf something is computed: said once per request, by its credential and until its client goes, and read by the
 * queues in front of the query workers (src/process/query-lane.ts), so that what lies between needn't hand it on. What nobody
 * asked for is the service's own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyReply } from 'fastify';
import type { Api } from '#api/api.ts';

/** One request. */
export interface Asker {
  /** Names the credential, or the address where none was shown; questions take turns by it. */
  credential: string;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

const askers = new AsyncLocalStorage<Asker>();

export function onBehalfOf<T>(asker: Asker, act: () => T): T {
  return askers.run(asker, act);
}

/** Undefined: the service itself. */
export function currentAsker(): Asker | undefined {
  return askers.getStore();
}

/** The function, on behalf of whoever asks now also when a stream calls it later. */
export function forThisAsker<A extends unknown[], R>(act: (...args: A) => R): (...args: A) => R {
  return AsyncLocalStorage.bind(act);
}

/** The last hook before the handler: what reads the body would lose whose it is. */
export function askForCallers(api: Api): void {
  api.addHook('preHandler', (request, reply, done) => {
    onBehalfOf({ credential: request.caller?.key ?? `address ${request.ip}`, signal: untilGone(reply) }, done);
  });
}

/** Aborted when the client goes before it is answered. */
function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.writableEnded) gone.abort();
  });
  return gone.signal;
}
