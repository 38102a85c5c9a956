/**
 * The broker as main and the API see it, wherever it runs: `mqtt-embedded.ts` is one, `mqtt-client.ts` speaks to one
 * outside. Gateways' payloads go to the door; what Wellkeeper has to say goes out here.
 */
export interface Broker {
  /** Counted since the process began; the names are labels of a metric. */
  readonly counters: Readonly<Record<string, number>>;
  /**
   * Sends our own message at QoS 1. Resolves when it is with the broker (embedded: with the subscribers' sockets);
   * rejects when it can't be now: nothing is kept for later.
   */
  publish(topic: string, payload: string | Uint8Array, options?: { retain?: boolean }): Promise<void>;
  clearRetained(topic: string): Promise<void>;
  /** Topics of this filter under which the broker keeps a message of ours, also one of an earlier process. */
  retainedTopics(filter: string): Promise<string[]>;
  /** The gateway's ledger (JSON) as its retained message. */
  publishLedger(gateway: string, ledger: string): Promise<void>;
  /** Closes every connection of this gateway; an outside broker's connections are its own business. */
  disconnectGateway(gateway: string): void;
  /** Authenticated connections of the embedded broker. */
  clients?(): number;
  /** Of an outside broker: subscribed and receiving. */
  readonly isUp?: boolean;
  /** Of an outside broker: messages received that aren't acknowledged yet. */
  held?(): number;
  /** Messages that wait since the journal can't take them. */
  waiting(): number;
  /** When the gateway last published or was refused though its password is right, epoch ms; null = not since the process began. */
  lastSeenMs(gateway: string): number | null;
  /** Refusals that this gateway was not told of, being more than ten a second, since the process began. */
  untold(gateway: string): number;
  /** Takes no more messages; what waits unacknowledged will be sent again. */
  close(): Promise<void>;
}
