/**
 * How every command begins and ends: 0 when done, 78 for bad settings (as the service does), 2 for a wrong call, 1 for
 * anything else, with one line that says why. The stack is only shown for faults of ours.
 */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { ConfigError } from '#setting/config.ts';

/** The command was called wrongly; the message is what the caller reads. */
export class UsageError extends Error {}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_CONFIG = 78;

/** @throws UsageError with `usage` when the call isn't `least` to `most` words and these options. */
export function readCall<T extends ParseArgsOptionsConfig>(
  usage: string,
  [least, most]: readonly [number, number],
  options: T,
) {
  try {
    const call = parseArgs({ options, allowPositionals: true });
    if (call.positionals.length >= least && call.positionals.length <= most) return call;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`);
  }
  throw new UsageError(usage);
}

export async function runCommand(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, message, stack } = error as Error & { code?: string };
    process.stderr.write(`${code === undefined && !(error instanceof UsageError) ? stack : message}\n`);
    process.exitCode =
      error instanceof UsageError ? EXIT_USAGE : error instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILED;
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
