/** Which format of a report a client wants (RFC 9110 §12.5.1: the highest quality, of equals the first). */
import type { REPORT_FORMATS } from '../schemas/reports.ts';

export type ReportFormat = (typeof REPORT_FORMATS)[number];

const TYPES: Record<string, ReportFormat> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'text/csv': 'csv',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/*': 'html',
};

/** JSON where nothing that we have is asked for. */
export function preferredFormat(accept: string): ReportFormat {
  const wanted = accept.split(',').flatMap((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const quality = Number(parameters.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    const format = TYPES[type];
    return format !== undefined && quality > 0 ? [{ format, quality }] : [];
  });
  return wanted.sort((a, b) => b.quality - a.quality)[0]?.format ?? 'json';
}
