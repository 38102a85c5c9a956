import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Receipt } from '#ingest/door.ts';
import { aStation, delivery, gapsOf, NOW_MS, openDoor, smallReference } from '#tests/helpers/ingest/door.ts';

const MINUTE_MS = 60_000;
const SOURCE = 'g1';

function counted({ accepted, duplicates, corrections, pending, quarantined }: Receipt) {
  const refused = quarantined.reduce((sum, { count = 1 }) => sum + count, 0);
  return { accepted, duplicates, corrections, pending, quarantined: refused };
}

describe('conservation', () => {
  const value = fc.oneof(
    fc.integer({ min: 0, max: 2 }),
    fc.constant(null),
    fc.jsonValue({ maxDepth: 2 }),
    fc.record({ value: fc.oneof(fc.double(), fc.constant('x')), unit: fc.constantFrom('mg/L', 'ug/L', 'nope') }),
  );
  const sample = fc.record({
    station: fc.constantFrom('taocha', 'xisi-lake', 'atlantis'),
    time: fc.oneof(
      fc.integer({ min: NOW_MS - 20 * MINUTE_MS, max: NOW_MS + 11 * MINUTE_MS }),
      fc.constantFrom('2026-11-22T08:00:00', '2026-11-22T07:59:00Z', 5),
    ),
    values: fc.dictionary(fc.constantFrom('ph', 'PH', 'nh3n', 'w21003', 'turbidity', 'nope', '__proto__'), value),
  });
  const message = fc.oneof(
    { weight: 4, arbitrary: fc.record({ samples: fc.array(sample, { maxLength: 6 }) }) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );

  it('received = accepted + duplicates + corrections + pending + quarantined, in the receipts and in the journal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
        const { gate, journal } = await openDoor();
        const total = { accounted: 0, quarantined: 0 };
        for (const body of messages) {
          const receipt = await gate.accept(delivery(JSON.stringify(body), { stations: new Set(['taocha']) }));
          const { accepted, duplicates, corrections, pending, quarantined } = counted(receipt);
          total.accounted += accepted + duplicates + corrections + pending + quarantined;
          total.quarantined += quarantined;
        }
        const intake = journal.intake.get(SOURCE) ?? { received: 0, quarantined: 0 };
        expect(intake).toEqual({ received: total.accounted, quarantined: total.quarantined });
        expect(journal.quarantine.size).toBe(total.quarantined);
        for (const entry of journal.entries) {
          if (entry.kind !== 'message') continue;
          for (const { value: taken, flag, timeMs } of entry.readings) {
            expect(taken === null).toBe(flag === 9);
            expect(Number.isFinite(taken ?? 0) && Number.isSafeInteger(timeMs)).toBe(true);
          }
        }
      }),
    );
  });

  it.each(['application/json', 'text/csv'] as const)('no bytes make it throw (%s)', async (contentType) => {
    const { gate } = await openDoor();
    const csvish = fc
      .array(fc.constantFrom('station,time,parameter,value', '\n', '\r\n', '"', ',', 'taocha', `${NOW_MS}`, 'ph', '7'))
      .map((parts) => Buffer.from(`station,time,parameter,value\n${parts.join('')}`));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), csvish), async (bytes) => {
        const receipt = await gate.accept(delivery(bytes, { contentType }));
        gate.preview(delivery(bytes, { contentType }));
        for (const { quarantineId } of receipt.quarantined) expect(quarantineId).toMatch(/^[\w-]{16,}$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('verdicts', () => {
  it('follow the order of arrival, also inside one message and between messages of one commit', async () => {
    const { gate, journal } = await openDoor({ manual: true });
    const at = (value: number) => ({ station: 'taocha', time: NOW_MS, values: { ph: value } });
    const first = gate.accept(delivery(JSON.stringify({ samples: [at(7), at(7), at(8), at(8)] })));
    const second = gate.accept(delivery(JSON.stringify({ samples: [at(8), at(7)] })));
    journal.commit();
    expect(counted(await first)).toEqual({ accepted: 1, duplicates: 2, corrections: 1, pending: 0, quarantined: 0 });
    expect(counted(await second)).toEqual({ accepted: 0, duplicates: 1, corrections: 1, pending: 0, quarantined: 0 });
  });

  it('the receipt waits for the commit', async () => {
    const { gate, journal } = await openDoor({ manual: true });
    let isAnswered = false;
    const receipt = gate.accept(delivery('not json')).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    journal.commit();
    expect((await receipt).undecodable).toBe(true);
  });

  it('forget what a failed commit has lost: sent again it is new, not a duplicate', async () => {
    const { gate, journal } = await openDoor({ manual: true });
    const send = (ph: number, minutes: number) =>
      gate.accept(delivery(JSON.stringify({ station: 'taocha', time: NOW_MS + minutes * MINUTE_MS, values: { ph } })));
    const kept = send(7, 0);
    journal.commit();
    await kept;
    const lost = [send(7.5, 0), send(7.1, 1), send(7.1, 1)];
    journal.fail();
    for (const receipt of lost)
      await expect(receipt).rejects.toMatchObject({ code: 'journal.unwritable', retryable: true });
    const { series } = journal.seriesFor('taocha', 'ph');
    expect(gate.latest(series.id)).toMatchObject({ timeMs: NOW_MS, value: 7 });
    const again = [send(7, 0), send(7.5, 0), send(7.1, 1)];
    journal.commit();
    const verdicts = (await Promise.all(again)).map(counted);
    expect(verdicts).toMatchObject([{ duplicates: 1 }, { corrections: 1 }, { accepted: 1, corrections: 0 }]);
  });
});

describe('rebuild', () => {
  it('from tail and newest: what is known is decided exactly, later is new, the rest is unsettled', async () => {
    const { journal, reopen, send } = await openDoor();
    for (let minute = 0; minute < 100; minute++) await send({ ph: 7 + minute / 100 }, NOW_MS - minute * MINUTE_MS);
    const gate = reopen();
    gate.rebuild(journal.entries, new Map());
    const { series } = journal.seriesFor('taocha', 'ph');
    expect(gate.latest(series.id)).toMatchObject({ timeMs: NOW_MS, value: 7 });
    const verdictOf = async (timeMs: number, ph: number) => {
      const { seq } = await gate.accept(delivery(JSON.stringify({ station: 'taocha', time: timeMs, values: { ph } })));
      const entry = journal.entries[seq - 1]!;
      return entry.kind === 'message' ? entry.readings[0]!.verdict : null;
    };
    expect(await verdictOf(NOW_MS, 7)).toBe('duplicate');
    expect(await verdictOf(NOW_MS - MINUTE_MS, 8)).toBe('correction');
    expect(await verdictOf(NOW_MS + MINUTE_MS, 7)).toBe('new');
    expect(await verdictOf(NOW_MS - 90 * MINUTE_MS, 7.9)).toBe('unsettled');
    expect(await verdictOf(NOW_MS - MINUTE_MS / 2, 7)).toBe('unsettled');
    expect(await verdictOf(NOW_MS - MINUTE_MS / 2, 7)).toBe('unsettled');
  });

  it('knows the newest stored reading of a series that the tail does not reach', async () => {
    const { journal, reopen } = await openDoor();
    const { series } = journal.seriesFor('taocha', 'ph');
    const gate = reopen();
    gate.rebuild([], new Map([[series.id, { timeMs: NOW_MS, value: 7, flag: 1, deviceFlag: null }]]));
    const accept = async (timeMs: number) =>
      counted(await gate.accept(delivery(JSON.stringify({ station: 'taocha', time: timeMs, values: { ph: 7 } }))));
    expect(await accept(NOW_MS - 1)).toMatchObject({ pending: 1 });
    expect(await accept(NOW_MS)).toMatchObject({ duplicates: 1 });
    expect(await accept(NOW_MS + 1)).toMatchObject({ accepted: 1 });
  });

  it('decides nothing about a series of which it was told nothing, until later times come', async () => {
    const { clock, journal, reopen } = await openDoor();
    journal.seriesFor('taocha', 'ph');
    const gate = reopen();
    const accept = async (timeMs: number) =>
      counted(await gate.accept(delivery(JSON.stringify({ station: 'taocha', time: timeMs, values: { ph: 7 } }))));
    expect(await accept(NOW_MS)).toMatchObject({ pending: 1 });
    clock.advance(20 * MINUTE_MS);
    expect(await accept(clock.nowMs())).toMatchObject({ accepted: 1 });
  });

  it('a correction by an engineer, live or in the tail, leaves other values of that time to the store', async () => {
    const { gate, journal, reopen, send } = await openDoor();
    await send({ ph: 7 }, NOW_MS);
    const range = { fromMs: NOW_MS, toMs: NOW_MS + 1, reason: 'calibration' };
    await journal.appendCommand('eva', {
      verb: 'correct',
      action: 'set',
      value: 6,
      station: 'taocha',
      parameter: 'ph',
      ...range,
    });
    expect((await send({ ph: 7 }, NOW_MS))[0]!.verdict).toBe('duplicate');
    const { series } = journal.seriesFor('taocha', 'ph');
    const corrected = { timeMs: NOW_MS, value: 6, flag: 2, deviceFlag: null } as const;
    gate.settle(series.id, corrected);
    expect(gate.latest(series.id)).toEqual(corrected);
    const later = reopen();
    later.rebuild(journal.entries, new Map([[series.id, corrected]]));
    expect(later.latest(series.id)).toEqual(corrected);
    const body = (ph: number) => JSON.stringify({ station: 'taocha', time: NOW_MS, values: { ph } });
    expect(counted(await later.accept(delivery(body(7))))).toMatchObject({ duplicates: 1, pending: 0 });
    expect(counted(await later.accept(delivery(body(7.5))))).toMatchObject({ pending: 1 });
    // Of the tail's end alone it can't be known what was there before.
    const after = reopen();
    after.rebuild(
      journal.entries.filter((entry) => entry.kind === 'message').slice(1, 2),
      new Map([[series.id, corrected]]),
    );
    expect(after.latest(series.id)).toEqual(corrected);
  });
});

describe('quarantine', () => {
  it('keeps what was sent, so that the same number comes again', async () => {
    const { gate, journal } = await openDoor();
    const values = '{"nope":{"value":1e999,"unit":"mg/L","flag":"N"},"nh3n":-1e999,"__proto__":7}';
    const receipt = await gate.accept(delivery(`{"station":"taocha","time":${NOW_MS},"values":${values}}`));
    const kept = receipt.quarantined.map(({ quarantineId }) => journal.quarantine.get(quarantineId)!);
    const texts = kept.map((item) => Buffer.from(item.payload).toString());
    const head = `{"station":"taocha","time":${NOW_MS},"values":`;
    expect(texts).toEqual([
      `${head}{"nope":{"value":1e999,"unit":"mg/L","flag":"N"}}}`,
      `${head}{"nh3n":-1e999}}`,
      `${head}{"__proto__":7}}`,
    ]);
  });

  it('a CSV row comes again with its header', async () => {
    const { gate, journal } = await openDoor();
    const rows = `value,time,parameter,station,note\n"7,1",${NOW_MS},ph,"a ""b""",x\n`;
    const receipt = await gate.accept(delivery(rows, { contentType: 'text/csv' }));
    const item = journal.quarantine.get(receipt.quarantined[0]!.quarantineId)!;
    expect(Buffer.from(item.payload).toString()).toBe(
      `station,time,parameter,value,unit,flag\n"a ""b""",${NOW_MS},ph,"7,1",,\n`,
    );
    expect(item).toMatchObject({ contentType: 'text/csv', path: 'row 2', code: 'station.unknown', source: 'g1' });
  });

  it('many faults of one big message stay small', async () => {
    const { gate, journal } = await openDoor();
    const values = Object.fromEntries(Array.from({ length: 4000 }, (_, index) => [`p${index}`, index]));
    const body = JSON.stringify({ station: 's'.repeat(150_000), time: 't'.repeat(50_000), values });
    const receipt = await gate.accept(delivery(body));
    expect(counted(receipt).quarantined).toBe(4000);
    const bytes = [...journal.quarantine.values()].reduce(
      (sum, { payload, message }) => sum + payload.length + message.length,
      0,
    );
    expect(bytes).toBeLessThan(4000 * 1000);
  });

  it('a replayed item leaves when it is taken, and the counts stay true', async () => {
    const { gate, journal } = await openDoor();
    const body = JSON.stringify({ station: 'danjiangkou', time: NOW_MS, values: { ph: 7, nope: 1 } });
    const receipt = await gate.accept(delivery(body));
    await journal.appendCommand('eva', { verb: 'put', noun: 'station', id: 'danjiangkou', body: aStation() });
    const items = receipt.quarantined.map(({ quarantineId }) => journal.quarantine.get(quarantineId)!);
    expect(counted(await gate.replay(items[0]!, null))).toMatchObject({ accepted: 1, quarantined: 0 });
    expect(counted(await gate.replay(items[1]!, null))).toMatchObject({ accepted: 0, quarantined: 1 });
    expect([...journal.quarantine.keys()]).toEqual([items[1]!.id]);
    expect(journal.intake.get('g1')).toEqual({ received: 2, quarantined: 1 });
    expect(gapsOf(journal, 'g1')).toEqual({ missing: 0, lastSeq: null });
  });

  it('what is too large or refused by a transport is kept by its first 4 KiB, counted as one', async () => {
    const { gate, journal } = await openDoor();
    const big = Buffer.alloc(300_000, 'a');
    const receipt = await gate.accept(delivery(big));
    expect(receipt).toMatchObject({ undecodable: true, quarantined: [{ code: 'message.too-large' }] });
    const foreign = await gate.refuse(
      'g1',
      { code: 'topic.not-yours', message: 'wk/v1/g2/readings' },
      Buffer.from('{}'),
    );
    expect(foreign).toMatchObject({ undecodable: true, accepted: 0, quarantined: [{ code: 'topic.not-yours' }] });
    const kept = [...journal.quarantine.values()];
    expect(kept.map(({ payload }) => payload.byteLength)).toEqual([4096, 2]);
    expect(journal.intake.get('g1')).toEqual({ received: 2, quarantined: 2 });
    expect(counted(await gate.replay(kept[1]!, null))).toMatchObject({ quarantined: 1 });
    expect(journal.quarantine.size).toBe(2);
  });

  it('5,000 values are taken, 5,001 are refused as one', async () => {
    const { gate } = await openDoor();
    const samples = Array.from({ length: 2500 }, (_, index) => ({
      station: 'taocha',
      time: NOW_MS - 5_000_000 + index * 1000,
      values: { ph: 7, nh3n: 0.1 },
    }));
    expect((await gate.accept(delivery(JSON.stringify({ samples })))).accepted).toBe(5000);
    const csv = (rows: number) =>
      delivery(`station,time,parameter,value\n${'taocha,1,ph,1\n'.repeat(rows)}`, { contentType: 'text/csv' });
    expect(counted(await gate.accept(csv(5000))).quarantined).toBe(5000);
    expect(await gate.accept(csv(5001))).toMatchObject({
      undecodable: true,
      quarantined: [{ code: 'message.too-many-values' }],
    });
    const many = `{"station":"taocha","time":1,"values":{${Array.from({ length: 5001 }, (_, index) => `"p${index}":1`)}}}`;
    expect((await gate.accept(delivery(many))).quarantined).toMatchObject([{ code: 'message.too-many-values' }]);
  });
});

describe('what it knows beside', () => {
  it('preview sees earlier readings and leaves no trace', async () => {
    const { gate, journal, send } = await openDoor();
    await send({ turbidity: 5 }, NOW_MS - 2 * MINUTE_MS);
    const head = journal.headSeq;
    const body = JSON.stringify({ station: 'taocha', time: NOW_MS, values: { turbidity: 60, ph: 7 } });
    const { readings, faults } = gate.preview(delivery(body));
    expect(readings.map(({ parameter, value, flag }) => [parameter, value, flag])).toEqual([
      ['turbidity', 60, 3],
      ['ph', 7, 2],
    ]);
    expect(faults).toEqual([]);
    expect(journal.headSeq).toBe(head);
    expect(journal.seriesFor('taocha', 'ph').isNew).toBe(true);
    expect((await send({ turbidity: 60 }, NOW_MS))[0]).toMatchObject({ verdict: 'new', flag: 3 });
  });

  it('a station that is changed is judged by its new thresholds', async () => {
    const { journal, send } = await openDoor();
    expect((await send({ turbidity: 50 }, NOW_MS - MINUTE_MS))[0]!.flag).toBe(1);
    const body = aStation({ parameters: [{ id: 'turbidity', qc: { suspect: [0, 10] } }] });
    await journal.appendCommand('eva', { verb: 'put', noun: 'station', id: 'taocha', body });
    const [reading] = await send({ turbidity: 50 }, NOW_MS);
    expect(reading).toMatchObject({ flag: 3, verdict: 'new' });
    await journal.appendCommand('eva', { verb: 'delete', noun: 'station', id: 'taocha' });
    await expect(send({ turbidity: 50 }, NOW_MS)).resolves.toEqual([]);
  });

  it('holes in a gateway numbering, filled ones, repeated ones, and a new start', async () => {
    const { gate, journal } = await openDoor();
    const send = (seq: number) => gate.accept(delivery(JSON.stringify({ seq, samples: [] })));
    for (const seq of [10, 11, 15, 13, 13, 15]) await send(seq);
    expect(gapsOf(journal, 'g1')).toEqual({ missing: 2, lastSeq: 15 });
    await send(900_000);
    expect(gapsOf(journal, 'g1')).toEqual({ missing: 2, lastSeq: 900_000 });
    await send(1);
    await send(2);
    expect(gapsOf(journal, 'g1')).toEqual({ missing: 2, lastSeq: 2 });
    expect(gapsOf(journal, 'g2')).toEqual({ missing: 0, lastSeq: null });
  });

  it('the median of how late newest samples are, which a backfill does not move', async () => {
    const { gate, send } = await openDoor();
    expect(gate.clockOffsetMs('g1')).toBeNull();
    for (const late of [100, 300, 200, 86_400_000, -500]) await send({ ph: 7 }, NOW_MS - late);
    expect(gate.clockOffsetMs('g1')).toBe(200);
  });

  it('an engineer may write every station, a gateway only its own', async () => {
    const { gate } = await openDoor({ reference: smallReference() });
    const body = JSON.stringify({
      samples: ['taocha', 'xisi-lake'].map((station) => ({ station, time: NOW_MS, values: { ph: 7 } })),
    });
    const own = await gate.accept(delivery(body, { stations: new Set(['taocha']) }));
    expect(own.quarantined).toMatchObject([{ code: 'gateway.not-owner', path: 'samples[1].values.ph' }]);
    const all = await gate.accept({ ...delivery(body), source: 'user:eva' });
    expect(counted(all)).toMatchObject({ accepted: 1, duplicates: 1, quarantined: 0 });
  });
});
