/**
 * Topics other than ours (contracts §7, `topics` of a gateway): each belongs to one gateway, so that a topic tells whose
 * message it is. Kept up to date with the registers.
 */
import type { Control } from '#journal/registers.ts';
import { covers, FilterTree } from '#model/topic-filter.ts';

export interface GatewayTopics {
  /** Every filter of every gateway. */
  filters(): readonly string[];
  /** Whose a topic is; or, of a filter, a gateway that has topics in common with it, `except` left out. */
  ownerOf(topicOrFilter: string, except?: string): string | undefined;
  /** Whether all topics of a filter are the gateway's own. */
  isOwn(gateway: string, topicOrFilter: string): boolean;
  /** Told when the filters have changed, with what they were. */
  onChange(listener: (before: readonly string[]) => void): void;
}

const known = new WeakMap<Control, GatewayTopics>();

/** One of each view of the registers. */
export function gatewayTopics(control: Control): GatewayTopics {
  return known.getOrInsertComputed(control, () => new FollowingTopics(control));
}

class FollowingTopics implements GatewayTopics {
  readonly #control: Control;
  readonly #listeners: ((before: readonly string[]) => void)[] = [];
  #filters: string[] = [];
  #owners = new FilterTree<string>();

  constructor(control: Control) {
    this.#control = control;
    this.#read();
    control.onChange(({ command }) => {
      if (!('noun' in command) || command.noun !== 'gateway') return;
      const before = this.#filters;
      this.#read();
      if (before.join('\n') !== this.#filters.join('\n')) for (const listener of this.#listeners) listener(before);
    });
  }

  filters(): readonly string[] {
    return this.#filters;
  }

  ownerOf(topicOrFilter: string, except?: string): string | undefined {
    return this.#owners.find(topicOrFilter, (owner) => owner !== except);
  }

  isOwn(gateway: string, topicOrFilter: string): boolean {
    const topics = this.#control.get('gateway', gateway)?.topics ?? [];
    return topics.some((own) => covers(own, topicOrFilter));
  }

  onChange(listener: (before: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  #read(): void {
    this.#filters = [];
    this.#owners = new FilterTree();
    for (const { id, body } of this.#control.list('gateway')) {
      for (const topic of body.topics ?? []) {
        this.#filters.push(topic);
        this.#owners.add(topic, id);
      }
    }
  }
}
