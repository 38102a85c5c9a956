/** Bounds of criteria as they are compared: numbers are made of the printed decimals just before. */
export type CompareBound =
  | { op: '<=' | '>=' | '<' | '>'; value: number }
  | { op: 'range'; low: number; high: number }
  | { op: 'change'; rise: number; drop: number }
  | { op: 'not-detected' };

/** Whether `value` breaks the bound; for `change` it is the change, a rise positive. `not-detected` is broken by any value. */
export function breaksBound(bound: CompareBound, value: number): boolean {
  switch (bound.op) {
    case '<=':
      return value > bound.value;
    case '>=':
      return value < bound.value;
    case '<':
      return value >= bound.value;
    case '>':
      return value <= bound.value;
    case 'range':
      return value < bound.low || value > bound.high;
    case 'change':
      return value > bound.rise || -value > bound.drop;
    case 'not-detected':
      return value > 0;
  }
}

export function boundText(bound: CompareBound): string {
  switch (bound.op) {
    case 'range':
      return `${bound.low}~${bound.high}`;
    case 'change':
      return `rise <= ${bound.rise}; drop <= ${bound.drop}`;
    case 'not-detected':
      return bound.op;
    default:
      return `${bound.op} ${bound.value}`;
  }
}
