/**
 * What becomes of a PUBLISH on the embedded broker, knowing nothing of aedes: to the door or into quarantine, held
 * while the journal can't take it, and the gateway told of what was refused. True means durable: acknowledge it.
 */
import type { Door, Receipt } from '#ingest/door.ts';
import type { Fault } from '#model/faults.ts';
import type { Gateway } from '#model/register.ts';
import type { Clock } from '#src/clock.ts';
import type { Control } from '#store/control.ts';
import type { StoreError } from '#store/sqlite.ts';
import { publishFault, type Session } from './broker-access.ts';
import { HeldDeliveries, type Sender } from './held-deliveries.ts';
import type { StrayPublish } from './packet-scanner.ts';
import { createRejectionNotices, type RejectionNotice } from './rejection-notices.ts';

export interface IntakeOptions {
  door: Door;
  control: Control;
  clock: Clock;
  maxMessageBytes: number;
  /** Tells a gateway of one refusal. */
  reject: (gateway: string, notice: RejectionNotice) => void;
  /** The journal couldn't take a message for now. */
  onHeld: (error: StoreError) => void;
}

/** A connection that waits for its messages; it isn't read further while it holds too much. */
interface Holder extends Sender {
  hold(bytes: number): void;
  release(bytes: number): void;
}

export interface PublishIntake {
  /** Resolves with true once durable, with false when the connection ended first. */
  take(holder: Holder, session: Session, topic: string, payload: Uint8Array): Promise<boolean>;
  /** As `take`, for a publish of which the guard kept only the head; the guard holds for it. */
  takeStray(sender: Sender, session: Session, publish: StrayPublish): Promise<boolean>;
  lastSeenMs(gateway: string): number | null;
  /** Messages that wait since the journal can't take them. */
  waiting(): number;
  readonly counters: Readonly<IntakeCounters>;
  close(): void;
}

export interface IntakeCounters {
  /** PUBLISH packets of authenticated clients, whatever became of them. */
  published: number;
  /** Those among them that were quarantined unread: a foreign topic, or too large. */
  refused: number;
  /** Notices to gateways beyond ten a second. */
  rejectedSurplus: number;
}

const sourceOf = (session: Session): string => (session.kind === 'gateway' ? session.gateway : 'user:token');

export function createPublishIntake(options: IntakeOptions): PublishIntake {
  const { door, control, clock, maxMessageBytes, reject, onHeld } = options;
  const held = new HeldDeliveries(onHeld);
  const notices = createRejectionNotices(clock);
  const lastSeenMs = new Map<string, number>();
  const stations = new WeakMap<Gateway, ReadonlySet<string>>();
  const counts = { published: 0, refused: 0 };

  /** The stations of a gateway as they are now; its deletion closes its connections and leaves it none. */
  function stationsOf(id: string): ReadonlySet<string> {
    const gateway = control.get('gateway', id);
    if (!gateway) return new Set();
    const known = stations.get(gateway) ?? new Set(gateway.stations);
    stations.set(gateway, known);
    return known;
  }

  function deliver(session: Session, fault: Fault | null, payload: Uint8Array): Promise<Receipt> {
    const source = sourceOf(session);
    if (fault) return door.refuse(source, fault, payload);
    return door.accept({ source, stations: stationsOf(source), contentType: 'application/json', payload });
  }

  async function submit(sender: Sender, session: Session, fault: Fault | null, payload: Uint8Array): Promise<boolean> {
    counts.published++;
    if (fault) counts.refused++;
    if (session.kind === 'gateway') lastSeenMs.set(session.gateway, clock.nowMs());
    const receipt = await held.submit(sender, () => deliver(session, fault, payload));
    if (receipt === null) return false;
    if (session.kind === 'gateway') {
      for (const notice of notices.of(session.gateway, receipt)) reject(session.gateway, notice);
    }
    return true;
  }

  return {
    async take(holder, session, topic, payload) {
      holder.hold(payload.length);
      try {
        return await submit(holder, session, publishFault(session, topic), payload);
      } finally {
        holder.release(payload.length);
      }
    },
    takeStray(sender, session, { reason, topic, head, payloadBytes }) {
      const misplaced = publishFault(session, topic);
      const tooLarge = `The message has ${payloadBytes} bytes; ${maxMessageBytes} are allowed`;
      const fault: Fault =
        reason === 'too-large' || !misplaced ? { code: 'message.too-large', message: tooLarge } : misplaced;
      return submit(sender, session, fault, head);
    },
    lastSeenMs: (gateway) => lastSeenMs.get(gateway) ?? null,
    waiting: () => held.waiting,
    get counters() {
      return { ...counts, rejectedSurplus: notices.surplus };
    },
    close: () => held.close(),
  };
}
