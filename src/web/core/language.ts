/** The reader's language: remembered, else the browser's. Words stand side by side in words.ts. */
import { effect, signal } from '@preact/signals';
import { remember, remembered } from './memory.ts';
import { WORDS, type Word } from './words.ts';

const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const preferred: Language = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
export const language = signal<Language>(LANGUAGES.find((one) => one === remembered('language')) ?? preferred);

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-CN' : 'en';
});

export function setLanguage(next: Language): void {
  remember('language', next);
  language.value = next;
}

/** A word of the reader's language; `{name}` in it is filled in. */
export function t(word: Word, filled: Record<string, string | number> = {}): string {
  const text = WORDS[word][language.value === 'zh' ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(filled[name] ?? whole));
}

/** The name of a thing that has one in each language. */
export const nameOf = (name: { zh: string; en: string }): string => name[language.value];
