/** What InfluxDB's refusals mean (design §3): whom to ask again, what to cut smaller, and which platform alarm tells of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { HttpError } from '@influxdata/influxdb-client';
import type { PlatformCondition } from '#model/alarms/platform.ts';
import { PLATFORM_CONDITIONS } from '#model/alarms/platform.ts';
import type { StoreTrouble } from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';

/** `halve`: the lines are at fault, or too many; down to the one that can't be taken. */
export type WriteVerdict = { kind: 'halve'; reason: string } | { kind: 'fail'; error: StoreError };

const READ_ONLY = /read[- ]only|no space left|disk (is )?full|quota exceeded/i;
const NO_BUCKET = /(database|bucket)\b.*not found|not found:.*(database|bucket)/i;
const NO_ORGANIZATION = /organi[sz]ation\b.*not found|not found:.*organi[sz]ation/i;
const NO_SHARD_YET = /shard group not found/i;
/** A field that somebody has written with another type first: of a line's fault the one that an operator can mend. */
export const TYPE_CONFLICT = /type conflict/i;
const SHARD_TRIES = 5;
const SHARD_AGAIN_MS = 200;
const DETAIL_CHARACTERS = 300;

/** What a failed write is. @param asked where to, without secrets. */
export function writeVerdict(error: unknown, asked: string): WriteVerdict {
  if (error instanceof HttpError) {
    const said = wordsOf(error);
    const isLines = error.statusCode === 400 || error.statusCode === 422 || error.statusCode === 413;
    if (isLines && !NO_BUCKET.test(said)) return { kind: 'halve', reason: said };
  }
  return { kind: 'fail', error: storeError(error, asked) };
}

/** Writes, and again where openGemini answers 500 because the shard of that time is being made: it is there in a moment. */
export async function untilShard(write: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await write();
      return;
    } catch (error) {
      const isPassing = error instanceof HttpError && NO_SHARD_YET.test(error.body ?? '');
      if (!isPassing || tries === SHARD_TRIES) throw error;
    }
    await delay(SHARD_AGAIN_MS);
  }
}

/** What a failed request is, as an error that says whether to try again; all of these may pass. */
export function storeError(error: unknown, asked: string): StoreError {
  if (error instanceof StoreError) return error;
  const said = wordsOf(error);
  const condition = error instanceof HttpError ? conditionOf(error.statusCode, said) : 'store.unreachable';
  return new StoreError(condition, `${asked}: ${said}`, true, { cause: error });
}

/** An error inside an answer of status 200: InfluxQL has its own. */
export function queryError(said: string, asked: string): StoreError {
  const condition = NO_BUCKET.test(said)
    ? 'store.bucket-missing'
    : /not authorized|unauthorized|requires admin/i.test(said)
      ? 'store.unauthorized'
      : 'store.overloaded';
  return new StoreError(condition, `${asked}: ${said}`, true);
}

/** What platform alarms tell of an error of any store; null when it is none that operators could mend. */
export function storeTrouble(error: unknown): StoreTrouble | null {
  if (!(error instanceof StoreError)) return null;
  const { code, message } = error;
  if (code === 'journal.full' || code === 'journal.unwritable')
    return { condition: 'store.unwritable', detail: message };
  return Object.hasOwn(PLATFORM_CONDITIONS, code) ? { condition: code as PlatformCondition, detail: message } : null;
}

function conditionOf(status: number, said: string): PlatformCondition {
  if (READ_ONLY.test(said)) return 'store.read-only';
  if (NO_ORGANIZATION.test(said)) return 'store.organization';
  if (NO_BUCKET.test(said)) return 'store.bucket-missing';
  if (status === 401 || status === 403) return 'store.unauthorized';
  // 404 without a word about a bucket is another server, or a proxy that knows no such path.
  if (status === 404) return 'store.unreachable';
  return 'store.overloaded';
}

/** `404 database not found: "w"`; never what was asked, which is the caller's to say. */
function wordsOf(error: unknown): string {
  if (!(error instanceof HttpError)) {
    const { message, code } = error as Error & { code?: string };
    return (message || code || String(error)).slice(0, DETAIL_CHARACTERS);
  }
  const { statusCode, statusMessage, body } = error;
  return `${statusCode} ${messageIn(body) ?? statusMessage ?? ''}`.trim().slice(0, DETAIL_CHARACTERS);
}

function messageIn(body: string | undefined): string | undefined {
  try {
    const { error, message } = JSON.parse(body ?? '') as { error?: string; message?: string };
    return message ?? error ?? body;
  } catch {
    return body;
  }
}
