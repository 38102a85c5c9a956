/** Rehearsing a rule: the alarms that it would have raised, before anybody saves it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isRehearsable, type Rehearsed, whyNotRehearsable } from '#alerts/looking-back/rehearse.ts';
import type { Says } from '#alerts/rules/says.ts';
import { rehearsalAnswer, rehearsalBody } from '#api/alarms/schemas/rehearsals.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { demandLength, isoText, rangeOf, spanTexts } from '#api/instants.ts';
import { invalid, Problem } from '#api/problems.ts';
import { REGISTERS, saysOfRule } from '#api/registers/registers.ts';
import { withoutAdded } from '#api/registers/routes/registers.ts';
import { documented } from '#api/schemas.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { DAY_MS } from '#model/calendar.ts';
import type { Rule } from '#model/register.ts';

const RANGE_MS_MAX = 400 * DAY_MS;
/** Longer than other connections may be silent. */
const PATIENCE_MS = 900_000;

export function rehearsalRoutes(api: Api, deps: ApiDeps): void {
  const { clock, config } = deps;
  api.route({
    method: 'POST',
    url: '/rules/rehearse',
    config: { access: 'engineer' },
    preValidation: dropSays,
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
      const says = saysOfRule(deps, rule);
      return view(id, says, await deps.rehearse({ rule, replaces: id, ...range }, untilGone(reply)));
    },
  });
}

/** A rule that was read is rehearsed as it is. */
async function dropSays({ body }: FastifyRequest): Promise<void> {
  if (typeof body !== 'object' || body === null || !('rule' in body)) return;
  body.rule = withoutAdded(body.rule, REGISTERS.rules.added);
}

/** Aborted when the client goes before it is answered, or has waited long enough. */
function untilGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  raw.setTimeout(PATIENCE_MS, () => gone.abort());
  return gone.signal;
}

/** From this share on a rule looks like one that says the opposite of what was meant. */
const MOST = 0.5;

function warningsOf(share: number | null, says: Says) {
  if (share === null || share <= MOST) return [];
  const percent = `${Math.round(share * 100)} %`;
  return [
    {
      code: 'breach.most' as const,
      zh: `${percent} 的数据触发该规则（${says.zh}），是否写反了？`,
      en: `${percent} of the values break the rule, which ${says.en}: does it read the other way round?`,
    },
  ];
}

function view(id: string | null, says: Says, { comparison, ...rehearsed }: Rehearsed) {
  const { fromMs, toMs, lookBackFromMs, alarms, floods, judged, breaches, ...figures } = rehearsed;
  const breachShare = judged === 0 ? null : breaches / judged;
  return {
    id,
    ...spanTexts({ fromMs, toMs }),
    lookBackFrom: isoText(lookBackFromMs),
    ...figures,
    says,
    judged,
    breaches,
    breachShare,
    warnings: warningsOf(breachShare, says),
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
