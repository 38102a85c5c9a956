/**
 * Whatever goes on for long ends with the credential that began it: event streams, long CSVs, imports. A deleted token, a
 * changed password or a session that is over must not read or write on because it happened to begin earlier.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '#api/api.ts';
import type { Control } from '#journal/registers.ts';
import type { Sessions } from './sessions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Never ends by itself: its credential is looked at with every change, not only once it has gone on for a while. */
    endless?: boolean;
  }
}

/** Sessions that are over by time, and answers that have become long, are noticed within two of these. */
const LOOK_MS = 1000;

interface Open {
  request: FastifyRequest;
  reply: FastifyReply;
  /** Looks since it began: an answer that is about to end anyway (that of the deletion itself) is let go. */
  looks: number;
}

export function endWithCredentials(api: Api, control: Control, sessions: Sessions): void {
  const open = new Set<Open>();

  function look(isMeant: (one: Open) => boolean): void {
    for (const one of open) {
      if (isMeant(one) && one.request.caller?.isCurrent() === false) one.request.raw.destroy();
    }
  }
  const isEndless = ({ request }: Open) => request.routeOptions.config.endless === true;
  const lookAtEndless = () => look(isEndless);

  const timer = setInterval(() => {
    for (const one of open) one.looks++;
    look((one) => isEndless(one) || one.looks > 1);
  }, LOOK_MS).unref();
  api.addHook('onClose', async () => clearInterval(timer));
  control.onChange(({ command }) => {
    if ('noun' in command && (command.noun === 'token' || command.noun === 'gateway')) lookAtEndless();
  });
  sessions.onClose(lookAtEndless);
  api.addHook('onRequest', async (request, reply) => {
    if (!request.caller) return;
    const one = { request, reply, looks: 0 };
    open.add(one);
    reply.raw.once('close', () => open.delete(one));
  });
}
