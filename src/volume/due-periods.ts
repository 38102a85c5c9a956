/**
 * Which days, months and transfer years are due to be reported or closed: a function of the clock and of when accounts
 * began, so that any downtime, clock change or missed hour of a scheduler comes to the same.
 */
import { bucketEdges, DAY_MS } from '#model/calendar.ts';
import { nameAt, type ReportKind } from './calendar-names.ts';

/** The report of a day is wanted when the next one's work begins. */
const DUE_HOUR = 8;
const KINDS: readonly ReportKind[] = ['day', 'month', 'transfer-year'];
/** Longer than any period of its kind, whatever the clocks do: this is asked each minute, so no further back than needed. */
const LONGER_THAN_MS = { day: 3 * DAY_MS, month: 33 * DAY_MS, 'transfer-year': 368 * DAY_MS };
const BUCKETS_MAX = 100_000;

export interface DuePeriod {
  name: string;
  kind: ReportKind;
  fromMs: number;
  toMs: number;
}

export interface Accounts {
  /** When accounts began; what had ended by then is nobody's duty. */
  sinceMs: number;
  nowMs: number;
  /** An hour may change for so long after its end. */
  allowedLatenessMs: number;
  timeZone: string;
}

/** All that has come due since accounts began, oldest first; of those that end together the shorter ones first. */
export function duePeriods(accounts: Accounts): DuePeriod[] {
  return KINDS.flatMap((kind) => dueOfKind(kind, accounts)).sort((a, b) => a.toMs - b.toMs || b.fromMs - a.fromMs);
}

/** Periods that hold `sinceMs` count whole: what they lack is unknown, and says so. */
function dueOfKind(kind: ReportKind, { sinceMs, nowMs, allowedLatenessMs, timeZone }: Accounts): DuePeriod[] {
  if (nowMs <= sinceMs) return [];
  // From so far back that the period that holds `sinceMs` is not clipped.
  const edges = bucketEdges(sinceMs - LONGER_THAN_MS[kind], nowMs, kind, timeZone, BUCKETS_MAX).slice(1, -1);
  return edges.slice(1).flatMap((toMs, index) => {
    const fromMs = edges[index]!;
    if (toMs <= sinceMs) return [];
    const isLongPast = nowMs > toMs + allowedLatenessMs + DAY_MS;
    if (!isLongPast && nowMs < dueMs(toMs, allowedLatenessMs, timeZone)) return [];
    return [{ name: nameAt(kind, fromMs, timeZone), kind, fromMs, toMs }];
  });
}

function dueMs(endMs: number, allowedLatenessMs: number, timeZone: string): number {
  const end = Temporal.Instant.fromEpochMilliseconds(endMs).toZonedDateTimeISO(timeZone);
  const morning = end.toPlainDate().toZonedDateTime({ timeZone, plainTime: { hour: DUE_HOUR } });
  return Math.max(morning.epochMilliseconds, endMs + allowedLatenessMs);
}
