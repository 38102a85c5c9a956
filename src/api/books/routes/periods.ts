/** Months and transfer years that are closed: figures that stand, and the lines that a later correction adds. */

import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { changesSinceClosing, rulesOf } from '#api/books/closings.ts';
import {
  closeBody,
  type PeriodView,
  periodList,
  periodParams,
  periodView,
  restateBody,
} from '#api/books/schemas/periods.ts';
import { amountView } from '#api/books/volume-views.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText, zonedTexts } from '#api/instants.ts';
import { notFound } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import type { ClosedMeter, ClosedPeriod } from '#model/accounting.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import { namedRange } from '#volume/calendar-names.ts';

export function periodRoutes(api: Api, deps: ApiDeps): void {
  readRoutes(api, deps);
  closeRoute(api, deps);
  restateRoute(api, deps);
}

function readRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/periods',
    config: { access: 'viewer' },
    schema: {
      ...documented({ tag: 'statistics', summary: 'Closed periods, in the order of their names', answer: periodList }),
    },
    async handler() {
      const items = deps.control.list('period').map(({ id, body: { closings, timeZone } }) => {
        const first = closings[0]!;
        return {
          period: id,
          kind: namedRange(id, timeZone).kind,
          closedAt: isoText(first.closedAtMs),
          by: first.by,
          restatements: closings.length - 1,
          sha256: closings.at(-1)!.sha256,
        };
      });
      return { items, next: null };
    },
  });

  api.route({
    method: 'GET',
    url: '/periods/:period',
    config: { access: 'viewer' },
    schema: {
      params: periodParams,
      ...documented({
        tag: 'statistics',
        summary: 'A closed period: its manifests, and what has changed since the last one',
        answer: periodView,
        faults: ['not-found', 'overloaded'],
      }),
    },
    async handler({ params }) {
      return view(deps, params.period, periodOf(deps, params.period));
    },
  });
}

function closeRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/periods/:period/close',
    config: { access: 'engineer' },
    schema: {
      params: periodParams,
      body: closeBody,
      ...documented({
        tag: 'statistics',
        summary: 'Closes a month or a transfer year, once: its figures are kept with all that they came from',
        status: 201,
        answer: periodView,
        faults: ['range.invalid', 'state.conflict', 'books.behind', 'overloaded', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { period } = request.params;
      const body = await deps.closings.close(period, actorOf(request), request.body.reason ?? null);
      return reply.code(201).send(await view(deps, period, body));
    },
  });
}

function restateRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/periods/:period/restate',
    config: { access: 'engineer' },
    schema: {
      params: periodParams,
      body: restateBody,
      ...documented({
        tag: 'statistics',
        summary: 'Closes a period anew because its figures have changed; what was closed before stays beside it',
        status: 201,
        answer: periodView,
        faults: ['not-found', 'state.conflict', 'books.behind', 'overloaded', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { period } = request.params;
      const body = await deps.closings.restate(period, actorOf(request), request.body.reason);
      return reply.code(201).send(await view(deps, period, body));
    },
  });
}

function periodOf({ control }: ApiDeps, period: string): ClosedPeriod {
  const body = control.get('period', period);
  if (!body) throw notFound(`closed period "${period}"`);
  return body;
}

async function view(deps: ApiDeps, period: string, closed: ClosedPeriod): Promise<PeriodView> {
  const { fromMs, toMs, timeZone, closings } = closed;
  const text = zonedTexts(timeZone);
  await deps.caughtUp('books');
  const changes = await changesSinceClosing(deps, closed);
  return {
    period,
    kind: namedRange(period, timeZone).kind,
    start: text(fromMs),
    end: text(toMs),
    timeZone,
    closings: closings.map(({ closedAtMs, meters, ...rest }) => ({
      closedAt: isoText(closedAtMs),
      ...rest,
      rules: rulesOf(rest),
      meters: meters.map(lineView),
    })),
    rules: COUNTING_RULES,
    sinceLast: changes.map(({ cause, ...line }) => ({ ...lineView(line), cause })),
  };
}

function lineView({ meter, recipient, measures, ...amount }: ClosedMeter) {
  return { meter, recipient, measures, ...amountView(amount) };
}
