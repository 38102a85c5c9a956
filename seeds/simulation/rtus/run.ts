/**
 * Runs simulated RTUs against a service's TCP listeners: registers each over the API, then speaks its protocol over a
 * connection of its own as such boxes do: a modem's registration packet first, reports that are sent again on a new
 * connection as long as nobody has confirmed them.
 */
import { connect, type Socket } from 'node:net';
import { formatOf, STREAMS } from '#ingest/codecs/index.ts';
import type { Clock } from '#src/clock.ts';
import { type Api, call } from '../../api-client.ts';
import type { World } from '../sites.ts';
import { hj212 } from './hj212.ts';
import type { Rtu, TcpSpeaker } from './rtu.ts';
import { sl651 } from './sl651.ts';
import { szy206 } from './szy206.ts';

export const TCP_SPEAKERS = { hj212, sl651, szy206 } as const satisfies Record<string, TcpSpeaker>;
export type TcpSpeakerName = keyof typeof TCP_SPEAKERS;

export interface RtuOptions {
  api: Api;
  world: World;
  /** Where the protocol's listener is. */
  host: string;
  port: number;
  clock: Clock;
  say(line: string): void;
}

export interface RunningRtus {
  gateways: number;
  /** Reports that were confirmed. */
  confirmed(): number;
  stop(): void;
}

/** Unconfirmed reports that an RTU keeps; beyond, it forgets the oldest. */
const KEPT_MAX = 100;
const RECONNECT_MS = 1000;

/** An RTU for each of these stations. @throws ApiError when one can't be registered. */
export async function startRtus(
  name: TcpSpeakerName,
  stations: readonly string[],
  options: RtuOptions,
): Promise<RunningRtus> {
  const speaker: TcpSpeaker = TCP_SPEAKERS[name];
  const { api } = options;
  const running: Box[] = [];
  for (const [n, station] of stations.entries()) {
    const rtu = { id: `${name}-${station}`, station, ...speaker.identify(n) };
    await call(api, 'PUT', `/gateways/${rtu.id}`, {
      name: `${name} at ${station}`,
      stations: [station],
      ...speaker.entry(rtu),
    });
    running.push(new Box(rtu, speaker, options));
  }
  return {
    gateways: running.length,
    confirmed: () => running.reduce((sum, { confirmed }) => sum + confirmed, 0),
    stop() {
      for (const box of running) box.stop();
    },
  };
}

/** Those of the world that a kind of RTU measures. */
export function stationsFor(name: TcpSpeakerName, world: World, timeMs: number): string[] {
  const { fits } = TCP_SPEAKERS[name];
  return [...world.stations.keys()].filter((station) => fits(world.values(station, timeMs, null)));
}

class Box {
  confirmed = 0;
  readonly #rtu: Rtu;
  readonly #speaker: TcpSpeaker;
  readonly #options: RtuOptions;
  readonly #startMs: number;
  readonly #unconfirmed: Uint8Array[] = [];
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #number = 0;
  #isStopped = false;

  constructor(rtu: Rtu, speaker: TcpSpeaker, options: RtuOptions) {
    this.#rtu = rtu;
    this.#speaker = speaker;
    this.#options = options;
    this.#startMs = options.clock.nowMs();
    this.#connect();
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#socket?.destroy();
  }

  #connect(): void {
    const { host, port, say } = this.#options;
    const socket = connect({ host, port });
    const framer = STREAMS[formatOf(this.#speaker)]!.framer();
    socket.on('connect', () => {
      this.#socket = socket;
      socket.write(`REG:${this.#rtu.id}`);
      for (const report of this.#unconfirmed) socket.write(report);
    });
    socket.on('data', (chunk: Buffer) => {
      for (const found of framer.push(chunk)) {
        if (found.kind !== 'frame' || !this.#speaker.confirms(found.bytes) || this.#unconfirmed.length === 0) continue;
        this.#unconfirmed.shift();
        this.confirmed++;
      }
    });
    socket.on('error', (error) => say(`${this.#rtu.id}: ${error.message}`));
    socket.on('close', () => {
      this.#socket = null;
      if (!this.#isStopped) this.#retry = setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #schedule(): void {
    const { clock } = this.#options;
    const { intervalMs } = this.#speaker;
    const nowMs = clock.nowMs();
    const dueMs = (Math.floor(nowMs / intervalMs) + 1) * intervalMs;
    this.#timer = setTimeout(() => {
      this.#report(dueMs);
      this.#schedule();
    }, dueMs - nowMs);
  }

  #report(timeMs: number): void {
    const { world } = this.#options;
    this.#number++;
    const values = world.values(this.#rtu.station, timeMs, timeMs - this.#startMs);
    const report = this.#speaker.report(this.#rtu, values, timeMs, this.#number);
    this.#unconfirmed.push(report);
    if (this.#unconfirmed.length > KEPT_MAX) this.#unconfirmed.shift();
    this.#socket?.write(report);
  }
}
