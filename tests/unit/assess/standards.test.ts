/**
 * Standards as data: every one of GB 3838-2002's 109 limits at its value, just under and just over it, editions by date, and
 * every way in which a file can be wrong.
 */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, describe, expect, it } from 'vitest';
import { alternativeClass, classOf, itemOf } from '#assess/classify.ts';
import { assessDrinkingSource } from '#assess/drinking-source.ts';
import { doSaturationShare } from '#assess/oxygen.ts';
import { assessSample } from '#assess/sample.ts';
import { editionAt } from '#assess/standards.ts';
import { temperatureRule } from '#assess/temperature.ts';
import { CLASSES, TARGETS, type TargetClass, type WaterBody } from '#model/class.ts';
import { loadReference } from '#seeds/reference.ts';

const { parameters, standards } = loadReference();
const gb3838 = standards.get('gb3838-2002')!;
const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** The decimal one unit beyond the last printed digit away, made of digits and not of floats: 0.15 → 0.149, 0.151. */
function neighbours(text: string): { under: number; over: number } {
  const [whole, fraction = ''] = text.split('.');
  const digits = BigInt(`${whole}${fraction}0`);
  const places = fraction.length + 1;
  const decimal = (scaled: bigint) => {
    const padded = String(scaled).padStart(places + 1, '0');
    return Number(`${padded.slice(0, -places)}.${padded.slice(-places)}`);
  };
  return { under: decimal(digits - 1n), over: decimal(digits + 1n) };
}

/** The file read by another parser: the cases below owe nothing to the loader. */
const printed = parse(readFileSync('seeds/reference/gb3838-2002.csv'), { columns: true }) as Record<string, string>[];

describe('the 109 items of GB 3838-2002', () => {
  const tested = new Set<string>();
  const classed = printed
    .filter((row) => row.operator === '<=' || row.operator === '>=')
    .filter((row) => row.limit === '')
    .flatMap((row) =>
      (['river', 'lake'] as const).flatMap((waterBody) => {
        const own = TARGETS.some((target) => row[`lake_class_${target}`] !== '');
        const prefix = waterBody === 'lake' && own ? 'lake_class_' : 'class_';
        return TARGETS.flatMap((target) => {
          const text = row[`${prefix}${target}`]!;
          return text === '' ? [] : [{ parameter: row.parameter!, op: row.operator!, waterBody, target, text }];
        });
      }),
    );

  it.each(classed)('$parameter $op $text ($waterBody, class $target)', ({ parameter, op, waterBody, target, text }) => {
    const { under, over } = neighbours(text);
    const [inside, outside] = op === '<=' ? [under, over] : [over, under];
    const meets = (value: number) =>
      CLASSES.indexOf(classOf(gb3838, parameter, waterBody, value)!) <= CLASSES.indexOf(target);
    expect([meets(inside), meets(Number(text)), meets(outside)]).toEqual([true, true, false]);
    tested.add(parameter);
  });

  const singles = printed.filter((row) => row.limit !== '');
  it.each(singles)('$parameter $operator $limit (drinking-water source)', ({ parameter, limit }) => {
    const { under, over } = neighbours(limit!);
    const breaks = (value: number) =>
      assessDrinkingSource(gb3838, parameters, new Map([[parameter!, value]])).breaches.length;
    expect([breaks(under), breaks(Number(limit)), breaks(over)]).toEqual([0, 0, 1]);
    tested.add(parameter!);
  });

  it.each(TARGETS)('pH 6~9 (class %s)', (target) => {
    const broken = (value: number, waterBody: WaterBody) =>
      assessSample(gb3838, parameters, { waterBody, target, values: new Map([['ph', value]]), rounding: 'none' })
        .breaches.length;
    for (const waterBody of ['river', 'lake'] as const) {
      expect([6, 9, 6.01, 8.99].map((value) => broken(value, waterBody))).toEqual([0, 0, 0, 0]);
      expect([5.99, 9.01].map((value) => broken(value, waterBody))).toEqual([1, 1]);
    }
    tested.add('ph');
  });

  it.each(TARGETS)('temperature: rise at most 1, drop at most 2 (class %s)', (target) => {
    const isMet = (change: number) => temperatureRule(gb3838, target, change)!.isMet;
    expect([0.9, 1, 1.1].map(isMet)).toEqual([true, true, false]);
    expect([-1.9, -2, -2.1].map(isMet)).toEqual([true, true, false]);
    tested.add('temp');
  });

  it('were all tested', () => {
    expect(tested.size).toBe(109);
    expect([...tested].sort()).toEqual([...gb3838.items, ...gb3838.singles].map(({ parameter }) => parameter).sort());
  });
});

describe("dissolved oxygen's other form, 90 % of saturation", () => {
  it.each([
    [0, 14.81],
    [10, 11.25],
    [20, 9.07],
    [25, 8.269],
    [30, 7.597],
  ])('saturation at %s °C is %s mg/L', (temperature, saturated) => {
    expect(doSaturationShare(saturated, temperature)).toBeCloseTo(100, 1);
  });
  it('is not made up outside the formula', () => {
    expect(doSaturationShare(9, -0.1)).toBeNull();
    expect(doSaturationShare(9, Number.NaN)).toBeNull();
  });
  it('is class I at 90 and just over, not just under', () => {
    const { item } = itemOf(gb3838, 'do')!;
    expect([89.9, 90, 90.1].map((share) => alternativeClass(item, share))).toEqual([null, 'I', 'I']);
    expect(alternativeClass(itemOf(gb3838, 'nh3n')!.item, 99)).toBeNull();
  });
  it('helps in warm water when asked for, and then breaks no limit', () => {
    const values = new Map([
      ['do', 7],
      ['temp', 30],
    ]);
    const assess = (alternatives: boolean) =>
      assessSample(gb3838, parameters, { waterBody: 'river', target: 'I', values, rounding: 'none', alternatives });
    expect(assess(false)).toMatchObject({ class: 'II', breaches: [{ parameter: 'do' }] });
    expect(assess(true)).toMatchObject({ class: 'I', breaches: [] });
    const measured = new Map([...values, ['dosat', 89]]);
    const sample = { waterBody: 'river', target: 'I', values: measured, rounding: 'none', alternatives: true } as const;
    expect(assessSample(gb3838, parameters, sample).class).toBe('II');
  });
});

/** The package's reference files, changed. */
function files(change: (directory: string) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'wk-standards-'));
  directories.push(directory);
  cpSync('seeds/reference', directory, { recursive: true });
  change(directory);
  return directory;
}

const replaced = (file: string, from: string, to: string) =>
  files((directory) => {
    const text = readFileSync(join(directory, file), 'utf8');
    expect(text).toContain(from);
    writeFileSync(join(directory, file), text.replace(from, to));
  });

describe('editions by date', () => {
  const directory = () =>
    files((copy) => {
      const rows = readFileSync(join(copy, 'gb3838-2002.csv'), 'utf8').replace(
        '0.15,0.5,1.0,1.5,2.0',
        '0.1,0.4,0.8,1.2,1.6',
      );
      writeFileSync(join(copy, 'gb3838-2030.csv'), rows);
      appendFileSync(
        join(copy, 'standards.yaml'),
        `
- id: gb3838-2030
  series: gb3838
  title: { zh: 假想的新版, en: An imagined revision }
  edition: GB 3838-2030
  effective: 2030-01-01
  source: imagined by a test
  file: gb3838-2030.csv
  reference: [temp, tn, fcoli]
`,
      );
    });

  it('follow each other: an old report keeps its old limits', () => {
    const all = loadReference(directory()).standards;
    expect(all.get('gb3838-2002')!.superseded).toBe('2030-01-01');
    expect(all.get('gb3838-2030')!.superseded).toBeNull();
    const classOn = (date: string) => classOf(editionAt(all.values(), 'gb3838', date)!, 'nh3n', 'river', 0.45);
    expect(['2026-11-22', '2029-12-31', '2030-01-01', '2031-06-01'].map(classOn)).toEqual(['II', 'II', 'III', 'III']);
  });

  it('are none before the first, nor of what nobody knows', () => {
    expect(editionAt(standards.values(), 'gb3838', '2002-05-31')).toBeNull();
    expect(editionAt(standards.values(), 'gb3838', '2002-06-01')).toBe(gb3838);
    expect(editionAt(standards.values(), 'gb9999', '2026-01-01')).toBeNull();
  });

  it('may not begin on one day', () => {
    const wrong = replaced('standards.yaml', 'series: gb18918', 'series: gb3838');
    writeFileSync(
      join(wrong, 'standards.yaml'),
      readFileSync(join(wrong, 'standards.yaml'), 'utf8').replace('effective: 2003-07-01', 'effective: 2002-06-01'),
    );
    expect(() => loadReference(wrong)).toThrow(
      /standards\.yaml:\d+: gb3838-2002: gb18918-2002 is an edition of gb3838 from/,
    );
  });
});

describe('a wrong file is refused with its place, item and reason', () => {
  const CSV = 'gb3838-2002.csv';
  const YAML = 'gb18918-2002.yaml';
  it.each([
    [
      CSV,
      '0.15,0.5,1.0,1.5,2.0',
      '0.15,0.5,,1.5,2.0',
      /csv:8: nh3n: class_III is missing: a ladder has a limit for each/,
    ],
    [CSV, '0.15,0.5,1.0,1.5,2.0', '0.15,0.5,0.3,1.5,2.0', /csv:8: nh3n: class_III is stricter than class_II/],
    [CSV, '7.5,6,5,3,2', '7.5,6,6.5,3,2', /csv:4: do: class_III is stricter than class_II/],
    [CSV, '0.15,0.5,1.0,1.5,2.0', ',,,,', /csv:8: nh3n: has no limit at all/],
    [CSV, '0.2,0.5,1.0,1.5,2.0', '0.2,0.5,1.0,,2.0', /csv:10: tn: lake_class_IV is missing/],
    [CSV, '6~9,6~9,6~9', '9~6,6~9,6~9', /csv:3: ph: "9~6" is no range/],
    [CSV, '\nzn,1,11,', '\ncu,1,11,', /csv:12: cu: this item is listed twice/],
    [CSV, '0.15,0.5', '-0.15,0.5', /csv:8: nh3n: "-0.15" is no limit for operator <=/],
    [CSV, '250,drinking_source', 'NaN,drinking_source', /csv:26: so4: "NaN" is no limit/],
    [CSV, 'mg/L,<=,,,,,,,,,,,250', 'mg/L,<=,1,,,,,,,,,,250', /csv:26: so4: has a limit for all and one in class_I/],
    [
      'standards.yaml',
      'reference: [temp, tn, fcoli]',
      'reference: [temp, tin]',
      /yaml:\d+: gb3838-2002: reference: .*"tin"/,
    ],
    [
      'standards.yaml',
      'least: { I: "90" }',
      'least: { I: 90 }',
      /yaml:\d+: gb3838-2002: 0\.alternatives\.do\.least\.I: /,
    ],
    [
      'standards.yaml',
      '  criteria: gb18918-2002.yaml\n',
      '',
      /yaml:\d+: gb18918-2002: 1: needs either file or criteria/,
    ],
    ['standards.yaml', 'criteria: gb18918-2002.yaml', 'criteria: none.yaml', /none\.yaml: can't be read/],
    ['standards.yaml', '- id: gb18918-2002', '- id: gb3838-2002', /yaml:\d+: gb3838-2002: this id is defined twice/],
    [
      YAML,
      '{ 1A: "<=15", 1B: "<=20", "2": null, "3": null }',
      '{ 1A: "<=15", "2": null, "3": null }',
      /yaml:\d+: tn: level 1B is missing/,
    ],
    [
      YAML,
      '1B: "<=20", "2": null',
      '1B: "<=12", "2": null',
      /yaml:\d+: tn: the limit of 1B is stricter than that of 1A/,
    ],
    [YAML, '1A: "<=15"', '1A: 15', /yaml:\d+: tn: criteria\.6\.limits\.1A: /],
    [YAML, '1A: "<=15"', '1A: "about 15"', /yaml:\d+: tn: "about 15" is no limit such as/],
    [YAML, '1A: "<=15"', '1C: "<=15"', /yaml:\d+: tn: there is no level "1C"/],
    [YAML, 'parameter: avoil', 'parameter: grease', /yaml:\d+: grease: no such parameter: grease/],
    [YAML, 'no. 3, unit: mg/L', 'no. 3, unit: ug/L', /yaml:\d+: ss: limits are in "ug\/L"/],
    [YAML, '{ level: "3", inflow', '{ level: "4", inflow', /yaml:\d+: cod: there is no level "4"/],
    [YAML, 'builtBefore: 2006-01-01', 'builtBefore: soon', /yaml:\d+: tp: criteria\.8\.where\.builtBefore/],
    [YAML, 'kind: mean, window: P1D', 'kind: mean, window: daily', /yaml:\d+: statistic\.window: /],
    [YAML, 'statistic: { kind: each }', 'statistic: { kind: percentile }', /yaml:\d+: ph: .*needs its percentile/],
  ])('%s with %s → %s', (file, from, to, message) => {
    const directory = replaced(file, from, to);
    expect(() => loadReference(directory)).toThrow(message);
    expect(() => loadReference(directory)).toThrow(expect.objectContaining({ code: 'seed.invalid' }));
  });
});

it('limits are numbers nowhere in the data', () => {
  const floats: string[] = [];
  const walk = (value: unknown, path: string) => {
    if (typeof value === 'number' && /limit|river|lake|least|value/.test(path)) floats.push(path);
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    }
  };
  for (const standard of standards.values()) walk(standard, standard.id);
  expect(floats).toEqual([]);
  const target: TargetClass = 'II';
  expect(gb3838.items.find(({ parameter }) => parameter === 'hg')!.river[target]).toBe('0.00005');
});
