/** Everything that a handler asks for is asked on behalf of its request: by its credential, and until its client goes. */
import type { FastifyReply } from 'fastify';
import type { Api } from '#api/api.ts';
import { onBehalfOf } from './asker.ts';

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
