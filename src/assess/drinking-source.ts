/** What GB 3838-2002 asks of a drinking-water source besides its class: tables 2 and 3 (section 5.3). */
import type { Limit } from '#model/class.ts';
import type { Parameter, SingleLimit, Standard } from '#model/reference.ts';
import { counted, type Measured, unfitLimit, written } from './judge.ts';
import { brokenSide } from './sample.ts';

export interface DrinkingSourceAssessment {
  /** How many limits were compared. */
  assessed: number;
  breaches: {
    parameter: string;
    value: number;
    op: '<=' | '>=';
    limit: number;
    multiple: number | null;
  }[];
  notAssessed: {
    parameter: string;
    reason: 'not-measured' | 'not-finite' | 'negative' | 'detection-limit' | 'measuring-range';
  }[];
}

/** Judges what of tables 2 and 3 is among `values`; nothing prescribes which items of table 3 a source measures. */
export function assessDrinkingSource(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  values: ReadonlyMap<string, Measured>,
): DrinkingSourceAssessment {
  const breaches: DrinkingSourceAssessment['breaches'] = [];
  const notAssessed: DrinkingSourceAssessment['notAssessed'] = [];
  let assessed = 0;
  for (const single of standard.singles) {
    const { parameter } = single;
    const measured = values.get(parameter);
    if (measured === undefined) continue;
    const limit = limitOf(single);
    const reason = reasonNot(limit, measured);
    if (reason) {
      notAssessed.push({ parameter, reason });
      continue;
    }
    assessed++;
    const side = brokenSide(limit, counted(measured!));
    if (!side) continue;
    const value = typeof measured === 'object' && 'above' in measured! ? measured.above : counted(measured!);
    const multiple = parameters.get(parameter)?.multiple ? (value - side.limit) / side.limit : null;
    breaches.push({ parameter, value, ...side, multiple });
  }
  return { assessed, breaches, notAssessed };
}

function limitOf({ op, limit }: SingleLimit): Limit {
  if (op !== 'range') return { op, value: Number(limit) };
  const [low, high] = limit.split('~').map(Number) as [number, number];
  return { op, value: [low, high] };
}

function reasonNot(limit: Limit, measured: Measured) {
  if (measured === null) return 'not-measured';
  const given = written(measured);
  if (!Number.isFinite(given)) return 'not-finite';
  if (given < 0) return 'negative';
  return typeof measured === 'object' ? unfitLimit(measured, limit) : null;
}
