/**
 * npm's `prepare`: builds the dashboard after `npm install`. Where its tools were left out on purpose (`--omit=dev`),
 * it says so and leaves what was built before. A build takes the old one's place as a whole, when it is complete.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = import.meta.dirname;
const dist = join(root, '../../dist');
const [made, old, place] = [
  join(dist, `.web-${process.pid}`),
  join(dist, `.web-${process.pid}-old`),
  join(dist, 'web'),
];

/** @param {() => void} rename */
function ifThere(rename) {
  try {
    rename();
  } catch (error) {
    // Not there, or another build was quicker.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}

const vite = await import('vite').catch(() => null);
if (vite === null) {
  console.log(
    'The dashboard is not built: its tools are development dependencies. `npm ci && npm prune --omit=dev` has both.',
  );
} else {
  mkdirSync(dist, { recursive: true });
  await vite.build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn', build: { outDir: made } });
  ifThere(() => renameSync(place, old));
  ifThere(() => renameSync(made, place));
  for (const path of [made, old]) rmSync(path, { recursive: true, force: true });
}
