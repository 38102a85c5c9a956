/**
 * Hands deliveries to the door and, while the journal can't take any, keeps them waiting in their order: one of them
 * is tried again with growing pauses, and when it gets through the others follow. Nothing is acknowledged meanwhile,
 * so a client whose connection ends while it waits sends it again.
 */
import type { Receipt } from '#ingest/door.ts';
import { StoreError } from '#src/sqlite.ts';

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 5000;

/** Whoever waits for the answer; nobody does once it is closed. */
export interface Sender {
  readonly isOpen: boolean;
}

interface Held {
  sender: Sender;
  attempt: () => Promise<Receipt>;
  settle: (receipt: Receipt | null) => void;
  fail: (error: unknown) => void;
}

const isRetryable = (error: unknown): error is StoreError => error instanceof StoreError && error.retryable;

export class HeldDeliveries {
  readonly #onHeld: (error: StoreError) => void;
  #queue: Held[] = [];
  #timer: NodeJS.Timeout | null = null;
  #pauseMs = PAUSE_MIN_MS;
  #isClosed = false;

  /** @param onHeld called with the error each time that an attempt fails for now. */
  constructor(onHeld: (error: StoreError) => void) {
    this.#onHeld = onHeld;
  }

  /** How many wait because the journal refused them or one before them. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Resolves with the receipt once it is durable, or null when the sender's connection ended first.
   * Rejects with whatever `attempt` throws that isn't a retryable StoreError.
   */
  submit(sender: Sender, attempt: () => Promise<Receipt>): Promise<Receipt | null> {
    return new Promise((settle, fail) => {
      const held: Held = { sender, attempt, settle, fail };
      // Behind one that waits, a newer one waits too: order is kept and a full disk isn't asked a thousand times.
      if (this.#queue.length > 0) this.#hold(held);
      else void this.#attempt(held);
    });
  }

  /** Gives up all that wait. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const held of this.#queue.splice(0)) held.settle(null);
  }

  #hold(held: Held): void {
    if (this.#isClosed) {
      held.settle(null);
      return;
    }
    this.#queue.push(held);
    this.#timer ??= setTimeout(() => void this.#probe(), this.#pauseMs);
  }

  async #attempt(held: Held): Promise<void> {
    try {
      held.settle(await held.attempt());
    } catch (error) {
      if (!isRetryable(error)) {
        held.fail(error);
        return;
      }
      this.#onHeld(error);
      this.#hold(held);
    }
  }

  /** Tries the oldest whose sender is still there. */
  async #probe(): Promise<void> {
    for (const held of this.#queue) if (!held.sender.isOpen) held.settle(null);
    this.#queue = this.#queue.filter((held) => held.sender.isOpen);
    const head = this.#queue[0];
    if (!head) {
      this.#timer = null;
      return;
    }
    try {
      head.settle(await head.attempt());
    } catch (error) {
      if (isRetryable(error)) {
        this.#onHeld(error);
        this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MAX_MS);
        if (!this.#isClosed) this.#timer = setTimeout(() => void this.#probe(), this.#pauseMs);
        return;
      }
      head.fail(error);
    }
    this.#followUp(head);
  }

  /** The journal answers again: everything behind the head goes in its order. */
  #followUp(head: Held): void {
    const behind = this.#queue.filter((held) => held !== head);
    this.#queue = [];
    this.#timer = null;
    this.#pauseMs = PAUSE_MIN_MS;
    for (const held of behind) void this.#attempt(held);
  }
}
