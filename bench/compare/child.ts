/** A command whose whole family ends with it: benchmarks start services, brokers and databases of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

/** How long a family may take to end in order. */
const ENDING_MS = 10_000;
const POLL_MS = 50;

export interface Command {
  program: string;
  args: readonly string[];
  cwd: string;
  env?: Record<string, string>;
}

export interface Finished {
  code: number | null;
  stdout: string;
}

/**
 * Runs it to its end; what it says on stderr goes to ours.
 * @throws when `signal` aborts it, once no process of its family is left
 */
export async function runToEnd({ program, args, cwd, env }: Command, signal: AbortSignal): Promise<Finished> {
  signal.throwIfAborted();
  // A process group of its own, so that nobody of it is missed.
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let stdout = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([ended, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await endFamily(child);
  }
  signal.throwIfAborted();
  return { code: await ended, stdout };
}

/** Also of one that ended by itself: what it left behind would be in the next one's way. */
async function endFamily({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return;
  const untilMs = performance.now() + ENDING_MS;
  // One that was frozen hears nothing else.
  tell(pid, 'SIGCONT');
  tell(pid, 'SIGTERM');
  while (tell(pid, 0)) {
    if (performance.now() > untilMs) tell(pid, 'SIGKILL');
    await pause(POLL_MS);
  }
}

/** False when nobody is left to hear it. */
function tell(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
