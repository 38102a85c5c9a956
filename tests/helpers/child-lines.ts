/** A child process whose standard output a test reads line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ChildLines {
  readonly process: ChildProcess;
  /** All lines so far. */
  readonly lines: readonly string[];
  readonly stderr: () => string;
  /** Resolves with the first line from now on that `is` accepts; rejects when the child ends without it. */
  line(is: (line: string) => boolean): Promise<string>;
  /** SIGKILL; resolves when the process is gone and all that it printed is read. */
  kill(): Promise<void>;
}

export function childLines(command: string, args: readonly string[]): ChildLines {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let stderr = '';
  let waiting: { is(line: string): boolean; resolve(line: string): void; reject(error: Error): void }[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    const met = waiting.filter(({ is }) => is(line));
    waiting = waiting.filter((one) => !met.includes(one));
    for (const { resolve } of met) resolve(line);
  });
  child.on('close', () => {
    for (const { reject } of waiting) reject(new Error(`the child ended: ${stderr || lines.at(-1)}`));
    waiting = [];
  });
  return {
    process: child,
    lines,
    stderr: () => stderr,
    line: (is) => new Promise((resolve, reject) => waiting.push({ is, resolve, reject })),
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
