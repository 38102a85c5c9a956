/** Notices: what was said to whom, and saying it again. */
import { actorOf } from '#api/access/caller.ts';
import { noticePage, noticeQuery } from '#api/alarms/schemas/alarms.ts';
import { noticeView } from '#api/alarms/views.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import { journaled } from '#api/readings/schemas/readings.ts';
import { documented, givenIdParams, LIST_LIMIT } from '#api/schemas.ts';

export function noticeRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/notices',
    config: { access: 'viewer' },
    schema: {
      querystring: noticeQuery,
      ...documented({
        tag: 'alarms',
        summary: 'Notices, newest first',
        answer: noticePage,
        faults: ['cursor.invalid', 'overloaded'],
      }),
    },
    async handler({ query }) {
      const before = fromCursor(query.cursor, ['number', 'string']);
      const limit = query.limit ?? LIST_LIMIT;
      await deps.caughtUp('alerts');
      const rows = await deps.queries.notices({
        state: query.state ?? null,
        limit: limit + 1,
        before: before && { createdAtMs: before[0], id: before[1] },
      });
      return pageOf(rows, limit, noticeView, ({ createdAtMs, id }) => toCursor(createdAtMs, id));
    },
  });

  api.route({
    method: 'POST',
    url: '/notices/:id/resend',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      ...documented({
        tag: 'alarms',
        summary: 'Sends a notice again that was sent or has failed for good',
        status: 202,
        answer: journaled,
        faults: ['not-found', 'state.conflict', 'journal.full', 'journal.unwritable', 'overloaded'],
      }),
    },
    async handler(request, reply) {
      await deps.caughtUp('alerts');
      const notice = await deps.queries.notice({ id: request.params.id });
      if (!notice) throw notFound(`notice "${request.params.id}"`);
      if (notice.state === 'pending') throw new Problem('state.conflict', 'The notice is still being tried.');
      if (notice.state === 'held') throw new Problem('state.conflict', 'The notice waits for its summary.');
      if (notice.state === 'grouped') {
        throw new Problem('state.conflict', `The notice was told in notice "${notice.summary}"; send that again.`);
      }
      const { seq, receivedMs } = await deps.journal.appendCommand(actorOf(request), {
        verb: 'resend',
        notice: notice.id,
      });
      return reply.code(202).send({ seq, at: isoText(receivedMs) });
    },
  });
}
