/** The reference data itself: complete, consistent, and refused with file, line and item when it is not. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TARGETS } from '#model/class.ts';
import { loadReference } from '#seeds/reference.ts';
import { classOf, limitFor } from '#src/assess/classify.ts';

const reference = loadReference();
const gb3838 = reference.standards.get('gb3838-2002')!;
const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** The package's reference files with one text replaced. */
function damaged(file: string, from: string, to: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'wk-reference-'));
  directories.push(directory);
  cpSync('seeds/reference', directory, { recursive: true });
  const text = readFileSync(join(directory, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(directory, file), text.replace(from, to));
  return directory;
}

describe('GB 3838-2002', () => {
  it('has the 109 items of its foreword: 24 with classes, 5 and 80 with one limit', () => {
    expect(gb3838.items).toHaveLength(24);
    expect(gb3838.singles.filter((single) => single.clause.startsWith('table 2 '))).toHaveLength(5);
    expect(gb3838.singles.filter((single) => single.clause.startsWith('table 3 '))).toHaveLength(80);
  });

  it('keeps limits as the decimal strings that are printed', () => {
    const nh3n = gb3838.items.find((item) => item.parameter === 'nh3n')!;
    expect(nh3n.river).toEqual({ I: '0.15', II: '0.5', III: '1.0', IV: '1.5', V: '2.0' });
    expect(nh3n.lake).toEqual(nh3n.river);
    const tp = gb3838.items.find((item) => item.parameter === 'tp')!;
    expect(tp.lake).toEqual({ I: '0.01', II: '0.025', III: '0.05', IV: '0.1', V: '0.2' });
    const tn = gb3838.items.find((item) => item.parameter === 'tn')!;
    expect(Object.values(tn.river)).toEqual([null, null, null, null, null]);
    expect(gb3838.items.find((item) => item.parameter === 'ph')!.river.II).toBe('6~9');
  });

  it('classifies by 21 indicators: not by temperature, total nitrogen and faecal coliforms', () => {
    const apart = gb3838.items.filter((item) => !item.participates).map((item) => item.parameter);
    expect(apart).toEqual(['temp', 'tn', 'fcoli']);
    expect(gb3838.items.filter((item) => item.participates)).toHaveLength(21);
  });
});

describe('parameters', () => {
  const named =
    'temp ph do ec turbidity codmn cod bod5 nh3n tp tn cu zn f se as hg cd cr6 pb cn phenol oil las sulphide';
  it.each(`${named} fcoli chla algae sd flow level register`.split(' '))('knows %s', (id) => {
    expect(reference.parameters.get(id)).toBeDefined();
  });

  it('gives every item of the standard a parameter whose HJ code is an alias', () => {
    for (const { parameter } of [...gb3838.items, ...gb3838.singles]) {
      const codes = reference.parameters.get(parameter)!.aliases.filter((alias) => /^w\d{5}$/.test(alias));
      expect(codes, parameter).not.toHaveLength(0);
      for (const code of codes) expect(reference.aliases.get(code)).toBe(parameter);
    }
  });

  it.each([
    ['w01019', 'codmn'],
    ['w20119', 'as'],
    ['w20141', 'as'],
    ['060', 'nh3n'],
    ['nh3-n', 'nh3n'],
    ['氨氮', 'nh3n'],
    ['do', 'do'],
  ])('resolves %s to %s', (alias, id) => {
    expect(reference.aliases.get(alias)).toBe(id);
  });

  it.each([
    ['nh3n', 'µg/L', 500, 0.5],
    ['nh3n', 'mg/dm3', 0.5, 0.5],
    ['chla', 'mg/m3', 12, 12],
    ['chla', 'mg/L', 0.012, 12],
    ['temp', 'degF', 50, 10],
    ['temp', 'K', 283.15, 10],
    ['ec', 'mS/m', 31, 310],
    ['ec', 'mS/cm', 0.31, 310],
    ['flow', 'L/s', 350_000, 350],
    ['flow', 'm3/h', 3600, 1],
    ['register', '万m3', 2.5, 25_000],
    ['register', '1e4 m3', 2.5, 25_000],
    ['register', 'L', 1500, 1.5],
    ['fcoli', 'MPN/100mL', 20, 200],
    ['sd', 'cm', 150, 1.5],
    ['turbidity', 'FNU', 3.5, 3.5],
  ])('converts %s from %s', (id, unit, sent, canonical) => {
    const { factor, offset } = reference.parameters.get(id)!.units[unit]!;
    expect(sent * factor + offset).toBeCloseTo(canonical, 9);
  });

  it('takes the canonical unit as it is', () => {
    for (const parameter of reference.parameters.values()) {
      expect(parameter.units[parameter.unit], parameter.id).toEqual({ factor: 1, offset: 0 });
    }
  });

  it('states no multiple for pH, dissolved oxygen and temperature', () => {
    const without = [...reference.parameters.values()].filter((parameter) => !parameter.multiple);
    expect(without.map((parameter) => parameter.id).sort()).toEqual(['do', 'ph', 'temp']);
  });
});

describe('default quality thresholds', () => {
  it('never flag a step below a third of the Class III limit (turbidity 10 NTU, EC 100 µS/cm)', () => {
    for (const { id, qc } of reference.parameters.values()) {
      const limits = (['river', 'lake'] as const).flatMap((waterBody) => {
        const limit = limitFor(gb3838, id, waterBody, 'III');
        return limit === null ? [] : limit.op === 'range' ? limit.value[1] : limit.value;
      });
      const stepMin = { turbidity: 10, ec: 100 }[id] ?? Math.max(0, ...limits) / 3;
      if (qc.spike) expect(qc.spike[0], id).toBeGreaterThanOrEqual(stepMin);
      // A rate is per hour whatever the interval is: any default would flag such a step if it came fast enough.
      expect(qc.ratePerHour, id).toBeNull();
    }
  });

  it('leave room for every class, the worst one too, so that a breach is not taken for a broken sensor', () => {
    for (const { parameter } of gb3838.items) {
      const { qc } = reference.parameters.get(parameter)!;
      const [low, high] = qc.suspect ?? qc.fail ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (const waterBody of ['river', 'lake'] as const) {
        for (const target of TARGETS) {
          const limit = limitFor(gb3838, parameter, waterBody, target);
          if (limit?.op === '<=') expect(high, parameter).toBeGreaterThanOrEqual(5 * limit.value);
          if (limit?.op === '>=') expect(low, parameter).toBe(0);
          if (limit?.op === 'range') {
            expect(classOf(gb3838, parameter, waterBody, low)).toBe('worse');
            expect(classOf(gb3838, parameter, waterBody, high)).toBe('worse');
          }
        }
      }
    }
  });

  it('keep suspect spans inside fail spans, and look for a flat line at sondes only', () => {
    const flat: string[] = [];
    for (const { id, qc } of reference.parameters.values()) {
      if (qc.suspect && qc.fail) {
        expect(qc.suspect[0], id).toBeGreaterThanOrEqual(qc.fail[0]);
        expect(qc.suspect[1], id).toBeLessThanOrEqual(qc.fail[1]);
      }
      if (qc.flat) flat.push(id);
    }
    expect(flat.sort()).toEqual(['do', 'ec', 'ph', 'temp', 'turbidity']);
  });
});

describe('a wrong reference file', () => {
  it.each([
    ['parameters.yaml', 'id: bod5,', 'id: "bod 5",', /parameters\.yaml:\d+: .*an id is 1 to 64/],
    ['parameters.yaml', 'id: cod,', 'id: codmn,', /parameters\.yaml:\d+: codmn: this id is defined twice/],
    ['parameters.yaml', 'w01018', 'w01019', /parameters\.yaml:\d+: cod: alias "w01019" already belongs to codmn/],
    ['parameters.yaml', 'unit: NTU', 'unit: JTU', /parameters\.yaml:\d+: turbidity: unit "JTU" is no plain factor/],
    ['parameters.yaml', 'suspect: PT3H', 'suspect: 3h', /parameters\.yaml:\d+: temp: "3h" is no duration/],
    ['standards.yaml', 'effective: 2002-06-01', 'effective: June', /standards\.yaml:\d+: .*effective/],
    ['standards.yaml', 'gb3838-2002.csv', 'missing.csv', /missing\.csv: can't be read/],
    ['gb3838-2002.csv', 'nh3n,1,7', 'nh4,1,7', /gb3838-2002\.csv:8: nh4: no such parameter/],
    ['gb3838-2002.csv', '0.15,0.5,1.0', '0.15,half,1.0', /gb3838-2002\.csv:8: nh3n: "half" is no limit/],
    ['gb3838-2002.csv', '7439-92-1,mg/L,<=', '7439-92-1,mg/L,<', /gb3838-2002\.csv:19: pb: operator "<" is none/],
    ['gb3838-2002.csv', '7439-92-1,mg/L', '7439-92-1,ug/L', /gb3838-2002\.csv:19: pb: limits are in "ug\/L"/],
  ])('%s with %s → %s is refused with its place', (file, from, to, message) => {
    const directory = damaged(file, from, to);
    expect(() => loadReference(directory)).toThrow(message);
    expect(() => loadReference(directory)).toThrow(expect.objectContaining({ code: 'seed.invalid', retryable: false }));
  });
});
