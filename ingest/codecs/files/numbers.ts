/** Numbers with a decimal point or comma, and with the other one between thousands. */
import { NUMBER } from '../codec.ts';
import { FileUndecided, shown } from './file-problem.ts';

export type Decimal = '.' | ',';

const THOUSANDS_COMMA = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const THOUSANDS_POINT = /^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/;

/** @returns NaN for what is no number. */
export function readNumber(text: string, decimal: Decimal): number {
  if (decimal === '.') {
    if (NUMBER.test(text)) return Number(text);
    return THOUSANDS_COMMA.test(text) ? Number(text.replaceAll(',', '')) : Number.NaN;
  }
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  if (THOUSANDS_POINT.test(text) && text.includes(',')) return Number(text.replaceAll('.', '').replace(',', '.'));
  const pointed = text.replace(',', '.');
  return !text.includes('.') && NUMBER.test(pointed) ? Number(pointed) : Number.NaN;
}

/**
 * What the comma is in these cells. `1,5` is a decimal comma, `1,269.4` has one between thousands; if all there is looks
 * like `1,269`, it can be either.
 * @throws FileUndecided `decimal`.
 */
export function decimalOf(cells: Iterable<string>): Decimal {
  let open: string | null = null;
  let isPoint = false;
  for (const cell of cells) {
    if (!/\d/.test(cell)) continue;
    if (!cell.includes(',')) {
      if (NUMBER.test(cell) && cell.includes('.')) isPoint = true;
      continue;
    }
    if (!/^[+-]?[\d.,]+$/.test(cell)) continue;
    if (cell.lastIndexOf('.') > cell.lastIndexOf(',')) return '.';
    if (cell.includes('.') || !/^[+-]?[1-9]\d{0,2}(?:,\d{3})+$/.test(cell)) return ',';
    // Two groups can only be thousands.
    if (cell.indexOf(',') !== cell.lastIndexOf(',')) return '.';
    open ??= cell;
  }
  if (open === null || isPoint) return '.';
  throw new FileUndecided(
    'decimal',
    {
      zh: `“${shown(open)}”中的逗号可能是小数点，也可能是千位分隔；请用 decimal 说明。`,
      en: `The comma of "${shown(open)}" can be a decimal one or stand between thousands: say with \`decimal\` what the decimal mark is.`,
    },
    ['.', ','],
  );
}
