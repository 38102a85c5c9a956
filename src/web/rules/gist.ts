/** A rule in a line: what it looks at, where, and how grave it takes it. */
import { areaName } from '../core/areas.ts';
import { nameOf, t } from '../core/language.ts';
import { stations } from '../core/watch.ts';
import { NUMERALS, type WaterClass } from '../core/water.ts';
import { WORDS, type Word } from '../core/words.ts';
import { stationName } from '../station/names.ts';
import { type Severity, severityWord } from '../ui/marks.tsx';
import type { Members } from './members.ts';

/** What a choice is called; one without a word of its own is a term, kept as it is. */
export function choiceWord(value: string): string {
  if (value in NUMERALS) return NUMERALS[value as WaterClass];
  for (const word of [`choice-${value}`, value]) if (word in WORDS) return t(word as Word);
  return value;
}

export function kindWord(kind: string): string {
  const word = `kind-${kind}`;
  return word in WORDS ? t(word as Word) : kind;
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** What it does, in the service's words. */
export function saysOf({ says }: Members): string {
  const said = (says as { zh: string; en: string } | undefined) ?? { zh: '', en: '' };
  return nameOf(said);
}

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
