/** Packages of PyPI in an environment of their own, for peers that others have written. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_MS = 180_000;

/** @returns the interpreter that has the packages, or (reason) why there is none. Kept for the next run on this machine. */
export async function pythonWith(...packages: string[]): Promise<{ python: string } | { reason: string }> {
  const directory = join(tmpdir(), `wk-python-${packages.join('-').replaceAll(/[^A-Za-z0-9.-]/g, '-')}`);
  const python = join(directory, 'bin', 'python');
  const ready = join(directory, 'ready');
  if (existsSync(ready)) return { python };
  try {
    await run('python3', ['-m', 'venv', directory], { timeout: INSTALL_MS });
    await run(python, ['-m', 'pip', 'install', '--quiet', ...packages], { timeout: INSTALL_MS });
    await run('touch', [ready]);
    return { python };
  } catch (error) {
    return { reason: `${packages.join(', ')} can't be installed from PyPI: ${(error as Error).message.slice(0, 200)}` };
  }
}
