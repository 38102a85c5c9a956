/**
 * A report as a workbook: a sheet for each table. Numbers are numbers, instants are dates in the report's time zone, and
 * text stays text: it goes in as a string cell, which a spreadsheet never takes for a formula.
 */
import { type CellStyle, type ColumnDef, type WriteSheet, writeXlsx } from 'hucre/xlsx';
import type { Report } from '#api/reports/schemas/reports.ts';
import { type CellKind, type Column, reportTables, type Table } from './tables.ts';
import { type Language, WORDS, type Words } from './words.ts';

const FORMATS: Partial<Record<CellKind, string>> = {
  volume: '#,##0.000',
  hours: '#,##0.00',
  share: '0.00%',
  count: '0',
  instant: 'yyyy-mm-dd hh:mm',
  hundredMillion: '#,##0.00',
};
/** In characters; wide enough for a thousand million m³ with its decimals. */
const WIDTHS: Record<CellKind, number> = {
  text: 16,
  code: 24,
  volume: 22,
  hours: 14,
  share: 12,
  count: 10,
  instant: 18,
  hundredMillion: 18,
};
const LAST_TEXT_WIDTH = 60;
const HEADER: CellStyle = {
  font: { bold: true },
  fill: { type: 'pattern', pattern: 'solid', fgColor: { rgb: 'E8EEF2' } },
  alignment: { wrapText: true, vertical: 'center' },
};

export async function reportXlsx(report: Report, language: Language): Promise<Buffer> {
  const words = WORDS[language];
  const made = new Date(report.source.madeAt);
  const title = `${words.title[report.kind]} ${report.period}`;
  const bytes = await writeXlsx({
    sheets: reportTables(report, words).map((table) => sheetOf(table, report, words)),
    properties: { title, creator: 'Wellkeeper', created: made, modified: made },
  });
  return Buffer.from(bytes);
}

/** The header is row 1 and frozen; notes stand under the rows, so that filters and sums begin at row 2. */
function sheetOf(table: Table, report: Report, words: Words): WriteSheet {
  const header = table.columns.map(({ title }) => title);
  const rows = table.rows.map((row) => row.map((cell, index) => cellOf(cell, table.columns[index]!.kind)));
  const notes = [...table.notes, ...(table.id === 'summary' ? headNotes(report, words) : [])];
  return {
    name: table.title.slice(0, 31),
    columns: table.columns.map(columnOf),
    rows: [header, ...rows, ...(notes.length > 0 ? [[], ...notes.map((note) => [note])] : [])],
    cells: new Map(header.map((title, index) => [`0,${index}`, { value: title, type: 'string', style: HEADER }])),
    freezePane: { rows: 1 },
    pageSetup: { paperSize: 'a4', orientation: 'landscape', fitToPage: true, fitToWidth: 1, fitToHeight: 0 },
  };
}

function headNotes({ start, end, through, provisional, timeZone }: Report, words: Words): string[] {
  return [
    `${words.period}: ${start} – ${end} (${timeZone})`,
    `${words.through}: ${through}`,
    ...(provisional ? [words.provisional] : []),
    words.unit,
  ];
}

function columnOf({ kind }: Column, index: number, all: readonly Column[]): ColumnDef {
  const isLastText = index === all.length - 1 && (kind === 'text' || kind === 'code');
  const numFmt = FORMATS[kind];
  return { width: isLastText ? LAST_TEXT_WIDTH : WIDTHS[kind], ...(numFmt ? { numFmt } : {}) };
}

/** A workbook's dates have no zone: the wall clock of the report's zone goes in. */
function cellOf(cell: string | number | null, kind: CellKind): string | number | Date | null {
  if (kind !== 'instant' || typeof cell !== 'string') return cell;
  const wall = /^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?)[+-]\d\d:\d\d$/.exec(cell)?.[1];
  return wall === undefined ? cell : new Date(`${wall}Z`);
}
