/** Rehearsing a rule: the alarms that it would have raised, before anybody saves it. */
import type { FastifyReply } from 'fastify';
import { isRehearsable, type Rehearsed, whyNotRehearsable } from '#alerts/rehearse.ts';
import { alarmView } from '#model/alarm-view.ts';
import { DAY_MS } from '#model/calendar.ts';
import type { Rule } from '#model/register.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { demandLength, isoText, rangeOf, spanTexts } from '../instants.ts';
import { invalid, Problem } from '../problems.ts';
import { REGISTERS } from '../registers.ts';
import { documented } from '../schemas/common.ts';
import { rehearsalAnswer, rehearsalBody } from '../schemas/rehearsals.ts';

const RANGE_MS_MAX = 400 * DAY_MS;
/** Longer than other connections may be silent. */
const PATIENCE_MS = 900_000;

export function rehearsalRoutes(api: Api, deps: ApiDeps): void {
  const { clock, config } = deps;
  api.route({
    method: 'POST',
    url: '/rules/rehearse',
    config: { access: 'engineer' },
    schema: {
      body: rehearsalBody,
      ...documented({
        tag: 'alarms',
        summary: 'Runs a proposed rule over stored readings and saves nothing',
        description:
          'Present values and final flags in the order of their times: the order of arrival is not replayed, and nothing is ' +
          'late. At most 400 days, 20 million readings and 100,000 alarms; one at a time. Ends when the client goes.',
        answer: rehearsalAnswer,
        faults: [
          'rule.invalid',
          'rule.not-rehearsable',
          'rehearsal.too-large',
          'range.invalid',
          'range.too-long',
          'store.unavailable',
        ],
      }),
    },
    async handler({ body }, reply) {
      const { id = null } = body;
      const rule = body.rule as Rule;
      await REGISTERS.rules.check?.(deps, rule, id ?? '');
      if (!isRehearsable(rule)) throw new Problem('rule.not-rehearsable', whyNotRehearsable(rule));
      if (id !== null && !deps.control.get('rule', id)) throw invalid('id', `there is no rule "${id}"`);
      const range = rangeOf(body, { nowMs: clock.nowMs(), timeZone: config.timeZone, defaultMs: null });
      demandLength(range, RANGE_MS_MAX);
      await Promise.all([deps.caughtUp('books'), deps.caughtUp('alerts')]);
      return view(id, await deps.rehearse({ rule, replaces: id, ...range }, untilGone(reply)));
    },
  });
}

/** Aborted when the client goes before it is answered, or has waited long enough. */
function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  raw.setTimeout(PATIENCE_MS, () => gone.abort());
  return gone.signal;
}

function view(id: string | null, { comparison, ...rehearsed }: Rehearsed) {
  const { fromMs, toMs, lookBackFromMs, alarms, floods, ...figures } = rehearsed;
  return {
    id,
    ...spanTexts({ fromMs, toMs }),
    lookBackFrom: isoText(lookBackFromMs),
    ...figures,
    floods: floods.map(spanTexts),
    alarms: alarms.map(alarmView),
    comparison: comparison && {
      present: comparison.present,
      missed: comparison.missedCount,
      added: comparison.addedCount,
    },
    missed: (comparison?.missed ?? []).map(alarmView),
  };
}
