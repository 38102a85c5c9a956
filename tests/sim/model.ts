/**
 * What must come out, worked out from nothing but what the gateways sent and in which order it was journaled: a map from
 * series and time to value, in which the later received of two values wins, and counts.
 */
import type { Entry, MessageEntry } from '#model/entry.ts';
import type { FaultCode } from '#model/faults.ts';
import type { SentMessage, SentValue } from '#tests/helpers/sim-gateways.ts';
import { GATEWAYS } from '#tests/helpers/sim-site.ts';
import { POISON } from '#tests/helpers/sim-store.ts';

/** Contracts §3: what is further ahead of its arrival is impossible. */
const AHEAD_MS = 10 * 60_000;

/** A value that the door took, in the order of the journal. */
export interface Arrival extends SentValue {
  source: string;
  receivedMs: number;
}

/** One time of one series. */
interface Cell {
  arrivals: Arrival[];
  /** The store refused one of them: whether others count as stored or duplicate depends on when it was asked. */
  isPoisoned: boolean;
  /** What is stored in the end; null when nothing is. */
  last: Arrival | null;
}

export interface Counts {
  received: number;
  /** Of cells that were never poisoned. */
  stored: number;
  duplicate: number;
  /** Values of poisoned cells: stored, duplicate or quarantined. */
  doubtful: number;
  /** Refused by the door, by code; undecodable messages are not known here. */
  quarantined: Map<FaultCode, number>;
}

export const seriesKey = ({ station, parameter }: { station: string; parameter: string }) => `${station}/${parameter}`;

export class Model {
  /** By series key, then time. */
  readonly series = new Map<string, Map<number, Cell>>();
  readonly counts = new Map<string, Counts>();
  /** What the journal itself gets wrong. */
  readonly faults: string[] = [];

  /** @param names what a series id stands for. */
  constructor(
    committed: readonly Entry[],
    sent: ReadonlyMap<string, SentMessage>,
    names: (series: number) => string | undefined,
  ) {
    for (const id of GATEWAYS.keys()) {
      this.counts.set(id, { received: 0, stored: 0, duplicate: 0, doubtful: 0, quarantined: new Map() });
    }
    let before: Entry | undefined;
    for (const entry of committed) {
      this.#follows(entry, before);
      before = entry;
      if (entry.kind !== 'message' || entry.gatewaySeq === null) continue;
      const message = sent.get(`${entry.source} ${entry.gatewaySeq}`);
      if (message) this.#journal(entry, message, names);
      else this.faults.push(`entry ${entry.seq} holds a message that nobody sent`);
    }
    for (const cells of this.series.values()) for (const cell of cells.values()) this.#settle(cell);
  }

  /** Every value that the door took, in its order. */
  *arrivals(): Generator<Arrival> {
    for (const cells of this.series.values()) for (const cell of cells.values()) yield* cell.arrivals;
  }

  /** What is stored of a series in the end, by time. */
  stored(series: string): Arrival[] {
    const last = [...(this.series.get(series)?.values() ?? [])].map((cell) => cell.last);
    return last.filter((arrival) => arrival !== null).sort((a, b) => a.timeMs - b.timeMs);
  }

  /** One clock that never goes back, no number left out, and a start that says since when nobody was there. */
  #follows(entry: Entry, before: Entry | undefined): void {
    const { seq, receivedMs } = entry;
    if (seq !== (before?.seq ?? 0) + 1) this.faults.push(`entry ${seq} follows ${before?.seq}`);
    if (receivedMs < (before?.receivedMs ?? 0)) this.faults.push(`entry ${seq} was received before the one before it`);
    if (entry.kind === 'start' && entry.downSinceMs !== (before?.receivedMs ?? null)) {
      this.faults.push(`start ${seq} says down since ${entry.downSinceMs}, not ${before?.receivedMs}`);
    }
  }

  #journal(entry: MessageEntry, message: SentMessage, names: (series: number) => string | undefined): void {
    const { source, receivedMs } = entry;
    const counts = this.counts.get(source)!;
    counts.received += message.values.length;
    const taken: Arrival[] = [];
    for (const value of message.values) {
      const fault = faultOf(value, receivedMs);
      if (fault === null) taken.push({ ...value, source, receivedMs });
      else counts.quarantined.set(fault, (counts.quarantined.get(fault) ?? 0) + 1);
    }
    const text = (
      series: string | undefined,
      { timeMs, value, deviceFlag }: Omit<SentValue, 'fault' | 'station' | 'parameter'>,
    ) => `${series} ${timeMs} ${value} ${deviceFlag}`;
    const expected = taken.map((arrival) => text(seriesKey(arrival), arrival));
    const found = entry.readings.map((reading) => text(names(reading.series), reading));
    if (expected.join() !== found.join()) this.faults.push(`entry ${entry.seq} says ${found}, was sent ${expected}`);
    for (const arrival of taken) this.#take(arrival);
  }

  #take(arrival: Arrival): void {
    const cells = this.series.getOrInsertComputed(seriesKey(arrival), () => new Map());
    const cell = cells.getOrInsertComputed(arrival.timeMs, () => ({ arrivals: [], isPoisoned: false, last: null }));
    cell.arrivals.push(arrival);
    if (arrival.value === POISON) cell.isPoisoned = true;
  }

  #settle(cell: Cell): void {
    for (const arrival of cell.arrivals) {
      const counts = this.counts.get(arrival.source)!;
      const isSame = cell.last !== null && arrival.value === cell.last.value;
      if (cell.isPoisoned) counts.doubtful += 1;
      else if (isSame) counts.duplicate += 1;
      else counts.stored += 1;
      if (!isSame && arrival.value !== POISON) cell.last = arrival;
    }
  }
}

/** The order in which the door looks: station, owner, time, parameter. */
function faultOf({ fault, timeMs }: SentValue, receivedMs: number): FaultCode | null {
  if (fault === 'station.unknown' || fault === 'gateway.not-owner') return fault;
  return timeMs > receivedMs + AHEAD_MS ? 'time.impossible' : fault;
}
