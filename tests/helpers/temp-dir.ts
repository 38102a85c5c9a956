/** Directories of a test's own, removed when it is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** For hooks and whole files: the caller removes it. */
export function makeTempDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'wellkeeper-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Removed when the running test ends, after whatever the test registers later to be closed. */
export function tempDir(): string {
  const { path, remove } = makeTempDir();
  onTestFinished(remove);
  return path;
}
