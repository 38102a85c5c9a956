/** Turns by credential: nobody's many questions hold another one's up for longer than one of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFairQueue } from '#src/fair-queue.ts';

const NO_LIMITS = { perCredential: Number.POSITIVE_INFINITY, inAll: Number.POSITIVE_INFINITY };
const rest = (queue: { next(): string | undefined }) => {
  const items: string[] = [];
  for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item);
  return items;
};

describe('the fair queue', () => {
  it('serves one who comes later before the second of one who came with many', () => {
    const queue = createFairQueue<string>(NO_LIMITS);
    for (let n = 1; n <= 285; n++) queue.add(`viewer ${n}`, 'viewer', {});
    expect(queue.next()).toBe('viewer 1');
    queue.add('operator 1', 'operator', {});
    queue.add('operator 2', 'operator', {});
    expect(queue.next()).toBe('operator 1');
    expect(queue.next()).toBe('viewer 2');
    expect(queue.next()).toBe('operator 2');
    expect(rest(queue)).toHaveLength(283);
  });

  it('lets nobody be passed twice by the same credential, in whatever order they come and go', () => {
    const step = fc.oneof(fc.record({ add: fc.constantFrom('a', 'b', 'c', 'd') }), fc.constant({ add: null }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = createFairQueue<{ of: string; n: number }>(NO_LIMITS);
        // Who has something waiting → who was served since it is the next of its credential.
        const passed = new Map<string, string[]>();
        const left = new Map<string, number[]>();
        let n = 0;
        for (const { add } of [...steps, ...steps.map(() => ({ add: null }))]) {
          if (add !== null) {
            queue.add({ of: add, n: ++n }, add, {});
            if (!passed.has(add)) passed.set(add, []);
            left.set(add, [...(left.get(add) ?? []), n]);
            continue;
          }
          const served = queue.next();
          if (!served) continue;
          // Within a credential in their order.
          expect(left.get(served.of)!.shift()).toBe(served.n);
          if (left.get(served.of)!.length === 0) passed.delete(served.of);
          else passed.set(served.of, []);
          for (const [of, others] of passed) {
            if (of === served.of) continue;
            expect(others).not.toContain(served.of);
            others.push(served.of);
          }
        }
        expect(queue.size).toBe(0);
      }),
    );
  });

  it('refuses what is beyond the limits of one and of all, counted in requests', () => {
    const queue = createFairQueue<string>({ perCredential: 2, inAll: 3 });
    const one = {};
    expect(queue.add('1', 'viewer', one)).not.toBeNull();
    expect(queue.add('2', 'viewer', {})).not.toBeNull();
    expect(queue.add('3', 'viewer', {})).toBeNull();
    // One request may ask for more than one thing.
    expect(queue.add('4', 'viewer', one)).not.toBeNull();
    expect(queue.add('5', 'operator', {})).not.toBeNull();
    expect(queue.add('6', 'engineer', {})).toBeNull();
    // The service's own questions have no limit and count for none.
    expect(queue.add('7', 'service', null)).not.toBeNull();
    expect(rest(queue)).toEqual(['1', '5', '7', '2', '4']);
    expect(queue.add('8', 'engineer', {})).not.toBeNull();
  });

  it('gives up what was taken out, and its place counts no more', () => {
    const queue = createFairQueue<string>({ perCredential: 1, inAll: 1 });
    const leave = queue.add('1', 'viewer', {})!;
    expect(queue.add('2', 'viewer', {})).toBeNull();
    expect(leave()).toBe(true);
    expect(leave()).toBe(false);
    expect(queue.size).toBe(0);
    const later = queue.add('3', 'viewer', {})!;
    expect(rest(queue)).toEqual(['3']);
    // What is being answered can't be taken out.
    expect(later()).toBe(false);
  });
});
