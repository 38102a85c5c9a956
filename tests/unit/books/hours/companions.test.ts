/** Final flags that look at another series: made anew when that one changes, and the same whatever came first. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { booksRig, HOUR, LATENESS, QUARTER, STATION } from '#tests/helpers/books/rig.ts';

const T0 = Date.UTC(2026, 2, 1);
const [OXYGEN, NITROGEN, UPSTREAM] = [1, 5, 6];

/** Oxygen alone has tests: against total nitrogen of the same water, or against oxygen upstream. */
function rigWith(qc: NonNullable<(typeof STATION.parameters)[number] & { qc?: object }>['qc']) {
  const none = {
    suspect: [0, 25] as [number, number],
    spike: [24, 25] as [number, number],
    ratePerHour: [900, 999] as [number, number],
  };
  const flat = { tolerance: 1e-9, suspect: 'PT900H', fail: 'PT900H' };
  const parameters = STATION.parameters.map((one) =>
    one.id === 'do' ? { ...one, qc: { ...none, flat, ...qc } } : one,
  );
  return booksRig({ station: { ...STATION, parameters } });
}
const MULTIVARIATE = { multivariate: { with: 'tn', ratePerHour: 4, otherRatePerHour: 0.5 } };
const NEIGHBOUR = { neighbour: { station: 'upstream', span: 2 } };
const row = (series: number, place: number, value: number) => ({ series, timeMs: T0 + place * QUARTER, value });
const closed = T0 + 10 * HOUR + LATENESS;

describe('multivariate', () => {
  test('doubts a change that the other parameter does not share', async () => {
    const rig = rigWith(MULTIVARIATE);
    const oxygen = [9, 9, 6.5, 6.5, 9, 9];
    const nitrogen = [1, 1, 1, 1, 3, 3];
    rig.message(
      T0,
      oxygen.flatMap((value, n) => [row(OXYGEN, n, value), row(NITROGEN, n, nitrogen[n]!)]),
    );
    rig.tick(closed);
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1, 1, 3, 1, 1, 1]);
  });

  test('is made again when the other parameter arrives late, or is corrected', async () => {
    const rig = rigWith(MULTIVARIATE);
    rig.message(
      T0,
      [9, 9, 6.5, 6.5].map((value, n) => row(OXYGEN, n, value)),
    );
    rig.tick(closed);
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1, 1, 1, 1]);
    rig.message(
      closed + HOUR,
      [1, 1, 1, 1].map((value, n) => row(NITROGEN, n, value)),
    );
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1, 1, 3, 1]);
    rig.message(closed + 2 * HOUR, [row(NITROGEN, 2, 4)]);
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1, 1, 1, 1]);
    expect(rig.dirty()).toBe(0);
  });
});

describe('neighbour', () => {
  test('doubts what is far from the other station, across the edge of an hour, too', async () => {
    const rig = rigWith(NEIGHBOUR);
    rig.message(
      T0,
      [9, 9, 9, 6, 6].map((value, n) => row(OXYGEN, n, value)),
    );
    rig.tick(closed);
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1, 1, 1, 1, 1]);
    // The last reading of the hour before is the nearest one for the first of the next.
    rig.message(closed + HOUR, [row(UPSTREAM, 0, 9), row(UPSTREAM, 3, 9)]);
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1, 1, 1, 3, 3]);
  });

  test('takes no evidence from what fails there by itself', async () => {
    const rig = rigWith(NEIGHBOUR);
    rig.message(T0, [row(OXYGEN, 0, 9), row(UPSTREAM, 0, 900)]);
    rig.tick(closed);
    await rig.settle();
    expect(await rig.flags(OXYGEN)).toEqual([1]);
  });
});

test('any order and batching of both series gives the same flags and statistics', async () => {
  const value = fc.constantFrom(5, 6.5, 8, 9);
  const reading = fc.record({ series: fc.constantFrom(OXYGEN, NITROGEN, UPSTREAM), place: fc.nat(15), value });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(reading, { minLength: 4, maxLength: 40, selector: ({ series, place }) => `${series} ${place}` }),
      fc.infiniteStream(fc.nat(6)),
      fc.infiniteStream(fc.nat(1000)),
      async (readings, sizes, keys) => {
        const both = { ...MULTIVARIATE, ...NEIGHBOUR };
        const plain = rigWith(both);
        plain.message(
          T0,
          readings.map(({ series, place, value: at }) => row(series, place, at)),
        );
        plain.tick(closed);
        await plain.settle();
        const rig = rigWith(both);
        const rest = readings.map((one) => ({ one, key: keys.next().value! })).sort((a, b) => a.key - b.key);
        // Some while the hours are open, the others late, one by one.
        let receivedMs = T0;
        while (rest.length > 0) {
          const batch = rest.splice(0, 1 + sizes.next().value!);
          rig.message(
            receivedMs,
            batch.map(({ one }) => row(one.series, one.place, one.value)),
          );
          await rig.settle();
          receivedMs += HOUR;
        }
        rig.tick(Math.max(closed, receivedMs));
        await rig.settle();
        expect(await rig.flags(OXYGEN)).toEqual(await plain.flags(OXYGEN));
        expect(rig.hours(OXYGEN)).toEqual(plain.hours(OXYGEN));
        expect(rig.dirty()).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});
