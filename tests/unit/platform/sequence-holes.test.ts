/** The platform condition `sequence.holes`: begun once for all gateways, told anew when it is about others, ended when all are filled. */

import { describe, expect, it } from 'vitest';
import { closed, type Numbering, numbered } from '#journal/gateway-numbering.ts';
import { phrase, told } from '#model/alarms/phrases.ts';
import { holesOverdue } from '#platform/sequence-holes.ts';
import { createRig, left, seen } from '#tests/helpers/platform/watch-rig.ts';

const MINUTE_MS = 60_000;
const GRACE_MS = 10 * MINUTE_MS;

/** The numbers arrive a minute apart, from minute 0 on. */
function heard(...numbers: number[]): Numbering {
  let state: Numbering | undefined;
  for (const [index, number] of numbers.entries())
    state = numbered(state, { number, brings: 'news' }, index * MINUTE_MS);
  return state!;
}

const at = (minutes: number, numberings: Record<string, Numbering>, upMs = Number.POSITIVE_INFINITY) =>
  holesOverdue(Object.entries(numberings), { nowMs: minutes * MINUTE_MS, upMs, graceMs: GRACE_MS });

describe('holes', () => {
  it('are told ten minutes after they were found, and not before', () => {
    const holed = { 'gw-1': heard(1, 2, 5), 'gw-2': heard(1, 2, 3) };
    expect(at(11.99, holed)).toBeNull();
    expect(at(12, holed)).toEqual({
      sinceMs: 2 * MINUTE_MS,
      ...told(phrase('holes.gateway', { gateway: 'gw-1', n: 2, ranges: '3–4' })),
    });
    expect(at(12, holed)!.detail).toBe('gw-1 lacks 2 messages (3–4)');
    const filled = heard(1, 2, 5, 3, 4);
    expect(at(12, { ...holed, 'gw-1': filled })).toBeNull();
  });

  it('name the gateways, the ranges and how many, the oldest first and never without end', () => {
    const odd = heard(1, 3, 5, 7, 9, 12);
    expect(at(30, { a: odd, b: heard(1, 3) })!.detail).toBe(
      'a lacks 6 messages (…, 4, 6, 8, 10–11); b lacks 1 message (2)',
    );
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`gw-${index}`, heard(1, 3)]));
    expect(at(30, many)!.detail).toMatch(/^gw-0 lacks 1 message \(2\); .*; and 35 more gateways$/);
    const merged = heard(...Array.from({ length: 101 }, (_, index) => index * 2 + 1));
    expect(at(200, { merged })).toMatchObject({
      sinceMs: MINUTE_MS,
      detail: 'merged lacks 100 messages (…, 194, 196, 198, 200)',
    });
  });

  it('that are closed are told no more', () => {
    const state = closed(heard(1, 3), 2, { atMs: 0, by: 'eva', reason: 'lost' });
    expect(at(30, { gw: state })).toBeNull();
  });

  it('of an earlier process get the same time from this one: nobody could fill them meanwhile', () => {
    const holed = { gw: heard(1, 3) };
    expect(at(600, holed, GRACE_MS - 1)).toBeUndefined();
    expect(at(600, holed, GRACE_MS)).toMatchObject({ sinceMs: MINUTE_MS });
    expect(at(600, { gw: heard(1, 2, 3) }, 0)).toBeNull();
  });
});

describe('their alarm', () => {
  it('is one, begins at once, follows what is missing at most every ten minutes, and ends when nothing is', async () => {
    const rig = createRig();
    rig.watch.standing(left('sequence.holes'));
    rig.watch.set('sequence.holes', seen());
    await rig.pass(5);
    expect(rig.journal).toEqual([]);
    rig.watch.set('sequence.holes', seen('a lacks 1 message (2)'));
    rig.watch.set('sequence.holes', seen('a lacks 2 messages (2, 4)'));
    await rig.pass(590);
    rig.watch.set('sequence.holes', seen('a lacks 3 messages (2, 4, 6)'));
    await rig.pass(5);
    expect(rig.journal.map(({ detail }) => detail)).toEqual(['a lacks 1 message (2)']);
    await rig.pass(10);
    expect(rig.journal.map(({ detail }) => detail).slice(1)).toEqual(['a lacks 3 messages (2, 4, 6)']);
    rig.watch.set('sequence.holes', null);
    await rig.pass(1);
    expect(rig.told()).toEqual(['begun sequence.holes', 'begun sequence.holes', 'ended sequence.holes']);
  });
});
