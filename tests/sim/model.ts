/**
 * What must come out, worked out from nothing but what the gateways sent and in which order it was journaled: a map from
 * series and time to value, in which the later received of two values wins, and counts.
 */
import type { Correction, Entry, MessageEntry } from '#model/entry.ts';
import type { FaultCode } from '#model/faults.ts';
import type { Flag } from '#model/flag.ts';
import type { SentMessage, SentValue } from '#tests/sim/world/gateways.ts';
import { GATEWAYS } from '#tests/sim/world/site.ts';
import { POISON } from '#tests/sim/world/store.ts';

/** Contracts §3: what is further ahead of its arrival is impossible. */
const AHEAD_MS = 10 * 60_000;

/** A value that the door took, in the order of the journal. */
export interface Arrival extends SentValue {
  source: string;
  receivedMs: number;
}

/** What an engineer has done to one time of one series. */
export type Fix = Pick<Correction, 'action' | 'value' | 'flag'>;

/** What happened to one time of one series, in the order of the journal. */
export type CellEvent = { arrival: Arrival } | { fix: Fix };

/** What is stored; `pinned` = a flag that an engineer has set. */
export interface Kept extends Arrival {
  pinned?: Flag;
}

/** One time of one series. */
interface Cell {
  events: CellEvent[];
  /** The store refused one of them: whether others count as stored or duplicate depends on when it was asked. */
  isPoisoned: boolean;
  /** What is stored in the end; null when nothing is. */
  last: Kept | null;
  /** Values that an engineer has put another one for, since a gateway's last one. */
  replaced: (number | null)[];
}

export const arrivalsOf = ({ events }: Pick<Cell, 'events'>): Arrival[] =>
  events.flatMap((event) => ('arrival' in event ? [event.arrival] : []));

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
  /** Whether what is put through the door again next is what the store refused. */
  #isRefusedReplay = false;

  /** @param names what a series id stands for. */
  constructor(
    committed: readonly Entry[],
    sent: ReadonlyMap<string, SentMessage>,
    names: (series: number) => string | undefined,
  ) {
    for (const id of GATEWAYS.keys()) this.#countsOf(id);
    let before: Entry | undefined;
    for (const entry of committed) {
      this.#follows(entry, before);
      before = entry;
      if (entry.kind === 'command' && entry.command.verb === 'correct') this.#correct(entry.command);
      if (entry.kind === 'command' && entry.command.verb === 'replay-quarantine') {
        this.#isRefusedReplay = entry.command.quarantineId.startsWith('store-');
      }
      if (entry.kind === 'message' && entry.gatewaySeq === null) this.#replay(entry, names);
      if (entry.kind !== 'message' || entry.gatewaySeq === null) continue;
      const message = sent.get(`${entry.source} ${entry.gatewaySeq}`);
      if (message) this.#journal(entry, message, names);
      else this.faults.push(`entry ${entry.seq} holds a message that nobody sent`);
    }
    for (const cells of this.series.values()) for (const cell of cells.values()) this.#count(cell);
  }

  /** What is stored of a series in the end, by time. */
  stored(series: string): Kept[] {
    const last = [...(this.series.get(series)?.values() ?? [])].map((cell) => cell.last);
    return last.filter((kept) => kept !== null).sort((a, b) => a.timeMs - b.timeMs);
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
    const counts = this.#countsOf(source);
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

  /**
   * What was in quarantine is taken after all: the clock that called it impossible has been put right. What the store
   * refused it refuses again, and nothing has changed.
   */
  #replay({ source, receivedMs, readings }: MessageEntry, names: (series: number) => string | undefined): void {
    if (this.#isRefusedReplay) return;
    const { quarantined } = this.#countsOf(source);
    for (const { series, timeMs, value, deviceFlag } of readings) {
      const [station, parameter] = names(series)!.split('/') as [string, string];
      quarantined.set('time.impossible', (quarantined.get('time.impossible') ?? 0) - 1);
      this.#take({ station, parameter, timeMs, value, deviceFlag, fault: null, source, receivedMs });
    }
  }

  #countsOf(source: string): Counts {
    const none = { received: 0, stored: 0, duplicate: 0, doubtful: 0, quarantined: new Map() };
    return this.counts.getOrInsertComputed(source, () => none);
  }

  #take(arrival: Arrival): void {
    const cells = this.series.getOrInsertComputed(seriesKey(arrival), () => new Map());
    const cell = cells.getOrInsertComputed(
      arrival.timeMs,
      (): Cell => ({ events: [], isPoisoned: false, last: null, replaced: [] }),
    );
    cell.events.push({ arrival });
    if (arrival.value === POISON) cell.isPoisoned = true;
    else if (!isKnown(cell, arrival.value)) Object.assign(cell, { last: arrival, replaced: [] });
  }

  /** The command changes what is stored then, and nothing that comes later. */
  #correct(correction: Correction): void {
    for (const [timeMs, cell] of this.series.get(seriesKey(correction)) ?? []) {
      if (timeMs < correction.fromMs || timeMs >= correction.toMs || cell.last === null) continue;
      const { action, value, flag } = correction;
      cell.events.push({ fix: { action, ...(value !== undefined && { value }), ...(flag !== undefined && { flag }) } });
      cell.last = fixed(cell, cell.last, correction);
    }
  }

  #count(cell: Cell): void {
    const again: Cell = { events: [], isPoisoned: false, last: null, replaced: [] };
    for (const event of cell.events) {
      if ('fix' in event) {
        again.last = again.last && fixed(again, again.last, event.fix);
        continue;
      }
      const { arrival } = event;
      const counts = this.#countsOf(arrival.source);
      const isSame = isKnown(again, arrival.value);
      if (cell.isPoisoned) counts.doubtful += 1;
      else if (isSame) counts.duplicate += 1;
      else counts.stored += 1;
      if (!isSame && arrival.value !== POISON) Object.assign(again, { last: arrival, replaced: [] });
    }
  }
}

/** The same again, or what an engineer knew better than: a gateway that repeats itself undoes no correction. */
function isKnown({ last, replaced }: Cell, value: number | null): boolean {
  return last !== null && (value === last.value || replaced.includes(value));
}

function fixed(cell: Cell, last: Kept, { action, value, flag }: Fix): Kept {
  if (action === 'flag') return last.value === null ? last : { ...last, pinned: flag! };
  const next = action === 'delete' ? null : value!;
  if (next === last.value) return last;
  cell.replaced.push(last.value);
  const { pinned: _pinned, ...rest } = last;
  return { ...rest, value: next, deviceFlag: null };
}

/** The order in which the door looks: station, owner, time, parameter. */
function faultOf({ fault, timeMs }: SentValue, receivedMs: number): FaultCode | null {
  if (fault === 'station.unknown' || fault === 'gateway.not-owner') return fault;
  return timeMs > receivedMs + AHEAD_MS ? 'time.impossible' : fault;
}
