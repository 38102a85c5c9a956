/**
 * One protocol's port. What devices send goes to the door, and is answered as the protocol wants it once it is on disk and
 * no sooner; who isn't welcome finds his frames in quarantine and hears nothing.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { formatOf } from '#ingest/codecs/index.ts';
import type { Door, Receipt } from '#ingest/door.ts';
import type { Control } from '#journal/registers.ts';
import type { TellCrowded } from '#model/access-limits.ts';
import type { Fault } from '#model/faults.ts';
import { TCP_LISTENERS, type TcpListener } from '#model/protocol.ts';
import type { LogInLimit } from '#setting/secrets.ts';
import type { Clock } from '#src/clock.ts';
import type { StoreError } from '#src/sqlite.ts';
import type { Asked, Found, Heading, Outcome, StreamProtocol } from '../../codecs/stream.ts';
import { type Admission, type AdmissionLimits, createAdmission } from '../admission.ts';
import { HeldDeliveries } from '../held-deliveries.ts';
import { Claims } from './claims.ts';
import { type Device, Devices, unwelcome } from './devices.ts';
import { Line, type LineLimits, type LineTotal } from './line.ts';
import { Missed, type MissedLimits, type MissedOptions } from './missed.ts';
import { type Joined, type PartLimits, Parts } from './parts.ts';

export interface TcpLimits extends AdmissionLimits, LineLimits {
  /** Frames of all lines of a listener that wait for the journal. */
  heldBytesTotal: number;
  parts: PartLimits;
  missed: MissedLimits;
}

export interface ListenerOptions {
  name: TcpListener;
  protocol: StreamProtocol;
  host: string;
  /** 0 = any free port. */
  port: number;
  door: Door;
  control: Control;
  clock: Clock;
  /** On frames of devices that aren't welcome, by network address: beyond, they aren't quarantined either. */
  strangers: LogInLimit;
  limits: TcpLimits;
  crowded: TellCrowded;
  /** Somebody uses the address of a device that speaks on another line, too. */
  contested: (device: Device, here: string, there: string) => void;
  newestMs: (station: string) => number | null;
  cycleMs: (station: string) => number | null;
  log: Record<'info' | 'warn' | 'error', (fields: object, message: string) => void>;
}

const COUNTED = [
  'frames',
  'heartbeats',
  'replies',
  'repeats',
  'noise',
  'noiseBytes',
  'unsound',
  'unwelcome',
  'unwelcomeLimited',
  'contested',
  'held',
  'violations',
  'connectionsRefused',
  'connectionsEvicted',
] as const;

export class Listener {
  port = 0;
  readonly #options: ListenerOptions;
  readonly #devices: Devices;
  readonly #server;
  readonly #lines = new Set<Line>();
  readonly #admission: Admission<Line>;
  readonly #held: HeldDeliveries;
  readonly #total: LineTotal;
  readonly #missed: Missed;
  readonly #claims: Claims;
  readonly #seenMs = new Map<string, number>();
  readonly #counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<(typeof COUNTED)[number], number>;
  readonly #timer: NodeJS.Timeout;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { name, control, clock, limits } = options;
    this.#devices = new Devices(control, TCP_LISTENERS[name]);
    this.#total = { heldBytes: 0, limitBytes: limits.heldBytesTotal };
    this.#held = new HeldDeliveries((error) => this.#whenHeld(error));
    this.#claims = new Claims((device, here, there) => {
      this.#counts.contested++;
      options.contested(device, here, there);
    });
    this.#admission = createAdmission('tcp', limits, credentialOf, (line: Line, limit, reason) => {
      this.#counts.connectionsEvicted++;
      options.crowded(limit, credentialOf(line) ?? line.address);
      options.log.warn({ event: 'tcp.evicted', ...this.#describe(line), reason }, 'TCP connection had to give way');
    });
    const { newestMs, cycleMs } = options;
    const ask: MissedOptions['ask'] = (device, fromMs, toMs) => this.#askFor(device, fromMs, toMs);
    this.#missed = new Missed({ clock, limits: limits.missed, newestMs, cycleMs, ask });
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#connect(socket),
    );
    this.#timer = setInterval(() => this.#tick(), 1000);
    control.onChange(({ command }) => {
      if ((command.verb === 'put' || command.verb === 'delete') && command.noun === 'gateway')
        this.#recheck(command.id);
    });
  }

  get counters(): Record<string, number> {
    return { ...this.#counts, ...this.#missed.counters };
  }

  get connections(): number {
    return this.#lines.size;
  }

  /** Frames that wait since the journal can't take them. */
  get waiting(): number {
    return this.#held.waiting;
  }

  lastSeenMs(gateway: string): number | null {
    return this.#seenMs.get(gateway) ?? null;
  }

  /** Rejects with the system's error (`EADDRINUSE` …) when that isn't possible. */
  async listen(): Promise<void> {
    const { host, port } = this.#options;
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  /** Lines on which only devices of this gateway speak: a line may be shared. */
  disconnect(gateway: string): void {
    for (const { address } of this.#devices.ofGateway(gateway)) this.#claims.of(address)?.line.destroy();
  }

  /**
   * Sets the clocks of a gateway's devices that are connected. @param address of one of them; null: of all.
   * @returns the addresses of those that were told, and of those that aren't there; null: the protocol can't.
   */
  setClock(gateway: string, address: string | null): { told: string[]; away: string[] } | null {
    const { protocol, clock } = this.#options;
    const told: string[] = [];
    const away: string[] = [];
    if (!protocol.setClock) return null;
    for (const device of this.#devices.ofGateway(gateway)) {
      if (address !== null && device.address.toUpperCase() !== address.toUpperCase()) continue;
      const claim = this.#claims.of(device.address);
      claim?.line.write(protocol.setClock(this.#asked(device, claim.heard), clock.nowMs()));
      (claim ? told : away).push(device.address);
    }
    return { told, away };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#held.close();
    const closed = new Promise((done) => this.#server.close(done));
    for (const line of this.#lines) line.destroy();
    await closed;
  }

  #connect(socket: Socket): void {
    const { protocol, limits, clock, log } = this.#options;
    const line = new Line(socket, protocol.framer(), {
      limits,
      total: this.#total,
      clock: () => clock.monotonicMs(),
      hooks: this.#hooks,
    });
    if (!this.#admission.opened(line)) {
      this.#counts.connectionsRefused++;
      this.#options.crowded('tcp.connections', line.address);
      line.destroy();
      return;
    }
    this.#lines.add(line);
    log.info({ event: 'tcp.connected', ...this.#describe(line) }, 'device connected');
  }

  readonly #hooks = {
    found: (line: Line, found: Found) => {
      if (found.kind === 'noise') this.#noise(line, found);
      else this.#frame(line, found.bytes);
    },
    closing: (line: Line, reason: string) => {
      this.#counts.violations++;
      this.#options.log.warn({ event: 'tcp.violation', ...this.#describe(line), reason }, 'TCP connection closed');
    },
    closed: (line: Line) => {
      if (line.parts) for (const joined of line.parts.end()) this.#deliverParts(line, joined);
      if (!this.#lines.delete(line)) return;
      this.#admission.closed(line);
      this.#claims.closed(line);
      this.#options.log.info({ event: 'tcp.disconnected', ...this.#describe(line) }, 'device gone');
    },
    failed: (line: Line, error: Error) => this.#fail(line, error),
  };

  /** Registration packets and heartbeats of modems are noise as well. */
  #noise(line: Line, { head, length }: { head: Uint8Array; length: number }): void {
    this.#counts.noise++;
    this.#counts.noiseBytes += length;
    if (!line.isNoiseTold) {
      line.isNoiseTold = true;
      const fields = { event: 'tcp.noise', ...this.#describe(line), head: Buffer.from(head).toString('hex'), length };
      this.#options.log.info(
        fields,
        'bytes of no frame were skipped: a registration packet, a heartbeat, another protocol',
      );
    }
    line.noise(length);
  }

  #frame(line: Line, frame: Uint8Array): void {
    const { protocol, control } = this.#options;
    this.#counts.frames++;
    const { address } = protocol.heading(frame);
    const device = address === null ? undefined : this.#devices.find(address);
    // Its entry has its key and its checksum.
    const heading = protocol.heading(frame, device && control.get('gateway', device.gateway));
    if (!heading.isSound) this.#counts.unsound++;
    const password = protocol.hasNoPasswords ? undefined : heading.password;
    const fault = unwelcome(device, { address, password }, line.address);
    if (fault) this.#turnAway(line, frame, heading, fault);
    else this.#take(line, frame, heading, device!);
  }

  /** Of a device that may speak here. */
  #take(line: Line, frame: Uint8Array, { isSound, kind, part }: Heading, device: Device): void {
    if (!isSound) {
      this.#deliver(line, device, frame, 'unreadable');
      return;
    }
    this.#welcome(line, device, frame);
    if (kind !== 'report' && kind !== 'unknown') this.#converse(line, frame, kind);
    else if (part === null || part.total <= 1) {
      this.#deliver(line, device, frame, 'durable');
    } else {
      const { limits, clock } = this.#options;
      line.parts ??= new Parts(limits.parts);
      for (const joined of line.parts.add(frame, part, clock.monotonicMs())) this.#deliverParts(line, joined);
    }
  }

  #welcome(line: Line, device: Device, frame: Uint8Array): void {
    line.sound();
    const { hasSpoken } = line;
    this.#claims.spoke(line, device, frame, this.#options.clock.monotonicMs());
    if (!hasSpoken) this.#admission.loggedIn(line);
    this.#seenMs.set(device.gateway, this.#options.clock.nowMs());
  }

  /** What holds no values: nothing is to be kept before it is answered. */
  #converse(line: Line, frame: Uint8Array, kind: Heading['kind']): void {
    this.#counts[kind === 'reply' ? 'replies' : 'heartbeats']++;
    const { protocol, clock } = this.#options;
    const answer = kind === 'reply' ? null : protocol.answer(frame, 'durable', clock.nowMs());
    if (answer) line.write(answer);
  }

  /** The device is found anew: its gateway may have changed while parts waited. */
  #deliverParts(line: Line, { frames, isWhole }: Joined): void {
    const { address } = this.#options.protocol.heading(frames[0]!);
    const device = address === null ? undefined : this.#devices.find(address);
    if (device) this.#deliver(line, device, Buffer.concat(frames), isWhole ? 'durable' : 'incomplete');
  }

  /** @param outcome once it is on disk; what is `unreadable` by its checksum may be read by the codec all the same. */
  #deliver(line: Line, device: Device, payload: Uint8Array, outcome: Outcome): void {
    const { door, control, protocol, clock } = this.#options;
    const { gateway: source } = device;
    const beforeMs = this.#missed.expect(device);
    if (outcome === 'durable') this.#claims.reported(device, payload);
    this.#submit(line, payload, () => {
      const gateway = control.get('gateway', source);
      const stations = new Set(gateway?.stations ?? []);
      return door.accept({ source, stations, contentType: formatOf(gateway), payload });
    }).then(
      (receipt) => {
        if (receipt === null) return;
        if (receipt.duplicates > 0 && receipt.accepted === 0) this.#counts.repeats++;
        if (receipt.span) this.#missed.heard(device, receipt.span, beforeMs);
        const kept = this.#missed.isWaiting(device) ? 'durable-stay' : 'durable';
        const isKept = outcome === 'durable' || (outcome === 'unreadable' && !receipt.undecodable);
        const answer = protocol.answer(payload, isKept ? kept : outcome, clock.nowMs());
        if (answer) line.write(answer);
      },
      (error: Error) => this.#fail(line, error),
    );
  }

  /**
   * Quarantined and not answered: the device keeps what it has, and sends it again when its gateway is registered. What is
   * damaged goes through the codec, which can say how.
   */
  #turnAway(line: Line, frame: Uint8Array, { kind, isSound }: Heading, fault: Fault): void {
    const { name, door, strangers, log } = this.#options;
    this.#counts.unwelcome++;
    if (!strangers.allows(line.address)) {
      this.#counts.unwelcomeLimited++;
      if (!line.hasSpoken) line.close('too many frames of devices that are not welcome');
      return;
    }
    strangers.failed(line.address);
    const fields = { event: 'tcp.unwelcome', listener: name, address: line.address, code: fault.code };
    log.warn(fields, fault.message);
    // Nothing of what was measured is in the others.
    if (isSound && kind !== 'report' && kind !== 'unknown') return;
    const source = `tcp:${name}`;
    const contentType = formatOf({ protocol: TCP_LISTENERS[name][0] });
    const stations: ReadonlySet<string> = new Set();
    this.#submit(line, frame, () =>
      isSound ? door.refuse(source, fault, frame) : door.accept({ source, stations, contentType, payload: frame }),
    ).catch((error: Error) => this.#fail(line, error));
  }

  #submit(line: Line, payload: Uint8Array, attempt: () => Promise<Receipt>): Promise<Receipt | null> {
    line.hold(payload.byteLength);
    return this.#held.submit(line, attempt).finally(() => line.release(payload.byteLength));
  }

  #askFor(device: Device, fromMs: number, toMs: number): boolean | null {
    const { protocol, clock, log } = this.#options;
    const { line, heard, asking } = this.#claims.of(device.address) ?? {};
    if (!line || !heard || asking!.length > 0) return false;
    const requests = protocol.request?.(this.#asked(device, heard), fromMs, toMs, clock.nowMs()) ?? null;
    if (requests === null) return null;
    this.#claims.ask(device, requests, clock.monotonicMs());
    const period = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
    log.info(
      { event: 'tcp.asked', ...this.#describe(line), device: device.address, ...period },
      'asked for what is missing',
    );
    return true;
  }

  #asked({ address, password, gateway }: Device, heard: Uint8Array): Asked {
    return { address, password, heard, gateway: this.#options.control.get('gateway', gateway) };
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const line of this.#lines) {
      if (line.parts) {
        for (const joined of line.parts.due(nowMs)) this.#deliverParts(line, joined);
        if (line.parts.isEmpty) line.parts = null;
      }
      line.tick(nowMs);
    }
    this.#claims.tick(nowMs);
    this.#missed.tick();
  }

  /** Changes of the registers count at once for those who are connected. */
  #recheck(gateway: string): void {
    for (const { address, device, line } of this.#claims.ofGateway(gateway)) {
      const now = this.#devices.find(address);
      const fault = unwelcome(now, device, line.address);
      if (fault || now!.gateway !== gateway) line.destroy();
    }
    if (this.#options.control.get('gateway', gateway) === undefined) this.#seenMs.delete(gateway);
  }

  #describe(line: Line): object {
    return { listener: this.#options.name, devices: [...line.devices].slice(0, 4), address: line.address };
  }

  #whenHeld(error: StoreError): void {
    if (this.#held.waiting === 0) {
      const fields = { event: 'tcp.holding', listener: this.#options.name, code: error.code };
      this.#options.log.warn(fields, 'the journal takes nothing: devices are not answered until it does');
    }
    this.#counts.held++;
  }

  /** A fault of ours: logged, and the connection closed, so that nothing is acknowledged that isn't kept. */
  #fail(line: Line, error: Error): void {
    this.#options.log.error({ event: 'tcp.failed', err: error, ...this.#describe(line) }, 'TCP listener failed');
    line.destroy();
  }
}

/** What its lines are counted by. */
function credentialOf({ devices }: Line): string | null {
  return devices.values().next().value ?? null;
}
