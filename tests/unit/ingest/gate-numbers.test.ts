import { expect, it } from 'vitest';
import { delivery, gapsOf, NOW_MS, openDoor } from '#tests/helpers/ingest/door.ts';

const message = (seq: number, values: object = { ph: 7 + seq / 10 }) =>
  delivery(JSON.stringify({ seq, station: 'taocha', time: NOW_MS - (10 - seq) * 60_000, values }));

it('misses no number that an earlier process has heard, and goes on missing those that it missed', async () => {
  const { gate, journal, reopen } = await openDoor();
  for (const seq of [1, 2, 4, 5]) await gate.accept(message(seq));
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 1, lastSeq: 5 });
  const reopened = reopen();
  reopened.rebuild(journal.entries, new Map());
  await reopened.accept(message(2));
  await reopened.accept(message(6));
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 1, lastSeq: 6 });
  await reopened.accept(message(8));
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 2, lastSeq: 8 });
  await reopened.accept(message(3));
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 1, lastSeq: 8 });
});

it('takes what came for there, however little of it could be used', async () => {
  const { gate, journal } = await openDoor();
  await gate.accept(message(1));
  await gate.accept(message(2, { nobody: 1 }));
  const tooMany = Object.fromEntries(Array.from({ length: 5001 }, (_, index) => [`u${index}`, index]));
  const received = await gate.accept(message(3, tooMany));
  expect(received).toMatchObject({ undecodable: true, quarantined: [{ code: 'message.too-many-values' }] });
  await gate.accept(delivery('{ "seq": 4, "samples": 1 }'));
  await gate.accept(delivery('{ "seq": 5, "samples": [], "samples": [] }'));
  await gate.accept(message(6));
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 0, lastSeq: 6 });
  // Nobody can say which number this had.
  await gate.accept(delivery('{ "seq": 7, "sampl'));
  await gate.accept(message(8));
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 1, lastSeq: 8 });
});

it('takes messages sent again for that, however old, and news under low numbers for a counter that begins anew', async () => {
  const { gate, journal } = await openDoor();
  const send = (seq: number, minute: number) =>
    gate.accept(
      delivery(JSON.stringify({ seq, station: 'taocha', time: NOW_MS - (2000 - minute) * 60_000, values: { ph: 7 } })),
    );
  for (let seq = 1; seq <= 1200; seq++) await send(seq, seq);
  await send(3, 3);
  await send(1199, 1199);
  await send(1201, 1201);
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 0, lastSeq: 1201 });
  await send(0, 1202);
  await send(1, 1203);
  expect(gapsOf(journal, 'g1')).toEqual({ missing: 0, lastSeq: 1 });
});
