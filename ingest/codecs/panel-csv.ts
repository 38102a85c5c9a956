/**
 * Laboratory panels as CSV: a header naming `sample,station,time,parameter,value` and perhaps `lab,unit,method` in any order,
 * then one indicator a row. `<0.005` = not found, with the detection limit. Rows of a sample need not stand together.
 */
import { CsvError, parse } from 'csv-parse/sync';
import type { Panel, PanelItem } from '#model/panel.ts';
import { NUMBER } from './codec.ts';

const REQUIRED = ['sample', 'station', 'time', 'parameter', 'value'] as const;

export interface PanelRowFault {
  /** Of the file, as an editor counts; 1 is the header. */
  row: number;
  message: string;
}

export interface SentPanel {
  id: string;
  panel: Panel;
  /** Of the items, in their order. */
  rows: number[];
}

type Row = Partial<Record<(typeof REQUIRED)[number] | 'lab' | 'unit' | 'method', string>>;

/** The panels of a file, in the order of their first rows, or everything that is wrong with it. */
export function decodePanels(payload: string): { panels: SentPanel[]; faults: PanelRowFault[] } {
  let records: { record: Row; info: { lines: number } }[];
  try {
    records = parse(payload, {
      columns: (names: string[]) => names.map((name) => name.trim().toLowerCase()),
      bom: true,
      trim: true,
      info: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    }) as unknown as typeof records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { panels: [], faults: [{ row: Number(error.lines ?? 1), message: error.message }] };
  }
  const [first] = records;
  if (!first) return { panels: [], faults: [{ row: 1, message: 'there are no rows' }] };
  const missing = REQUIRED.filter((name) => !(name in first.record));
  if (missing.length > 0)
    return { panels: [], faults: [{ row: 1, message: `the header lacks ${missing.join(', ')}` }] };
  const panels = new Map<string, SentPanel>();
  const faults: PanelRowFault[] = [];
  for (const { record, info } of records) {
    const message = take(panels, record, info.lines);
    if (message !== null) faults.push({ row: info.lines, message });
  }
  return { panels: [...panels.values()], faults };
}

/** @returns what is wrong with the row, or null. */
function take(panels: Map<string, SentPanel>, record: Row, row: number): string | null {
  const { sample = '', station = '', time = '', parameter = '', value = '', lab, unit, method } = record;
  if (sample === '') return 'the sample has no id';
  const known = panels.getOrInsertComputed(sample, () => ({
    id: sample,
    panel: { station, time, ...(lab ? { lab } : {}), items: [] },
    rows: [],
  }));
  const { panel } = known;
  if (panel.station !== station || panel.time !== time) return `sample ${sample} has another station or time above`;
  const amount = amountOf(value);
  if (amount === null) return `"${value}" is neither a number nor a detection limit such as <0.005`;
  panel.items.push({ parameter, ...amount, ...(unit ? { unit } : {}), ...(method ? { method } : {}) });
  known.rows.push(row);
  return null;
}

function amountOf(text: string): Pick<PanelItem, 'value' | 'below'> | null {
  const [, below, number] = /^([<＜]\s*)?(.*)$/.exec(text)!;
  if (!NUMBER.test(number!)) return null;
  return below ? { below: Number(number) } : { value: Number(number) };
}
