/**
 * NERRS (CDMO) CSV: `DateTimeStamp` in the reserve's standard time all year, each value with an `F_` column of flags
 * (`<0>`, `<-3> [GSM] (CND)`).
 */
import { type FlagMeaning, headingLines, type Known, known, type Profile } from '../profile.ts';
import { cellsOf } from '../records.ts';

const KNOWN: Known = {
  temp: { parameter: 'temp', unit: '°C' },
  spcond: { parameter: 'ec', unit: 'mS/cm' },
  do_mgl: { parameter: 'do', unit: 'mg/L' },
  do_pct: { parameter: 'dosat', unit: '%' },
  ph: { parameter: 'ph' },
  turb: { parameter: 'turbidity', unit: 'FNU' },
  chlfluor: { parameter: 'chla', unit: 'µg/L' },
};

export const nerrs: Profile = {
  id: 'nerrs',
  name: { zh: 'NERRS（CDMO）CSV', en: 'NERRS (CDMO) CSV' },
  recognise(head) {
    const header = headingLines(head).find(({ text }) => {
      const names = cellsOf(text, ',');
      return names.includes('DateTimeStamp') && names.some((name) => name.startsWith('F_'));
    });
    if (!header) return null;
    const names = cellsOf(header.text, ',');
    const site = names.findIndex((name) => /^station_?code$/i.test(name));
    return {
      separator: ',',
      quoted: true,
      headerLine: header.number,
      firstLine: header.number + 1,
      columns: names.map((name, index) => {
        const value = name.startsWith('F_') ? names.indexOf(name.slice(2)) : -1;
        return {
          index,
          name,
          short: name,
          unit: null,
          holds: known(KNOWN, name),
          ...(value >= 0 && { flagOf: value }),
        };
      }),
      time: {
        columns: [names.indexOf('DateTimeStamp')],
        order: 'mdy',
        zone: null,
        hint: {
          zh: 'NERRS 全年用当地标准时，例如东部为 -05:00',
          en: 'NERRS keeps local standard time all year, in the East -05:00',
        },
      },
      missing: [],
      decimal: '.',
      station: site < 0 ? null : site,
      comment: null,
      meaningOf,
    };
  },
};

/** CDMO's numbers: 0 passed, 2 open, 3 calculated, 4 historical, 5 corrected; 1 suspect; -1, -2 none; -3, -4, -5 rejected. */
function meaningOf(flag: string): FlagMeaning {
  const number = /<(-?\d)>/.exec(flag)?.[1];
  if (number === undefined) return flag.trim() === '' ? {} : { flag };
  if (number === '1') return { flag: '3' };
  if (number === '-1' || number === '-2') return { isMissing: true };
  return Number(number) < 0 ? { flag: '4' } : {};
}
