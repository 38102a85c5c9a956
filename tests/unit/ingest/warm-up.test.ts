/** Messages of our own that are judged before the first one comes: they go through every codec, and leave nothing behind. */
import { expect, it } from 'vitest';
import type { Preview } from '#ingest/door.ts';
import { warmUp } from '#ingest/warm-up.ts';
import { NOW_MS, openDoor } from '#tests/helpers/ingest/door.ts';

it('warms the door up and leaves nothing behind', async () => {
  const { gate, journal, send } = await openDoor();
  const headSeq = journal.headSeq;
  const previews: Preview[] = [];
  const door = {
    preview(delivery: Parameters<typeof gate.preview>[0]) {
      const preview = gate.preview(delivery);
      previews.push(preview);
      return preview;
    },
  };
  warmUp(door, journal.control, NOW_MS);
  const codes = new Set(previews.flatMap(({ faults }) => faults.map(({ code }) => code)));
  expect([...codes]).toEqual(['parameter.unknown']);
  const taken = previews.map(({ readings }) => readings.length);
  expect(taken.filter((count) => count === 200).length).toBe((taken.length / 4) * 3);
  expect(journal.headSeq).toBe(headSeq);
  // Not a correction of what was only tried.
  const cold = await openDoor();
  expect(await send({ ph: 3 }, NOW_MS - 60_000)).toEqual(await cold.send({ ph: 3 }, NOW_MS - 60_000));
});

it('does so without a station, too', async () => {
  const { gate } = await openDoor();
  warmUp(gate, { list: () => [] }, NOW_MS);
});
