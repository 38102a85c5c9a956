/**
 * Which line a device speaks on: what goes down to it goes there. An MN and a password in plain text can be read by
 * anybody on the way, so two lines that speak for one device by turns, from different network addresses, are told: one
 * whose line broke comes back on a new one and never speaks on the old one again.
 */
import type { Device } from './devices.ts';
import type { Line } from './line.ts';

interface Claim {
  /** As the entry was when the device last spoke. */
  device: Device;
  line: Line;
  /** Its newest report on this line, or until one comes another frame: how it speaks, and what it measures. */
  heard: Uint8Array;
  /** Requests that wait for it to answer the one before them. */
  asking: Uint8Array[];
  /** Monotonic; when the last of them went. */
  askedMs: number;
  /** Monotonic; when two lines were last told. */
  toldMs: number;
}

const TOLD_EACH_MS = 60_000;
/** A device that hasn't answered a request for so long is given the next. */
const UNANSWERED_MS = 5_000;

export class Claims {
  /** By address. */
  readonly #claims = new Map<string, Claim>();
  readonly #asking = new Set<Claim>();
  readonly #contested: (device: Device, here: string, there: string) => void;

  /** @param contested at most once a minute and device. */
  constructor(contested: (device: Device, here: string, there: string) => void) {
    this.#contested = contested;
  }

  of(address: string): Readonly<Pick<Claim, 'line' | 'heard' | 'asking'>> | undefined {
    return this.#claims.get(address);
  }

  reported({ address }: Device, report: Uint8Array): void {
    const claim = this.#claims.get(address);
    // A view of what arrived would keep all of that.
    if (claim) claim.heard = new Uint8Array(report);
  }

  /** Sends these one after the other, since a device may take one question at a time. */
  ask({ address }: Device, requests: readonly Uint8Array[], nowMs: number): void {
    const claim = this.#claims.get(address);
    if (!claim) return;
    claim.asking.push(...requests);
    this.#asking.add(claim);
    this.#askNext(claim, nowMs);
  }

  /** To be called each second. */
  tick(nowMs: number): void {
    for (const claim of this.#asking) if (nowMs - claim.askedMs >= UNANSWERED_MS) this.#askNext(claim, nowMs);
  }

  spoke(line: Line, device: Device, frame: Uint8Array, nowMs: number): void {
    const claim = this.#claims.get(device.address);
    const hadIt = line.devices.has(device.address);
    line.devices.add(device.address);
    const other = claim?.line;
    if (!claim || other !== line) {
      if (claim) this.#asking.delete(claim);
      const toldMs = claim?.toldMs ?? Number.NEGATIVE_INFINITY;
      this.#claims.set(device.address, { device, line, heard: new Uint8Array(frame), asking: [], askedMs: 0, toldMs });
    } else {
      claim.device = device;
      if (claim.asking.length > 0) this.#askNext(claim, nowMs);
    }
    if (!claim || !other || other === line || !hadIt || !other.isOpen || other.address === line.address) return;
    if (nowMs - claim.toldMs < TOLD_EACH_MS) return;
    this.#claims.get(device.address)!.toldMs = nowMs;
    this.#contested(device, line.address, other.address);
  }

  closed(line: Line): void {
    for (const address of line.devices) {
      const claim = this.#claims.get(address);
      if (claim?.line !== line) continue;
      this.#claims.delete(address);
      this.#asking.delete(claim);
    }
  }

  *ofGateway(gateway: string): Generator<{ address: string; device: Device; line: Line }> {
    for (const [address, { device, line }] of this.#claims)
      if (device.gateway === gateway) yield { address, device, line };
  }

  #askNext(claim: Claim, nowMs: number): void {
    const request = claim.asking.shift();
    if (request) claim.line.write(request);
    claim.askedMs = nowMs;
    if (claim.asking.length === 0) this.#asking.delete(claim);
  }
}
