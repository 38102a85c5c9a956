/** Talks to the service: typed by what the OpenAPI document says, with failures as problems that a page can show. */
import { signal } from '@preact/signals';
import type { Api, Problem } from '../api-types.ts';
import { setByService } from './now.ts';

export type Answer<K extends keyof Api> = Api[K]['answer'];
/** One item of a list that the service answers in pages. */
export type Item<K extends keyof Api> = Answer<K> extends { items: (infer T)[] } ? T : never;

export interface Fault {
  path: string;
  message: string;
}

/** What went wrong, told in the service's words, or that it can't be reached (`status` 0). */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;
  /** Which members of what was sent were refused, and why. */
  readonly faults: readonly Fault[];

  constructor(status: number, code: string, detail: string, faults: readonly Fault[] = []) {
    super(detail);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

/** Whether the service has said that nobody is logged in (any more). */
export const loggedOut = signal(false);

interface Asked<K extends keyof Api> {
  path?: Api[K]['path'];
  query?: Partial<Api[K]['query']>;
  body?: Api[K]['body'];
  signal?: AbortSignal;
}

export function addressOf<K extends keyof Api>(operation: K, { path, query }: Asked<K> = {}): string {
  const pattern = operation.slice(operation.indexOf(' ') + 1);
  const named = pattern.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(String((path as Record<string, unknown>)[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, String(value));
  return `/api/v1${named}${search.size > 0 ? `?${search}` : ''}`;
}

/** @throws Failure */
export async function ask<K extends keyof Api>(operation: K, asked: Asked<K> = {}): Promise<Answer<K>> {
  const method = operation.slice(0, operation.indexOf(' '));
  const response = await fetch(addressOf(operation, asked), {
    method,
    signal: asked.signal,
    ...(asked.body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked.body) }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Failure(0, 'unreachable', '');
  });
  setByService(response.headers.get('date'));
  return answerOf<Answer<K>>(response);
}

/** @throws Failure; a 401 also logs the page out. */
export async function answerOf<T>(response: Response): Promise<T> {
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const body: unknown = isJson ? await response.json() : undefined;
  if (response.ok) return body as T;
  if (response.status === 401) loggedOut.value = true;
  const problem = body as Partial<Problem> | undefined;
  const { code = 'unknown', detail = `HTTP ${response.status}`, errors } = problem ?? {};
  throw new Failure(response.status, code, detail, errors);
}

type Listed = { [K in keyof Api]: Answer<K> extends { items: unknown[]; next: string | null } ? K : never }[keyof Api];

/** The first pages of a list in one; `next` is not null when there is more. */
export async function askPages<K extends Listed>(
  operation: K,
  asked: Asked<K>,
  pages: number,
): Promise<{ items: Item<K>[]; next: string | null }> {
  const items: Item<K>[] = [];
  let next: string | null = null;
  for (let page = 0; page < pages; page++) {
    const query = { ...asked.query, cursor: next ?? undefined } as unknown as Partial<Api[K]['query']>;
    const answer = (await ask(operation, { ...asked, query })) as { items: Item<K>[]; next: string | null };
    items.push(...answer.items);
    next = answer.next;
    if (next === null) break;
  }
  return { items, next };
}

/** Every item of a list, page after page; at most `most` of them. */
export async function askAll<K extends Listed>(operation: K, asked: Asked<K> = {}, most = 20_000): Promise<Item<K>[]> {
  const items: Item<K>[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: '1000', ...asked.query, cursor } as unknown as Partial<Api[K]['query']>;
    const page = (await ask(operation, { ...asked, query })) as { items: Item<K>[]; next: string | null };
    items.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return items;
}
