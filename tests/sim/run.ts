/**
 * `npm run sim -- [COUNT] [--from SEED] [--seed SEED]`: plays seeds side by side, a process for each core, prints what
 * fails and how to play it alone, and ends with 1 when anything did. The last line is the same for two programs that make
 * the same of the same seeds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMonths } from './schedule.ts';
import { again, keptSeeds, SEEDS, unmet } from './seeds.ts';
import { simulate, type Verdict } from './simulate.ts';

const PROGRESS_SEEDS = 50;

interface Played extends Verdict {
  seed: number;
}

/** A child plays the seeds that it is sent, one after the other. */
async function playFor(parent: NodeJS.Process): Promise<void> {
  parent.on('message', async (seed: number) => {
    const verdict = await simulate(seed).catch((error: Error) => ({
      problems: [error.stack ?? error.message],
      counts: {},
      digest: '',
    }));
    parent.send!({ seed, ...verdict } satisfies Played);
  });
  await once(parent, 'disconnect');
}

function seedsFrom(args: readonly string[]): number[] {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { from: { type: 'string', default: '1' }, seed: { type: 'string' } },
  });
  if (values.seed !== undefined) return [Number(values.seed)];
  const count = Number(positionals[0] ?? SEEDS);
  const fresh = Array.from({ length: count }, (_, n) => n + Number(values.from));
  return [...new Set([...keptSeeds().map(({ seed }) => seed), ...fresh])];
}

async function playAll(seeds: readonly number[], onPlayed: (played: Played) => void): Promise<void> {
  const waiting = [...seeds];
  const next = (child: ChildProcess) => {
    const seed = waiting.shift();
    if (seed === undefined) child.disconnect();
    else child.send(seed);
  };
  const children = Array.from({ length: Math.min(availableParallelism(), seeds.length) }, () =>
    fork(import.meta.filename, ['--child']),
  );
  const ends = children.map(async (child) => {
    child.on('message', (played: Played) => {
      onPlayed(played);
      next(child);
    });
    next(child);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`a process that played seeds ended with ${code}`);
  });
  await Promise.all(ends);
}

async function main(args: readonly string[]): Promise<number> {
  const seeds = seedsFrom(args);
  const happened = new Map<string, number>();
  const digests = new Map<number, string>();
  let failed = 0;
  let played = 0;
  await playAll(seeds, ({ seed, problems, counts, digest }) => {
    digests.set(seed, digest);
    for (const [what, n] of Object.entries(counts)) happened.set(what, (happened.get(what) ?? 0) + n);
    if (++played % PROGRESS_SEEDS === 0) console.log(`${played} of ${seeds.length}`);
    if (problems.length === 0) return;
    failed += 1;
    console.log(`seed ${seed} fails; ${again(seed)}`);
    for (const problem of problems.slice(0, 5)) console.log(`  ${problem.slice(0, 1000)}`);
  });
  const months = seeds.filter(isMonths).length;
  console.log(`${seeds.length} seeds played, ${months} of them months long; ${failed} failed`);
  console.log(JSON.stringify(Object.fromEntries(happened)));
  const all = seeds.map((seed) => `${seed} ${digests.get(seed)}\n`).join('');
  console.log(`what came out: ${createHash('sha256').update(all).digest('hex')}`);
  const missed = unmet(happened, seeds.length);
  for (const what of missed) console.log(`too little happened: ${what}`);
  return failed + missed.length;
}

if (process.argv[2] === '--child') await playFor(process);
else process.exitCode = (await main(process.argv.slice(2))) === 0 ? 0 : 1;
