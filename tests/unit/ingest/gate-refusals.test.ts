/** What a message costs of which nearly everything is refused: a hundred items, counted for all of it, replayed as sent. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '#ingest/door.ts';
import { createGate } from '#ingest/gate.ts';
import { aStation, delivery, NOW_MS, openDoor, smallReference, type TestDoor } from '#tests/helpers/ingest/door.ts';
import { journalFixture, NOON_MS } from '#tests/helpers/journal/fixture.ts';

const unknownNames = (count: number, prefix = 'u') =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, index]));

const sum = ({ quarantined }: Pick<Receipt, 'quarantined'>) =>
  quarantined.reduce((total, { count = 1 }) => total + count, 0);

const itemsOf = ({ journal }: TestDoor) => [...journal.quarantine.values()];

function register({ journal }: TestDoor, id: string) {
  return journal.appendCommand('eva', { verb: 'put', noun: 'station', id, body: aStation() });
}

describe('a message of 5,000 unknown names', () => {
  it('is a hundred items; the last holds 4,901 values and counts for them', async () => {
    const door = await openDoor();
    const receipt = await door.gate.accept(
      delivery(JSON.stringify({ samples: [{ station: 'taocha', time: NOW_MS, values: unknownNames(5000) }] })),
    );
    const items = itemsOf(door);
    expect(items).toHaveLength(100);
    expect(items.slice(0, 99).every(({ count }) => count === 1)).toBe(true);
    expect(items[99]).toMatchObject({
      code: 'parameter.unknown',
      count: 4901,
      path: 'samples[0].values.u99',
      message:
        '4901 more values of the same message (4901 × parameter.unknown). The first: There is no parameter "u99".',
    });
    const { samples } = JSON.parse(Buffer.from(items[99]!.payload).toString()) as { samples: object[] };
    const rest = Object.fromEntries(Object.entries(unknownNames(5000)).slice(99));
    expect(samples).toEqual([{ station: 'taocha', time: NOW_MS, values: rest }]);
    expect(receipt.quarantined.at(-1)).toMatchObject({ count: 4901, quarantineId: items[99]!.id });
    expect(receipt.quarantined[0]).not.toHaveProperty('count');
    expect(door.journal.intake.get('g1')).toEqual({ received: 5000, quarantined: 5000 });
  });

  it('is a hundred items up to a hundred values, each alone', async () => {
    const door = await openDoor();
    await door.gate.accept(delivery(JSON.stringify({ station: 'taocha', time: NOW_MS, values: unknownNames(100) })));
    expect(itemsOf(door).map(({ count }) => count)).toEqual(Array.from({ length: 100 }, () => 1));
  });
});

describe('the rest of a message, replayed', () => {
  it('is taken whole when its reason is gone: a station of 1,250 times and two parameters', async () => {
    const door = await openDoor();
    const samples = Array.from({ length: 1250 }, (_, index) => ({
      station: 'late',
      time: NOW_MS - 2_000_000 + index * 1000,
      values: { ph: 7, nh3n: { value: 0.5, unit: 'mg/L' } },
    }));
    await door.gate.accept(delivery(JSON.stringify({ samples })));
    await register(door, 'late');
    let accepted = 0;
    for (const item of itemsOf(door)) accepted += (await door.gate.replay(item, null)).accepted;
    expect(accepted).toBe(2500);
    expect(door.journal.quarantine.size).toBe(0);
    expect(door.journal.intake.get('g1')).toEqual({ received: 2500, quarantined: 0 });
  });

  it('leaves behind what still can not be taken, in at most a hundred items that count for it', async () => {
    const door = await openDoor();
    const samples = Array.from({ length: 400 }, (_, index) => ({
      station: 'late',
      time: NOW_MS - 2_000_000 + index * 1000,
      values: { ph: 7, nope: 1, ugly: 'x' },
    }));
    await door.gate.accept(delivery(JSON.stringify({ samples })));
    const rest = itemsOf(door)[99]!;
    expect(rest.count).toBe(1101);
    await register(door, 'late');
    const receipt = await door.gate.replay(rest, null);
    expect(receipt).toMatchObject({ accepted: 367 });
    expect(receipt.quarantined).toHaveLength(100);
    expect(sum(receipt)).toBe(734);
    expect(door.journal.quarantine.has(rest.id)).toBe(false);
    expect(door.journal.intake.get('g1')).toEqual({ received: 1200, quarantined: 833 });
  });

  it('stays as it is when nothing of it can be taken', async () => {
    const door = await openDoor();
    await door.gate.accept(delivery(JSON.stringify({ station: 'taocha', time: NOW_MS, values: unknownNames(3000) })));
    const rest = itemsOf(door)[99]!;
    const receipt = await door.gate.replay(rest, null);
    expect(receipt.accepted).toBe(0);
    expect(receipt.quarantined).toHaveLength(100);
    expect(sum(receipt)).toBe(2901);
    expect(new Set(receipt.quarantined.map(({ quarantineId }) => quarantineId))).toEqual(new Set([rest.id]));
    expect(door.journal.quarantine.get(rest.id)).toEqual(rest);
    expect(door.journal.intake.get('g1')).toEqual({ received: 3000, quarantined: 3000 });
  });

  it('is the lines of a CSV under their own header, broken ones too', async () => {
    const door = await openDoor();
    const rows = Array.from({ length: 300 }, (_, index) =>
      index % 3 === 0 ? `late,${NOW_MS - index * 1000},7.${index},ph` : `late,${NOW_MS},ph,7,ph,"broken"`,
    );
    const csv = `station,time,value,parameter\n${rows.join('\n')}\n`;
    await door.gate.accept(delivery(csv, { contentType: 'text/csv' }));
    const rest = itemsOf(door)[99]!;
    expect(rest).toMatchObject({ count: 201, path: 'row 101', contentType: 'text/csv' });
    expect(Buffer.from(rest.payload).toString()).toBe(`station,time,value,parameter\n${rows.slice(99).join('\n')}\n`);
    await register(door, 'late');
    // The door remembers 64 readings of a series: what is older is for the store to tell.
    expect(await door.gate.replay(rest, null)).toMatchObject({ accepted: 65, pending: 2 });
    expect(door.journal.intake.get('g1')).toEqual({ received: 300, quarantined: 233 });
  });

  it('keeps the counts right whatever stands twice in a message', async () => {
    const door = await openDoor();
    const twice = Array.from({ length: 200 }, (_, index) => `"n${index}":1,"n${index}":2`).join(',');
    const samples = [
      `{"station":"late","time":${NOW_MS},"values":{${twice},"ph":7}}`,
      `{"station":"late","time":${NOW_MS},"time":${NOW_MS + 1},"values":{"ph":7,"nh3n":1}}`,
      '17',
      `{"station":"late","time":${NOW_MS - 1000},"values":{"ph":${'1'.repeat(400)},"nh3n":1e999,"temp":20}}`,
    ];
    const receipt = await door.gate.accept(delivery(`{"samples":[${samples.join(',')}]}`));
    const received = sum(receipt);
    expect(received).toBe(400 + 1 + 2 + 1 + 3);
    await register(door, 'late');
    let taken = 0;
    for (const item of itemsOf(door)) {
      const again = await door.gate.replay(item, null);
      taken += again.accepted + again.duplicates + again.corrections + again.pending;
    }
    expect(taken).toBe(2);
    expect(door.journal.intake.get('g1')).toEqual({ received, quarantined: received - taken });
  });

  it('adds up for any message, in part taken later', async () => {
    const name = fc.oneof(fc.constantFrom('ph', 'nh3n', 'w01001', 'temp', 'nope'), fc.string({ maxLength: 8 }));
    const value = fc.oneof(fc.double({ noNaN: true, min: -50, max: 50 }), fc.constant(null), fc.constant('x'));
    const sample = fc.record({
      station: fc.constantFrom('late', 'taocha', 'nowhere'),
      time: fc.integer({ min: 0, max: 500 }).map((s) => NOW_MS - s * 1000),
      values: fc.dictionary(name, value, { maxKeys: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { minLength: 40, maxLength: 60 }), async (samples) => {
        const door = await openDoor();
        const first = await door.gate.accept(delivery(JSON.stringify({ samples })));
        const { received } = door.journal.intake.get('g1') ?? { received: 0 };
        let taken = first.accepted + first.duplicates + first.corrections + first.pending;
        expect(received).toBe(taken + sum(first));
        expect(first.quarantined.length).toBeLessThanOrEqual(100);
        await register(door, 'late');
        for (const item of itemsOf(door)) {
          const again = await door.gate.replay(item, null);
          expect(again.quarantined.length).toBeLessThanOrEqual(100);
          taken += again.accepted + again.duplicates + again.corrections + again.pending;
        }
        const after = door.journal.intake.get('g1') ?? { received: 0, quarantined: 0 };
        expect(after.received).toBe(taken + after.quarantined);
        expect(itemsOf(door).reduce((total, { count }) => total + count, 0)).toBe(after.quarantined);
      }),
      { numRuns: 60 },
    );
  });
});

it('on disk, 26 messages of 5,000 unknown names leave 2,600 items and 130,000 values counted', async () => {
  const fixture = journalFixture();
  const journal = fixture.open();
  for (const id of ['noisy', 'quiet']) {
    await journal.appendCommand('eva', { verb: 'put', noun: 'gateway', id, body: { stations: ['taocha'] } });
  }
  await journal.appendCommand('eva', { verb: 'put', noun: 'station', id: 'taocha', body: aStation() });
  const { clock } = fixture;
  const gate = createGate({
    journal,
    control: journal.control,
    reference: smallReference(),
    clock,
    maxMessageBytes: 256 << 10,
  });
  const send = (source: string, values: object) =>
    gate.accept({ ...delivery(JSON.stringify({ station: 'taocha', time: NOON_MS, values })), source });
  await send('quiet', { nope: 1 });
  await Promise.all(Array.from({ length: 26 }, () => send('noisy', unknownNames(5000))));
  const reader = fixture.read();
  expect(reader.quarantine.size()).toMatchObject({ items: 2601, dropped: 0 });
  expect(reader.intakeCount('noisy')).toMatchObject({ received: 130_000, quarantined: 130_000 });
  expect(journal.counters.quarantined).toEqual({ 'parameter.unknown': 130_001 });
});
