/**
 * One connection of a device: bytes in, what its protocol's framer finds in them out. Keeps the times that it may be
 * silent, or take for a frame; reads no further while too much of it waits for the journal; and holds as little as it can,
 * since there are thousands.
 */
import type { Socket } from 'node:net';
import type { Found, Framer } from '../../codecs/stream.ts';
import { plainAddress } from './devices.ts';
import type { Parts } from './parts.ts';

export interface LineLimits {
  /** Without a byte, before it has shown a device that is welcome, and afterwards: stations may report once an hour. */
  silentMs: number;
  idleMs: number;
  /** From the first byte of a frame to its last. */
  frameMs: number;
  /** Bytes that belong to no frame, since the last frame that was sound. */
  noiseBytes: number;
  /** Frames waiting for the journal; beyond either, it isn't read. */
  heldMessages: number;
  heldBytes: number;
  /** Of our own bytes that it doesn't read. */
  behindBytes: number;
}

export interface LineHooks {
  found(line: Line, found: Found): void;
  /** It is about to be closed for this reason. */
  closing(line: Line, reason: string): void;
  closed(line: Line): void;
  /** A fault of ours. */
  failed(line: Line, error: Error): void;
}

/** What all lines together have waiting for the journal. */
export interface LineTotal {
  heldBytes: number;
  readonly limitBytes: number;
}

/** A waiting frame beside its bytes. */
const OVERHEAD_BYTES = 2048;

export class Line {
  readonly address: string;
  /** Addresses of the welcome devices that have spoken on it. */
  readonly devices = new Set<string>();
  /** Made with the first part. */
  parts: Parts | null = null;
  /** Noise was logged for it. */
  isNoiseTold = false;
  readonly #socket: Socket;
  readonly #framer: Framer;
  readonly #limits: LineLimits;
  readonly #hooks: LineHooks;
  readonly #total: LineTotal;
  /** Monotonic. */
  #byteMs: number;
  /** Since when a frame is on its way. */
  #frameMs: number | null = null;
  #noiseBytes = 0;
  #heldMessages = 0;
  #heldBytes = 0;

  constructor(
    socket: Socket,
    framer: Framer,
    { limits, hooks, total, clock }: { limits: LineLimits; hooks: LineHooks; total: LineTotal; clock: () => number },
  ) {
    this.address = plainAddress(socket.remoteAddress);
    this.#socket = socket;
    this.#framer = framer;
    this.#limits = limits;
    this.#hooks = hooks;
    this.#total = total;
    this.#byteMs = clock();
    socket.on('data', (chunk: Buffer) => this.#receive(chunk, clock()));
    // An error of the socket is always followed by `close`; ECONNRESET and its like need no other answer.
    socket.on('error', () => {});
    socket.on('close', () => this.#end());
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** A device that is welcome has spoken on it. */
  get hasSpoken(): boolean {
    return this.devices.size > 0;
  }

  /** For whoever makes it give way. */
  get guard(): { destroy(): void } {
    return this;
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.writable) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > this.#limits.behindBytes) this.close('it does not read what it is answered');
  }

  /** A frame of it waits for the journal … */
  hold(bytes: number): void {
    this.#heldMessages++;
    this.#heldBytes += bytes;
    this.#total.heldBytes += bytes + OVERHEAD_BYTES;
    this.#steer();
  }

  /** … and does so no longer. */
  release(bytes: number): void {
    this.#heldMessages--;
    this.#heldBytes -= bytes;
    this.#total.heldBytes -= bytes + OVERHEAD_BYTES;
    this.#steer();
  }

  /** A sound frame has come: what was noise before it is over. */
  sound(): void {
    this.#noiseBytes = 0;
  }

  /** Bytes that belong to no frame. @returns false when that was too much, and the line is closed. */
  noise(bytes: number): boolean {
    this.#noiseBytes += bytes;
    if (this.#noiseBytes <= this.#limits.noiseBytes) return true;
    this.close('it sends nothing but noise');
    return false;
  }

  /** To be called each second. */
  tick(nowMs: number): void {
    // While we are the slow one its silence says nothing.
    if (this.#heldMessages > 0) return;
    const { idleMs, silentMs, frameMs } = this.#limits;
    if (this.#frameMs !== null && nowMs - this.#frameMs > frameMs) this.close('too slow with a frame');
    else if (nowMs - this.#byteMs > (this.hasSpoken ? idleMs : silentMs)) this.close('silent for too long');
  }

  close(reason: string): void {
    if (this.#socket.destroyed) return;
    this.#hooks.closing(this, reason);
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer, nowMs: number): void {
    this.#byteMs = nowMs;
    try {
      const found = this.#framer.push(chunk);
      if (!this.#framer.isWithin) this.#frameMs = null;
      else if (this.#frameMs === null || found.some(({ kind }) => kind === 'frame')) this.#frameMs = nowMs;
      for (const one of found) this.#hooks.found(this, one);
    } catch (error) {
      this.#hooks.failed(this, error as Error);
    }
  }

  #end(): void {
    try {
      for (const one of this.#framer.end()) this.#hooks.found(this, one);
    } catch (error) {
      this.#hooks.failed(this, error as Error);
    }
    this.#hooks.closed(this);
  }

  #steer(): void {
    const { heldMessages, heldBytes } = this.#limits;
    const isFull =
      this.#heldMessages >= heldMessages ||
      this.#heldBytes >= heldBytes ||
      // Who holds nothing may always send something, so a full total can't lock anybody out for good.
      (this.#heldMessages > 0 && this.#total.heldBytes >= this.#total.limitBytes);
    if (isFull === this.#socket.isPaused()) return;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }
}
