/** Has a store pack whatever it holds, at once. */
import type { SqliteReadings } from '#readings/sqlite-store.ts';
import type { PackLimits } from '#readings/store.ts';

export function packLimits(beforeMs = Number.POSITIVE_INFINITY): PackLimits {
  return { beforeMs: () => beforeMs, fewest: 1, agedMs: Number.NEGATIVE_INFINITY, isEnough: () => false };
}

/** Readings before `beforeMs`, however few; then unused space goes back to the disk. */
export function packAll(store: SqliteReadings, beforeMs = Number.POSITIVE_INFINITY): void {
  const packer = store.packer();
  while (!packer.lookUp());
  packer.pack(packer.waiting(beforeMs), packLimits(beforeMs));
  while (packer.giveBack());
}
