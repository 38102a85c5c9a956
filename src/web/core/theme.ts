/** Light or dark: the reader's choice, else the system's. */
import { effect, signal } from '@preact/signals';
import { remember, remembered } from './memory.ts';

export type Theme = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');
const chosen = remembered('theme');
export const theme = signal<Theme>(
  chosen === 'light' || chosen === 'dark' ? chosen : system.matches ? 'dark' : 'light',
);
system.addEventListener('change', () => {
  if (remembered('theme') === null) theme.value = system.matches ? 'dark' : 'light';
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function toggleTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  remember('theme', theme.value);
}

/** A custom property of the present theme, for what is drawn on a canvas. */
export const inkOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
