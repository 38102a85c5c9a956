/**
 * What the identifiers of SL 651 mean where the entry of a device says nothing (SL 651-2014 table C.1). Numbers of digits
 * aren't here: the definition byte of each value says them, and only that is true.
 */
import type { Device } from '#model/protocol.ts';
import type { Meaning } from '../device.ts';

interface Element {
  /** Two hex digits, four of an extension (FF33). */
  id: string;
  /** As the ASCII form has it. */
  symbol: string;
  /** Undefined: it must be said which; null: no parameter here is that. */
  parameter: string | null | undefined;
  unit: string | undefined;
}

const MEASURED = `
03 C temp °C|27 Q flow m3/s|36 VA velocity m/s|37 VJ velocity m/s|38 VT voltage V|39 Z level m|46 PH ph pH|47 DO do mg/L
48 COND ec µS/cm|49 TURB turbidity NTU|4A CODMN codmn mg/L|4B REDOX orp mV|4C NH4N nh3n mg/L|4D TP tp mg/L|4E TN tn mg/L
4F TOC toc mg/L|50 CU cu mg/L|51 ZN zn mg/L|52 SE se mg/L|53 AS as mg/L|54 THG hg mg/L|55 CD cd mg/L|56 PB pb mg/L
57 CHLA chla mg/L|F5 DRZ1 level m`;

/** Water, too, but of which intake, meter or side of the gate only the station's entry can say. */
const TO_BE_SAID = `
28 Q1 m3/s|29 Q2 m3/s|2A Q3 m3/s|2B Q4 m3/s|2C Q5 m3/s|2D Q6 m3/s|2E Q7 m3/s|2F Q8 m3/s|30 QA m3/s|31 QZ m3/s|3A ZB m|3B ZU m
3C Z1 m|3D Z2 m|3E Z3 m|3F Z4 m|40 Z5 m|41 Z6 m|42 Z7 m|43 Z8 m|60 SYL1 m3|61 SYL2 m3|62 SYL3 m3|63 SYL4 m3|64 SYL5 m3
65 SYL6 m3|66 SYL7 m3|67 SYL8 m3|68 SBL1 m3/h|69 SBL2 m3/h|6A SBL3 m3/h|6B SBL4 m3/h|6C SBL5 m3/h|6D SBL6 m3/h|6E SBL7 m3/h
6F SBL8 m3/h|F6 DRZ2 m|F7 DRZ3 m|F8 DRZ4 m|F9 DRZ5 m|FA DRZ6 m|FB DRZ7 m|FC DRZ8 m`;

/** Weather, soil, gates, states: nothing that Wellkeeper has a parameter for. */
const OTHER = `
01 AC|02 AI|05 DT|06 ED|07 EJ|08 FL|09 GH|0A GN|0B GS|0C GT|0D GTP|0E H|0F HW|10 M10|11 M20|12 M30|13 M40|14 M50|15 M60
16 M80|17 M100|18 MST|19 NS|1A P1|1B P2|1C P3|1D P6|1E P12|1F PD|20 PJ|21 PN01|22 PN05|23 PN10|24 PN30|25 PR|26 PT|32 SW
33 UC|34 UE|35 US|44 SQ|45 ZT|58 WP1|59 WP2|5A WP3|5B WP4|5C WP5|5D WP6|5E WP7|5F WP8|70 VTA|71 VTB|72 VTC|73 VIA|74 VIB
75 VIC|F4 DRP`;

const rows = (table: string) =>
  table
    .trim()
    .split(/[|\n]/)
    .map((row) => row.split(' '));

const ELEMENTS: readonly Element[] = [
  ...rows(MEASURED).map(([id, symbol, parameter, unit]) => ({ id: id!, symbol: symbol!, parameter, unit })),
  ...rows(TO_BE_SAID).map(([id, symbol, unit]) => ({ id: id!, symbol: symbol!, parameter: undefined, unit })),
  ...rows(OTHER).map(([id, symbol]) => ({ id: id!, symbol: symbol!, parameter: null, unit: undefined })),
];

const BY_ID = new Map(ELEMENTS.map((element) => [element.id, element]));
const ID_OF = new Map(ELEMENTS.map(({ id, symbol }) => [symbol, id]));

/** The hex identifier of the ASCII form's letters; letters that the standard doesn't have stay as they are. */
export const idOf = (symbol: string) => ID_OF.get(symbol) ?? symbol;
export const symbolOf = (id: string) => BY_ID.get(id)?.symbol ?? id;

/** An element as people know it: `26H (PT)`. */
export function shownElement(name: string): string {
  const element = BY_ID.get(name);
  return element ? `${element.id}H (${element.symbol})` : /^[0-9A-F]{2,4}$/.test(name) ? `${name}H` : `"${name}"`;
}

/**
 * What an identifier (hex, or letters that the standard doesn't have) means for a device: what its entry says, under the
 * identifier of either form, else what the standard says.
 * @returns null: left out on purpose; `other`: nothing that has a parameter here; undefined: nobody has said it.
 */
export function meaningOf(name: string, { elements }: Device): Meaning | 'other' | undefined {
  const element = BY_ID.get(name);
  if (elements) {
    const key = [name, element?.symbol].find((key) => key !== undefined && Object.hasOwn(elements, key));
    const said = key === undefined ? undefined : elements[key];
    // The unit is the standard's where the entry names only the parameter.
    if (said) return said.unit === undefined && element?.unit ? { ...said, unit: element.unit } : said;
    if (said === null) return null;
  }
  if (element?.parameter === null) return 'other';
  return element?.parameter === undefined ? undefined : (element as Meaning);
}

/** Whether a station can be asked for stored values of an element: what is water of one place. */
export function isAskable(name: string): boolean {
  const element = BY_ID.get(name);
  return element !== undefined && element.parameter !== null && element.parameter !== 'voltage';
}
