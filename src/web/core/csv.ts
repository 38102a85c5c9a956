/** Tables as files: RFC 4180, with a byte order mark so that spreadsheets read Chinese. */
export type Cell = string | number | null | undefined;

const HARMLESS_NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A cell that a spreadsheet would take for a formula is quoted as text: gateways may have written it. */
function field(cell: Cell): string {
  const text = cell === null || cell === undefined ? '' : String(cell);
  const safe = /^[=+\-@\t\r]/.test(text) && !HARMLESS_NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

export function download(name: string, text: string, type = 'text/csv;charset=utf-8'): void {
  const address = URL.createObjectURL(new Blob(['﻿', text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken the bytes when the click returns; a moment later is early enough everywhere.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
