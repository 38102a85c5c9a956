/** What reports on areas and on sections have in common. */
import type { Api } from '../api-types.ts';
import * as format from '../core/format.ts';
import { language, t } from '../core/language.ts';
import { parameterName } from '../station/names.ts';

type Found = Api['GET /assessments']['answer'];
export type AreaFound = Extract<Found, { area: string }>;
export type SectionFound = Exclude<Found, { area: string }>;
export type Section = AreaFound['sections'][number];

/** `Ammonia nitrogen (0.66)`: with the multiple where one may be stated. */
export const pollutantsText = (found: Section['mainPollutants']): string =>
  (found ?? [])
    .map(
      ({ parameter, multiple }) =>
        `${parameterName(parameter)}${multiple == null ? '' : ` (${format.value(multiple)})`}`,
    )
    .join(', ');

export const coverageText = (coverage: Section['coverage']): string =>
  coverage === null ? '–' : format.share(coverage.share);

export function statusWord(status: { zh: string; en: string } | null): string {
  return status === null ? '–' : status[language.value];
}

interface Change {
  period: string | null;
  reason: string | null;
  change: { verdict: string; zh: string } | null;
}

const VERDICT_WORDS = {
  unchanged: 'verdictUnchanged',
  better: 'verdictBetter',
  'much-better': 'verdictMuchBetter',
  worse: 'verdictWorse',
  'much-worse': 'verdictMuchWorse',
} as const;

export function changeWords({ change, reason }: Change): string {
  if (change === null) return reason === 'no-such-period' ? t('noSuchPeriod') : t('notComparable');
  return t(VERDICT_WORDS[change.verdict as keyof typeof VERDICT_WORDS] ?? 'notComparable');
}

export function ReportHead({ name, found }: { name: string; found: Found }) {
  return (
    <header class="report-head">
      <h2>
        {t('reportOn', { name, period: found.period.text })}
        {found.provisional && <span class="tag is-warning">{t('periodOpen')}</span>}
      </h2>
      <p class="quiet-text">
        {found.standard.edition} · {t('evaluationRules')} · {format.day(found.period.start)} –{' '}
        {format.day(Date.parse(found.period.end) - 1)} {found.period.timeZone}
      </p>
    </header>
  );
}
