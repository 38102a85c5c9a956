/**
 * Documents whose examples are tests. A fenced block is preceded by an HTML comment that says what it is:
 *   <!-- run -->             a shell block; all of a document's run in one bash, in their order, each must exit with 0
 *   <!-- prints -->          what the `run` block before it prints: JSON or text, "…" standing for whatever is there
 *   <!-- file: NAME -->      a file that later blocks use; `receiver.mjs` is started before them
 *   <!-- receives -->        what the receiver has printed after the last block
 *   <!-- example: NAME -->   JSON that a schema, named in the test, must accept as it stands
 *   <!-- register -->        a worked example of a meter (docs/numbers.md)
 *   <!-- hold -->            a worked example of a rule (docs/rules.md)
 *   <!-- not run: REASON --> not a test, and why
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';

export interface Fence {
  /** Line of the opening fence, from 1. */
  line: number;
  language: string;
  /** What the comment before it says, such as `run` or `example: alarm`; null without one. */
  marker: string | null;
  text: string;
}

const ROOT = join(import.meta.dirname, '../../..');

/** @param path from the root of the repository. */
export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** All fenced blocks in their order. */
export function fencesOf(document: string): Fence[] {
  const lines = document.split('\n');
  const fences: Fence[] = [];
  for (let index = 0; index < lines.length; index++) {
    const opening = /^```(\S*)/.exec(lines[index]!);
    if (!opening) continue;
    const end = lines.findIndex((line, later) => later > index && line.startsWith('```'));
    if (end < 0) throw new Error(`the fence of line ${index + 1} is never closed`);
    const before = lines.slice(0, index).findLast((line) => line.trim() !== '') ?? '';
    fences.push({
      line: index + 1,
      language: opening[1]!,
      marker: /^<!-- +(.*?) +-->$/.exec(before)?.[1] ?? null,
      text: lines.slice(index + 1, end).join('\n'),
    });
    index = end;
  }
  return fences;
}

/** A `run` block with what it is said to print. */
export interface RunBlock extends Fence {
  prints: Fence | null;
}

export function runBlocks(fences: readonly Fence[]): RunBlock[] {
  return fences.flatMap((fence, index) => {
    if (fence.marker !== 'run') return [];
    const next = fences[index + 1];
    return [{ ...fence, prints: next?.marker === 'prints' ? next : null }];
  });
}

/** Why a block can't be run on this machine, or null. */
export function missingTool({ text }: Fence): string | null {
  const tool = ['mosquitto_pub', 'mosquitto_sub', 'curl', 'openssl'].find((name) => text.includes(name) && !has(name));
  return tool === undefined ? null : `${tool} is not installed`;
}

const found = new Map<string, boolean>();
function has(tool: string): boolean {
  const known = found.get(tool) ?? spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
  found.set(tool, known);
  return known;
}

export interface Ran {
  /** Null when a block before it failed. */
  isReached: boolean;
  isDone: boolean;
  stdout: string;
  stderr: string;
}

/**
 * A service on the shipped seeds, and a directory in which documents' commands find what a reader would have: `data/`
 * with `admin.token` in it. The ports 8080 and 1883 in commands and files become the service's own.
 */
export interface Sandbox {
  service: TestService;
  directory: string;
  /** The text with ports that are true here; `ports` = further ones of the document. */
  adapted(text: string, ports?: Record<number, number>): string;
  /** Runs the blocks in one bash with `set -euo pipefail`; the answer has one entry for each. */
  run(blocks: readonly Fence[], ports?: Record<number, number>): Promise<Ran[]>;
  /** Starts a program there, with our Node first in its path. */
  start(command: string, args: readonly string[]): ChildProcess;
  remove(): Promise<void>;
}

export async function openSandbox(): Promise<Sandbox> {
  const directory = mkdtempSync(join(tmpdir(), 'wk-document-'));
  const dataDir = mkdtempSync(join(tmpdir(), 'wk-service-'));
  writeFileSync(join(dataDir, 'admin.token'), `${ADMIN}\n`, { mode: 0o600 });
  // An empty setting is unset, so that the token comes from its file as it does for a reader.
  const service = await startTestService({ dataDir, env: { WK_ADMIN_TOKEN: '' } });
  symlinkSync(dataDir, join(directory, 'data'));
  writeClientDefaults(directory, service.mqttPort);
  const env = {
    HOME: directory,
    XDG_CONFIG_HOME: join(directory, '.config'),
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
  };

  const httpPort = new URL(service.url).port;
  const adapted = (text: string, ports: Record<number, number> = {}) =>
    Object.entries({ 8080: httpPort, 1883: service.mqttPort, ...ports }).reduce(
      (done, [from, to]) => done.replace(new RegExp(`\\b${from}\\b`, 'g'), String(to)),
      text,
    );
  const start = (command: string, args: readonly string[]) => spawn(command, args, { cwd: directory, env });

  return {
    service,
    directory,
    adapted,
    start,
    async run(blocks, ports) {
      const script = blocks
        .map(({ text }, index) => `${mark(index)}\n${mark(index)} >&2\n${adapted(text, ports)}\n`)
        .join('');
      const bash = start('bash', ['-c', `set -euo pipefail\n${script}`]);
      const [stdout, stderr] = await Promise.all([bash.stdout, bash.stderr].map((stream) => textOf(stream!)));
      const status = bash.exitCode ?? (await new Promise<number | null>((done) => bash.once('close', done)));
      return split(blocks.length, stdout!, stderr!, status === 0);
    },
    async remove() {
      await service.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const MARK = '@@ block';
const mark = (index: number) => `printf '\\n${MARK} %d\\n' ${index}`;

function split(count: number, stdout: string, stderr: string, isDone: boolean): Ran[] {
  const parts = (text: string) => text.split(new RegExp(`\\n${MARK} \\d+\\n`)).slice(1);
  const [out, err] = [parts(stdout), parts(stderr)];
  return Array.from({ length: count }, (_, index) => ({
    isReached: index < out.length,
    isDone: index < out.length - 1 || (index === out.length - 1 && isDone),
    stdout: out[index] ?? '',
    stderr: err[index] ?? '',
  }));
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** mosquitto_pub and mosquitto_sub read their defaults from these files (mosquitto_pub(1), "CONFIG"). */
function writeClientDefaults(directory: string, mqttPort: number): void {
  mkdirSync(join(directory, '.config'));
  for (const client of ['mosquitto_pub', 'mosquitto_sub']) {
    writeFileSync(join(directory, '.config', client), `-p ${mqttPort}\n`);
  }
}

/** Writes the document's files where its commands expect them. */
export function writeFiles({ directory, adapted }: Sandbox, fences: readonly Fence[], ports?: Record<number, number>) {
  for (const { marker, text } of fences) {
    const name = /^file: (\S+)$/.exec(marker ?? '')?.[1];
    if (name !== undefined) writeFileSync(join(directory, name), `${adapted(text, ports)}\n`);
  }
}

/**
 * Where `actual` is not what a document shows, as sentences; empty when it is. In JSON "…" as a value stands for any
 * value, as an array's last item for any further ones, and members that the document leaves out may be there. In text
 * a line of "…" stands for any lines, and "…" in a line for any part of it.
 */
export function differences({ language, text }: Fence, actual: string): string[] {
  if (language !== 'json') return textDifferences(text, actual);
  let parsed: unknown;
  try {
    parsed = JSON.parse(actual);
  } catch {
    return [`no JSON was printed but ${actual}`];
  }
  return jsonDifferences(JSON.parse(text), parsed, '');
}

const ANYTHING = '…';

function jsonDifferences(shown: unknown, actual: unknown, path: string): string[] {
  if (shown === ANYTHING) return actual === undefined ? [`${path || 'it'} is missing`] : [];
  if (Array.isArray(shown)) {
    if (!Array.isArray(actual)) return [`${path || 'it'} is no list but ${JSON.stringify(actual)}`];
    const isOpen = shown.at(-1) === ANYTHING && shown.length > 1;
    const items = isOpen ? shown.slice(0, -1) : shown;
    if (!isOpen && items.length !== actual.length) return [`${path || 'it'} has ${actual.length} items`];
    return items.flatMap((item, index) => jsonDifferences(item, actual[index], `${path}[${index}]`));
  }
  if (typeof shown === 'object' && shown !== null) {
    if (typeof actual !== 'object' || actual === null) return [`${path || 'it'} is ${JSON.stringify(actual)}`];
    return Object.entries(shown).flatMap(([name, value]) =>
      jsonDifferences(value, (actual as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`),
    );
  }
  return Object.is(shown, actual) ? [] : [`${path || 'it'} is ${JSON.stringify(actual)}, not ${JSON.stringify(shown)}`];
}

function textDifferences(shown: string, actual: string): string[] {
  const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const lines = shown.split('\n').map((line) => {
    if (line.trim() === ANYTHING) return '(?:.*\\n)*?';
    return `${line.trimEnd().split(ANYTHING).map(escaped).join('.*?')}[ \\t]*\\n`;
  });
  const pattern = new RegExp(`^\\s*${lines.join('')}\\s*$`);
  return pattern.test(`${actual.trim()}\n`) ? [] : [`it printed\n${actual}`];
}
