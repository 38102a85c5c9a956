/**
 * What the journal holds. Everything that ever happens to Wellkeeper is one of these four kinds of entry;
 * everything else that it knows is derived from them.
 */

import type { Said } from '#model/alarms/phrases.ts';
import type { PlatformCondition } from '#model/alarms/platform.ts';
import type { QcKind } from './dialect.ts';
import type { Flag } from './flag.ts';
import type { Noun } from './noun.ts';
import type { Censored } from './reading.ts';

/**
 * What a value is to its series: `new` time, same value again (`duplicate`), another value for a known time
 * (`correction`), or `unsettled`: older than the door's memory, so the `readings` follower decides from the store.
 */
export type Verdict = 'new' | 'duplicate' | 'correction' | 'unsettled';

/** One value as the door journaled it. `value` is null exactly when nothing was measured (flag 9). */
export interface JournaledReading {
  series: number;
  timeMs: number;
  value: number | null;
  flag: Flag;
  deviceFlag: string | null;
  censored?: Censored | undefined;
  verdict: Verdict;
}

/** Seq rises by one; `receivedMs` = max(previous, wall clock): the only clock that followers know. */
interface Journaled {
  seq: number;
  receivedMs: number;
}

export interface MessageEntry extends Journaled {
  kind: 'message';
  /** Gateway id, or `user:NAME` for one who wrote over HTTP with a bearer token. */
  source: string;
  /** The gateway's own rising number, if it sends one. */
  gatewaySeq: number | null;
  readings: JournaledReading[];
}

/** Who journals what nobody did: changes of the platform, closings that came due. */
export const SYSTEM_ACTOR = 'system';

export type FollowerName = 'readings' | 'books' | 'alerts';

export interface CommandEntry extends Journaled {
  kind: 'command';
  /** Who did it: a token's name, `admin`, `seed`, or `link:CHANNEL` for a signed acknowledgement. */
  actor: string;
  command: Command;
}

/** Time passing while nothing arrived: appended when a timer is due. */
interface TickEntry extends Journaled {
  kind: 'tick';
}

/** The service began. `downSinceMs` = `receivedMs` of the last entry before, null on the very first start. */
interface StartEntry extends Journaled {
  kind: 'start';
  downSinceMs: number | null;
}

export type Entry = MessageEntry | CommandEntry | TickEntry | StartEntry;

const IMPORT = 'import:';

/** The source of what an import brings. Rules record what they find in it and page nobody. */
export function importSource(id: string): string {
  return `${IMPORT}${id}`;
}

export function isImport(source: string): boolean {
  return source.startsWith(IMPORT);
}

/** A change that somebody made. `put` and `delete` change a register; the others act on an alarm or on readings. */
export type Command =
  | { verb: 'put'; noun: Noun; id: string; body: unknown }
  | { verb: 'delete'; noun: Noun; id: string }
  | { verb: 'acknowledge'; alarm: string; comment?: string }
  | { verb: 'shelve'; alarm: string; untilMs: number; reason: string }
  | { verb: 'unshelve'; alarm: string }
  | { verb: 'comment'; alarm: string; comment: string }
  | { verb: 'reset'; alarm: string; comment?: string }
  | { verb: 'hand-over'; alarm: string; to: string; comment?: string }
  | { verb: 'unacknowledge'; alarm: string; comment?: string }
  | { verb: 'test-channel'; channel: string }
  | { verb: 'resend'; notice: string }
  | Correction
  | { verb: 'replay-quarantine'; quarantineId: string }
  | { verb: 'import'; id: string }
  /** Numbers of a gateway up to `through` that are missing will never come: somebody knows. */
  | { verb: 'close-sequence'; gateway: string; through: number; reason: string }
  /** The clocks of a gateway's devices over TCP are to be set, of one of them or (null) of all. */
  | { verb: 'set-clock'; gateway: string; address: string | null }
  /** What instruments made of known samples, as a gateway reported it: no readings, and kept as long as commands are. */
  | { verb: 'qc-results'; results: QcResult[] }
  | { verb: 'dismiss-quarantine'; quarantineId: string; reason?: string }
  | { verb: 'dismiss-parked'; follower: FollowerName; seq: number; reason: string }
  | PlatformChange;

/**
 * A quality control: what the instrument found (`value`, null = nothing) where `standard` was to be found; for a recovery
 * `water` is what the water held before the spike. All in the parameter's canonical unit.
 */
export interface QcResult {
  station: string;
  parameter: string;
  timeMs: number;
  kind: QcKind;
  value: number | null;
  standard: number | null;
  water: number | null;
  waterMs: number | null;
  deviceFlag: string | null;
}

/**
 * The service found (`SYSTEM_ACTOR`) that something is wrong with the platform, or that it no longer is. `sinceMs` =
 * wall clock when it began, which may be before the entry: what can't be journaled at once is journaled later.
 */
export interface PlatformChange {
  verb: 'platform';
  condition: PlatformCondition;
  state: 'begun' | 'ended';
  sinceMs: number;
  /** What was seen: `401 unauthorized from http://…`; never a secret. */
  detail: string;
  /** The same, to be said in any language; absent where the words are somebody else's, and in what an earlier version wrote. */
  said?: Said | undefined;
  /** Of a condition that each gateway has for itself. */
  about?: PlatformSubject | undefined;
}

/** A gateway, and the device letters of it that nobody has explained. */
export interface PlatformSubject {
  gateway: string;
  letters: readonly string[];
}

/** An engineer's change to the readings of one series in the event-time range [fromMs, toMs). */
export interface Correction {
  verb: 'correct';
  station: string;
  parameter: string;
  fromMs: number;
  toMs: number;
  action: 'set' | 'delete' | 'flag';
  value?: number;
  flag?: Flag;
  reason: string;
}
