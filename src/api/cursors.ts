/** Cursors: where a list goes on, as text that clients hand back unread. */
import { Problem } from './problems.ts';
import { inTurns } from './turns.ts';

type Part = string | number;

export function toCursor(...parts: Part[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * The parts of a cursor that this list gave, of the kinds in `shape`; null without a cursor.
 * @throws Problem `cursor.invalid`.
 */
export function fromCursor<const S extends readonly ('string' | 'number')[]>(
  cursor: string | undefined,
  shape: S,
): { [I in keyof S]: S[I] extends 'string' ? string : number } | null {
  if (cursor === undefined) return null;
  const parts = decoded(cursor);
  const fits =
    Array.isArray(parts) &&
    parts.length === shape.length &&
    shape.every(
      (kind, index) => typeof parts[index] === kind && (kind === 'string' || Number.isSafeInteger(parts[index])),
    );
  if (!fits) throw new Problem('cursor.invalid', 'The cursor is not one that this list gave.');
  return parts as { [I in keyof S]: S[I] extends 'string' ? string : number };
}

function decoded(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A page ends after so many bytes of JSON, however few its items. */
const PAGE_BYTES = 1 << 20;

/**
 * One page from a list of which one more than `limit` was asked for; it ends sooner when its items are large.
 * @param cursorOf the cursor that goes on after this item.
 * @param isMore whether there are rows behind these.
 */
export async function pageOf<T, V>(
  rows: readonly T[],
  limit: number,
  view: (row: T) => V,
  cursorOf: (last: T) => string,
  isMore = rows.length > limit,
): Promise<{ items: V[]; next: string | null }> {
  let bytes = 0;
  const shown = (row: T) => {
    const item = view(row);
    bytes += Buffer.byteLength(JSON.stringify(item));
    return item;
  };
  const items = await inTurns(rows.slice(0, limit), shown, { isDone: () => bytes >= PAGE_BYTES });
  const last = rows[items.length - 1];
  const isCut = isMore || items.length < Math.min(rows.length, limit);
  return { items, next: isCut && last !== undefined ? cursorOf(last) : null };
}
