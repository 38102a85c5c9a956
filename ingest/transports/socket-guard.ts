/**
 * Stands between a client's socket and the broker. It looks at MQTT's headers before any of it is buffered, so that
 * memory doesn't depend on what clients send; it keeps the time a client may be silent; and it stops reading from a
 * client of whom too much is still waiting for the journal.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { PacketScanner, ProtocolViolation, type ScanLimits, type StrayPublish } from './packet-scanner.ts';

export interface GuardLimits extends ScanLimits {
  /** From the TCP connection to the CONNACK. */
  connectTimeoutMs: number;
  /** Payloads of one connection waiting for the journal; beyond either, its socket isn't read. */
  heldMessages: number;
  heldBytes: number;
}

/** What all connections together have waiting for the journal or for the broker. */
export interface HeldTotal {
  bytes: number;
  readonly limitBytes: number;
}

export interface GuardHooks {
  /** Quarantines a publish that the broker must not see; true once that is durable, false when it was given up. */
  stray(publish: StrayPublish): Promise<boolean>;
  /** A client of MQTT 5 or newer wants to connect, with this body of a CONNECT; `refuse` is to answer it. */
  newer(connect: Buffer): void;
  /** The connection is about to be closed for this reason. */
  closing(reason: string): void;
}

/** What a held message costs beside its bytes, in aedes and in promises: measured, about 4 KB. */
const OVERHEAD_BYTES = 4096;

export class SocketGuard extends Duplex {
  readonly #socket: Socket;
  readonly #limits: GuardLimits;
  readonly #hooks: GuardHooks;
  readonly #total: HeldTotal;
  readonly #scanner: PacketScanner;
  #rest: Buffer | null = null;
  #timer: NodeJS.Timeout | null;
  #isIdleTimer = false;
  #isWanted = false;
  #isEnded = false;
  #heldMessages = 0;
  #heldBytes = 0;
  #unread = 0;
  #nudges = 0;

  constructor(socket: Socket, limits: GuardLimits, total: HeldTotal, hooks: GuardHooks) {
    super({ readableHighWaterMark: 65_536, writableHighWaterMark: 65_536 });
    this.#socket = socket;
    this.#limits = limits;
    this.#hooks = hooks;
    this.#total = total;
    this.#scanner = new PacketScanner(limits, {
      pass: (bytes) => {
        this.#isWanted = this.push(bytes);
      },
      stray: (publish) => void this.#answerStray(publish),
      newer: (connect) => hooks.newer(connect),
    });
    this.#timer = setTimeout(() => this.#expire(), limits.connectTimeoutMs);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#end());
    // An error of the socket is always followed by `close`; ECONNRESET and its like need no other answer.
    socket.on('error', () => {});
    socket.on('close', () => {
      // After a clean end the broker still reads what was buffered: mosquitto_pub at QoS 0 leaves at once.
      if (!this.#isEnded) this.destroy();
    });
    socket.pause();
  }

  /** False once nothing can be answered any more. */
  get isOpen(): boolean {
    return !this.destroyed && !this.#socket.destroyed;
  }

  /** The client has sent DISCONNECT. */
  get hasLeft(): boolean {
    return this.#scanner.hasLeft;
  }

  get isHolding(): boolean {
    return this.#heldMessages > 0;
  }

  /** The broker has accepted the CONNECT: further packets may come, at most 1.5 × keepalive apart (§3.1.2.10). */
  accept(keepaliveSeconds: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#isIdleTimer = true;
    this.#timer = keepaliveSeconds > 0 ? setTimeout(() => this.#expire(), keepaliveSeconds * 1500) : null;
    this.#scanner.open();
    const rest = this.#rest;
    this.#rest = null;
    if (rest) this.#receive(rest);
    this.#steer();
  }

  /** Answers with this CONNACK, and closes once it is on its way. */
  refuse(connack: Buffer): void {
    if (this.isOpen) this.#socket.end(connack, () => this.destroy());
  }

  /** A message of this connection waits for the journal … */
  hold(bytes: number): void {
    this.#heldMessages++;
    this.#heldBytes += bytes + OVERHEAD_BYTES;
    this.#total.bytes += bytes + OVERHEAD_BYTES;
    if (this.#nudges++ === 0) process.nextTick(() => this.#nudge());
    this.#steer();
  }

  /** … and does so no longer. */
  release(bytes: number): void {
    this.#heldMessages--;
    this.#heldBytes -= bytes + OVERHEAD_BYTES;
    this.#total.bytes -= bytes + OVERHEAD_BYTES;
    this.#steer();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#steer();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#socket.writable) done();
    else this.#socket.write(chunk, () => done());
  }

  override _writev(items: { chunk: Buffer }[], done: () => void): void {
    const chunks = items.map((item) => item.chunk);
    this._write(Buffer.concat(chunks), 'binary', done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#rest = null;
    this.#socket.destroy();
    this.#steer();
    done(error);
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed) return;
    if (this.#isIdleTimer) this.#timer?.refresh();
    try {
      this.#rest = this.#scanner.scan(this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.#close(error.message);
    }
    this.#steer();
  }

  #end(): void {
    this.#isEnded = true;
    if (!this.destroyed) this.push(null);
  }

  /**
   * aedes reads on when it has been through with as many packets as it had parsed, or has been told as often that
   * something is readable. It would hold a PINGREQ, and the next 64 KiB, back until the journal has answered for all
   * that came before. What may wait for the journal is decided here, so here it is told once for each that does.
   */
  #nudge(): void {
    const count = this.#nudges;
    this.#nudges = 0;
    for (let n = 0; n < count && !this.destroyed; n++) this.emit('readable');
  }

  /** Reads on exactly when the broker wants bytes and not too much of this client waits for the journal. */
  #steer(): void {
    const { heldMessages, heldBytes } = this.#limits;
    const unread = this.destroyed ? 0 : this.readableLength;
    this.#total.bytes += unread - this.#unread;
    this.#unread = unread;
    const isFull =
      this.#heldMessages >= heldMessages ||
      this.#heldBytes >= heldBytes ||
      // Who holds nothing may always send something, so a full total can't lock anybody out for good.
      (this.#heldMessages > 0 && this.#total.bytes >= this.#total.limitBytes);
    const mayRead = this.#isWanted && !isFull && !this.#scanner.isWaiting;
    if (mayRead === this.#socket.isPaused()) {
      if (mayRead) this.#socket.resume();
      else this.#socket.pause();
    }
  }

  #expire(): void {
    // While we are the slow one, the client's PINGREQ may be waiting unread: its silence says nothing.
    if (this.#isIdleTimer && this.isHolding) this.#timer?.refresh();
    else this.#close(this.#isIdleTimer ? 'silent for longer than its keepalive' : 'no CONNECT in time');
  }

  #close(reason: string): void {
    this.#hooks.closing(reason);
    this.destroy();
  }

  async #answerStray(publish: StrayPublish): Promise<void> {
    const { head, qos, packetId } = publish;
    this.hold(head.length);
    const isDurable = await this.#hooks.stray(publish);
    this.release(head.length);
    // PUBACK, or PUBREC: the broker answers the PUBREL that follows for any packet id.
    if (isDurable && qos > 0 && this.isOpen) {
      this.write(Buffer.from([qos === 1 ? 0x40 : 0x50, 2, packetId >> 8, packetId & 0xff]));
    }
  }
}
