/**
 * The addresses of an outside broker (WK_MQTT_URL), tried in turn: the next one after each failure. What each has said
 * last is kept, so that trouble is told with all their reasons.
 */
import type { LinkTrouble } from './link-state.ts';
import { addressOf, type LinkFailure, type ProtocolVersion } from './mqtt-link.ts';

export interface BrokerAddress {
  readonly url: string;
  /** Without credentials. */
  readonly address: string;
  /** To be tried next. */
  version: ProtocolVersion;
  /** It has said that it doesn't speak MQTT 5. */
  isOld: boolean;
}

export class BrokerAddresses {
  readonly #all: readonly BrokerAddress[];
  readonly #failures = new Map<BrokerAddress, LinkFailure>();
  #at = 0;
  /** In a row. */
  #failed = 0;

  /** @param urls at least one. */
  constructor(urls: readonly string[]) {
    this.#all = urls.map((url) => ({ url, address: addressOf(url), version: 5, isOld: false }));
  }

  get current(): BrokerAddress {
    return this.#all[this.#at]!;
  }

  get names(): string[] {
    return this.#all.map(({ address }) => address);
  }

  connected(): void {
    this.#failed = 0;
    this.#failures.clear();
  }

  /** The current one has failed: it is the next one's turn. @returns whether all have failed by now. */
  failed(failure: LinkFailure): boolean {
    this.#failures.set(this.current, failure);
    this.#at = (this.#at + 1) % this.#all.length;
    this.#failed++;
    return this.#failed % this.#all.length === 0;
  }

  /** What the failed ones said. A refused log-in comes first: that broker is there, and waiting won't help. */
  trouble(): LinkTrouble {
    const said = this.#all.flatMap((one) => {
      const failure = this.#failures.get(one);
      return failure ? [{ ...failure, detail: `${one.address}: ${failure.detail}` }] : [];
    });
    const isRefused = said.some(({ condition }) => condition === 'broker.unauthorized');
    return {
      condition: isRefused ? 'broker.unauthorized' : 'broker.unreachable',
      detail: said.map(({ detail }) => detail).join('; '),
    };
  }
}
