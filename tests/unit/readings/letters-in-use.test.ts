/** After an upgrade the first start lists the letters in use that no longer count. */
import { describe, expect, it } from 'vitest';
import { Control } from '#journal/registers.ts';
import type { Flag } from '#model/flag.ts';
import type { Noun } from '#model/noun.ts';
import { lettersWithoutMeaning } from '#readings/letters-in-use.ts';
import { MemoryReadings } from '#readings/memory-store.ts';

const version = (noun: Noun, id: string, body: object) => ({ noun, id, seq: 1, atMs: 0, actor: 'seed', body });

async function listed(letters: Record<string, string>, count = 8) {
  const store = new MemoryReadings();
  const series = Array.from({ length: count }, (_, n) => ({ id: n + 1, station: `s${n}`, parameter: 'nh3n' }));
  const reading = (id: number, timeMs: number, deviceFlag: string | null) => ({
    series: id,
    timeMs,
    value: 1,
    flag: 2 as Flag,
    deviceFlag,
  });
  await store.write(
    series.flatMap(({ id }) => [reading(id, 1, 'N'), reading(id, 2, 'sc'), reading(id, 3, null), reading(id, 4, '4')]),
  );
  await store.write([reading(2, 5, 'HD')]);
  const control = new Control([
    ...series.map(({ station }) => version('station', station, { parameters: [] })),
    version('gateway', 'gw', { stations: series.map(({ station }) => station), dialect: { letters } }),
  ]);
  return lettersWithoutMeaning({ store, reader: { allSeries: () => series }, control });
}

describe('letters in use', () => {
  it('are named with the stations that send them', async () => {
    expect(await listed({})).toEqual([
      'Values under the device letter "HD" (s1) no longer count until a dialect says what it means.',
      'Values under the device letter "sc" (s0, s1, s2, s3, s4 and 3 more) no longer count until a dialect says what it means.',
    ]);
  });

  it('are not when dialects say what they mean', async () => {
    expect(await listed({ sc: 'maintenance', HD: 'usual' })).toEqual([]);
  });
});
