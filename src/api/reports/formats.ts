/** Which format of a report a client wants (RFC 9110 §12.5.1: the highest quality, of equals the first). */
import type { REPORT_FORMATS } from '#api/reports/schemas/reports.ts';

export type ReportFormat = (typeof REPORT_FORMATS)[number];

export const REPORT_TYPES = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  html: 'text/html',
} as const;

const ASKED: Record<string, ReportFormat> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  [REPORT_TYPES.csv]: 'csv',
  [REPORT_TYPES.xlsx]: 'xlsx',
  [REPORT_TYPES.html]: 'html',
  'application/xhtml+xml': 'html',
  'text/*': 'html',
};

/** JSON where nothing that we have is asked for. */
export function preferredFormat(accept: string): ReportFormat {
  const wanted = accept.split(',').flatMap((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = Number(parameters.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    const format = ASKED[type];
    return format !== undefined && quality > 0 ? [{ format, quality }] : [];
  });
  return wanted.sort((a, b) => b.quality - a.quality)[0]?.format ?? 'json';
}
