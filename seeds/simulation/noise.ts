/**
 * Deterministic noise: a pure function of a key and a time, so that history, live readings and a backfill of the same
 * moment agree, and a demonstration can be told again.
 */

/** FNV-1a over UTF-16 code units, finished by the avalanche of MurmurHash3: uniform in [0, 1). */
export function uniform(key: string, step: number): number {
  let hash = 0x811c9dc5;
  for (const text of [key, String(step)]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x7c, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x100000000;
}

/** Value noise in [-1, 1]: random at multiples of `periodMs`, smooth between them. */
export function smoothNoise(key: string, timeMs: number, periodMs: number): number {
  const step = Math.floor(timeMs / periodMs);
  const share = timeMs / periodMs - step;
  const ease = share * share * (3 - 2 * share);
  const from = uniform(key, step) * 2 - 1;
  const to = uniform(key, step + 1) * 2 - 1;
  return from + (to - from) * ease;
}
