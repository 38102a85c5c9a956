/** The transfer year of docs/volumes.md: what was computed there by hand, to the litre. */
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';
import { readDocument } from '#tests/helpers/repository/documents.ts';
import { namedRange } from '#volume/calendar-names.ts';

const ZONE = 'Asia/Shanghai';
const YEAR = namedRange('2025-26', ZONE);
const local = (text: string) => Date.parse(`${text}:00+08:00`);
const SWAPPED_MS = local('2026-03-01T00:30');
const OLD_COUNT = 311_094_000;

const delivery = (recipient: string, rest: Partial<Meter>): Meter => ({
  ...REGISTER_METER,
  station: recipient,
  recipient,
  measures: 'delivery',
  maxFlow: 100,
  ...rest,
});
const METERS: Record<string, Meter> = {
  beijing: delivery('beijing', {
    replacements: [{ at: new Date(SWAPPED_MS).toISOString(), end: OLD_COUNT, start: 7 }],
  }),
  tianjin: delivery('tianjin', { size: 100_000_000 }),
  hebei: delivery('hebei', {}),
  henan: delivery('henan', { parameter: 'flow', kind: 'flow', unit: 'm3/s' }),
};
const RATES = { beijing: 30, tianjin: 25, hebei: 70 };

const hours = Array.from(
  { length: (YEAR.toMs - YEAR.fromMs) / HOUR_MS + 1 },
  (_, hour) => YEAR.fromMs + hour * HOUR_MS,
);
const ran = (recipient: keyof typeof RATES, timeMs: number) => (RATES[recipient] * (timeMs - YEAR.fromMs)) / 1000;
const isDoubled = (timeMs: number) => timeMs >= local('2026-07-01T08:00') && timeMs < local('2026-07-02T08:00');

const READS: Record<string, Read[]> = {
  beijing: hours.map((timeMs) => {
    const count = ran('beijing', timeMs);
    return { timeMs, value: timeMs < SWAPPED_MS ? count : count - OLD_COUNT + 7 };
  }),
  tianjin: hours.map((timeMs) => ({ timeMs, value: ran('tianjin', timeMs) % 100_000_000 })),
  hebei: hours
    .filter((timeMs) => timeMs <= local('2026-05-10T00:00') || timeMs >= local('2026-05-12T00:00'))
    .map((timeMs) => ({ timeMs, value: ran('hebei', timeMs) })),
  henan: hours.map((timeMs) => ({ timeMs, value: isDoubled(timeMs) ? 80 : 40 })),
};

/** The table under `<!-- year -->`. */
function byHand() {
  const [, table = ''] = readDocument('docs/volumes.md').split('<!-- year -->\n');
  return table
    .split('\n\n')[0]!
    .split('\n')
    .slice(2)
    .map((row) => {
      const [, recipient = '', ...numbers] = row.split('|').map((cell) => cell.trim());
      const [measured, estimated, unknownHours, before] = numbers.map(Number);
      return { recipient, told: { measured, estimated, unknownHours }, before };
    });
}

describe('a transfer year of four recipients', () => {
  it('with a swap, rollovers, a two-day gap and a late correction is what was computed by hand', async () => {
    const rig = volumeRig(METERS);
    for (const [meter, reads] of Object.entries(READS)) await rig.write(meter, reads);
    await rig.settle();
    const expected = byHand();
    expect(expected.map(({ recipient }) => recipient)).toEqual(Object.keys(METERS));
    const sum = ({ measured, estimated }: { measured: number; estimated: number }) => measured + estimated;
    const year = (meter: string | string[]) => rig.total(meter, YEAR.fromMs, YEAR.toMs);
    for (const { recipient, before } of expected)
      expect([recipient, sum(year(recipient))]).toEqual([recipient, before]);
    await rig.write(
      'henan',
      hours.filter(isDoubled).map((timeMs) => ({ timeMs, value: 40 })),
    );
    await rig.settle();
    for (const { recipient, told } of expected) expect([recipient, year(recipient)]).toEqual([recipient, told]);
    expect(sum(year(Object.keys(METERS)))).toBe(5_203_440_000);
    const month = (meter: string, name: string) => {
      const { fromMs, toMs } = namedRange(name, ZONE);
      return rig.total(meter, fromMs, toMs);
    };
    expect(sum(month('tianjin', '2026-02'))).toBe(60_480_000);
    expect(month('hebei', '2026-05')).toEqual({ measured: 175_392_000, estimated: 12_096_000, unknownHours: 0 });
    expect(rig.decided('tianjin').filter(({ kind }) => kind === 'rollover')).toHaveLength(7);
    expect(rig.decided('hebei')).toMatchObject([{ kind: 'gap', litres: 12_096_000_000 }]);
    expect(rig.decided('beijing')).toMatchObject([{ timeMs: SWAPPED_MS, kind: 'replacement' }]);
  });
});
