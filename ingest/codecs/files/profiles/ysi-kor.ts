/**
 * YSI Kor Software 2 CSV (UTF-16LE): a block of means and serial numbers, then names with the unit behind a blank; date,
 * time of day and fractions of a second in three columns, and no zone.
 */
import type { DateOrder } from '../dates.ts';
import { headingLines, type Known, known, type Profile } from '../profile.ts';
import { cellsOf } from '../records.ts';

const KNOWN: Known = {
  'odo mg/l': { parameter: 'do', unit: 'mg/L' },
  'odo % sat': { parameter: 'dosat', unit: '%' },
  'spcond µs/cm': { parameter: 'ec', unit: 'µS/cm' },
  'spcond ms/cm': { parameter: 'ec', unit: 'mS/cm' },
  ph: { parameter: 'ph' },
  'temp °c': { parameter: 'temp', unit: '°C' },
  'turbidity fnu': { parameter: 'turbidity', unit: 'FNU' },
  'turbidity ntu': { parameter: 'turbidity', unit: 'NTU' },
  'orp mv': { parameter: 'orp', unit: 'mV' },
  'tss mg/l': { parameter: 'ss', unit: 'mg/L' },
  'tds mg/l': { parameter: 'tds', unit: 'mg/L' },
};

const DATE = /^Date \(([MDY/.-]+)\)$/i;

export const ysiKor: Profile = {
  id: 'ysi-kor',
  name: { zh: 'YSI Kor CSV', en: 'YSI Kor CSV' },
  recognise(head) {
    const lines = headingLines(head);
    if (!lines.slice(0, 5).some(({ text }) => text.includes('KorEXO MEASUREMENT DATA FILE EXPORT'))) return null;
    const said = /^"?sep=([,;\t])/.exec(lines[0]!.text)?.[1] as ',' | ';' | '\t' | undefined;
    const separator = head.separator ?? said ?? ',';
    const header = lines.find(({ text }) => DATE.test(cellsOf(text, separator)[0] ?? ''));
    if (!header) return null;
    const names = cellsOf(header.text, separator);
    const timeColumns = [/^Date \(/i, /^Time \(HH/i, /^Time \(Fract/i]
      .map((pattern) => names.findIndex((name) => pattern.test(name)))
      .filter((index) => index >= 0);
    const site = names.indexOf('Site Name');
    return {
      separator,
      quoted: true,
      headerLine: header.number,
      firstLine: header.number + 1,
      columns: names.map((name, index) => {
        const found = /^(\S+) (\S.*)$/.exec(name);
        const isPlain = timeColumns.includes(index) || index === site || !found;
        return {
          index,
          name,
          short: isPlain ? name : found[1]!,
          unit: isPlain ? null : found[2]!,
          holds: known(KNOWN, name),
        };
      }),
      time: { columns: timeColumns, order: orderOf(DATE.exec(names[0]!)![1]!), zone: null },
      missing: ['NA'],
      decimal: separator === ',' ? '.' : null,
      station: site < 0 ? null : site,
      comment: null,
    };
  },
};

/** `MM/DD/YYYY` → mdy */
function orderOf(pattern: string): DateOrder | null {
  const letters = [...pattern.toLowerCase()].filter(
    (letter, at, all) => /[mdy]/.test(letter) && letter !== all[at - 1],
  );
  const order = letters.join('');
  return order === 'mdy' || order === 'dmy' || order === 'ymd' ? order : null;
}
