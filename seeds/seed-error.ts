/** A seed or reference file that is wrong: the file, the line, the item and the reason, in that order. */
export class SeedError extends Error {
  readonly code = 'seed.invalid';
  readonly retryable = false;
  readonly file: string;
  /** 1-based; null when the file as a whole is meant. */
  readonly line: number | null;
  readonly item: string | null;
  constructor(file: string, line: number | null, item: string | null, reason: string) {
    const place = line === null ? file : `${file}:${line}`;
    super(item === null ? `${place}: ${reason}` : `${place}: ${item}: ${reason}`);
    this.name = 'SeedError';
    this.file = file;
    this.line = line;
    this.item = item;
  }
}
