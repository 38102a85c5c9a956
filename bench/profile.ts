/**
 * Reads CPU profiles that `WK_BENCH_PROFILE=DIRECTORY npm run bench -- ingest` left, one of each thread, and prints where
 * the time went: per file or package, and the functions with most time of their own.
 *
 *   node bench/profile.ts DIRECTORY/*.cpuprofile [--top 30]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
}

const ROOT = new URL('..', import.meta.url).href;
const { values, positionals } = parseArgs({
  options: { top: { type: 'string', default: '30' } },
  allowPositionals: true,
});

for (const path of positionals) {
  const profile = JSON.parse(readFileSync(path, 'utf8')) as Profile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const selfMicros = new Map<number, number>();
  for (const [index, id] of profile.samples.entries()) {
    selfMicros.set(id, (selfMicros.get(id) ?? 0) + profile.timeDeltas[index]!);
  }
  const places = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyMicros = 0;
  for (const [id, micros] of selfMicros) {
    const { functionName, url, lineNumber } = nodes.get(id)!.callFrame;
    if (functionName === '(idle)') continue;
    busyMicros += micros;
    const place = placeOf(url) || functionName;
    places.set(place, (places.get(place) ?? 0) + micros);
    const name = `${functionName || '(anonymous)'} ${placeOf(url)}${url ? `:${lineNumber + 1}` : ''}`;
    functions.set(name, (functions.get(name) ?? 0) + micros);
  }
  console.log(`\n${path}: ${(busyMicros / 1e6).toFixed(2)} s busy`);
  print(places, busyMicros);
  console.log('');
  print(functions, busyMicros);
}

/** A file of ours, a package, a module of Node; empty for V8's own. */
function placeOf(url: string): string {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(url);
  if (inPackage) return inPackage[1]!;
  return url.startsWith(ROOT) ? url.slice(ROOT.length) : url;
}

function print(micros: ReadonlyMap<string, number>, totalMicros: number): void {
  const sorted = [...micros].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top));
  for (const [name, self] of sorted) console.log(`${((100 * self) / totalMicros).toFixed(1).padStart(6)} %  ${name}`);
}
