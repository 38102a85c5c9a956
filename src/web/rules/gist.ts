/** A rule in a line: what it looks at, where, and how grave it takes it. */
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { stations } from '../core/watch.ts';
import { NUMERALS, type WaterClass } from '../core/water.ts';
import { WORDS, type Word } from '../core/words.ts';
import { parameterName, stationName } from '../station/names.ts';
import { type Severity, severityWord } from '../ui/marks.tsx';
import type { Members } from './members.ts';

/** What a choice is called; one without a word of its own is a term, kept as it is. */
export function choiceWord(value: string): string {
  if (value in NUMERALS) return NUMERALS[value as WaterClass];
  for (const word of [`choice-${value}`, value]) if (word in WORDS) return t(word as Word);
  return OPS[value] ?? value;
}

const OPS: Record<string, string> = { '<=': '≤', '>=': '≥' };

export function kindWord(kind: string): string {
  const word = `kind-${kind}`;
  return word in WORDS ? t(word as Word) : kind;
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

export function gistOf(rule: Members): string {
  const about = list(rule.parameters).map(parameterName).join(', ') || null;
  const unit = format.unit(text(rule.unit));
  const parts: Record<string, (string | null)[]> = {
    class: [about, targetText(rule)],
    threshold: [about, `${t('hasToBe')} ${choiceWord(text(rule.op))} ${text(rule.limit)} ${unit}`.trim()],
    rate: [about, choiceWord(text(rule.direction)), `> ${text(rule.limit)} ${unit}/h`, text(rule.over)],
    'flat-line': [about, `≤ ${text(rule.tolerance)} ${unit}`.trim(), text(rule.over)],
    expression: [text(rule.when)],
    assessed: [about, choiceWord(text(rule.period)), targetText(rule)],
    'volume-balance': [choiceWord(text(rule.period)), `> ${format.share(Number(rule.maxLossShare), 1)}`],
    'meter-disagreement': [choiceWord(text(rule.period)), `> ${format.share(Number(rule.maxShare), 1)}`],
  };
  const found = [...(parts[text(rule.kind)] ?? [about]), held(rule)].filter((part) => part !== null && part !== '');
  return found.length === 0 ? t('all') : found.join(' · ');
}

const targetText = ({ target }: Members): string =>
  target === 'station' ? choiceWord(target) : `${t('target')} ${choiceWord(text(target))}`;

const held = ({ for: lasting }: Members): string | null =>
  typeof lasting === 'string' && lasting !== 'PT0S' ? `${t('lasting')} ${lasting}` : null;

export function whereOf({ select }: Members): string {
  const { stations: named, areas, rivers, ...others } = (select ?? {}) as Members;
  const parts = [
    ...list(named).map((id) => stationName(id, stations.value)),
    ...list(areas).map(areaName),
    ...list(rivers),
    ...Object.values(others).map((value) =>
      Array.isArray(value) ? value.map(String).join(', ') : JSON.stringify(value),
    ),
  ];
  return parts.length === 0 ? t('all') : parts.join(', ');
}

export function severityText({ severity }: Members): string {
  if (typeof severity === 'string') return severityWord(severity as Severity);
  return Object.entries((severity ?? {}) as Record<string, Severity>)
    .map(([reached, one]) => `${NUMERALS[reached as WaterClass]} ${severityWord(one)}`)
    .join(', ');
}
