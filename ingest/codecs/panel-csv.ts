/**
 * Laboratory panels as CSV: a header naming `sample,station,time,parameter,value` and perhaps `lab,unit,method,limit` in any
 * order, then one indicator a row. Results as laboratories write them (./result.ts): `<0.005`, `0.005L`, `>24000`; `ND` takes
 * its detection limit from the column `limit`, else from the station. Rows of a sample need not stand together.
 */
import { CsvError, parse } from 'csv-parse/sync';
import type { Panel, PanelItem } from '#model/panel.ts';
import { NUMBER, shortened } from './codec.ts';
import { laboratoryResult } from './result.ts';

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

type Row = Partial<Record<(typeof REQUIRED)[number] | 'lab' | 'unit' | 'method' | 'limit', string>>;

/** The detection limit of a parameter, however it is called, at a station, with its unit; null = none is known. */
export type DetectionLimitOf = (station: string, parameter: string) => { below: number; unit: string } | null;

/** The panels of a file, in the order of their first rows, or everything that is wrong with it. */
export function decodePanels(
  payload: string,
  detectionLimitOf: DetectionLimitOf,
): { panels: SentPanel[]; faults: PanelRowFault[] } {
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
    const message = take(panels, record, info.lines, detectionLimitOf);
    if (message !== null) faults.push({ row: info.lines, message });
  }
  return { panels: [...panels.values()], faults };
}

/** @returns what is wrong with the row, or null. */
function take(
  panels: Map<string, SentPanel>,
  record: Row,
  row: number,
  detectionLimitOf: DetectionLimitOf,
): string | null {
  const { sample = '', station = '', time = '', parameter = '', lab, unit, method } = record;
  if (sample === '') return 'the sample has no id';
  const known = panels.getOrInsertComputed(sample, () => ({
    id: sample,
    panel: { station, time, ...(lab ? { lab } : {}), items: [] },
    rows: [],
  }));
  const { panel } = known;
  if (panel.station !== station || panel.time !== time) return `sample ${sample} has another station or time above`;
  const result = resultOf(record, detectionLimitOf);
  if (typeof result === 'string') return result;
  panel.items.push({ parameter, ...(unit ? { unit } : {}), ...(method ? { method } : {}), ...result });
  known.rows.push(row);
  return null;
}

type Result = Pick<PanelItem, 'value' | 'below' | 'above' | 'unit'>;

/** @returns what was found, or what is wrong with it. */
function resultOf(
  { station = '', parameter = '', value = '', limit = '' }: Row,
  of: DetectionLimitOf,
): Result | string {
  const result = laboratoryResult(value);
  if (result === null) {
    return `"${shortened(value)}" is no result such as 0.12, <0.005, 0.005L, >24000, or ND with a detection limit`;
  }
  if (!('notFound' in result)) return result;
  if (NUMBER.test(limit) && Number(limit) > 0) return { below: Number(limit) };
  const known = of(station, parameter);
  return known ?? `"${shortened(value)}" says no limit: write <0.005, fill the column limit, or set the detectionLimit`;
}
