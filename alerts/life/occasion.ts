/** What makes something happen to alarms: an entry of the journal, or the time that has passed by one. */
import { type Entry, isImport } from '#model/entry.ts';

/** What is being worked on: an entry, or a reading judged anew. `origin` names it the same way at every replay. */
export interface Occasion {
  origin: string;
  seq: number;
  receivedMs: number;
  /** What is found is recorded and told to nobody: history that was imported, or that other rules count otherwise. */
  isRecordOnly?: boolean;
}

export function occasionOf(entry: Entry): Occasion {
  const { seq, receivedMs } = entry;
  return { origin: String(seq), seq, receivedMs, isRecordOnly: entry.kind === 'message' && isImport(entry.source) };
}
