/** The version of this program, as package.json has it: what a closed period was computed by. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const CODE_VERSION = manifest.version;
