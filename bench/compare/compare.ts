/**
 * `npm run bench -- compare REVISION [NAME…] [--rounds N]`: the benchmarks of this work tree and of another revision in
 * turn (this, other, this, other …), each by its own `npm run bench`, and a line of JSON for each figure of both with
 * their ratio. Everything that either leaves behind goes with the temporary folder, also after Ctrl-C.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runToEnd } from './child.ts';
import { figuresIn, type Printed, ratios } from './ratios.ts';
import { buildRevision, type Run, UnknownRevision } from './revision.ts';

const USAGE = 'npm run bench -- compare REVISION [NAME…] [--rounds N], N at least 3';
const LEAST_ROUNDS = 3;
/** As a shell would say it of a program that ended by SIGINT. */
const INTERRUPTED = 130;

/** @returns the code to end with: 0, 1 when something could not be run, 130 when it was interrupted */
export async function compare(args: readonly string[], known: readonly string[]): Promise<number> {
  const call = readCall(args, known);
  if (typeof call === 'string') {
    console.error(call);
    return 1;
  }
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  const directory = mkdtempSync(join(tmpdir(), 'wk-compare-'));
  try {
    return await inTurn(call, directory, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return INTERRUPTED;
    if (!(error instanceof UnknownRevision)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Call {
  revision: string;
  names: readonly string[];
  rounds: number;
}

/** What it asks for, or what is wrong with it. */
function readCall(args: readonly string[], known: readonly string[]): Call | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { rounds: { type: 'string', default: String(LEAST_ROUNDS) } },
      allowPositionals: true,
    });
    const [revision, ...names] = positionals;
    const rounds = Number(values.rounds);
    if (revision === undefined || !Number.isInteger(rounds) || rounds < LEAST_ROUNDS) return USAGE;
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) return `No such benchmark: ${unknown.join(', ')}. There are ${known.join(', ')}.`;
    return { revision, names: names.length > 0 ? names : known, rounds };
  } catch (error) {
    return `${(error as Error).message}\n${USAGE}`;
  }
}

async function inTurn({ revision, names, rounds }: Call, directory: string, signal: AbortSignal): Promise<number> {
  const root = process.cwd();
  // Whatever is interrupted leaves its own directories: they lie in ours.
  const temporary = join(directory, 'temporary');
  mkdirSync(temporary);
  const run: Run = (command) => runToEnd({ ...command, env: { TMPDIR: temporary } }, signal);
  const theirs = await buildRevision(root, revision, join(directory, 'other'), run);
  console.error(`this work tree against ${theirs.commit.slice(0, 12)} (${theirs.subject}), ${rounds} rounds`);
  let isComplete = true;
  const benchIn = async (cwd: string, name: string): Promise<Printed[]> => {
    const args = ['run', '--silent', 'bench', '--', name];
    const { code, stdout } = await run({ program: 'npm', args, cwd });
    if (code !== 0) {
      isComplete = false;
      console.error(`${name} ended with ${code} in ${cwd === root ? 'this work tree' : revision}`);
    }
    return figuresIn(stdout);
  };
  for (const name of names) {
    const played = [];
    for (let round = 1; round <= rounds; round++) {
      console.error(`${name}, round ${round} of ${rounds}`);
      played.push({ ours: await benchIn(root, name), theirs: await benchIn(theirs.directory, name) });
    }
    for (const ratio of ratios(played)) console.log(JSON.stringify(ratio));
  }
  return isComplete ? 0 : 1;
}
