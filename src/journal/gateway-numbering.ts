/**
 * Holes in gateways' own numbering (`seq`, contracts §3), kept in journal.db by the transaction that journals the messages: so
 * they are what was journaled, after any crash as well. A steady gateway costs nothing but a column of its intake row.
 *
 * A number that comes later fills its hole. What is missing below the first number heard is not known. A counter begins anew
 * (`ANEW_UP_TO`, `REPEAT_REACH`, `JUMP_MAX`): what an earlier one left out can be filled no more, only closed by who knows.
 */

import { type Readings, verdictsIn } from '#model/columns.ts';
import type { Database, Statement } from '#src/sqlite.ts';

/** Inclusive. */
export interface NumberRange {
  from: number;
  to: number;
}

/** Numbers that never came. `isEarlier`: of a counter before the present one. */
export interface Hole extends NumberRange {
  sinceMs: number;
  isEarlier?: true;
}

/** Numbers that somebody has said will never come. */
export interface DeclaredLost extends NumberRange {
  atMs: number;
  by: string;
  reason: string;
  isEarlier?: true;
}

/** One gateway's numbering; never changed, only replaced. */
export interface Numbering {
  /** Of the present counter: the first number heard, and the highest. */
  first: number;
  last: number;
  /** As they were found, so ascending within a counter; at most `HOLES_MAX`. */
  holes: readonly Hole[];
  /** What older holes than those came to; null = nothing. */
  merged: { count: number; sinceMs: number } | null;
  /** At most `LOST_MAX`, the newest last; `lostBefore` = numbers of those that are no longer listed. */
  lost: readonly DeclaredLost[];
  lostBefore: number;
  /** Low numbers of which something was refused: sent again, such a message may bring news without a new counter. */
  refused: readonly number[];
}

/** What is known of a message apart from its number. */
export interface Arrival {
  number: number;
  /** `news`: a value for a time that had none; `empty`: no value at all; `known`: anything else. */
  brings: 'news' | 'empty' | 'known';
  /** Something of it went to quarantine. */
  isRefused?: boolean;
}

/** A jump further than this is a gateway that began to count anew, not one that lost so many messages. */
const JUMP_MAX = 100_000;
/** A number up to this far below the highest may be a message sent again, or one from before the first that was heard. */
const REPEAT_REACH = 1_000;
/** News under a number up to this that has come before is a gateway that began to count anew. */
const ANEW_UP_TO = 100;
/** Listed of one gateway; what is older is only counted. */
export const HOLES_MAX = 64;
export const LOST_MAX = 32;

export const sizeOf = ({ from, to }: NumberRange): number => to - from + 1;
const total = (ranges: readonly NumberRange[]): number => ranges.reduce((sum, range) => sum + sizeOf(range), 0);

/** Numbers that are missing, those only counted included. */
export const missingIn = ({ holes, merged }: Numbering): number => total(holes) + (merged?.count ?? 0);
export const lostIn = ({ lost, lostBefore }: Numbering): number => total(lost) + lostBefore;

/** A message has come. @param before undefined = the gateway's first number. */
export function numbered(before: Numbering | undefined, arrival: Arrival, atMs: number): Numbering {
  const after = counted(before, arrival, atMs);
  const { number, isRefused } = arrival;
  if (!isRefused || number > ANEW_UP_TO || after.refused.includes(number)) return after;
  return { ...after, refused: [...after.refused, number] };
}

function counted(before: Numbering | undefined, arrival: Arrival, atMs: number): Numbering {
  const { number } = arrival;
  if (!before) return { first: number, last: number, holes: [], merged: null, lost: [], lostBefore: 0, refused: [] };
  const { last } = before;
  if (number > last + JUMP_MAX) return begunAnew(before, number);
  if (number === last + 1) return { ...before, last: number };
  if (number > last) {
    const hole: Hole = { from: last + 1, to: number - 1, sinceMs: atMs };
    return bounded({ ...before, last: number, holes: [...before.holes, hole] });
  }
  const holes = without(before.holes, number);
  if (holes) return bounded({ ...before, holes });
  const lost = without(before.lost, number);
  // It came after all.
  if (lost) return bounded({ ...before, lost });
  return beginsAnew(before, arrival) ? begunAnew(before, number) : before;
}

/** Whether a number that isn't missing is a new counter's, and no message sent again. */
function beginsAnew({ first, last, refused }: Numbering, { number, brings }: Arrival): boolean {
  if (refused.includes(number)) return false;
  if (last - number > REPEAT_REACH) return brings !== 'known';
  return number >= first && number <= ANEW_UP_TO && brings === 'news';
}

function begunAnew(before: Numbering, number: number): Numbering {
  const earlier = { isEarlier: true } as const;
  return {
    ...before,
    first: number,
    last: number,
    holes: before.holes.map((hole) => ({ ...hole, ...earlier })),
    lost: before.lost.map((range) => ({ ...range, ...earlier })),
    refused: [],
  };
}

/** The ranges without this number of the present counter; null when none of them has it. */
function without<T extends NumberRange & { isEarlier?: true }>(ranges: readonly T[], number: number): T[] | null {
  const index = ranges.findIndex(({ from, to, isEarlier }) => !isEarlier && number >= from && number <= to);
  if (index < 0) return null;
  const range = ranges[index]!;
  const rest = [
    { ...range, to: number - 1 },
    { ...range, from: number + 1 },
  ].filter(({ from, to }) => from <= to);
  return ranges.toSpliced(index, 1, ...rest);
}

/**
 * Whoever knows says that what is missing up to `through` will never come; what earlier counters left out goes along.
 * @returns the same object when nothing was missing.
 */
export function closed(before: Numbering, through: number, by: Omit<DeclaredLost, 'from' | 'to'>): Numbering {
  const isReached = ({ from, isEarlier }: Hole) => isEarlier || from <= through;
  const reached = before.holes.filter(isReached);
  if (reached.length === 0 && !before.merged) return before;
  const lost = reached.map(
    ({ from, to, isEarlier }): DeclaredLost => ({
      from,
      to: isEarlier ? to : Math.min(to, through),
      ...by,
      ...(isEarlier && { isEarlier }),
    }),
  );
  const holes = before.holes.flatMap((hole) => {
    if (!isReached(hole)) return [hole];
    return hole.isEarlier || hole.to <= through ? [] : [{ ...hole, from: through + 1 }];
  });
  const lostBefore = before.lostBefore + (before.merged?.count ?? 0);
  return bounded({ ...before, holes, merged: null, lost: [...before.lost, ...lost], lostBefore });
}

function bounded(numbering: Numbering): Numbering {
  const { holes, merged, lost, lostBefore } = numbering;
  if (holes.length <= HOLES_MAX && lost.length <= LOST_MAX) return numbering;
  const over = holes.slice(0, Math.max(0, holes.length - HOLES_MAX));
  const gone = lost.slice(0, Math.max(0, lost.length - LOST_MAX));
  const sinceMs = Math.min(...over.map((hole) => hole.sinceMs), merged?.sinceMs ?? Number.POSITIVE_INFINITY);
  return {
    ...numbering,
    holes: holes.slice(over.length),
    merged: over.length === 0 ? merged : { count: (merged?.count ?? 0) + total(over), sinceMs },
    lost: lost.slice(gone.length),
    lostBefore: lostBefore + total(gone),
  };
}

/** A message as it is journaled (`MessageDraft`), as far as its number goes. */
interface Numbered {
  gatewaySeq: number | null;
  readings: Readings;
  received: number;
}

/** What a message says of its gateway's counter; null when it has no number. */
export function arrivalOf({ gatewaySeq, readings, received }: Numbered): Arrival | null {
  if (gatewaySeq === null) return null;
  const isNews = verdictsIn(readings, 'new') > 0;
  const brings = isNews ? 'news' : received === 0 ? 'empty' : 'known';
  return { number: gatewaySeq, brings, isRefused: received > readings.length };
}

/** The gateways' numbering as of the newest commit. */
export interface Numberings {
  of(source: string): Numbering | undefined;
  all(): Iterable<[source: string, numbering: Numbering]>;
}

/** `last` stands in the intake row, which each message changes anyway; the rest is written when it changes. */
type Body = Omit<Numbering, 'last'>;

/** What one transaction changes is staged: it counts once that is on disk (`kept`), or not at all (`discard`). */
export class NumberingTable implements Numberings {
  readonly #known = new Map<string, Numbering>();
  /** null = forgotten. */
  readonly #staged = new Map<string, Numbering | null>();
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #clear: Statement;

  constructor(database: Database) {
    this.#put = database.prepare(
      'INSERT INTO numbering (source, body) VALUES (?1, ?2) ON CONFLICT (source) DO UPDATE SET body = ?2',
    );
    this.#delete = database.prepare('DELETE FROM numbering WHERE source = ?');
    this.#clear = database.prepare('UPDATE intake SET lastNumber = NULL WHERE source = ?');
    const rows = database.prepare('SELECT source, lastNumber AS last, body FROM numbering JOIN intake USING (source)');
    for (const row of rows.all()) {
      const { source, last, body } = row as { source: string; last: number; body: string };
      const kept = JSON.parse(body) as Omit<Body, 'refused'> & Partial<Body>;
      this.#known.set(source, { ...kept, refused: kept.refused ?? [], last });
    }
  }

  of(source: string): Numbering | undefined {
    return this.#known.get(source);
  }

  all(): Iterable<[string, Numbering]> {
    return this.#known;
  }

  /** The number that this transaction leaves a source at; null when it changes nothing there. */
  lastOf(source: string): number | null {
    return this.#staged.get(source)?.last ?? null;
  }

  heard(source: string, arrival: Arrival, atMs: number): void {
    this.#staged.set(source, numbered(this.#current(source), arrival, atMs));
  }

  close(source: string, through: number, by: Omit<DeclaredLost, 'from' | 'to'>): void {
    const current = this.#current(source);
    if (current) this.#staged.set(source, closed(current, through, by));
  }

  forget(source: string): void {
    this.#staged.set(source, null);
  }

  /** Writes what is staged; within the transaction, after the intake rows. */
  write(): void {
    for (const [source, numbering] of this.#staged) {
      if (numbering === null) {
        this.#delete.run(source);
        this.#clear.run(source);
      } else if (hasMoreNews(numbering, this.#known.get(source))) {
        const { last: _last, ...body } = numbering;
        this.#put.run(source, JSON.stringify(body satisfies Body));
      }
    }
  }

  kept(): void {
    for (const [source, numbering] of this.#staged) {
      if (numbering) this.#known.set(source, numbering);
      else this.#known.delete(source);
    }
    this.#staged.clear();
  }

  discard(): void {
    this.#staged.clear();
  }

  #current(source: string): Numbering | undefined {
    const staged = this.#staged.get(source);
    return staged === undefined ? this.#known.get(source) : (staged ?? undefined);
  }
}

/** Whether anything but the highest number differs. */
function hasMoreNews(now: Numbering, before: Numbering | undefined): boolean {
  return (
    now.first !== before?.first ||
    now.holes !== before.holes ||
    now.merged !== before.merged ||
    now.lost !== before.lost ||
    now.lostBefore !== before.lostBefore ||
    now.refused !== before.refused
  );
}
