/**
 * A gateway's ledger: what became of every value that it sent. Received and quarantined are counted by the journal,
 * stored and duplicate by the `readings` follower; what is left is pending (invariant 1).
 */
import type { IntakeCount } from './journal-port.ts';
import type { Queries } from './queries.ts';

/** Counted in values. `sinceMs` = when counting began; null for a gateway that never sent anything. */
export interface GatewayLedger {
  received: number;
  stored: number;
  duplicate: number;
  quarantined: number;
  pending: number;
  sinceMs: number | null;
}

export async function gatewayLedger(
  queries: Pick<Queries, 'settledCounts'>,
  reader: { intakeCount(source: string): IntakeCount | undefined },
  gateway: string,
): Promise<GatewayLedger> {
  // Settled first: what is journaled in between is then pending rather than negative.
  const { stored, duplicate } = await queries.settledCounts({ source: gateway });
  const { received = 0, quarantined = 0, sinceMs = null } = reader.intakeCount(gateway) ?? {};
  return { received, stored, duplicate, quarantined, pending: received - stored - duplicate - quarantined, sinceMs };
}
