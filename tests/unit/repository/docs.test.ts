/** What documents list must be what the program has: fault codes, settings with their defaults, links, anchors. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { ERRORS_FILE, errorsText } from '#api/description/errors-page.ts';
import { FAULTS } from '#model/faults.ts';
import { readConfig } from '#setting/config.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';

const ROOT = join(import.meta.dirname, '../../..');
const DOCUMENTS = [
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'].filter((name) => existsSync(join(ROOT, name))),
];

describe('docs/errors.md', () => {
  it('is what the table of fault codes gives (UPDATE=1 rewrites it)', () => {
    if (process.env.UPDATE) writeFileSync(ERRORS_FILE, errorsText());
    expect(readFileSync(ERRORS_FILE, 'utf8')).toBe(errorsText());
  });

  it('has every code exactly once', () => {
    const codes = [...errorsText().matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);
    expect(codes.toSorted()).toEqual(Object.keys(FAULTS).toSorted());
  });
});

describe('the settings of docs/operations.md', () => {
  const rows = [...readDocument('docs/operations.md').matchAll(/^\| `(WK_[A-Z0-9_]+)` \| (?:`([^`]+)`)? ?\|/gm)].map(
    ([, name, fallback]) => [name!, fallback] as const,
  );

  it('are all of them', () => {
    const known = [...readDocument('src/setting/config.ts').matchAll(/^ {2}(WK_\w+):/gm)].map((match) => match[1]!);
    expect(known.length).toBeGreaterThan(20);
    expect(rows.map(([name]) => name).toSorted()).toEqual(known.toSorted());
  });

  // Next to an address, so that the settings of a broker or a store show in the configuration.
  const more = { WK_INFLUX_URL: 'http://127.0.0.1:1', WK_INFLUX_TOKEN: 't', WK_INFLUX_ORG: 'o' };
  const outside = { ...more, WK_MQTT_URL: 'mqtt://127.0.0.1' };
  it.each(rows.filter(([, fallback]) => fallback !== undefined))('%s defaults to %s', (name, fallback) => {
    for (const environment of [more, outside]) {
      expect(readConfig({ ...environment, [name]: fallback }).config).toEqual(readConfig(environment).config);
    }
  });

  it('have an example that is a sound configuration', () => {
    const fence = fencesOf(readDocument('docs/files.md')).find(({ language }) => language === 'yaml')!;
    const { WK_ADMIN_TOKEN_FILE: _elsewhere, ...given } = parseYaml(fence.text) as Record<string, string>;
    const { config, warnings } = readConfig(given);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ dataDir: '/var/lib/wellkeeper', journalMaxBytes: 50 * 1024 ** 3 });
  });
});

describe('ARCHITECTURE.md', () => {
  const text = readDocument('ARCHITECTURE.md');

  it('is read in five minutes', () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(90);
  });

  it('names only what is there', () => {
    const named = [...text.matchAll(/`((?:src|ingest|alerts|seeds|tests|docs|bench)\/[\w./-]*)`/g)].map(
      ([, path]) => path!,
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('has every room in its picture of the floors', () => {
    const picture = text.split('## The floors')[1]!.split('```')[1]!;
    const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name !== 'web',
    );
    expect(rooms.map(({ name }) => name).filter((name) => !new RegExp(`\\b${name}\\b`).test(picture))).toEqual([]);
  });
});

describe.each(DOCUMENTS)('%s', (path) => {
  const text = readDocument(path);

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => match[1]!)
      .filter((link) => !/^\w+:/.test(link));
    expect(links.filter((link) => !isThere(path, link))).toEqual([]);
  });

  it('names no place of a particular machine', () => {
    expect(text.match(/\/work\/\S*|\/root\/\S*|\/tmp\/\S*/g) ?? []).toEqual([]);
  });
});

function isThere(from: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? from : normalize(join(dirname(from), file));
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(readDocument(target)).includes(anchor);
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
}
