/** Where the reader is: the address is the whole state of filters and ranges, so that every view can be shared. */
import { computed, signal } from '@preact/signals';

const here = signal(new URL(location.href));
addEventListener('popstate', () => (here.value = new URL(location.href)));

export const PAGES = ['overview', 'stations', 'alarms', 'rules', 'volumes', 'gateways', 'assessment'] as const;
export type Page = (typeof PAGES)[number];

export interface Place {
  page: Page;
  /** What the page is about: a station, an alarm or a rule. */
  id: string | null;
}

export const place = computed<Place>(() => {
  const [first = '', second] = here.value.pathname.split('/').filter((part) => part !== '');
  const page = PAGES.find((one) => one === first) ?? 'overview';
  return { page, id: second === undefined ? null : decodeURIComponent(second) };
});

export const query = computed(() => here.value.searchParams);

/** The address of a page. Empty and undefined members of `search` are left out. */
export function hrefOf(page: Page, id: string | null = null, search: Record<string, string | undefined> = {}): string {
  const path = page === 'overview' ? '/' : `/${page}${id === null ? '' : `/${encodeURIComponent(id)}`}`;
  return path + searchOf(search);
}

function searchOf(search: Record<string, string | undefined>): string {
  const kept = Object.entries(search).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`;
}

export function navigate(href: string, { replace = false } = {}): void {
  if (href === here.value.pathname + here.value.search) return;
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  here.value = new URL(location.href);
}

/** Changes members of the address' query and keeps the others; undefined and '' take one out. */
export function setQuery(change: Record<string, string | undefined>, options?: { replace?: boolean }): void {
  navigate(here.value.pathname + searchOf({ ...Object.fromEntries(query.value), ...change }), options);
}

/** Follows links to pages of the dashboard without loading it anew; others, and new tabs, are the browser's. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = (event.target as Element | null)?.closest?.('a[href]');
  const href = link?.getAttribute('href');
  if (!link || !href?.startsWith('/') || link.hasAttribute('download') || link.hasAttribute('target')) return;
  const { pathname } = new URL(href, location.origin);
  const first = pathname.split('/')[1] ?? '';
  if (first !== '' && !PAGES.some((page) => page === first)) return;
  event.preventDefault();
  const moved = pathname !== here.value.pathname;
  navigate(href);
  if (moved) scrollTo(0, 0);
}
