/** Who has a meter's water, and what a PUT makes of that. */
import { describe, expect, it } from 'vitest';
import { handedOver, holdingsOf, recipientAt } from '#model/recipients.ts';
import { meter as schema } from '#model/register.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';

const T = Date.UTC(2026, 0, 1, 4);
const iso = (timeMs: number) => new Date(timeMs).toISOString();
const A = { recipient: null, from: null } as const;
const since = (recipient: string | null, timeMs: number) => ({ recipient, from: iso(timeMs) });
const HISTORY = [{ recipient: 'a', from: null }, since('b', T)];

describe('a meter that is put', () => {
  it.each([
    ['for the first time', 'a', undefined, true, 'a'],
    ['with the recipient that it has', 'a', 'a', true, 'a'],
    ['with another one, after readings', 'b', 'a', true, HISTORY],
    ['with another one, before any reading', 'b', 'a', false, 'b'],
    ['with one after it had none', 'b', undefined, true, [A, since('b', T)]],
    ['without the one that it had', undefined, 'a', true, [{ recipient: 'a', from: null }, since(null, T)]],
    ['with the present one of a history', 'b', HISTORY, true, HISTORY],
    ['with a third one', 'c', [{ recipient: 'a', from: null }, since('b', T - 5)], true, 3],
    ['back to the first one', 'a', [{ recipient: 'a', from: null }, since('b', T - 5)], true, 3],
    ['with a list', HISTORY, 'z', true, HISTORY],
    ['with a list of one', [{ recipient: 'b', from: null }], HISTORY, true, 'b'],
    ['with a list of nobody', [A], HISTORY, true, undefined],
  ] as const)('%s', (_, given, before, hasReadings, expected) => {
    const held =
      before === undefined && expected === 'a' ? undefined : before === undefined ? {} : { recipient: before };
    const body = given === undefined ? {} : { recipient: given };
    const { recipient } = handedOver(body as object, held as object, T, hasReadings) as { recipient?: unknown };
    if (expected === 3) {
      expect(recipient).toEqual([...HISTORY.slice(0, 1), since('b', T - 5), since(given as string, T)]);
    } else expect(recipient).toEqual(expected);
  });

  it('forgets hand-overs that were still to come when another one comes before them', () => {
    const planned = { recipient: [{ recipient: 'a', from: null }, since('b', T + 1000)] };
    expect(handedOver({ recipient: 'a' }, planned, T, true)).toEqual(planned);
    expect(handedOver({ recipient: 'c' }, planned, T, true).recipient).toEqual([
      { recipient: 'a', from: null },
      since('c', T),
    ]);
  });
});

it('belongs to one recipient at each instant', () => {
  const meter = { recipient: HISTORY };
  expect([T - 1, T].map((timeMs) => recipientAt(meter, timeMs))).toEqual(['a', 'b']);
  expect(holdingsOf(meter)).toEqual([
    { recipient: 'a', fromMs: -Infinity, toMs: T },
    { recipient: 'b', fromMs: T, toMs: Infinity },
  ]);
  expect(holdingsOf({})).toEqual([{ recipient: null, fromMs: -Infinity, toMs: Infinity }]);
});

it('is written as docs/volumes.md shows', () => {
  const example = fencesOf(readDocument('docs/volumes.md')).find(({ text }) => text.includes('"recipient": ['))!;
  expect(holdingsOf(schema.parse(JSON.parse(example.text)))).toHaveLength(2);
});

describe('a history', () => {
  const meter = { station: 's', parameter: 'register', kind: 'register', unit: 'm3', maxFlow: 1, measures: 'delivery' };
  it.each([
    ['begins later than ever', [since('a', T)], /first one has/],
    ['goes back in time', [{ recipient: 'a', from: null }, since('b', T), since('c', T - 1)], /follow each other/],
    ['has two of one time', [{ recipient: 'a', from: null }, since('b', T), since('c', T)], /follow each other/],
    [
      'has two first ones',
      [
        { recipient: 'a', from: null },
        { recipient: 'b', from: null },
      ],
      /follow each other/,
    ],
    ['is of nothing', [], /Too small|an id, or a list/],
    ['names nobody that there could be', [{ recipient: 'a b', from: null }], /an id is 1 to 64/],
  ])('is refused when it %s', (_, recipient, message) => {
    const [issue] = schema.safeParse({ ...meter, recipient }).error?.issues ?? [];
    expect(issue).toMatchObject({ message: expect.stringMatching(message) });
    expect(issue?.path[0]).toBe('recipient');
  });
});
