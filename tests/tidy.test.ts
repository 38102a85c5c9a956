/** House law as tests: who may import whom, how long things may be, what is banned and what to use instead. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '');
const sources = tracked.filter((path) => /\.ts$/.test(path) && !path.endsWith('.d.ts') && !path.startsWith('src/web/'));
const text = new Map(sources.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
const product = sources.filter((path) => /^(src|ingest|alerts|seeds)\//.test(path));

/** From package.json, `#journal/` → `src/journal/`. */
const ALIASES = Object.fromEntries(
  Object.entries((JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { imports: object }).imports).map(
    ([alias, folder]: [string, string]) => [alias.replace('*', ''), folder.replace('./', '').replace('*', '')],
  ),
);

function importsOf(path: string): string[] {
  const found = [...text.get(path)!.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;'"]*?['"]([^'"]+)['"]/g)].map(
    (match) => match[1]!,
  );
  found.push(...[...text.get(path)!.matchAll(/(?:^|\n)import\s+['"]([^'"]+)['"]/g)].map((match) => match[1]!));
  return found.map((specifier) => targetOf(path, specifier));
}

function targetOf(path: string, specifier: string): string {
  const alias = Object.keys(ALIASES).find((key) => specifier.startsWith(key));
  if (alias) return ALIASES[alias] + specifier.slice(alias.length);
  return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier;
}

/**
 * The floors, lowest first: a room imports from its own floor's rooms only itself, and from the floors below. `tools`
 * are what a person types. The dashboard (src/web) stands beside the house: see below.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['src/clock.ts', 'src/sqlite.ts', 'src/fair-queue.ts'],
  ['src/model/'],
  ['src/setting/', 'src/quality/', 'src/assess/', 'src/volume/'],
  ['src/journal/'],
  ['ingest/', 'src/readings/'],
  ['src/books/'],
  ['alerts/'],
  ['src/api/'],
  ['seeds/', 'src/installation/', 'src/brokers/'],
  ['src/process/'],
  ['src/platform/'],
  ['src/service.ts', 'src/start-broker.ts', 'src/rule-tests/'],
  ['src/main.ts', 'src/commands/'],
];
const ROOMS = FLOORS.flatMap((rooms, floor) => rooms.map((room) => ({ room, floor })));
const roomOf = (path: string) => ROOMS.find(({ room }) => path.startsWith(room));

/** Types included: who needs a type needs to know its file. */
const graph = new Map<string, string[]>();
for (const path of tracked.filter(
  (one) => /^(src|ingest|alerts|seeds)\/.*\.tsx?$/.test(one) && !one.endsWith('.d.ts'),
)) {
  const source = readFileSync(join(ROOT, path), 'utf8');
  const specifiers = [...source.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g)].map(([, found]) => found!);
  graph.set(
    path,
    specifiers.map((specifier) => targetOf(path, specifier)),
  );
}

describe('imports', () => {
  it('gives every product file a room', () => {
    expect(product.filter((path) => roomOf(path) === undefined)).toEqual([]);
  });

  it.each(FLOORS.map((rooms) => rooms.join(', ')))('run downwards only: %s', (label) => {
    const floor = FLOORS.findIndex((rooms) => rooms.join(', ') === label);
    const strays = product
      .filter((path) => roomOf(path)?.floor === floor)
      .flatMap((path) =>
        importsOf(path)
          .filter((target) => {
            const to = roomOf(target);
            return to && (to.floor > floor || (to.floor === floor && floor > 0 && apart(roomOf(path)!.room, to.room)));
          })
          .map((target) => `${path} imports ${target}`),
      );
    expect(strays).toEqual([]);
  });

  it('keeps ingest and alerts apart', () => {
    for (const path of product) {
      const targets = importsOf(path);
      if (path.startsWith('ingest/')) expect(targets.filter((target) => target.startsWith('alerts/'))).toEqual([]);
      if (path.startsWith('alerts/')) expect(targets.filter((target) => target.startsWith('ingest/'))).toEqual([]);
    }
  });

  it('never run in a circle', () => {
    expect(circles(graph)).toEqual([]);
  });

  it('would find a circle', () => {
    const round = new Map(Object.entries({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] }));
    expect(circles(round).map((circle) => circle.toSorted())).toEqual([['a', 'b', 'c']]);
  });

  it('names each third-party library in one file or folder', () => {
    const homes: Record<string, RegExp> = {
      fastify: /^src\/api\//,
      'fastify-type-provider-zod': /^src\/api\//,
      aedes: /^ingest\/transports\//,
      mqtt: /^(ingest\/transports|seeds)\//,
      yaml: /^(seeds|src\/setting\/config\.ts)/,
      'node:sqlite': /^src\/sqlite\.ts$/,
      '@prometheus-io/client': /^src\/platform\/metrics\.ts$/,
      hucre: /^src\/api\/reports\/xlsx\.ts$/,
      nodemailer: /^alerts\/channels\/smtp\.ts$/,
      'node-cron': /^src\/platform\/housekeeping\.ts$/,
      '@influxdata/influxdb-client': /^src\/readings\/influx\//,
    };
    const strays: string[] = [];
    for (const path of product) {
      for (const target of importsOf(path)) {
        const library = Object.keys(homes).find((name) => target === name || target.startsWith(`${name}/`));
        if (library && !homes[library]!.test(path)) strays.push(`${path} imports ${target}`);
      }
    }
    expect(strays).toEqual([]);
  });
});

/** Pattern → what to use instead, and the files that may. */
const BANNED: { pattern: RegExp; instead: string; except?: RegExp }[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|performance\.now\(/,
    instead: 'a Clock (src/clock.ts)',
    except: /^(src\/clock\.ts|bench\/|tests\/)/,
  },
  {
    pattern: /process\.env\b/,
    instead: 'src/setting/config.ts',
    except: /^(src\/(main|setting\/config)\.ts|seeds\/(demo|simulate|replay)\.ts|bench\/|tests\/)/,
  },
  {
    pattern: /process\.exit\b|process\.exitCode/,
    instead: 'main.ts',
    // A command ends its own process with a code that scripts can tell: 0, 1 or 2.
    except: /^(src\/main\.ts|src\/commands\/|src\/api\/openapi\.ts|seeds\/(demo|simulate|replay)\.ts|bench\/|tests\/)/,
  },
  {
    pattern: /\bconsole\./,
    instead: 'the pino logger',
    // A command talks to the person who typed it.
    except: /^(src\/commands\/|seeds\/(demo|simulate|replay)\.ts|bench\/|tests\/|src\/api\/openapi\.ts)/,
  },
  { pattern: /@ts-ignore|@ts-expect-error|\bas any\b|: any\b/, instead: 'a type', except: /^tests\/tidy/ },
  { pattern: /\beval\(|new Function\(/, instead: 'a parser', except: /^tests\/tidy/ },
  {
    pattern: /vi\.mock\(|setTimeout\([^,]*resolve[^,]*, ?\d{3,}/,
    instead: 'a fake handed in, or a condition awaited',
    except: /^tests\/tidy/,
  },
  {
    pattern: /\.iterate\(/,
    instead: 'eachRow (src/sqlite.ts): an iterator that is left keeps its snapshot for ever',
    except: /^(src\/sqlite\.ts|tests\/)/,
  },
  { pattern: /\b(TODO|FIXME|XXX)\b/, instead: 'doing it', except: /^tests\/tidy/ },
];

/** The dashboard: code for a browser, which knows the service by the types of its answers only. */
describe('src/web', () => {
  const web = tracked.filter((path) => /^src\/web\/.*\.tsx?$/.test(path));
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const isConfiguration = (path: string) => path.endsWith('vite.config.ts');
  const LIBRARIES = /^(preact|preact\/hooks|@preact\/signals|uplot|uplot\/dist\/uPlot\.min\.css)$/;

  it('imports nothing but itself, its own libraries and the generated types', () => {
    expect(web.length).toBeGreaterThan(30);
    const strays = web
      .filter((path) => !isConfiguration(path))
      .flatMap((path) =>
        [...read(path).matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)]
          .map(([, named, bare, late]) => (named ?? bare ?? late)!)
          .filter((specifier) => {
            const target = normalize(join(dirname(path), specifier));
            return specifier.startsWith('.') ? !target.startsWith('src/web/') : !LIBRARIES.test(specifier);
          })
          .map((specifier) => `${path} imports ${specifier}`),
      );
    expect(strays).toEqual([]);
  });

  it('is imported by nothing', () => {
    // The file that writes its types names it without importing it.
    const others = product.filter((path) => path !== 'src/api/description/web-types.ts');
    const strays = others.filter((path) => importsOf(path).some((target) => target.startsWith('src/web/')));
    expect(strays).toEqual([]);
  });

  it('keeps to the sizes and opens each file with what it is for', () => {
    const own = web.filter((path) => !path.endsWith('api-types.ts'));
    expect(own.filter((path) => read(path).split('\n').length - 1 > 400)).toEqual([]);
    expect(own.flatMap((path) => longFunctions(path, read(path)))).toEqual([]);
    expect(web.filter((path) => !read(path).startsWith('/**'))).toEqual([]);
  });

  it('makes no markup of text, reads one clock, and says nothing into the console', () => {
    const banned = [
      /innerHTML|outerHTML|insertAdjacentHTML/i,
      /\bconsole\./,
      /\bas any\b|: any\b/,
      /\beval\(|new Function\(/,
    ];
    const clock = /Date\.now\(|new Date\(\)/;
    const strays = web.filter((path) => {
      const source = stripComments(read(path));
      return banned.some((one) => one.test(source)) || (clock.test(source) && path !== 'src/web/core/now.ts');
    });
    expect(strays).toEqual([]);
  });
});

describe('habits', () => {
  it.each(BANNED)('$pattern: use $instead', ({ pattern, except }) => {
    const strays = sources.filter((path) => !except?.test(path) && pattern.test(stripComments(text.get(path)!)));
    expect(strays).toEqual([]);
  });

  it('keeps folders at 30 files', () => {
    const counts = new Map<string, number>();
    for (const path of graph.keys()) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, files]) => files > 30)).toEqual([]);
  });

  it('keeps files at 400 lines', () => {
    const long = sources
      .map((path) => [path, text.get(path)!.split('\n').length - 1] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it('keeps functions at 70 lines, unless a comment says why not', () => {
    const long = sources
      .filter((path) => !path.startsWith('tests/'))
      .flatMap((path) => longFunctions(path, text.get(path)!));
    expect(long).toEqual([]);
  });

  it('opens every product file with a comment that says what it is for', () => {
    expect(product.filter((path) => !/^(#!.*\n)?\/\*\*/.test(text.get(path)!))).toEqual([]);
  });

  it('has at most 25 runtime dependencies', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(25);
  });

  it('keeps pure folders pure', () => {
    const pure =
      /^(src\/(model|quality|assess|volume)\/|ingest\/codecs\/|ingest\/resolve\.ts|alerts\/(readings\/evaluate|telling\/route)\.ts)/;
    const strays = product
      .filter((path) => pure.test(path))
      .flatMap((path) =>
        importsOf(path)
          .filter((target) => /^node:(fs|net|http|https|sqlite|child_process|worker_threads|timers)/.test(target))
          .map((target) => `${path} imports ${target}`),
      );
    expect(strays).toEqual([]);
  });
});

/** `service.ts` and what it composes share a floor of loose files. */
function apart(from: string, to: string): boolean {
  return from !== to && !(from.endsWith('.ts') && to.endsWith('.ts'));
}

/** Strongly connected components of more than one file (Tarjan 1972). */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  function visit(path: string): void {
    order.set(path, order.size);
    low.set(path, order.get(path)!);
    stack.push(path);
    for (const target of imports.get(path) ?? []) {
      if (!imports.has(target)) continue;
      if (!order.has(target)) visit(target);
      if (stack.includes(target)) low.set(path, Math.min(low.get(path)!, low.get(target)!));
    }
    if (low.get(path) !== order.get(path)) return;
    const circle = stack.splice(stack.indexOf(path));
    if (circle.length > 1) found.push(circle);
  }
  for (const path of imports.keys()) if (!order.has(path)) visit(path);
  return found;
}

function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

/** Formatted code closes a function at the indentation of its first line: that is all the parsing this needs. */
function longFunctions(path: string, source: string): string[] {
  const lines = source.split('\n');
  const found: string[] = [];
  lines.forEach((line, start) => {
    const opens =
      /^(\s*)(export )?(default )?(async )?(function\b|static |get |set |async |\*?#?[\w$]+\().*\{$/.exec(line) ??
      /^(\s*).*=> \{$/.exec(line);
    if (!opens || /^\s*(if|for|while|switch|return|describe|it|test|catch|else)\b/.test(line)) return;
    const indent = opens[1]!;
    const end = lines.findIndex((other, index) => index > start && other.startsWith(`${indent}}`));
    const excused = /not split|straight-line/i.test(lines.slice(Math.max(0, start - 6), start).join('\n'));
    if (end - start > 70 && !excused) found.push(`${path}:${start + 1} has ${end - start} lines`);
  });
  return found;
}
