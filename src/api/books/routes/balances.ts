/** The water balance of the canal: what came in, what was delivered to whom, what was lost, which meters disagree. */

import type { Api } from '#api/api.ts';
import { balanceView, divergenceView, recipientBalances } from '#api/books/balances.ts';
import { booksNow } from '#api/books/book-view.ts';
import { type BalanceAnswer, balance, balanceQuery } from '#api/books/schemas/balances.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText, rangeOf, timeZoneOf, zonedTexts } from '#api/instants.ts';
import { documented } from '#api/schemas.ts';
import { inTurns } from '#api/turns.ts';
import { balanceOf, divergences, travelMs } from '#books/water/balance.ts';
import { balanceAt } from '#books/water/bucket-balances.ts';
import { countedMeters, isHeldIn, meterPairs, partsOf } from '#books/water/meter-relations.ts';
import { bucketEdges, DAY_MS } from '#model/calendar.ts';
import { INAUGURATION_MS } from '#volume/calendar-names.ts';

const BUCKETS_MAX = 5000;

export function balanceRoutes(api: Api, deps: ApiDeps): void {
  const { config, clock } = deps;
  api.route({
    method: 'GET',
    url: '/balances',
    config: { access: 'viewer' },
    schema: {
      querystring: balanceQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Intake against deliveries with the loss, recipients with their offtakes, meters that disagree',
        description:
          'The last 30 days unless told; `from=inauguration` is 2014-12-12 14:32 +08:00. A meter that checks another (`sister`) is in no sum. Intake, deliveries and East + Middle totals are different quantities: these are the Middle Route’s own.',
        answer: balance,
        faults: ['range.invalid', 'range.too-many-buckets', 'overloaded'],
      }),
    },
    async handler({ query }): Promise<BalanceAnswer> {
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const from = query.from === 'inauguration' ? isoText(INAUGURATION_MS) : query.from;
      const range = rangeOf({ ...query, from }, { nowMs: clock.nowMs(), timeZone, defaultMs: 30 * DAY_MS });
      const edgesMs = bucketEdges(range.fromMs, range.toMs, query.by, timeZone, BUCKETS_MAX);
      await deps.caughtUp('books');
      const books = booksNow(deps);
      const isShifted = query.shift === 'travel';
      const parts = partsOf(countedMeters(books.control)).filter((part) => {
        const shiftMs = isShifted ? travelMs(part) : 0;
        return isHeldIn(part, range.fromMs + shiftMs, range.toMs + shiftMs);
      });
      const balances = await deps.queries.balances({ parts, edgesMs, isShifted });
      const { counted } = balances;
      const apart = await divergences(books, meterPairs(books.control), [range.fromMs, range.toMs]);
      const { unknownTolerance } = config;
      const text = zonedTexts(timeZone);
      const items = await inTurns(edgesMs.slice(1), (endMs, index) => {
        const view = balanceView(balanceAt(balances, index), unknownTolerance);
        return { start: text(edgesMs[index]!), end: text(endMs), ...view };
      });
      const edge = zonedTexts(timeZone);
      return {
        unit: 'm3',
        by: query.by,
        timeZone,
        shift: query.shift,
        unknownTolerance,
        items,
        total: {
          start: edge(range.fromMs),
          end: edge(range.toMs),
          ...balanceView(
            balanceOf(counted, ({ total }) => total),
            unknownTolerance,
          ),
        },
        recipients: recipientBalances(books, counted, unknownTolerance),
        divergences: apart.map((pair) => divergenceView(pair, unknownTolerance)),
      };
    },
  });
}
