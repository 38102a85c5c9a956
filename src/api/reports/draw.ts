/** A report as CSV, XLSX or HTML. Runs in a query worker: a transfer year of many meters takes longer than the main thread has. */
import type { Report } from '#api/reports/schemas/reports.ts';
import { reportCsv } from './csv.ts';
import type { ReportFormat } from './formats.ts';
import { reportHtml } from './html.ts';
import { reportXlsx } from './xlsx.ts';

export interface ReportDrawing {
  report: Report;
  format: Exclude<ReportFormat, 'json'>;
  language: 'zh' | 'en';
}

export interface DrawnReport {
  body: string | Uint8Array;
  /** Under which alone HTML may be shown. */
  contentSecurityPolicy?: string;
}

export async function drawReport({ report, format, language }: ReportDrawing): Promise<DrawnReport> {
  switch (format) {
    case 'csv':
      return { body: reportCsv(report) };
    case 'xlsx':
      return { body: await reportXlsx(report, language) };
    case 'html': {
      const { html, contentSecurityPolicy } = reportHtml(report, language);
      return { body: html, contentSecurityPolicy };
    }
  }
}
