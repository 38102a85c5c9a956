import { expect, it } from 'vitest';
import { delivery, NOW_MS, openDoor } from '#tests/helpers/door.ts';

it('misses no number that an earlier process has heard, whatever comes first after a restart', async () => {
  const { gate, journal, reopen } = await openDoor();
  const message = (seq: number) =>
    delivery(
      JSON.stringify({ seq, station: 'taocha', time: NOW_MS - (10 - seq) * 60_000, values: { ph: 7 + seq / 10 } }),
    );
  for (const seq of [1, 2, 4, 5]) await gate.accept(message(seq));
  expect(gate.sequenceGaps('g1')).toEqual({ missing: 1, lastSeq: 5 });
  const reopened = reopen();
  reopened.rebuild(journal.entries, new Map());
  await reopened.accept(message(2));
  await reopened.accept(message(6));
  expect(reopened.sequenceGaps('g1')).toEqual({ missing: 0, lastSeq: 6 });
  await reopened.accept(message(8));
  expect(reopened.sequenceGaps('g1')).toEqual({ missing: 1, lastSeq: 8 });
});
