/**
 * Superseded versions of readings, never pruned: what a value, a flag or a device flag was before it changed, until
 * when, and who or what changed it. Applied backwards to what is stored now they give what was known at any time.
 */
import { type Measurement, toMark } from '#model/reading.ts';
import { type Database, eachRow } from '#src/sqlite.ts';
import { toSeriesReading } from './row.ts';
import type { TracedReading } from './store.ts';

/**
 * What ended a version: another value for its time (`reading`), an engineer's correction (`command`), or the final
 * flag that differs from the one at the door (`quality`).
 */
type VersionCause = 'reading' | 'command' | 'quality';

export interface Version extends TracedReading {
  series: number;
  cause: VersionCause;
  /** The source of the newer value, the engineer, or `quality`. */
  by: string;
  /** The engineer's; of `quality` only where other rules of counting are the reason. */
  reason: string | null;
  /** `receivedMs` and seq of the entry that ended it. */
  supersededAtMs: number;
  supersededSeq: number;
}

export interface Versions {
  /** In the caller's open transaction. */
  keep(version: Version): void;
  /** Takes back the versions that this entry's own values ended, or just the one of this reading. */
  forget(supersededSeq: number, reading?: { series: number; timeMs: number }): void;
  /** Versions of one reading, oldest first. */
  of(series: number, timeMs: number): Version[];
  /**
   * For each time of [fromMs, toMs) that has changed since `asOfMs`: the version that was current then, or would have
   * been had it arrived (its own `seq` tells). With `todaysFlags` flags that only other rules of counting have changed
   * since count as having always been so.
   */
  currentAt(series: number, fromMs: number, toMs: number, asOfMs: number, todaysFlags?: boolean): Map<number, Version>;
  /** What engineers' corrections have taken out of this reading since a gateway last had its way with it. */
  replacedByCommand(series: number, timeMs: number, beforeSeq?: number): Measurement[];
}

export function openVersions(derived: Database): Versions {
  const insert = derived.prepare(
    `INSERT INTO version (series, timeMs, value, flag, deviceFlag, originSeq, cause, by, reason, supersededAtMs, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const forget = derived.prepare("DELETE FROM version WHERE seq = ? AND cause <> 'quality'");
  const forgetOne = derived.prepare(
    "DELETE FROM version WHERE seq = ? AND series = ? AND timeMs = ? AND cause <> 'quality'",
  );
  const ofReading = derived.prepare('SELECT * FROM version WHERE series = ? AND timeMs = ? ORDER BY id');
  const newestFirst = derived.prepare('SELECT * FROM version WHERE series = ? AND timeMs = ? ORDER BY id DESC');
  const newest = derived.prepare('SELECT * FROM version WHERE series = ? AND timeMs = ? ORDER BY id DESC LIMIT 1');
  const later = derived.prepare(
    `SELECT * FROM version WHERE series = ?1 AND timeMs >= ?2 AND timeMs < ?3 AND supersededAtMs > ?4
     AND NOT (?5 AND cause = 'quality' AND reason IS NOT NULL) ORDER BY timeMs, id DESC`,
  );
  const of = (series: number, timeMs: number) => ofReading.all(series, timeMs).map(toVersion);

  return {
    keep(version) {
      // A reading that was written again after a loss gets its final flag again: the version it ended then is known.
      if (version.cause === 'quality' && isRow(newest.get(version.series, version.timeMs), version)) return;
      const { series, timeMs, value, deviceFlag, seq, cause, by, reason, supersededAtMs, supersededSeq } = version;
      const mark = toMark(version);
      insert.run(series, timeMs, value, mark, deviceFlag, seq, cause, by, reason, supersededAtMs, supersededSeq);
    },
    forget(supersededSeq, reading) {
      if (reading) forgetOne.run(supersededSeq, reading.series, reading.timeMs);
      else forget.run(supersededSeq);
    },
    of,
    currentAt(series, fromMs, toMs, asOfMs, todaysFlags = false) {
      // Newest first, so what stays in the map is the oldest of the versions that ended after `asOfMs`.
      const rows = later.all(series, fromMs, toMs, asOfMs, Number(todaysFlags)).map(toVersion);
      return new Map(rows.map((version) => [version.timeMs, version]));
    },
    replacedByCommand(series, timeMs, beforeSeq = Number.MAX_SAFE_INTEGER) {
      const replaced: Measurement[] = [];
      eachRow(newestFirst, [series, timeMs], (row) => {
        if ((row.seq as number) >= beforeSeq) return true;
        if (row.cause === 'command') replaced.push(toVersion(row));
        return row.cause !== 'reading';
      });
      return replaced;
    },
  };
}

function isRow(row: Record<string, unknown> | undefined, version: Version): boolean {
  if (!row) return false;
  const known = toVersion(row);
  return (['cause', 'reason', 'value', 'flag', 'deviceFlag', 'censored', 'seq'] as const).every(
    (key) => known[key] === version[key],
  );
}

function toVersion(row: Record<string, unknown>): Version {
  return {
    ...toSeriesReading(row),
    seq: row.originSeq as number | null,
    cause: row.cause as VersionCause,
    by: row.by as string,
    reason: row.reason as string | null,
    supersededAtMs: row.supersededAtMs as number,
    supersededSeq: row.seq as number,
  };
}
