/** Platform alarms of what is gone, or damaged: found at the start (src/installation/fit-files.ts), or by whoever read it. */
import type { Logger } from 'pino';
import { PLATFORM_CONDITIONS } from '#model/alarms/platform.ts';
import { SYSTEM_ACTOR } from '#model/entry.ts';
import type { DamagedBatch } from './batch-reader.ts';
import type { Loss } from './losses.ts';
import type { JournalWriter } from './writer.ts';

export interface LossTelling {
  /** Tells what isn't told yet: each begun, and over at once; told again after a crash in between. */
  tell(): Promise<void>;
  /** A reader of the journal has met this batch; each is told once, whoever meets it and however often. */
  damaged(damage: DamagedBatch): void;
  /** What the followers have found to be gone. False: the journal couldn't note it, it is to be told again. */
  lost(loss: Loss): boolean;
}

export function createLossTelling(journal: JournalWriter, log: Logger): LossTelling {
  let telling = Promise.resolve();

  async function tellNow(): Promise<void> {
    for (const loss of journal.untoldLosses()) {
      const { condition, detail, atMs, firstSeq, lastSeq } = loss;
      log.error({ event: 'files.lost', condition, firstSeq, lastSeq, detail }, PLATFORM_CONDITIONS[condition].meaning);
      const change = { verb: 'platform', condition, sinceMs: atMs } as const;
      await journal.appendCommand(SYSTEM_ACTOR, { ...change, state: 'begun', detail });
      await journal.appendCommand(SYSTEM_ACTOR, { ...change, state: 'ended', detail: 'it was over at once' });
      journal.lossTold(loss);
    }
  }

  function tell(): Promise<void> {
    const told = telling.then(tellNow);
    // Whoever is next doesn't fail for those before.
    telling = told.catch(() => undefined);
    return told;
  }

  const failed = ({ condition, firstSeq, lastSeq, detail }: Loss, error: unknown) =>
    log.error({ event: 'files.lost', err: error, condition, firstSeq, lastSeq, detail }, 'a loss can not be told');

  function lost(loss: Loss): boolean {
    try {
      journal.noteLoss(loss);
    } catch (error) {
      failed(loss, error);
      return false;
    }
    tell().catch((error) => failed(loss, error));
    return true;
  }

  return {
    tell,
    lost,
    damaged({ firstSeq, lastSeq, detail }) {
      lost({ condition: 'journal.damaged', firstSeq, lastSeq, toMs: 0, detail });
    },
  };
}
