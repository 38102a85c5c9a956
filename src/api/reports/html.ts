/**
 * A report as a page to read and to print on A4: one file without script or anything from elsewhere, so that what is saved
 * or mailed is whole. Its policy lets in nothing but its own style sheet.
 */
import { createHash } from 'node:crypto';
import type { AmountView } from '#api/books/volume-views.ts';
import type { Report } from '#api/reports/schemas/reports.ts';
import { escaped } from '../markup.ts';
import { curveChart, recipientBars } from './charts.ts';
import { type CellKind, type Column, reportTables, type Table } from './tables.ts';
import { type Language, WORDS, type Words } from './words.ts';

const STYLE = `
:root { color-scheme: light; --ink: #16242e; --soft: #5a6b76; --line: #c9d3da; --water: #1f6f9f; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: #fff; color: var(--ink);
  font: 14px/1.45 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif; }
header { border-bottom: 2px solid var(--ink); padding-bottom: 10px; }
header p { margin: 2px 0; color: var(--soft); }
h1 { font-size: 24px; margin: 2px 0; }
h2 { font-size: 16px; margin: 26px 0 6px; }
.warn { border: 1px solid currentcolor; border-left-width: 6px; padding: 4px 10px; color: #7a4a00; }
.note { margin: 3px 0; color: var(--soft); font-size: 12px; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 10px 36px; margin: 16px 0 4px; }
.figures div { min-width: 150px; }
.figures b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.unknown-part { color: #7a4a00; } td .unknown-part { display: block; white-space: normal; }
.figures span { color: var(--soft); font-size: 12px; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; align-items: start; }
figure { margin: 0; } figcaption { font-weight: 600; margin: 18px 0 4px; }
svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 12px; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 3px 7px; text-align: right; white-space: nowrap; vertical-align: top; }
th { border-bottom: 1.5px solid var(--ink); font-weight: 600; vertical-align: bottom; white-space: normal; }
th.text, td.text, th.code, td.code, th.instant, td.instant { text-align: left; } td.text, td.code { white-space: normal; } td.code { overflow-wrap: anywhere; }
td.first { white-space: nowrap; }
tr.total td { border-top: 1.5px solid var(--ink); font-weight: 600; }
.published { border: 1px dashed var(--soft); padding: 0 14px 12px; margin-top: 28px; }
.axis { font-size: 12px; fill: var(--ink); }
.end { text-anchor: end; } .mid { text-anchor: middle; }
.grid { stroke: var(--line); stroke-width: 1; }
.supplied { fill: none; stroke: var(--water); stroke-width: 2.4; } .dot { fill: var(--water); }
.planned { fill: none; stroke: var(--ink); stroke-width: 1.6; stroke-dasharray: 6 4; }
.measured { fill: var(--water); } .estimated, .unknown { stroke: var(--ink); stroke-width: 0.6; }
.known { fill: none; stroke: var(--line); } .paper { fill: #fff; } .ink { stroke: var(--water); stroke-width: 3; } .point { fill: var(--ink); }
footer { margin-top: 24px; color: var(--soft); font-size: 11px; }
@page { size: A4 landscape; margin: 12mm 12mm 14mm; }
@media (max-width: 760px) { .charts { grid-template-columns: 1fr; } body { padding: 14px; } }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; } h1 { font-size: 17pt; } h2 { font-size: 12pt; break-after: avoid; }
  table { font-size: 7.6pt; } thead { display: table-header-group; } tr, figure, .figures { break-inside: avoid; } tr.total { break-before: avoid; }
  #summary, #year, #plan, #balance, #source { break-inside: avoid; }
  .scroll { overflow: visible; } .note { font-size: 8pt; } .measured, .ink, .point, .dot { print-color-adjust: exact; }
}
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function reportHtml(report: Report, language: Language): { html: string; contentSecurityPolicy: string } {
  const words = WORDS[language];
  const title = `${words.title[report.kind]} ${report.period}`;
  const [summary, ...tables] = reportTables(report, words);
  const html = `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
${head(report, words, title)}
<main>
${keyFigures(report, words)}
<div class="charts">
${figure(words.bars, recipientBars(report, words))}
${figure(words.curve, curveChart(report, words))}
</div>
${[summary!, ...tables].map((table) => section(table, words)).join('\n')}
</main>
<footer>守井人 Wellkeeper ${escaped(report.source.codeVersion)}</footer>
</body>
</html>
`;
  return { html, contentSecurityPolicy: POLICY };
}

function head({ start, end, through, provisional, timeZone }: Report, words: Words, title: string): string {
  const isWhole = through === end;
  return `<header><p>${words.project}</p><h1>${escaped(title)}</h1>
<p>${words.period}: ${minute(start)} – ${minute(end)} (${escaped(timeZone)})${isWhole ? '' : ` · ${words.through}: ${minute(through)}`} · ${words.unit}</p></header>
${provisional ? `<p class="warn">${words.provisional}</p>` : ''}`;
}

function keyFigures({ kind, total }: Report, words: Words): string {
  const { transferYear, yearBefore, sinceInauguration, plan } = total;
  const amount = (name: string, of: AmountView) =>
    keyFigure(name, volumeText(of.cubicMetres), [of.unknownHours], words);
  const compared = [transferYear.unknownHours, yearBefore.unknownHours];
  const isCompared = yearBefore.change !== null || compared.some((hours) => hours > 0);
  return `<div class="figures">${[
    amount(words.summary, total),
    kind === 'transfer-year' ? '' : amount(words.yearSoFar, transferYear),
    plan ? keyFigure(words.progress, written(plan.progress, 'share'), [plan.delivered.unknownHours], words) : '',
    isCompared ? keyFigure(words.change, written(yearBefore.change, 'share'), compared, words) : '',
    sinceInauguration ? amount(words.sinceInauguration, sinceInauguration) : '',
  ].join('')}</div>`;
}

/** With what of it is unknown in the same size: whoever reads the figure reads that, too. */
function keyFigure(name: string, value: string, unknownHours: readonly number[], words: Words): string {
  const hours = unknownHours.reduce((sum, one) => sum + one, 0);
  const unknown = hours > 0 ? `<b class="unknown-part">${written(hours, 'hours')} ${words.meterHoursUnknown}</b>` : '';
  return `<div><b>${value}</b>${unknown}<span>${name}</span></div>`;
}

function volumeText(cubicMetres: number): string {
  return `${written(cubicMetres, 'volume')} m³`;
}

function figure(caption: string, chart: string): string {
  return chart === '' ? '' : `<figure><figcaption>${caption}</figcaption>${chart}</figure>`;
}

function section({ id, title, notes, columns, rows, hasTotal, unknownAt = {} }: Table, words: Words): string {
  const within = new Set(Object.values(unknownAt));
  const isShown = (_: unknown, at: number) => !within.has(at);
  const body = rows.map((row, index) => {
    const cells = row.filter(isShown).map((cell, at) => {
      const unknown = unknownPart(row[unknownAt[at] ?? -1], words);
      return `<td class="${cellClass(columns, at)}">${written(cell, columns[at]!.kind)}${unknown}</td>`;
    });
    return `<tr${hasTotal && index === rows.length - 1 ? ' class="total"' : ''}>${cells.join('')}</tr>`;
  });
  const header = columns
    .filter(isShown)
    .map(({ title: name }, at) => `<th class="${cellClass(columns, at)}">${escaped(name)}</th>`);
  const table = `<div class="scroll" role="region" tabindex="0" aria-label="${escaped(title)}"><table><thead><tr>${header.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
  return `<section id="${id}"${id === 'published' ? ' class="published"' : ''}><h2>${escaped(title)}</h2>
${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join('')}${rows.length > 0 ? table : ''}</section>`;
}

/** In the cell of its volume, as large as that. */
function unknownPart(hours: string | number | null | undefined, words: Words): string {
  if (typeof hours !== 'number' || hours === 0) return '';
  return `<span class="unknown-part">${written(hours, 'hours')} ${words.meterHoursUnknown}</span>`;
}

function cellClass(columns: readonly Column[], at: number): string {
  return at === 0 ? `${columns[at]!.kind} first` : columns[at]!.kind;
}

/** What isn't known or doesn't apply is a dash, never a nought. */
function written(cell: string | number | null, kind: CellKind): string {
  if (cell === null) return '—';
  if (typeof cell === 'string') return kind === 'instant' ? minute(cell) : escaped(cell);
  switch (kind) {
    case 'volume':
      return grouped(cell, 3);
    case 'hours':
    case 'hundredMillion':
      return grouped(cell, 2);
    case 'share':
      return `${grouped(cell * 100, 2)} %`;
    default:
      return String(cell);
  }
}

function grouped(value: number, decimals: number): string {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    signDisplay: 'negative',
  });
}

/** `2026-11-22 08:00` of RFC 3339 in the report's zone; what is no instant stands as it is. */
function minute(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? text.slice(0, 16).replace('T', ' ') : escaped(text);
}
