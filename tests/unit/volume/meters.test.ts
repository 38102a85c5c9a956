/** Meters that are replaced, rulings about single reads, and bad input: each has a defined answer. */
import { describe, expect, it } from 'vitest';
import { volumes } from '#books/questions/volumes.ts';
import { bucketEdges, HOUR_MS } from '#model/calendar.ts';
import { type Meter, meter as meterSchema } from '#model/register.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';
import { INAUGURATION_MS, namedRange } from '#volume/calendar-names.ts';

const T0 = Date.UTC(2026, 2, 1);
const at = (hours: number) => T0 + hours * HOUR_MS;
const iso = (timeMs: number) => new Date(timeMs).toISOString();
const METER: Meter = { ...REGISTER_METER, maxGap: 'PT2H' };
const reads = (from: number, ...values: number[]): Read[] =>
  values.map((value, hour) => ({ timeMs: at(from + hour), value }));

async function settled(meter: Meter, given: readonly Read[]) {
  const rig = volumeRig({ m: meter });
  await rig.write('m', given);
  await rig.settle();
  return rig;
}

describe('a replaced register', () => {
  const swapped: Meter = {
    ...METER,
    size: 10_000,
    replacements: [{ at: iso(at(2.5)), end: 9060, start: 3, size: 500 }],
  };
  const given = [...reads(0, 9000, 9020, 9050), ...reads(3, 8, 490, 20)];

  it('keeps both histories: what ran until its last count, what the new one counts, each with its own size', async () => {
    const rig = await settled(swapped, given);
    // 9000 → 9060, then 3 → 490 → (500) → 20.
    expect(rig.total('m', T0, at(5))).toEqual({ measured: 60 + 487 + 30, estimated: 0, unknownHours: 0 });
    expect(rig.decided('m')).toEqual([
      { timeMs: at(2.5), kind: 'replacement', litres: null, isRuled: true },
      { timeMs: at(5), kind: 'rollover', litres: 30_000, isRuled: false },
    ]);
  });

  it('is unknown between its last read and the new one’s first where nobody noted the counts', async () => {
    const rig = await settled({ ...swapped, replacements: [{ at: iso(at(2.5)), size: 500 }] }, given);
    expect(rig.total('m', T0, at(5))).toEqual({ measured: 50 + 482 + 30, estimated: 0, unknownHours: 1 });
  });

  it('is no reset any more once its replacement is put on record, and one again when that is taken back', async () => {
    const rig = await settled({ ...METER, size: 10_000 }, [...reads(0, 9000, 9020, 9050), ...reads(3, 8, 18)]);
    const before = rig.kept();
    expect(rig.decided('m')).toMatchObject([{ kind: 'rollover' }]);
    rig.put('meter', 'm', { ...swapped, maxFlow: 500 });
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'replacement' }]);
    rig.put('meter', 'm', { ...METER, size: 10_000 });
    await rig.settle();
    expect(rig.kept()).toEqual(before);
  });

  it('is written as docs/volumes.md shows', () => {
    const [example] = fencesOf(readDocument('docs/volumes.md')).filter(({ language }) => language === 'json');
    expect(meterSchema.parse(JSON.parse(example!.text)).replacements).toHaveLength(1);
  });

  it.each([
    ['overlapping', [{ at: iso(at(5)) }, { at: iso(at(3)) }]],
    ['at the same time', [{ at: iso(at(5)) }, { at: iso(at(5)) }]],
    ['before the meter existed', [{ at: iso(at(-5)) }]],
  ])('can not be replaced twice: %s', (_, replacements) => {
    const parsed = meterSchema.safeParse({ ...METER, from: iso(T0), replacements });
    expect(parsed.error?.issues[0]?.path).toEqual(['replacements']);
  });
});

describe('a ruling', () => {
  const given = reads(0, 100, 110, 5, 15, 25);

  it.each([
    ['reset', 30, 1, null],
    ['replacement', 30, 1, null],
    ['rollover', 925, 0, 895_000],
    ['reverse', -75, 0, -105_000],
  ] as const)('%s stands above what was decided by rule', async (kind, measured, unknownHours, litres) => {
    const rig = await settled({ ...METER, size: 1000, maxFlow: 0.05 }, given);
    expect(rig.decided('m')).toMatchObject([{ kind: 'reset', isRuled: false }]);
    rig.rule('m', at(2), kind);
    await rig.settle();
    expect(rig.decided('m')).toEqual([{ timeMs: at(2), kind, litres, isRuled: true }]);
    expect(rig.total('m', T0, at(4))).toEqual({ measured, estimated: 0, unknownHours });
  });

  it('leaves a read out that the rules believed in', async () => {
    const rig = await settled(METER, reads(0, 100, 110, 150, 130, 140));
    rig.rule('m', at(2), 'glitch');
    await rig.settle();
    expect(rig.total('m', T0, at(4))).toEqual({ measured: 40, estimated: 0, unknownHours: 0 });
    rig.undo('m', at(2));
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ timeMs: at(3), kind: 'reset' }]);
  });

  it('takes a jump that really ran', async () => {
    const rig = await settled({ ...METER, maxFlow: 0.05 }, reads(0, 100, 110, 900, 910));
    expect(rig.total('m', T0, at(3))).toMatchObject({ measured: 20, unknownHours: 1 });
    rig.rule('m', at(2), 'accepted');
    await rig.settle();
    expect(rig.total('m', T0, at(3))).toEqual({ measured: 810, estimated: 0, unknownHours: 0 });
  });
});

describe('bad input', () => {
  it('m³/h sent as m³/s is beyond the plausible flow: decided, never booked', async () => {
    const flow: Meter = { ...METER, parameter: 'flow', kind: 'flow', unit: 'm3/s', maxFlow: 60, maxGap: 'PT3H' };
    const rig = await settled(flow, reads(0, 20, 20 * 3600, 20, 20));
    expect(rig.total('m', T0, at(3))).toEqual({ measured: 216_000, estimated: 0, unknownHours: 0 });
    expect(rig.decided('m')).toMatchObject([{ timeMs: at(1), kind: 'glitch', litres: null }]);
  });

  it('readings from before the meter existed, or after it went, are nobody’s water', async () => {
    const rig = await settled({ ...METER, from: iso(at(2)), to: iso(at(4)) }, reads(0, 10, 20, 30, 40, 50, 60));
    // What ran until its last instant is told from the read after it, which is not its own.
    expect(rig.total('m', T0, at(5))).toEqual({ measured: 20, estimated: 0, unknownHours: 0 });
  });

  it('no data at all is nothing, for as long as it is', async () => {
    const rig = await settled(METER, []);
    expect(rig.total('m', T0, at(48))).toEqual({ measured: 0, estimated: 0, unknownHours: 48 });
  });

  it.each([
    ['the night that clocks go back (Berlin, 25 h)', 'Europe/Berlin', Date.UTC(2026, 9, 25)],
    ['the night that clocks go on (Berlin, 23 h)', 'Europe/Berlin', Date.UTC(2026, 2, 29)],
    ['an offset of half an hour (Kolkata)', 'Asia/Kolkata', Date.UTC(2026, 2, 29)],
    ['a leap day', 'Asia/Shanghai', Date.UTC(2028, 1, 29)],
  ])('%s belongs to a day, whole and once', async (_, timeZone, dayMs) => {
    const rig = volumeRig({ m: METER });
    const from = dayMs - 48 * HOUR_MS;
    const given = Array.from({ length: 121 }, (_value, hour) => ({ timeMs: from + hour * HOUR_MS, value: hour * 60 }));
    await rig.write('m', given);
    await rig.settle();
    const to = from + 120 * HOUR_MS;
    const edgesMs = bucketEdges(from, to, 'day', timeZone, 20);
    const days = volumes(rig.derived, { meters: [{ id: 'm', meter: METER }], edgesMs });
    for (const { startMs, endMs, measuredLitres } of days) expect(measuredLitres).toBe((endMs - startMs) / 60);
    expect(days.reduce((sum, day) => sum + day.measuredLitres, 0)).toBe(120 * 60_000);
  });
});

describe('names of periods', () => {
  it('know months, transfer years, leap years and the inauguration', () => {
    const zone = 'Asia/Shanghai';
    const days = (name: string) => {
      const { fromMs, toMs } = namedRange(name, zone);
      return (toMs - fromMs) / (24 * HOUR_MS);
    };
    expect(['2024-02', '2026-02', '2023-24', '2025-26', '2099-00'].map(days)).toEqual([29, 28, 366, 365, 365]);
    expect(iso(namedRange('2025-26', zone).fromMs)).toBe('2025-10-31T16:00:00.000Z');
    expect(iso(INAUGURATION_MS)).toBe('2014-12-12T06:32:00.000Z');
    for (const name of ['2025-27', '2026-00', '2026-13']) expect(() => namedRange(name, zone)).toThrow(/neither/);
  });
});
