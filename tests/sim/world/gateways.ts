/**
 * Gateways as they are: they measure on the hour and the half, keep what they couldn't deliver, deliver some of it late,
 * twice, corrected or in a bunch, and send now and then what nobody can take.
 */
import type { FaultCode } from '#model/faults.ts';
import type { Random } from './random.ts';
import { COURSES, type Course, GATEWAYS, type Pace } from './site.ts';
import { POISON } from './store.ts';

/** One value as a gateway sent it. `fault` = for what it is quarantined whenever it comes; null: for nothing. */
export interface SentValue {
  station: string;
  parameter: string;
  timeMs: number;
  value: number | null;
  deviceFlag: string | null;
  fault: FaultCode | null;
}

export interface SentMessage {
  gateway: string;
  /** The gateway's own number; null for one that can't be decoded. */
  seq: number | null;
  values: readonly SentValue[];
  payload: Uint8Array;
}

/** Shares of messages that are held back for up to an hour, or for long; corrected; and so on. */
export interface Habits {
  heldBack: number;
  late: number;
  bunched: number;
  repeated: number;
  corrected: number;
  broken: number;
  foreign: number;
  poisoned: number;
  /** How long what is late is late, ms. */
  lateMsMax: number;
  /** How old what is corrected may be, ms. */
  correctedMsMax: number;
  /** Share of values that no water has. */
  outliers: number;
}

export const soberHabits = (): Habits => ({
  heldBack: 0,
  late: 0,
  bunched: 0,
  repeated: 0,
  corrected: 0,
  broken: 0,
  foreign: 0,
  poisoned: 0,
  lateMsMax: 0,
  correctedMsMax: 0,
  outliers: 0,
});

export class Gateways {
  readonly all: SimGateway[];
  constructor(random: Random, habits: Habits, pace: Pace) {
    this.all = [...GATEWAYS].map(([id, stations]) => new SimGateway(id, stations, random, habits, pace));
  }

  measure(timeMs: number): void {
    for (const gateway of this.all) gateway.measure(timeMs);
  }

  /** Moves what was held back until now to where it is delivered from. */
  release(nowMs: number): void {
    for (const gateway of this.all) gateway.release(nowMs);
  }

  get waiting(): number {
    return this.all.reduce((sum, { queue, held }) => sum + queue.length + held.length, 0);
  }
}

export class SimGateway {
  readonly id: string;
  readonly stations: ReadonlySet<string>;
  /** What is to be delivered, in its order; stays until it is acknowledged. */
  queue: SentMessage[] = [];
  held: { atMs: number; message: SentMessage }[] = [];
  readonly #random: Random;
  readonly #habits: Habits;
  readonly #pace: Pace;
  readonly #courses: { course: Course; at: number }[];
  /** What it measured lately, to correct. */
  #past: SentValue[] = [];
  #bunch: SentValue[] = [];
  #seq = 0;

  constructor(id: string, stations: readonly string[], random: Random, habits: Habits, pace: Pace) {
    this.id = id;
    this.stations = new Set(stations);
    this.#random = random;
    this.#habits = habits;
    this.#pace = pace;
    this.#courses = COURSES.filter(({ station }) => this.stations.has(station)).map((course) => ({
      course,
      at: course.start,
    }));
  }

  measure(timeMs: number): void {
    const random = this.#random;
    const values = this.#courses.map((one) => this.#sample(one, timeMs));
    this.#past = [...this.#past, ...values.filter(({ fault }) => fault === null)].slice(-400);
    this.#bunch.push(...values);
    if (!random.chance(this.#habits.bunched)) {
      this.#hand(this.#bunch, timeMs);
      this.#bunch = [];
    }
    if (random.chance(this.#habits.corrected)) this.#hand(this.#corrections(timeMs), timeMs);
    if (random.chance(this.#habits.broken)) this.queue.push(this.#undecodable());
  }

  release(nowMs: number): void {
    const due = this.held.filter(({ atMs }) => atMs <= nowMs);
    this.held = this.held.filter(({ atMs }) => atMs > nowMs);
    this.queue.push(...due.map(({ message }) => message));
  }

  /** Everything that it still has to say, at once. */
  flush(): void {
    if (this.#bunch.length > 0) this.queue.push(this.#message(this.#bunch));
    this.#bunch = [];
    this.release(Number.POSITIVE_INFINITY);
  }

  /** It is acknowledged and goes; some gateways send it once more all the same. */
  acknowledged(message: SentMessage, nowMs: number): void {
    this.queue = this.queue.filter((other) => other !== message);
    if (!this.#random.chance(this.#habits.repeated)) return;
    this.held.push({ atMs: nowMs + this.#random.between(0, 12) * this.#pace.slotMs, message });
  }

  /** Gives a message to the queue, now or later. */
  #hand(values: readonly SentValue[], timeMs: number): void {
    if (values.length === 0) return;
    const random = this.#random;
    const message = this.#message(values);
    const { late, heldBack, lateMsMax } = this.#habits;
    if (random.chance(late)) this.held.push({ atMs: timeMs + random.between(0, lateMsMax), message });
    else if (random.chance(heldBack))
      this.held.push({ atMs: timeMs + random.between(0, 5.5 * this.#pace.slotMs), message });
    else this.queue.push(message);
  }

  #sample(one: { course: Course; at: number }, timeMs: number): SentValue {
    const random = this.#random;
    const { course } = one;
    const { station, parameter, step, min, max, isTotal, isPoisonous } = course;
    const good = { station, parameter, timeMs, deviceFlag: null, fault: null };
    if (isTotal) {
      one.at = (one.at + random.between(0, step)) % max;
      return { ...good, value: one.at };
    }
    if (random.chance(this.#habits.foreign)) return { ...good, ...this.#foreign(parameter) };
    if (isPoisonous && random.chance(this.#habits.poisoned)) return { ...good, value: POISON };
    if (random.chance(0.02)) return { ...good, value: null };
    if (random.chance(0.02)) return { ...good, value: rounded(one.at), deviceFlag: random.pick(['M', 'D', 'L']) };
    if (random.chance(this.#habits.outliers)) return { ...good, value: rounded(max * random.pick([2, 4])) };
    if (!random.chance(0.1)) one.at = Math.min(max, Math.max(min, one.at + (random.next() * 2 - 1) * step));
    return { ...good, value: rounded(one.at) };
  }

  /** What can't be taken of a value that is otherwise sound. */
  #foreign(parameter: string): Pick<SentValue, 'station' | 'parameter' | 'value' | 'fault'> {
    const own = this.#courses[0]!.course.station;
    return this.#random.pick([
      { station: own, parameter: 'plutonium', value: 1, fault: 'parameter.unknown' as const },
      { station: 'atlantis', parameter, value: 1, fault: 'station.unknown' as const },
      { station: own === 'weir' ? 'taocha' : 'weir', parameter: 'nh3n', value: 9, fault: 'gateway.not-owner' as const },
    ]);
  }

  /** Other values for times that were sent before. */
  #corrections(nowMs: number): SentValue[] {
    const count = this.#random.between(1, 3);
    const recent = this.#past.filter(({ timeMs }) => timeMs >= nowMs - this.#habits.correctedMsMax);
    let old: SentValue | null = null;
    return Array.from({ length: recent.length === 0 ? 0 : count }, () => {
      // Some gateways change their mind within a message.
      if (old === null || !this.#random.chance(0.4)) old = this.#random.pick(recent);
      const other = old.value === null || old.value === POISON ? 5 : old.value;
      return { ...old, value: rounded(other * this.#random.pick([0.5, 0.9, 1.1, 2])), deviceFlag: null };
    });
  }

  #undecodable(): SentMessage {
    const payload = Buffer.from(`{"samples": [ ${this.#random.between(0, 1e9)}`);
    return { gateway: this.id, seq: null, values: [], payload };
  }

  #message(values: readonly SentValue[]): SentMessage {
    this.#seq += 1;
    const samples = values.map(({ station, parameter, timeMs, value, deviceFlag }) => ({
      station,
      time: timeMs % (2 * this.#pace.intervalMs) === 0 ? timeMs : new Date(timeMs).toISOString(),
      values: { [parameter]: deviceFlag === null ? value : { value, flag: deviceFlag } },
    }));
    const payload = Buffer.from(JSON.stringify({ seq: this.#seq, samples }));
    return { gateway: this.id, seq: this.#seq, values: [...values], payload };
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
