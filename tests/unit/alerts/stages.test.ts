/** The way of a notice is one list, which the documents tell in the same order and the same nouns. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STAGES, through } from '#alerts/telling/stages.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/notices.md'), 'utf8');

describe('the stages of a notice', () => {
  it('stand in docs/notices.md, in their order', () => {
    const section = page.split('## The way of a notice')[1]!.split('\n## ')[0]!;
    const told = [...section.matchAll(/^\| ([a-z ]+) \| /gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'stage');
    const stages = Object.values(STAGES).flat() as { name: string }[];
    const names = stages.map(({ name }) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
    expect(names.length).toBeGreaterThan(15);
    expect(told).toEqual(names);
  });

  it('pass a thing on until one keeps it', () => {
    const seen: string[] = [];
    const adds = (text: string) => (thing: string, hands: string[]) => {
      hands.push(text);
      return thing + text;
    };
    expect(through([adds('a'), adds('b')], '', seen)).toBe('ab');
    expect(through([adds('c'), () => null, adds('d')], '', seen)).toBeNull();
    expect(seen).toEqual(['a', 'b', 'c']);
  });
});
