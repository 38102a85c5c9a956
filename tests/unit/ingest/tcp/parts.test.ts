/** Frames of one message that come in parts. */
import { describe, expect, it } from 'vitest';
import { Parts } from '#ingest/transports/tcp/parts.ts';

const LIMITS = { groups: 2, bytes: 100, waitMs: 1000, keepMs: 5000 };
const bytes = (text: string) => Buffer.from(text);
const shown = (made: ReturnType<Parts['add']>) =>
  made.map(({ frames, isWhole }) => [frames.map((frame) => Buffer.from(frame)).join('+'), isWhole]);

describe('parts', () => {
  it('go on as one message once all are there, in their order', () => {
    const parts = new Parts(LIMITS);
    expect(parts.add(bytes('b'), { joins: 'm', number: 2, total: 2 }, 0)).toEqual([]);
    expect(shown(parts.add(bytes('a'), { joins: 'm', number: 1, total: 2 }, 1))).toEqual([['a+b', true]]);
  });

  it('wait for no part that never comes, and are given once', () => {
    const parts = new Parts(LIMITS);
    parts.add(bytes('a'), { joins: 'm', number: 1, total: 3 }, 0);
    expect(parts.due(999)).toEqual([]);
    expect(shown(parts.due(1000))).toEqual([['a', false]]);
    expect(parts.due(2000)).toEqual([]);
  });

  it('that come late go on together with those before them', () => {
    const parts = new Parts(LIMITS);
    parts.add(bytes('a'), { joins: 'm', number: 1, total: 2 }, 0);
    parts.due(1000);
    expect(shown(parts.add(bytes('b'), { joins: 'm', number: 2, total: 2 }, 1500))).toEqual([['a+b', true]]);
  });

  it('that come again after all went on do so with the others', () => {
    const parts = new Parts(LIMITS);
    parts.add(bytes('a'), { joins: 'm', number: 1, total: 2 }, 0);
    parts.add(bytes('b'), { joins: 'm', number: 2, total: 2 }, 0);
    expect(shown(parts.add(bytes('b'), { joins: 'm', number: 2, total: 2 }, 10))).toEqual([['a+b', true]]);
  });

  it('are forgotten after a while', () => {
    const parts = new Parts(LIMITS);
    parts.add(bytes('a'), { joins: 'm', number: 1, total: 2 }, 0);
    parts.due(1000);
    parts.due(5000);
    expect(parts.isEmpty).toBe(true);
  });

  it('of too many messages, or too large a one, go on before their time', () => {
    const parts = new Parts(LIMITS);
    for (const joins of ['m', 'n']) parts.add(bytes(joins), { joins, number: 1, total: 2 }, 0);
    expect(shown(parts.add(bytes('o'), { joins: 'o', number: 1, total: 2 }, 0))).toEqual([['m', false]]);
    expect(shown(parts.add(bytes('p'.repeat(100)), { joins: 'o', number: 2, total: 3 }, 0))).toEqual([['o', false]]);
  });

  it('that are there when the connection ends go on', () => {
    const parts = new Parts(LIMITS);
    parts.add(bytes('a'), { joins: 'm', number: 1, total: 2 }, 0);
    expect(shown(parts.end())).toEqual([['a', false]]);
    expect(parts.end()).toEqual([]);
  });
});
