/**
 * What an edge node's births have said and how far its numbers have come, so that its messages can be read (Sparkplug 3.0
 * §5). It survives nothing: after a restart the births are asked for again, as any host does, and no old alias is trusted.
 */
import { type Birth, type Births, birthOf } from '#ingest/codecs/sparkplug-b/births.ts';
import { integerOf, type Payload, readPayload, seqOf } from '#ingest/codecs/sparkplug-b/payload.ts';
import { commandTopic, parseSparkplugTopic, type SparkplugTopic } from '#ingest/codecs/sparkplug-b/topic.ts';
import type { FaultCode } from '#model/faults.ts';
import type { Clock } from '#src/clock.ts';

export interface SparkplugHost {
  /**
   * Hears a message; once for each, in the order in which they come.
   * @returns what its sender has said before; undefined for a topic of no edge node.
   */
  hear(gateway: string, topic: string, payload: Uint8Array): Births | undefined;
  /** After one of these faults: the topic of the command for births, if it is time to send it (again). */
  rebirthTopic(gateway: string, topic: string, faults: Iterable<FaultCode>): string | null;
  /** Times that a node was to be asked, and nodes given up for newer ones since there was no room for all. */
  readonly counters: Readonly<{ birthsAsked: number; birthsForgotten: number }>;
}

/** All that is kept of births, as it is estimated in memory. */
const BYTES_MAX = 32 * 2 ** 20;
/** A node beside its metrics, and a metric's definition beside its name: measured at about this. */
const NODE_BYTES = 1_000;
const DEFINITION_BYTES = 200;
/** A node that doesn't answer is asked ever more seldom. */
const PAUSE_MIN_MS = 10_000;
const PAUSE_MAX_MS = 600_000;

interface Born {
  birth: Birth;
  /** What was missed since. */
  missed: string | null;
  bytes: number;
}

interface EdgeNode {
  /** By device; the node's own under null. */
  born: Map<string | null, Born>;
  bdSeq: bigint | undefined;
  seq: number | undefined;
  askedAgainMs: number;
  pauseMs: number;
}

/** What is kept of one gateway's nodes, by GROUP/NODE; the one that was heard longest ago first. */
interface Kept {
  nodes: Map<string, EdgeNode>;
  bytes: number;
}

export function createSparkplugHost(clock: Clock, bytesMax: number = BYTES_MAX): SparkplugHost {
  return new Host(clock, bytesMax);
}

class Host implements SparkplugHost {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #gateways = new Map<string, Kept>();
  #bytes = 0;
  readonly counters = { birthsAsked: 0, birthsForgotten: 0 };

  constructor(clock: Clock, bytesMax: number) {
    this.#clock = clock;
    this.#bytesMax = bytesMax;
  }

  hear(gateway: string, topic: string, payload: Uint8Array): Births | undefined {
    const parsed = parseSparkplugTopic(topic);
    if (parsed === null) return undefined;
    const kept = this.#gateways.getOrInsertComputed(gateway, () => ({ nodes: new Map(), bytes: 0 }));
    const node = this.#nodeOf(kept, keyOf(parsed));
    const births = this.#heard(kept, node, parsed, payload);
    this.#makeRoom();
    return births;
  }

  rebirthTopic(gateway: string, topic: string, faults: Iterable<FaultCode>): string | null {
    const parsed = parseSparkplugTopic(topic);
    const node = parsed && this.#gateways.get(gateway)?.nodes.get(keyOf(parsed));
    const isWanted = [...faults].some((code) => code === 'sparkplug.no-birth' || code === 'sparkplug.missed');
    const nowMs = this.#clock.monotonicMs();
    if (!node || !isWanted || nowMs < node.askedAgainMs) return null;
    node.askedAgainMs = nowMs + node.pauseMs;
    node.pauseMs = Math.min(node.pauseMs * 2, PAUSE_MAX_MS);
    this.counters.birthsAsked++;
    return commandTopic(parsed);
  }

  #heard(kept: Kept, node: EdgeNode, { device, type }: SparkplugTopic, payload: Uint8Array): Births {
    switch (type) {
      case 'NDEATH':
        return { ...NOTHING, ended: isOfEarlierSession(node, payload) ? [] : this.#endAll(kept, node) };
      case 'NBIRTH': {
        this.#endAll(kept, node);
        const message = readable(payload);
        Object.assign(node, { seq: message?.seq, bdSeq: bdSeqIn(message), pauseMs: PAUSE_MIN_MS });
        if (message) this.#begin(kept, node, null, birthOf(message));
        return NOTHING;
      }
      case 'DBIRTH': {
        const missed = count(node, seqOf(payload));
        const message = readable(payload);
        if (message) this.#begin(kept, node, device, birthOf(message));
        return { ...NOTHING, missed };
      }
      case 'DDEATH': {
        const missed = count(node, seqOf(payload));
        const gone = this.#end(kept, node, device);
        return { ...NOTHING, missed, ended: gone ? [{ device, birth: gone.birth }] : [] };
      }
      default: {
        const missed = count(node, seqOf(payload));
        const born = node.born.get(device);
        return { birth: born?.birth ?? null, missed: missed ?? born?.missed ?? null, ended: [] };
      }
    }
  }

  #nodeOf(kept: Kept, key: string): EdgeNode {
    let node = kept.nodes.get(key);
    if (node) kept.nodes.delete(key);
    else {
      const askedAgainMs = Number.NEGATIVE_INFINITY;
      node = { born: new Map(), bdSeq: undefined, seq: undefined, askedAgainMs, pauseMs: PAUSE_MIN_MS };
      this.#weigh(kept, NODE_BYTES);
    }
    kept.nodes.set(key, node);
    return node;
  }

  #begin(kept: Kept, node: EdgeNode, device: string | null, birth: Birth): void {
    this.#end(kept, node, device);
    let bytes = DEFINITION_BYTES;
    for (const name of birth.names.keys()) bytes += name.length * 2 + DEFINITION_BYTES;
    node.born.set(device, { birth, missed: null, bytes });
    this.#weigh(kept, bytes);
  }

  #end(kept: Kept, node: EdgeNode, device: string | null): Born | undefined {
    const born = node.born.get(device);
    node.born.delete(device);
    this.#weigh(kept, -(born?.bytes ?? 0));
    return born;
  }

  #endAll(kept: Kept, node: EdgeNode): { device: string | null; birth: Birth }[] {
    const ended = [...node.born].map(([device, { birth }]) => ({ device, birth }));
    for (const { device } of ended) this.#end(kept, node, device);
    node.seq = undefined;
    return ended;
  }

  #weigh(kept: Kept, bytes: number): void {
    kept.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The gateway that has most of it gives up what it was told longest ago: nobody else's aliases are lost by it. */
  #makeRoom(): void {
    while (this.#bytes > this.#bytesMax) {
      const [gateway, kept] = [...this.#gateways].reduce((most, one) => (one[1].bytes > most[1].bytes ? one : most));
      const [key, node] = kept.nodes.entries().next().value!;
      this.#endAll(kept, node);
      kept.nodes.delete(key);
      this.#weigh(kept, -NODE_BYTES);
      this.counters.birthsForgotten++;
      if (kept.nodes.size === 0) this.#gateways.delete(gateway);
    }
  }
}

const NOTHING: Births = { birth: null, missed: null, ended: [] };

const keyOf = ({ group, node }: SparkplugTopic) => `${group}/${node}`;

/** @returns what is missing before this number, in words; from then on no alias is certain until it is born again. */
function count(node: EdgeNode, seq: number | undefined): string | null {
  const { seq: last } = node;
  if (seq === undefined) return null;
  node.seq = seq;
  // The same number again is the same message, sent again because nobody had acknowledged it.
  if (last === undefined || seq === last || seq === (last + 1) % 256) return null;
  const missed = `seq ${seq} came where ${(last + 1) % 256} was next`;
  for (const born of node.born.values()) born.missed = missed;
  return missed;
}

function readable(payload: Uint8Array): Payload | null {
  try {
    return readPayload(payload);
  } catch {
    return null;
  }
}

function bdSeqIn(message: Payload | null): bigint | undefined {
  const value = message?.metrics.find(({ name }) => name === 'bdSeq')?.value;
  return typeof value === 'object' && value !== null ? integerOf(value, 0) : undefined;
}

/** A will that comes late: its node has long been born again. */
function isOfEarlierSession({ bdSeq }: EdgeNode, payload: Uint8Array): boolean {
  const own = bdSeqIn(readable(payload));
  return own !== undefined && bdSeq !== undefined && own !== bdSeq;
}
