/** A row of a seed file, on its way to the register. */
import type { Noun } from '#model/noun.ts';

/** One register entry with where it is written, for blame. */
export interface SeedEntry {
  noun: Noun;
  id: string;
  body: unknown;
  file: string;
  line: number | null;
}
