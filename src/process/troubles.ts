/**
 * What is wrong with what the service stands on, as those say who meet it: the other threads of the reading store and of
 * damaged rows, the transport of an outside broker. Kept here until platform looks, each second (src/platform/conditions.ts).
 */
import type { CanaryVerdict } from '#ingest/transports/broker-canary.ts';
import type { StoreTrouble } from '#readings/store.ts';
import type { TypeConflict } from './rejected-readings.ts';
import { NO_DAMAGE, type SeenDamages } from './seen-damage.ts';

/** What the reading store and the broker say is wrong; null: nothing, undefined: they haven't said anything yet. */
export interface Troubles {
  store: StoreTrouble | null | undefined;
  broker: StoreTrouble | null | undefined;
  /** What an outside broker's trial has shown; null: there is none to try, undefined: it is not over yet. */
  canary: CanaryVerdict | null | undefined;
  /** The newest value that clashes with what somebody else has written into the store; null: none since the start. */
  typeConflict: TypeConflict | null;
  /** Damaged rows that were met; null: none since the start. */
  damage: SeenDamages;
}

/** @param hasOutsideBroker of our own there is nothing to be said. */
export function noTroubles(hasOutsideBroker: boolean): Troubles {
  const broker = hasOutsideBroker ? undefined : null;
  return { store: undefined, broker, canary: broker, typeConflict: null, damage: NO_DAMAGE };
}
