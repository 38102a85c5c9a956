/** What a gateway's own numbers have left out, as the API shows it. */

import { isoText } from '#api/instants.ts';
import { closed, lostIn, missingIn, type Numbering, type NumberRange, sizeOf } from '#journal/gateway-numbering.ts';

/** In a list of many gateways only the newest holes stand, and no list of what was declared lost. */
export type Extent = 'whole' | 'short';
const SHORT = 8;

const NOTHING: Numbering = { first: 0, last: 0, holes: [], merged: null, lost: [], lostBefore: 0, refused: [] };

/** How many numbers a closing up to `through` declares lost. */
export function closableIn(numbering: Numbering | undefined, through: number): number {
  if (!numbering) return 0;
  const after = closed(numbering, through, { atMs: 0, by: '', reason: '' });
  return missingIn(numbering) - missingIn(after);
}

/** @param numbering undefined = it has sent no number yet. */
export function sequenceOf(numbering: Numbering | undefined, extent: Extent) {
  const { holes, merged, lost } = numbering ?? NOTHING;
  const shown = extent === 'whole' ? holes : holes.slice(-SHORT);
  return {
    missing: missingIn(numbering ?? NOTHING),
    last: numbering?.last ?? null,
    holes: shown.map((hole) => ({ ...rangeOf(hole), since: isoText(hole.sinceMs) })),
    ...(merged && { merged: { count: merged.count, since: isoText(merged.sinceMs) } }),
    lost: {
      count: lostIn(numbering ?? NOTHING),
      ...(extent === 'whole' && {
        items: lost.map((range) => ({
          ...rangeOf(range),
          at: isoText(range.atMs),
          by: range.by,
          reason: range.reason,
        })),
      }),
    },
  };
}

function rangeOf(range: NumberRange & { isEarlier?: true }) {
  const { from, to, isEarlier } = range;
  return { from, to, count: sizeOf(range), ...(isEarlier && { earlier: isEarlier }) };
}
