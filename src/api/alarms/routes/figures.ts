/** The operators' figures of a time (docs/alarm-figures.md). */

import type { AlarmFigures } from '#alerts/records/figures.ts';
import { alarmFigures, figuresQuery } from '#api/alarms/schemas/figures.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { demandLength, isoText, rangeOf, spanTexts } from '#api/instants.ts';
import { documented } from '#api/schemas.ts';
import { DAY_MS } from '#model/calendar.ts';

const DEFAULT_MS = 7 * DAY_MS;
const RANGE_MS_MAX = 400 * DAY_MS;

export function alarmFiguresRoutes(api: Api, deps: ApiDeps): void {
  const { clock, config, control, queries } = deps;
  api.route({
    method: 'GET',
    url: '/alarms/figures',
    config: { access: 'viewer' },
    schema: {
      querystring: figuresQuery,
      ...documented({
        tag: 'alarms',
        summary: 'How alarms and notices went: rates, floods, chattering, stale alarms, acknowledgement',
        description: 'After ISA-18.2 and EEMUA 191, by when alarms came; the last seven days unless told, at most 400.',
        answer: alarmFigures,
        faults: ['range.invalid', 'range.too-long', 'id.invalid', 'overloaded'],
      }),
    },
    async handler({ query }) {
      const range = rangeOf(query, { nowMs: clock.nowMs(), timeZone: config.timeZone, defaultMs: DEFAULT_MS });
      demandLength(range, RANGE_MS_MAX);
      const { station, area, rule = null } = query;
      const named = station === undefined ? null : [station];
      const inArea = control.list('station').flatMap(({ id, body }) => (body.area === area ? [id] : []));
      const stations = area === undefined ? named : inArea.filter((id) => station === undefined || id === station);
      await deps.caughtUp('alerts');
      return { ...spanTexts(range), ...view(await queries.alarmFigures({ ...range, stations, rule })) };
    },
  });
}

function view({ floods, chattering, stale, ...figures }: AlarmFigures) {
  return {
    ...figures,
    floods: floods.map(spanTexts),
    chattering: chattering.map(({ sinceMs, ...one }) => ({ ...one, since: isoText(sinceMs) })),
    stale: {
      count: stale.count,
      longest: stale.longest.map(({ raisedAtMs, clearedAtMs, ...one }) => ({
        ...one,
        raisedAt: isoText(raisedAtMs),
        clearedAt: isoText(clearedAtMs),
      })),
    },
  };
}
