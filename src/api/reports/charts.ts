/**
 * The charts of a printed report, as SVG without script or style attributes (the page's policy allows neither): classes
 * are styled by the page. What differs in kind differs in pattern and line, too, since reports are printed in black.
 */

import type { Report } from '#api/reports/schemas/reports.ts';
import { escaped } from '../markup.ts';
import { recipientName, type Words } from './words.ts';

const WIDTH = 640;
const HEIGHT = 250;
const LEFT = 64;
const RIGHT = 16;
const TOP = 26;
const BOTTOM = 26;
const ROW = 46;

/** Cumulative volume of the transfer year against its plan. */
export function curveChart({ yearByMonth, total }: Report, words: Words): string {
  const first = yearByMonth[0];
  if (!first) return '';
  const startMs = Date.parse(first.start);
  const endMs = Date.parse(nextYear(first.start));
  const supplied = [[startMs, 0], ...yearByMonth.map(({ end, cumulative }) => [Date.parse(end), cumulative])];
  const planned = total.plan
    ? [[startMs, 0], ...total.plan.months.map(({ end, planned: by }) => [Date.parse(end), by])]
    : [];
  const top = niceCeiling(Math.max(...[...supplied, ...planned].map(([, volume]) => volume!), 1));
  const unit = unitOf(top, words);
  const x = (timeMs: number) => LEFT + ((timeMs - startMs) / (endMs - startMs)) * (WIDTH - LEFT - RIGHT);
  const y = (volume: number) => HEIGHT - BOTTOM - (volume / top) * (HEIGHT - TOP - BOTTOM);
  const path = (points: number[][]) => points.map(([at, volume]) => `${fixed(x(at!))},${fixed(y(volume!))}`).join(' ');
  const lines = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = fixed(y(part * top));
    const label = (part * top) / unit.size;
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="axis end" x="${LEFT - 6}" y="${at + 4}">${short(label)}</text>`;
  });
  const months = Array.from({ length: 12 }, (_, index) => {
    const at = startMs + ((index + 0.5) / 12) * (endMs - startMs);
    return `<text class="axis mid" x="${fixed(x(at))}" y="${HEIGHT - 8}">${((index + 10) % 12) + 1}</text>`;
  });
  const dots = supplied.slice(1).map(([at, volume]) => {
    return `<circle class="dot" cx="${fixed(x(at!))}" cy="${fixed(y(volume!))}" r="2.5"/>`;
  });
  const { unknownHours } = total.transferYear;
  const left = planned.length > 0 ? LEFT + 90 : LEFT;
  const unknown =
    unknownHours > 0
      ? `, ${escaped(unknownHours.toLocaleString('en-US', { maximumFractionDigits: 1 }))} ${words.meterHoursUnknown}`
      : '';
  const legend = [
    `<line class="supplied" x1="${left}" x2="${left + 26}" y1="12" y2="12"/><text class="axis" x="${left + 32}" y="16">${words.curveDelivered}${unknown}</text>`,
    planned.length > 0
      ? `<line class="planned" x1="${LEFT}" x2="${LEFT + 26}" y1="12" y2="12"/><text class="axis" x="${LEFT + 32}" y="16">${words.curvePlanned}</text>`
      : '',
  ];
  return svg(
    HEIGHT,
    words.curve,
    [
      ...legend,
      `<text class="axis end" x="${WIDTH - RIGHT}" y="16">${unit.name}</text>`,
      ...lines,
      ...months,
      planned.length > 0 ? `<polyline class="planned" points="${path(planned)}"/>` : '',
      `<polyline class="supplied" points="${path(supplied)}"/>`,
      ...dots,
    ].join(''),
  );
}

/** A bar for each recipient: measured plain, estimated hatched; under it the share of its meters' time that is unknown. */
export function recipientBars(report: Report, words: Words): string {
  const { recipients, start, through } = report;
  if (recipients.length === 0) return '';
  const hours = (Date.parse(through) - Date.parse(start)) / 3_600_000;
  const top = niceCeiling(Math.max(...recipients.map(({ cubicMetres }) => cubicMetres), 1));
  const unit = unitOf(top, words);
  const left = 90;
  const width = WIDTH - left - 120;
  const scale = (volume: number) => (Math.max(0, volume) / top) * width;
  const rows = recipients.map(({ recipient, meters, cubicMetres, measured, estimated, unknownHours }, index) => {
    const y = TOP + index * ROW;
    const unknown = hours > 0 ? Math.min(1, unknownHours / (hours * meters)) : 0;
    const end = left + scale(measured) + scale(estimated);
    return [
      `<text class="axis end" x="${left - 8}" y="${y + 16}">${escaped(recipientName(words, recipient))}</text>`,
      `<rect class="measured" x="${left}" y="${y + 3}" width="${fixed(scale(measured))}" height="18"/>`,
      `<rect class="estimated" fill="url(#hatch)" x="${fixed(left + scale(measured))}" y="${y + 3}" width="${fixed(scale(estimated))}" height="18"/>`,
      `<text class="axis" x="${fixed(end + 6)}" y="${y + 16}">${short(cubicMetres / unit.size)}</text>`,
      `<rect class="known" x="${left}" y="${y + 25}" width="${width}" height="6"/>`,
      `<rect class="unknown" fill="url(#dots)" x="${left}" y="${y + 25}" width="${fixed(unknown * width)}" height="6"/>`,
      `<text class="axis" x="${left + width + 6}" y="${y + 34}">${unknownText(unknown)}</text>`,
    ].join('');
  });
  const swatch = (x: number, attributes: string, label: string) =>
    `<rect ${attributes} x="${x}" y="5" width="22" height="12"/><text class="axis" x="${x + 28}" y="15">${label}</text>`;
  const legend = [
    swatch(left, 'class="measured"', words.measured),
    swatch(left + 110, 'class="estimated" fill="url(#hatch)"', words.estimated),
    swatch(left + 220, 'class="unknown" fill="url(#dots)"', words.knownTime),
    `<text class="axis end" x="${WIDTH - RIGHT}" y="15">${unit.name}</text>`,
  ];
  return svg(TOP + recipients.length * ROW, words.bars, [PATTERNS, ...legend, ...rows].join(''));
}

/** A share that is there is never written as none. */
function unknownText(share: number): string {
  return share > 0 && share < 0.001 ? '< 0.1 %' : `${(share * 100).toFixed(1)} %`;
}

const PATTERNS =
  '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="paper" width="6" height="6"/><line class="ink" x1="0" x2="0" y1="0" y2="6"/></pattern><pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse"><rect class="paper" width="4" height="4"/><circle class="point" cx="2" cy="2" r="1"/></pattern></defs>';

function svg(height: number, title: string, content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}"><title>${escaped(title)}</title>${content}</svg>`;
}

function nextYear(text: string): string {
  return String(Number(text.slice(0, 4)) + 1) + text.slice(4);
}

/** 1, 2, 4, 5 or 8 times a power of ten: quarters of it are short numbers. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].find((factor) => factor * power >= value)! * power;
}

function unitOf(top: number, words: Words): { size: number; name: string } {
  if (top >= 1e8) return { size: 1e8, name: words.hundredMillion };
  return top >= 1e5 ? { size: 1e4, name: words.million } : { size: 1, name: 'm³' };
}

function fixed(value: number): number {
  return Math.round(value * 10) / 10;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
