/** Damaged rows that the threads have met, newest first: what the platform conditions `books.damaged` and `readings.damaged` tell. */
import type { Damage } from '#readings/damage.ts';

/** The newest that was met, with how many there were since the process began. `atMs`: monotonic clock. */
interface SeenDamage {
  atMs: number;
  detail: string;
  rows: number;
}

export type SeenDamages = Record<Damage['condition'], SeenDamage | null>;

export const NO_DAMAGE: SeenDamages = { 'books.damaged': null, 'readings.damaged': null };

/** @param log is told each row. */
export function withDamages(
  known: SeenDamages,
  met: readonly Damage[],
  atMs: number,
  log: { error(fields: object, message: string): void },
): SeenDamages {
  const damages = { ...known };
  for (const { condition, detail } of met) {
    log.error({ event: 'row.damaged', condition, detail }, 'a row is not what was written');
    damages[condition] = { atMs, detail, rows: (damages[condition]?.rows ?? 0) + 1 };
  }
  return damages;
}
