/**
 * Default thresholds on real hours of real sondes (tests/cases/qc): a stuck, swapped or spiking probe is flagged, the
 * river's own storms are not; at the door (provisional) and when the hour closes (final).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Ring } from '#ingest/ring.ts';
import type { Flag } from '#model/flag.ts';
import { finalFlags } from '#quality/final.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { csvRows } from '#seeds/csv-records.ts';
import { loadReference } from '#seeds/reference.ts';
import { aStation } from '#tests/helpers/ingest/door.ts';

const reference = loadReference();
const COLUMNS = { temp: 'temp', ec: 'cond', ph: 'ph', do: 'do', turbidity: 'turb' } as const;
type Parameter = keyof typeof COLUMNS;
const PARAMETERS = Object.keys(COLUMNS) as Parameter[];

interface Hours {
  clock: string[];
  values: Record<Parameter, (number | null)[]>;
}

function read(name: string): Hours {
  const file = join(import.meta.dirname, `../../cases/qc/${name}.csv`);
  const rows = [...csvRows(readFileSync(file, 'utf8'))].map(({ row }) => row);
  const column = (parameter: Parameter) =>
    rows.map((row) => (row[COLUMNS[parameter]] === '-9999' ? null : Number(row[COLUMNS[parameter]])));
  return {
    clock: rows.map((row) => row.datetime!),
    values: Object.fromEntries(PARAMETERS.map((each) => [each, column(each)])) as Hours['values'],
  };
}

/** Flags of one column of the file, as the door and as the books give them. */
function judge({ clock, values }: Hours, parameter: Parameter, from = parameter) {
  const station = aStation({ parameters: [{ id: parameter, interval: 'PT15M' }] });
  const by = effectiveThresholds(reference.parameters.get(parameter)!, station);
  const timesMs = clock.map((text) => Date.parse(`${text.replace(' ', 'T')}-07:00`));
  const ring = new Ring(Number.NEGATIVE_INFINITY);
  const column = values[from];
  return {
    provisional: column.map((value, i) => ring.take(1, timesMs[i]!, { value, deviceFlag: null }, by, null).flag),
    final: finalFlags(
      column.map((value, i) => ({ timeMs: timesMs[i]!, value, deviceFlag: null })),
      by,
    ),
  };
}

const isBad = (flag: Flag) => flag === 3 || flag === 4;
const badAt = (hours: Hours, flags: Flag[]) => hours.clock.filter((_, i) => isBad(flags[i]!));

describe.each(['storm-franklin-basin', 'storm-main-street', 'salt-main-street'])('%s', (name) => {
  const hours = read(name);

  test('is water: no final flag against it, and no provisional one for two readings in a row', () => {
    expect(hours.clock.length).toBeGreaterThan(40);
    for (const parameter of PARAMETERS) {
      const { provisional, final } = judge(hours, parameter);
      expect(badAt(hours, final), parameter).toEqual([]);
      expect(
        provisional.filter((flag, i) => isBad(flag) && isBad(provisional[i + 1] ?? 1)),
        parameter,
      ).toEqual([]);
      expect(provisional.filter(isBad).length, parameter).toBeLessThanOrEqual(1);
    }
  });
});

describe('a probe that is no good', () => {
  test('values in the wrong columns: both are suspect, and nothing after them', () => {
    const hours = read('swapped-franklin-basin');
    for (const parameter of ['temp', 'ec'] as const) {
      const { provisional, final } = judge(hours, parameter);
      expect([badAt(hours, provisional), badAt(hours, final)], parameter).toEqual([
        ['2014-06-20 13:15'],
        ['2014-06-20 13:15'],
      ]);
    }
  });

  test('a spike: that reading and no other', () => {
    const hours = read('spiking-main-street');
    const { provisional, final } = judge(hours, 'turbidity');
    expect([badAt(hours, provisional), badAt(hours, final)]).toEqual([['2019-09-15 00:15'], ['2019-09-15 00:15']]);
  });

  test('stuck at 0: temperature at once and until it comes back, conductivity at once, oxygen after three hours', () => {
    const hours = read('stuck-main-street');
    const { temp, ec, do: oxygen } = hours.values;
    const isStuck = temp.map((value) => value === 0);
    expect(isStuck.filter(Boolean)).toHaveLength(32);
    const of = judge(hours, 'temp');
    expect(of.provisional.map(isBad)).toEqual(isStuck);
    // The river's own 13.27 °C between the zeros stays good, a relapse of two readings doesn't; of the file's last reading
    // nothing is known but that it leapt.
    expect(of.final.map(isBad).filter((bad, i) => bad !== isStuck[i])).toHaveLength(1);
    expect(badAt(hours, of.final).every((time) => temp[hours.clock.indexOf(time)] === 0)).toBe(true);

    const conductivity = judge(hours, 'ec');
    for (const [i, value] of ec.entries()) {
      if (value === 0 || value! > 5000)
        expect([conductivity.provisional[i], conductivity.final[i]].every((f) => isBad(f!))).toBe(true);
    }

    expect(new Set(oxygen)).toEqual(new Set([0]));
    const { provisional, final } = judge(hours, 'do');
    expect(provisional.findIndex(isBad)).toBe(12);
    expect(provisional.slice(24).every((flag) => flag === 4)).toBe(true);
    expect(final).toEqual(provisional);
  });
});

describe('two cables exchanged, on the hours of a storm', () => {
  const hours = read('storm-main-street');
  const found: [Parameter, Parameter][] = [
    ['temp', 'ec'],
    ['ph', 'ec'],
    ['do', 'ec'],
    ['turbidity', 'ec'],
    ['temp', 'turbidity'],
    ['ph', 'turbidity'],
    ['do', 'turbidity'],
  ];
  test.each(found)('%s and %s: one of the two is flagged', (a, b) => {
    const bad = [judge(hours, a, b), judge(hours, b, a)].map(({ final }) => final.filter(isBad).length);
    expect(Math.max(...bad)).toBeGreaterThan(0);
  });
  test('acidity and oxygen when both are about 9: found by nobody who looks at one series alone', () => {
    const summer = read('storm-franklin-basin');
    expect(judge(summer, 'do', 'ph').final.filter(isBad)).toEqual([]);
    expect(judge(summer, 'ph', 'do').final.filter(isBad)).toEqual([]);
  });
});
