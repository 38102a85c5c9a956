/** Onset HOBOware: `Plot Title`, names with commas in them, the UTC offset in the time column's name, rows of events. */
import { type FileColumn, type Head, type Known, known, type Layout, type Profile } from '../profile.ts';
import { cellsOf, type Separator } from '../records.ts';

const TIME = /^Date Time, GMT ?([+-]\d{2}:?\d{2})/;
const EVENT =
  /^(?:Coupler (?:Detached|Attached)|Host Connected|Stopped|End Of File|Started|Button (?:Up|Down)|Bad Battery|Good Battery|New Interval)/;
const SERIALS = / \((?:LGR|SEN|LBL)[^)]*\)$/;

const KNOWN: Known = {
  temp: { parameter: 'temp' },
  'water temp': { parameter: 'temp' },
  watertemp: { parameter: 'temp' },
  spc: { parameter: 'ec' },
  'do conc': { parameter: 'do' },
  'do percent sat': { parameter: 'dosat' },
  'specific conductance': { parameter: 'ec' },
  ph: { parameter: 'ph' },
  'water level': { parameter: 'level' },
};

export const hoboware: Profile = {
  id: 'hoboware',
  name: { zh: 'HOBOware CSV', en: 'HOBOware CSV' },
  recognise(head: Head): Layout | null {
    for (const { number, text } of head.lines.slice(head.skip, head.skip + 3)) {
      for (const separator of [',', '\t', ';'] as Separator[]) {
        const names = cellsOf(text, separator);
        const time = names.findIndex((name) => TIME.test(name));
        if (names.length > 1 && time >= 0) {
          return {
            separator,
            quoted: true,
            headerLine: number,
            firstLine: number + 1,
            columns: names.map((name, index) => column(name, index, time)),
            time: { columns: [time], order: null, zone: TIME.exec(names[time]!)![1]! },
            missing: [],
            decimal: separator === ',' ? '.' : null,
            station: null,
            comment: null,
          };
        }
      }
    }
    return null;
  },
};

/** `DO conc, mg/L (LGR S/N: 20781165, SEN S/N: 20781165)` */
function column(name: string, index: number, time: number): FileColumn {
  const plain = name.replace(SERIALS, '');
  if (index === time || plain === '#') return { index, name, short: plain, unit: null };
  if (EVENT.test(name)) return { index, name, short: plain, unit: null, isEvent: true };
  const comma = plain.indexOf(', ');
  const short = comma < 0 ? plain : plain.slice(0, comma);
  return { index, name, short, unit: comma < 0 ? null : plain.slice(comma + 2), holds: known(KNOWN, short) };
}
