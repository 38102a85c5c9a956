/** Every line of the log names its kind, and docs/operations.md ("The log") lists the kinds: who reads logs filters by them. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
// Lines of the channel `log` are notices, whose event is the notice's own.
const exclude = ['alerts/channels/log.ts'];
const sources = globSync(['src/**/*.ts', 'ingest/**/*.ts', 'alerts/**/*.ts'], { cwd: ROOT, exclude }).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), 'utf8'),
}));

it('every call of a log names an event', () => {
  const calls = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\blog\.(?:info|warn|error|fatal)\(\s*([^,]+)/g)].map(([, fields]) => ({
      path,
      fields: fields!,
    })),
  );
  expect(calls.length).toBeGreaterThan(30);
  // Either written on the spot or put together before under this name.
  const nameless = calls.filter(({ fields }) => !/^(\{\s*event: |fields$)/.test(fields));
  expect(nameless).toEqual([]);
});

it('the documentation lists the events that there are', () => {
  const events = new Set<string>();
  for (const { text } of sources) {
    for (const [, name] of text.matchAll(/event: '([a-z-]+\.[a-z0-9-]+)'/g)) events.add(name!);
  }
  for (const outcome of ['sent', 'failed', 'withheld']) events.add(`heartbeat.${outcome}`);
  const section = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
    .split(/^## /m)
    .find((part) => part.startsWith('The log'))!;
  const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell!);
  const told = rows.flatMap((cell) => [...cell.matchAll(/`([a-z.0-9-]+)`/g)].map(([, name]) => name!));
  expect(told.toSorted()).toEqual([...events].toSorted());
});
