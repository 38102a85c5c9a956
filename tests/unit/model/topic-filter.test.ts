import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, FilterTree, isTopicFilter } from '#model/topic-filter.ts';

describe('a filter', () => {
  it.each(['a', 'a/b', '+', '#', 'a/+/b', 'a/#', '+/#', '/', '$oc/devices/+/x'])('%s is one', (text) => {
    expect(isTopicFilter(text)).toBe(true);
  });
  it.each(['', 'a+', 'a/#/b', 'a#', '+a/b', 'a/\u0000', 'a'.repeat(70_000)])('%s is none', (text) => {
    expect(isTopicFilter(text)).toBe(false);
  });
});

const level = fc.constantFrom('a', 'b', '', '$c');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, isWide]) => [...levels, ...(isWide ? ['#'] : [])].join('/'));

/** By the letter of MQTT 5 §4.7, as a regular expression. */
function matches(pattern: string, name: string): boolean {
  if (name.startsWith('$') && /^[+#]/.test(pattern)) return false;
  const text = pattern
    .split('/')
    .map((one) => (one === '+' ? '[^/]*' : one === '#' ? '.*' : one.replaceAll('$', '\\$')))
    .join('/')
    .replace(/\/\.\*$/, '(/.*)?');
  return new RegExp(`^${text}$`).test(name);
}

const TOPICS = fc.sample(topic, { numRuns: 400, seed: 7 });

describe('what filters have in common', () => {
  it('a filter covers just the topics that it matches', () => {
    fc.assert(
      fc.property(filter, topic, (one, name) => {
        expect(covers(one, name)).toBe(matches(one, name));
      }),
    );
  });

  it('a filter that covers another matches whatever that one matches', () => {
    fc.assert(
      fc.property(filter, filter, (outer, inner) => {
        if (!covers(outer, inner)) return;
        for (const name of TOPICS) if (matches(inner, name)) expect(matches(outer, name)).toBe(true);
      }),
    );
  });

  it('the tree finds the owner of a topic, and any filter that shares one with it', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 6 }), filter, topic, (filters, asked, name) => {
        const tree = new FilterTree<number>();
        const owners = new Map(filters.map((one, n) => [one, n]));
        for (const [one, n] of owners) tree.add(one, n);
        const matching = [...owners].filter(([one]) => matches(one, name));
        const found = tree.find(name);
        if (matching.length === 0) expect(found).toBeUndefined();
        else expect(matching.map(([, n]) => n)).toContain(found);
        const shares = [...owners].some(([one]) => TOPICS.some((each) => matches(one, each) && matches(asked, each)));
        if (shares) expect(tree.find(asked)).toBeDefined();
        for (const [, n] of owners) expect(tree.find(asked, (owner) => owner !== n)).not.toBe(n);
      }),
    );
  });

  it.each([
    ['a/+', '+/b', true],
    ['a/#', 'a', true],
    ['#', 'a/b', true],
    ['#', '$c/a', false],
    ['+/a', '$c/a', false],
    ['a/+', 'a/b/c', false],
    ['spBv1.0/G/+/N/#', 'spBv1.0/G/NDATA/N', true],
    ['spBv1.0/G/+/N/#', 'spBv1.0/G/NDATA/M', false],
  ])('%s and %s share a topic: %s', (one, other, isShared) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ] as const) {
      const tree = new FilterTree<string>();
      tree.add(first, 'x');
      expect(tree.find(second) !== undefined).toBe(isShared);
    }
  });
});
