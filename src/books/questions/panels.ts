/**
 * Laboratory panels, newest version of each: asked from the registers' versions in journal.db. There are thousands of them
 * over the years, so no thread keeps them in memory as it does other registers.
 */
import type { Panel } from '#model/panel.ts';
import type { Database } from '#src/sqlite.ts';
import type { BookQueries } from './queries.ts';

const NEWEST = `SELECT id, max(seq) AS seq, body FROM control WHERE noun = 'panel'`;

/** @param journal a read-only connection to journal.db. */
export function createPanelQueries(journal: Database): Pick<BookQueries, 'panel' | 'panels'> {
  const one = journal.prepare(`${NEWEST} AND id = ?`);
  const some = journal.prepare(
    `SELECT id, body FROM (${NEWEST} GROUP BY id) WHERE body IS NOT NULL
       AND (?1 IS NULL OR body ->> 'station' = ?1) AND body ->> 'time' >= ?2 AND body ->> 'time' < ?3
       AND (?4 IS NULL OR (body ->> 'time', id) < (?4, ?5))
     ORDER BY body ->> 'time' DESC, id DESC LIMIT ?6`,
  );
  const read = (row: unknown) => {
    const { id, body } = row as { id: string; body: string };
    return { id, panel: JSON.parse(body) as Panel };
  };
  const text = (ms: number) => new Date(ms).toISOString();
  return {
    async panel({ id }) {
      const row = one.get(id) as { id: string | null; body: string | null } | undefined;
      return row?.body ? read(row).panel : null;
    },
    async panels({ station, fromMs, toMs, limit, before }) {
      return some.all(station, text(fromMs), text(toMs), before?.time ?? null, before?.id ?? null, limit).map(read);
    },
  };
}
