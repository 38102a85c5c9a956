/**
 * derived.db: everything that followers derive from the journal. Written by the followers' worker alone, read by
 * the query worker. Each part owns its tables' DDL in its own file; here they get their numbers. Append only: a
 * released migration is never edited.
 */

import { crossingsDdl } from '#alerts/records/crossings.ts';
import { periodVerdictsDdl } from '#alerts/records/period-verdicts.ts';
import {
  alarmFiguresDdl,
  alarmHistoryDdl,
  alarmWorstDdl,
  alertPartsDdl,
  alertsDdl,
  noticesDdl,
} from '#alerts/records/tables.ts';
import { constantWorkDdl, tellingDdl } from '#alerts/records/telling-tables.ts';
import { changedBooksDdl } from '#books/changed.ts';
import { recountDdl } from '#books/recount/tables.ts';
import { booksDdl } from '#books/tables.ts';
import { volumeDdl, volumeKnotsDdl, volumeTotalsDdl } from '#books/water/tables.ts';
import { cursorDdl } from '#journal/cursor.ts';
import { amendedAheadDdl, amendedDdl } from '#readings/amended.ts';
import { checksumsDdl } from '#readings/checksums.ts';
import { fitDdl, storeLossDdl } from '#readings/fit-tables.ts';
import { frozenHoursDdl } from '#readings/frozen-hours.ts';
import { rejudgedDdl } from '#readings/rejudged.ts';
import { rejectedDdl } from '#readings/settling/rejected.ts';
import { countedDdl, settleDdl } from '#readings/settling/tables.ts';
import { type Database, openDatabase } from '#src/sqlite.ts';

export const derivedMigrations: readonly string[] = [
  cursorDdl,
  settleDdl,
  booksDdl,
  volumeDdl,
  `${alertsDdl}${rejudgedDdl}`,
  rejectedDdl,
  frozenHoursDdl,
  volumeTotalsDdl,
  noticesDdl,
  alertPartsDdl,
  alarmHistoryDdl,
  `${changedBooksDdl}${periodVerdictsDdl}`,
  tellingDdl,
  alarmFiguresDdl,
  volumeKnotsDdl,
  recountDdl,
  amendedDdl,
  alarmWorstDdl,
  countedDdl,
  crossingsDdl,
  constantWorkDdl,
  fitDdl,
  amendedAheadDdl,
  checksumsDdl,
  storeLossDdl,
];

export function openDerived(path: string): Database {
  return openDatabase(path, derivedMigrations);
}
