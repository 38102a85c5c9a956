/**
 * The number of the rules by which readings become figures: flags, statistics and volumes. Books, closings and kept reports
 * name the number that they were counted by. Whoever changes what a figure comes to adds a line here, and the books of every
 * installation are counted anew after its upgrade (src/books/recount/recount.ts, docs/numbers.md).
 */

/** What each number changed for stored readings, as sentences; the first one is where counting begins. */
export const COUNTING_CHANGES: Readonly<Record<number, readonly string[]>> = {
  1: ['The rules of the versions that named none.'],
  2: [
    'Scheduled resets of a register are asked for before glitches: water that was left out is booked.',
    'A gap in a flow beyond maxEstimate, and a gap in which a register may have turned whole, are unknown.',
    'A return of a register to its old course within maxGap undoes the reset.',
    'A meter that is handed over between recipients is booked to each by time.',
    'What runs across the `from` or `to` of a meter is shared out by time.',
    'Spikes, rates and spreads are compared with their thresholds by decimals: what is at a threshold isn’t beyond it.',
    'A reading with a device letter that nobody has given a meaning is flag 3 and in no mean.',
    'A value below the detection limit is in means with half that limit.',
  ],
  3: [
    'A temperature that leaps to its freezing point faster than water cools, and stands still there, is suspect from the leap on and then fails.',
  ],
};

/** The rules of this program. */
export const COUNTING_RULES = 3;

/** The rules of books and manifests that name none. */
export const FIRST_RULES = 1;
