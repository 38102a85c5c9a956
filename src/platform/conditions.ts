/**
 * Which conditions of the platform hold, from what main sees of its parts each second. Pure: the same samples in the
 * same order give the same verdicts. Each condition begins and ends at different marks, so that it doesn't flutter.
 */

import type { RecountProgress } from '#books/recount/state.ts';
import type { CanaryVerdict } from '#ingest/transports/broker-canary.ts';
import { asTold, phrase, type Told, told } from '#model/alarms/phrases.ts';
import type { PlatformCondition } from '#model/alarms/platform.ts';
import type { FollowerName } from '#model/entry.ts';
import type { TypeConflict } from '#process/rejected-readings.ts';
import type { SeenDamages } from '#process/seen-damage.ts';
import type { StoreTrouble } from '#readings/store.ts';
import type { Seen } from './watch.ts';

export interface PlatformSample {
  /** Wall clock. */
  nowMs: number;
  monotonicMs: number;
  /** `receivedMs` that the journal would give an entry now. */
  receivedNowMs: number;
  journal: {
    /** Share of WK_JOURNAL_MAX_BYTES that entries take which followers have not passed. */
    usedShare: number;
    /** Commits since the process began: those that went, those that the disk refused, and what the last of them said. */
    commits: number;
    failedCommits: number;
    failure: string | null;
  };
  /** Items that ever were pushed out of quarantine. */
  quarantineDropped: number;
  /** How old the oldest entry is that a follower has not passed, 0 = none; null while nobody knows. */
  lagSeconds: Record<FollowerName, number | null>;
  /** Parked entries; null while nobody knows. */
  parked: number | null;
  /** Books of an older program that are being counted anew; null = there are none. */
  recount: RecountProgress | null;
  /** What the reading store, or the broker, says is wrong; null = nothing, undefined = it has said nothing yet. */
  store: StoreTrouble | null | undefined;
  broker: StoreTrouble | null | undefined;
  /** What the canary has shown of an outside broker; likewise. */
  canary: CanaryVerdict | null | undefined;
  /** Gateways whose id has a dot, where the broker makes two levels of it. */
  dotted: readonly string[];
  /** The newest value that clashes with what somebody else has written into the store. */
  typeConflict: TypeConflict | null;
  /** The damaged rows that were met. */
  damage: SeenDamages;
  /** Whether the routes name anybody who can be told. */
  isAnybodyTold: boolean;
  /** Holes in gateways' numbering that stand too long (src/platform/sequence-holes.ts); null = none, undefined = nobody knows yet. */
  holes: Seen | null | undefined;
  /** Who reached which limit on access within the last hour, in words; null = nobody. */
  crowded: Told | null;
}

/** What is remembered from one sample to the next. */
interface Memory {
  /** Monotonic; of the first sample. */
  beganMs: number;
  commits: number;
  failedCommits: number;
  quarantineDropped: number;
  /** Monotonic; when quarantine last dropped something, at first when we began to look. */
  quietSinceMs: number;
  /** Earlier uses of the journal, the older one first: what the rate is told from. */
  uses: readonly { atMs: number; share: number }[];
}

export interface PlatformVerdict {
  /** Each condition that something can be said about: as it is seen, or null when it is not there. */
  readonly conditions: ReadonlyMap<PlatformCondition, Seen | null>;
  readonly memory: Memory;
}

const FILLING_FROM = 0.7;
const FILLING_UNTIL = 0.6;
const BEHIND_FROM_S = 300;
const BEHIND_UNTIL_S = 60;
const CLOCK_FROM_MS = 60_000;
const CLOCK_UNTIL_MS = 30_000;
/** Quarantine that pushed something out counts as full until it has not for so long. */
const QUARANTINE_QUIET_MS = 3_600_000;
/** And so does a clash with what somebody else writes into the store: until an hour without one. */
const CONFLICT_QUIET_MS = 3_600_000;
/** Who repairs it restarts the service; a row that nobody asks for any more is forgotten, and is found by npm run verify. */
const DAMAGE_QUIET_MS = 24 * 3_600_000;
/** As long as `access.crowded` stands (src/platform/crowding.ts). */
const CROWDED_QUIET_MS = 3_600_000;
/** The journal's rate is told over five to ten minutes, at first over one at least. */
const USE_MS = 300_000;
const USE_MIN_MS = 60_000;

const STORE: readonly PlatformCondition[] = [
  'store.unreachable',
  'store.unauthorized',
  'store.bucket-missing',
  'store.read-only',
  'store.overloaded',
  'store.retention',
  'store.unfit',
  'store.foreign',
  'store.organization',
  'store.token-inactive',
  'store.write-only',
  'store.unwritable',
];
const DAMAGES = ['books.damaged', 'readings.damaged'] as const;
const BROKER: readonly PlatformCondition[] = [
  'broker.unreachable',
  'broker.unauthorized',
  'broker.subscription-refused',
];

/** What is seen (with when it began, if that was before the sample), null for nothing, undefined when nobody knows. */
type Finding = string | (Told & Partial<Seen>) | null | undefined;

/** @param before the verdict on the sample before; null for the first. */
export function judgePlatform(sample: PlatformSample, before: PlatformVerdict | null): PlatformVerdict {
  const memory = remember(sample, before?.memory ?? null);
  const stands = (condition: PlatformCondition) => (before?.conditions.get(condition) ?? null) !== null;
  const conditions = new Map<PlatformCondition, Seen | null>();
  const found = (condition: PlatformCondition, finding: Finding) => {
    const known = before?.conditions.get(condition);
    if (finding === undefined) {
      if (known !== undefined) conditions.set(condition, known);
    } else if (finding === null) conditions.set(condition, null);
    else {
      const { sinceMs = sample.nowMs, ...seen } = asTold(finding) as Told & Partial<Seen>;
      conditions.set(condition, { ...seen, sinceMs: known?.sinceMs ?? sinceMs });
    }
  };
  found('journal.filling', filling(sample, memory, stands('journal.filling')));
  found('journal.unwritable', unwritable(sample, before?.memory ?? null, stands('journal.unwritable')));
  found('quarantine.full', quarantineFull(sample, before?.memory ?? null, memory));
  found('sequence.holes', sample.holes);
  found('readings.type-conflict', fieldsConflict(sample, memory));
  for (const condition of DAMAGES) found(condition, damaged(condition, sample, memory));
  found('clock.behind', clockBehind(sample, stands('clock.behind')));
  found('follower.behind', followerBehind(sample, memory, stands('follower.behind')));
  found('follower.parked', parked(sample));
  found('books.recounting', recounting(sample));
  found('routes.nobody', sample.isAnybodyTold ? null : told(phrase('routes.nobody')));
  found('access.crowded', crowded(sample, memory));
  for (const condition of STORE) found(condition, ofPart(condition, sample.store));
  for (const condition of BROKER) found(condition, ofPart(condition, sample.broker));
  found('broker.untried', sample.canary && (sample.canary.levels === 'untried' ? wordsIn(sample.canary) : null));
  found('broker.levels-split', sample.canary && levelsSplit(sample.canary, sample.dotted));
  return { conditions, memory };
}

/** Where no gateway has a dot, nothing is lost. */
function levelsSplit(canary: CanaryVerdict, dotted: readonly string[]): Finding {
  const [id] = dotted;
  if (canary.levels === 'untried') return undefined;
  if (canary.levels === 'kept' || id === undefined) return null;
  const unheard = dotted.length === 1 ? phrase('canary.one', { id }) : phrase('canary.many', { n: dotted.length, id });
  return told(...(canary.said ?? [canary.detail]), unheard);
}

function wordsIn({ detail, said }: Told): Told {
  return { detail, ...(said && { said }) };
}

function ofPart(condition: PlatformCondition, trouble: StoreTrouble | null | undefined): Finding {
  if (trouble === undefined) return undefined;
  return trouble?.condition === condition ? wordsIn(trouble) : null;
}

function remember(sample: PlatformSample, before: Memory | null): Memory {
  const { journal, quarantineDropped, monotonicMs } = sample;
  const use = { atMs: monotonicMs, share: journal.usedShare };
  const uses = before?.uses ?? [];
  const newest = uses.at(-1);
  const isDue = newest === undefined || monotonicMs - newest.atMs >= USE_MS;
  const hasDropped = before !== null && quarantineDropped > before.quarantineDropped;
  return {
    beganMs: before?.beganMs ?? monotonicMs,
    commits: journal.commits,
    failedCommits: journal.failedCommits,
    quarantineDropped,
    quietSinceMs: before === null || hasDropped ? monotonicMs : before.quietSinceMs,
    uses: isDue ? [...uses.slice(-1), use] : uses,
  };
}

function filling({ journal: { usedShare }, monotonicMs }: PlatformSample, { uses }: Memory, stands: boolean): Finding {
  if (usedShare < (stands ? FILLING_UNTIL : FILLING_FROM)) return null;
  const share = phrase('journal.share', { percent: Math.floor(usedShare * 100) });
  const [oldest] = uses;
  const tookMs = oldest ? monotonicMs - oldest.atMs : 0;
  const grown = oldest ? usedShare - oldest.share : 0;
  if (tookMs < USE_MIN_MS || grown <= 0 || usedShare >= 1) return told(share);
  return told(phrase('journal.full-in', { share: [share], inMs: ((1 - usedShare) / grown) * tookMs }));
}

/** Until a commit has gone since: one that failed and one that went in the same second may have come in either order. */
function unwritable({ journal }: PlatformSample, before: Memory | null, stands: boolean): Finding {
  const { commits, failedCommits, failure } = journal;
  if (failedCommits > (before?.failedCommits ?? 0))
    return failure ?? told(phrase('journal.refused', { n: failedCommits }));
  if (stands && commits === before?.commits) return undefined;
  return commits > 0 ? null : undefined;
}

function quarantineFull(
  { quarantineDropped, monotonicMs }: PlatformSample,
  before: Memory | null,
  { quietSinceMs }: Memory,
): Finding {
  const dropped = before === null ? 0 : quarantineDropped - before.quarantineDropped;
  if (dropped > 0) return told(phrase('quarantine.dropped', { n: dropped }));
  if (monotonicMs - quietSinceMs >= QUARANTINE_QUIET_MS) return null;
  // As it was; at first nobody knows, since an earlier process may have seen it full.
  return undefined;
}

function fieldsConflict({ typeConflict, monotonicMs }: PlatformSample, { beganMs }: Memory): Finding {
  // At first nobody knows, since an earlier process may have met one.
  if (monotonicMs - (typeConflict?.atMs ?? beganMs) >= CONFLICT_QUIET_MS) return null;
  return typeConflict?.detail;
}

function damaged(condition: keyof SeenDamages, { damage, monotonicMs }: PlatformSample, { beganMs }: Memory): Finding {
  const met = damage[condition];
  // At first nobody knows: what an earlier process met may have been rebuilt.
  if (monotonicMs - (met?.atMs ?? beganMs) >= (met ? DAMAGE_QUIET_MS : CONFLICT_QUIET_MS)) return null;
  if (!met) return undefined;
  return met.rows > 1 ? told(phrase('damage.more', { first: met.detail, n: met.rows - 1 })) : met.detail;
}

function clockBehind({ nowMs, receivedNowMs }: PlatformSample, stands: boolean): Finding {
  const behindMs = receivedNowMs - nowMs;
  if (behindMs <= (stands ? CLOCK_UNTIL_MS : CLOCK_FROM_MS)) return null;
  return told(phrase('clock.behind', { now: instant(nowMs), received: instant(receivedNowMs) }));
}

function followerBehind(sample: PlatformSample, { beganMs }: Memory, stands: boolean): Finding {
  const { lagSeconds, nowMs, monotonicMs } = sample;
  const lags = Object.entries(lagSeconds).filter((lag): lag is [string, number] => lag[1] !== null);
  const behind = lags.filter(([, seconds]) => seconds > (stands ? BEHIND_UNTIL_S : BEHIND_FROM_S));
  if (behind.length === 0) return lags.length === Object.keys(lagSeconds).length ? null : undefined;
  // What waited while no process ran is old, and soon passed: that is no slowness.
  if (!stands && monotonicMs - beganMs < BEHIND_FROM_S * 1000) return undefined;
  const most = Math.max(...behind.map(([, seconds]) => seconds));
  const each = behind.map(([name, seconds]) => phrase('follower.by', { name, lagMs: seconds * 1000 }));
  return { ...told(phrase('list', { each })), sinceMs: nowMs - most * 1000 };
}

function parked({ parked: count }: PlatformSample): Finding {
  if (count === null) return undefined;
  return count === 0 ? null : told(phrase('follower.parked', { n: count }));
}

/** An earlier process may have seen it within the hour for which it stands. */
function crowded({ crowded: reached, monotonicMs }: PlatformSample, { beganMs }: Memory): Finding {
  return reached ?? (monotonicMs - beganMs < CROWDED_QUIET_MS ? undefined : null);
}

function recounting({ recount }: PlatformSample): Finding {
  if (recount === null) return null;
  const { fromRules: from, toRules: to, total, done, frozen, leftOut, notes } = recount;
  // Installations without books have nothing to count.
  if (total === 0 && notes.length === 0) return undefined;
  const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
  const parts = [phrase('recount.share', { from, to, done, total, percent })];
  if (frozen > 0) parts.push(phrase('recount.frozen', { n: frozen }));
  if (leftOut > 0) parts.push(phrase('recount.left-out', { n: leftOut }));
  const [last] = parts.splice(-1);
  // Notes are sentences of their own; what stands here is closed by whoever shows it.
  const noted = notes.reduce(
    (first, note) => phrase('noted', { first: [first], note: note.replace(/\.$/, '') }),
    last!,
  );
  return told(...parts, noted);
}

function instant(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
