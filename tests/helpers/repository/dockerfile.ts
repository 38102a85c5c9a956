/** The Dockerfile's instructions, for what has to agree with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Instructions with continuation lines joined. */
const instructions = readFileSync(join(import.meta.dirname, '../../../Dockerfile'), 'utf8')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ word: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1).trim() }));

/** What follows each instruction of this name. */
export function dockerfile(word: string): string[] {
  return instructions.filter((one) => one.word === word).map(({ rest }) => rest);
}

/** Files of ours that get into the image. */
export const copiedFiles: readonly string[] = dockerfile('COPY')
  .filter((rest) => !rest.startsWith('--from'))
  .flatMap((rest) => rest.split(/\s+/).slice(0, -1));

/** The image's environment. */
export const imageEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  dockerfile('ENV').flatMap((rest) => rest.split(/\s+/).map((pair) => pair.split('=') as [string, string])),
);
