/** Platform alarms of what the comparison of the files at start has found to be gone (src/installation/fit-files.ts). */
import type { Logger } from 'pino';
import type { JournalWriter } from '#journal/journal.ts';
import { PLATFORM_CONDITIONS } from '#model/alarms/platform.ts';

/** Each begun, and over at once; told again after a crash in between. */
export async function tellLosses(journal: JournalWriter, actor: string, log: Logger): Promise<void> {
  for (const loss of journal.untoldLosses()) {
    const { condition, detail, atMs, firstSeq, lastSeq } = loss;
    log.error({ event: 'files.lost', condition, firstSeq, lastSeq, detail }, PLATFORM_CONDITIONS[condition].meaning);
    const change = { verb: 'platform', condition, sinceMs: atMs } as const;
    await journal.appendCommand(actor, { ...change, state: 'begun', detail });
    await journal.appendCommand(actor, { ...change, state: 'ended', detail: 'it was found at the start' });
    journal.lossTold(loss);
  }
}
