/** Puts readings that the store refused for good into quarantine, each as a payload that replays exactly it. */

import type { Journal, MessageDraft } from '#journal/port.ts';
import { TYPE_CONFLICT } from '#readings/influx/answers.ts';
import type { RejectedValue } from './followers-protocol.ts';

/** Resolves with the ids that are in quarantine now, durably; one that is there already stays as it is. */
export async function quarantineRejected(
  journal: Pick<Journal, 'appendMessage'>,
  readings: readonly RejectedValue[],
): Promise<string[]> {
  await Promise.all(readings.map((reading) => journal.appendMessage(rejectedDraft(reading))));
  return readings.map(({ id }) => id);
}

/** Values that the store can't take beside what somebody else has written there. */
export interface TypeConflict {
  /** Monotonic clock. */
  atMs: number;
  detail: string;
}

/** The newest of them among refused values; undefined: none is refused for that. */
export function newestConflict(readings: readonly RejectedValue[], atMs: number): TypeConflict | undefined {
  const last = readings.findLast(({ reason }) => TYPE_CONFLICT.test(reason));
  if (!last) return undefined;
  const { station, parameter, timeMs, reason } = last;
  return { atMs, detail: `${station}/${parameter} at ${new Date(timeMs).toISOString()}: ${reason}` };
}

/** `value` is in the canonical unit, which is said, since a meter's face may have another one. */
function rejectedDraft(rejected: RejectedValue): MessageDraft {
  const { id, source, wasCounted, station, parameter, unit, timeMs, value, deviceFlag, reason } = rejected;
  const quantity = { value, ...(unit === null ? {} : { unit }), ...(deviceFlag === null ? {} : { flag: deviceFlag }) };
  const payload = Buffer.from(JSON.stringify({ station, time: timeMs, values: { [parameter]: quantity } }));
  return {
    source,
    gatewaySeq: null,
    readings: [],
    raw: new Uint8Array(0),
    quarantine: [
      { id, code: 'store.rejected', message: reason, path: null, contentType: 'application/json', payload, source },
    ],
    received: 1,
    again: { wasCounted },
  };
}
