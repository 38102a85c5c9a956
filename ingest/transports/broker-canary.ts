/**
 * Tries an outside broker with a message of our own, at start and after each reconnect: a broker that makes two levels
 * of a dot, or that came back with an older copy of our session, acknowledges gateways and loses what they sent, and
 * says nothing. The canary is published retained each minute and when we leave, with a number that rises; a broker
 * that retains an older one than it has acknowledged has gone back in time, and our session with it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { phrase, type Told, told } from '#model/alarms/phrases.ts';
import type { Clock } from '#src/clock.ts';
import type { SessionMemory } from './mqtt-session.ts';
import type { PublishWindow } from './publish-window.ts';
import { CANARY_TOPIC, DROPPED_TOPIC, isCanaryTopic } from './topics.ts';

/** What the trial says of the broker. `untried`: the canary did not come back. */
export interface CanaryVerdict extends Told {
  levels: 'kept' | 'split' | 'untried';
}

export interface CanaryOptions {
  clientId: string;
  clock: Clock;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Told after each trial. */
  onCanary: (verdict: CanaryVerdict) => void;
  /** The broker says that it has dropped so many messages more than when it was last heard. */
  onDropped: (count: number) => void;
}

export interface CanaryLimits {
  /** Between two canaries; 0 = the broker isn't tried. */
  canaryMs: number;
  /** Nothing has come for so long: the canary won't, either. */
  canaryQuietMs: number;
}

/** The connection that a trial goes over. */
export interface Perch {
  client: MqttClient;
  publishes: PublishWindow | null;
  heardMs: number;
  ended: AbortController;
}

interface Trial {
  perch: Perch;
  address: string;
  n: number;
  /** The broker says that it has kept our session. */
  isSame: boolean;
  /** Number of the newest canary of ours that the broker retained. */
  retained: number | null;
  isOver: boolean;
}

const payload = z.object({ by: z.string(), n: z.number() });
/** A broker may have a long queue for us, in front of the canary; but not one without an end. */
const TRIAL_MAX_MS = 300_000;
const LOOK_MS = 200;
/** Connections in a row that ended in a trial: the broker answers the canary by hanging up. Then not for an hour. */
const HANG_UPS = 2;
const AGAIN_MS = 3_600_000;
const GOODBYE_MS = 500;

export class BrokerCanary {
  readonly #options: CanaryOptions;
  readonly #limits: CanaryLimits;
  readonly #session: SessionMemory;
  readonly #onOlder: (sinceMs: number) => void;
  #trial: Trial | null = null;
  #hangUps = 0;
  /** Monotonic, when a trial last began. */
  #triedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param onOlder the broker's copy of our session is of this time (wall clock), though it was acknowledged since. */
  constructor(
    options: CanaryOptions,
    limits: CanaryLimits,
    session: SessionMemory,
    onOlder: (sinceMs: number) => void,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#session = session;
    this.#onOlder = onOlder;
  }

  /** To be called when everything is subscribed; resolves with the trial's end. */
  async try(perch: Perch, address: string, isSame: boolean): Promise<void> {
    if (this.#limits.canaryMs === 0) return;
    clearInterval(this.#timer);
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#hangUps >= HANG_UPS && nowMs - this.#triedMs < AGAIN_MS) {
      this.#judge('untried', told(phrase('canary.hung-up')));
      return;
    }
    const trial: Trial = { perch, address, n: this.#next(address), isSame, retained: null, isOver: false };
    this.#trial = trial;
    this.#triedMs = nowMs;
    const { client, publishes, ended } = perch;
    try {
      // Retained ones come at the subscription, and so before the one that is published now.
      await client.subscribeAsync(CANARY_TOPIC, { qos: 1 });
      await publishes!.publish(CANARY_TOPIC, this.#payload(trial.n), true);
      // Nobody need allow it: it is asked for the dropped messages that Mosquitto counts.
      client.subscribe(DROPPED_TOPIC, { qos: 0 }, () => {});
      await this.#arrival(trial);
    } catch (error) {
      if (!ended.signal.aborted) this.#miss(trial, { detail: (error as Error).message });
    }
    if (ended.signal.aborted) {
      if (!trial.isOver) this.#hangUps++;
      return;
    }
    this.#hangUps = 0;
    const again = () => this.#say(perch, address).catch(() => {});
    if (trial.isOver && this.#trial === trial) this.#timer = setInterval(again, this.#limits.canaryMs).unref();
  }

  /** @returns whether the message is one of ours, or of the broker's own, and no business of the door. */
  heard(topic: string, body: string | Buffer, isRetained: boolean): boolean {
    if (topic === DROPPED_TOPIC) this.#countDropped(Number(String(body)));
    else if (!isCanaryTopic(topic)) return false;
    else this.#hear(topic, String(body), isRetained);
    return true;
  }

  /** The last canary, before the connection is left; never rejects, and never takes long. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    const trial = this.#trial;
    if (!trial?.isOver || trial.perch.ended.signal.aborted) return;
    const said = this.#say(trial.perch, trial.address).catch(() => {});
    await Promise.race([said, pause(GOODBYE_MS, null, { ref: false })]);
  }

  /** The time is part of the number, so that what is older says how old it is. */
  #next(address: string): number {
    return Math.max(this.#options.clock.nowMs(), (this.#session.canary(address) ?? 0) + 1);
  }

  #payload(n: number): string {
    return JSON.stringify({ by: this.#options.clientId, n });
  }

  async #say({ publishes }: Perch, address: string): Promise<void> {
    const n = this.#next(address);
    await publishes?.publish(CANARY_TOPIC, this.#payload(n), true);
    if (publishes) this.#session.canaryAcknowledged(address, n);
  }

  async #arrival(trial: Trial): Promise<void> {
    const { clock } = this.#options;
    const { perch } = trial;
    const startedMs = clock.nowMs();
    while (!trial.isOver) {
      await pause(LOOK_MS, null, { signal: perch.ended.signal, ref: false });
      const nowMs = clock.nowMs();
      const quietMs = nowMs - Math.max(startedMs, perch.heardMs);
      if (quietMs >= this.#limits.canaryQuietMs || nowMs - startedMs >= TRIAL_MAX_MS) {
        return this.#miss(trial, told(phrase('canary.lost')));
      }
    }
  }

  #hear(topic: string, text: string, isRetained: boolean): void {
    const trial = this.#trial;
    const said = parsed(text);
    if (!trial || trial.isOver || said?.by !== this.#options.clientId) return;
    if (said.n !== trial.n) {
      if (isRetained) trial.retained = said.n;
      return;
    }
    trial.isOver = true;
    const acknowledged = this.#session.canary(trial.address);
    this.#session.canaryAcknowledged(trial.address, trial.n);
    if (topic !== CANARY_TOPIC) {
      // RabbitMQ, whose nodes each retain what they were sent themselves: nothing to tell an older copy by.
      this.#judge('split', told(phrase('canary.split', { topic: CANARY_TOPIC, as: topic })));
      return;
    }
    this.#judge('kept', { detail: '' });
    const { retained } = trial;
    if (trial.isSame && acknowledged !== null && retained !== null && retained < acknowledged) this.#onOlder(retained);
  }

  #miss(trial: Trial, why: Told): void {
    if (trial.isOver) return;
    if (this.#trial === trial) this.#trial = null;
    this.#judge('untried', why);
  }

  #judge(levels: CanaryVerdict['levels'], seen: Told): void {
    const { log, onCanary } = this.#options;
    const fields = { event: 'mqtt.canary', levels, detail: seen.detail };
    if (levels === 'kept') log.info(fields, 'the broker keeps topics as they are');
    else log.warn(fields, 'the broker can not be trusted with every topic, or could not be tried');
    onCanary({ ...seen, levels });
  }

  /** Since the broker began: less than before is another beginning. */
  #countDropped(count: number): void {
    const address = this.#trial?.address;
    if (address === undefined || !Number.isSafeInteger(count)) return;
    const before = this.#session.dropped(address);
    if (before === count) return;
    this.#session.heardDropped(address, count);
    if (before !== null && count > before) this.#options.onDropped(count - before);
  }
}

function parsed(text: string): z.infer<typeof payload> | null {
  try {
    return payload.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
