/**
 * Makes what is due: the report of each day, and the closing of each month and transfer year. What is due follows from the
 * clock and the registers alone, so a run may come at any time, twice, or after any downtime, and makes exactly what lacks.
 */
import type { Logger } from 'pino';
import type { Closings } from '#api/deps.ts';
import { DAY_MS } from '#model/calendar.ts';
import type { Config } from '#model/config.ts';
import { SYSTEM_ACTOR } from '#model/entry.ts';
import type { DuePeriod } from '#volume/due-periods.ts';
import { type DutyParts, dueReports } from './due-reports.ts';

const RETRY_MIN_MS = 60_000;
const RETRY_MAX_MS = 3_600_000;

export interface KeeperParts extends DutyParts {
  config: Config;
  closings: Pick<Closings, 'close' | 'keepReport'>;
  log: Logger;
}

export interface PeriodKeeper {
  /** Resolves when everything that is due has been made or has been put off; a run that is under way is joined. */
  run(): Promise<void>;
  /** Nothing more is begun. */
  stop(): void;
}

interface PutOff {
  nextMs: number;
  waitMs: number;
}

export function createPeriodKeeper(parts: KeeperParts): PeriodKeeper {
  const { closings, log, config } = parts;
  const putOff = new Map<string, PutOff>();
  /** Everything that ended by then is made, so that years of days aren't looked through each minute. */
  let doneMs = 0;
  let running: Promise<void> | null = null;
  let isStopped = false;

  const nowMs = () => parts.journal.receivedNowMs();
  const isOurs = ({ kind }: DuePeriod) => kind === 'day' || config.closings === 'auto';
  const make = ({ kind, name }: DuePeriod) =>
    kind === 'day' ? closings.keepReport(name, SYSTEM_ACTOR) : closings.close(name, SYSTEM_ACTOR, null);

  /** @returns whether it is on record now. */
  async function makeOne(period: DuePeriod): Promise<boolean> {
    const { name, kind } = period;
    const wait = putOff.get(name);
    if (wait && nowMs() < wait.nextMs) return false;
    try {
      await make(period);
      log.info(
        { event: 'period.kept', period: name, kind },
        kind === 'day' ? `report of ${name} kept` : `${name} closed`,
      );
    } catch (error) {
      if (isStopped) return false;
      // An engineer was quicker.
      const isMade = parts.control.get(kind === 'day' ? 'report' : 'period', name) !== undefined;
      if (!isMade) {
        // Books that lag, a store or a journal that is away: all of it passes, and nothing has been written.
        const waitMs = Math.min(RETRY_MAX_MS, wait ? wait.waitMs * 2 : RETRY_MIN_MS);
        putOff.set(name, { nextMs: nowMs() + waitMs, waitMs });
        const text = `${name} can not be put on record yet, trying again in ${waitMs / 60_000} min`;
        log.warn({ event: 'period.put-off', period: name, kind, err: error }, text);
        return false;
      }
    }
    putOff.delete(name);
    return true;
  }

  async function makeDue(): Promise<void> {
    let left: DuePeriod | null = null;
    for (const period of dueReports(parts, doneMs).filter(isOurs)) {
      if (isStopped) return;
      if (!(await makeOne(period))) left ??= period;
    }
    // What ended longer ago than this can't come due any more.
    const settledMs = nowMs() - config.allowedLatenessMs - 2 * DAY_MS;
    doneMs = Math.max(doneMs, left ? Math.min(left.toMs - 1, settledMs) : settledMs);
  }

  return {
    run() {
      running ??= makeDue().finally(() => {
        running = null;
      });
      return running;
    },
    stop() {
      isStopped = true;
    },
  };
}
