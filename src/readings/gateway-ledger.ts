/**
 * A gateway's ledger: what became of every value that it sent. Received and quarantined are counted by the journal,
 * stored and duplicate by the `readings` follower once the store has what an entry brought; what is left is pending (invariant 1).
 */

import type { IntakeCount } from '#journal/port.ts';
import type { Gap } from '#model/register.ts';
import type { ReadingQueries } from './queries.ts';

/** Counted in values. `sinceMs` = when counting began; null for a gateway that never sent anything. */
export interface GatewayLedger {
  received: number;
  stored: number;
  duplicate: number;
  quarantined: number;
  pending: number;
  sinceMs: number | null;
}

/** The ledger as the API and the retained topic give it; times in RFC 3339 UTC. */
export interface LedgerView {
  received: number;
  stored: number;
  duplicate: number;
  quarantined: number;
  pending: number;
  since: string | null;
  /** Times in which an outside broker may have lost what was sent; absent when there are none. */
  possibleGaps?: { from: string; to: string; cause: string }[];
}

/** @param gaps of the register; those that ended before the gateway's counting began don't concern it. */
export function ledgerView({ sinceMs, ...counts }: GatewayLedger, gaps: readonly Gap[]): LedgerView {
  return {
    ...counts,
    since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
    ...possibleGaps(sinceMs, gaps),
  };
}

/** @param sinceMs when the gateway's counting began. */
export function possibleGaps(sinceMs: number | null, gaps: readonly Gap[]): Pick<LedgerView, 'possibleGaps'> {
  const text = (timeMs: number) => new Date(timeMs).toISOString();
  const own = gaps.filter(({ toMs }) => sinceMs !== null && toMs >= sinceMs);
  if (own.length === 0) return {};
  return { possibleGaps: own.map(({ fromMs, toMs, cause }) => ({ from: text(fromMs), to: text(toMs), cause })) };
}

export async function gatewayLedger(
  queries: Pick<ReadingQueries, 'settledCounts'>,
  reader: { intakeCount(source: string): IntakeCount | undefined },
  gateway: string,
): Promise<GatewayLedger> {
  // Settled first: what is journaled in between is then pending rather than negative.
  const { stored, duplicate } = await queries.settledCounts({ source: gateway });
  const { received = 0, quarantined = 0, sinceMs = null } = reader.intakeCount(gateway) ?? {};
  return { received, stored, duplicate, quarantined, pending: received - stored - duplicate - quarantined, sinceMs };
}
