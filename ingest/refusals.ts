/**
 * What of a message goes into quarantine: each refused value by itself, so that it is seen and replayed alone; of a message
 * with more than a hundred, the rest as one item that counts for all of them. A gateway that sends nonsense must not cost
 * more than one that sends readings.
 */
import { randomBytes } from 'node:crypto';
import type { QuarantineDraft } from '#journal/port.ts';
import type { Fault, FaultCode } from '#model/faults.ts';
import { CODECS, type ContentType } from './codecs/index.ts';
import type { Refused } from './judge.ts';

/** Items in quarantine that one message makes at most. */
export const ITEMS_MAX = 100;

export type Undrafted = Fault & Pick<QuarantineDraft, 'source' | 'contentType' | 'payload'>;

export function draftOf({ code, message, path, source, contentType, payload }: Undrafted): QuarantineDraft {
  const id = randomBytes(12).toString('base64url');
  return { id, code, message, path: path ?? null, contentType, payload, source };
}

/** @returns at most `ITEMS_MAX` items that together count for all that was refused. */
export function draftsOf(
  refused: readonly Refused[],
  { source, contentType }: { source: string; contentType: ContentType },
): QuarantineDraft[] {
  const codec = CODECS[contentType];
  const alone = refused.length > ITEMS_MAX ? refused.slice(0, ITEMS_MAX - 1) : refused;
  const drafts = alone.map(({ fault, sample, names }) =>
    draftOf({ ...fault, source, contentType, payload: codec.excerpt(sample, names) }),
  );
  const rest = refused.slice(alone.length);
  if (rest.length === 0) return drafts;
  const payload = codec.excerptOfSeveral(rest);
  return [...drafts, { ...draftOf({ ...faultOfRest(rest), source, contentType, payload }), count: rest.length }];
}

/** Has the code that most of them have, and begins where the first of them stands. */
function faultOfRest(rest: readonly Refused[]): Fault {
  const counts = new Map<FaultCode, number>();
  for (const { fault } of rest) counts.set(fault.code, (counts.get(fault.code) ?? 0) + 1);
  const byCount = [...counts].sort(([, a], [, b]) => b - a);
  const listed = byCount.map(([code, count]) => `${count} × ${code}`).join(', ');
  const { message, path } = rest[0]!.fault;
  return {
    code: byCount[0]![0],
    message: `${rest.length} more values of the same message (${listed}). The first: ${message}`,
    ...(path !== undefined && { path }),
  };
}
