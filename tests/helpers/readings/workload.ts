/** A journal that is a function of seq: new readings, repeats, corrections, old values and engineers' changes. */
import type { Entry, JournaledReading } from '#model/entry.ts';
import { correction, journaled, MINUTE, message, T } from './rig.ts';

export const WORKLOAD_SERIES = 20;

/** Entry `seq`; what it does depends on nothing else, so any process can make any part of the journal. */
function workloadEntry(seq: number): Entry {
  if (seq % 17 === 0) return { kind: 'tick', seq, receivedMs: T + seq * 1000 };
  if (seq % 23 === 0) {
    const action = (['set', 'delete', 'flag'] as const)[seq % 3]!;
    const range = { fromMs: T + (seq - 12) * MINUTE, toMs: T + (seq - 4) * MINUTE };
    return correction(seq, {
      action,
      value: seq,
      flag: action === 'flag' ? 3 : undefined,
      parameter: `s${seq % 5}`,
      ...range,
    });
  }
  const readings: JournaledReading[] = [];
  for (let series = 0; series < WORKLOAD_SERIES; series++) {
    readings.push(journaled(series, seq, series + seq / 7));
    // The reading of an earlier minute again, as it was or changed; the door is sure of some of it and not of the rest.
    const back = 1 + ((seq + series) % 9);
    const before = seq - back;
    if (before < 1 || before % 17 === 0 || before % 23 === 0) continue;
    const value = (seq + series) % 4 === 0 ? -seq : series + before / 7;
    readings.push(journaled(series, before, value, { verdict: 'unsettled', flag: 3 }));
  }
  return message(seq, readings, `gw-${seq % 3}`);
}

export function workload(afterSeq: number, throughSeq: number): Entry[] {
  return Array.from({ length: Math.max(0, throughSeq - afterSeq) }, (_, index) => workloadEntry(afterSeq + 1 + index));
}
