/**
 * What we know of our session at an outside broker, in a small file that outlives the process: what it subscribes to,
 * and when we were last connected. From it a lost session and a changed list of topics are told (MQTT 5 §3.2.2.1.1).
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const session = z.object({
  /** Its addresses without credentials, separated by commas. */
  broker: z.string(),
  clientId: z.string(),
  /** What the broker may have us subscribed to. */
  topics: z.array(z.string()),
  /** When we last heard from the broker while subscribed, wall clock; null = never. */
  connectedMs: z.number().nullable(),
  /** Since when messages may be lost, until everything is subscribed anew; null = none are. */
  gapFromMs: z.number().nullable(),
  /** By address: the newest canary that was acknowledged, and the messages that the broker says it has dropped. */
  canaries: z.record(z.string(), z.number()).default({}),
  dropped: z.record(z.string(), z.number()).default({}),
  /** Topics of alarms that we have left retained, the oldest first. */
  retained: z.array(z.string()).default([]),
});
type Session = z.infer<typeof session>;

const RETAINED_MAX = 10_000;

interface Options {
  sessionPath: string;
  log: { warn(fields: object, message: string): void };
}

export class SessionMemory {
  readonly #options: Options;
  readonly #session: Session;
  readonly #retained: Set<string>;

  /** @throws the system's error when there is a file that can't be read. */
  constructor(options: Options, addresses: readonly string[], clientId: string) {
    this.#options = options;
    const known = readSession(options.sessionPath);
    const broker = addresses.join(',');
    // One address in common is the same broker, or the same cluster: a list may grow and change.
    const isSame = known?.broker.split(',').some((address) => addresses.includes(address));
    if (known && isSame && known.clientId === clientId) {
      this.#session = { ...known, broker };
      this.#retained = new Set(known.retained);
      return;
    }
    if (known) {
      const fields = { event: 'mqtt.session-left', broker: known.broker, clientId: known.clientId };
      options.log.warn(fields, 'the broker or the client id is another one: what was kept for the old is not fetched');
    }
    // A broker by another name may still know the old topics: to unsubscribe one in vain does no harm.
    this.#session = {
      broker,
      clientId,
      topics: known?.topics ?? [],
      connectedMs: null,
      gapFromMs: null,
      canaries: {},
      dropped: {},
      retained: [],
    };
    this.#retained = new Set();
  }

  get topics(): readonly string[] {
    return this.#session.topics;
  }

  /** Since when messages may be lost; null = none are. */
  get gapFromMs(): number | null {
    return this.#session.gapFromMs;
  }

  /** The broker has no session of ours. @returns whether it had one before. */
  missing(): boolean {
    const { connectedMs } = this.#session;
    this.#session.gapFromMs ??= connectedMs;
    this.#session.topics = [];
    return connectedMs !== null;
  }

  /** Before it is asked for, so that what the broker may have is never unknown to us. */
  asks(...topics: string[]): void {
    this.#session.topics = [...new Set([...this.#session.topics, ...topics])];
    this.write();
  }

  /** The broker has confirmed that these are over. */
  unsubscribed(...topics: string[]): void {
    this.#session.topics = this.#session.topics.filter((topic) => !topics.includes(topic));
    this.write();
  }

  /** All is subscribed: a gap ends here. */
  complete(heardMs: number): void {
    this.#session.gapFromMs = null;
    this.heard(heardMs);
  }

  heard(connectedMs: number): void {
    this.#session.connectedMs = connectedMs;
    this.write();
  }

  /** Topics of ours under which the broker may have kept a message; written down with the next of all else. */
  get retained(): ReadonlySet<string> {
    return this.#retained;
  }

  /** @param isEmpty the message has emptied the topic. */
  hasRetained(topic: string, isEmpty: boolean): void {
    if (isEmpty) this.#retained.delete(topic);
    else this.#retained.add(topic);
    if (this.#retained.size > RETAINED_MAX) this.#retained.delete(this.#retained.values().next().value!);
  }

  canary(address: string): number | null {
    return this.#session.canaries[address] ?? null;
  }

  canaryAcknowledged(address: string, n: number): void {
    this.#session.canaries[address] = n;
    this.write();
  }

  dropped(address: string): number | null {
    return this.#session.dropped[address] ?? null;
  }

  heardDropped(address: string, count: number): void {
    this.#session.dropped[address] = count;
    this.write();
  }

  write(): void {
    const { sessionPath: path, log } = this.#options;
    try {
      const text = JSON.stringify({ ...this.#session, retained: [...this.#retained] });
      writeFileSync(`${path}.new`, `${text}\n`, { mode: 0o600, flush: true });
      renameSync(`${path}.new`, path);
    } catch (error) {
      // It is written again each minute; until then a lost session is told with an earlier time.
      log.warn({ event: 'mqtt.session-file-failed', err: error }, 'the session file could not be written');
    }
  }
}

/** Null when there was none, or the file says nothing sensible. */
function readSession(path: string): Session | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return session.parse(JSON.parse(text));
  } catch {
    // Edited, or of another version: then we know of no session, and the broker's word is all there is.
    return null;
  }
}
