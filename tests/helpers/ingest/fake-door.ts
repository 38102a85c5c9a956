/** A door that journals nothing: it records what it is given and resolves when, and how, the test says. */
import type { Delivery, Door, Receipt } from '#ingest/door.ts';
import type { Fault } from '#model/faults.ts';
import { StoreError } from '#src/sqlite.ts';

interface Refused {
  source: string;
  fault: Fault;
  payload: Buffer;
}

export interface FakeDoor extends Door {
  readonly accepted: Delivery[];
  readonly refused: Refused[];
  /** How long each answer takes, milliseconds. */
  delayMs: number;
  /** While true, every attempt rejects as a full journal does. */
  isFull: boolean;
  /** While set, every attempt rejects with this. */
  error: Error | null;
  /** Attempts, failed ones included. */
  attempts: number;
  /** Values that every accepted message is said to have had refused. */
  faults: Fault[];
  /** Whether every accepted message is said to be one that can't be decoded. */
  undecodable: boolean;
  /** Times of the samples that every accepted message is said to have. */
  span: Receipt['span'];
}

export function createFakeDoor(): FakeDoor {
  const door: FakeDoor = {
    accepted: [],
    refused: [],
    delayMs: 0,
    isFull: false,
    error: null,
    attempts: 0,
    faults: [],
    undecodable: false,
    span: undefined,
    async accept(delivery) {
      await answer();
      door.accepted.push(delivery);
      const { undecodable, span } = door;
      return { ...receipt(door.accepted.length, door.faults), undecodable, ...(span && { span }) };
    },
    async refuse(source, fault, payload) {
      await answer();
      door.refused.push({ source, fault, payload: Buffer.from(payload) });
      return receipt(door.refused.length, [fault]);
    },
    preview: () => ({ readings: [], faults: [], controls: [] }),
    replay: () => Promise.reject(new Error('the fake door replays nothing')),
    latest: () => undefined,
    settle: () => {},
    clockOffsetMs: () => null,
  };

  async function answer(): Promise<void> {
    door.attempts++;
    if (door.delayMs > 0) await new Promise((done) => setTimeout(done, door.delayMs));
    if (door.error) throw door.error;
    if (door.isFull) throw new StoreError('journal.full', 'The journal is full', true);
  }
  return door;
}

function receipt(seq: number, faults: readonly Fault[]): Receipt {
  const quarantined = faults.map((fault, index) => ({ ...fault, quarantineId: `q-${seq}-${index}` }));
  const counts = { accepted: 1, duplicates: 0, corrections: 0, pending: 0 };
  return { seq, receivedMs: Date.UTC(2026, 10, 22), ...counts, quarantined, undecodable: false };
}
