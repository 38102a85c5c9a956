/** YAML with line numbers: reads a file, checks it against a zod schema and blames the line that is wrong. */
import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { SeedError } from './seed-error.ts';

type Path = readonly PropertyKey[];

/** A parsed YAML file that knows where in it a path stands. */
export interface YamlFile {
  name: string;
  data: unknown;
  /** 1-based line of the node at `path`, or of the nearest node above it that exists. */
  lineOf(path: Path): number | null;
}

/**
 * @param name how messages call the file
 * @throws SeedError for a file that can't be read, isn't YAML, or has a key twice.
 */
export function readYaml(path: string, name: string): YamlFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SeedError(name, null, null, `can't be read: ${(error as Error).message}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problem = document.errors[0];
  if (problem) throw new SeedError(name, lines.linePos(problem.pos[0]).line, null, problem.message);
  return { name, data: document.toJS(), lineOf: (at) => lineOf(document, lines, at) };
}

function lineOf(document: Document, lines: LineCounter, path: Path): number | null {
  for (let length = path.length; length >= 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== null) return lines.linePos(offset).line;
  }
  return null;
}

/** A key of a map stands where the key is written; its value may begin lines below. */
function offsetOf(document: Document, path: Path): number | null {
  if (path.length === 0) return document.contents?.range?.[0] ?? null;
  const parent = document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find((item) => isNode(item.key) && String(item.key) === String(path.at(-1)));
    return pair && isNode(pair.key) ? (pair.key.range?.[0] ?? null) : null;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}

/** The first fault of `parsed` with its place. `prefix` is where in the file the checked value stands. */
export function yamlFault(file: YamlFile, prefix: Path, item: string | null, error: z.ZodError): SeedError {
  const issue = error.issues[0]!;
  const at = issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  return new SeedError(file.name, file.lineOf([...prefix, ...issue.path]), item, at + issue.message);
}
