/** Volume books over a memory store: any number of meters, each with its series, driven command by command. */

import { decisions } from '#books/questions/decisions.ts';
import { volumes } from '#books/questions/volumes.ts';
import { createVolumeBooks } from '#books/water/volumes.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import type { RulingKind } from '#model/accounting.ts';
import { rulingId } from '#model/accounting.ts';
import type { Command, Entry } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import type { Parameter } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';
import { isSoundVolume } from '#readings/checksums.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import { rowsOf } from '#tests/helpers/rows.ts';

const REGISTER = {
  id: 'register',
  unit: 'm3',
  units: { L: { factor: 0.001, offset: 0 } },
} as unknown as Parameter;

export const REGISTER_METER: Meter = {
  station: 'taocha',
  parameter: 'register',
  kind: 'register',
  unit: 'm3',
  direction: 1,
  maxFlow: 500,
  maxGap: 'PT1H',
  measures: 'intake',
};

export interface Read {
  timeMs: number;
  value: number | null;
  flag?: 1 | 3 | 4 | 9;
}

export function volumeRig(meters: Record<string, Meter> = { m: REGISTER_METER }) {
  const derived = openDerived(':memory:');
  const store = new MemoryReadings();
  const control = new Control([]);
  const names: { id: number; station: string; parameter: string }[] = [];
  const seriesOf = (station: string, parameter: string) => {
    const known = names.find((series) => series.station === station && series.parameter === parameter);
    if (known) return known;
    names.push({ id: names.length + 1, station, parameter });
    return names.at(-1)!;
  };
  const books = createVolumeBooks({
    derived,
    store,
    control,
    register: REGISTER,
    reader: { seriesById: (id) => names.find((series) => series.id === id), seriesByName: seriesOf },
  });
  let seq = 0;
  const command = (given: Command) =>
    control.apply({ seq: ++seq, receivedMs: seq, kind: 'command', actor: 'engineer', command: given } as Entry);
  const put = (noun: Noun, id: string, body: unknown) => command({ verb: 'put', noun, id, body });
  for (const [id, meter] of Object.entries(meters)) put('meter', id, meter);
  const meterOf = (id: string) => control.get('meter', id)!;
  const rows = (sql: string) => rowsOf(derived, sql);

  return {
    derived,
    control,
    store,
    seriesOf,
    register: REGISTER,
    books,
    put,
    remove: (noun: Noun, id: string) => command({ verb: 'delete', noun, id }),
    rule: (meter: string, timeMs: number, kind: RulingKind) =>
      put('ruling', rulingId(meter, timeMs), { meter, timeMs, kind, reason: 'seen on site' }),
    undo: (meter: string, timeMs: number) => command({ verb: 'delete', noun: 'ruling', id: rulingId(meter, timeMs) }),
    async write(meter: string, reads: readonly Read[]): Promise<void> {
      const { station, parameter } = meterOf(meter);
      const { id } = seriesOf(station, parameter);
      await store.write(
        reads.map(({ timeMs, value, flag }) => ({
          series: id,
          timeMs,
          value,
          flag: flag ?? (value === null ? 9 : 1),
          deviceFlag: null,
        })),
      );
      for (const { timeMs } of reads) books.mark(id, timeMs, timeMs);
    },
    async settle(): Promise<void> {
      let steps = 0;
      while (await books.step()) if (++steps > 10_000) throw new Error('never done');
    },
    /** Everything that the books hold, without their checksums, which fit. */
    kept() {
      const columns = 'measuredLitres, estimatedLitres, knownMs';
      const damaged = rows(`SELECT meter, hourMs AS ms FROM volumeHour WHERE NOT coalesce(${isSoundVolume('hourMs')}, 0)
        UNION ALL SELECT meter, dayMs FROM volumeDay WHERE NOT coalesce(${isSoundVolume('dayMs')}, 0)`);
      if (damaged.length > 0) throw new Error(`checksums don't fit: ${JSON.stringify(damaged)}`);
      const hours = rows(`SELECT meter, hourMs, ${columns}, knots FROM volumeHour ORDER BY meter, hourMs`);
      return {
        hours: hours.map((row) => {
          const { knots, ...hour } = row;
          return knots === null ? hour : row;
        }),
        days: rows(`SELECT meter, dayMs, ${columns} FROM volumeDay ORDER BY meter, dayMs`),
        decisions: rows('SELECT * FROM volumeDecision ORDER BY meter, timeMs, kind'),
      };
    },
    /** In m³ and hours. */
    total(meter: string | string[], fromMs: number, toMs: number) {
      const asked = [meter].flat().map((id) => ({ id, meter: meterOf(id) }));
      const [bucket] = volumes(derived, { meters: asked, edgesMs: [fromMs, toMs] });
      return {
        measured: bucket!.measuredLitres / 1000,
        estimated: bucket!.estimatedLitres / 1000,
        unknownHours: bucket!.unknownMs / 3_600_000,
      };
    },
    decided: (meter: string) =>
      decisions(derived, { meters: [meter], kind: null, fromMs: -8e15, toMs: 8e15, limit: 1000, before: null })
        .reverse()
        .map(({ timeMs, kind, litres, isRuled }) => ({ timeMs, kind, litres, isRuled })),
  };
}
