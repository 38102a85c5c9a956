/** What meters measure. Volumes are told from neighbouring reads, whenever those were, so these readings never go. */
const METERED: ReadonlySet<string> = new Set(['register', 'flow']);

export function isMetered(parameter: string): boolean {
  return METERED.has(parameter);
}
