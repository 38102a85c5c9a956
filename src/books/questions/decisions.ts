/** The list of what was decided about single reads of meters, newest first. */

import { isSoundFields } from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import type { Database } from '#src/sqlite.ts';
import type { DecisionKind } from '#volume/decisions.ts';
import type { DecisionFilter, DecisionRow } from './queries.ts';

/** Before the newest: what `before` stands for on the first page. */
const PAST_ALL = { timeMs: Number.MAX_SAFE_INTEGER, meter: '', kind: '' };

export function decisions(derived: Database, filter: DecisionFilter): DecisionRow[] {
  const { meters, kind, fromMs, toMs, limit } = filter;
  const before = filter.before ?? PAST_ALL;
  const rows = derived
    .prepare(
      `SELECT meter, timeMs, kind, fromMs, before, after, litres, reason, isRuled, checksum FROM volumeDecision
       WHERE meter IN (SELECT value FROM json_each(?1)) AND timeMs >= ?2 AND timeMs < ?3 AND (?4 IS NULL OR kind = ?4)
         AND (timeMs < ?5 OR (timeMs = ?5 AND (meter, kind) > (?6, ?7)))
       ORDER BY timeMs DESC, meter, kind LIMIT ?8`,
    )
    .all(JSON.stringify(meters), fromMs, toMs, kind, before.timeMs, before.meter, before.kind, limit);
  for (const { checksum, ...row } of rows) {
    const isSound = isSoundFields(Object.values(row) as (string | number | null)[], checksum as number | null);
    if (!isSound) throw damagedRow('volumeDecision', row.meter as string, row.timeMs as number);
  }
  return rows.map((row) => ({
    meter: row.meter as string,
    timeMs: row.timeMs as number,
    kind: row.kind as DecisionKind,
    fromMs: row.fromMs as number | null,
    before: row.before as number | null,
    after: row.after as number | null,
    litres: row.litres as number | null,
    reason: row.reason as string,
    isRuled: row.isRuled === 1,
  }));
}
