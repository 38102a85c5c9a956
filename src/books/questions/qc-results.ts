/**
 * Quality controls: asked from journal.db, which keeps them beside the commands that reported them. They are no series: of
 * one instrument there are a few a day.
 */
import type { Database } from '#src/sqlite.ts';
import type { BookQueries, KeptQcResult } from './queries.ts';

/** Newest first; of one time by parameter and kind. @param journal a read-only connection to journal.db. */
export function createQcQueries(journal: Database): Pick<BookQueries, 'qcResults'> {
  const some = journal.prepare(
    `SELECT station, parameter, timeMs, kind, value, standard, water, waterMs, deviceFlag, source, atMs FROM qcResult
     WHERE station = ?1 AND timeMs >= ?2 AND timeMs < ?3 AND (?4 IS NULL OR parameter = ?4) AND (?5 IS NULL OR kind = ?5)
       AND (?6 IS NULL OR (timeMs, parameter, kind) < (?6, ?7, ?8))
     ORDER BY timeMs DESC, parameter DESC, kind DESC LIMIT ?9`,
  );
  return {
    async qcResults({ station, parameter, kind, fromMs, toMs, limit, before }) {
      const place = [before?.timeMs ?? null, before?.parameter ?? null, before?.kind ?? null];
      const rows = some.all(station, fromMs, toMs, parameter, kind, ...place, limit);
      return rows.map((row) => ({ ...row })) as unknown as KeptQcResult[];
    },
  };
}
