/** Closing a period and keeping a day's report, as whoever asks for it sees it; closings.ts does it. */
import type { ClosedPeriod, KeptReport } from '#model/accounting.ts';

export interface Closings {
  /**
   * Closes a month or a transfer year, once.
   * @throws Problem `state.conflict` when it is closed, while an hour of it is open or while books are being computed;
   *   `books.behind` while what is read from lacks something that is journaled; CalendarError `range.invalid` for what is neither.
   */
  close(period: string, by: string, reason: string | null): Promise<ClosedPeriod>;
  /** Closes anew what has changed since. @throws Problem as `close`, and `not-found`. */
  restate(period: string, by: string, reason: string): Promise<ClosedPeriod>;
  /** Keeps the report of a day, once. @throws Problem as `close`. */
  keepReport(day: string, by: string): Promise<KeptReport>;
}
