import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RING_SIZE, Ring } from '#ingest/ring.ts';
import { UndoLog } from '#ingest/undo-log.ts';
import type { Thresholds } from '#quality/thresholds.ts';

const THRESHOLDS: Thresholds = {
  fail: [-1000, 1000],
  suspect: null,
  ratePerHour: null,
  rateLeastStep: 0,
  spike: [30, 60],
  flat: { tolerance: 0.5, suspectMs: 5, failMs: 10 },
  intervalMs: 1,
  holeMs: 3,
};
const NEW = Number.NEGATIVE_INFINITY;

function take(ring: Ring, timeMs: number, value: number | null, log: UndoLog | null = null) {
  return ring.take(1, timeMs, { value, deviceFlag: null }, THRESHOLDS, log).verdict;
}

/** Everything that a ring answers with, for comparing two of them. */
function stateOf(ring: Ring) {
  const end = ring.start + ring.size;
  return {
    floorMs: ring.floorMs,
    times: [...ring.timesMs.slice(ring.start, end)],
    values: [...ring.values.slice(ring.start, end)],
    flags: [...ring.marks.slice(ring.start, end)],
    newest: ring.newest(),
  };
}

const sent = fc.record({
  timeMs: fc.integer({ min: 0, max: RING_SIZE - 1 }),
  value: fc.option(fc.integer({ min: 0, max: 2 }), { nil: null }),
});

describe('verdicts', () => {
  it('are those of a plain map for any order, duplication and correction within the ring', () => {
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 300 }), (values) => {
        const ring = new Ring(NEW);
        const model = new Map<number, number | null>();
        for (const { timeMs, value } of values) {
          const expected = !model.has(timeMs) ? 'new' : model.get(timeMs) === value ? 'duplicate' : 'correction';
          expect(take(ring, timeMs, value)).toBe(expected);
          model.set(timeMs, value);
        }
        const newestMs = Math.max(...model.keys());
        expect(ring.newest()?.value).toBe(values.length === 0 ? undefined : model.get(newestMs));
      }),
    );
  });

  it('are never wrong beyond the ring: what it does not know is unsettled', () => {
    const anywhere = fc.record({ timeMs: fc.integer({ min: 0, max: 400 }), value: fc.integer({ min: 0, max: 1 }) });
    fc.assert(
      fc.property(fc.array(anywhere, { minLength: 100, maxLength: 900 }), (values) => {
        const ring = new Ring(NEW);
        const model = new Map<number, number>();
        for (const { timeMs, value } of values) {
          const truth = !model.has(timeMs) ? 'new' : model.get(timeMs) === value ? 'duplicate' : 'correction';
          expect([truth, 'unsettled']).toContain(take(ring, timeMs, value));
          model.set(timeMs, value);
        }
        expect(ring.size).toBeLessThanOrEqual(RING_SIZE);
      }),
    );
  });

  it('the floor rises with what is pushed out', () => {
    const ring = new Ring(NEW);
    for (let time = 0; time < RING_SIZE + 10; time++) expect(take(ring, time * 10, 1)).toBe('new');
    expect(ring.floorMs).toBe(90);
    expect(take(ring, 90, 1)).toBe('unsettled');
    expect(take(ring, 95, 1)).toBe('new');
    expect(take(ring, 105, 1)).toBe('new');
    expect(take(ring, 110, 1)).toBe('duplicate');
    expect(take(ring, 110, null)).toBe('correction');
    expect(take(ring, 110, null)).toBe('duplicate');
  });

  it('what was unsettled stays for the store to settle', () => {
    const ring = new Ring(1000);
    expect(take(ring, 2000, 1)).toBe('new');
    expect(take(ring, 500, 1)).toBe('unsettled');
    expect(take(ring, 500, 1)).toBe('unsettled');
    expect(take(ring, 500, 2)).toBe('unsettled');
  });
});

describe('undo', () => {
  it('in reverse order gives back exactly what was', () => {
    const anywhere = fc.record({
      timeMs: fc.integer({ min: 0, max: 200 }),
      value: fc.option(fc.integer({ min: 0, max: 50 }), { nil: null }),
    });
    const list = fc.array(anywhere, { maxLength: 150 });
    // One for all runs: its columns are used again and again, from any place on.
    const log = new UndoLog();
    fc.assert(
      fc.property(list, list, fc.integer({ min: 0, max: 200 }), (before, lost, correctedMs) => {
        const ring = new Ring(NEW);
        const twin = new Ring(NEW);
        for (const each of [ring, twin]) {
          for (const { timeMs, value } of before) take(each, timeMs, value);
          each.doubt(correctedMs, correctedMs + 20);
        }
        const from = log.end;
        for (const { timeMs, value } of lost) take(ring, timeMs, value, log);
        for (let number = log.end - 1; number >= from; number--) log.at(number).ring.undo(log.at(number));
        log.forget(log.end);
        expect(stateOf(ring)).toEqual(stateOf(twin));
        for (let time = 0; time <= 200; time++) expect(take(ring, time, 7)).toBe(take(twin, time, 7));
      }),
    );
  });
});

describe('corrections by an engineer', () => {
  it('leave every other value of that time to the store, and latest says what the store says', () => {
    const ring = new Ring(NEW);
    take(ring, 10, 7);
    take(ring, 20, 8);
    ring.doubt(10, 21);
    expect(take(ring, 10, 7)).toBe('duplicate');
    ring.settle({ timeMs: 20, value: 5, flag: 2, deviceFlag: null });
    expect(ring.newest()).toEqual({ timeMs: 20, value: 5, flag: 2, deviceFlag: null });
    expect(take(ring, 20, 8)).toBe('duplicate');
    expect(ring.newest()?.value).toBe(5);
    expect(take(ring, 20, 9)).toBe('unsettled');
    expect(ring.newest()?.value).toBe(9);
    // A gateway has had its way with it since.
    expect(take(ring, 20, 8)).toBe('unsettled');
    expect(take(ring, 30, 8)).toBe('new');
    expect(take(ring, 30, 8)).toBe('duplicate');
  });

  it('of a value that the journal lost, or that was never certain, say nothing', () => {
    const ring = new Ring(NEW);
    take(ring, 10, 7);
    const log = new UndoLog();
    ring.take(1, 10, { value: 8, deviceFlag: null }, THRESHOLDS, log);
    ring.doubt(0, 11);
    ring.undo(log.at(0));
    expect(take(ring, 10, 8)).toBe('unsettled');
    const old = new Ring(100);
    take(old, 10, 7);
    old.doubt(0, 11);
    expect(take(old, 10, 7)).toBe('unsettled');
  });

  it('a deletion is known as a missing value', () => {
    const ring = new Ring(NEW);
    take(ring, 10, 7);
    ring.doubt(0, 11);
    ring.settle({ timeMs: 10, value: null, flag: 9, deviceFlag: null });
    expect(ring.newest()).toEqual({ timeMs: 10, value: null, flag: 9, deviceFlag: null });
  });
});

describe('the log of changes', () => {
  it('holds any number until they are forgotten, with device flags, censoring and doubts', () => {
    const log = new UndoLog();
    const rings = Array.from({ length: 50 }, () => new Ring(NEW));
    const twins = Array.from({ length: 50 }, () => new Ring(NEW));
    const give = (ring: Ring, time: number, to: UndoLog | null) => {
      const censored = time % 5 === 0 ? '<' : undefined;
      ring.take(1, time % 130, { value: time % 7, deviceFlag: time % 3 ? `f${time}` : null, censored }, THRESHOLDS, to);
    };
    for (const ring of [...rings, ...twins]) {
      for (let time = 0; time < 70; time++) give(ring, time, null);
      ring.doubt(10, 30);
    }
    // What is forgotten makes room; what isn't grows beyond any.
    for (const ring of rings.slice(0, 3)) {
      for (let time = 200; time < 500; time++) give(ring, time, log);
      log.forget(log.end);
    }
    for (const ring of twins.slice(0, 3)) for (let time = 200; time < 500; time++) give(ring, time, null);
    const from = log.end;
    for (let time = 60; time < 140; time++) for (const ring of rings) give(ring, time + 1, log);
    expect(log.end - from).toBeGreaterThan(1024);
    for (let number = log.end - 1; number >= from; number--) log.at(number).ring.undo(log.at(number));
    const flagsOf = (ring: Ring) => ring.deviceFlags?.slice(ring.start, ring.start + ring.size);
    expect(rings.map(stateOf)).toEqual(twins.map(stateOf));
    expect(rings.map(flagsOf)).toEqual(twins.map(flagsOf));
    for (const [index, ring] of rings.entries()) expect(take(ring, 15, 1)).toBe(take(twins[index]!, 15, 1));
  });
});

describe('settle', () => {
  it('takes over a final flag, but not of a value that has been corrected meanwhile', () => {
    const ring = new Ring(NEW);
    take(ring, 10, 7);
    ring.settle({ timeMs: 10, value: 7, flag: 4, deviceFlag: 'x' });
    expect(ring.newest()).toEqual({ timeMs: 10, value: 7, flag: 4, deviceFlag: 'x' });
    take(ring, 10, 8);
    ring.settle({ timeMs: 10, value: 7, flag: 4, deviceFlag: null });
    expect(ring.newest()).toMatchObject({ value: 8, flag: 1 });
    ring.settle({ timeMs: 5, value: 1, flag: 1, deviceFlag: null });
    expect(ring.size).toBe(1);
    ring.settle({ timeMs: 15, value: 1, flag: 1, deviceFlag: null });
    expect(ring.newest()?.timeMs).toBe(15);
    expect(take(ring, 12, 1)).toBe('unsettled');
  });
});

it('a clone is judged like the original and leaves it alone', () => {
  const ring = new Ring(NEW);
  for (let time = 0; time < 90; time++) take(ring, time, time % 3);
  const before = stateOf(ring);
  const clone = ring.clone();
  expect(stateOf(clone)).toEqual(before);
  expect(take(clone, 200, 1)).toBe('new');
  expect(take(clone, 89, 50)).toBe('correction');
  expect(stateOf(ring)).toEqual(before);
});

it('keeps device flags with their readings through insertion and eviction', () => {
  const ring = new Ring(NEW);
  for (let time = 0; time < 100; time++) {
    ring.take(1, time * 2, { value: time, deviceFlag: time % 2 ? `f${time}` : null }, THRESHOLDS, null);
  }
  ring.take(1, 197, { value: 0, deviceFlag: 'between' }, THRESHOLDS, null);
  const end = ring.start + ring.size;
  for (let index = ring.start; index < end; index++) {
    const time = ring.timesMs[index]! / 2;
    const expected = time === 98.5 ? 'between' : time % 2 ? `f${time}` : null;
    expect(ring.deviceFlags?.[index]).toBe(expected);
  }
});
