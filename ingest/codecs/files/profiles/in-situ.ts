/**
 * In-Situ Win-Situ 5: a hundred lines about device and log, then `Log Data:` with the table under `Date and Time`. Local time
 * with daylight saving; the zone is a Windows name in the language of the computer, so that the user must say it.
 */
import { headingLines, type Known, known, nameAndUnit, type Profile } from '../profile.ts';
import { cellsOf, type Separator } from '../records.ts';

const KNOWN: Known = {
  temperature: { parameter: 'temp' },
  'specific conductivity': { parameter: 'ec' },
  'rdo concentration': { parameter: 'do' },
  'dissolved oxygen (concentration)': { parameter: 'do' },
  'dissolved oxygen (%saturation)': { parameter: 'dosat', unit: '%' },
  'rdo saturation': { parameter: 'dosat', unit: '%' },
  ph: { parameter: 'ph', unit: 'pH' },
  turbidity: { parameter: 'turbidity' },
  orp: { parameter: 'orp' },
};

export const inSitu: Profile = {
  id: 'in-situ',
  name: { zh: 'In-Situ Win-Situ', en: 'In-Situ Win-Situ' },
  recognise(head) {
    const lines = headingLines(head);
    const data = lines.findIndex(({ text }) => /^"?Log Data:/.test(text));
    if (data < 0) return null;
    // `Log Notes:`, before, is a second table with the same heading.
    const header = lines.slice(data).find(({ text }) => /^"?Date and Time"?\s*[;,\t]/.test(text));
    if (!header) return null;
    const separator = /[;,\t]/.exec(header.text)![0] as Separator;
    const zone = lines
      .map(({ text }) => /^"?Time Zone: *([^;,"\t]+)/.exec(text)?.[1])
      .find((name) => name !== undefined);
    return {
      separator,
      quoted: true,
      headerLine: header.number,
      firstLine: header.number + 1,
      columns: cellsOf(header.text, separator).map((name, index) => {
        const { short, unit } = nameAndUnit(name);
        return { index, name, short, unit, holds: known(KNOWN, short) };
      }),
      time: {
        columns: [0],
        order: null,
        zone: null,
        hint: zone === undefined ? undefined : { zh: `文件写的是“${zone}”`, en: `the file says "${zone}"` },
      },
      missing: [],
      decimal: null,
      station: null,
      comment: null,
    };
  },
};
