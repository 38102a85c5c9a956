/** Plans of transfer years by recipient: what is to be delivered, how far it has got, and where it is heading. */

import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { booksNow } from '#api/books/book-view.ts';
import { delivery, deliveryMeters, type PlanKey, progressFigures, progressOfPlan } from '#api/books/plan-progress.ts';
import {
  type PlanProgress,
  planBody,
  planList,
  planParams,
  planProgress,
  plansQuery,
} from '#api/books/schemas/plans.ts';
import { amountView } from '#api/books/volume-views.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText, zonedTexts } from '#api/instants.ts';
import { invalid, notFound } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import { ofPlanId, type Plan, planId } from '#model/accounting.ts';
import { changeOf } from '#volume/balance.ts';
import { namedRange, yearBefore } from '#volume/calendar-names.ts';

export function planRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  oneRoute(api, deps);
  putRoute(api, deps);
  deleteRoute(api, deps);
}

function listRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/plans',
    config: { access: 'viewer' },
    schema: {
      querystring: plansQuery,
      ...documented({
        tag: 'statistics',
        summary: 'All plans with their progress, by recipient and transfer year',
        answer: planList,
        faults: ['id.invalid', 'overloaded'],
      }),
    },
    async handler({ query }) {
      await deps.caughtUp('books');
      const items: PlanProgress[] = [];
      for (const { id, body } of deps.control.list('plan')) {
        const key = ofPlanId(id);
        if (query.recipient !== undefined && key.recipient !== query.recipient) continue;
        if (query.transferYear !== undefined && key.transferYear !== query.transferYear) continue;
        items.push(await progressView(deps, key, body));
      }
      return { items, next: null };
    },
  });
}

function oneRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/plans/:recipient/:transferYear',
    config: { access: 'viewer' },
    schema: {
      params: planParams,
      ...documented({
        tag: 'statistics',
        summary: 'One plan: progress, run-rate, projected completion, year on year',
        answer: planProgress,
        faults: ['id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ params }) {
      const body = planOf(deps, params);
      await deps.caughtUp('books');
      return progressView(deps, params, body);
    },
  });
}

function planOf({ control }: ApiDeps, key: PlanKey): Plan {
  const body = control.get('plan', planId(key.recipient, key.transferYear));
  if (!body) throw notFound(`plan of ${key.recipient} for ${key.transferYear}`);
  return body;
}

function putRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'PUT',
    url: '/plans/:recipient/:transferYear',
    config: { access: 'engineer' },
    schema: {
      params: planParams,
      body: planBody,
      ...documented({
        tag: 'statistics',
        summary: 'Puts a plan: 201 when it is new, 200 when it was there; every version is kept',
        status: [200, 201],
        answer: planProgress,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { params, body } = request;
      if (namedRange(params.transferYear, deps.config.timeZone).kind !== 'transfer-year') {
        throw invalid('transferYear', `"${params.transferYear}" is no transfer year such as 2025-26`);
      }
      if (deliveryMeters(deps.control, params.recipient).length === 0) {
        throw notFound(`delivery meter with the recipient "${params.recipient}"`);
      }
      const sum = body.months?.reduce((all, month) => all + month, 0) ?? body.cubicMetres;
      if (Math.abs(sum - body.cubicMetres) > 0.001) throw invalid('months', `add up to ${sum}, not to cubicMetres`);
      const id = planId(params.recipient, params.transferYear);
      const isNew = deps.control.get('plan', id) === undefined;
      await deps.journal.appendCommand(actorOf(request), { verb: 'put', noun: 'plan', id, body });
      await deps.caughtUp('books');
      return reply.code(isNew ? 201 : 200).send(await progressView(deps, params, body));
    },
  });
}

function deleteRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'DELETE',
    url: '/plans/:recipient/:transferYear',
    config: { access: 'engineer' },
    schema: {
      params: planParams,
      ...documented({
        tag: 'statistics',
        summary: 'Deletes a plan; what was delivered stays',
        status: 204,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { recipient, transferYear: year } = request.params;
      planOf(deps, request.params);
      await deps.journal.appendCommand(actorOf(request), {
        verb: 'delete',
        noun: 'plan',
        id: planId(recipient, year),
      });
      return reply.code(204).send();
    },
  });
}

async function progressView(deps: ApiDeps, key: PlanKey, plan: Plan): Promise<PlanProgress> {
  const { timeZone, unknownTolerance } = deps.config;
  const year = namedRange(key.transferYear, timeZone);
  const books = booksNow(deps);
  const soFar = await progressOfPlan(books, deps.config, key, plan);
  const { atMs, delivered } = soFar;
  const before = yearBefore(key.transferYear, timeZone, atMs);
  const earlier = await delivery(books, key.recipient, before.fromMs, before.atMs);
  const text = zonedTexts(timeZone);
  return {
    recipient: key.recipient,
    transferYear: key.transferYear,
    ...plan,
    start: text(year.fromMs),
    end: text(year.toMs),
    at: isoText(atMs),
    ...progressFigures(soFar),
    yearBefore: {
      transferYear: before.name,
      delivered: amountView(earlier),
      change: changeOf(delivered, earlier, unknownTolerance),
    },
  };
}
