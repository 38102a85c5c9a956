/** Fields that register entries of every noun share. */
import { z } from 'zod';
import { durationMs } from './duration.ts';

export const id = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'an id is 1 to 64 of A-Z a-z 0-9 . _ -');
export const text = z.string().min(1).max(500);

export const duration = z.string().refine((given) => {
  try {
    return durationMs(given) >= 0;
  } catch {
    return false;
  }
}, 'an ISO 8601 duration such as PT5M, or 20ms');
export const instant = z.iso.datetime({ offset: true });

export const STATION_KINDS = [
  'river-section',
  'reservoir',
  'lake',
  'canal-section',
  'gate',
  'offtake',
  'outfall',
] as const;
