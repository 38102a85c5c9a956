/** Vitest's global set-up: builds the dashboard when its sources are newer than what was built. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCES = join(ROOT, 'src/web');
const BUILT = join(ROOT, 'dist/web/index.html');

function newestMs(directory: string): number {
  return Math.max(
    ...readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

export default function setup(): void {
  if (existsSync(BUILT) && statSync(BUILT).mtimeMs >= newestMs(SOURCES)) return;
  execFileSync(process.execPath, [join(SOURCES, 'prepare.mjs')], { cwd: ROOT, stdio: 'inherit' });
}
