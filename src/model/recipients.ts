/**
 * Who gets the water of a meter, and since when. A meter that was never handed over has a plain recipient, or none; another
 * has its history, whose times are event times: the water that ran from then on is the next one's.
 */
import { z } from 'zod';
import { id, instant } from './fields.ts';

const hold = z.strictObject({
  recipient: id.nullable().describe('Null: nobody'),
  from: instant.nullable().describe('Null for the first one: since ever'),
});
export const recipientHistory = z
  .array(hold)
  .min(1)
  .max(200)
  .refine(ascends, 'the first one has `from: null`, the others follow each other in time');
export type RecipientHistory = z.infer<typeof recipientHistory>;

export const recipients = z.union([id, recipientHistory], {
  error: 'an id, or a list of { recipient, from }',
});

function ascends(list: readonly { from: string | null }[]): boolean {
  const [first, ...rest] = list.map(({ from }) => (from === null ? null : Date.parse(from)));
  return first === null && rest.every((ms, index) => ms !== null && (index === 0 || ms > rest[index - 1]!));
}

interface Held {
  recipient?: string | RecipientHistory | undefined;
}

/** One recipient's time with a meter: [fromMs, toMs), infinite at the ends. */
export interface Holding {
  recipient: string | null;
  fromMs: number;
  toMs: number;
}

export function historyOf({ recipient }: Held): RecipientHistory {
  return typeof recipient === 'object' ? recipient : [{ recipient: recipient ?? null, from: null }];
}

/** All of time, in order. */
export function holdingsOf(meter: Held): Holding[] {
  const list = historyOf(meter);
  const fromMs = list.map(({ from }) => (from === null ? -Infinity : Temporal.Instant.from(from).epochMilliseconds));
  return list.map(({ recipient }, index) => ({
    recipient,
    fromMs: fromMs[index]!,
    toMs: fromMs[index + 1] ?? Infinity,
  }));
}

export function recipientAt(meter: Held, timeMs: number): string | null {
  return holdingsOf(meter).find(({ toMs }) => timeMs < toMs)!.recipient;
}

/**
 * What becomes of a meter's recipients when it is put: a list is its history from now on; the recipient that it has changes
 * nothing; another one, or none, takes over from `atMs`, and who had it keeps what ran until then.
 * @param hasReadings whether anything was ever read there; without, there is nothing to hand over.
 */
export function handedOver<T extends Held>(given: T, before: Held | undefined, atMs: number, hasReadings: boolean): T {
  if (!before || typeof given.recipient === 'object') return withHistory(given, historyOf(given));
  const next = given.recipient ?? null;
  if (recipientAt(before, atMs) === next) return withHistory(given, historyOf(before));
  if (!hasReadings) return given;
  const past = historyOf(before).filter(({ from }) => from === null || Date.parse(from) < atMs);
  return withHistory(given, [...past, { recipient: next, from: new Date(atMs).toISOString() }]);
}

/** Whoever follows himself is one, and one alone is written plainly. */
function withHistory<T extends Held>(meter: T, list: RecipientHistory): T {
  const { recipient: _given, ...rest } = meter;
  const told = list.filter((one, index) => one.recipient !== list[index - 1]?.recipient || index === 0);
  const [first] = told;
  if (told.length > 1) return { ...rest, recipient: told } as T;
  return (first!.recipient === null ? rest : { ...rest, recipient: first!.recipient }) as T;
}
