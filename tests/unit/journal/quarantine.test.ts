import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { journalFixture, message, NOON_MS, quarantined, reading } from '#tests/helpers/journal/fixture.ts';

describe('quarantine', () => {
  it('keeps what was not taken, newest first, with the payload', async () => {
    const { open, read, clock } = journalFixture();
    const journal = open();
    await journal.appendMessage(message({ readings: [reading()], quarantine: [quarantined('a'), quarantined('b')] }));
    clock.advance(1_000);
    const undecodable = quarantined('c', {
      code: 'message.malformed',
      path: null,
      contentType: 'application/octet-stream',
      payload: new Uint8Array(0),
    });
    await journal.appendMessage(message({ readings: [], quarantine: [undecodable] }));
    const { quarantine } = read();
    expect(quarantine.list(null, 2).map(({ id }) => id)).toEqual(['c', 'b']);
    const [, second] = quarantine.list(null, 2);
    expect(quarantine.list(second!.position, 2).map(({ id }) => id)).toEqual(['a']);
    expect(quarantine.get('c')).toEqual({ ...undecodable, count: 1, position: 3, atMs: NOON_MS + 1_000 });
    const kept = quarantine.get('a')!;
    expect(Buffer.from(kept.payload).toString()).toBe('{"xyz":1}');
    expect(kept).toMatchObject({
      code: 'parameter.unknown',
      path: 'samples[0].values.xyz',
      atMs: NOON_MS,
      source: 'g1',
    });
    expect(quarantine.get('nothing')).toBeUndefined();
  });

  it('drops the oldest beyond its limits and counts them', async () => {
    const { open, read } = journalFixture();
    const journal = open({ quarantineMaxItems: 5, quarantineMaxBytes: 10_000 });
    const { quarantine } = read();
    const items = Array.from({ length: 8 }, (_, index) => quarantined(`n${index}`));
    await journal.appendMessage(message({ readings: [], quarantine: items }));
    expect(quarantine.list(null, 10).map(({ id }) => id)).toEqual(['n7', 'n6', 'n5', 'n4', 'n3']);
    expect(quarantine.size()).toMatchObject({ items: 5, dropped: 3 });
    const big = quarantined('big', { payload: Buffer.alloc(9_950, 'x') });
    await journal.appendMessage(message({ readings: [], quarantine: [big] }));
    expect(quarantine.list(null, 10).map(({ id }) => id)).toEqual(['big', 'n7']);
    const { items: count, bytes, dropped } = quarantine.size();
    expect([count, dropped]).toEqual([2, 7]);
    expect(bytes).toBeLessThanOrEqual(10_000);
    // What was dropped was received and not taken: the ledger still says so.
    expect(read().intakeCount('g1')).toMatchObject({ received: 9, quarantined: 9 });
  });

  it('takes what the store refused once, also when it is told again after somebody has replayed it', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    await journal.appendMessage(message({ readings: [reading()] }));
    const refused = () =>
      journal.appendMessage(
        message({ readings: [], quarantine: [quarantined('store-1-1-0')], again: { wasCounted: true } }),
      );
    await refused();
    await refused();
    await journal.appendCommand('eve', { verb: 'replay-quarantine', quarantineId: 'store-1-1-0' });
    await journal.appendMessage(message({ readings: [reading()], replayOf: 'store-1-1-0' }));
    await refused();
    expect(read().quarantine.list(null, 10)).toEqual([]);
    expect(read().intakeCount('g1')).toMatchObject({ received: 1, quarantined: 0 });
  });
});

describe('a share of quarantine', () => {
  const registered = async (journal: ReturnType<ReturnType<typeof journalFixture>['open']>, ...ids: string[]) => {
    const body = { stations: [] };
    await Promise.all(ids.map((id) => journal.appendCommand('eva', { verb: 'put', noun: 'gateway', id, body })));
  };
  const sent = (source: string, count: number, name = source) =>
    message({
      source,
      readings: [],
      quarantine: Array.from({ length: count }, (_, index) => quarantined(`${name}-${index}`, { source })),
    });

  it('is a tenth and at least 1,000 items; its own oldest go, nobody else’s', async () => {
    const { open, read } = journalFixture();
    const journal = open({ quarantineMaxItems: 20_000 });
    await registered(journal, 'noisy', 'quiet');
    await journal.appendMessage(sent('quiet', 10));
    // 26 messages of a hundred items each, as they are left of 26 messages with 5,000 unknown names.
    for (let turn = 0; turn < 26; turn++) await journal.appendMessage(sent('noisy', 100, `noisy${turn}`));
    const { quarantine } = read();
    expect(quarantine.size()).toMatchObject({ items: 2010, dropped: 600 });
    const kept = quarantine.list(null, 5000);
    expect(kept.filter(({ source }) => source === 'quiet')).toHaveLength(10);
    expect(kept.filter(({ source }) => source === 'noisy').at(-1)!.id).toBe('noisy6-0');
    expect(read().intakeCount('noisy')).toMatchObject({ received: 2600, quarantined: 2600 });
  });

  it('is one for all imports, and one for all sources that nobody registered', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    await registered(journal, 'import', 'gw-1');
    const sources = ['import:a', 'import:b', 'import', 'stranger-1', 'stranger-2', 'user:eve', 'user:bob', 'gw-1'];
    for (const source of sources) await journal.appendMessage(sent(source, 900));
    const { quarantine } = read();
    const kept = quarantine.list(null, 9000).map(({ source }) => source);
    const counts = sources.map((source) => kept.filter((other) => other === source).length);
    // By default it is 10,000; with the limits of a test at least 1,000.
    expect(counts).toEqual(sources.map(() => 900));
    const small = journalFixture();
    const tight = small.open({ quarantineMaxItems: 9000 });
    await registered(tight, 'import', 'gw-1');
    for (const source of sources) await tight.appendMessage(sent(source, 900));
    const left = small.read().quarantine.list(null, 9000);
    expect(sources.map((name) => left.filter(({ source }) => source === name).length)).toEqual([
      100, 900, 900, 100, 900, 900, 900, 900,
    ]);
  });

  it('has room for bytes as well, and keeps the newest item however large', async () => {
    const { open, read } = journalFixture();
    const journal = open({ quarantineMaxBytes: 60_000_000 });
    await registered(journal, 'gw-1');
    const large = (id: string, bytes: number) =>
      message({
        readings: [],
        source: 'gw-1',
        quarantine: [quarantined(id, { source: 'gw-1', payload: Buffer.alloc(bytes, 1) })],
      });
    for (let index = 0; index < 4; index++) await journal.appendMessage(large(`l${index}`, 2_500_000));
    const { quarantine } = read();
    expect(quarantine.list(null, 10).map(({ id }) => id)).toEqual(['l3', 'l2']);
    await journal.appendMessage(large('huge', 9_000_000));
    expect(quarantine.list(null, 10).map(({ id }) => id)).toEqual(['huge']);
    await journal.appendMessage(message({ source: 'gw-1', readings: [reading()], replayOf: 'huge' }));
    expect(quarantine.size()).toEqual({ items: 0, bytes: 0, dropped: 4 });
  });
});

describe('intake counts', () => {
  it('count values per source, since when and until when', async () => {
    const { open, read, clock } = journalFixture();
    const journal = open();
    await journal.appendMessage(message({ readings: [reading(), reading()], quarantine: [quarantined('a')] }));
    clock.advance(500);
    await Promise.all([
      journal.appendMessage(message()),
      journal.appendMessage(message({ source: 'g2', readings: [], quarantine: [quarantined('b', { source: 'g2' })] })),
    ]);
    const reader = read();
    expect(reader.intakeCounts()).toEqual([
      { source: 'g1', received: 4, quarantined: 1, sinceMs: NOON_MS, lastSeenMs: NOON_MS + 500 },
      { source: 'g2', received: 1, quarantined: 1, sinceMs: NOON_MS + 500, lastSeenMs: NOON_MS + 500 },
    ]);
    expect(reader.intakeCount('g2')).toMatchObject({ received: 1 });
    expect(reader.intakeCount('g3')).toBeUndefined();
  });

  it('move a replayed item from quarantined to taken, and are no sign of life', async () => {
    const { open, read, clock } = journalFixture();
    const journal = open();
    await journal.appendMessage(message({ readings: [], quarantine: [quarantined('a')] }));
    clock.advance(60_000);
    await journal.appendMessage(message({ readings: [reading()], replayOf: 'a' }));
    const reader = read();
    expect(reader.intakeCount('g1')).toEqual({
      source: 'g1',
      received: 1,
      quarantined: 0,
      sinceMs: NOON_MS,
      lastSeenMs: NOON_MS,
    });
    expect(reader.quarantine.get('a')).toBeUndefined();
    expect(reader.quarantine.size()).toEqual({ items: 0, bytes: 0, dropped: 0 });
  });

  it('refuse the second of two replays of one item, alone', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    await journal.appendMessage(message({ readings: [], quarantine: [quarantined('a')] }));
    const failures: Error[] = [];
    journal.onFailure((error) => failures.push(error));
    const results = await Promise.allSettled([
      journal.appendMessage(message({ replayOf: 'a' })),
      journal.appendMessage(message({ replayOf: 'a' })),
      journal.appendMessage(message()),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value.seq : result.reason.code))).toEqual([
      2,
      'not-found',
      3,
    ]);
    expect(failures).toEqual([]);
    expect(read().intakeCount('g1')).toMatchObject({ received: 2, quarantined: 0 });
  });

  it('always add up: received = taken + in quarantine + dropped from it', async () => {
    const step = fc.record({
      taken: fc.nat(3),
      refused: fc.nat(3),
      replayed: fc.option(fc.nat(30), { nil: undefined }),
      isAwaited: fc.boolean(),
      count: fc.integer({ min: 1, max: 4000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { open, read } = journalFixture();
        const journal = open({ quarantineMaxItems: 7 });
        let count = 0;
        const appends: Promise<unknown>[] = [];
        for (const { taken, refused, replayed, isAwaited, count: values } of steps) {
          const readings = Array.from({ length: taken }, () => reading());
          const quarantine = Array.from({ length: refused }, () => quarantined(`i${count++}`, { count: values }));
          const draft = message({
            readings,
            quarantine,
            ...(replayed === undefined ? {} : { replayOf: `i${replayed}` }),
          });
          appends.push(journal.appendMessage(draft));
          if (isAwaited) await Promise.allSettled(appends);
        }
        await Promise.allSettled(appends);
        const reader = read();
        const stored = reader
          .read(0, 1_000)
          .reduce((sum, entry) => sum + (entry.kind === 'message' ? entry.readings.length : 0), 0);
        const { received, quarantined: inQuarantine } = reader.intakeCount('g1') ?? { received: 0, quarantined: 0 };
        expect(received).toBe(stored + inQuarantine);
        const { items, dropped } = reader.quarantine.size();
        const held = reader.quarantine.list(null, 100);
        expect(held).toHaveLength(items);
        const kept = held.reduce((sum, item) => sum + item.count, 0);
        if (dropped === 0) expect(inQuarantine).toBe(kept);
        else expect(inQuarantine).toBeGreaterThan(kept);
        reader.close();
        await journal.close();
      }),
      { numRuns: 40 },
    );
  });
});
