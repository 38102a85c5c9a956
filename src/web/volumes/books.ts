/** What the page asks of the books: volumes by recipient, plans, and the stretch of time that the address names. */
import { type Answer, ask, askAll } from '../core/api.ts';
import { dayAfter, instantOf, transferYearOf, transferYearStart } from '../core/zone.ts';

type Volumes = Answer<'GET /volumes'>;
export type Bucket = Volumes['items'][number];
export type Plan = Answer<'GET /plans'>['items'][number];

export const STEPS = ['month', 'quarter', 'day'] as const;
export type Step = (typeof STEPS)[number];

export interface Stretch {
  /** Dates of the zone; `to` is the first day after it. */
  from: string;
  to: string;
  /** The year in which the transfer year began that this is; null for other stretches. */
  transferYear: number | null;
}

export function stretchOf(search: URLSearchParams, nowMs: number): Stretch {
  const [from, last] = [search.get('from'), search.get('to')];
  if (isDate(from) && isDate(last) && from <= last) return { from, to: dayAfter(last), transferYear: null };
  const asked = Number(search.get('year'));
  const startYear = Number.isInteger(asked) && asked > 1990 && asked < 2200 ? asked : transferYearOf(nowMs);
  return { from: transferYearStart(startYear), to: transferYearStart(startYear + 1), transferYear: startYear };
}

export const isDate = (text: string | null): text is string => text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text);

/** Nothing is asked of the future: it would be unknown hours. */
export const endOf = ({ to }: Stretch, nowMs: number): string =>
  instantOf(to) > nowMs ? new Date(nowMs).toISOString() : to;

export interface Line {
  recipient: string;
  volumes: Volumes;
}

type Meter = Answer<'GET /meters'>['items'][number];

/** Whoever has the meter or once had it. */
export function recipientsOf({ recipient, recipients }: Pick<Meter, 'recipient' | 'recipients'>): string[] {
  const held = recipients?.map((one) => one.recipient) ?? [recipient];
  return held.filter((one) => typeof one === 'string');
}

/** Everybody who is given water, by the register of meters. */
export async function readRecipients(signal: AbortSignal): Promise<string[]> {
  const meters = await askAll('GET /meters', { signal });
  const found = new Set(meters.filter(({ measures }) => measures !== 'intake').flatMap(recipientsOf));
  return [...found].sort();
}

export async function readLines(
  recipients: readonly string[],
  stretch: Stretch,
  by: Step,
  nowMs: number,
  signal: AbortSignal,
): Promise<Line[]> {
  const { from } = stretch;
  const end = endOf(stretch, nowMs);
  if (instantOf(from) >= nowMs) return [];
  return Promise.all(
    recipients.map(async (recipient) => ({
      recipient,
      volumes: await ask('GET /volumes', { query: { recipient, from, to: end, by }, signal }),
    })),
  );
}
