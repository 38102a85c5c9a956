/** Another revision of this repository, built in a folder of its own so that its own `npm run bench` can be run there. */
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Finished } from './child.ts';

export interface Revision {
  directory: string;
  commit: string;
  /** Its first line. */
  subject: string;
}

/** How commands are run: `runToEnd` with what all of them share. */
export type Run = (command: Command) => Promise<Finished>;

/** Says in one line what was wrong with the call. */
export class UnknownRevision extends Error {}

/**
 * Unpacked from an archive: unlike a work tree it leaves no trace in the repository, however this ends. Its packages are
 * ours when its lock file is, else `npm ci` installs what it locked.
 * @throws UnknownRevision
 */
export async function buildRevision(root: string, revision: string, directory: string, run: Run): Promise<Revision> {
  const git = async (...args: string[]) => {
    const { code, stdout } = await run({ program: 'git', args, cwd: root });
    return code === 0 ? stdout.trim() : null;
  };
  // An option in its place would be obeyed.
  const commit = await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`);
  if (!commit) throw new UnknownRevision(`No such revision: ${revision}.`);
  const subject = (await git('log', '-1', '--format=%s', commit)) ?? '';
  mkdirSync(directory);
  const archive = `${directory}.tar`;
  const must = async (program: string, args: readonly string[], cwd: string) => {
    const { code, stdout } = await run({ program, args, cwd });
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stdout.slice(-4000)}`);
  };
  await must('git', ['archive', '--format=tar', `--output=${archive}`, commit], root);
  await must('tar', ['-xf', archive, '-C', directory], root);
  if (isSameLock(root, directory)) {
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
    await must('npm', ['run', '--silent', '--if-present', 'build'], directory);
  } else {
    await must('npm', ['ci', '--no-audit', '--no-fund'], directory);
  }
  return { directory, commit, subject };
}

function isSameLock(root: string, directory: string): boolean {
  const [ours, theirs] = [root, directory].map((one) => join(one, 'package-lock.json'));
  if (!existsSync(join(root, 'node_modules')) || !existsSync(ours!) || !existsSync(theirs!)) return false;
  return readFileSync(ours!).equals(readFileSync(theirs!));
}
