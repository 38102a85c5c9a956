/**
 * Counts the books of an older program anew, in the background: hour by hour in place, so that every question has an answer
 * all the while. Each step is one transaction with how far it has come, so it may be the last one before a crash. Alarms
 * are not told of what it finds in readings; closed periods are judged when all of it is done, for the record.
 */

import type { VolumeBooks } from '#books/water/volumes.ts';
import { toStoreError } from '#journal/failure.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import { isMetered } from '#model/metered.ts';
import type { Series } from '#model/reading.ts';
import { StoreError, transaction } from '#src/sqlite.ts';
import { runUpgradeSteps, type UpgradeParts } from '../upgrade-steps.ts';
import { openRecountState, type RecountPart, type RecountPlan, type RecountProgress } from './state.ts';

/** Hours of a series in one step: a week. */
const HOURS = 168;
const RETRY_MS = 10_000;

export interface Recount {
  /** Null: the books are by today's rules. `total` is 0 until it is known what there is to do. */
  progress(): RecountProgress | null;
  /** Some of it, about 20 ms. Never rejects. @returns whether there is more to do now. */
  step(): Promise<boolean>;
}

export interface RecountParts extends UpgradeParts {
  /** Computes hours of a series anew; `also` runs in the transaction that writes them. */
  recountHours: (series: number, hoursMs: readonly number[], also: () => void) => Promise<void>;
  volumes: Pick<VolumeBooks, 'recount'>;
  /** Everything is counted by today's rules. */
  onDone: () => void;
  clock: { monotonicMs(): number };
  log: Record<'info' | 'warn', (fields: object, message: string) => void>;
}

/** Not split: one closure over the state and when to rest, shared by short parts. */
export function createRecount(parts: RecountParts): Recount {
  const { derived, volumes, clock, log } = parts;
  const state = openRecountState(derived);
  let isCurrent = state.isCurrent();
  let restUntilMs = Number.NEGATIVE_INFINITY;

  async function begin(): Promise<void> {
    const fromRules = state.rules();
    const notes = await runUpgradeSteps(fromRules, parts);
    transaction(derived, () => state.begin(planOf(parts, notes)));
    const { total, frozen } = state.progress()!;
    if (total === 0) return;
    const fields = { event: 'recount.begun', fromRules, toRules: COUNTING_RULES, hours: total, frozen, notes };
    log.warn(fields, 'the rules of counting have changed: the books are counted anew');
  }

  async function hoursOf(part: RecountPart): Promise<void> {
    const series = Number(part.subject);
    const hoursMs = state.hoursFrom(series, part.nextMs, HOURS);
    const nextMs = hoursMs.length < HOURS ? null : hoursMs.at(-1)! + 1;
    await parts.recountHours(series, hoursMs, () => state.advance(part, hoursMs.length, nextMs));
  }

  /** What can't be counted (a fault of ours) stays as it was, and holds up nothing else. */
  function leaveOut(part: RecountPart, error: Error): void {
    const fields = { event: 'recount.left-out', kind: part.kind, subject: part.subject, err: error };
    log.warn(fields, 'the books of a series or meter can not be counted anew and stay as they were');
    transaction(derived, () => state.advance(part, 0, null, true));
  }

  async function work(part: RecountPart): Promise<void> {
    try {
      if (part.kind === 'series') await hoursOf(part);
      else {
        await volumes.recount(part.subject, part.nextMs, (hours, restFromMs) => {
          state.advance(part, hours, restFromMs);
        });
      }
    } catch (error) {
      const reason = toStoreError(error, derived.location() ?? 'derived.db');
      if (reason instanceof StoreError) throw reason;
      leaveOut(part, reason);
    }
  }

  async function turn(): Promise<boolean> {
    if (state.progress() === null) {
      await begin();
      return true;
    }
    const part = state.next();
    if (part) {
      await work(part);
      return true;
    }
    const { total, frozen, leftOut } = state.progress()!;
    transaction(derived, () => state.finish());
    isCurrent = true;
    if (total > 0) {
      const fields = { event: 'recount.done', rules: COUNTING_RULES, hours: total, frozen, leftOut };
      log.info(fields, 'the books are counted by the rules of this program');
    }
    parts.onDone();
    return true;
  }

  return {
    progress: () => (isCurrent ? null : (state.progress() ?? state.wanted())),
    async step() {
      if (isCurrent || clock.monotonicMs() < restUntilMs) return false;
      try {
        return await turn();
      } catch (error) {
        restUntilMs = clock.monotonicMs() + RETRY_MS;
        log.warn({ event: 'recount.waits', err: error }, 'the books can not be counted anew now; it is tried again');
        return false;
      }
    },
  };
}

/** What volumes rest on comes first, then they, then everything else. */
function planOf({ reader, control }: RecountParts, notes: string[]): RecountPlan {
  const series = reader.allSeries();
  const metered = series.filter(({ parameter }) => isMetered(parameter));
  const others = series.filter(({ parameter }) => !isMetered(parameter));
  const named = (list: Series[]) => list.map(({ id }) => ({ kind: 'series' as const, subject: String(id) }));
  const ofMeters = control.list('meter').map(({ id: subject }) => ({ kind: 'meter' as const, subject }));
  return { parts: [...named(metered), ...ofMeters, ...named(others)], notes };
}
