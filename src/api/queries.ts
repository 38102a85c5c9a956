/**
 * What the API may ask of the derived stores: each owner says what may be asked of it. Implemented in the query worker
 * (`src/process/query-worker.ts`) from one function per method; asked through a typed client, so that a query never blocks
 * ingest (invariant 7).
 */
import type { AlertQueries } from '#alerts/records/queries.ts';
import type { TrendItems } from '#api/books/trend-items.ts';
import type { BookQueries } from '#books/questions/queries.ts';
import type { ParkedEntry } from '#journal/parked.ts';
import type { ReadingQueries } from '#readings/queries.ts';

export interface Queries extends ReadingQueries, BookQueries, AlertQueries {
  /** The newest entry and the books' cursor as the connections see them that all these questions are answered from. */
  reached(): Promise<{ journalSeq: number; booksSeq: number }>;
  parked(): Promise<ParkedEntry[]>;
  /** `items` of `GET /trends`, as JSON: what has thousands of them is written where it is computed. */
  trendItems(query: TrendItems): Promise<string>;
}
