/**
 * Rows whose checksum doesn't fit, as this thread has met them: whoever runs the thread takes the list and has the platform told.
 * A row of the books ends the question (`books.damaged`), a reading is told as missing.
 */
import type { PlatformCondition } from '#model/alarms/platform.ts';
import { StoreError } from '#src/sqlite.ts';

export interface Damage {
  condition: Extract<PlatformCondition, 'books.damaged' | 'readings.damaged'>;
  /** Which row, in words. */
  detail: string;
}

/** More than these say nothing more. */
const KEPT = 20;

let met: Damage[] = [];

function noteDamage(damage: Damage): void {
  const isKnown = met.some(({ condition, detail }) => condition === damage.condition && detail === damage.detail);
  if (!isKnown && met.length < KEPT) met.push(damage);
}

/** What was met since it was asked last. */
export function takeDamages(): Damage[] {
  const taken = met;
  met = [];
  return taken;
}

/** @param row such as `hourStat`. @param of what it is of. @returns what ends the question. */
export function damagedRow(row: string, of: string | number, atMs: number): StoreError {
  const detail = `${row} of ${of} at ${instant(atMs)} in derived.db`;
  noteDamage({ condition: 'books.damaged', detail });
  return new StoreError('books.damaged', `${detail} is damaged: npm run rebuild computes it anew`, false);
}

export function damagedReading(series: number, timeMs: number): void {
  noteDamage({ condition: 'readings.damaged', detail: `series ${series} at ${instant(timeMs)} in readings.db` });
}

function instant(timeMs: number): string {
  const time = new Date(timeMs);
  return Number.isNaN(time.getTime()) ? `${timeMs} ms` : time.toISOString();
}

/** SQLite found its file torn, or a number is none that was ever written: no fault of the program, and none of the question. */
export function asDamage(error: Error): Error {
  const { code, errcode = 0 } = error as { code?: string; errcode?: number };
  const isTorn = code === 'store.corrupt' || [11, 26].includes(errcode & 0xff);
  if (!isTorn && code !== 'ERR_OUT_OF_RANGE') return error;
  noteDamage({ condition: 'books.damaged', detail: error.message });
  return new StoreError('books.damaged', error.message, false, { cause: error });
}
