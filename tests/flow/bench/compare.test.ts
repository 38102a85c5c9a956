/** `npm run bench -- compare` over a small repository whose `bench` prints what its revision says. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '#tests/helpers/eventually.ts';

const RUN = join(import.meta.dirname, '../../../bench/run.ts');
const directories: string[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** Has a first revision whose figure is 100 and a second whose figure is 150, of which the log tells the order. */
function repository(more = ''): { root: string; temporary: string; log: string; first: string } {
  const directory = mkdtempSync(join(tmpdir(), 'wk-compare-test-'));
  directories.push(directory);
  const [root, temporary, log] = ['root', 'temporary', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [root, temporary, join(root, 'node_modules')]) mkdirSync(made);
  writeFileSync(join(root, 'package-lock.json'), '{"name":"small","lockfileVersion":3,"packages":{}}');
  writeFileSync(join(root, '.gitignore'), 'node_modules\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: root,
      encoding: 'utf8',
    }).trim();
  const commit = (value: number) => {
    writeFileSync(
      join(root, 'package.json'),
      JSON.stringify({ name: 'small', version: '1.0.0', scripts: { bench: 'node bench.mjs' } }),
    );
    writeFileSync(
      join(root, 'bench.mjs'),
      `import { appendFileSync } from 'node:fs';
      appendFileSync(${JSON.stringify(log)}, '${value} ' + process.argv.slice(2).join() + ' ' + process.pid + '\\n');
      ${more}
      console.log(JSON.stringify({ bench: process.argv[2], figure: 'speed', value: ${value}, unit: '/s' }));\n`,
    );
    git('add', '-A');
    git('commit', '-q', '-m', `Be ${value}`);
    return git('rev-parse', 'HEAD');
  };
  git('init', '-q');
  const first = commit(100);
  commit(150);
  return { root, temporary, log, first };
}

function start({ root, temporary }: { root: string; temporary: string }, args: readonly string[]) {
  const child = spawn(process.execPath, [RUN, 'compare', ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended };
}

it('runs both revisions in turn, prints medians and ratios, and leaves nothing', async () => {
  const small = repository();
  const { code, stdout, stderr } = await start(small, [small.first, 'gate']).ended;
  expect(stderr).toContain('Be 100');
  expect(code).toBe(0);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toEqual([
    {
      bench: 'gate',
      figure: 'speed',
      unit: '/s',
      this: 150,
      other: 100,
      ratio: 1.5,
      ratioSpread: [1.5, 1.5],
      thisSpread: [150, 150],
      otherSpread: [100, 100],
      rounds: 3,
    },
  ]);
  const order = readFileSync(small.log, 'utf8').match(/^\d+ gate/gm);
  expect(order).toEqual(['150 gate', '100 gate', '150 gate', '100 gate', '150 gate', '100 gate']);
  expect(readdirSync(small.temporary)).toEqual([]);
  expect(execFileSync('git', ['status', '--porcelain'], { cwd: small.root, encoding: 'utf8' })).toBe('');
});

it.each([
  ['a revision that nobody knows', ['no-such-revision', 'gate'], /^No such revision: no-such-revision\.$/m],
  ['what looks like an option of git', ['--', '--all', 'gate'], /^No such revision: --all\.$/m],
  ['a benchmark that nobody knows', ['HEAD', 'gait'], /^No such benchmark: gait\. There are ingest, /m],
  ['no revision', [], /^npm run bench -- compare REVISION/m],
  ['fewer than three rounds', ['HEAD', 'gate', '--rounds', '2'], /N at least 3/],
])('refuses %s', async (_, args, said) => {
  const small = repository();
  const { code, stdout, stderr } = await start(small, args).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(said);
  expect(stdout).toBe('');
  expect(existsSync(small.log)).toBe(false);
  expect(readdirSync(small.temporary)).toEqual([]);
});

it('ends what it started and removes what it made when it is interrupted', async () => {
  const small = repository(`const { mkdtempSync } = await import('node:fs');
    mkdtempSync(process.env.TMPDIR + '/left-');
    const { spawn } = await import('node:child_process');
    // One that outlives its parent and doesn't listen.
    const other = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)']);
    process.stderr.write('family ' + process.pid + ' ' + other.pid + '\\n');
    setInterval(() => {}, 1000);
    await new Promise(() => {});`);
  const { child, ended } = start(small, ['HEAD', 'gate']);
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [, own, other] = await eventually('the benchmark', () => /family (\d+) (\d+)/.exec(said));
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  for (const pid of [own, other]) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  expect(readdirSync(small.temporary)).toEqual([]);
});

it('goes on with the others when a benchmark of one revision fails, and ends with 1', async () => {
  const small = repository("if (process.argv[2] === 'gate' && import.meta.url.includes('/other/')) process.exit(3);");
  const { code, stdout, stderr } = await start(small, [small.first, 'gate', 'journal']).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`gate ended with 3 in ${small.first}`);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toMatchObject([
    { bench: 'gate', this: 150, other: null, ratio: null, rounds: 0 },
    { bench: 'journal', this: 150, other: 100, ratio: 1.5, rounds: 3 },
  ]);
});
