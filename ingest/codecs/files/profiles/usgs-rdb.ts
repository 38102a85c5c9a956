/**
 * USGS RDB: `#` comments, names, a row of widths and types (`5s 14n`), tabs, no quoting. Parameters are five digits in the
 * column's name; each value has its qualifiers in a `_cd` column; `tz_cd` is the zone of a row.
 */
import type { FileColumn, FlagMeaning, Known, Profile } from '../profile.ts';

/** USGS parameter codes. */
const CODES: Known = {
  '00010': { parameter: 'temp', unit: '°C' },
  '00060': { parameter: 'flow', unit: 'ft3/s' },
  '00065': { parameter: 'level', unit: 'ft' },
  '00095': { parameter: 'ec', unit: 'µS/cm' },
  '00300': { parameter: 'do', unit: 'mg/L' },
  '00301': { parameter: 'dosat', unit: '%' },
  '00400': { parameter: 'ph' },
  '63680': { parameter: 'turbidity', unit: 'FNU' },
  '99133': { parameter: 'no3n', unit: 'mg/L' },
};

/** Offsets of `tz_cd`. */
export const USGS_ZONES: Readonly<Record<string, string>> = {
  UTC: '+00:00',
  GMT: '+00:00',
  AST: '-04:00',
  ADT: '-03:00',
  EST: '-05:00',
  EDT: '-04:00',
  CST: '-06:00',
  CDT: '-05:00',
  MST: '-07:00',
  MDT: '-06:00',
  PST: '-08:00',
  PDT: '-07:00',
  AKST: '-09:00',
  AKDT: '-08:00',
  HST: '-10:00',
};

export const usgsRdb: Profile = {
  id: 'usgs-rdb',
  name: { zh: 'USGS RDB', en: 'USGS RDB' },
  recognise({ lines, skip }) {
    const at = lines.findIndex(({ text }, index) => index >= skip && !text.startsWith('#'));
    const [header, types] = [lines[at], lines[at + 1]];
    if (!header || !types?.text.split('\t').every((cell) => /^\d+[sdn]$/.test(cell.trim()))) return null;
    const names = header.text.split('\t').map((name) => name.trim());
    const time = names.indexOf('datetime');
    if (time < 0) return null;
    const zone = names.indexOf('tz_cd');
    const site = names.indexOf('site_no');
    return {
      separator: '\t',
      quoted: false,
      headerLine: header.number,
      firstLine: types.number + 1,
      columns: names.map((name, index) => columnOf(name, index, names)),
      time: { columns: [time], order: 'ymd', zone: null, ...(zone >= 0 && { zoneColumn: zone }) },
      missing: [],
      decimal: '.',
      station: site < 0 ? null : site,
      comment: '#',
      meaningOf,
    };
  },
};

/** `01_00060_00003`, `69928_00060_cd` */
function columnOf(name: string, index: number, names: readonly string[]): FileColumn {
  const value = name.endsWith('_cd') ? names.indexOf(name.slice(0, -3)) : -1;
  const code = /^\d+_(\d{5})(?:_\d{5})?$/.exec(name)?.[1];
  const holds = code === undefined ? undefined : CODES[code];
  return { index, name, short: name, unit: null, holds, ...(value >= 0 && { flagOf: value }) };
}

/** `A` approved, `P` provisional, `R` revised; `e` estimated, so not measured; `<` and `>` belong to the value. */
function meaningOf(qualifiers: string): FlagMeaning {
  const meaning: FlagMeaning = {};
  for (const one of qualifiers.split(/[:\s,[\]]+/)) {
    if (one === '<' || one === '>') meaning.sign = one;
    else if (/^e$/i.test(one)) meaning.flag = '3';
    else if (one !== '' && !/^[APR]$/.test(one)) meaning.flag ??= one;
  }
  return meaning;
}
