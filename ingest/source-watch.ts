/** What the door notices about a source apart from its readings: how far its clock is off. */

/** Messages that the median is taken over. */
const OFFSETS = 31;

export class SourceWatch {
  readonly #offsetsMs = new Map<string, number[]>();

  /**
   * A message has arrived and is durable.
   * @param offsetMs its arrival less its newest sample's time.
   */
  heard(source: string, offsetMs: number): void {
    const offsets = this.#offsetsMs.getOrInsertComputed(source, () => []);
    offsets.push(offsetMs);
    if (offsets.length > OFFSETS) offsets.shift();
  }

  clockOffsetMs(source: string): number | null {
    const sorted = this.#offsetsMs.get(source)?.toSorted((a, b) => a - b) ?? [];
    return sorted[sorted.length >> 1] ?? null;
  }

  forget(source: string): void {
    this.#offsetsMs.delete(source);
  }
}
