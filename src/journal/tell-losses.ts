/** Platform alarms of what is gone, or damaged: found at the start (src/installation/fit-files.ts), or by whoever read it. */
import type { Logger } from 'pino';
import { PLATFORM_CONDITIONS } from '#model/alarms/platform.ts';
import { SYSTEM_ACTOR } from '#model/entry.ts';
import type { DamagedBatch } from './batch-reader.ts';
import type { JournalWriter } from './writer.ts';

export interface LossTelling {
  /** Tells what isn't told yet: each begun, and over at once; told again after a crash in between. */
  tell(): Promise<void>;
  /** A reader of the journal has met this batch; each is told once, whoever meets it and however often. */
  damaged(damage: DamagedBatch): void;
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

  return {
    tell,
    damaged({ firstSeq, lastSeq, detail }) {
      const failed = (error: unknown) =>
        log.error(
          { event: 'files.lost', err: error, firstSeq, lastSeq, detail },
          'damage in the journal can not be told',
        );
      try {
        journal.noteLoss({ condition: 'journal.damaged', firstSeq, lastSeq, toMs: 0, detail });
        tell().catch(failed);
      } catch (error) {
        failed(error);
      }
    },
  };
}
