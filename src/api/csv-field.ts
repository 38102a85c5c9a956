/** Foreign text as a field of a CSV. */

/** RFC 4180 section 2, and a quote before what a spreadsheet would take for a formula. */
export function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Without it spreadsheets read UTF-8 as the system's own code page: µg/L becomes Âµg/L. Programs would rather not have it. */
export const BYTE_ORDER_MARK = '\ufeff';
