/** What meters measure. Volumes are told from neighbouring reads, whenever those were, so these readings never go. */
const METERED: ReadonlySet<string> = new Set(['register', 'flow']);

/** Readings of other parameters are kept from this time on; `retentionMs` null (WK_RAW_RETENTION unset) = for ever. */
export function keptFromMs(retentionMs: number | null, nowMs: number): number {
  return retentionMs === null ? Number.NEGATIVE_INFINITY : nowMs - retentionMs;
}

export function isMetered(parameter: string): boolean {
  return METERED.has(parameter);
}
