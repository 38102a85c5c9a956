/**
 * Devices that speak their protocol over a bare connection: a listener for each that is configured (WK_TCP_HJ212,
 * WK_TCP_SL651, WK_TCP_SZY206), with limits of its own. tcp/listener.ts is one of them.
 */
import type { TellCrowded } from '#model/access-limits.ts';
import { TCP_LISTENERS, type TcpListener } from '#model/protocol.ts';
import { createLogInLimit } from '#setting/secrets.ts';
import { formatOf, STREAMS } from '../codecs/index.ts';
import type { StreamProtocol } from '../codecs/stream.ts';
import { Listener, type ListenerOptions, type TcpLimits } from './tcp/listener.ts';
import { MISSED_LIMITS } from './tcp/missed.ts';

/**
 * Thousands of stations may stand behind one address (a carrier's private network), come back at once after a restart and
 * say nothing before their next report, so that of one address must leave room for that.
 */
const TCP_LIMITS: Readonly<TcpLimits> = {
  connections: 10_000,
  silentPerAddress: 6_000,
  connectionsPerCredential: 5,
  silentMs: 600_000,
  idleMs: 2 * 3_600_000 + 600_000,
  frameMs: 60_000,
  noiseBytes: 64 << 10,
  heldMessages: 64,
  heldBytes: 512 << 10,
  heldBytesTotal: 32 << 20,
  behindBytes: 64 << 10,
  parts: { groups: 4, bytes: 256 << 10, waitMs: 5_000, keepMs: 120_000 },
  missed: MISSED_LIMITS,
};
/** Frames of devices that aren't welcome, an address and minute. */
const STRANGERS_PER_MINUTE = 10;

export interface TcpOptions
  extends Pick<ListenerOptions, 'door' | 'control' | 'clock' | 'log' | 'contested' | 'newestMs' | 'cycleMs'> {
  /** Where each listens; null: not at all. */
  addresses: Readonly<Record<TcpListener, { host: string; port: number } | null>>;
  crowded: TellCrowded;
  limits?: Partial<TcpLimits>;
  /** What is spoken; for tests. */
  protocols?: Readonly<Partial<Record<TcpListener, StreamProtocol>>>;
}

export interface TcpListeners {
  /** Of those that listen. */
  readonly ports: ReadonlyMap<TcpListener, number>;
  /** Counted since the process began, as `LISTENER.WHAT`. */
  counters(): Record<string, number>;
  connections(): Record<string, number>;
  /** Frames that wait since the journal can't take them. */
  waiting(): number;
  lastSeenMs(gateway: string): number | null;
  disconnectGateway(gateway: string): void;
  /**
   * Sets the clocks of a gateway's devices. @param address of one of them; null: of all.
   * @returns the addresses of those that were told, and of those that aren't connected; null: none of its can be.
   */
  setClock(gateway: string, address: string | null): { told: string[]; away: string[] } | null;
  close(): Promise<void>;
}

/** Starts those that are configured. Rejects with the system's error (`EADDRINUSE` …) when one can't listen. */
export async function startTcp(options: TcpOptions): Promise<TcpListeners> {
  const { addresses, clock, crowded, protocols } = options;
  const limits = { ...TCP_LIMITS, ...options.limits };
  const strangers = createLogInLimit(clock, STRANGERS_PER_MINUTE, (address) => crowded('tcp.address', address));
  const listeners = new Map<TcpListener, Listener>();
  const close = async () => {
    await Promise.all([...listeners.values()].map((listener) => listener.close()));
  };
  for (const [name, address] of Object.entries(addresses) as [TcpListener, { host: string; port: number } | null][]) {
    const protocol = protocols ? protocols[name] : streamOf(name);
    if (address === null) continue;
    if (!protocol) throw new Error(`WK_TCP_${name.toUpperCase()}: this version does not speak ${name}`);
    const listener = new Listener({ ...options, ...address, name, protocol, limits, strangers });
    try {
      await listener.listen();
    } catch (error) {
      await Promise.all([listener.close(), close()]);
      throw error;
    }
    listeners.set(name, listener);
  }
  const all = () => [...listeners.values()];
  return {
    ports: new Map([...listeners].map(([name, { port }]) => [name, port])),
    counters: () =>
      Object.fromEntries(
        [...listeners].flatMap(([name, { counters }]) =>
          Object.entries(counters).map(([what, count]) => [`${name}.${what}`, count]),
        ),
      ),
    connections: () => Object.fromEntries([...listeners].map(([name, { connections }]) => [name, connections])),
    waiting: () => all().reduce((sum, { waiting }) => sum + waiting, 0),
    lastSeenMs(gateway) {
      const seen = all().flatMap((listener) => listener.lastSeenMs(gateway) ?? []);
      return seen.length === 0 ? null : Math.max(...seen);
    },
    disconnectGateway(gateway) {
      for (const listener of all()) listener.disconnect(gateway);
    },
    setClock(gateway, address) {
      const outcomes = all().flatMap((listener) => listener.setClock(gateway, address) ?? []);
      if (outcomes.length === 0) return null;
      return { told: outcomes.flatMap(({ told }) => told), away: outcomes.flatMap(({ away }) => away) };
    },
    close,
  };
}

function streamOf(name: TcpListener): StreamProtocol | undefined {
  return STREAMS[formatOf({ protocol: TCP_LISTENERS[name][0] })];
}
