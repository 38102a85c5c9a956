import { expect, it } from 'vitest';
import type { Receipt, Refusal } from '#ingest/door.ts';
import { createRejectionNotices } from '#ingest/transports/rejection-notices.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';

function receiptOf(count: number): Receipt {
  const quarantined = Array.from(
    { length: count },
    (_, index): Refusal => ({
      code: 'parameter.unknown',
      message: 'There is no such parameter.',
      quarantineId: `q${index}`,
    }),
  );
  const none = { accepted: 0, duplicates: 0, corrections: 0, pending: 0 };
  return { seq: 1, receivedMs: 0, ...none, quarantined, undecodable: false };
}

it('ten a second are told; the rest is counted to its gateway, and told with the next one', () => {
  const clock = handClock(0);
  const notices = createRejectionNotices(clock);
  const first = notices.of('gw-1', receiptOf(25));
  expect([first.length, first.some((notice) => 'untold' in notice)]).toEqual([10, false]);
  expect([notices.untold('gw-1'), notices.untold('gw-2'), notices.surplus]).toEqual([15, 0, 15]);
  expect(notices.of('gw-2', receiptOf(1))).toHaveLength(1);
  clock.advance(1000);
  const next = notices.of('gw-1', receiptOf(2));
  expect(next.map(({ untold }) => untold)).toEqual([15, undefined]);
  expect(notices.untold('gw-1')).toBe(15);
});
