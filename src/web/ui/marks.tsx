/** Marks that mean something: class, severity, state, flag. Each has its colour, and says the same without it. */
import type { Alarm } from '../api-types.ts';
import { t } from '../core/language.ts';
import { NUMERALS, type WaterClass } from '../core/water.ts';
import type { Word } from '../core/words.ts';

export const classWord = (reached: WaterClass | null): string =>
  reached === null
    ? t('classUnknown')
    : reached === 'worse'
      ? t('classWorse')
      : t('classNamed', { n: NUMERALS[reached] });

/** A class as its roman numeral on its colour. */
export function ClassMark({ of, large = false }: { of: WaterClass | null; large?: boolean }) {
  return (
    <span class={`class-mark class-${of ?? 'none'}${large ? ' is-large' : ''}`} title={classWord(of)}>
      <span aria-hidden="true">{of === null ? '–' : NUMERALS[of]}</span>
      <span class="unseen">{classWord(of)}</span>
    </span>
  );
}

export type Severity = Alarm['severity'];
export const SEVERITIES: readonly Severity[] = ['critical', 'major', 'minor'];
const SEVERITY_WORDS: Record<Severity, Word> = { critical: 'critical', major: 'major', minor: 'minor' };
export const severityWord = (severity: Severity): string => t(SEVERITY_WORDS[severity]);

/** A severity by shape: octagon, filled triangle, hollow triangle. */
export function SeverityShape({ of }: { of: Severity }) {
  return (
    <svg class={`severity-shape severity-${of}`} viewBox="0 0 16 16" aria-hidden="true">
      {of === 'critical' ? (
        <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" />
      ) : (
        <path d="M8 1.500 15 14.500H1z" class={of === 'minor' ? 'is-hollow' : ''} />
      )}
      <path d={of === 'critical' ? 'M8 4v5M8 11v1.500' : 'M8 6v4M8 11.500v1.200'} class="bang" />
    </svg>
  );
}

export function SeverityMark({ of }: { of: Severity }) {
  return (
    <span class="severity-mark">
      <SeverityShape of={of} />
      {severityWord(of)}
    </span>
  );
}

const STATE_WORDS: Record<Alarm['state'], Word> = {
  raised: 'raised',
  acknowledged: 'acknowledged',
  returned: 'returned',
  cleared: 'cleared',
  withdrawn: 'withdrawn',
};
export const stateWord = (state: Alarm['state']): string => t(STATE_WORDS[state]);

export const isShelved = ({ shelvedUntil }: Alarm, nowMs: number): boolean =>
  shelvedUntil !== null && Date.parse(shelvedUntil) > nowMs;

/** Its state, and whatever else is special about it. */
export function StateMark({ alarm, nowMs }: { alarm: Alarm; nowMs: number }) {
  const also: [boolean, Word][] = [
    [alarm.latched, 'toBeReset'],
    [alarm.chattering, 'chattering'],
    [alarm.suppressedBy !== null, 'suppressed'],
    [alarm.late, 'foundLate'],
  ];
  return (
    <span class="state-marks">
      <span class={`state-mark state-${alarm.state}`}>{stateWord(alarm.state)}</span>
      {isShelved(alarm, nowMs) && <span class="state-mark state-shelved">{t('shelved')}</span>}
      {also
        .filter(([is]) => is)
        .map(([, word]) => (
          <span key={word} class="state-mark">
            {t(word)}
          </span>
        ))}
    </span>
  );
}

const FLAG_WORDS: Record<number, Word> = { 1: 'flag1', 2: 'flag2', 3: 'flag3', 4: 'flag4', 9: 'flag9' };
const FLAG_SIGNS: Record<number, string> = { 1: '✓', 2: '○', 3: '?', 4: '✕', 9: '∅' };
const FLAG_REASONS: Record<number, Word> = {
  1: 'flag1Why',
  2: 'flag2Why',
  3: 'flag3Why',
  4: 'flag4Why',
  9: 'flag9Why',
};
export const flagWord = (flag: number): string => t(FLAG_WORDS[flag] ?? 'flag2');

export function FlagMark({ flag, deviceFlag }: { flag: number; deviceFlag?: string | undefined }) {
  return (
    <span class={`flag-mark flag-${flag}`} title={t(FLAG_REASONS[flag] ?? 'flag2Why')}>
      <span aria-hidden="true">{FLAG_SIGNS[flag]}</span> <span class={flag < 3 ? 'unseen' : ''}>{flagWord(flag)}</span>
      {deviceFlag !== undefined && <code title={t('deviceFlag')}>{deviceFlag}</code>}
    </span>
  );
}
