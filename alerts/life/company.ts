/**
 * What an alarm is among others: the how-manieth of its key within an hour, whether its key chatters (ISA-18.2), and which
 * alarm of its station came first. All of it follows from the event times of the alarms that are neither withdrawn nor
 * late, so that in the end it is the same whatever came first: what better knowledge changes for others is revised when
 * an occasion ends.
 */

import type { AlertStore, Beginning } from '#alerts/records/store.ts';
import { type Alarm, GATEWAYS_STATION } from '#model/alarms/alarm.ts';
import { happened, type Step } from './lifecycle.ts';

const RECURS_MS = 3_600_000;
const CHATTERING = 3;
/** What is over for longer than this has nothing to do with what begins now. */
const STOOD_MS = 600_000;
/** Later than any time. */
const NEVER = 8.64e15;

/** `[from, to]` in `raisedAtMs`. */
type Span = readonly [number, number];

export interface Company {
  /** The alarm with its place among those that are kept. */
  placed(alarm: Alarm): Alarm;
  /** An alarm was put; `before` undefined: it is new. */
  put(before: Alarm | undefined, after: Alarm): void;
  /** For the alarms whose place others have changed since it was last asked: what they are now, by time. */
  revised(): Step[];
}

export function createCompany(store: Pick<AlertStore, 'countBefore' | 'raisedOf' | 'raisedAt' | 'firstAt'>): Company {
  let keys = new Map<string, Span[]>();
  let stations = new Map<string, Span[]>();

  function placed(alarm: Alarm): Alarm {
    if (!counts(alarm)) return alarm;
    const { id, station, raisedAtMs, folded } = alarm;
    // What it counts itself comes after it.
    const counted = folded ? Math.max(0, folded.crossings - 1) : 0;
    const occurrences = store.countBefore(alarm, raisedAtMs - RECURS_MS) + 1 + counted;
    // Gateways aren't one place.
    const other = station === GATEWAYS_STATION ? undefined : store.firstAt(station, raisedAtMs, raisedAtMs - STOOD_MS);
    const firstOut = other && other.id !== id && isEarlier(other, alarm) ? other.id : null;
    return { ...alarm, occurrences, chattering: folded !== undefined || occurrences >= CHATTERING, firstOut };
  }

  return {
    placed,
    put(before, after) {
      const was = before && counts(before) ? before : null;
      const now = counts(after) ? after : null;
      if (was?.raisedAtMs !== now?.raisedAtMs) {
        const times = [was, now].flatMap((one) => (one ? [one.raisedAtMs] : []));
        keys.getOrInsertComputed(after.key, () => []).push([Math.min(...times), Math.max(...times) + RECURS_MS]);
      }
      for (const span of disturbed(was, now)) stations.getOrInsertComputed(after.station, () => []).push(span);
    },
    revised() {
      if (keys.size === 0 && stations.size === 0) return [];
      const concerned = new Map<string, Alarm>();
      const note = (alarm: Alarm) => concerned.set(alarm.id, alarm);
      for (const [key, spans] of keys) {
        for (const [from, to] of joined(spans)) store.raisedOf(key, from - 1, to).forEach(note);
      }
      for (const [station, spans] of stations) {
        for (const [from, to] of joined(spans)) store.raisedAt(station, from, to + 1).forEach(note);
      }
      keys = new Map();
      stations = new Map();
      const inOrder = [...concerned.values()].sort((a, b) => a.raisedAtMs - b.raisedAtMs || (a.id < b.id ? -1 : 1));
      return inOrder.flatMap((alarm) => {
        const next = placed(alarm);
        return isSamePlace(alarm, next) ? [] : [{ alarm: next, happenings: chatters(alarm.chattering, next) }];
      });
    },
  };
}

/** The same time without overlaps, so that nothing is read twice. */
function joined(spans: readonly Span[]): Span[] {
  const apart: Span[] = [];
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = apart.at(-1);
    if (last && from <= last[1]) apart[apart.length - 1] = [last[0], Math.max(last[1], to)];
    else apart.push([from, to]);
  }
  return apart;
}

/** The transition of an alarm that begins, or on better knowledge ceases, to be one of too many. */
export function chatters(was: boolean | undefined, { chattering, occurrences, state }: Alarm): Step['happenings'] {
  // An alarm of an earlier version doesn't say.
  if ((was ?? false) === chattering) return [];
  const cause = chattering
    ? `alarm ${occurrences} of its key within 60 min`
    : `on better knowledge alarm ${occurrences} of its key within 60 min`;
  return [happened('chattering', state, state, cause)];
}

function counts({ state, late }: Alarm): boolean {
  return state !== 'withdrawn' && !late;
}

/** Whose breach began first; of two at once the key decides, which no order of arrival changes. */
function isEarlier(a: Beginning, b: Beginning): boolean {
  const apartMs = a.breachStartMs - b.breachStartMs || a.raisedAtMs - b.raisedAtMs;
  return apartMs === 0 ? a.key < b.key : apartMs < 0;
}

function isSamePlace(a: Alarm, b: Alarm): boolean {
  return a.occurrences === b.occurrences && a.chattering === b.chattering && a.firstOut === b.firstOut;
}

/** When alarms of the station would be raised that this change may give another first one. */
function disturbed(was: Alarm | null, now: Alarm | null): Span[] {
  const stood = ({ raisedAtMs, clearedAtMs }: Alarm): Span => [
    raisedAtMs,
    clearedAtMs === null ? NEVER : clearedAtMs + STOOD_MS,
  ];
  if (was === null || now === null) return [was, now].flatMap((one) => (one ? [stood(one)] : []));
  const [[wasFrom, wasTo], [nowFrom, nowTo]] = [stood(was), stood(now)];
  if (was.breachStartMs !== now.breachStartMs) return [[Math.min(wasFrom, nowFrom), Math.max(wasTo, nowTo)]];
  const moved = ([a, b]: Span): Span[] => (a === b ? [] : [[Math.min(a, b), Math.max(a, b)]]);
  return [...moved([wasFrom, nowFrom]), ...moved([wasTo, nowTo])];
}
