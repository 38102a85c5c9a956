/**
 * Walks a client's bytes packet by packet (MQTT 3.1.1 §2.2) without keeping or copying them, and takes out of the
 * stream what the broker must never see. However the bytes are cut into chunks, what comes out is the same.
 */

export interface ScanLimits {
  /** Remaining length of CONNECT; nothing else is read before it was accepted. */
  connectBytes: number;
  /** Payload of a PUBLISH. */
  payloadBytes: number;
  /** Remaining length of any other packet. */
  controlBytes: number;
}

/** A PUBLISH that was taken out: too large, or with a topic that a broker answers with a disconnection (§4.7). */
export interface StrayPublish {
  reason: 'too-large' | 'topic';
  /** As sent, at most its first 1,024 bytes. */
  topic: string;
  qos: number;
  /** 0 at QoS 0. */
  packetId: number;
  /** The first 4 KiB of the payload. */
  head: Buffer;
  payloadBytes: number;
}

export interface ScanTarget {
  /** Bytes for the broker, in order; a view of the chunk, not a copy. */
  pass(bytes: Buffer): void;
  stray(publish: StrayPublish): void;
  /** The whole CONNECT of a client that speaks MQTT 5 or newer; nothing that follows it is looked at. */
  newer(connect: Buffer): void;
}

/** What ends a connection: bytes that are no MQTT, or no MQTT of a size that we read. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

/** First byte: type 1, and flags that must be zero. */
const CONNECT = 0x10;
/** The protocol's name, behind which its level stands (§3.1.2): 4 = MQTT 3.1.1, 5 = MQTT 5. */
const NAME = Buffer.from('\0\u0004MQTT');
const NEWER_LEVEL = 5;
const PUBLISH = 3;
/** PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT: what else a client may send. */
const DISCONNECT = 14;
const CONTROL_TYPES = new Set([4, 5, 6, 7, 8, 10, 12, 14]);
const HEAD_BYTES = 4096;
const TOPIC_BYTES_MAX = 1024;
/** aedes refuses deeper ones by disconnecting. */
const TOPIC_LEVELS_MAX = 100;
const NEEDS_MORE = -1;

interface Draining {
  reason: StrayPublish['reason'];
  qos: number;
  topicBytes: number;
  payloadBytes: number;
  /** Bytes of the packet's variable header and payload still to come. */
  remaining: number;
  /** Topic length, topic, packet id and the payload's head. */
  kept: Buffer;
  keptBytes: number;
}

export class PacketScanner {
  readonly #limits: ScanLimits;
  readonly #target: ScanTarget;
  #phase: 'connect' | 'connecting' | 'waiting' | 'open' | 'refused' = 'connect';
  /** Bytes of the current packet that still go to the broker. */
  #passing = 0;
  #draining: Draining | null = null;
  #hasLeft = false;

  constructor(limits: ScanLimits, target: ScanTarget) {
    this.#limits = limits;
    this.#target = target;
  }

  /** The client has said that it goes: its will is void (§3.14.4). */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** True between CONNECT's last byte and `open()`: whatever follows it isn't looked at yet. */
  get isWaiting(): boolean {
    return this.#phase === 'waiting';
  }

  /** The broker has accepted the CONNECT. */
  open(): void {
    this.#phase = 'open';
  }

  /**
   * @returns the bytes at the end that can't be judged yet; they come again, with what follows, in the next call.
   * @throws ProtocolViolation; the connection is to be closed.
   */
  scan(chunk: Buffer): Buffer | null {
    if (this.#phase === 'refused') return null;
    let at = 0;
    let passFrom = 0;
    const flush = (): void => {
      if (at > passFrom) this.#target.pass(at - passFrom === chunk.length ? chunk : chunk.subarray(passFrom, at));
    };
    while (at < chunk.length) {
      if (this.#draining) {
        at = passFrom = this.#drain(this.#draining, chunk, at);
      } else if (this.#passing > 0) {
        const count = Math.min(this.#passing, chunk.length - at);
        at += count;
        this.#passing -= count;
        if (this.#passing === 0 && this.#phase === 'connecting') this.#phase = 'waiting';
      } else {
        if (this.#phase === 'waiting') break;
        const headerBytes = this.#begin(chunk, at);
        if (headerBytes === NEEDS_MORE) break;
        if (this.#isRefused) return null;
        if (this.#draining) {
          flush();
          at = passFrom = at + headerBytes;
        }
      }
    }
    flush();
    return at < chunk.length ? chunk.subarray(at) : null;
  }

  /** Reads the head of the packet at `at` and decides where it goes. Returns the fixed header's length. */
  #begin(chunk: Buffer, at: number): number {
    let length = 0;
    let cursor = at + 1;
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new ProtocolViolation('the remaining length has more than four bytes');
      if (cursor >= chunk.length) return NEEDS_MORE;
      const byte = chunk[cursor++]!;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const type = chunk[at]! >> 4;
    const headerBytes = cursor - at;
    if (type === PUBLISH && this.#phase === 'open') return this.#beginPublish(chunk, at, headerBytes, length);
    this.#checkControl(chunk[at]!, length);
    if (this.#phase === 'connect' && !this.#beginConnect(chunk.subarray(cursor), length)) return NEEDS_MORE;
    this.#passing = headerBytes + length;
    return headerBytes;
  }

  get #isRefused(): boolean {
    return this.#phase === 'refused';
  }

  /** @param body as much of it as has come. @returns false when that is too little to know the version by. */
  #beginConnect(body: Buffer, length: number): boolean {
    const levelAt = NAME.length;
    if (length <= levelAt) {
      this.#phase = 'connecting';
      return true;
    }
    if (body.length <= levelAt) return false;
    if (!body.subarray(0, levelAt).equals(NAME) || body[levelAt]! < NEWER_LEVEL) {
      this.#phase = 'connecting';
      return true;
    }
    if (body.length < length) return false;
    this.#phase = 'refused';
    this.#target.newer(body.subarray(0, length));
    return true;
  }

  #checkControl(first: number, length: number): void {
    const type = first >> 4;
    if (this.#phase === 'connect') {
      if (first !== CONNECT) throw new ProtocolViolation('the first packet is not a CONNECT');
      if (length > this.#limits.connectBytes) throw new ProtocolViolation(`a CONNECT of ${length} bytes`);
    } else {
      if (!CONTROL_TYPES.has(type)) throw new ProtocolViolation(`a packet of type ${type}, which no client may send`);
      if (length > this.#limits.controlBytes)
        throw new ProtocolViolation(`a packet of type ${type} of ${length} bytes`);
      if (type === DISCONNECT) this.#hasLeft = true;
    }
  }

  #beginPublish(chunk: Buffer, at: number, headerBytes: number, length: number): number {
    const qos = (chunk[at]! >> 1) & 3;
    if (qos === 3) throw new ProtocolViolation('a PUBLISH of QoS 3');
    const body = at + headerBytes;
    if (length < 2) throw new ProtocolViolation('a PUBLISH without a topic');
    if (chunk.length < body + 2) return NEEDS_MORE;
    const topicBytes = chunk.readUInt16BE(body);
    const payloadBytes = length - 2 - topicBytes - (qos > 0 ? 2 : 0);
    if (payloadBytes < 0) throw new ProtocolViolation('a PUBLISH shorter than its topic');
    let reason: StrayPublish['reason'] | null = payloadBytes > this.#limits.payloadBytes ? 'too-large' : null;
    if (reason === null && topicBytes <= TOPIC_BYTES_MAX) {
      if (chunk.length < body + 2 + topicBytes) return NEEDS_MORE;
      if (!isPublishable(chunk, body + 2, topicBytes)) reason = 'topic';
    } else {
      reason ??= 'topic';
    }
    if (reason === null) {
      this.#passing = headerBytes + length;
    } else {
      const kept = Buffer.allocUnsafe(length - payloadBytes + Math.min(payloadBytes, HEAD_BYTES));
      this.#draining = { reason, qos, topicBytes, payloadBytes, remaining: length, kept, keptBytes: 0 };
    }
    return headerBytes;
  }

  /** Takes what the chunk has of a stray packet; returns where the chunk goes on. */
  #drain(stray: Draining, chunk: Buffer, at: number): number {
    const count = Math.min(stray.remaining, chunk.length - at);
    stray.keptBytes += chunk.copy(stray.kept, stray.keptBytes, at, at + count);
    stray.remaining -= count;
    if (stray.remaining === 0) {
      this.#draining = null;
      const { reason, qos, payloadBytes, topicBytes, kept } = stray;
      const afterTopic = 2 + topicBytes;
      const topic = kept.toString('utf8', 2, 2 + Math.min(topicBytes, TOPIC_BYTES_MAX));
      const packetId = qos > 0 ? kept.readUInt16BE(afterTopic) : 0;
      this.#target.stray({
        reason,
        topic,
        qos,
        packetId,
        payloadBytes,
        head: kept.subarray(qos > 0 ? afterTopic + 2 : afterTopic),
      });
    }
    return at + count;
  }
}

/** A topic name that aedes takes without closing the connection: not empty, no wildcard, not too deep. */
function isPublishable(chunk: Buffer, from: number, length: number): boolean {
  let levels = 1;
  for (let at = from; at < from + length; at++) {
    const byte = chunk[at]!;
    if (byte === 0x23 || byte === 0x2b) return false;
    if (byte === 0x2f) levels++;
  }
  return length > 0 && levels <= TOPIC_LEVELS_MAX;
}
