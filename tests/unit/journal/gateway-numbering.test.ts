/** Holes in gateways' own numbering: exactly the numbers that never came, whatever is lost, doubled, late or begun anew. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Arrival,
  closed,
  HOLES_MAX,
  LOST_MAX,
  lostIn,
  missingIn,
  type Numbering,
  numbered,
} from '#journal/gateway-numbering.ts';
import type { JournalWriter } from '#journal/writer.ts';
import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';

const BY = { atMs: 9, by: 'eva', reason: 'without power' };

function heard(numbers: readonly (number | Arrival)[], before?: Numbering): Numbering {
  let state = before;
  for (const [index, one] of numbers.entries()) {
    state = numbered(state, typeof one === 'number' ? { number: one, brings: 'news' } : one, index);
  }
  return state!;
}

const rangesOf = ({ holes }: Numbering) =>
  holes.map(({ from, to, isEarlier }) => `${from}–${to}${isEarlier ? ' earlier' : ''}`);

/** What a gateway's counter sends from one start to the next: each number's fate. */
interface Session {
  start: number;
  fates: { isLost: boolean; delay: number; again: number | null }[];
}

/** Numbers below this never are lost, so that a counter that begins anew is heard of while it is low. */
const SAFE = 60;
const DELAY = 19;
const fate = fc.record({
  isLost: fc.oneof({ weight: 15, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  delay: fc.oneof(fc.constant(0), fc.nat({ max: DELAY })),
  again: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 90 }) }),
});
const fates = fc.array(fate, { minLength: 120, maxLength: 220 });
const sessions = fc
  .tuple(
    fc.record({ start: fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 2000, max: 90_000 })), fates }),
    fc.array(fc.record({ start: fc.constantFrom(0, 1), fates }), { maxLength: 2 }),
  )
  .map(([first, rest]): Session[] => [first, ...rest]);

/** What arrives of a session, in its order. */
function arrivalsOf({ start, fates: given }: Session): Arrival[] {
  const sent = given.flatMap(({ isLost, delay, again }, index) => {
    if (isLost && index >= SAFE) return [];
    const number = start + index;
    const first = { at: index + delay, number };
    // A number that comes again does so while its counter runs.
    return again === null
      ? [first]
      : [first, { at: Math.min(index + delay + again, given.length - 1 + DELAY), number }];
  });
  const known = new Set<number>();
  return sent
    .toSorted((a, b) => a.at - b.at)
    .map(({ number }): Arrival => {
      const brings = known.has(number) ? 'known' : 'news';
      known.add(number);
      return { number, brings };
    });
}

/** The numbers between a session's first and highest that never came. */
function neverCame(arrivals: readonly Arrival[]): number[] {
  const came = new Set(arrivals.map(({ number }) => number));
  const [first, last] = [arrivals[0]!.number, Math.max(...came)];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((number) => !came.has(number));
}

const numbersOf = ({ holes }: Numbering) =>
  holes.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
const ascending = (numbers: number[]) => numbers.toSorted((a, b) => a - b);

describe('what is missing', () => {
  it('is exactly what never came, whatever was lost, doubled, late or begun anew', () => {
    fc.assert(
      fc.property(sessions, (given) => {
        const arrivals = given.map(arrivalsOf);
        const state = heard(arrivals.flat());
        const missing = arrivals.flatMap(neverCame);
        // What came after its hole was merged is counted still.
        if (state.merged) expect(missingIn(state)).toBeGreaterThanOrEqual(missing.length);
        else expect(ascending(numbersOf(state))).toEqual(ascending(missing));
        expect(state.holes.length).toBeLessThanOrEqual(HOLES_MAX);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same in the journal, wherever its process ends', async () => {
    await fc.assert(
      fc.asyncProperty(sessions, fc.array(fc.nat({ max: 400 }), { maxLength: 4 }), async (given, ends) => {
        const arrivals = given.flatMap(arrivalsOf);
        const files = journalFixture();
        let journal = await registered(files.open());
        for (const [index, { number, brings }] of arrivals.entries()) {
          const readings = [reading({ verdict: brings === 'news' ? 'new' : 'duplicate' })];
          const done = journal.appendMessage(message({ gatewaySeq: number, readings }));
          if (index % 40 === 0 || index === arrivals.length - 1) await done;
          if (!ends.includes(index)) continue;
          await done;
          await journal.close();
          journal = files.open();
        }
        const atOnce = (state: Numbering) => ({ ...state, holes: numbersOf(state), merged: state.merged?.count });
        const found = journal.numberings.of('g1')!;
        expect(atOnce(found)).toEqual(atOnce(heard(arrivals)));
        await journal.close();
        expect(files.open().numberings.of('g1')).toEqual(found);
      }),
      { numRuns: 12 },
    );
  });
});

async function registered(journal: JournalWriter): Promise<JournalWriter> {
  const body = { stations: ['taocha'], passwordHash: 'x' };
  await journal.appendCommand('admin', { verb: 'put', noun: 'gateway', id: 'g1', body });
  return journal;
}

describe('a counter', () => {
  it('that begins anew near 0 is no hole of billions, and what it left out before stands', () => {
    const before = heard([1, 2, 5, 6, 4_000, 4_001]);
    expect(missingIn(before)).toBe(2 + 3993);
    const anew = heard([0, 1, 4], before);
    expect(rangesOf(anew)).toEqual(['3–4 earlier', '7–3999 earlier', '2–3']);
    // Its numbers fill its own holes alone.
    expect(rangesOf(heard([3], anew))).toEqual(['3–4 earlier', '7–3999 earlier', '2–2']);
    expect(heard([4_294_967_295], before)).toMatchObject({ first: 4_294_967_295, last: 4_294_967_295 });
    expect(missingIn(heard([4_294_967_295, 0, 1], before))).toBe(3995);
  });

  it('goes on after a message that was sent again, however old it is', () => {
    const steady = Array.from({ length: 3000 }, (_, index) => index + 1);
    const again = [1, 2, 1500, 2999].map((number): Arrival => ({ number, brings: 'known' }));
    expect(heard([...again, 3001], heard(steady))).toMatchObject({ first: 1, last: 3001, holes: [] });
    // Far below, and without a value that could tell: a heartbeat of a new counter.
    expect(heard([{ number: 1, brings: 'empty' }], heard(steady))).toMatchObject({ first: 1, last: 1 });
    expect(heard([{ number: 2500, brings: 'news' }], heard(steady))).toMatchObject({ last: 3000 });
  });

  it('goes on after a message of which something was refused is sent again and brings news now', () => {
    const refused: Arrival = { number: 22, brings: 'known', isRefused: true };
    const before = heard([...Array.from({ length: 21 }, (_, index) => index + 1), refused, 23, 24, 26]);
    const again = heard([22, 27], before);
    expect(again).toMatchObject({ first: 1, last: 27 });
    expect(rangesOf(again)).toEqual(['25–25']);
    // A counter that begins anew knows nothing of what an earlier one's messages were.
    expect(heard([3, 22], again)).toMatchObject({ first: 3, last: 22 });
    expect(heard([22], heard([3, 22, 40], again))).toMatchObject({ first: 22, last: 22 });
  });

  it('is not asked for numbers before the first that was heard', () => {
    expect(heard([7, 5, 6, 8])).toMatchObject({ first: 7, last: 8, holes: [] });
  });
});

describe('closing', () => {
  it('declares lost what is missing up to a number, and what came before a new beginning; once', () => {
    const state = heard([1, 4, 7, 10]);
    const some = closed(state, 5, BY);
    expect(rangesOf(some)).toEqual(['6–6', '8–9']);
    expect(some.lost).toEqual([
      { from: 2, to: 3, ...BY },
      { from: 5, to: 5, ...BY },
    ]);
    expect(closed(some, 5, BY)).toBe(some);
    expect([missingIn(some), lostIn(some)]).toEqual([3, 3]);
    const anew = closed(heard([3_000, 0, 2], some), 0, BY);
    expect(rangesOf(anew)).toEqual(['1–1']);
    expect(lostIn(anew)).toBe(3 + 1 + 2 + 2989);
  });

  it('is taken back for a number that comes after all', () => {
    const state = heard([3], closed(heard([1, 5]), 4, BY));
    expect(state.lost.map(({ from, to }) => [from, to])).toEqual([
      [2, 2],
      [4, 4],
    ]);
    expect(state).toMatchObject({ last: 5, holes: [] });
  });

  it('keeps both lists within their limits, and counts what goes beyond', () => {
    const odd = Array.from({ length: 201 }, (_, index) => index * 2 + 1);
    const state = heard(odd);
    expect(state.holes).toHaveLength(HOLES_MAX);
    expect(state.merged).toEqual({ count: 200 - HOLES_MAX, sinceMs: 1 });
    expect([missingIn(state), state.holes.at(-1)]).toEqual([200, { from: 400, to: 400, sinceMs: 200 }]);
    const none = closed(state, 400, BY);
    expect([missingIn(none), none.merged, lostIn(none), none.lost.length]).toEqual([0, null, 200, LOST_MAX]);
  });
});

describe('the journal', () => {
  it('keeps of a transaction that fails nothing, and forgets a gateway that is deleted', async () => {
    const files = journalFixture();
    const journal = await registered(files.open());
    await journal.appendMessage(message({ gatewaySeq: 1 }));
    // A reading of a series that isn't there can't be written: nothing of its batch is.
    const lost = [journal.appendMessage(message({ gatewaySeq: 9 })), journal.appendMessage(poison())];
    expect((await Promise.allSettled(lost)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(journal.numberings.of('g1')).toMatchObject({ last: 1, holes: [] });
    await journal.appendMessage(message({ gatewaySeq: 3 }));
    expect(journal.numberings.of('g1')!.holes).toEqual([{ from: 2, to: 2, sinceMs: NOON_MS }]);
    await journal.appendCommand('eva', { verb: 'close-sequence', gateway: 'g1', through: 3, reason: 'lost' });
    await journal.appendCommand('eva', { verb: 'close-sequence', gateway: 'nobody', through: 3, reason: 'lost' });
    const lostNow = [{ from: 2, to: 2, atMs: NOON_MS, by: 'eva', reason: 'lost' }];
    expect(journal.numberings.of('g1')).toMatchObject({ holes: [], lost: lostNow });
    await journal.close();
    const again = files.open();
    expect(again.numberings.of('g1')).toMatchObject({ last: 3, holes: [], lost: lostNow });
    await again.appendCommand('admin', { verb: 'delete', noun: 'gateway', id: 'g1' });
    expect(again.numberings.of('g1')).toBeUndefined();
    await again.close();
    expect(files.open().numberings.of('g1')).toBeUndefined();
  });

  it('counts registered gateways alone', async () => {
    const journal = journalFixture().open();
    for (const source of ['user:eva', 'g2', 'import:x'])
      await journal.appendMessage(message({ source, gatewaySeq: 1 }));
    expect([...journal.numberings.all()]).toEqual([]);
  });
});

/** What SQLite refuses: an id of quarantine that stands twice. */
function poison() {
  const item = {
    id: 'same',
    code: 'parameter.unknown' as const,
    message: '',
    path: null,
    contentType: 'application/json' as const,
    payload: Buffer.from('{}'),
    source: 'g1',
  };
  return message({ gatewaySeq: 10, quarantine: [item, item], received: 3 });
}
