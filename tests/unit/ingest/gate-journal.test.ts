/** The door on the real journal: restart, refusal when full, and two people replaying the same item. */
import { expect, it } from 'vitest';
import { createGate } from '#ingest/gate.ts';
import type { JournalWriter } from '#journal/writer.ts';
import { aStation, smallReference } from '#tests/helpers/ingest/door.ts';
import { type JournalFixture, journalFixture, NOON_MS } from '#tests/helpers/journal/fixture.ts';

function openGate(journal: JournalWriter, { clock }: JournalFixture) {
  const reference = smallReference();
  return createGate({ journal, control: journal.control, reference, clock, maxMessageBytes: 256 << 10 });
}

function put(journal: JournalWriter, id: string) {
  return journal.appendCommand('eva', { verb: 'put', noun: 'station', id, body: aStation() });
}

function sample(values: object, timeMs = NOON_MS, stationId = 'taocha') {
  const payload = Buffer.from(JSON.stringify({ station: stationId, time: timeMs, values }));
  return { source: 'g1', stations: null, contentType: 'application/json', payload } as const;
}

it('after a restart it decides from the tail what it decided before', async () => {
  const fixture = journalFixture();
  const first = fixture.open();
  await put(first, 'taocha');
  const before = openGate(first, fixture);
  await before.accept(sample({ ph: 7, nh3n: { value: 0.1, flag: '\ud800' }, nope: 1 }));
  await first.close();

  const journal = fixture.open();
  const gate = openGate(journal, fixture);
  gate.rebuild(fixture.read().tail(1000), new Map());
  expect(await gate.accept(sample({ ph: 7, nh3n: 0.2 }))).toMatchObject({ duplicates: 1, corrections: 1, pending: 0 });
  expect(await gate.accept(sample({ ph: 7 }, NOON_MS + 1))).toMatchObject({ accepted: 1 });
  const { series } = journal.seriesFor('taocha', 'nh3n');
  expect(gate.latest(series.id)).toMatchObject({ value: 0.2, timeMs: NOON_MS });
  expect(fixture.read().intakeCounts()).toMatchObject([{ source: 'g1', received: 6, quarantined: 1 }]);
});

it('a full journal refuses and leaves nothing behind in memory', async () => {
  const fixture = journalFixture();
  const journal = fixture.open({ maxBytes: 2_000 });
  await put(journal, 'taocha');
  const gate = openGate(journal, fixture);
  let taken = 0;
  const refused = async () => {
    for (; taken < 100; taken++) {
      await gate.accept(sample({ ph: 7 }, NOON_MS + taken));
    }
  };
  await expect(refused()).rejects.toMatchObject({ code: 'journal.full', retryable: true });
  const { series } = journal.seriesFor('taocha', 'ph');
  expect(gate.latest(series.id)?.timeMs).toBe(NOON_MS + taken - 1);
});

it('of two replays of one item the second is told that it is gone, and nothing is counted twice', async () => {
  const fixture = journalFixture();
  const journal = fixture.open();
  const gate = openGate(journal, fixture);
  const { quarantined } = await gate.accept(sample({ ph: 7 }));
  await put(journal, 'taocha');
  const item = fixture.read().quarantine.get(quarantined[0]!.quarantineId)!;
  const [one, two] = await Promise.allSettled([gate.replay(item, null), gate.replay(item, null)]);
  expect(one).toMatchObject({ status: 'fulfilled', value: { accepted: 1 } });
  expect(two).toMatchObject({ status: 'rejected', reason: { code: 'not-found' } });
  expect(fixture.read().intakeCounts()).toMatchObject([{ source: 'g1', received: 1, quarantined: 0 }]);
  expect(await gate.accept(sample({ ph: 7 }))).toMatchObject({ duplicates: 1, accepted: 0 });
});
